"""Is every barrier of the kernels needed, and would its absence be noticed? Takes one away at a time and
expects the tests under ThreadSanitizer to fail.

    python3 tests/metal/mutate_barriers.py BUILD_FOLDER [KERNEL...]

Works on a copy of the sources in BUILD_FOLDER (some 5 minutes on 2 cores), and is not part of the
suite: run it after changing what a barrier protects. Exit status 1 when a kernel passes without one.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BARRIER = re.compile(r"\b(threadgroup|simdgroup)_barrier\(mem_flags::\w+\);")
# Which test runs a file's kernels.
TESTS = {"norm": "rows", "matvec": "products", "matmul": "products", "attention": "attention",
         "attention_tiles": "attention", "sample": "sample"}
COMPILERS = {"CC": "clang-16", "CXX": "clang++-16", "OBJC": "clang-16"}
PARTS = ["src", "include", "tests", "bench", "examples", "docs", "models", "tools", "python",
         "meson.build", "meson_options.txt"]


def copy_sources(to):
    if to.exists():
        shutil.rmtree(to)
    to.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, to / part)
        elif source.exists():
            shutil.copy(source, to / part)


def call(*command):
    subprocess.run(list(map(str, command)), check=True, env={**os.environ, **COMPILERS},
                   stdout=subprocess.DEVNULL)


def notices(build, test):
    """Whether the test fails on what the tree holds now."""
    program = f"tests/metal/test_metal_{test}"
    call("ninja", "-C", build, program)
    try:
        done = subprocess.run([build / program], check=False, timeout=120, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL,
                              env={**os.environ, "METALSIM_CACHE": str(build / "metalsim-cache")})
    except subprocess.TimeoutExpired:
        return True  # a million reports of races take their time
    return done.returncode != 0


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    kernels = sys.argv[2:] or list(TESTS)
    tree, build = folder / "sources", folder / "build"
    copy_sources(tree)
    if not (build / "build.ninja").exists():
        call("meson", "setup", build, tree, "-Dmetal=sim", "-Db_sanitize=thread",
             "-Db_lundef=false", "-Db_ndebug=false")
    missed = tried = 0
    for kernel in kernels:
        path = tree / "src/backend/metal" / f"{kernel}.metal"
        text = path.read_text(encoding="utf-8")
        if notices(build, TESTS[kernel]):
            sys.exit(f"{kernel}: the test fails before anything is changed")
        for match in BARRIER.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            path.write_text(text[:match.start()] + ";" + text[match.end():], encoding="utf-8")
            noticed = notices(build, TESTS[kernel])
            tried += 1
            missed += not noticed
            print(f"{kernel}.metal:{line}: {'noticed' if noticed else 'NOT NOTICED'}", flush=True)
        path.write_text(text, encoding="utf-8")
    print(f"{tried} barriers taken away, {tried - missed} noticed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
