"""The fuzz targets on their seeds and on changes of these, without a fuzzer.

    test_replay.py REPLAY_GGUF REPLAY_TEMPLATE REPLAY_TOKENIZER SEEDS_GGUF SEEDS_TEMPLATE
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from support import tap  # noqa: E402

GGUF, TEMPLATE, TOKENIZER, SEEDS_GGUF, SEEDS_TEMPLATE = map(os.path.abspath, sys.argv[1:6])
CHANGES = 20


class Replay(unittest.TestCase):
    def replay(self, target, seeder=None, folder=None):
        with tempfile.TemporaryDirectory() as made:
            if seeder is not None:
                subprocess.run([seeder, made], check=True, timeout=120)
                folder = made
            seeds = len(list(pathlib.Path(folder).iterdir()))
            done = subprocess.run([target, str(folder), str(CHANGES)], capture_output=True,
                                  text=True, timeout=600, check=False)
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])
        self.assertGreater(seeds, 3)
        self.assertEqual(done.stdout, f"{seeds * (CHANGES + 1)} inputs\n")

    def test_gguf_files_and_what_is_done_with_them(self):
        self.replay(GGUF, seeder=SEEDS_GGUF)

    def test_templates(self):
        self.replay(TEMPLATE, seeder=SEEDS_TEMPLATE)

    def test_vocabularies_and_texts(self):
        self.replay(TOKENIZER, folder=ROOT / "tests" / "fuzz" / "seeds" / "tokenizer")


if __name__ == "__main__":
    tap.main()
