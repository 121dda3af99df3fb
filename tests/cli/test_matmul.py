"""--matmul and FORCE_MATMUL_BACKEND: names, refusals, what is reported, what the logits are.

    test_matmul.py PATH_OF_METALLIC PATH_OF_A_FAKE_BLAS

The loader finds the fake library under the first name that metallic tries; folders of empty files
stand for a system without any.
"""
import os
import pathlib
import sys
import unittest

import numpy as np

from driver import CommandTest, FAILED, USAGE, environment, run, tap

FAKE = os.path.abspath(sys.argv.pop(2))
LIBRARIES = ("libopenblas.so.0", "libopenblas.so", "libblas.so.3")  # src/backend/cpu/vendor.c
PROMPT = ("--raw", "-p", "hello " * 20, "-n", 8, "--ignore-end", "-o", "json")


@unittest.skipUnless(sys.platform == "linux", "needs the loader of Linux")
class Matmul(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake, cls.none = cls.folder / "fake", cls.folder / "none"
        for place in (cls.fake, cls.none):
            place.mkdir()
        (cls.fake / LIBRARIES[0]).symlink_to(FAKE)
        for name in LIBRARIES:  # found first, and not a library
            (cls.none / name).touch()

    def settings(self, *arguments, place=None, **changes):
        env = environment(LD_LIBRARY_PATH=str(place or self.fake), **changes)
        return self.done("-m", self.tiny(), *PROMPT, *arguments, env=env).json["settings"]

    def logits(self, model, tokens, matmul, place):
        path = pathlib.Path(self.folder) / "logits.npy"
        self.done("logits", "-m", model, "--tokens", ",".join(map(str, tokens)), "--output", path,
                  "--matmul", matmul, env=environment(LD_LIBRARY_PATH=str(place)))
        return np.load(path)

    def test_every_name_is_taken_and_what_runs_is_reported(self):
        self.assertEqual(self.settings()["matmul"], "native")
        for name in ("auto", "native", "mlx"):
            self.assertEqual(self.settings("--matmul", name)["matmul"], "native")
            self.assertEqual(self.settings(FORCE_MATMUL_BACKEND=name)["matmul"], "native")
        for name in ("vendor", "mps"):
            told = f"vendor: {LIBRARIES[0]}"
            self.assertEqual(self.settings("--matmul", name)["matmul"], told)
            self.assertEqual(self.settings(FORCE_MATMUL_BACKEND=name)["matmul"], told)

    def test_the_flag_wins_over_the_variable_and_an_empty_variable_is_none(self):
        found = self.settings("--matmul", "native", FORCE_MATMUL_BACKEND="vendor")
        self.assertEqual(found["matmul"], "native")
        found = self.settings("--matmul", "vendor", FORCE_MATMUL_BACKEND="native")
        self.assertEqual(found["matmul"], f"vendor: {LIBRARIES[0]}")
        self.assertEqual(self.settings(FORCE_MATMUL_BACKEND="")["matmul"], "native")

    def test_bad_names_are_bad_usage_and_name_what_is_accepted(self):
        accepted = "auto, native, vendor, mlx or mps"
        for bad in ("blas", "Vendor", "vendor,", ""):
            self.fails(USAGE, "-p", "x", "--matmul", bad, says=("--matmul", accepted))
        for bad in ("blas", "Vendor", " "):
            self.fails(USAGE, "-p", "x", env=environment(FORCE_MATMUL_BACKEND=bad),
                       says=("FORCE_MATMUL_BACKEND", f'"{bad}"', accepted))

    def test_a_system_without_a_library_is_an_error_that_names_those_tried(self):
        env = environment(LD_LIBRARY_PATH=str(self.none))
        self.fails(FAILED, "-m", self.tiny(), "--raw", "-p", "x", "--matmul", "vendor", env=env,
                   says=("matmul", *LIBRARIES, "libopenblas0-pthread"))
        env["FORCE_MATMUL_BACKEND"] = "mps"
        self.fails(FAILED, "-m", self.tiny(), "--raw", "-p", "x", env=env, says=LIBRARIES)
        # Who does not multiply does not look for one.
        self.done("tokenize", "-m", self.tiny(), "x", env=env)
        self.assertEqual(self.settings("--matmul", "auto", place=self.none)["matmul"], "native")

    def test_prompts_of_float_models_go_to_the_library_and_answers_stay_close(self):
        """Both round sums of 160 products at most; a wrong product would be off by a part of 1."""
        tokens = [7 * i % 512 for i in range(90)]
        for kind in ("f32", "f16"):
            native = self.logits(self.tiny(kind), tokens, "native", self.none)
            vendor = self.logits(self.tiny(kind), tokens, "vendor", self.fake)
            self.assertFalse(np.array_equal(native, vendor), kind)  # or nobody went there
            error = np.abs(native - vendor).max() / np.abs(native).max()
            print(f"# tiny {kind}: vendor against native {error:.1e} of the largest logit")
            # F16 rounding of cached keys may turn a last bit into 2^-11 of a key.
            self.assertLess(error, 1e-3, kind)

    def test_few_tokens_and_q8_0_are_native_to_the_bit(self):
        for kind, tokens in (("f32", [5]), ("f16", list(range(31))), ("q8_0", list(range(80)))):
            native = self.logits(self.tiny(kind), tokens, "native", self.none)
            vendor = self.logits(self.tiny(kind), tokens, "vendor", self.fake)
            np.testing.assert_array_equal(native, vendor, kind)

    def test_speculation_changes_no_byte_here_either(self):
        env = environment(LD_LIBRARY_PATH=str(self.fake))
        found = [self.done("-m", self.tiny("f16"), "--raw", "-p", "and so on " * 20, "-n", 60,
                           "--ignore-end", "-o", "json", "--matmul", "vendor", "--logprobs", 2,
                           *extra, env=env).json for extra in ((), ("--speculate", 16))]
        self.assertGreater(found[1]["usage"]["proposed_tokens"], 0)
        for key in ("tokens", "text", "logprobs"):
            self.assertEqual(found[0][key], found[1][key])

    def test_bench_and_perplexity_take_it(self):
        env = environment(LD_LIBRARY_PATH=str(self.fake))
        found = self.done("bench", "-m", self.tiny("f16"), "-p", 16, "-n", 0, "-r", 1, "--json",
                          "--matmul", "vendor", env=env).json
        self.assertEqual(found["matmul"], f"vendor: {LIBRARIES[0]}")
        text = self.file("text", "some words to predict " * 20)
        nll = {name: self.done("perplexity", "-m", self.tiny("f32"), "--file", text, "--json",
                               "--matmul", name, env=env).json["nll"]
               for name in ("native", "vendor")}
        self.assertAlmostEqual(nll["native"], nll["vendor"], delta=1e-3 * nll["native"])

    def test_the_systems_library_when_there_is_one(self):
        tokens = list(range(90))
        system = run("-m", self.tiny(), "--raw", "-p", "x", "-n", 1, "--matmul", "vendor")
        if system.code != 0:
            self.assertIn(b"no vendor library", system.err)
            self.skipTest("needs a BLAS library")
        path = self.folder / "system.npy"
        self.done("logits", "-m", self.tiny("f16"), "--tokens", ",".join(map(str, tokens)),
                  "--output", path, "--matmul", "vendor")
        native = self.logits(self.tiny("f16"), tokens, "native", self.none)
        error = np.abs(native - np.load(path)).max() / np.abs(native).max()
        self.assertLess(error, 1e-3)


if __name__ == "__main__":
    tap.main()
