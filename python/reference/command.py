"""Drive the metallic command: the only door of libmetallic that Python uses.

Owns: finding the binary, running it, reading back what it wrote. Does not own: what for.
Invariant: a run that fails raises CommandError with the command's own line.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


class CommandError(RuntimeError):
    """The command is missing or failed; the text says which."""


def find(path=None):
    """The binary: `path`, else the newest of this source tree's builds, else the one on PATH."""
    if path is not None:
        if not os.access(path, os.X_OK):
            raise CommandError(f"{path}: not a program, expected the metallic binary")
        return str(path)
    built = [p for p in ROOT.glob("build*/**/metallic") if p.is_file() and os.access(p, os.X_OK)]
    if built:
        return str(max(built, key=lambda p: p.stat().st_mtime))
    on_path = shutil.which("metallic")
    if on_path is None:
        raise CommandError("metallic: not built and not on PATH; run make, or give --metallic PATH")
    return on_path


class Command:
    """One binary and the options that every run of it gets (backend, threads)."""

    def __init__(self, path=None, backend=None, threads=None):
        self.path = find(path)
        self.options = []
        if backend is not None:
            self.options += ["--backend", backend]
        if threads is not None:
            self.options += ["--threads", str(threads)]

    def run(self, *arguments, text=None):
        """Standard output of `metallic arguments`, as bytes."""
        done = subprocess.run([self.path, *map(str, arguments)], check=False, capture_output=True,
                              input=None if text is None else text.encode(),
                              stdin=subprocess.DEVNULL if text is None else None)
        if done.returncode != 0:
            line = done.stderr.decode(errors="replace").strip() or "nothing on stderr"
            raise CommandError(f"{self.path} {arguments[0]}: exit {done.returncode}: {line}")
        return done.stdout

    def version(self):
        return self.run("--version").decode().strip()

    def tokenize(self, model, text):
        """Token ids of a plain text (no control tokens)."""
        return json.loads(self.run("tokenize", "--gguf-path", model, "--json", "--", text))

    def logits(self, model, tokens, *options):
        """float32 [tokens, vocab]."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "logits.npy"
            self.run("logits", "--gguf-path", model, "--tokens", ",".join(map(str, tokens)),
                     "--output", out, *options, *self.options)
            return np.load(out)

    def synth(self, shape, kind, out, *options):
        """A random model of a real shape; kind "f32", "f16" or "q8_0"."""
        self.run("synth", shape, kind, out, *options)

    def generate(self, model, prompt, *options):
        """The JSON document of one greedy run on `prompt`, given to the model as it is."""
        return json.loads(self.run("--gguf-path", model, f"--prompt={prompt}", "--raw",
                                   "--temperature", 0, "--output-format", "json", *options,
                                   *self.options))
