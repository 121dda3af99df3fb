"""The bundled model's greedy text, prompt by prompt, against what PyTorch said.

    test_bundled.py PATH_OF_METALLIC

bundled.jsonl has one conversation a line: {"messages", "skill", "expected", "torch"}; the script
that made it is in python/bundled. Every line must come out equal to "torch", byte for byte;
"expected" (the right answer) is not judged here.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support import tap  # noqa: E402

METALLIC = sys.argv[1]
LEAST_LINES = 1500  # fewer would not cover every skill
SHOWN = 5  # differences that are printed for each skill


def read_lines():
    with open(HERE / "bundled.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def answer(line):
    """metallic's text for a conversation, or what went wrong. One thread: prompts run side by
    side, and the text does not depend on the number of threads."""
    done = subprocess.run(
        [METALLIC, "--messages", "-", "--temperature", "0", "--threads", "1", "--backend", "cpu",
         "--output-format", "json"], check=False, capture_output=True,
        input=json.dumps(line["messages"]).encode())
    if done.returncode != 0:
        return f"(exit {done.returncode}: {done.stderr.decode(errors='replace').strip()})"
    return json.loads(done.stdout)["text"]


class Bundled(unittest.TestCase):
    """One test for each skill is added below."""
    lines, texts = read_lines(), []

    @classmethod
    def setUpClass(cls):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        with concurrent.futures.ThreadPoolExecutor(cores) as pool:
            cls.texts = list(pool.map(answer, cls.lines))

    def test_there_are_enough_lines_and_each_is_whole(self):
        self.assertGreaterEqual(len(self.lines), LEAST_LINES)
        for number, line in enumerate(self.lines, 1):
            self.assertLessEqual({"messages", "skill", "expected", "torch"}, set(line), number)
            self.assertEqual(line["messages"][-1]["role"], "user", number)

    def judge(self, skill):
        wrong = [(number, line, text)
                 for number, (line, text) in enumerate(zip(self.lines, self.texts), 1)
                 if line["skill"] == skill and text != line["torch"]]
        for number, line, text in wrong[:SHOWN]:
            print(f"# line {number}: {line['messages'][-1]['content']!r}: "
                  f"found {text!r}, expected {line['torch']!r}")
        self.assertEqual(len(wrong), 0, f"{skill}: texts that differ from PyTorch's")


def add_skill(skill, count):
    name = "".join(c if c.isalnum() else "_" for c in skill)
    setattr(Bundled, f"test_{count}_lines_of_{name}_equal_PyTorch",
            lambda self: self.judge(skill))


for skill_, count_ in collections.Counter(line["skill"] for line in Bundled.lines).items():
    add_skill(skill_, count_)


if __name__ == "__main__":
    tap.main()
