"""The library as others meet it: its header, its symbols, its example.

    test_api.py SHARED_LIBRARY STREAM_EXAMPLE METALLIC
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support import tap  # noqa: E402

LIBRARY, STREAM, METALLIC = map(os.path.abspath, sys.argv[1:4])
BUNDLED = ROOT / "models" / "bundled-q8_0.gguf"
HEADER = ROOT / "include" / "metallic.h"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def compilers(kind):
    """Every compiler of that kind that this machine has: {"c": ...} or {"c++": ...}."""
    names = {"c": ("cc", "gcc", "clang"), "c++": ("c++", "g++", "clang++")}[kind]
    return sorted({os.path.realpath(path) for path in map(shutil.which, names) if path})


class Header(unittest.TestCase):
    def compile(self, kind, standard):
        found = compilers(kind)
        if not found:
            self.skipTest(f"no {kind} compiler on this system")
        for compiler in found:
            with self.subTest(compiler=compiler):
                done = subprocess.run([compiler, "-x", kind, f"-std={standard}", *WARNINGS,
                                       "-fsyntax-only", "-include", str(HEADER), os.devnull],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_it_compiles_alone_as_c11(self):
        self.compile("c", "c11")

    def test_it_compiles_alone_as_cpp17(self):
        self.compile("c++", "c++17")

    def test_a_cpp_program_calls_the_library(self):
        found = compilers("c++")
        if not found:
            self.skipTest("no c++ compiler on this system")
        source = ('#include "metallic.h"\n#include <cstdio>\n'
                  'int main() { std::puts(met_version()); return 0; }\n')
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "x.cc").write_text(source)
            where = os.path.dirname(LIBRARY)
            done = subprocess.run([found[0], "-std=c++17", f"-I{ROOT}/include", folder / "x.cc",
                                   LIBRARY, f"-Wl,-rpath,{where}", "-o", folder / "x"],
                                  capture_output=True, text=True, check=False)
            if "__asan_" in done.stderr or "__ubsan_" in done.stderr:
                self.skipTest("a sanitized library needs its own runtime; the C example links it")
            self.assertEqual(done.returncode, 0, done.stderr)
            version = subprocess.run([folder / "x"], capture_output=True, text=True, check=False)
            self.assertRegex(version.stdout + version.stderr, r"\d+\.\d+\.\d+|runtime")


class Symbols(unittest.TestCase):
    def names(self):
        mach_o = sys.platform == "darwin"  # one table, and an underscore before every name
        out = subprocess.run(["nm", "-g" if mach_o else "-D", "--defined-only", LIBRARY],
                             capture_output=True, text=True, check=True).stdout
        names = {line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()}
        return {name.removeprefix("_") for name in names} if mach_o else names

    def declared(self):
        text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
        return set(re.findall(r"MET_API[^;]*?\b(met_\w+)\(", text))

    def test_the_library_exports_what_the_header_declares_and_nothing_else(self):
        extra = {n for n in self.names() if not n.startswith(("__asan", "__ubsan", "__odr"))}
        self.assertGreater(len(self.declared()), 50)
        self.assertEqual(extra, self.declared())


class Example(unittest.TestCase):
    def stream(self, *arguments):
        return subprocess.run([STREAM, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, check=False)

    def test_it_streams_what_the_command_answers(self):
        question = "What is the capital of France?"
        done = self.stream(BUNDLED, question)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        answer = subprocess.run([METALLIC, "--prompt", question], capture_output=True, text=True,
                                check=True, timeout=120).stdout
        self.assertEqual(done.stdout, answer)
        self.assertGreater(len(answer), 2)

    def test_it_says_what_is_wrong(self):
        for arguments, says in (((), "usage"), (("/absent", "x"), "/absent")):
            done = self.stream(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(says, done.stderr)

    def test_it_has_some_forty_lines(self):
        lines = (ROOT / "examples" / "stream.c").read_text().count("\n")
        self.assertLessEqual(lines, 50)


if __name__ == "__main__":
    tap.main()
