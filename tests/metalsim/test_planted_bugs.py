"""Every bug of kernels/bugs.metal is found by the modes that claim to find it, its fixed twin by none.

Modes: "seed N" (plain build, threads and groups shuffled), "address" and "thread" (the sanitizers).
A mode that is not named for a bug may or may not see it.
"""
import pathlib
import sys
import tempfile
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import runner  # noqa: E402
from support import tap  # noqa: E402

SOURCE = HERE / "kernels" / "bugs.metal"
RACE = "ThreadSanitizer: data race"


def setUpModule():
    if reason := runner.reason_to_skip():
        raise unittest.SkipTest(reason)


def run(kernel, fixed, mode="plain", seed=0, threads=64, groups=1, memory=None, more=()):
    arrays = {"out": np.zeros(threads * groups, np.float32), "n": np.array([4], np.int32)}
    dispatch = runner.dispatch(kernel, threads * groups, threads, {0: "out", 1: "n"}, memory)
    options = ["--seed", str(seed), *(["-DFIXED"] if fixed else []), *more]
    return runner.run(SOURCE, [dispatch], arrays, mode, options)


class Races(unittest.TestCase):
    def race(self, kernel, **keywords):
        found = run(kernel, False, "thread", **keywords)
        self.assertIn(RACE, found.complaints, found)
        clean = run(kernel, True, "thread", **keywords)
        self.assertTrue(clean.ok, clean)
        self.assertEqual(clean.complaints, "")

    def test_a_missing_barrier_before_a_read(self):
        self.race("no_barrier_before_read")

    def test_a_missing_second_barrier_in_a_loop(self):
        self.race("no_second_barrier")

    def test_a_barrier_that_orders_no_memory(self):
        self.race("barrier_without_memory")

    def test_a_missing_barrier_within_a_simdgroup(self):
        self.race("no_simdgroup_barrier")

    def test_two_groups_that_write_one_cell(self):
        self.race("groups_share_a_cell", groups=2)

    def test_two_groups_of_one_thread_that_write_one_cell(self):
        self.race("groups_share_a_cell", threads=1, groups=2)

    def test_two_groups_that_write_one_cell_after_a_barrier_of_their_own(self):
        self.race("groups_share_a_cell_after_a_barrier", groups=2)

    def test_the_same_on_several_workers_and_with_a_seed(self):
        self.race("no_second_barrier", seed=3, more=["--workers", "2"])

    def test_a_shuffled_schedule_shows_wrong_values_too(self):
        expected = np.tile([sum(r * 100 + (t + 33) % 64 for r in range(4)) for t in range(64)], 2)
        right = [np.array_equal(run("no_second_barrier", False, seed=seed, groups=2).arrays["out"], expected)
                 for seed in range(1, 5)]
        self.assertIn(False, right)
        for seed in range(3):
            fixed = run("no_second_barrier", True, seed=seed, groups=2)
            np.testing.assert_array_equal(fixed.arrays["out"], expected)


class ConcurrentDispatches(unittest.TestCase):
    """write_it, then read_it of what it wrote: right only with a barrier between the two."""

    def run_pair(self, mode, seed, barriers):
        n = 128
        arrays = {"out": np.zeros(n, np.float32), "copy": np.zeros(n, np.float32)}
        pair = [runner.dispatch("write_it", n, 32, {0: "out"}),
                runner.dispatch("read_it", n, 32, {0: "out", 1: "copy"})]
        return runner.run(SOURCE, pair, arrays, mode,
                          ["--seed", str(seed), *(["--barriers"] if barriers else [])])

    def test_thread_sanitizer_finds_a_missing_memory_barrier(self):
        self.assertIn(RACE, self.run_pair("thread", 0, False).complaints)
        clean = self.run_pair("thread", 0, True)
        self.assertTrue(clean.ok, clean)

    def test_seed_1_shows_it_for_certain(self):
        expected = np.arange(128, 0, -1, dtype=np.float32)
        np.testing.assert_array_equal(self.run_pair("plain", 1, False).arrays["copy"], 0)
        for seed in range(4):
            np.testing.assert_array_equal(self.run_pair("plain", seed, True).arrays["copy"], expected)

    def test_mixed_groups_show_it(self):
        expected = np.arange(128, 0, -1, dtype=np.float32)
        wrong = self.run_pair("plain", 2, False).arrays["copy"]
        self.assertFalse(np.array_equal(wrong, expected))


class Divergence(unittest.TestCase):
    def found(self, kernel, message, line, **keywords):
        """In every build mode and with any seed: it is the executor that sees it."""
        for mode, seed in (("plain", 0), ("plain", 5), ("address", 0), ("thread", 2)):
            with self.subTest(mode=mode, seed=seed):
                result = run(kernel, False, mode, seed, **keywords)
                self.assertEqual(result.status, 1, result)
                self.assertIn(f"error: kernel {kernel}, group (", result.output)
                self.assertRegex(result.output, message)
                self.assertIn(f"line {line}", result.output)
                clean = run(kernel, True, mode, seed, **keywords)
                self.assertTrue(clean.ok, clean)

    def line_of(self, kernel, text, nth=1):
        lines = SOURCE.read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if f"kernel void {kernel}(" in line)
        hits = [i for i in range(first, len(lines)) if text in lines[i]]
        return hits[nth - 1] + 1

    def test_lanes_in_two_simd_operations(self):
        self.found("divergent_simd_operation", "divergence: a lane of subgroup [01] is in this "
                   "operation, others wait in line",
                   self.line_of("divergent_simd_operation", "simd_sum", 2), threads=32)

    def test_half_a_simdgroup_in_an_operation_and_half_at_a_barrier(self):
        self.found("simd_operation_against_barrier", "divergence: 16 threads wait in a subgroup "
                   "operation, 16 at the group's barrier",
                   self.line_of("simd_operation_against_barrier", "if (t < 16)"), threads=32)

    def test_a_barrier_after_a_return(self):
        self.found("barrier_after_return", "returned",
                   self.line_of("barrier_after_return", "threadgroup_barrier"), threads=32)

    def test_threads_at_two_barriers(self):
        self.found("two_barriers", "divergence: a thread is at this barrier, others wait in line",
                   self.line_of("two_barriers", "threadgroup_barrier", 2))


class Spinning(unittest.TestCase):
    """A wait for what never comes ends, with the loop's line."""

    def found(self, kernel, loop, thread, **keywords):
        lines = SOURCE.read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if f"kernel void {kernel}(" in line)
        line = next(i for i in range(first, len(lines)) if loop in lines[i]) + 1
        for mode, seed in (("plain", 0), ("plain", 5), ("address", 0), ("thread", 2)):
            with self.subTest(mode=mode, seed=seed):
                result = run(kernel, False, mode, seed, **keywords)
                self.assertEqual(result.status, 1, result)
                self.assertRegex(result.output, rf"error: kernel {kernel}, group \(\d, 0, 0\), line {line}: "
                                                rf"thread {thread} turns in this loop for ever: ")
                clean = run(kernel, True, mode, seed, **keywords)
                self.assertTrue(clean.ok, clean)

    def test_groups_that_wait_for_each_other(self):
        self.found("groups_wait_for_each_other", "while (atomic_load", r"\d+", groups=2)
        self.found("groups_wait_for_each_other", "while (atomic_load", r"\d+", groups=3,
                   more=["--workers", "2"])

    def test_a_loop_without_an_end(self):
        self.found("loop_without_an_end", "for (;;)", r"\d+", threads=32)

    def test_a_wait_for_a_thread_of_the_same_group_ends(self):
        for mode, seed in (("plain", 0), ("plain", 1), ("plain", 2), ("address", 0), ("thread", 3)):
            result = run("wait_for_a_neighbour", False, mode, seed)
            self.assertTrue(result.ok, result)
            np.testing.assert_array_equal(result.arrays["out"], 7)


class Overruns(unittest.TestCase):
    def sanitizer(self, kernel, message, **keywords):
        result = run(kernel, False, "address", **keywords)
        self.assertNotEqual(result.status, 0, result)
        self.assertRegex(result.complaints, message)
        keywords.pop("memory", None)
        fixed_memory = {0: 65 * 4} if kernel == "argument_overrun" else None
        for mode in ("plain", "address"):
            clean = run(kernel, True, mode, memory=fixed_memory, **keywords)
            self.assertTrue(clean.ok, clean)
            self.assertEqual(clean.complaints, "")

    def test_a_read_behind_a_threadgroup_variable(self):
        self.sanitizer("variable_overrun_read", "heap-buffer-overflow|out of bounds")

    def test_a_write_behind_a_threadgroup_variable(self):
        self.sanitizer("variable_overrun_write", "heap-buffer-overflow|out of bounds")

    def test_a_write_behind_a_threadgroup_argument(self):
        self.sanitizer("argument_overrun", "heap-buffer-overflow", memory={0: 64 * 4})

    def test_a_write_behind_threadgroup_memory_without_a_sanitizer(self):
        for kernel, memory, what in (("variable_overrun_write", None, "256 bytes .* variable "),
                                     ("argument_overrun", {0: 256}, "256 bytes .* slot 0")):
            result = run(kernel, False, memory=memory)
            self.assertEqual(result.status, 1, result)
            self.assertRegex(result.output, what)

    def test_an_array_of_a_thread(self):
        self.sanitizer("local_array_overrun", "out of bounds")

    def test_a_vector_that_is_not_aligned(self):
        self.sanitizer("misaligned_vector", "misaligned address", threads=32)

    def test_a_buffer_ends_at_a_guard_page(self):
        result = run("buffer_overrun", False, groups=2)
        self.assertLess(result.status, 0, result)
        self.assertRegex(result.complaints, r"metalsim: kernel buffer_overrun, group \((0|1), 0, 0\), "
                                            r"thread \d+: bad address .* bytes behind buffer slot 0")
        clean = run("buffer_overrun", True, groups=2)
        self.assertTrue(clean.ok, clean)

    def test_a_thread_whose_stack_is_too_small(self):
        result = run("large_thread", False, threads=32)
        self.assertLess(result.status, 0, result)
        self.assertRegex(result.complaints, r"metalsim: kernel large_thread, .*bad address")
        clean = run("large_thread", True, threads=32)
        self.assertTrue(clean.ok, clean)

    def test_what_nobody_wrote_is_not_a_number(self):
        out = run("read_of_nothing", False).arrays["out"]
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(out)), [7])
        self.assertFalse(np.isnan(run("read_of_nothing", True).arrays["out"]).any())


class Spaces(unittest.TestCase):
    """Wrong address spaces are found before anything runs."""

    BAD = {
        "a device pointer in threadgroup memory's place":
            "static float f(threadgroup float *p) { return p[0]; }\n"
            "kernel void k(device float *o [[buffer(0)]]) {\n    o[0] = f(o);\n}\n",
        "an assignment between two spaces":
            "kernel void k(device float *o [[buffer(0)]],\n"
            "              threadgroup float *s [[threadgroup(0)]]) {\n    device float *q = s;\n"
            "    o[0] = q[0];\n}\n",
        "a cast between two spaces":
            "kernel void k(device float *o [[buffer(0)]],\n"
            "              constant float *c [[buffer(1)]]) {\n"
            "    o[0] = *(device float *)c;\n}\n",
    }

    def compile(self, body):
        with tempfile.NamedTemporaryFile("w", suffix=".metal") as file:
            file.write("#include <metal_stdlib>\nusing namespace metal;\n" + body)
            file.flush()
            return runner.run(file.name, [], {})

    def test_mixing_two_address_spaces_does_not_compile(self):
        for name, body in self.BAD.items():
            with self.subTest(name):
                result = self.compile(body)
                self.assertEqual(result.status, 2, result)
                self.assertIn("program_source:", result.output)
                self.assertIn("error: ", result.output)

    def test_the_same_with_one_space_compiles(self):
        for name, body in self.BAD.items():
            right = body.replace("threadgroup float *p", "device float *p").replace(
                "q = s;", "q = o;").replace("(device float *)c", "(constant float *)c")
            with self.subTest(name):
                result = self.compile(right)
                self.assertTrue(result.ok, result)


if __name__ == "__main__":
    tap.main()
