"""bench_speculate runs, fails when speculation changes a token, and prints what docs/BENCHMARKS.md
says. No time is judged."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap

BENCH = sys.argv[1]


class Speculate(unittest.TestCase):
    def test_no_token_changes_and_every_case_is_there(self):
        done = subprocess.run([BENCH, "--quick", "--json"], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        cases = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({case["schema"] for case in cases}, {"metallic.bench.speculate/1"})
        steps = [case for case in cases if case["case"] == "step"]
        self.assertEqual(steps[0]["tokens"], 1)
        self.assertGreater(len(steps), 3)
        texts = {case["case"]: case for case in cases if case["case"] != "step"}
        self.assertEqual(len(texts), 2)
        for case in texts.values():
            self.assertGreater(case["proposed_tokens"], 0)
            self.assertLessEqual(case["accepted_tokens"], case["proposed_tokens"])


if __name__ == "__main__":
    tap.main()
