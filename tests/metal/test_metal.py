"""The Metal machine on a system without one: the library is built with the simulator and its suite runs
there, plain and under the sanitizers.

    test_metal.py BUILD_FOLDER

The builds stay in BUILD_FOLDER/metal, metal-address and metal-thread. A green run says that kernels
and host do what Metal's documentation allows them to rely on, in a simulator; nothing about speed.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from support import tap  # noqa: E402

NATIVE = pathlib.Path(sys.argv[1]).resolve()
COMPILERS = {"CC": "clang-16", "CXX": "clang++-16", "OBJC": "clang-16"}
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
SEEDS = range(10)  # of the schedule: 0 is in order


def missing():
    tools = [name for name in ("clang-16", "meson", "ninja") if shutil.which(name) is None]
    if tools:
        return tools
    library = subprocess.run(["clang-16", "-print-file-name=libobjc.so"], check=True, text=True,
                             stdout=subprocess.PIPE).stdout.strip()
    return [] if library.startswith("/") else ["libobjc-12-dev"]


def call(*command, **environment):
    """What a command prints; a failure shows all of it."""
    done = subprocess.run(list(map(str, command)), check=False, text=True, cwd=ROOT,
                          env={**os.environ, **COMPILERS, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def build(mode):
    folder = NATIVE / ("metal" if mode == "none" else f"metal-{mode}")
    if not (folder / "build.ninja").exists():
        options = [] if mode == "none" else ["-Db_lundef=false", "-Db_ndebug=false"]
        call("meson", "setup", folder, ROOT, "-Dmetal=sim", "-Dwerror=true",
             f"-Db_sanitize={mode}", *options)
    call("ninja", "-C", folder, *call("tools/suite_targets", folder, "metal").split())
    return folder


@unittest.skipIf(missing(), f"needs {', '.join(missing())}: tools/setup metal")
class Metal(unittest.TestCase):
    def run_suite(self, mode, **environment):
        """Every case of the suite passes, and none is skipped."""
        output = call("tools/run_tests", build(mode), "--suite", "metal", **environment)
        passed, failed, skipped = map(int, COUNTS.search(output).groups())
        print(f"# {mode}: {passed} passed, {failed} failed, {skipped} skipped")
        self.assertGreater(passed, 50)
        self.assertEqual((failed, skipped), (0, 0), output)

    def test_the_suite_runs_clean(self):
        self.run_suite("none")

    def test_the_suite_runs_clean_under_the_address_sanitizer(self):
        self.run_suite("address", MET_TEST_QUICK="1")

    def test_the_suite_runs_clean_under_the_thread_sanitizer(self):
        self.run_suite("thread", MET_TEST_QUICK="1")

    def test_no_schedule_changes_a_result(self):
        folder = build("none")

        def run(seed):
            for name in ("steps", "decode", "products", "attention", "rows", "sample"):
                call(folder / "tests" / "metal" / f"test_metal_{name}", METALSIM_SEED=str(seed),
                     MET_TEST_QUICK="1", METALSIM_CACHE=str(folder / "metalsim-cache"))

        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for seed, result in zip(SEEDS, [pool.submit(run, seed) for seed in SEEDS]):
                with self.subTest(seed=seed):
                    result.result()


if __name__ == "__main__":
    tap.main()
