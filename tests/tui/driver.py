"""Drive the real binary in a real terminal: tmux, as a person would, and look at the screen.

Every wait is for something to be on the screen, with a deadline; nothing waits for a time to pass.
The scripts take the command's path as first argument.
"""
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import tap  # noqa: E402,F401  (the scripts call tap.main)

METALLIC = os.path.abspath(sys.argv[1])
TMUX = shutil.which("tmux")
# Longer than anything takes, also with sanitizers on a busy machine: only a failure waits for it.
DEADLINE_SECONDS = 60
READY = "● ready"


class Screen:
    """One window of one tmux server, and the command in it."""

    count = 0

    def __init__(self, folder, *arguments, columns=80, rows=24, env=None, term="tmux-256color",
                 stderr=None):
        Screen.count += 1
        self.name = f"metallic-test-{os.getpid()}-{Screen.count}"
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        settings = {"LC_ALL": "C.UTF-8", "TERM": term, **(env or {})}
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"):  # signals end it as they end everyone
            settings[name] = ":".join(filter(None, (
                os.environ.get(name), "handle_segv=0", "handle_abort=0", "handle_sigbus=0",
                "handle_sigfpe=0", "handle_sigill=0")))
        dropped = [name for name in (*os.environ, "TERM") if name.startswith("METALLIC_")
                   or name in ("FORCE_MATMUL_BACKEND", "NO_COLOR", "LANG", "LC_CTYPE")]
        words = ["env", *(f"-u{name}" for name in dropped),
                 *(f"{name}={value}" for name, value in settings.items() if value is not None),
                 METALLIC, *map(str, arguments)]
        script, inner = self.folder / "run.sh", self.folder / "command.sh"
        command = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        if stderr is not None:
            command += f" 2>'{stderr}'"
        # In the foreground from its first moment: what is brought there by fg may have set the
        # terminal's modes before (tmux has SIGTTOU ignored), and the shell takes them for its own.
        inner.write_text(f"echo $$ >{self.folder}/pid\nexec {command}\n")
        # The shell stays in the foreground's place, so that what the command left can be seen.
        script.write_text(f"stty -g >{self.folder}/before\nbash {inner}\n"
                          f"code=$?\nstty -g >{self.folder}/after\n"
                          # When it stops, a line brings it back, as a person does with fg. A loop
                          # would be left by bash when its job stops.
                          + 2 * (f"if [ $code = {128 + signal.SIGTSTP} ]; then\n"
                                 "printf 'STOPPED\\n'\nread -r line\n"
                                 f"fg >/dev/null 2>&1\ncode=$?\nstty -g >{self.folder}/after\n"
                                 "fi\n") +
                          f"echo $code >{self.folder}/code.part\n"
                          f"mv {self.folder}/code.part {self.folder}/code\n"
                          "printf 'ENDED\\n'\nexec cat\n")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
                  f"exec bash -m {script}")

    def tmux(self, *words, **options):
        """Run a tmux command on this screen's server; its output."""
        env = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
        env.pop("TMUX", None)
        done = subprocess.run([TMUX, "-u", "-L", self.name, *map(str, words)], env=env, check=True,
                              capture_output=True, timeout=DEADLINE_SECONDS, **options)
        return done.stdout.decode("utf-8", "replace")

    def lines(self):
        """The rows of the window as text."""
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def text(self):
        """All of the window."""
        return "\n".join(self.lines())

    def styled(self):
        """The window with its SGR sequences."""
        return self.tmux("capture-pane", "-p", "-e")

    def wait(self, test, what=None):
        """Until `test`, a pattern or a function of the screen's text, holds; returns the text."""
        limit = time.monotonic() + DEADLINE_SECONDS
        if isinstance(test, str):
            what, pattern = what or test, re.compile(test, re.S)
            test = lambda text: pattern.search(text) is not None  # noqa: E731
        while True:
            text = self.text()
            if test(text):
                return text
            if time.monotonic() > limit:
                raise AssertionError(f"never on the screen: {what}\n{text}")
            time.sleep(0.02)

    def keys(self, *names):
        """Press keys as tmux names them: "Enter", "C-c", "M-Enter"."""
        self.tmux("send-keys", *names)

    def type(self, text):
        """Type a text, character by character."""
        self.tmux("send-keys", "-l", "--", text)

    def say(self, text):
        """Type a line and send it."""
        self.type(text)
        self.keys("Enter")

    def ask(self, text, answer):
        """Ask and wait for the answer, a pattern, and for its figures."""
        self.say(text)
        return self.wait(rf"❯ {re.escape(text)} *[\n│].*{answer}.*tokens? · [^❯]*❯[^❯]*{READY}",
                         what=f"{answer} and figures")

    def paste(self, text):
        """Paste as a terminal with bracketed paste does."""
        self.tmux("load-buffer", "-", input=text.encode())
        self.tmux("paste-buffer", "-p", "-r")

    def send_bytes(self, data):
        """Bytes of a key that tmux has no name for."""
        self.tmux("send-keys", "-H", *(f"{byte:02x}" for byte in data))

    def frame(self, columns, rows):
        """Wait until the window is drawn in this size."""
        self.wait(lambda text: len(text.split("\n")) == rows
                  and re.fullmatch("[─┬]" * columns, text.split("\n")[1]) is not None,
                  what=f"a frame of {columns} columns and {rows} rows")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    @property
    def cursor(self):
        """(column, row, whether it shows)."""
        x, y, shown = self.tmux("display-message", "-p",
                                "#{cursor_x} #{cursor_y} #{cursor_flag}").split()
        return int(x), int(y), shown == "1"

    @property
    def pid(self):
        limit = time.monotonic() + DEADLINE_SECONDS
        while not (text := self.read("pid").strip()):
            if time.monotonic() > limit:
                raise AssertionError("the command did not start")
            time.sleep(0.02)
        return int(text)

    def read(self, name):
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def modes(self, name):
        """What `stty -g` said, but for PENDIN of BSD and macOS: no mode, and there until a read."""
        return re.sub(r"lflag=([0-9a-f]+)",
                      lambda found: f"lflag={int(found[1], 16) & ~0x20000000:x}", self.read(name))

    def ended(self):
        """Wait for the end; the exit code. The terminal must be as it was."""
        self.wait("ENDED")
        modes = self.tmux("display-message", "-p",
                          "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split()
        if modes != ["0", "1", "0"]:
            raise AssertionError(f"screen, cursor, mouse were not given back: {modes}")
        if self.modes("before") != self.modes("after"):
            raise AssertionError("the modes of the terminal are not those from before")
        return int(self.read("code"))

    def signal(self, number):
        os.kill(self.pid, number)

    def close(self):
        try:
            self.tmux("kill-server")
        except subprocess.CalledProcessError:
            pass  # it has gone by itself


def endless_model(folder):
    """A tiny model of noise with so much context that an answer with --ignore-end has no end."""
    path = pathlib.Path(folder) / "endless.gguf"
    if not path.exists():
        made = path.with_suffix(".part")
        subprocess.run([METALLIC, "synth", "tiny", "f32", made], check=True, capture_output=True)
        data = bytearray(made.read_bytes())
        key = b"qwen2.context_length"
        at = data.index(key) + len(key) + 4  # behind the value's type, u32
        data[at:at + 4] = struct.pack("<I", 400_000)
        path.write_bytes(data)
        made.unlink()
    return path


@unittest.skipIf(TMUX is None, "needs tmux")
class TuiTest(unittest.TestCase):
    """A folder, and screens that are closed whatever happens."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory(prefix="metallic-tui-")
        cls.folder = pathlib.Path(cls._folder.name)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def start(self, *arguments, ready=True, **options):
        """The interface on the bundled model, waiting for input."""
        screen = Screen(self.folder, *arguments, **options)
        self.addCleanup(screen.close)
        if ready:
            screen.wait(READY)
        return screen

    def start_endless(self, *arguments, **options):
        """The interface with an answer of noise that goes on and on."""
        screen = self.start("-m", endless_model(self.folder), "--ignore-end", "--temperature", "1",
                            "--seed", "1", "--threads", "1", "-p", "go", *arguments, ready=False,
                            **options)
        screen.wait("answering")
        return screen

    def leave(self, screen, code=0):
        screen.keys("C-u")
        screen.say("/quit")
        self.assertEqual(screen.ended(), code)


__all__ = ["DEADLINE_SECONDS", "READY", "Screen", "TuiTest", "endless_model", "signal", "tap",
           "unittest", "METALLIC"]
