"""The house's law: which room may include whom (docs/ARCHITECTURE.md), file sizes, line lengths,
one place that reads the environment, and headers that compile alone."""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap

ROOT = pathlib.Path(os.environ.get("MET_TEST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
INCLUDE = re.compile(r'^\s*#\s*(?:include|import)\s+"([^"]+)"', re.M)

# Every room may include its own files and metallic.h.
MAY_INCLUDE = {
    "base": set(),
    "metrics": {"base"},
    "gguf": {"base"},
    "template": {"base"},
    "program": {"base"},
    "tokenizer": {"base", "gguf"},
    "model": {"base", "gguf", "program"},
    "backend": {"base", "metrics", "program"},
    "generate": {"base", "metrics", "gguf", "template", "program", "tokenizer", "model", "backend"},
    "cli": set(),
}
# What a header that uses instruction-set extensions needs to compile.
ISA_FLAGS = {
    "x86_64": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mavx2", "-mfma",
               "-mf16c"],
    "aarch64": ["-march=armv8.2-a+dotprod"],
}
HERE = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
CODE = (".c", ".h", ".m", ".cu", ".metal")


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in CODE:
                yield path


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def processor_of(header):
    """The kind of processor that a header is for, or None."""
    text = header.read_text()
    if "arm_neon.h" in text:
        return "aarch64"
    return "x86_64" if re.search(r"immintrin\.h|/math_avx", text) else None


def is_objc(header):
    return re.search(r"^#import ", header.read_text(), re.M) is not None


def objc_command():
    """A compiler of Objective-C and the folder of Metal's headers, or None."""
    if platform.system() == "Darwin":
        return ["cc", "-fno-objc-arc"]
    compiler = shutil.which("clang-16")
    if compiler is None:
        return None
    library = subprocess.run([compiler, "-print-file-name=libobjc.so"], check=True,
                             capture_output=True, text=True).stdout.strip()
    if not library.startswith("/"):
        return None
    return [compiler, "-fobjc-runtime=gcc", "-fconstant-string-class=NSConstantString",
            "-idirafter", str(pathlib.Path(library).parent / "include"),
            f"-I{ROOT}/tests/metalsim/apple"]


class Layers(unittest.TestCase):
    def test_a_room_includes_only_rooms_below_it(self):
        wrong, seen = [], 0
        for path in sources("src"):
            room = path.relative_to(ROOT / "src").parts[0]
            for name in INCLUDE.findall(path.read_text()):
                seen += 1
                other = name.split("/")[0] if "/" in name else None
                if name in ("metallic.h", "version.h") or other == room:
                    continue
                if room == "cli" and other is None:
                    continue  # headers of the command beside the file
                if other not in MAY_INCLUDE[room]:
                    wrong.append(f"{path.relative_to(ROOT)} includes {name}")
        self.assertGreater(seen, 50)
        self.assertEqual(wrong, [])

    def test_examples_include_only_the_public_header(self):
        wrong = [f"{path.name}: {name}" for path in sources("examples")
                 for name in INCLUDE.findall(path.read_text()) if name != "metallic.h"]
        self.assertEqual(wrong, [])

    def test_no_file_holds_two_nouns(self):
        long = [f"{path.relative_to(ROOT)}: {n} lines"
                for path in sources("src", "include", "bench", "tests", "examples")
                if "GENERATED" not in (text := path.read_text())[:400]
                and (n := text.count("\n")) > 800]
        self.assertEqual(long, [])

    def test_lines_have_at_most_100_columns(self):
        wide = [f"{path.relative_to(ROOT)}:{i}" for path in sources("src", "include", "examples")
                if "GENERATED" not in (text := path.read_text())[:400]
                for i, line in enumerate(text.split("\n"), 1) if len(line) > 100]
        self.assertEqual(wide, [])

    def test_only_the_commands_table_reads_the_environment(self):
        found = [str(path.relative_to(ROOT)) for path in sources("src")
                 if re.search(r"\b(\w*getenv\w*|putenv|(un)?setenv|clearenv|_*environ|envp)\b",
                              without_comments(path.read_text()))]
        self.assertEqual(found, ["src/cli/environment.c"])

    def test_the_library_never_prints_exits_or_aborts(self):
        calls = re.compile(r"\b(printf|puts|fputs|perror|exit|_exit|abort|putchar)\s*\(")
        found = [f"{path.relative_to(ROOT)}: {match.group(0)}"
                 for path in sources("src") if "cli" not in path.parts
                 for match in calls.finditer(without_comments(path.read_text()))]
        self.assertEqual(found, [])

    def compile_headers_of(self, machine, compiler):
        """Those for one kind of processor; what is for all is compiled with those of this machine."""
        seen = 0
        for path in sources("src", "include"):
            if path.suffix != ".h" or (processor_of(path) or HERE) != machine or is_objc(path):
                continue
            seen += 1
            with self.subTest(header=str(path.relative_to(ROOT))):
                done = subprocess.run(
                    [compiler, "-x", "c", "-std=gnu11", "-D_GNU_SOURCE", *ISA_FLAGS.get(machine, []),
                     f"-I{ROOT}/include", f"-I{ROOT}/src", "-fsyntax-only", "-w", str(path)],
                    capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(seen, 0)

    def test_every_header_compiles_alone(self):
        self.compile_headers_of(HERE, os.environ.get("CC", "cc"))

    def test_every_header_of_objective_c_compiles_alone(self):
        command = objc_command()
        if command is None:
            self.skipTest("needs clang-16, libobjc-12-dev: tools/setup metal")
        headers = [path for path in sources("src") if path.suffix == ".h" and is_objc(path)]
        self.assertGreater(len(headers), 0)
        for path in headers:
            with self.subTest(header=str(path.relative_to(ROOT))):
                done = subprocess.run(
                    [*command, "-x", "objective-c", "-std=gnu11", "-D_GNU_SOURCE",
                     f"-I{ROOT}/include", f"-I{ROOT}/src", "-fsyntax-only", "-w", str(path)],
                    capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_header_for_another_processor_compiles_alone(self):
        for machine in ISA_FLAGS.keys() - {HERE}:
            compiler = f"{machine}-linux-gnu-gcc"
            if shutil.which(compiler) is None:
                self.skipTest(f"needs {compiler}")
            self.compile_headers_of(machine, compiler)


if __name__ == "__main__":
    tap.main()
