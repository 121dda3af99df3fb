"""The simulator's API layer: correct uses run clean, every mistake ends with a line that names it.

    test_api.py metalsim_cases        (the program of tests/metalsim/cases)
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support import tap

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
MISUSE = "metalsim: misuse: "
# What each case of bad.m says before it ends, as a regular expression.
BAD = {
    "argument_not_bound": r"compute encoder 'step': kernel scale: buffer\(1\) 'y' is not bound",
    "argument_unbound_again": r"kernel add_one: buffer\(0\) 'x' is not bound",
    "conditional_argument_not_bound": r"kernel with_constants: buffer\(1\) 'bias' is not bound",
    "threadgroup_memory_not_set": r"kernel reverse: threadgroup\(0\) 'held' has no length",
    "threadgroup_memory_of_17": r"'step': 17 at index 0 is not a multiple of 16",
    "threadgroup_memory_over_32k": r"'step': 32784 at index 0, at most 32768",
    "threadgroup_memories_over_32k_together":
        r"kernel two_memories: 32784 bytes of threadgroup memory, at most 32768",
    "threadgroup_memory_over_32k_with_its_own":
        r"static_memory: a threadgroup uses 32784 bytes of threadgroup memory \(0 left set for other "
        r"kernels\), at most 32768",
    "threadgroup_memory_left_set":
        r"static_memory: a threadgroup uses 33792 bytes of threadgroup memory \(16384 left set for "
        r"other kernels\), at most 32768",
    "threads_1025": r"kernel add_one: 1025 x 1 x 1 threads in a threadgroup, at most 1024",
    "threads_over_the_pipelines_limit": r"96 x 1 x 1 threads in a threadgroup, at most 64",
    "threads_not_whole_simdgroups": r"40 threads in a threadgroup, promised a multiple of 32",
    "empty_grid": r"kernel add_one: an empty grid",
    "no_pipeline": r"compute encoder has no pipeline",
    "bytes_4097": r"4097 bytes at index 2, at most 4096",
    "bytes_written_by_the_kernel": r"add_one: writes to buffer\(0\) 'x', which is setBytes",
    "index_31": r"index 31, the last is 30",
    "offset_beyond_the_end": r"offset 32 of buffer 'kv' at index 0, which has 32 bytes",
    "offset_not_aligned": r"offset 2 of buffer 'kv' at index 0 is not a multiple of 4",
    "two_encoders_open": r"an encoder of command buffer 'decode' is still open",
    "use_after_the_end": r"dispatchThreads: compute encoder 'step' has ended",
    "end_twice": r"endEncoding: compute encoder 'step' has ended",
    "encoder_without_an_end": r"compute encoder 'step' is released without endEncoding",
    "debug_group_not_popped": r"1 debug groups of compute encoder 'step' are not popped",
    "debug_group_popped_twice": r"compute encoder 'step': popDebugGroup without a push",
    "commit_twice": r"commit: command buffer is committed already",
    "commit_with_an_open_encoder": r"commit: an encoder of command buffer is still open",
    "encode_after_commit": r"computeCommandEncoder: command buffer is committed already",
    "wait_before_commit": r"waitUntilCompleted: command buffer is not committed",
    "too_many_command_buffers": r"command queue 'small': 2 command buffers .* block for ever",
    "event_that_nothing_signals":
        r"deadlock: command buffer waits for value 1 of event 'prefill done', which is at 0",
    "buffer_released_twice": r"message release to a buffer 'kv' that was released",
    "buffer_used_after_release": r"message contents to a buffer 'kv' that was released",
    "unretained_buffer_released_in_flight":
        r"command buffer 'decode', which does not retain what it uses, runs after .* released",
    "device_released_too_often": r"the device is released once more than it was retained",
    "autorelease_without_a_pool": r"autorelease of a string 'lost' with no pool in place",
    "unknown_method": r"-\[SimBuffer makeTheTea\]: no such method",
    "private_buffer_with_bytes": r"newBufferWithBytes: the processor cannot write to a private",
    "buffer_of_0_bytes": r"newBufferWithLength: a length of 0",
    "write_into_the_slack": r"past_the_end: wrote byte 28 of buffer 'small', which has 28",
    "copy_beyond_the_end": r"32 bytes at 0 of buffer 'b', which has 16",
    "copy_over_itself": r"the ranges of buffer 'a' overlap",
    "fill_of_3_bytes": r"3 bytes at 0 of buffer 'a': not multiples of 4",
    "matrices_that_do_not_fit": r"the right matrix has 3 x 4, needs 4 x 3",
    "matrices_of_two_types": r"matrices of different data types",
    "matrix_larger_than_its_buffer": r"64 bytes at 0 of buffer 'm', which has 60",
    "product_with_an_open_encoder": r"MPSMatrixMultiplication: an encoder of .* is still open",
}
# These end by other means: the page behind a buffer, the check of what is left at the end.
OTHER_END = {"write_into_the_guard_page", "dispatches_without_a_barrier", "a_leak"}
HAS_TSAN = b"__tsan_init" in PROGRAM.read_bytes()


def listed(kind):
    done = subprocess.run([PROGRAM], capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    return [name for found, name in lines if found == kind]


def run(case, folder, **extra):
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith("METALSIM_") or name == "METALSIM_CACHE"}
    environment = {"METALSIM_CACHE": str(PROGRAM.parent / "cache"), **inherited,
                   "METALSIM_LEAKS": "fail", **extra}
    environment["TSAN_OPTIONS"] = environment.get("TSAN_OPTIONS", "") + ":atexit_sleep_ms=0"
    # A program that ends in the middle has not released what it holds.
    if case in BAD:
        environment["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
    return subprocess.run([PROGRAM, case, folder], capture_output=True, text=True, timeout=120,
                          env=environment)


class Api(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def test_every_mistake_has_its_line_here(self):
        self.assertEqual(sorted(BAD.keys() | OTHER_END), sorted(listed("bad")))

    def test_every_declared_name_is_used_by_a_case(self):
        """On macOS cases are compiled against Apple's headers: what none uses is checked nowhere."""
        folder = pathlib.Path(__file__).resolve().parent
        cases = "".join(path.read_text() for path in folder.glob("*.m"))
        unused, seen = [], 0
        for header in (folder.parent / "apple").rglob("*.h"):
            text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
            names = re.findall(r"^\s+(M[TP][LS]\w+) =", text, re.M)
            names += re.findall(r"^@property[^;]*?(\w+);", text, re.M)
            for method in re.findall(r"^[-+] \(([^;{]*);", text, re.M):
                plain = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "", method.split(")", 1)[1])
                parts = re.findall(r"(\w+)\s*:", plain)
                names += [f"{part}:" for part in parts] or plain.split()[:1]
            seen += len(names)
            unused += [name for name in names
                       if not re.search(rf"\b(is|set)?{name}" + ("" if name[-1] == ":" else r"\b"),
                                        cases, re.I)]
        self.assertGreater(seen, 300)
        self.assertEqual(unused, [])

    def assert_clean(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_write_into_the_guard_page_names_the_kernel(self):
        done = run("write_into_the_guard_page", self.folder)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("past_the_end", done.stderr)

    def test_a_missing_barrier_between_dispatches_is_a_race(self):
        done = run("dispatches_without_a_barrier", self.folder)
        if not HAS_TSAN:  # in order, nothing is wrong with it
            self.assert_clean(done)
            return
        self.assertEqual(done.returncode, 66, done.stderr)
        self.assertIn("data race", done.stderr)

    def test_a_leak_is_named_and_fails_the_process(self):
        done = run("a_leak", self.folder, ASAN_OPTIONS="detect_leaks=0")
        self.assertEqual(done.returncode, 86)
        self.assertIn("metalsim: leak: buffer 'forgotten', 1 reference\n", done.stderr)
        self.assertEqual(run("a_leak", self.folder, METALSIM_LEAKS="off",
                             ASAN_OPTIONS="detect_leaks=0").stderr, "")

    def test_failures_can_be_chosen_by_the_environment(self):
        done = run("every_argument_bound", self.folder, METALSIM_FAIL="buffer:9,command:1",
                   METALSIM_LEAKS="off")
        self.assertIn("commands.status == MTLCommandBufferStatusCompleted", done.stderr)
        for wrong in ("tea:1", "buffer", "buffer:0", "buffer:x", "buffer:1;queue:1"):
            done = run("strings", self.folder, METALSIM_FAIL=wrong)
            self.assertIn(f'METALSIM_FAIL is name:n[,name:n...], found "{wrong}"', done.stderr)
        self.assertIn('METALSIM_SEED is a number, found "x"',
                      run("strings", self.folder, METALSIM_SEED="x").stderr)

    def test_the_log_goes_to_a_file(self):
        path = pathlib.Path(self.folder) / "log"
        self.assert_clean(run("every_argument_bound", self.folder, METALSIM_LOG=str(path)))
        (line,) = path.read_text().splitlines()
        entry = json.loads(line)
        buffers = entry.pop("buffers")
        self.assertEqual(entry, {"command_buffer": 1, "window": 0, "encoder": "step",
                                 "kernel": "scale", "groups": [3, 1, 1],
                                 "group_threads": [32, 1, 1]})
        self.assertEqual([(one["index"], one["label"]) for one in buffers],
                         [(0, "x"), (1, 'say "y"')])
        for bad in ("/dev/full", "/nonexistent/log"):
            self.assertIn(f"METALSIM_LOG: cannot write {bad}",
                          run("every_argument_bound", self.folder, METALSIM_LOG=bad).stderr)

    def test_every_seed_and_several_workers_run_clean(self):
        for seed, workers in ((1, 1), (2, 2), (3, 4)):
            self.assert_clean(run("every_argument_bound", self.folder, METALSIM_SEED=str(seed),
                                  METALSIM_WORKERS=str(workers)))


def add_good(case):
    def test(self):
        done = run(case, self.folder)
        if HAS_TSAN and case == "seeds_show_a_missing_barrier":  # and so does the sanitizer
            self.assertIn("data race", done.stderr)
            return
        stderr = re.sub(r"metalsim: newBufferWithBytesNoCopy returns nil: .*\n", "", done.stderr)
        self.assertEqual((done.returncode, stderr), (0, ""))
    setattr(Api, f"test_good_{case}", test)


def add_bad(case, line):
    def test(self):
        done = run(case, self.folder)
        self.assertEqual(done.returncode, -signal.SIGABRT, done.stderr)
        said = [text for text in done.stderr.splitlines() if text.startswith(MISUSE)]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertRegex(said[0], line)
    setattr(Api, f"test_bad_{case}", test)


for name in listed("good"):
    add_good(name)
for name, text in BAD.items():
    add_bad(name, text)

if __name__ == "__main__":
    tap.main()
