"""The terminal itself: sizes, signals, crashes, colours, locales, and what is not a terminal."""
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import time

from driver import DEADLINE_SECONDS, METALLIC, READY, TuiTest, endless_model, signal, tap, unittest


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Size(TuiTest):
    def test_any_size_works_and_a_tiny_window_says_so(self):
        screen = self.start("-p", "What is 231 + 468?", ready=False, columns=80, rows=24)
        screen.wait("699.*tok/s")
        for columns, rows in ((20, 5), (300, 80), (24, 7), (3, 2), (40, 10), (100, 30), (80, 24)):
            screen.resize(columns, rows)
            if columns < 24 or rows < 7:
                screen.wait(r"\A" + "window too small"[:columns])
            else:
                screen.wait(lambda text, c=columns, r=rows: "ready" in text.split("\n")[r - 1]
                            and len(text.split("\n")) == r)
        self.assertIn("699", screen.text())
        self.leave(screen)

    def test_it_starts_in_a_tiny_window_and_grows_into_a_larger_one(self):
        screen = self.start(ready=False, columns=20, rows=5)
        screen.wait("window too small")
        screen.resize(80, 24)
        screen.wait(READY)
        self.leave(screen)

    def test_resizing_while_text_streams_leaves_a_whole_screen(self):
        screen = self.start_endless()
        for columns, rows in ((120, 40), (30, 10), (10, 3), (200, 50), (90, 24), (64, 18)) * 2:
            screen.resize(columns, rows)
        screen.resize(80, 24)
        screen.keys("Escape")
        screen.wait(READY)
        text = screen.wait(lambda text: text.split("\n")[1] == "─" * 80
                           and text.split("\n")[21] == "─" * 80, what="both lines of the window")
        self.assertTrue(text.split("\n")[0].startswith(" metallic"))
        self.leave(screen)


class Signals(TuiTest):
    def test_every_way_to_be_ended_gives_the_terminal_back(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV,
                       signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
            with self.subTest(signal=number.name):
                screen = self.start()
                screen.signal(number)
                # There every SIGBUS looks as if a file could not be read: cli/fault.c.
                unreadable = number == signal.SIGBUS and sys.platform == "darwin"
                self.assertEqual(screen.ended(), 1 if unreadable else 128 + number)

    def test_it_is_given_back_in_the_midst_of_an_answer_too(self):
        for number in (signal.SIGTERM, signal.SIGSEGV):
            with self.subTest(signal=number.name):
                screen = self.start_endless()
                screen.signal(number)
                self.assertEqual(screen.ended(), 128 + number)

    def test_a_model_that_is_truncated_ends_it_with_one_line(self):
        model = shutil.copy(endless_model(self.folder), self.folder / "used.gguf")
        screen = self.start("-m", model, "--backend", "cpu", "--ignore-end", "-p", "go",
                            ready=False)
        screen.wait("answering")
        os.truncate(model, 4096)
        self.assertEqual(screen.ended(), 1)
        self.assertIn("metallic: a file in use cannot be read any more", screen.text())

    def test_interrupts_from_outside_are_like_ctrl_c(self):
        screen = self.start_endless()
        screen.signal(signal.SIGINT)
        screen.wait("stopped.*● Ctrl-C again leaves")
        screen.signal(signal.SIGINT)
        self.assertEqual(screen.ended(), 130)

    def test_ctrl_z_stops_it_with_the_terminal_given_back_and_fg_brings_it_again(self):
        for way in ("C-z", signal.SIGTSTP):
            with self.subTest(way=way):
                screen = self.start("-p", "What is 231 + 468?", ready=False)
                screen.wait(f"699.*{READY}")
                for _ in range(2):
                    if way == "C-z":
                        screen.keys("C-z")
                    else:
                        screen.signal(way)
                    screen.wait("STOPPED")
                    self.assertEqual(screen.modes("before"), screen.modes("after"))
                    screen.keys("Enter")
                    screen.wait(f"699.*{READY}")
                screen.ask("What is 2 + 3?", "5")
                self.leave(screen)

    def test_going_on_after_a_stop_draws_over_what_was_written_meanwhile(self):
        screen = self.start()
        with open(screen.tmux("display-message", "-p", "#{pane_tty}").strip(), "w") as terminal:
            terminal.write("\033[5;1Hsomebody was here")
        screen.wait("somebody was here")
        screen.signal(signal.SIGCONT)
        screen.wait(lambda text: "somebody" not in text and READY in text)
        screen.ask("What is 2 + 3?", "5")
        self.leave(screen)

    def test_a_terminal_that_goes_away_ends_it(self):
        screen = self.start_endless()
        pid = screen.pid
        screen.close()
        limit = time.monotonic() + DEADLINE_SECONDS
        while alive(pid):
            self.assertLess(time.monotonic(), limit, "it lives on without a terminal")
            time.sleep(0.02)


class Look(TuiTest):
    def test_colours_are_those_of_the_theme_and_no_color_has_none(self):
        colour = re.compile(r"\x1b\[(\d+;)*(3[0-8]|4[0-8]|9[0-7])(;\d+)*m")
        screen = self.start()
        self.assertRegex(screen.styled(), colour)
        self.assertNotRegex(screen.styled(), r"\x1b\[[0-9;]*\b[34]8[;:]")  # no colours of our own
        self.leave(screen)
        screen = self.start(env={"NO_COLOR": "1"})
        self.assertNotRegex(screen.styled(), colour)
        self.leave(screen)

    def test_without_a_locale_utf8_works(self):
        for locale in ("C", "POSIX", None):
            screen = self.start(env={"LC_ALL": locale})
            screen.type("日本")
            screen.wait("❯ 日本")
            screen.keys("C-c")
            self.leave(screen)

    @unittest.skipUnless(pathlib.Path("/proc/self/fd").exists(), "needs /proc")
    def test_what_is_written_to_standard_error_does_not_tear_the_screen(self):
        # The shell's own words: the command's standard error is the terminal, as it usually is.
        screen = self.start(columns=100, rows=30)
        with open(f"/proc/{screen.pid}/fd/2", "w") as stream:
            stream.write("a library's warning\nwith two lines\n")
        screen.keys("F3")
        screen.wait("a library's warning.*with two lines")
        self.assertTrue(screen.text().startswith(" metallic"))
        self.leave(screen)

    def test_files_of_metrics_that_are_the_terminal_are_refused_in_the_log(self):
        for name in ("METALLIC_METRICS_JSONL_PATH", "METALLIC_TRACE_PATH"):
            for path in ("/dev/tty", "/dev/stdout", "/dev/stderr"):
                screen = self.start(columns=100, rows=30, env={name: path})
                screen.wait("F3 shows an error in the log")
                screen.keys("F3")
                text = screen.wait(f"error *{path}: found the terminal that the interface draws on")
                self.assertNotIn("F3 shows", text)
                screen.ask("What is 2 + 3?", "5")
                self.assertNotIn("metallic.metrics", screen.text())
                self.assertNotIn('"ph"', screen.text())
                self.leave(screen)
                self.assertNotIn('"ph"', screen.text())  # nor behind it

    def test_noise_of_a_model_cannot_reach_the_terminal(self):
        # Random tokens hold control characters; the window keeps its frame and its title.
        screen = self.start_endless(columns=60, rows=20)
        screen.wait(lambda text: "❯ go" not in text)
        screen.keys("Escape")
        screen.wait(READY)
        rows = screen.lines()
        self.assertEqual((rows[1], rows[17]), ("─" * 60, "─" * 60))
        self.leave(screen)


class Fallback(TuiTest):
    def test_a_dumb_or_unknown_terminal_gets_text_and_is_told_why(self):
        for term, why in (("dumb", "TERM is dumb"), ("", "TERM is not set"),
                          ("no-such-terminal", "not known here")):
            screen = self.start("-p", "What is 2 + 3?", ready=False, term=term, columns=150)
            text = screen.wait("ENDED")
            self.assertIn(why, text)
            self.assertIn("2 + 3 = 5.", text)
            self.assertEqual(screen.read("code").strip(), "0")

    def test_a_pipe_gets_text_and_is_told_only_when_the_interface_was_asked_for(self):
        plain = subprocess.run([METALLIC, "-p", "What is 2 + 3?"], stdin=subprocess.DEVNULL,
                               capture_output=True, check=True)
        self.assertEqual((plain.stdout, plain.stderr), (b"2 + 3 = 5.\n", b""))
        asked = subprocess.run([METALLIC, "-p", "What is 2 + 3?", "-o", "tui"],
                               stdin=subprocess.DEVNULL, capture_output=True, check=True)
        self.assertEqual(asked.stdout, plain.stdout)
        self.assertRegex(asked.stderr, rb"\A[^\n]*--output-format tui: standard input is not a "
                                       rb"terminal, so the answer comes as text\n\Z")

    def test_a_terminal_for_one_side_only_is_no_terminal(self):
        ours, its = pty.openpty()
        done = subprocess.run([METALLIC, "-p", "What is 2 + 3?"], stdin=its, check=True,
                              capture_output=True)
        os.close(its)
        os.close(ours)
        self.assertEqual((done.stdout, done.stderr), (b"2 + 3 = 5.\n", b""))


class Rest(TuiTest):
    @unittest.skipUnless(pathlib.Path("/proc/self/stat").exists(), "needs /proc")
    def test_an_interface_at_rest_takes_no_time(self):
        screen = self.start("-p", "What is 2 + 3?", ready=False, columns=120, rows=40)
        screen.wait(f"5.*{READY}")

        def switches():
            """Times that the interface's thread has waited for something."""
            status = pathlib.Path(f"/proc/{screen.pid}/status").read_text()
            return int(re.search(r"voluntary_ctxt_switches:\s*(\d+)", status).group(1))
        before = switches()
        for _ in range(20):  # what a loop that wakes by itself would be seen in
            screen.text()
        self.assertLessEqual(switches() - before, 2)
        self.leave(screen)


if __name__ == "__main__":
    tap.main()
