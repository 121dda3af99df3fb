"""Every bench runs, and prints what docs/BENCHMARKS.md says. No time is judged."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap

ROOT = pathlib.Path(os.environ.get("MET_TEST_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BENCHES = {pathlib.Path(path).name.removeprefix("bench_"): path for path in sys.argv[1:]}
# What the framework names; the rest is beside it.
AREAS = {"tokenizer", "sdpa", "sdpa_variant", "tensor", "gguf_quant", "swiglu", "softmax", "matmul"}
TIMEOUT_SECONDS = 120

DOCUMENT_KEYS = {"schema", "bench", "isa", "cores", "statistic", "quick", "results"}
RESULT_KEYS = {"name", "level", "threads", "rounds", "us_median", "us_min", "us_max", "gb_s",
               "gmac_s", "ceiling_name", "ceiling", "ceiling_fraction"}
CEILINGS = {"read": "gb_s", "fma": "gmac_s", "int8": "gmac_s"}


def run(name, *args):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([BENCHES[name], *args], capture_output=True, text=True,
                              timeout=TIMEOUT_SECONDS, env={**os.environ, "TMPDIR": folder})
        done.left_behind = os.listdir(folder)
    if name == "matmul":  # it says so when it has no library to compare with
        done.stderr = re.sub(r"\Abench_matmul: native alone: [^\n]+\n", "", done.stderr)
    return done


class Benches(unittest.TestCase):
    def document(self, name, *args):
        done = run(name, "--json", "--quick", "--rounds", "1", *args)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.left_behind, [])
        return json.loads(done.stdout)

    def check_result(self, result):
        self.assertEqual(set(result), RESULT_KEYS)
        self.assertTrue(result["name"])
        self.assertGreaterEqual(result["threads"], 1)
        self.assertEqual(result["rounds"], 1)
        self.assertGreater(result["us_min"], 0)
        self.assertLessEqual(result["us_min"], result["us_median"])
        self.assertLessEqual(result["us_median"], result["us_max"])
        for key in ("gb_s", "gmac_s", "ceiling", "ceiling_fraction"):
            if result[key] is not None:
                self.assertGreater(result[key], 0, key)
        compared = result["ceiling_name"] is not None
        self.assertEqual(result["ceiling"] is not None, compared)
        self.assertEqual(result["ceiling_fraction"] is not None, compared)
        if compared:
            self.assertIsNotNone(result[CEILINGS[result["ceiling_name"]]])

    def test_there_is_a_bench_for_every_area(self):
        self.assertEqual(AREAS - set(BENCHES), set())

    def test_each_bench_prints_the_documented_json(self):
        for name in BENCHES:
            with self.subTest(bench=name):
                document = self.document(name)
                self.assertEqual(set(document), DOCUMENT_KEYS)
                self.assertEqual(document["schema"], "metallic.bench.kernels/1")
                self.assertEqual(document["bench"], name)
                self.assertEqual(document["statistic"], "median")
                self.assertIs(document["quick"], True)
                self.assertGreaterEqual(document["cores"], 1)
                self.assertTrue(document["results"])
                for result in document["results"]:
                    self.check_result(result)
                    if name in AREAS:
                        rate = result["gb_s"] or result["gmac_s"]
                        self.assertIsNotNone(rate, result["name"])

    def test_bytes_and_products_are_counted_as_the_shapes_say(self):
        # One time divides both, so their ratio is exact to the six digits that are printed.
        # Attention of 14 heads of 64 over 2 key-value heads: a visible key costs 2 * 14 * 64
        # products and 2 * 2 * 64 values of F16; 3B has 16 heads of 128.
        ratios = {"qwen2.5-0.5b decode": 2 * 14 * 64 / (2 * 2 * 64 * 2),
                  "qwen2.5-3b decode": 2 * 16 * 128 / (2 * 2 * 128 * 2)}
        results = self.document("sdpa", "--filter", "decode")["results"]
        self.assertEqual(len(results), len(ratios))
        for result in results:
            ratio = ratios[result["name"].split(",")[0]]
            self.assertAlmostEqual(result["gmac_s"] / result["gb_s"], ratio, delta=2e-5 * ratio)
        # A block of 32 weights is 34 bytes as Q8_0, and 32 products a token.
        for result in self.document("kernels", "--filter", "_q8 ")["results"]:
            tokens = int(re.search(r"(\d+) tokens?$", result["name"]).group(1))
            ratio = 32 * tokens / 34
            self.assertAlmostEqual(result["gmac_s"] / result["gb_s"], ratio, delta=2e-5 * ratio)

    def test_without_json_each_case_is_a_line_with_its_rate(self):
        for name in sorted(AREAS):
            with self.subTest(bench=name):
                done = run(name, "--quick", "--rounds", "1")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                lines = done.stdout.splitlines()
                self.assertEqual(len(lines), len(self.document(name)["results"]))
                for line in lines:
                    self.assertRegex(line, r" \d+T +\d+\.\d\d us .*\d (MB/s|GB/s|GMAC/s)")

    def test_options_choose_level_threads_and_cases(self):
        results = self.document("swiglu", "--level", "scalar")["results"]
        self.assertEqual({result["level"] for result in results}, {"scalar"})
        results = self.document("sdpa", "--threads", "1", "--filter", "prefill")["results"]
        self.assertEqual({result["threads"] for result in results}, {1})
        self.assertTrue(all("prefill" in result["name"] for result in results))
        self.assertEqual(self.document("sampler", "--best")["statistic"], "best")

    def test_wrong_options_are_told_and_exit_2(self):
        for args, word in ((("--rounds", "0"), '"0"'), (("--rounds", "x"), '"x"'),
                           (("--threads", "65"), "1 to 64"), (("--level", "mmx"), "scalar"),
                           (("--filter", "no such case"), "no such case"), (("stray",), "stray"),
                           (("--what",), "--what")):
            with self.subTest(args=args):
                done = run("swiglu", "--quick", "--rounds", "1", *args)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(word, done.stderr)

    def test_a_file_that_is_not_there_is_told_and_exit_1(self):
        for name in ("gguf", "gguf_quant", "tokenizer"):
            with self.subTest(bench=name):
                done = run(name, "--json", "--quick", "--rounds", "1", "/absent.gguf")
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("/absent.gguf", done.stderr)

    def test_help_names_every_option(self):
        for name in BENCHES:
            with self.subTest(bench=name):
                done = run(name, "--help")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                for option in ("json", "quick", "best", "rounds", "threads", "level", "filter"):
                    self.assertIn(f"--{option}", done.stdout)

    def test_the_document_describes_every_bench_and_every_key(self):
        text = (ROOT / "docs" / "BENCHMARKS.md").read_text()
        for word in [f"bench_{name}" for name in BENCHES] + sorted(DOCUMENT_KEYS | RESULT_KEYS):
            with self.subTest(word=word):
                self.assertRegex(text, rf"`{word}`|build/bench/{word}\b")


if __name__ == "__main__":
    tap.main()
