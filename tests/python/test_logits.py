"""Whole models: logits of the metallic command against the numpy reference.

    test_logits.py PATH_OF_METALLIC

Three judges. "machine" does the CPU machine's float32 operations in the contract's order: the bits
must be equal. "contract" is float64 with the contract's own roundings: float32 and float16 models
must be within 1e-4 of the largest |logit|. "float64" rounds nothing: the difference is what the
float16 key-value cache and the int8 activations cost, and is printed. With `--kv-type f32` nothing
of a float32 or float16 model is rounded to less than float32: there "float64" must be met as well.
"""
import pathlib
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python")]

from reference import command, gguf, machine, qwen2, synth  # noqa: E402
from support import tap  # noqa: E402

BOUND = 1e-4  # of the largest |logit|
METALLIC = command.Command(sys.argv[1], backend="cpu")

ANY = ("F32", "F16", "Q8_0")
FLOATS = ("F32", "F16")  # shapes whose rows are no multiple of 32 have no Q8_0 form
SHAPES = {
    "one layer, every query head with keys of its own": (ANY, {"layers": 1, "kv_heads": 4}),
    "one key-value head for all": (ANY, {"kv_heads": 1}),
    "head_dim 32": (ANY, {"heads": 2, "kv_heads": 1}),
    "head_dim 64, seven query heads a group": (ANY, {"cols": 448, "heads": 7, "kv_heads": 1}),
    "head_dim 128": (ANY, {"cols": 256, "heads": 2, "kv_heads": 2}),
    "head_dim 24, heads wider than the model": (ANY, {"head_dim": 24, "heads": 8}),
    "output.weight of its own": (ANY, {"tied": False}),
    "a vocabulary of no round size": (ANY, {"vocab": 301, "tied": False}),
    "rows of feed-forward of no round size": (FLOATS, {"ffn_cols": 77}),
    "columns of no round size": (FLOATS, {"cols": 50, "heads": 5, "kv_heads": 5}),
    "a short RoPE base": (ANY, {"rope_base": 500.0}),
    "a large epsilon": (ANY, {"eps": 0.5}),
    "many layers": (ANY, {"layers": 9}),
    "a layer of Qwen2.5-0.5B": (ANY, {"layers": 1, "cols": 896, "ffn_cols": 4864, "heads": 14,
                                      "kv_heads": 2, "vocab": 1000}),
}


class Logits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "model.gguf"
        self.random = np.random.default_rng(20)

    def tokens(self, model, count):
        return self.random.integers(0, model.hyper.vocab, count).tolist()

    def judge(self, label, count):
        """Hold self.path against all three judges on `count` random tokens."""
        model = qwen2.Qwen2(gguf.read(self.path))
        tokens = self.tokens(model, count)
        found = METALLIC.logits(self.path, tokens)
        self.assertEqual(found.dtype, np.float32)
        self.assertEqual(found.shape, (count, model.hyper.vocab))
        wanted = {name: model.forward(tokens, arithmetic)
                  for name, arithmetic in qwen2.arithmetics().items()}
        size = np.abs(wanted["float64"]).max()
        error = {name: np.abs(found - logits).max() / size for name, logits in wanted.items()}
        print(f"# {label}: {count} tokens, error against "
              + ", ".join(f"{name} {value:.1e}" for name, value in error.items()), flush=True)
        self.assertTrue((found == wanted["machine"]).all(), f"{label}: machine {error['machine']}")
        if self.floats(model):
            self.assertLessEqual(error["contract"], BOUND, label)
        self.judge_f32_cache(label, model, tokens, wanted["float64"])
        return model, tokens, found

    def judge_f32_cache(self, label, model, tokens, exact):
        """The same with keys and values cached as float32; `exact` is what float64 says."""
        found = METALLIC.logits(self.path, tokens, "--kv-type", "f32")
        error = np.abs(found - exact).max() / np.abs(exact).max()
        print(f"# {label}, f32 cache: error against float64 {error:.1e}", flush=True)
        wanted = model.forward(tokens, machine.Machine(half_cache=False))
        self.assertTrue((found == wanted).all(), f"{label}, f32 cache: machine")
        if self.floats(model):
            self.assertLessEqual(error, BOUND, f"{label}, f32 cache")

    @staticmethod
    def floats(model):
        return all(tensor.kind != gguf.Q8_0 for tensor in model.file.tensors.values())

    def test_tiny_models_of_the_synth_command(self):
        for kind in ("f32", "f16", "q8_0"):
            METALLIC.synth("tiny", kind, self.path)
            self.judge(f"synth tiny {kind}", 90)

    def test_the_bundled_model(self):
        self.path = ROOT / "models" / "bundled-q8_0.gguf"
        self.judge("bundled", 90)

    def test_prompts_longer_than_attention_blocks_and_chunks(self):
        """1100 tokens are 18 blocks of keys and several chunks; every shorter prompt must be the
        beginning of the longest, bit for bit."""
        for kind in ("F32", "Q8_0"):
            synth.write(self.path, kind, context_length=1100)
            _, tokens, found = self.judge(f"long prompt {kind}", 1100)
            for count in (1, 2, 63, 64, 65, 128, 129, 511, 512, 513, 1024, 1025):
                part = METALLIC.logits(self.path, tokens[:count])
                self.assertTrue((part == found[:count]).all(), f"{kind}, {count} tokens")

    def test_last_is_the_last_row_of_all(self):
        synth.write(self.path, "Q8_0")
        tokens = self.random.integers(0, 512, 77).tolist()
        last = METALLIC.logits(self.path, tokens, "--last")
        self.assertEqual(last.shape, (1, 512))
        self.assertTrue((last[0] == METALLIC.logits(self.path, tokens)[-1]).all())

    def test_any_number_of_threads_gives_the_same_bits(self):
        for kind in ANY:
            synth.write(self.path, kind, vocab=301)
            tokens = self.random.integers(0, 301, 70).tolist()
            first = METALLIC.logits(self.path, tokens)
            for threads in (1, 2, 3, 8):
                other = command.Command(sys.argv[1], "cpu", threads).logits(self.path, tokens)
                self.assertTrue((other == first).all(), f"{kind}, {threads} threads")

    def test_positions_count(self):
        """Would all judges agree on logits that ignore order? Then this would fail."""
        synth.write(self.path, "F32")
        a = METALLIC.logits(self.path, [5, 6, 7, 8])[-1]
        b = METALLIC.logits(self.path, [7, 6, 5, 8])[-1]
        self.assertGreater(np.abs(a - b).max() / np.abs(a).max(), 100 * BOUND)

    def test_old_versions_and_any_alignment_give_the_same_logits(self):
        shape = {**synth.SHAPE, "vocab": 300}
        keys, tensors = synth.keys(shape), synth.tensors(shape, "Q8_0", 3)
        tokens = self.random.integers(0, 300, 20).tolist()
        gguf.write(self.path, keys, tensors)
        first = METALLIC.logits(self.path, tokens)
        for version, alignment in ((2, 32), (3, 8), (3, 4096)):
            gguf.write(self.path, keys, tensors, version, alignment)
            self.assertTrue((METALLIC.logits(self.path, tokens) == first).all(), alignment)

    def test_mixed_types_in_one_model(self):
        shape = {**synth.SHAPE, "tied": False}
        tensors = synth.tensors(shape, "Q8_0", 4)
        kinds = {"attn_q": "F16", "attn_v": "F32", "ffn_gate": "F32", "output.": "F16"}
        for name, (array, _) in list(tensors.items()):
            for part, kind in kinds.items():
                if part in name and name.endswith(".weight") and array.ndim == 2:
                    tensors[name] = (array, kind)
        gguf.write(self.path, synth.keys(shape), tensors)
        self.judge("mixed types", 70)


def add_shape(label, kinds, changes):
    def test(self):
        for kind in kinds:
            synth.write(self.path, kind, seed=7, **changes)
            self.judge(f"{label}, {kind}", 8 if changes.get("cols", 0) > 500 else 70)
    setattr(Logits, "test_" + "".join(c if c.isalnum() else "_" for c in label), test)


for name_, (kinds_, changes_) in SHAPES.items():
    add_shape(name_, kinds_, changes_)


if __name__ == "__main__":
    tap.main()
