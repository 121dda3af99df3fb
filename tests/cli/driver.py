"""What the tests of the command share: running it, small models, checks of its contracts.

Every test script gets the path of the binary as its first argument.
"""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support import schema, tap  # noqa: E402,F401  (the scripts call tap.main)

ROOT = pathlib.Path(__file__).resolve().parents[2]
METALLIC = os.path.abspath(sys.argv[1])
BUNDLED = ROOT / "models" / "bundled-q8_0.gguf"
COMMANDS = ("tokenize", "detokenize", "logits", "perplexity", "inspect", "template", "synth",
            "env", "bench")
# A run that takes longer hangs: the longest takes some seconds, also with sanitizers.
TIMEOUT_SECONDS = 120
DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def environment(**changes):
    """This process's environment without the command's own variables."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("METALLIC_") and k != "FORCE_MATMUL_BACKEND"}
    kept.update(changes)
    return kept


def take_interrupts():
    """For preexec_fn: a test run in the background inherits an ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Result:
    """Exit code and both outputs of a finished run."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        return self.out.decode("utf-8")  # strict: the command's output is always UTF-8

    @property
    def json(self):
        return json.loads(self.out, parse_constant=refuse_constant)

    @property
    def events(self):
        return [json.loads(line, parse_constant=refuse_constant)
                for line in self.out.decode("utf-8").splitlines()]


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def run(*arguments, stdin=b"", env=None):
    """Run the command to its end. stdin: bytes, or None for the closed /dev/null."""
    done = subprocess.run([METALLIC, *map(str, arguments)], capture_output=True, check=False,
                          timeout=TIMEOUT_SECONDS, env=env if env is not None else environment(),
                          input=stdin if stdin is not None else b"")
    return Result(done.returncode, done.stdout, done.stderr)


def run_on_terminal(*arguments, streams=("stderr",)):
    """Run with some streams on a terminal: (exit code, what the terminal showed)."""
    ours, its = pty.openpty()
    pipes = {name: subprocess.DEVNULL for name in ("stdin", "stdout", "stderr")}
    pipes.update({name: its for name in streams})
    shown = b""
    with subprocess.Popen([METALLIC, *map(str, arguments)], env=environment(), **pipes) as process:
        os.close(its)
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # Linux: the other side has closed
            pass
        os.close(ours)
    return process.returncode, shown.decode()


class CommandTest(unittest.TestCase):
    """A folder for files, and the checks that every run must pass."""

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory(prefix="metallic-test-")
        cls.folder = pathlib.Path(cls._folder.name)

    @classmethod
    def tearDownClass(cls):
        cls._folder.cleanup()

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def tiny(self, kind="f32", seed=0):
        """A random-weight model; made once for each class."""
        path = self.folder / f"tiny-{kind}-{seed}.gguf"
        if not path.exists():
            self.done("synth", "tiny", kind, path, "--seed", seed)
        return path

    def done(self, *arguments, **options):
        """A run that succeeds and says nothing on standard error."""
        result = run(*arguments, **options)
        self.assertEqual((result.code, result.err), (DONE, b""), arguments)
        self.check_documents(result)
        return result

    @staticmethod
    def check_documents(result):
        """Every document on standard output that says what it is, is that."""
        if result.out.startswith(b'{"schema":'):
            for document in result.events:
                schema.check(document)

    def fails(self, code, *arguments, says=(), out=b"", **options):
        """A run that fails with one line on standard error which holds every text of `says`."""
        result = run(*arguments, **options)
        line = result.err.decode("utf-8", "replace")
        self.assertEqual(result.code, code, (arguments, line))
        self.assertRegex(line, r"\Ametallic: [^\n]+\n\Z", arguments)
        self.assertIsNone(re.search(r"[\x00-\x09\x0b-\x1f\x7f]", line), arguments)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, line, arguments)
        if out is not None:
            self.assertEqual(result.out, out, arguments)
        self.check_documents(result)
        return result

    def same_shape(self, found, expected, where="document"):
        """`expected` maps keys to a type, a tuple of types, or a nested expectation."""
        if not isinstance(expected, dict):
            self.assertIsInstance(found, expected, where)
            if expected is int or expected is float:
                self.assertNotIsInstance(found, bool, where)
            return
        self.assertIsInstance(found, dict, where)
        self.assertEqual(set(found), set(expected), where)
        for key, inner in expected.items():
            self.same_shape(found[key], inner, f"{where}.{key}")
