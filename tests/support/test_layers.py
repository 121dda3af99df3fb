"""The house's law: which room may include whom (docs/ARCHITECTURE.md), file sizes, line lengths,
one place that reads the environment, and headers that compile alone."""
import os
import pathlib
import platform
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap

ROOT = pathlib.Path(os.environ.get("MET_TEST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)

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
ISA_FLAGS = ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mavx2", "-mfma",
             "-mf16c"] if platform.machine() == "x86_64" else []
CODE = (".c", ".h", ".m", ".cu", ".metal")


def sources(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in CODE:
                yield path


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
                 if re.search(r"\b(secure_)?getenv\s*\(", path.read_text())]
        self.assertLessEqual(len(found), 1, found)
        self.assertEqual([path for path in found if not path.startswith("src/cli/")], [])

    def test_the_library_never_prints_exits_or_aborts(self):
        calls = re.compile(r"\b(printf|puts|fputs|perror|exit|_exit|abort|putchar)\s*\(")
        found = [f"{path.relative_to(ROOT)}: {match.group(0)}"
                 for path in sources("src") if "cli" not in path.parts
                 for match in calls.finditer(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S))]
        self.assertEqual(found, [])

    def test_every_header_compiles_alone(self):
        compiler = os.environ.get("CC", "cc")
        for path in sources("src", "include"):
            if path.suffix != ".h":
                continue
            with self.subTest(header=str(path.relative_to(ROOT))):
                done = subprocess.run(
                    [compiler, "-x", "c", "-std=gnu11", "-D_GNU_SOURCE", *ISA_FLAGS, f"-I{ROOT}/include",
                     f"-I{ROOT}/src", "-fsyntax-only", "-w", str(path)],
                    capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    tap.main()
