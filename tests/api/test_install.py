"""What `meson install` puts down is enough to build a program and to learn the command.

    test_install.py BUILD EXAMPLE.c MODEL.gguf
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support import tap  # noqa: E402

BUILD, EXAMPLE, MODEL = map(os.path.abspath, sys.argv[1:4])
QUESTION = "What is 17 + 25?"


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=120, check=False, **options)


def sanitizers():
    """What the program of a sanitized library is compiled with: the runtime comes first."""
    options = json.loads((pathlib.Path(BUILD) / "meson-info" / "intro-buildoptions.json").read_text())
    value = next(option["value"] for option in options if option["name"] == "b_sanitize")
    return [] if value == "none" else [f"-fsanitize={value}"]


class Installation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.place = pathlib.Path(cls.folder.name)
        log = pathlib.Path(BUILD) / "meson-logs" / "install-log.txt"
        before = log.read_bytes() if log.exists() else None  # what `make uninstall` goes by
        done = run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
                   env={**os.environ, "DESTDIR": str(cls.place)})
        if before is not None:
            log.write_bytes(before)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def one(self, pattern):
        found = sorted(path for path in self.place.rglob(pattern))
        self.assertEqual(len(found), 1, f"{pattern}: {found}")
        return found[0]

    def pkg_config(self, *arguments):
        if shutil.which("pkg-config") is None:
            self.skipTest("needs pkg-config")
        done = run("pkg-config", *arguments, "metallic", env={
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.place),
            "PKG_CONFIG_PATH": str(self.one("metallic.pc").parent)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def build(self, name, *libraries):
        """The example, compiled against what was installed."""
        program = self.place / name
        done = run("cc", "-std=c11", *sanitizers(), EXAMPLE, *self.pkg_config("--cflags"),
                   *libraries, "-o", program)
        self.assertEqual(done.returncode, 0, done.stderr)
        return program

    def test_a_program_is_built_with_pkg_config_and_runs(self):
        program = self.build("shared", *self.pkg_config("--libs"))
        where = str(self.one("libmetallic.a").parent)
        done = run(program, MODEL, QUESTION, env={**os.environ, "LD_LIBRARY_PATH": where,
                                                  "DYLD_LIBRARY_PATH": where})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("42", done.stdout)

    def test_a_program_takes_the_static_library_along(self):
        archive = self.one("libmetallic.a")
        others = [flag for flag in self.pkg_config("--static", "--libs")
                  if flag != "-lmetallic"]
        program = self.build("static", archive, *others)
        done = run(program, MODEL, QUESTION, env={"PATH": "/nowhere"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("42", done.stdout)

    def test_the_static_library_takes_no_name_outside_its_own(self):
        done = run("nm", "-g", "--defined-only", self.one("libmetallic.a"))
        if done.returncode != 0:
            self.skipTest("needs nm")
        names = {line.split()[2].lstrip("_") for line in done.stdout.splitlines()
                 if len(line.split()) == 3}
        self.assertGreater(len(names), 100)
        foreign = {name for name in names if not name.startswith("met_")}
        self.assertEqual({name for name in foreign if "san" not in name and "odr" not in name},
                         set())

    def test_the_command_its_page_and_its_completions_are_there(self):
        done = run(self.one("metallic.1").parents[3] / "bin" / "metallic", "--version")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")
        for completion in ("metallic.bash", "_metallic"):
            self.assertGreater(self.one(completion).stat().st_size, 500)
        self.assertTrue(self.one("metallic.h").read_bytes() ==
                        (ROOT / "include" / "metallic.h").read_bytes())
        schemas = {path.name for path in self.place.rglob("schemas/*.json")}
        self.assertEqual(schemas, {path.name for path in
                                   (ROOT / "docs" / "schemas").glob("*.json")})


if __name__ == "__main__":
    tap.main()
