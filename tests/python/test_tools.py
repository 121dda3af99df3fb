"""The programs in python/: what they print, and the exit codes that scripts rely on.

    test_tools.py PATH_OF_METALLIC
"""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python")]

from reference import gguf, synth  # noqa: E402
from support import tap  # noqa: E402

METALLIC = os.path.abspath(sys.argv[1])
HAVE_TRANSFORMERS = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))


class Tools(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def model(self, kind, **changes):
        path = self.folder / f"{kind}.gguf"
        synth.write(path, kind, **changes)
        return path

    def run_tool(self, name, *arguments, expect=0, environment=None):
        done = subprocess.run(
            [sys.executable, ROOT / "python" / f"{name}.py", *map(str, arguments)], check=False,
            capture_output=True, text=True, env={**os.environ, **(environment or {})})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def without_transformers(self):
        """An environment in which transformers cannot be imported."""
        (self.folder / "transformers.py").write_text("raise ImportError(name='transformers')\n")
        (self.folder / "torch.py").write_text("")
        return {"PYTHONPATH": str(self.folder)}

    def test_help_gives_exit_codes_and_examples(self):
        for name in ("compare", "instrument_qwen25", "benchmark"):
            text = self.run_tool(name, "--help").stdout
            self.assertIn("exit codes:", text)
            self.assertIn(f"python/{name}.py --gguf-path", text)

    def test_bad_usage_is_exit_2(self):
        path = self.model("F32")
        self.run_tool("compare", expect=2)
        self.run_tool("compare", "--gguf-path", path, "--against", "nobody", expect=2)
        self.run_tool("instrument_qwen25", "--gguf-path", path, "--tokens", "1", "--random", "3",
                      expect=2)
        self.run_tool("benchmark", "--gguf-path", path, "--repeat", "0", expect=2)

    def test_failures_are_exit_1_and_one_line(self):
        (self.folder / "no.gguf").write_bytes(b"GGUF")
        good = self.model("F32")
        cases = [
            ("compare", "--gguf-path", self.folder / "absent.gguf"),
            ("compare", "--gguf-path", self.folder / "no.gguf"),
            ("compare", "--gguf-path", good, "--tokens=1,512"),
            ("compare", "--gguf-path", good, "--tokens=1,x"),
            ("compare", "--gguf-path", good, "--metallic", self.folder / "absent"),
            ("instrument_qwen25", "--gguf-path", self.folder / "no.gguf"),
            ("instrument_qwen25", "--gguf-path", good, "--tokens=-1"),
            ("benchmark", "--gguf-path", self.folder / "absent.gguf"),
            ("benchmark", "--gguf-path", good, "--metallic", self.folder / "absent"),
        ]
        for name, *arguments in cases:
            if "--metallic" not in arguments:
                arguments += ["--metallic", METALLIC]
            done = self.run_tool(name, *arguments, expect=1)
            self.assertRegex(done.stderr, rf"\A{name}\.py: [^\n]+\n\Z")

    def test_compare_agrees_layer_by_layer_and_token_by_token(self):
        for kind, judge in (("F32", "contract"), ("Q8_0", "machine")):
            path = self.model(kind, layers=3)
            text = self.run_tool("compare", "--gguf-path", path, "--metallic", METALLIC,
                                 "--random", 70, "--layers", "--greedy", 6).stdout
            lines = [line for line in text.splitlines() if line.endswith("  ok")]
            self.assertEqual([line.split("  ")[0].strip() for line in lines],
                             [f"metallic against {judge}"]
                             + [f"cut after layer {i}, {judge}" for i in range(3)])
            self.assertIn(f"greedy tokens against {judge}: 6 of 6 agree", text)

    def test_compare_finds_a_difference(self):
        """The judge must be able to say no: Q8_0 is not float64."""
        path = self.model("Q8_0")
        done = self.run_tool("compare", "--gguf-path", path, "--metallic", METALLIC,
                             "--arithmetic", "float64", "--layers", expect=1)
        self.assertEqual(done.stdout.count("BEYOND 0.0001"), 3)

    def test_compare_without_transformers_says_so_in_one_line(self):
        path = self.model("F32")
        done = self.run_tool("compare", "--gguf-path", path, "--against", "transformers",
                             "--metallic", METALLIC, expect=3,
                             environment=self.without_transformers())
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("'transformers' is not installed", done.stderr)

    @unittest.skipUnless(HAVE_TRANSFORMERS, "needs torch and transformers")
    def test_compare_against_transformers(self):
        for kind, changes in (("F32", {}), ("F16", {"tied": False, "rope_base": 5000.0}),
                              ("Q8_0", {})):
            text = self.run_tool("compare", "--gguf-path", self.model(kind, **changes),
                                 "--metallic", METALLIC, "--against", "transformers",
                                 "--layers").stdout
            self.assertIn("transformers, layer 1 ffn_out", text)

    def test_instrument_reports_weights_and_activations(self):
        path = self.model("Q8_0")
        found = json.loads(self.run_tool("instrument_qwen25", "--gguf-path", path, "--tokens",
                                         "5,6,7", "--json").stdout)
        self.assertEqual(found["hyper"]["head_dim"], 16)
        self.assertEqual(found["keys"]["qwen2.block_count"], {"type": "u32", "value": 2})
        self.assertEqual(found["keys"]["tokenizer.ggml.tokens"]["count"], 512)
        tensors = {row["name"]: row for row in found["tensors"]}
        values = gguf.read(path).tensors["blk.1.ffn_up.weight"].values()
        row = tensors["blk.1.ffn_up.weight"]
        self.assertEqual((row["type"], row["shape"]), ("Q8_0", [160, 64]))
        self.assertEqual(row["bytes"], 160 * 64 // 32 * 34)
        for name, want in (("mean", values.mean()), ("std", values.std()), ("min", values.min()),
                           ("max", values.max()), ("rms", np.sqrt((values ** 2).mean()))):
            self.assertAlmostEqual(row[name], want, places=12)
        by_name = {(row["layer"], row["name"]): row for row in found["activations"]}
        self.assertEqual(len(by_name), 1 + 2 * 9 + 2)
        self.assertEqual(by_name[0, "k"]["shape"], [3, 2, 16])
        rounded = {name for (_, name), row in by_name.items() if row["int8_error"] is not None}
        self.assertEqual(rounded,
                         {"attn_norm", "attention", "ffn_norm", "swiglu", "output_norm"})
        # Half a step of 127 at most, uniformly spread: 1 / (127 sqrt(12)) of the block's largest
        # value, which is a few times its rms.
        for name in rounded:
            error = by_name[(-1 if name == "output_norm" else 0), name]["int8_error"]
            self.assertTrue(1 / (127 * 12 ** 0.5) / 2 < error < 8 / (127 * 12 ** 0.5), error)

    def test_instrument_prints_tables_and_leaves_out_what_is_not_wanted(self):
        path = self.model("F16")
        text = self.run_tool("instrument_qwen25", "--gguf-path", path).stdout
        for part in ("metadata (", "tensors (26)", "blk.1.attn_q.bias", " 1 ffn_out", "likely"):
            self.assertIn(part, text)
        text = self.run_tool("instrument_qwen25", "--gguf-path", path, "--no-activations",
                             "--tensors", "attn_k").stdout
        self.assertIn("tensors (4)", text)
        self.assertNotIn("activations", text)

    def test_benchmark_times_the_tokens_it_says(self):
        path = self.model("Q8_0")
        done = self.run_tool("benchmark", "--gguf-path", path, "--metallic", METALLIC, "--prompt",
                             "abcdefgh", "--max-tokens", 8, "--repeat", 2, "--json",
                             environment=self.without_transformers())
        self.assertIn("'transformers' is not installed", done.stderr)
        row, = json.loads(done.stdout)["rows"]
        self.assertEqual((row["runs"], row["generated_tokens"]), (2, 8))
        ids = json.loads(subprocess.run(
            [METALLIC, "tokenize", "--gguf-path", path, "--json", "abcdefgh"], check=True,
            capture_output=True).stdout)
        self.assertEqual(row["prompt_tokens"], len(ids))
        self.assertGreater(row["decode_tokens_per_second_least"], 0)
        self.assertLessEqual(row["decode_tokens_per_second_least"],
                             row["decode_tokens_per_second_most"])

    def test_benchmark_of_transformers_alone_is_exit_3_without_it(self):
        self.run_tool("benchmark", "--gguf-path", self.model("Q8_0"), "--metallic", METALLIC,
                      "--only", "transformers", expect=3,
                      environment=self.without_transformers())


if __name__ == "__main__":
    tap.main()
