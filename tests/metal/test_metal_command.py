"""The command on the Metal machine: the same answers as on the processor, and the same errors.

    test_metal_command.py PATH_OF_METALLIC
"""
import io
import json
import os
import pathlib
import platform
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from support import tap  # noqa: E402
from driver import FAILED, ROOT, CommandTest, environment, run  # noqa: E402

QUICK = "MET_TEST_QUICK" in os.environ  # under a sanitizer
PROMPTS = 2 if QUICK else 24
SIMULATED = platform.system() != "Darwin"


def short_lines(count):
    """Of each skill in turn, the golden conversations that take the fewest bytes."""
    with open(ROOT / "tests" / "golden" / "bundled.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    skills = {}
    for line in sorted(lines, key=lambda line: len(json.dumps(line["messages"]) + line["torch"])):
        skills.setdefault(line["skill"], []).append(line)
    taken = []
    while len(taken) < count:
        for of_skill in skills.values():
            if of_skill and len(taken) < count:
                taken.append(of_skill.pop(0))
    return taken


class Command(CommandTest):
    def both(self, *arguments, **options):
        """A finished run on each machine."""
        return [self.done(*arguments, "--backend", name, **options) for name in ("cpu", "metal")]

    def test_greedy_text_of_the_bundled_model_equals_the_golden_one(self):
        for line in short_lines(PROMPTS):
            with self.subTest(skill=line["skill"]):
                found = self.done("--backend", "metal", "--messages", "-", "--temperature", "0",
                                  "--output-format", "text",
                                  stdin=json.dumps(line["messages"]).encode())
                self.assertEqual(found.text.rstrip("\n"), line["torch"])

    def test_logits_are_near_those_of_the_processor(self):
        for kind in ("f32", "f16"):  # Q8_0 rounds activations, and a tie may fall either way
            cpu, metal = self.both("logits", "-m", self.tiny(kind), "--tokens", "1,2,3,4,5",
                                   "--kv-type", "f32", "--output", "-")
            cpu, metal = (np.load(io.BytesIO(found.out)) for found in (cpu, metal))
            self.assertEqual(metal.shape, cpu.shape)
            # test_metal_steps derives a bound for each model; a wrong answer is far beyond 1e-3.
            self.assertLess(np.abs(metal - cpu).max(), 1e-3 * np.abs(cpu).max())

    def test_perplexity_is_near_that_of_the_processor(self):
        text = self.file("text", b"The sum of two and three is five. " * 4)
        cpu, metal = self.both("perplexity", "-m", self.tiny("f16"), "--file", text, "--json")
        self.assertEqual(set(metal.json), set(cpu.json))
        self.assertAlmostEqual(metal.json["perplexity"] / cpu.json["perplexity"], 1, delta=1e-3)

    def test_speculation_changes_no_token(self):
        tokens = [self.done("-m", self.tiny("f32"), "--prompt", "abcabcabcabc", "--raw",
                            "--max-tokens", "12", "--ignore-end", "--temperature", "0", "--backend", "metal",
                            "--output-format", "json", *more).json["tokens"]
                  for more in ((), ("--speculate", "3"), ("--logprobs", "2"))]
        self.assertEqual(tokens[1], tokens[0])
        self.assertEqual(tokens[2], tokens[0])

    def test_bench_measures_the_device(self):
        found = self.done("bench", "-m", self.tiny("q8_0"), "--backend", "metal", "-p", "12",
                          "-n", "4", "-r", "1", "--json").json
        self.assertEqual(found["backend"], "metal")

    def test_a_session_that_cannot_fit_is_refused_with_bytes(self):
        if not SIMULATED:
            self.skipTest("needs the simulator: it sets the device's memory")
        found = run("-m", self.tiny("f32"), "--prompt", "x", "--backend", "metal",
                    env=environment(METALSIM_WORKING_SET="1000000"))
        self.assertEqual(found.code, FAILED)
        self.assertRegex(found.err.decode(), r"recommends at most 1000000")

    def test_metals_words_reach_the_person(self):
        if not SIMULATED:
            self.skipTest("needs the simulator: it makes a step fail")
        found = run("-m", self.tiny("f32"), "--prompt", "x", "--backend", "metal",
                    env=environment(METALSIM_FAIL="command:1"))
        self.assertEqual(found.code, FAILED)
        self.assertRegex(found.err.decode(), r"metal: step: \S+")
        found = run("-m", self.tiny("f32"), "--prompt", "x", "--backend", "metal",
                    env=environment(METALSIM_FAIL="no-device:1"))
        self.assertEqual(found.code, FAILED)
        self.assertIn("this system has no Metal device", found.err.decode())


if __name__ == "__main__":
    tap.main()
