"""The MSL that the front end and its library give, run and compared with numpy.

Results that rounding decides are compared bit for bit: numpy's float16 rounds every operation once,
and so must half. Functions of the mathematical library are compared within two units in the last
place of float32 (the C library promises one, numpy's own rounding of float64 is half of one).
"""
import pathlib
import sys
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import runner  # noqa: E402
from support import tap  # noqa: E402

SOURCE = HERE / "kernels" / "language.metal"
RANDOM = np.random.RandomState(20)
np.seterr(all="ignore")


def setUpModule():
    if reason := runner.reason_to_skip():
        raise unittest.SkipTest(reason)


def run(kernel, grid, group, arrays, **keywords):
    """Run one kernel; the arrays are buffers 0, 1, ... in their order."""
    options = keywords.pop("options", [])
    mode = keywords.pop("mode", "plain")
    buffers = keywords.pop("buffers", dict(enumerate(arrays)))
    result = runner.run(SOURCE, [runner.dispatch(kernel, grid, group, buffers, **keywords)], arrays,
                        mode, options)
    if not result.ok or result.complaints:
        raise AssertionError(result)
    return result.arrays


def same(left, right):
    """Equal bits, any NaN for any NaN."""
    left, right = np.asarray(left), np.asarray(right)
    return (left == right) & (np.signbit(left) == np.signbit(right)) | np.isnan(left) & np.isnan(right)


class Halves(unittest.TestCase):
    def test_every_operation_rounds_once(self):
        n = 1 << 16
        bits = RANDOM.randint(0, 1 << 16, (2, n)).astype(np.uint16)
        bits[0, :1024] = np.arange(1024)  # subnormals
        bits[1, :512] = np.resize(np.array([0x3c01, 0x0400, 0x7bff, 0x7c00, 0x7e00, 0x8000], np.uint16),
                                  512)
        a, b = bits.view(np.float16)
        out = run("half_arithmetic", n, 256, {"a": a, "b": b, "out": np.zeros((n, 8), np.float16)})["out"]
        exact = a.astype(np.float64)
        expected = [a + b, a - b, a * b, a / b, a * b + a, np.sqrt(np.abs(a)),
                    (a.astype(np.float32) * np.float32(1.0009765625)).astype(np.float16),
                    (exact * b.astype(np.float64) + exact).astype(np.float16)]
        for column, values in enumerate(expected):
            wrong = np.flatnonzero(~same(out[:, column], values))
            self.assertEqual(len(wrong), 0, f"result {column}: {a[wrong[:3]]} {b[wrong[:3]]} "
                             f"{out[wrong[:3], column]} {values[wrong[:3]]}")

    def test_vectors_and_swizzles(self):
        a = RANDOM.randn(32, 4).astype(np.float16)
        out = run("half_vectors", 32, 32, {"a": a, "out": np.zeros_like(a)})["out"]
        v = a * a[:, [1, 0, 3, 2]] + np.array([1, 0.5, 2, 4], np.float16)
        v[:, :2] += v[:, 2:]
        x, y, z, w = v.T
        expected = np.stack([x, z, y, x], 1) + np.stack([w, w, x, y], 1)
        self.assertTrue(same(out, expected).all())


class Floats(unittest.TestCase):
    def test_conversions_constructors_and_casts(self):
        n = 64
        v = (RANDOM.randn(n, 4) * 3).astype(np.float32)
        out = run("conversions", n, 32, {"in": v, "out": np.zeros((n, 16), np.float32)})["out"]
        whole = np.trunc(v).astype(np.float32)
        one = np.float32(1)
        products = [v[:, i] * np.float32(i + 1) for i in range(4)]
        expected = [whole[:, 0], whole[:, 1], v[:, 2], v[:, 1], whole[:, 0], -v[:, 0],
                    whole[:, 2] * np.float32(0.5), whole[:, 3], v[:, 0].astype(np.float16),
                    ((products[0] + products[1]) + products[2]) + products[3],
                    np.maximum(v[:, 0], 0) + np.minimum(v[:, 1], v[:, 2]),
                    np.clip(v[:, 2], -1, 1), np.where(v[:, 2] > 0, v[:, 1], v[:, 0]),
                    (v > 0).any(1), one / np.float32(3) * v[:, 0], whole[:, 1]]
        for column, values in enumerate(expected):
            np.testing.assert_array_equal(out[:, column], values.astype(np.float32), f"result {column}")

    def test_functions(self):
        x = np.concatenate([RANDOM.randn(59) * 4, [0.5, 1.5, 2.5, -0.5, 0.75]]).astype(np.float32)
        n = len(x)
        out = run("functions", n, 32, {"in": x, "out": np.zeros((n, 16), np.float32)})["out"]
        e, bits = x.astype(np.float64), x.view(np.uint32)
        expected = [np.exp(e), np.log(np.abs(e)), 1 / np.sqrt(np.abs(e)), np.rint(e),
                    np.copysign(np.floor(np.abs(e) + 0.5), e), np.floor(e), np.tanh(e), e, np.sin(e),
                    np.abs(e) ** np.float64(np.float32(0.3)), [bin(b).count("1") for b in bits],
                    [32 - int(b).bit_length() for b in bits], np.sign(e), e * e + 1, np.trunc(e),
                    [int(b) * 3 >> 32 for b in bits]]
        exact = {3, 4, 5, 7, 10, 11, 12, 13, 14, 15}
        for column, values in enumerate(expected):
            values = np.asarray(values).astype(np.float32)
            bound = 0 if column in exact else 2 * np.spacing(np.abs(values))
            self.assertTrue((np.abs(out[:, column] - values) <= bound).all(), f"result {column}")

    def test_packed_types_have_no_gaps(self):
        row = np.dtype([("position", np.float32, 3), ("codes", np.int8, 4), ("scale", np.float16),
                        ("gap", np.int16)])
        rows = np.zeros(8, row)
        rows["position"] = RANDOM.randn(8, 3)
        rows["codes"] = RANDOM.randint(-128, 128, (8, 4))
        rows["scale"] = RANDOM.randn(8)
        codes = RANDOM.randint(-128, 128, 40).astype(np.int8)
        out = run("packed", 8, 8, {"rows": rows.view(np.uint8), "out": np.zeros((8, 8), np.float32),
                                   "bytes": codes})["out"]
        scale = rows["scale"].astype(np.float32)
        expected = np.stack([rows["position"][:, 0] * 2, rows["position"][:, 2] * 2,
                             rows["codes"][:, 0] * scale, rows["codes"][:, 3] * scale,
                             np.full(8, 20), codes[2:34:4], codes[4:36:4], np.full(8, 12)], 1)
        np.testing.assert_array_equal(out, expected.astype(np.float32))


class Simdgroups(unittest.TestCase):
    def check(self, threads, seed):
        x = (RANDOM.randint(-64, 64, threads) / 64).astype(np.float32)  # sums of these are exact
        out = run("simdgroups", threads, threads, {"in": x, "out": np.zeros((threads, 16), np.float32)},
                  options=["--seed", str(seed)])["out"]
        for first in range(0, threads, 32):
            lanes = x[first:first + 32]
            n, got, index = len(lanes), out[first:first + 32], np.arange(len(lanes))

            def there(at):
                """The value of another lane; NaN where there is none."""
                padded = np.concatenate([lanes, np.full(64 - n, np.nan, np.float32)])
                return np.where((at >= 0) & (at < n), padded[at % 64], np.nan)

            quads = [lanes[i & ~3:(i & ~3) + 4].sum() for i in index]
            ballot = sum(1 << int(i) for i in index if lanes[i] > 0)
            expected = [lanes.sum(), lanes.max(), lanes.min(), there(index ^ 5), there(index + 1),
                        there(index - 2), there(index * 0 + 7), lanes[0], np.cumsum(lanes),
                        np.cumsum(lanes) - lanes, (lanes > 0.99).any(), True, ballot, lanes.sum(),
                        first // 32 + 100 * ((threads + 31) // 32) + 10000 * index, quads]
            for column, values in enumerate(expected):
                values = np.broadcast_to(np.asarray(values, np.float32), (n,))
                np.testing.assert_array_equal(got[:, column], values, f"{threads}: result {column}")

    def test_reductions_shuffles_scans_and_votes(self):
        for threads, seed in ((32, 0), (96, 3), (1024, 1)):
            self.check(threads, seed)

    def test_a_simdgroup_that_is_not_full(self):
        for threads, seed in ((1, 0), (9, 2), (33, 0), (70, 5)):
            self.check(threads, seed)

    def test_a_sum_is_the_same_for_every_seed(self):
        x = RANDOM.randn(64).astype(np.float32)
        results = [run("simdgroups", 64, 64, {"in": x, "out": np.zeros((64, 16), np.float32)},
                       options=["--seed", str(seed)])["out"].tobytes() for seed in range(4)]
        self.assertEqual(len(set(results)), 1)

    def test_matrices(self):
        a = RANDOM.randint(-8, 8, (9, 16)).astype(np.float16)
        b = RANDOM.randint(-8, 8, (8, 8)).astype(np.float16)
        c = RANDOM.randint(-8, 8, (8, 8)).astype(np.float32)
        blank = np.zeros((8, 8), np.float32)
        for seed in (0, 4):
            out = run("matrices", 32, 32, {"a": a, "b": b, "c": c, "d": blank, "e": blank, "m": blank},
                      options=["--seed", str(seed)])
            left, right = a[1:9, 8:].astype(np.float32), b.astype(np.float32)
            np.testing.assert_array_equal(out["d"], left @ right + c)
            np.testing.assert_array_equal(out["e"], (left @ right.T).T)
            lanes = np.arange(32)
            rows = (lanes >> 4) * 4 + (lanes >> 1 & 3)
            cols = (lanes >> 3 & 1) * 4 + (lanes & 1) * 2
            elements = np.stack([out["d"][rows, cols], out["d"][rows, cols + 1]], 1)
            np.testing.assert_array_equal(out["m"].reshape(32, 2), elements)


class Arguments(unittest.TestCase):
    def test_atomics_of_device_and_threadgroup_memory(self):
        values = RANDOM.randint(0, 1 << 30, 640).astype(np.uint32)
        for mode, workers in (("plain", 2), ("thread", 1)):
            out = run("atomics", 640, 64,
                      {"in": values, "histogram": np.zeros(8, np.uint32),
                       "extreme": np.zeros(1, np.int32), "sum": np.zeros(1, np.float32)}, mode=mode,
                      options=["--seed", "2", "--workers", str(workers)])
            np.testing.assert_array_equal(out["histogram"], np.bincount(values & 7, minlength=8))
            self.assertEqual(out["extreme"][0], (values & 0xffff).max())
            self.assertEqual(out["sum"][0], 320.0)

    def test_positions_on_a_ragged_grid(self):
        grid, group = (10, 7, 2), (4, 3, 1)
        out = run("positions", grid, group, {"out": np.zeros((2, 7, 10, 16), np.uint16)},
                  options=["--seed", "6", "--workers", "2"])["out"]
        for z, y, x in np.ndindex(2, 7, 10):
            size = (min(4, 10 - x // 4 * 4), min(3, 7 - y // 3 * 3), 1)
            expected = [x // 4, y // 3, z, x % 4, y % 3, *size, 4, 3, 3, 3, 2, 10, 2, 32]
            np.testing.assert_array_equal(out[z, y, x], expected, f"{x} {y} {z}")

    def constants(self, values):
        n = 32
        bias = np.arange(n, dtype=np.float32) * 1000
        arrays = {"out": np.zeros(n, np.float32), "bias": bias}
        return run("constants", n, 32, arrays, constants=values)["out"], np.arange(n), bias

    def test_function_constants(self):
        out, i, bias = self.constants({0: "bool=1", 1: "int=2", 2: "float=0.25", 3: "ushort=7"})
        np.testing.assert_array_equal(out, i * 0.5 + 7 + 30 + bias)
        out, i, _ = self.constants({0: "bool=0", 1: "int=0", 3: "ushort=1", 9: "int=4"})
        np.testing.assert_array_equal(out, i + 1)

    def test_sets_of_constants_live_side_by_side(self):
        n = 32
        arrays = {"a": np.zeros(n, np.float32), "b": np.zeros(n, np.float32),
                  "bias": np.zeros(n, np.float32)}
        pair = [runner.dispatch("constants", n, 8, {0: name, 1: "bias"},
                                constants={0: "bool=0", 1: f"int={rows}", 3: "ushort=0"})
                for name, rows in (("a", 1), ("b", 2))]
        for seed in range(4):
            out = runner.run(SOURCE, pair, arrays, options=["--seed", str(seed)]).arrays
            np.testing.assert_array_equal(out["b"] - out["a"], 20)

    def test_a_missing_or_mistyped_constant_is_refused(self):
        arrays = {"out": np.zeros(32, np.float32)}
        for constants, message in (
                ({0: "bool=0", 1: "int=1"},
                 "kernel constants: function constant offset (index 3) has no value"),
                ({0: "bool=0", 1: "uint=1", 3: "ushort=1"},
                 "function constant rows_at_once (index 1): value of type 6, expected 5")):
            result = runner.run(SOURCE, [runner.dispatch("constants", 32, 32, {0: "out"},
                                                         constants=constants)], arrays)
            self.assertEqual(result.status, 2)
            self.assertIn(message, result.complaints)

    def test_templates_are_found_by_their_host_names(self):
        x = np.arange(32, dtype=np.float32)
        out = run("repeat_float_2", 32, 32, {"in": x, "out": x * 0})["out"]
        np.testing.assert_array_equal(out, 2 * x)
        n = np.arange(128, dtype=np.int16).reshape(32, 4)
        out = run("repeat_short4_3", 32, 32, {"in": n, "out": n * 0})["out"]
        np.testing.assert_array_equal(out, 3 * n)
        missing = runner.run(SOURCE, [runner.dispatch("repeat", 1, 1)], {})
        self.assertIn("repeat: no kernel of this name", missing.complaints)

    def declared(self, threads, memory):
        w = np.arange(64, dtype=np.float32)
        arrays = {"s": np.array([3, 5], np.int32), "w": w, "out": w * 0}
        return runner.run(SOURCE, [runner.dispatch("declared", threads, threads,
                                                   {0: "s", 1: "w", 2: "out"}, memory)], arrays)

    def test_references_threadgroup_arguments_and_several_variables(self):
        t = np.arange(64)
        result = self.declared(64, {0: 256, 1: 256})
        self.assertTrue(result.ok, result)
        np.testing.assert_array_equal(result.arrays["out"], (t ^ 1) + (t ^ 2) + 3005 + 1 + 2)

    def test_what_a_dispatch_lacks_is_an_error(self):
        self.assertIn("parameter b: no group memory in slot 1", self.declared(64, {0: 256}).output)
        self.assertIn("more threads in a group than the kernel declares",
                      self.declared(65, {0: 260, 1: 260}).output)
        result = runner.run(SOURCE, [runner.dispatch("repeat_float_2", 32, 32)], {})
        self.assertIn("kernel repeat_float_2: parameter in: no buffer in slot 0", result.output)
        result = runner.run(SOURCE, [runner.dispatch("atomics", 0, 32)], {})
        self.assertIn("a grid or group without threads", result.output)
        result = runner.run(SOURCE, [runner.dispatch("atomics", 2048, 2048)], {})
        self.assertIn("more threads in a group, or groups, than there can be", result.output)


class Sanitizers(unittest.TestCase):
    def test_correct_kernels_are_clean_under_both(self):
        x = np.zeros(70, np.float32)
        for mode in ("address", "thread"):
            run("simdgroups", 70, 70, {"in": x, "out": np.zeros((70, 16), np.float32)}, mode=mode,
                options=["--seed", "3"])


if __name__ == "__main__":
    tap.main()
