"""The oracle is checked before it judges: every piece against another way to say the same."""
import cmath
import fractions
import math
import pathlib
import struct
import sys
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python")]

from reference import gguf, machine, qwen2, synth  # noqa: E402
from support import tap  # noqa: E402


def string(text):
    return struct.pack("<Q", len(text)) + text


def handmade(version=3):
    """A file written byte by byte: every scalar type, arrays, three tensors."""
    scalars = [(0, "B", 250), (1, "b", -3), (2, "H", 65000), (3, "h", -300), (4, "I", 4000000000),
               (5, "i", -70000), (6, "f", 0.5), (7, "B", 1), (10, "Q", 2 ** 63),
               (11, "q", -2 ** 62), (12, "d", 0.1)]
    keys = [string(b"k%d" % kind) + struct.pack("<I" + code, kind, value)
            for kind, code, value in scalars]
    keys += [string(b"s") + struct.pack("<I", 8) + string("h\u00e9".encode()),
             string(b"raw") + struct.pack("<I", 8) + string(b"\xff\x00"),
             string(b"ai") + struct.pack("<IIQ3i", 9, 5, 3, 7, -8, 9),
             string(b"as") + struct.pack("<IIQ", 9, 8, 2) + string(b"x") + string(b""),
             string(b"aa") + struct.pack("<IIQ", 9, 9, 2) + struct.pack("<IQ2B", 0, 2, 1, 2)
             + struct.pack("<IQ", 0, 0),
             string(b"general.alignment") + struct.pack("<II", 4, 8)]
    f32 = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
    f16 = struct.pack("<3e", 0.5, -2, 65504)
    q8 = struct.pack("<e32b", 0.25, *range(-16, 16))
    infos = [string(b"a") + struct.pack("<I2QIQ", 2, 3, 2, 0, 0),
             string(b"b") + struct.pack("<I1QIQ", 1, 3, 1, 24),
             string(b"c") + struct.pack("<I1QIQ", 1, 32, 8, 32)]
    head = b"GGUF" + struct.pack("<IQQ", version, len(infos), len(keys))
    head += b"".join(keys) + b"".join(infos)
    return head + bytes(-len(head) % 8) + f32 + f16 + bytes(2) + q8


class Reader(unittest.TestCase):
    def test_reads_every_type_of_a_file_made_by_hand(self):
        for version in (2, 3):
            file = gguf.parse(handmade(version), "hand")
            self.assertEqual(
                [file.keys[f"k{kind}"] for kind in (0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12)],
                [250, -3, 65000, -300, 4000000000, -70000, 0.5, True, 2 ** 63, -2 ** 62, 0.1])
            self.assertIs(file.keys["k7"], True)
            self.assertEqual(file.keys["s"], "h\u00e9")
            self.assertEqual(file.keys["raw"].encode("utf-8", "surrogateescape"), b"\xff\x00")
            self.assertEqual(file.keys["ai"].tolist(), [7, -8, 9])
            self.assertEqual(file.keys["as"], ["x", ""])
            self.assertEqual([part.tolist() for part in file.keys["aa"]], [[1, 2], []])
            self.assertEqual(file.key_types["aa"], "array<array<u8>>")
            self.assertEqual(file.tensors["a"].values().tolist(), [[1, 2, 3], [4, 5, 6]])
            self.assertEqual(file.tensors["b"].values().tolist(), [0.5, -2, 65504])
            self.assertEqual(file.tensors["c"].values().tolist(),
                             [q / 4 for q in range(-16, 16)])
            self.assertEqual(file.tensors["a"].values([1]).tolist(), [[4, 5, 6]])

    def test_truncation_at_any_byte_is_an_error(self):
        whole = handmade()
        for size in range(len(whole)):
            with self.assertRaises(gguf.GgufError, msg=f"{size} bytes"):
                gguf.parse(whole[:size])

    def test_refusals_name_subject_found_and_expected(self):
        whole = handmade()

        def patched(old, new):
            self.assertEqual(whole.count(old), 1, old)
            return whole.replace(old, new)

        alignment = string(b"general.alignment")
        info_a = string(b"a") + struct.pack("<I2Q", 2, 3, 2)
        cases = [
            (b"GGUX" + whole[4:], "magic is b'GGUX', expected b'GGUF'"),
            (whole[:4] + struct.pack("<I", 1) + whole[8:], "version is 1, expected 2 or 3"),
            (whole[:8] + struct.pack("<Q", 2 ** 60) + whole[16:], "tensor count announces"),
            (whole[:16] + struct.pack("<Q", 2 ** 60) + whole[24:], "key count announces"),
            (patched(alignment + struct.pack("<II", 4, 8), alignment + struct.pack("<II", 4, 12)),
             "general.alignment is 12, expected a power of two"),
            (patched(alignment + struct.pack("<II", 4, 8), alignment + struct.pack("<II", 5, 8)),
             "general.alignment is i32, expected u32"),
            (patched(string(b"k7") + struct.pack("<IB", 7, 1),
                     string(b"k7") + struct.pack("<IB", 7, 2)), "key k7 is byte 2"),
            (patched(string(b"k0"), string(b"k1")), "key k1 appears twice"),
            (patched(string(b"k0"), string(b"\xff0")), "name of key 0 is"),
            (patched(string(b"k0") + struct.pack("<I", 0), string(b"k0") + struct.pack("<I", 13)),
             "key k0 has type 13, expected 0..12"),
            (patched(string(b"b") + struct.pack("<I", 1), string(b"a") + struct.pack("<I", 1)),
             "tensor a appears twice"),
            (patched(info_a, string(b"a") + struct.pack("<I2Q", 5, 3, 2)),
             "tensor a has 5 dimensions, expected 1 to 4"),
            (patched(info_a, string(b"a") + struct.pack("<I2Q", 2, 3, 0)), "expected no 0"),
            (patched(info_a, string(b"a") + struct.pack("<I2Q", 2, 3, 2 ** 40)),
             "tensor a ends at byte"),
            (patched(struct.pack("<QIQ", 3, 1, 24), struct.pack("<QIQ", 3, 1, 20)),
             "tensor b begins at 20, expected a multiple of 8"),
            (patched(struct.pack("<QIQ", 32, 8, 32), struct.pack("<QIQ", 33, 8, 32)),
             "tensor c has rows of 33, expected a multiple of 32"),
        ]
        for data, text in cases:
            with self.assertRaises(gguf.GgufError) as caught:
                gguf.parse(data, "hand")
            self.assertIn(text, str(caught.exception))
            self.assertTrue(str(caught.exception).startswith("hand: "))

    def test_what_the_writer_wrote_reads_back(self):
        random = np.random.default_rng(5)
        tensors = {"m": (random.standard_normal((3, 64)), "F32"),
                   "h": (random.standard_normal((5, 3)), "F16"),
                   "q": (random.standard_normal((2, 96)), "Q8_0")}
        keys = {"n": ("u64", 2 ** 40), "l": ("array<string>", ["a", "\u00df"]),
                "x": ("array<array<f32>>", [[1.5], []])}
        for version, alignment in ((2, 32), (3, 1), (3, 4096)):
            data = gguf.serialize(keys, tensors, version, alignment)
            file = gguf.parse(data)
            self.assertEqual((file.version, file.alignment), (version, alignment))
            self.assertEqual(file.keys["n"], 2 ** 40)
            self.assertEqual(file.keys["l"], ["a", "\u00df"])
            self.assertEqual(file.keys["x"][0].tolist(), [1.5])
            self.assertTrue((file.tensors["m"].values() == tensors["m"][0].astype("f4")).all())
            self.assertTrue((file.tensors["h"].values() == tensors["h"][0].astype("f2")).all())
            self.assertEqual(file.tensors["q"].shape, (2, 96))


class Blocks(unittest.TestCase):
    def test_round_trip_stays_within_half_a_step_and_the_scale_rounding(self):
        x = np.random.default_rng(2).standard_normal((40, 320)).astype("f4")
        back = gguf.dequantize_q8_0(gguf.quantize_q8_0(x))
        step = np.abs(x.reshape(40, 10, 32)).max(-1) / 127
        # Half a step, and at most 127 times the error (2^-11) of the scale in float16; float32
        # division and product add at most 127 * 3 * 2^-24 steps.
        bound = step * (0.5 + 127 * 2.0 ** -11 + 127 * 3 * 2.0 ** -24)
        error = np.abs(back - x).reshape(40, 10, 32).max(-1)
        self.assertTrue((error <= bound).all())

    def test_values_on_the_grid_survive_exactly(self):
        q = np.random.default_rng(3).integers(-127, 128, (7, 64)).astype("f4")
        q[:, [0, 32]] = 127
        self.assertTrue((gguf.dequantize_q8_0(gguf.quantize_q8_0(q / 8)) == q / 8).all())
        self.assertTrue((gguf.dequantize_q8_0(gguf.quantize_q8_0(q * 0)) == 0).all())

    def test_columns_that_are_no_multiple_of_32_are_refused(self):
        with self.assertRaisesRegex(gguf.GgufError, "33 columns"):
            gguf.quantize_q8_0(np.zeros((2, 33)))

    def test_activations_round_half_to_even_and_tiny_blocks_are_zero(self):
        x = np.zeros((1, 96))
        x[0, :5] = 127, 0.5, 1.5, 2.5, -0.5  # scale 1: ties
        x[0, 32] = 2.0 ** -120
        q, scale = qwen2.quantize_activation(x)
        self.assertEqual(q[0, 0, :5].tolist(), [127, 0, 2, 2, 0])
        self.assertEqual(np.abs(q[0, 1:]).max(), 0)
        self.assertEqual(scale[0].tolist(), [1.0, 2.0 ** -120 / 127, 0.0])


class Operations(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(11)
        self.exact = qwen2.Float64()

    def vector(self, values, kind="F32"):
        """A tensor that holds `values`."""
        return gguf.parse(gguf.serialize({}, {"w": (values, kind)})).tensors["w"]

    def test_rope_is_a_complex_rotation_of_each_pair(self):
        x = self.random.standard_normal((5, 3, 16))
        positions = np.array([0, 1, 7, 500, 32767])
        y = self.exact.rope(x, self.exact.rope_table(positions, 16, 1e6))
        for t, head, i in np.ndindex(5, 3, 8):
            turn = cmath.exp(1j * float(positions[t]) * 1e6 ** (-2 * i / 16))
            want = complex(x[t, head, i], x[t, head, i + 8]) * turn
            self.assertAlmostEqual(y[t, head, i], want.real, delta=1e-11)
            self.assertAlmostEqual(y[t, head, i + 8], want.imag, delta=1e-11)

    def test_rotated_products_depend_on_the_distance_alone(self):
        q, k = self.random.standard_normal((2, 1, 1, 32))

        def product(a, b):
            tables = [self.exact.rope_table(np.array([p]), 32, 1e4) for p in (a, b)]
            return float((self.exact.rope(q, tables[0]) * self.exact.rope(k, tables[1])).sum())

        self.assertAlmostEqual(product(9, 4), product(1009, 1004), delta=1e-10)
        self.assertGreater(abs(product(9, 4) - product(9, 5)), 1e-3)

    def test_softmax_is_its_formula_and_survives_large_scores(self):
        scores = self.random.standard_normal((4, 9)) * 3
        for row, got in zip(scores, qwen2.softmax(scores)):
            total = math.fsum(math.exp(v) for v in row)
            np.testing.assert_allclose(got, [math.exp(v) / total for v in row], rtol=1e-13)
        np.testing.assert_array_equal(qwen2.softmax(np.array([1e6, -np.inf, 1e6])), [0.5, 0, 0.5])

    def test_rmsnorm_is_its_formula(self):
        x = self.random.standard_normal((3, 10))
        w = self.random.standard_normal(10).astype("f4")
        y = self.exact.rmsnorm(x, self.vector(w), 1e-2)
        for row, got in zip(x, y):
            size = math.sqrt(math.fsum(v * v for v in row) / 10 + 1e-2)
            np.testing.assert_allclose(got, [v / size * float(s) for v, s in zip(row, w)],
                                       rtol=1e-13)

    def test_swiglu_is_its_formula_and_quiet_at_the_ends(self):
        gate, up = np.array([-800.0, -1.5, 0.0, 2.0, 800.0]), np.array([2.0, 3.0, 4.0, 5.0, 6.0])
        want = [0.0] + [g / (1 + math.exp(-g)) * u for g, u in zip(gate[1:], up[1:])]
        np.testing.assert_allclose(self.exact.swiglu(gate, up), want, rtol=1e-14, atol=0)

    def attention_by_hand(self, q, k, v, position):
        out = np.zeros((len(q), q.shape[1] * q.shape[2]))
        group = q.shape[1] // k.shape[1]
        for t, head in np.ndindex(q.shape[:2]):
            seen = position + t + 1
            scores = [math.fsum(q[t, head] * k[j, head // group]) / math.sqrt(q.shape[2])
                      for j in range(seen)]
            top = max(scores)
            weights = [math.exp(s - top) for s in scores]
            part = slice(head * q.shape[2], (head + 1) * q.shape[2])
            for j in range(seen):
                out[t, part] += weights[j] / math.fsum(weights) * v[j, head // group]
        return out

    def test_attention_is_causal_and_shares_keys_within_a_group(self):
        for arithmetic, tolerance in ((self.exact, 1e-12), (machine.Machine(), 3e-6)):
            for position in (0, 70):
                q = self.random.standard_normal((5, 6, 8)).astype(arithmetic.dtype)
                k, v = self.random.standard_normal((2, position + 5, 2, 8)).astype(np.float16)
                got = arithmetic.attention(q, k.astype(arithmetic.dtype),
                                           v.astype(arithmetic.dtype), position)
                want = self.attention_by_hand(np.float64(q), np.float64(k), np.float64(v), position)
                np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)

    def test_matmul_in_chunks_equals_matmul_at_once(self):
        x, w = self.random.standard_normal((3, 32)), self.random.standard_normal((70, 32))
        tensor = self.vector(w)
        whole = self.exact.matmul(x, tensor)
        chunk = qwen2.CHUNK_BYTES
        try:
            qwen2.CHUNK_BYTES = 8 * 32 * 11
            np.testing.assert_allclose(self.exact.matmul(x, tensor), whole, rtol=1e-12, atol=1e-13)
        finally:
            qwen2.CHUNK_BYTES = chunk
        np.testing.assert_allclose(whole, x @ w.astype("f4").astype("f8").T, rtol=1e-12)


class Machine(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(17)

    def fma(self, a, b, c):
        """One rounding, half to even, by exact fractions."""
        exact = (fractions.Fraction(float(a)) * fractions.Fraction(float(b))
                 + fractions.Fraction(float(c)))
        near = np.float32(float(exact))
        around = [np.nextafter(near, np.float32(-np.inf)), near,
                  np.nextafter(near, np.float32(np.inf))]
        return min(around, key=lambda f: (abs(fractions.Fraction(float(f)) - exact),
                                          int(f.view(np.int32)) & 1))

    def test_fma_rounds_once(self):
        a, b, c = self.random.standard_normal((3, 2000)).astype("f4")
        c *= np.float32(2) ** self.random.integers(-20, 5, 2000).astype("f4")
        got = machine.fma(a, b, c)
        self.assertEqual([float(v) for v in got],
                         [float(self.fma(*three)) for three in zip(a, b, c)])
        self.assertGreater((got != a * b + c).sum(), 100)  # two roundings would differ

    def test_fma_is_right_where_the_sum_in_float64_ends_half_way(self):
        up, down = np.float32(1 + 2.0 ** -23), np.float32(1 - 2.0 ** -23)  # up * down = 1 - 2^-46
        for scale, c in ((2.0 ** -24, 1 + 2.0 ** -23), (-2.0 ** -25, 1 - 2.0 ** -24)):
            for sign in (1, -1):
                a, b, c32 = np.float32(sign * scale) * up, down, np.float32(sign * c)
                got = machine.fma(a, b, c32)
                self.assertNotEqual(got, np.float32(np.float64(a) * b + c32))  # rounded twice
                self.assertEqual(got, self.fma(a, b, c32))

    def test_float_products_sum_in_sixteen_lanes(self):
        for cols in (1, 16, 21, 50):
            for kind in ("F32", "F16"):
                w = self.random.standard_normal((3, cols))
                x = self.random.standard_normal((2, cols)).astype("f4")
                tensor = gguf.parse(gguf.serialize({}, {"w": (w, kind)})).tensors["w"]
                got = machine.Machine().matmul(x, tensor)
                for t, row in np.ndindex(2, 3):
                    want = self.lanes(zip(tensor.values()[row], x[t]))
                    self.assertEqual(got[t, row], want)

    def test_q8_products_accumulate_block_by_block(self):
        w = self.random.standard_normal((4, 96))
        x = self.random.standard_normal((2, 96)).astype("f4")
        tensor = gguf.parse(gguf.serialize({}, {"w": (w, "Q8_0")})).tensors["w"]
        got = machine.Machine().matmul(x, tensor)
        for t, row in np.ndindex(2, 4):
            acc = np.float32(0)
            for block in range(3):
                part = x[t, 32 * block:32 * block + 32]
                most = np.abs(part).max()
                q = np.rint(part * (np.float32(127) / most)).astype(int)
                stored = tensor.stored()[row, block]
                isum = sum(int(a) * int(b) for a, b in zip(q, stored["q"]))
                acc = self.fma(isum, np.float32(stored["scale"]) * (most / np.float32(127)), acc)
            self.assertEqual(got[t, row], acc)

    def lanes(self, pairs):
        """Sixteen partial sums of products, then the tree."""
        p = [np.float32(0)] * 16
        for i, (a, b) in enumerate(pairs):
            p[i % 16] = self.fma(a, b, p[i % 16])
        for half in (8, 4, 2, 1):
            p = [p[i] + p[i + half] for i in range(half)]
        return p[0]

    def test_vector_operations_round_in_the_stated_order(self):
        one = np.float32(1)
        x, y, w = self.random.standard_normal((3, 1, 24)).astype("f4")
        tensor = gguf.parse(gguf.serialize({}, {"w": (w[0], "F32")})).tensors["w"]
        size = one / np.sqrt(self.lanes(zip(x[0], x[0])) / np.float32(24) + np.float32(0.1))
        self.assertEqual(machine.Machine().rmsnorm(x, tensor, 0.1)[0].tolist(),
                         [float(v * size * s) for v, s in zip(x[0], w[0])])
        self.assertEqual(machine.Machine().swiglu(x, y)[0].tolist(),
                         [float(g / (one + machine.exp(-g)) * u) for g, u in zip(x[0], y[0])])
        cosine, sine = machine.Machine().rope_table(np.array([9]), 24, 1e4)
        turned = machine.Machine().rope(x[:, None], (cosine, sine))[0, 0]
        for i in range(12):
            a, b, c, s = x[0, i], x[0, i + 12], cosine[0, i], sine[0, i]
            self.assertEqual(c, np.float32(math.cos(9 * 1e4 ** (-i / 12))))
            self.assertEqual(turned[i], self.fma(a, c, -(b * s)))
            self.assertEqual(turned[i + 12], self.fma(b, c, a * s))

    def test_attention_visits_keys_in_blocks_of_64_in_ascending_order(self):
        zero = np.float32(0)
        q = self.random.standard_normal((1, 1, 4)).astype("f4")
        k, v = self.random.standard_normal((2, 150, 1, 4)).astype("f2").astype("f4")
        top, total, out = np.float32(-np.inf), zero, [zero] * 4
        for start in (0, 64, 128):
            scores = []
            for j in range(start, min(start + 64, 150)):
                acc = zero
                for d in range(4):
                    acc = self.fma(q[0, 0, d], k[j, 0, d], acc)
                scores.append(acc * np.float32(0.5))
            block_top = max(scores)
            weights = [machine.exp(s - block_top) for s in scores]
            block_total = self.lanes((p, 1) for p in weights)
            part = [zero] * 4
            for j, p in enumerate(weights):
                part = [self.fma(p, v[start + j, 0, d], part[d]) for d in range(4)]
            both = max(top, block_top)
            a, b = machine.exp(top - both), machine.exp(block_top - both)
            total = self.fma(total, a, block_total * b)
            out = [self.fma(old, a, new * b) for old, new in zip(out, part)]
            top = both
        got = machine.Machine().attention(q, k, v, 149)[0]
        self.assertEqual(got.tolist(), [float(value / total) for value in out])

    def test_float32_throughout_is_close_to_float64(self):
        """With a float32 cache nothing is left but float32's own rounding: some hundred units of
        2^-24 where thousands of sums follow one another."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m.gguf"
            for kind in ("F32", "F16"):
                synth.write(path, kind, layers=4)
                model = qwen2.Qwen2(gguf.read(path))
                tokens = self.random.integers(0, 512, 100)
                wanted = model.forward(tokens)
                error = np.abs(model.forward(tokens, machine.Machine(False)) - wanted).max()
                self.assertLess(error / np.abs(wanted).max(), 100 * 2.0 ** -24)

    def test_exp_is_within_one_unit_in_the_last_place(self):
        x = np.linspace(-87, 88, 20001).astype("f4")
        want = np.exp(x.astype("f8"))
        ulp = np.spacing(want.astype("f4")).astype("f8")
        self.assertLessEqual((np.abs(machine.exp(x) - want) / ulp).max(), 1.0)
        ends = machine.exp(np.array([-np.inf, -200, 0, 100, np.inf, np.nan], "f4"))
        np.testing.assert_array_equal(ends, [0, 0, 1, np.inf, np.inf, np.nan])

    def test_any_split_of_a_prompt_gives_the_same_bits(self):
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("F32", "Q8_0"):
                path = pathlib.Path(folder) / "m.gguf"
                synth.write(path, kind)
                model = qwen2.Qwen2(gguf.read(path))
                tokens = self.random.integers(0, 512, 150)
                whole = model.forward(tokens, machine.Machine())
                cache = model.new_cache()
                parts = [model.forward(part, machine.Machine(), cache=cache)
                         for part in np.split(tokens, [1, 2, 63, 66, 130])]
                self.assertTrue((np.concatenate(parts) == whole).all())


class Whole(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "m.gguf"

    def by_hand(self, file, hyper, tokens):
        """The model once more, one number at a time, from the paper rather than from qwen2.py."""
        w = {name: tensor.values() for name, tensor in file.tensors.items()}

        def norm(x, weight):
            return [v / math.sqrt(math.fsum(u * u for u in x) / len(x) + hyper.eps) * s
                    for v, s in zip(x, weight)]

        def product(matrix, x):
            return [math.fsum(a * b for a, b in zip(row, x)) for row in matrix]

        def turn(x, position):
            out, half = list(x), hyper.head_dim // 2
            for head in range(0, len(x), hyper.head_dim):
                for i in range(half):
                    angle = position * hyper.rope_base ** (-i / half)
                    z = complex(x[head + i], x[head + i + half]) * cmath.exp(1j * angle)
                    out[head + i], out[head + i + half] = z.real, z.imag
            return out

        def plus(a, b):
            return [u + v for u, v in zip(a, b)]

        keys, values, logits = [], [], []
        for position, token in enumerate(tokens):
            x = list(w["token_embd.weight"][token])
            for layer in range(hyper.layers):
                at = f"blk.{layer}."
                h = norm(x, w[at + "attn_norm.weight"])
                q, k, v = (plus(product(w[f"{at}attn_{n}.weight"], h), w[f"{at}attn_{n}.bias"])
                           for n in "qkv")
                keys.append((layer, turn(k, position)))
                values.append((layer, v))
                mine = [[row for at_layer, row in rows if at_layer == layer]
                        for rows in (keys, values)]
                q, out, size = turn(q, position), [], hyper.head_dim
                for head in range(hyper.heads):
                    mate = head // (hyper.heads // hyper.kv_heads) * size
                    weights = [math.exp(math.fsum(
                        q[head * size + i] * row[mate + i] for i in range(size)) / math.sqrt(size))
                        for row in mine[0]]
                    total = math.fsum(weights)
                    out += [math.fsum(p / total * row[mate + i] for p, row in zip(weights, mine[1]))
                            for i in range(size)]
                x = plus(x, product(w[at + "attn_output.weight"], out))
                h = norm(x, w[at + "ffn_norm.weight"])
                gate, up = (product(w[f"{at}ffn_{n}.weight"], h) for n in ("gate", "up"))
                h = [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)]
                x = plus(x, product(w[at + "ffn_down.weight"], h))
            head = w.get("output.weight", w["token_embd.weight"])
            logits.append(product(head, norm(x, w["output_norm.weight"])))
        return logits

    def test_forward_equals_the_model_written_out_number_by_number(self):
        for tied, kind in ((True, "F32"), (False, "F16"), (False, "Q8_0")):
            synth.write(self.path, kind, layers=2, cols=32, ffn_cols=64, heads=4, kv_heads=2,
                        vocab=260, tied=tied, rope_base=500.0)
            model = qwen2.Qwen2(gguf.read(self.path))
            self.assertEqual(model.tied, tied)
            tokens = [0, 259, 17, 17, 4]
            want = self.by_hand(model.file, model.hyper, tokens)
            np.testing.assert_allclose(model.forward(tokens), want, rtol=0, atol=1e-12)

    def test_hooks_see_every_activation_and_its_shape(self):
        synth.write(self.path, layers=2)
        seen = []
        model = qwen2.Qwen2(gguf.read(self.path))
        model.forward([1, 2, 3], hook=lambda name, layer, x: seen.append((name, layer, x.shape)))
        layer = [("attn_norm", (3, 64)), ("q", (3, 4, 16)), ("k", (3, 2, 16)), ("v", (3, 2, 16)),
                 ("attention", (3, 64)), ("attn_out", (3, 64)), ("ffn_norm", (3, 64)),
                 ("swiglu", (3, 160)), ("ffn_out", (3, 64))]
        self.assertEqual(seen, [("embed", -1, (3, 64))]
                         + [(name, i, shape) for i in range(2) for name, shape in layer]
                         + [("output_norm", -1, (3, 64)), ("logits", -1, (3, 512))])

    def test_greedy_with_a_cache_equals_greedy_without(self):
        synth.write(self.path)
        model = qwen2.Qwen2(gguf.read(self.path))
        tokens = [5, 6, 7]
        for _ in range(8):
            tokens.append(int(model.forward(tokens)[-1].argmax()))
        self.assertEqual(model.greedy([5, 6, 7], 8), tokens[3:])
        self.assertEqual(model.greedy([5, 6, 7], 8, stop=[tokens[5]]), tokens[3:5])

    def test_models_that_do_not_fit_are_refused_by_name(self):
        shape = {**synth.SHAPE, "vocab": 300}
        good_keys, good = synth.keys(shape), synth.tensors(shape, "F32", 1)
        cases = [
            ({"general.architecture": ("string", "llama")}, {}, "'llama', expected 'qwen2'"),
            ({"qwen2.attention.head_count_kv": ("u32", 3)}, {}, "3 key-value heads for 4 heads"),
            ({}, {"blk.1.attn_k.bias": (np.zeros(31), "F32")}, r"attn_k.bias has shape \[31\], "
             r"expected \[32\]"),
        ]
        for keys, tensors, text in cases:
            gguf.write(self.path, {**good_keys, **keys}, {**good, **tensors})
            with self.assertRaisesRegex(gguf.GgufError, text):
                qwen2.Qwen2(gguf.read(self.path))
        for name in ("qwen2.block_count", "qwen2.attention.layer_norm_rms_epsilon"):
            gguf.write(self.path, {k: v for k, v in good_keys.items() if k != name}, good)
            with self.assertRaisesRegex(gguf.GgufError, f"key {name} is missing"):
                qwen2.Qwen2(gguf.read(self.path))
        del good["blk.0.ffn_up.weight"]
        gguf.write(self.path, good_keys, good)
        with self.assertRaisesRegex(gguf.GgufError, "tensor blk.0.ffn_up.weight is missing"):
            qwen2.Qwen2(gguf.read(self.path))

    def test_token_ids_out_of_range_are_refused(self):
        synth.write(self.path)
        model = qwen2.Qwen2(gguf.read(self.path))
        for tokens in ([], [-1], [512]):
            with self.assertRaises(ValueError):
                model.forward(tokens)


if __name__ == "__main__":
    tap.main()
