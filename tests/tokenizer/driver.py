"""The tokenizer behind a pipe, and texts to try it on."""
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tools"))
import tiktoken_to_gguf  # noqa: E402


class Failed(Exception):
    """The status is not MET_OK; the text is the error's."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Driver:
    """One process; see driver.c for the modes."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.mode = arguments[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise RuntimeError(f"the driver ended with {self.process.returncode}")

    def ask(self, text, numbers=()):
        """Numbers (encode, words) or bytes (nfc, stream)."""
        raw = text if isinstance(text, bytes) else text.encode()
        self.process.stdin.write(struct.pack("<II", len(raw), len(numbers)) + raw +
                                 struct.pack(f"<{len(numbers)}I", *numbers))
        self.process.stdin.flush()
        head = self.process.stdout.read(8)
        if len(head) != 8:
            raise RuntimeError(f"the driver died on {raw[:200]!r}")
        status, count = struct.unpack("<II", head)
        if status != 0:
            raise Failed(status, self.process.stdout.read(count).decode(errors="replace"))
        if self.mode in ("encode", "words"):
            return list(struct.unpack(f"<{count}I", self.process.stdout.read(4 * count)))
        return self.process.stdout.read(count)


def shared(name):
    """A path in the shared test data, or None."""
    path = os.path.join(os.environ.get("MET_TEST_SHARED", ""), name)
    return path if os.path.exists(path) else None


def qwen_vocabulary(folder):
    """The GGUF made from qwen.tiktoken, kept in `folder`; None without the shared data."""
    source = shared("qwen.tiktoken")
    if source is None:
        return None
    path = os.path.join(folder, "qwen2.5-vocabulary.gguf")
    newest = max(os.path.getmtime(source), os.path.getmtime(tiktoken_to_gguf.__file__))
    if not os.path.exists(path) or os.path.getmtime(path) < newest:
        tiktoken_to_gguf.convert(source, path)
    return path


# Ranges that differ in how they are cut or normalised: ASCII, Latin, combining marks, Greek,
# Cyrillic, Hebrew, Arabic, Devanagari, Thai, Hangul jamo, Georgian, Greek extended, spaces and
# punctuation, numbers and letters of the superscript and letterlike blocks, CJK marks, kana, CJK,
# syllables of Hangul, compatibility forms, halfwidth forms, and beyond the first plane.
RANGES = [(0x20, 0x7F), (0x20, 0x7F), (0x20, 0x7F), (0x7F, 0x250), (0x300, 0x370), (0x370, 0x400),
          (0x400, 0x530), (0x591, 0x5F5), (0x600, 0x700), (0x900, 0x980), (0xE01, 0xE5C),
          (0x1100, 0x1200), (0x10A0, 0x1100), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x2200),
          (0x2460, 0x2500), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAE00), (0xF900, 0xFB50),
          (0xFF00, 0xFFF0), (0x10330, 0x10350), (0x1D15E, 0x1D1C0), (0x1D400, 0x1D800),
          (0x1F600, 0x1F650), (0x20000, 0x20100), (0xE0000, 0xE0080)]
PIECES = ["'s", "'S", "'\u017f", "'re", "'VE", "'ll", "'Ll", "'d", "'x", "''t", " ", "  ", "   ",
          "\t", "\n", "\n\n", "\r\n", "\r", " \n ", "\u3000", "\u00a0", "\u0085", "\u2028", "\x0b",
          "\x1c", "!", "...", " !?\n", "don't", "I'm", " hello", "World", "foo_bar", "x1y22", "123",
          " 7", "int main(void)", "-->", "www.example.com", "e\u0301", "\u1100\u1161\u11a8",
          "a\u0323\u0302", "\u0344", "<|im_end|>", "<tool_call>", "\u0130", "\u212a", "\ufb06"]


def random_text(rng, pieces):
    parts = []
    for _ in range(rng.randrange(1, pieces)):
        if rng.random() < 0.5:
            parts.append(rng.choice(PIECES))
        else:
            low, high = rng.choice(RANGES)
            parts.append("".join(chr(rng.randrange(low, high))
                                 for _ in range(rng.randrange(1, 5))))
    return "".join(parts)


def random_texts(count, seed, pieces=14):
    rng = random.Random(seed)
    return [random_text(rng, pieces) for _ in range(count)]
