"""The switches between fibers that this machine does not use: ucontext, and 64-bit ARM under an
emulator. Both run the executor's whole test program."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(HERE)]
import runner  # noqa: E402
from support import tap  # noqa: E402

ARM_LIBRARIES = pathlib.Path("/usr/lib/aarch64-linux-gnu")
TESTS = HERE / "test_executor.c"
SOURCES = [*runner.SOURCES, TESTS]
CASES = TESTS.read_text(encoding="utf-8").count("cmocka_unit_test(")


def build(name, compiler, *flags):
    folder = runner.FOLDER / "fibers"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-std=gnu11", "-O2", "-fno-builtin", "-D_GNU_SOURCE", *flags,
                    f"-I{HERE}", f"-I{HERE.parent}", f"-I{ROOT}/include", *SOURCES, "-o",
                    folder / name, "-lcmocka", "-lpthread", "-ldl"], check=True)
    return folder / name


class Fibers(unittest.TestCase):
    def passes(self, *command):
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"1..{CASES}\n", done.stdout)
        self.assertNotIn("not ok", done.stdout)

    def test_ucontext(self):
        self.passes(build("ucontext", "cc", "-DSIM_UCONTEXT"))

    def test_64_bit_arm(self):
        compiler, emulator = "aarch64-linux-gnu-gcc", "qemu-aarch64"
        for tool in (compiler, emulator):
            if shutil.which(tool) is None:
                self.skipTest(f"needs {tool}: tools/setup arm")
        if not (ARM_LIBRARIES / "libcmocka.so").exists():
            self.skipTest("needs libcmocka:arm64: tools/setup arm")
        self.passes(emulator, build("arm", compiler))


if __name__ == "__main__":
    tap.main()
