"""The line of progress: who sees it, and what it never touches. And the events that tell the same.

Nothing here waits for a time: a run is watched until what it should show is there, then interrupted.
"""
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import fcntl
import time

from driver import (CommandTest, DONE, INTERRUPTED, METALLIC, ROOT, TIMEOUT_SECONDS, environment,
                    run, schema, take_interrupts, tap)

sys.path.append(str(ROOT / "python"))
from reference import synth  # noqa: E402

READING = re.compile(r"\rreading the prompt: (\d+) of (\d+) tokens, \d+ s(, \d+ s left)?\x1b\[K")
LOG = re.compile(r"metallic: \[\d+\.\d{6}\] (info|debug|trace): .+")


def screen(shown):
    """What a terminal shows after these bytes, line by line. Knows what the command writes: line
    feeds, carriage returns, and erasing to the end of the line."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[K|.", shown, re.S):
        line = lines[-1]
        if part == "\n":
            lines.append("")
            column = 0
        elif part == "\r":
            column = 0
        elif part == "\x1b[K":
            lines[-1] = line[:column]
        else:
            assert part >= " ", repr(part)
            lines[-1] = line[:column] + part + line[column + 1:]
            column += 1
    return lines


class Watched:
    """A run of the command with some streams on a terminal of its own."""

    def __init__(self, test, *arguments, streams=("stderr",), columns=100, env=None, stdout=None,
                 command=(METALLIC,), session=False):
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        pipes = {"stdin": subprocess.DEVNULL, "stdout": stdout or subprocess.DEVNULL,
                 "stderr": subprocess.DEVNULL}
        pipes.update({name: its for name in streams})
        env = env if env is not None else environment(TERM="xterm")

        def prepare():
            take_interrupts()
            if session:  # the terminal is that of a new session, whose leader this is
                os.setsid()
                fcntl.ioctl(2, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([*command, *map(str, arguments)], env=env,
                                        preexec_fn=prepare, **pipes)
        os.close(its)
        self.test, self.terminal, self.bytes = test, ours, b""
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        test.addCleanup(os.close, ours)

    @property
    def shown(self):
        return self.bytes.decode()

    def read(self, seconds):
        """False when the other side has closed."""
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                part = os.read(self.terminal, 65536)
            except OSError:  # Linux
                return False
            if not part:  # macOS
                return False
            self.bytes += part
        return True

    def until(self, pattern):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not re.search(pattern, self.shown):
            self.test.assertLess(time.monotonic(), deadline, self.shown[-300:])
            self.test.assertTrue(self.read(1), f"ended with {self.shown[-300:]!r}")

    def end(self, interrupt=False):
        """Exit code, after perhaps a Ctrl-C."""
        if interrupt:
            self.process.send_signal(signal.SIGINT)
        while self.read(TIMEOUT_SECONDS):
            pass
        return self.process.wait(TIMEOUT_SECONDS)


class LongPrompt(CommandTest):
    """A model that reads its prompt for seconds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow = cls.folder / "slow.gguf"
        synth.write(cls.slow, "Q8_0", layers=8, cols=512, ffn_cols=1024, heads=8, kv_heads=2,
                    context_length=1 << 17)
        # Attention over so many tokens takes seconds on one core of any machine of today.
        cls.words = "hello world " * 2500
        cls.prompt = cls.folder / "prompt.txt"
        cls.prompt.write_text(cls.words)

    def watch(self, *arguments, **options):
        return Watched(self, "-m", self.slow, "--raw", "--prompt-file", self.prompt, "-n", 2,
                       "-t", 1, "--ignore-end", *arguments, **options)


    def watch_in_background(self):
        """As a job of a shell that has the terminal; ends when the shell is terminated."""
        job = '"$@" & trap "kill $!" TERM; wait $!'
        return Watched(self, "-m", self.slow, "--raw", "--prompt-file", self.prompt, "-n", 2,
                       "-t", 1, command=["sh", "-mc", job, "sh", METALLIC], session=True)


class Progress(LongPrompt):
    def test_a_long_prompt_is_told_and_the_line_is_erased(self):
        run_ = self.watch()
        run_.until(READING.pattern)
        run_.until(r"reading the prompt: [1-9]")
        self.assertEqual(run_.end(interrupt=True), INTERRUPTED)
        self.assertTrue(run_.shown.endswith("\r\x1b[K"), run_.shown)
        self.assertEqual(screen(run_.shown), [""])
        done = [int(found[0]) for found in READING.findall(run_.shown)]
        self.assertEqual(done, sorted(done))

    def test_nobody_is_told_who_cannot_see_it_or_does_not_want_it(self):
        dumb, none = environment(TERM="dumb"), environment()
        none.pop("TERM", None)
        silent = [self.watch("-q"), self.watch("--quiet"), self.watch(env=dumb),
                  self.watch(env=none), self.watch("-o", "jsonl"),
                  self.watch(streams=("stdout",))]
        silent.append(self.watch_in_background())
        # It began last and shares the machine with them: what it shows they would have shown.
        told = self.watch()
        told.until(READING.pattern)
        self.assertEqual(told.end(interrupt=True), INTERRUPTED)
        for run_ in silent[:-1]:
            self.assertEqual((run_.end(interrupt=True), run_.shown), (INTERRUPTED, ""))
        silent[-1].process.terminate()
        silent[-1].end()
        self.assertEqual(silent[-1].shown, "")

    def test_the_line_fits_the_terminal(self):
        for columns in (2, 12, 40):
            run_ = self.watch(columns=columns)
            run_.until(r"\r[^\r]+\x1b\[K")
            self.assertEqual(run_.end(interrupt=True), INTERRUPTED)
            wide = max(map(len, re.findall(r"\r([^\r\x1b]*)", run_.shown)))
            self.assertLessEqual(wide, columns - 1)
            self.assertEqual(screen(run_.shown), [""])

    def test_log_lines_and_progress_share_no_line(self):
        run_ = self.watch("-vvv")
        run_.until(rf"(?s){READING.pattern}.*trace: step: [^\n]*\n")
        self.assertEqual(run_.end(interrupt=True), INTERRUPTED)
        lines = screen(run_.shown)
        self.assertEqual(lines[-1], "")
        for line in lines[:-1]:
            self.assertRegex(line, rf"\A{LOG.pattern}\Z")

    def test_the_answer_and_the_log_share_no_line_of_one_terminal(self):
        run_ = Watched(self, "-p", "What is 2 + 3?", "-vvv", streams=("stdout", "stderr"))
        self.assertEqual(run_.end(), DONE)
        lines = [line for line in screen(run_.shown) if line]
        answer = [line for line in lines if not re.fullmatch(LOG.pattern, line)]
        self.assertEqual("".join(answer) + "\n", self.done("-p", "What is 2 + 3?").text)
        self.assertGreater(len(answer), 1)  # there were lines between

    def test_the_answer_begins_where_progress_was_erased(self):
        self.prompt.write_text(self.words[:len(self.words) // 4])
        self.addCleanup(self.prompt.write_text, self.words)
        run_ = self.watch(streams=("stdout", "stderr"))
        self.assertEqual(run_.end(), DONE)
        plain = run("-m", self.slow, "--raw", "--prompt-file", self.prompt, "-n", 2,
                    "--ignore-end").text
        told, answer = run_.shown.rsplit("\r\x1b[K", 1)
        self.assertRegex(told, READING.pattern)
        self.assertEqual(answer.replace("\r\n", "\n"), plain)

    def test_a_failure_stands_alone(self):
        run_ = self.watch("--context-length", 3)
        run_.end()
        lines = screen(run_.shown)
        self.assertEqual(lines[-1], "")
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"\Ametallic: session: .* at most 3")

    def test_a_whole_answer_is_counted_when_it_comes_at_once(self):
        run_ = Watched(self, "-m", self.slow, "--raw", "-p", "hello", "--ignore-end", "-o", "none")
        run_.until(r"\ranswering: \d+ tokens, \d+ s\x1b\[K")
        self.assertEqual(run_.end(interrupt=True), INTERRUPTED)
        self.assertEqual(screen(run_.shown), [""])

    def test_synth_perplexity_bench_and_logits_tell_how_far_they_are(self):
        ids = ",".join(["7"] * 12000)
        text = self.file("text.txt", self.words)
        out = self.folder / "big.gguf"
        for arguments, shows, code in (
                (("synth", "qwen2.5-0.5b", "f32", out), r"writing the model: \d+ of \d+ tensors",
                 INTERRUPTED),
                (("perplexity", "-m", self.slow, "--file", text, "--context-length", 64,
                  "--stride", 1),
                 r"measuring perplexity: \d+ of \d+ tokens, \d+\.\d{4} so far, ", INTERRUPTED),
                (("bench", "-m", self.slow, "-p", 512, "-n", 64, "-r", 100),
                 r"measuring: (?:[6-9]|\d\d+) of 303 runs", INTERRUPTED),  # one repetition, whole
                (("logits", "-m", self.slow, "-t", 1, "--last", "--tokens", ids, "-o", "/dev/null"),
                 r"computing logits: \d+ of 12000 tokens", None)):
            with self.subTest(command=arguments[0]):
                run_ = Watched(self, *arguments)
                run_.until(rf"\r{shows}[^\r]*\x1b\[K")
                if code is None:
                    run_.process.kill()
                else:
                    self.assertEqual(run_.end(interrupt=True), code)
                    lines = screen(run_.shown)
                    if arguments[0] == "bench":
                        self.assertRegex(lines.pop(0), r"\Ametallic: warn: interrupted after \d+ "
                                                       r"of 100 repetitions\Z")
                    self.assertEqual(lines, [""])
        self.assertFalse(out.exists())

    def test_an_interrupted_bench_reports_what_is_whole(self):
        out = self.folder / "bench.json"
        # The first repetition is the fourth to the sixth run; at a great depth it is far away.
        for depth, runs in ((0, r"(?:[6-9]|\d\d+)"), (100000, "0")):
            with open(out, "wb") as stdout:
                run_ = Watched(self, "bench", "-m", self.slow, "-p", 512, "-n", 64, "-r", 100, "-d",
                               depth, "--json", stdout=stdout)
                run_.until(rf"\rmeasuring: {runs} of 303 runs")
                self.assertEqual(run_.end(interrupt=True), INTERRUPTED)
            document = json.loads(out.read_text())
            schema.check(document)
            if depth > 0:
                self.assertIn("before the first repetition", document["error"]["text"])
            else:
                self.assertTrue(document["interrupted"])
                self.assertTrue(1 <= document["repetitions"] < 100)


class Events(LongPrompt):
    def test_progress_events_ascend_and_stand_between_start_and_tokens(self):
        self.prompt.write_text("hello " * 600)
        self.addCleanup(self.prompt.write_text, self.words)
        events = self.done("-m", self.slow, "--raw", "--prompt-file", self.prompt, "-n", 2,
                           "--ignore-end", "-o", "jsonl").events
        if events[-2]["id"] is None:
            del events[-2]  # text that was held back
        kinds = [event["event"] for event in events]
        count = kinds.count("progress")
        self.assertGreater(count, 0)
        self.assertEqual(kinds, ["start"] + ["progress"] * count + ["token"] * 2 + ["end"])
        told = [event for event in events if event["event"] == "progress"]
        prompt = events[-1]["usage"]["prompt_tokens"]
        self.assertEqual({event["total"] for event in told}, {prompt})
        done = [event["done"] for event in told]
        self.assertEqual(done, sorted(set(done)))
        self.assertTrue(0 < done[0] and done[-1] < prompt, done)
        self.assertEqual({tuple(event) for event in told}, {("schema", "event", "done", "total")})

    def test_an_interrupt_within_the_prompt_ends_with_what_is_held(self):
        reading, writing = os.pipe()
        run_ = self.watch("-o", "jsonl", streams=(), stdout=writing)
        os.close(writing)
        with open(reading, encoding="utf-8") as lines:
            first = [json.loads(next(lines)) for _ in range(2)]
            self.assertEqual([event["event"] for event in first], ["start", "progress"])
            run_.process.send_signal(signal.SIGINT)
            rest = [json.loads(line) for line in lines]
        self.assertEqual(run_.process.wait(TIMEOUT_SECONDS), INTERRUPTED)
        self.assertEqual((rest[-1]["event"], rest[-1]["finish"]), ("end", "interrupted"))
        told = [first[1], *(event for event in rest if event["event"] == "progress")]
        usage = rest[-1]["usage"]
        self.assertEqual(usage["prompt_tokens"], told[-1]["done"])
        self.assertLess(usage["prompt_tokens"], len(first[0]["prompt_tokens"]))
        self.assertEqual(usage["generated_tokens"], 0)


if __name__ == "__main__":
    tap.main()
