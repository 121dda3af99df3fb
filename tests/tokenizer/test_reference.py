"""Ids against the reference cases, and against the pattern run by a regex engine with naive merges.

    test_reference.py DRIVER FOLDER
"""
import json
import os
import sys
import unicodedata
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from support import tap  # noqa: E402
from tokenizer import driver  # noqa: E402

try:
    import regex
except ImportError:
    regex = None

DRIVER, FOLDER = sys.argv[1:3]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
needs_regex = unittest.skipIf(regex is None, "needs python3-regex")


def cut(text):
    """The oracle: words as the pattern has them."""
    return [match.group() for match in regex.finditer(PATTERN, text)]


def merge(ranks, word):
    """The oracle: tokens of one word, the lowest rank first."""
    parts = [word[i:i + 1] for i in range(len(word))]
    while len(parts) > 1:
        rank, where = min((ranks.get(parts[i] + parts[i + 1], 1 << 30), i)
                          for i in range(len(parts) - 1))
        if rank == 1 << 30:
            break
        parts[where:where + 2] = [parts[where] + parts[where + 1]]
    return [ranks[part] for part in parts]


def encode(ranks, text):
    ids = []
    for word in cut(unicodedata.normalize("NFC", text)):
        ids += merge(ranks, word.encode())
    return ids


class Pattern(unittest.TestCase):
    @needs_regex
    def test_words_are_those_of_the_regex_engine(self):
        with driver.Driver(DRIVER, "words") as d:
            for text in driver.random_texts(20000, seed=1):
                ends, at = [], 0
                for word in cut(text):
                    at += len(word.encode())
                    ends.append(at)
                self.assertEqual(d.ask(text), ends, repr(text))

    @needs_regex
    def test_every_code_point_has_the_class_of_the_regex_engine(self):
        # "a" joins a letter, and any one other than \r \n \p{N} before it; "!" joins others and a
        # space before them: the three words tell all classes apart.
        points = [p for p in range(0x110000) if not 0xD800 <= p < 0xE000]
        with driver.Driver(DRIVER, "words") as d:
            for begin in range(0, len(points), 4096):
                text = "".join(f"a{chr(p)}!\n" for p in points[begin:begin + 4096])
                ends, at = [], 0
                for word in cut(text):
                    at += len(word.encode())
                    ends.append(at)
                self.assertEqual(d.ask(text), ends, f"from U+{points[begin]:04X}")


class Normalisation(unittest.TestCase):
    def test_every_assigned_code_point_is_normalised_as_in_python(self):
        with driver.Driver(DRIVER, "nfc") as d:
            for begin in range(0, 0x110000, 1024):
                # What Python's older data does not know, it does not normalise.
                text = "".join(f"a{chr(p)}-{chr(p)}\u0323" for p in range(begin, begin + 1024)
                               if unicodedata.category(chr(p)) not in ("Cn", "Cs"))
                self.assertEqual(d.ask(text).decode(), unicodedata.normalize("NFC", text),
                                 f"from U+{begin:04X}")

    def test_random_texts_are_normalised_as_in_python(self):
        with driver.Driver(DRIVER, "nfc") as d:
            for text in driver.random_texts(20000, seed=2):
                for form in ("NFD", "NFKD"):
                    apart = unicodedata.normalize(form, text)
                    self.assertEqual(d.ask(apart).decode(), unicodedata.normalize("NFC", apart),
                                     repr(apart))
                self.assertEqual(d.ask(text).decode(), unicodedata.normalize("NFC", text),
                                 repr(text))

    def test_marks_in_every_order_are_sorted(self):
        marks = [chr(p) for p in range(0x300, 0x370)] + ["\u0591", "\u05b0", "\u0e38", "\u0e48",
                                                         "\u3099", "\u093c", "\u094d", "\U0001d165"]
        rng = driver.random.Random(3)
        with driver.Driver(DRIVER, "nfc") as d:
            for length in (1, 2, 3, 15, 16, 17, 18, 40, 300):
                for _ in range(200):
                    text = rng.choice("aeo\u00e9\u1e69") + "".join(rng.choices(marks, k=length)) + "x"
                    self.assertEqual(d.ask(text).decode(), unicodedata.normalize("NFC", text),
                                     repr(text))

    def test_a_megabyte_of_marks_in_the_worst_order_ends(self):
        # Alternating classes 230 and 220: sorting by exchanging neighbours takes 10^11 steps.
        count = 1 << 18
        text = "a" + "\u0301\u0316" * count
        with driver.Driver(DRIVER, "nfc") as d:
            self.assertEqual(d.ask(text).decode(),
                             "\u00e1" + "\u0316" * count + "\u0301" * (count - 1))


class Qwen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = driver.qwen_vocabulary(FOLDER)
        if cls.path is None:
            raise unittest.SkipTest("needs shared test data: qwen.tiktoken")
        cls.ranks = driver.tiktoken_to_gguf.read_ranks(driver.shared("qwen.tiktoken"))

    def test_ids_equal_the_reference_cases(self):
        cases = driver.shared("qwen2_tokenizer_cases.jsonl")
        if cases is None:
            self.skipTest("needs shared test data: qwen2_tokenizer_cases.jsonl")
        count = 0
        with driver.Driver(DRIVER, "encode", self.path) as d, open(cases) as lines:
            for line in lines:
                case = json.loads(line)
                self.assertEqual(d.ask(case["text"]), case["ids"], repr(case["text"]))
                count += 1
        self.assertEqual(count, 400)


if __name__ == "__main__":
    tap.main()
