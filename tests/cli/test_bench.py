"""The subcommand bench: its document, its counts, its refusals. Nothing here judges a speed."""
import unittest

from driver import CommandTest, USAGE, tap  # noqa: F401


class Bench(CommandTest):
    def bench(self, *arguments, kind="q8_0"):
        return self.done("bench", "-m", self.tiny(kind), "--json", *arguments).json

    def test_the_document_has_every_field_of_its_schema(self):
        found = self.bench("-p", 32, "-n", 4, "-r", 2, "-t", 2)
        self.assertEqual(found["schema"], "metallic.bench/1")
        self.assertEqual((found["threads"], found["repetitions"]), (2, 2))
        self.assertGreater(found["read_ceiling_gbs"], 0)
        self.assertGreaterEqual(found["mac_ceiling_gops"], 0)
        self.assertEqual(found["model"]["weight_type"], "Q8_0")
        prefill, decode = found["tests"]
        self.assertEqual((prefill["name"], decode["name"]), ("pp32", "tg4"))
        for test in (prefill, decode):
            self.assertLessEqual(test["tok_s_min"], test["tok_s_median"])
            self.assertLessEqual(test["tok_s_median"], test["tok_s_max"])
            self.assertGreater(test["tok_s_min"], 0)
            self.assertGreaterEqual(test["ceiling_fraction"], 0)
        self.assertIn("gmac_s", prefill)
        self.assertIn("gb_s", decode)

    def test_bytes_and_multiply_adds_are_those_of_the_shape(self):
        # tiny: 2 layers, width 64, 4 heads over 2 of 16, ffn 160, vocabulary 512; all Q8_0.
        layer = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 160 * 64
        rest = 64 * 64 + 3 * 160 * 64  # of the last layer: only for rows whose logits are asked for
        found = self.bench("-p", 5, "-n", 3, "-r", 1, "--roofline")
        prefill, decode = found["tests"]
        macs = sum(op["macs"] for op in prefill["ops"])
        self.assertEqual(macs, 5 * (2 * layer - rest) + rest + 512 * 64)
        weights = sum(op["bytes"] for op in decode["ops"] if "attention" not in op["work"])
        self.assertEqual(weights, 3 * (2 * layer + 512 * 64) // 32 * 34)
        # Positions 0, 1, 2 lie in one block of 64 keys: keys and values of 2 heads of 16, F16.
        cache = sum(op["bytes"] for op in decode["ops"] if "attention" in op["work"])
        self.assertEqual(cache, 3 * 2 * 2 * 2 * 64 * 16 * 2)
        self.assertEqual({op["calls"] for op in decode["ops"]}, {3})

    def test_depth_is_in_the_context_before_each_test(self):
        found = self.bench("-p", 0, "-n", 2, "-d", 100, "-r", 1, "--roofline")
        (decode,) = found["tests"]
        self.assertEqual((decode["name"], decode["depth"]), ("tg2@100", 100))
        cache = sum(op["bytes"] for op in decode["ops"] if "attention" in op["work"])
        self.assertEqual(cache, 2 * 2 * 2 * 2 * 2 * 64 * 16 * 2)  # two blocks of keys each time

    def test_text_shows_each_test_beside_the_ceilings(self):
        text = self.done("bench", "-m", self.tiny("f32"), "-p", 8, "-n", 2, "-r", 1,
                         "--roofline").text
        for word in ("pp8", "tg2", "ceilings", "GB/s read", "of ceiling", "ffn_gate.weight"):
            self.assertIn(word, text)

    def test_what_cannot_be_measured_is_refused(self):
        model = self.tiny()
        self.fails(USAGE, "bench", "-m", model, "-p", 0, "-n", 0, says="--prompt-tokens")
        self.fails(USAGE, "bench", "-m", model, "-r", 0, says="--repetitions")
        self.fails(USAGE, "bench", "-m", model, "-p", 600, "-n", 0, "-r", 1,
                   says=("--prompt-tokens", "600", "512"))
        self.fails(USAGE, "bench", "-m", model, "-p", 0, "-n", 12, "-d", 501, "-r", 1,
                   says=("--generate-tokens", "513", "512"))


if __name__ == "__main__":
    tap.main()
