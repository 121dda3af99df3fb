"""Bytes moved, counted by the executor and by hand: reads, writes, vectors, structs, loops."""
import pathlib
import re
import sys
import tempfile
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import runner  # noqa: E402
from support import tap  # noqa: E402

SOURCE = """
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;
struct block { half d; char q[32]; };
constant bool twice [[function_constant(0)]];

kernel void copy(device const float *in [[buffer(0)]], device float *out [[buffer(1)]],
                 uint i [[thread_position_in_grid]]) { out[i] = in[i]; }

// Every thread reads all of it: unique bytes stay, total bytes grow.
kernel void sum_all(device const float *in [[buffer(0)]], device float *out [[buffer(1)]],
                    constant int &n [[buffer(2)]], uint i [[thread_position_in_grid]])
{
    float sum = 0;
    for (int k = 0; k < n; k++) sum += in[k];
    out[i] = sum;
}

// One block of 34 bytes a thread, its numbers four at a time; threadgroup memory is not counted.
kernel void dot_blocks(device const block *w [[buffer(0)]], device const float4 *x [[buffer(1)]],
                       device float *out [[buffer(2)]], uint i [[thread_position_in_grid]],
                       uint t [[thread_index_in_threadgroup]])
{
    threadgroup float shared[64];
    float4 sum = 0.0f;
    device const packed_char4 *q = (device const packed_char4 *)w[i].q;
    for (int k = 0; k < 8; k++) sum += float4(char4(q[k])) * x[8 * i + k];
    shared[t] = dot(sum, float4(1)) * float(w[i].d);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[i] = shared[t ^ 1];
}

kernel void product(device const half *a [[buffer(0)]], device const half *b [[buffer(1)]],
                    device float *c [[buffer(2)]])
{
    simdgroup_half8x8 left, right;
    simdgroup_float8x8 sum = make_filled_simdgroup_matrix<float, 8>(0.0f);
    simdgroup_load(left, a);
    simdgroup_load(right, b);
    simdgroup_multiply_accumulate(sum, left, right, sum);
    simdgroup_store(sum, c);
}

kernel void add_to(device float *x [[buffer(0)]], device const float *y [[buffer(1)]],
                   uint i [[thread_position_in_grid]])
{
    x[i] += y[i];
    if (twice) x[i] += y[i];
}

kernel void half_of_it(device const short *in [[buffer(0)]], device atomic_uint *out [[buffer(1)]],
                       uint i [[thread_position_in_grid]])
{
    if (i % 2 == 0) atomic_fetch_add_explicit(out, uint(in[i]), memory_order_relaxed);
}

struct record { int a, b, c, d, e; };
kernel void copy_records(device record *to [[buffer(0)]], device const record *from [[buffer(1)]],
                         uint i [[thread_position_in_grid]]) { to[i].a = from[i].a; to[i].e = from[i].e; }
"""


def setUpModule():
    if reason := runner.reason_to_skip():
        raise unittest.SkipTest(reason)


class Traffic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = tempfile.NamedTemporaryFile("w", suffix=".metal")
        cls.file.write(SOURCE)
        cls.file.flush()

    @classmethod
    def tearDownClass(cls):
        cls.file.close()

    def count(self, kernel, grid, group, arrays, constants=None, options=()):
        dispatch = runner.dispatch(kernel, grid, group, dict(enumerate(arrays)), constants=constants)
        result = runner.run(self.file.name, [dispatch], arrays, options=["--count", *options])
        self.assertTrue(result.ok, result)
        found = {}
        for line in result.output.splitlines():
            match = re.fullmatch(r"slot (\d+): read (\d+) unique (\d+), written (\d+) unique (\d+)",
                                 line)
            found[int(match.group(1))] = tuple(map(int, match.groups()[1:]))
        return found

    def floats(self, n):
        return np.ones(n, np.float32)

    def test_a_copy(self):
        arrays = {"in": self.floats(1000), "out": self.floats(1000)}
        for options in ([], ["--seed", "3", "--workers", "2"]):
            self.assertEqual(self.count("copy", 1000, 64, arrays, options=options),
                             {0: (4000, 4000, 0, 0), 1: (0, 0, 4000, 4000)})

    def test_what_is_read_again_counts_again_in_total(self):
        arrays = {"in": self.floats(100), "out": self.floats(32), "n": np.array([100], np.int32)}
        counted = self.count("sum_all", 32, 32, arrays)
        self.assertEqual(counted[0], (32 * 400, 400, 0, 0))
        self.assertEqual(counted[1], (0, 0, 128, 128))
        self.assertEqual(counted[2][1], 4)

    def test_blocks_are_read_once(self):
        arrays = {"w": np.ones(128 * 34, np.uint8), "x": self.floats(128 * 32),
                  "out": self.floats(128)}
        self.assertEqual(self.count("dot_blocks", 128, 64, arrays),
                         {0: (128 * 34, 128 * 34, 0, 0), 1: (128 * 128, 128 * 128, 0, 0),
                          2: (0, 0, 512, 512)})

    def test_matrices_are_read_and_written_once(self):
        h = np.ones((8, 8), np.float16)
        self.assertEqual(self.count("product", 32, 32, {"a": h, "b": h, "c": self.floats(64)}),
                         {0: (128, 128, 0, 0), 1: (128, 128, 0, 0), 2: (0, 0, 256, 256)})

    def test_what_is_added_to_is_read_and_written(self):
        arrays = {"x": self.floats(64), "y": self.floats(64)}
        counted = self.count("add_to", 64, 32, arrays, {0: "bool=0"})
        self.assertEqual(counted, {0: (256, 256, 256, 256), 1: (256, 256, 0, 0)})

    def test_one_buffer_in_two_slots_counts_for_the_first(self):
        arrays = {"x": self.floats(64)}
        dispatch = runner.dispatch("add_to", 64, 32, {0: "x", 1: "x"}, constants={0: "bool=0"})
        result = runner.run(self.file.name, [dispatch], arrays, options=["--count"])
        self.assertEqual(result.output, "slot 0: read 512 unique 256, written 256 unique 256\n")
        np.testing.assert_array_equal(result.arrays["x"], 2)

    def test_small_and_atomic_accesses(self):
        arrays = {"in": np.ones(64, np.int16), "out": np.zeros(1, np.uint32)}
        counted = self.count("half_of_it", 64, 32, arrays)
        self.assertEqual(counted[0], (64, 64, 0, 0))
        self.assertEqual(counted[1][1], 4)
        self.assertEqual(counted[1][3], 4)

    def test_untouched_members_are_not_counted(self):
        arrays = {"to": np.zeros(5 * 16, np.int32), "from": np.ones(5 * 16, np.int32)}
        self.assertEqual(self.count("copy_records", 16, 16, arrays),
                         {0: (0, 0, 128, 128), 1: (128, 128, 0, 0)})

    def test_nothing_is_counted_unless_asked(self):
        arrays = {"in": self.floats(64), "out": self.floats(64)}
        result = runner.run(self.file.name, [runner.dispatch("copy", 64, 64, {0: "in", 1: "out"})],
                            arrays)
        self.assertEqual(result.output, "")


if __name__ == "__main__":
    tap.main()
