"""bench_metrics runs and prints what docs/BENCHMARKS.md says. No time is judged."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap

BENCH = sys.argv[1]
CASES = ["none", "off", "token", "layer", "op", "token, jsonl", "op, jsonl", "op, trace"]


class Metrics(unittest.TestCase):
    def test_every_case_is_there_and_compared_with_none(self):
        done = subprocess.run([BENCH, "--quick", "--json", "--tokens", "4"], capture_output=True,
                              text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual({case["schema"] for case in found}, {"metallic.bench.metrics/1"})
        self.assertEqual([case["case"] for case in found], CASES)
        for case in found:
            self.assertEqual((case["rounds"], case["tokens"]), (3, 4))
            self.assertGreater(case["token_us_best"], 0)
            self.assertLessEqual(case["ratio_low"], case["ratio_median"])
            self.assertLessEqual(case["ratio_median"], case["ratio_high"])
        none = found[0]
        self.assertEqual((none["ratio_low"], none["ratio_high"], none["ratio_best"]), (1, 1, 1))


if __name__ == "__main__":
    tap.main()
