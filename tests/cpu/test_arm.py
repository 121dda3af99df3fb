"""The ARM levels on a machine of another kind: the library is cross-compiled and runs under qemu.

    test_arm.py BUILD_FOLDER

The kernel tests run at every ARM level, the contract's tests on whole models, and the passes that
choose a token; the models' logits and what the command answers are compared with those of this
machine. The cross build stays in
BUILD_FOLDER/arm. Emulated time says nothing about speed.
"""
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

NATIVE = pathlib.Path(sys.argv[1])
ARM = NATIVE / "arm"
LIBRARIES = pathlib.Path("/usr/lib/aarch64-linux-gnu/pkgconfig")
KERNELS = ["kernels_q8", "kernels_float", "kernels_rows", "kernels_attention", "kernels_reference"]
CONTRACT = "cpu_contract"
PASSES = "passes"
COMMAND = "src/cli/metallic"
# Threads wait by spinning, which an emulator makes dear: two of them show as much as eight.
ENVIRONMENT = {**os.environ, "MET_TEST_QUICK": "1", "CMOCKA_MESSAGE_OUTPUT": "TAP"}


def missing():
    tools = [name for name in ("aarch64-linux-gnu-gcc", "qemu-aarch64", "meson", "ninja")
             if shutil.which(name) is None]
    return tools + [f"{name}:arm64" for name in ("libutf8proc", "jansson", "ncursesw", "cmocka")
                    if not (LIBRARIES / f"{name}.pc").exists()]


def call(*command):
    """What a command prints; a failure shows all of it."""
    done = subprocess.run(command, check=False, env=ENVIRONMENT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        shown = " ".join(map(str, command))
        raise AssertionError(f"{shown}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def run(program, processor):
    return call("qemu-aarch64", "-cpu", processor, ARM / "tests" / f"test_{program}")


def cases(output, level):
    """(passed, skipped) cases of a level in a kernel test's output."""
    return (len(re.findall(rf"^ok \d+ - {level}: ", output, re.M)),
            len(re.findall(rf"^not ok \d+ # SKIP {level}: ", output, re.M)))


def hashes(output):
    return re.findall(r"^# (logits of .*: [0-9a-f]{16})$", output, re.M)


class Arm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if lacking := missing():
            raise unittest.SkipTest(f"needs {', '.join(lacking)}: tools/setup arm")
        if not (ARM / "build.ninja").exists():
            call("meson", "setup", ARM, ROOT, "--cross-file", ROOT / "tools/cross/aarch64.txt",
                 "-Dwerror=true")
        programs = [f"tests/test_{name}" for name in [*KERNELS, CONTRACT, PASSES]]
        call("ninja", "-C", ARM, COMMAND, *programs)

    def test_every_kernel_of_every_level_equals_the_reference(self):
        for program in KERNELS:
            with self.subTest(program=program):
                output = run(program, "max")
                self.assertNotIn("SKIP", output)
                if program != "kernels_reference":  # that one runs the scalar level alone
                    self.assertGreater(cases(output, "neon")[0], 5)
                    self.assertEqual(cases(output, "i8mm"), cases(output, "neon"))

    def test_a_processor_without_i8mm_runs_neon_and_no_more(self):
        output = run("kernels_q8", "cortex-a76")
        everything = sum(cases(output, "neon"))
        self.assertEqual(cases(output, "neon"), (everything, 0))
        self.assertEqual(cases(output, "i8mm"), (0, everything))

    def test_a_processor_without_the_dot_product_runs_the_reference(self):
        run("kernels_reference", "cortex-a72")
        output = run(CONTRACT, "cortex-a72")
        self.assertIn("# level neon is not on this processor", output)
        self.assertIn("# level i8mm is not on this processor", output)

    def test_whole_models_give_the_bits_of_this_machine(self):
        output = run(CONTRACT, "max")
        self.assertNotIn("not on this processor", output)
        self.assertGreaterEqual(len(hashes(output)), 5)
        self.assertEqual(hashes(output), hashes(call(NATIVE / "tests" / f"test_{CONTRACT}")))

    def test_passes_over_a_vocabulary_equal_their_definition(self):
        output = run(PASSES, "max")
        self.assertNotIn("SKIP", output)
        self.assertEqual(cases(output, "baseline"), (4, 0))

    def test_the_command_gives_the_answer_of_this_machine(self):
        prompt = ["--prompt", "What is 17 + 25?", "--temperature", "0", "--output-format", "text"]
        answer = call("qemu-aarch64", "-cpu", "max", ARM / COMMAND, *prompt)
        self.assertGreater(len(answer.strip()), 0)
        self.assertEqual(answer, call(NATIVE / COMMAND, *prompt))


if __name__ == "__main__":
    tap.main()
