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

sys.path.insert(0, os.path.join(os.environ.get("MET_TEST_SOURCE", "."), "python"))
from reference import gguf  # noqa: E402

try:
    import regex
except ImportError:
    regex = None

DRIVER, FOLDER = sys.argv[1:3]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# Code points that Python and the tables (Unicode 15.0) both know.
ASSIGNED = unicodedata if unicodedata.unidata_version <= "15.0.0" else unicodedata.ucd_3_2_0
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
        if regex.match(r"\p{L}", "\U0002ebf0"):  # CJK extension I, of Unicode 15.1
            self.skipTest("python3-regex is of a later Unicode than the tables")
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
                # What one side's older data does not know, it does not normalise.
                text = "".join(f"a{chr(p)}-{chr(p)}\u0323" for p in range(begin, begin + 1024)
                               if ASSIGNED.category(chr(p)) not in ("Cn", "Cs"))
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
                    text = rng.choice("aeo\u00e9\u1e69") + "".join(rng.choices(marks, k=length))
                    self.assertEqual(d.ask(text).decode(), unicodedata.normalize("NFC", text),
                                     repr(text))

    def test_a_megabyte_of_marks_in_the_worst_order_ends(self):
        # Alternating classes 230 and 220: sorting by exchanging neighbours takes 10^11 steps.
        count = 1 << 18
        text = "a" + "\u0301\u0316" * count
        with driver.Driver(DRIVER, "nfc") as d:
            self.assertEqual(d.ask(text).decode(),
                             "\u00e1" + "\u0316" * count + "\u0301" * (count - 1))


def random_vocabulary(seed, ranked):
    """(tokens, merges, ids of the bytes' and merges' products by bytes): pieces of random words
    joined at random. Where not ranked: tokens in any order, merges in any order, among them such
    that a token can be made in several ways or not at all from its own bytes."""
    rng = driver.random.Random(seed)
    singles = [bytes([b]) for b in range(256)]
    joined = [bytes([b]) for b in b"abcd \n'e\xcc\x81\xc3\xa9"]
    made, merges = set(), []
    while len(merges) < 120:
        left, right = rng.choice(joined), rng.choice(joined)
        both = left + right
        if len(both) > 12 or both in made and ranked or (left, right) in merges:
            continue
        if both not in made:
            joined.append(both)
            made.add(both)
        merges.append((left, right))
    tokens = singles + joined[len(joined) - len(made):]
    if not ranked:
        rng.shuffle(tokens)
        rng.shuffle(merges)
    return tokens, merges


def merge_by_rank(ranks, ids, word):
    """The oracle for merges that are not in the order of ids."""
    parts = [word[i:i + 1] for i in range(len(word))]
    while len(parts) > 1:
        rank, where = min((ranks.get((parts[i], parts[i + 1]), 1 << 30), i)
                          for i in range(len(parts) - 1))
        if rank == 1 << 30:
            break
        parts[where:where + 2] = [parts[where] + parts[where + 1]]
    return [ids[part] for part in parts]


class RandomVocabularies(unittest.TestCase):
    def check(self, ranked):
        spelling = driver.tiktoken_to_gguf.byte_spellings()

        def spell(raw):
            return "".join(spelling[b] for b in raw)

        for seed in range(40):
            tokens, merges = random_vocabulary(seed, ranked)
            path = os.path.join(FOLDER, f"random-{ranked}-{os.getpid()}.gguf")
            driver.tiktoken_to_gguf.write_gguf(path, driver.tiktoken_to_gguf.vocabulary_keys(
                [spell(t) for t in tokens], [1] * len(tokens),
                [f"{spell(a)} {spell(b)}" for a, b in merges]))
            ids = {token: i for i, token in enumerate(tokens)}
            ranks = {pair: i for i, pair in enumerate(merges)}
            rng = driver.random.Random(seed + 1000)
            with driver.Driver(DRIVER, "encode", path) as d:
                for _ in range(150):
                    size = rng.choice((3, 10, 40, 300))
                    text = "".join(rng.choices("aaabbccdde' \n\u00e9e\u0301", k=size))
                    expected = []
                    for word in cut(unicodedata.normalize("NFC", text)):
                        expected += merge_by_rank(ranks, ids, word.encode())
                    self.assertEqual(d.ask(text), expected, f"seed {seed}: {text!r}")
            os.remove(path)

    @needs_regex
    def test_ids_are_those_of_naive_merging_when_merges_are_in_order(self):
        self.check(ranked=True)

    @needs_regex
    def test_ids_are_those_of_naive_merging_in_any_order(self):
        self.check(ranked=False)


class Stream(unittest.TestCase):
    """Bytes in any chunks come out as Python's errors="replace" has them, whole characters only
    (which the driver checks after every chunk)."""

    def check(self, d, rng, raw):
        expected = raw.decode(errors="replace")
        cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(rng.randrange(len(raw) + 2)))
        sizes = [b - a for a, b in zip([0] + cuts, cuts + [len(raw)])]
        for chunks in (sizes, [1] * len(raw), [len(raw)]):
            self.assertEqual(d.ask(raw, chunks).decode(), expected, f"{raw!r} in {chunks}")

    def test_random_bytes(self):
        rng = driver.random.Random(4)
        edges = bytes.fromhex("00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4"
                              "f5 f8 ff")
        with driver.Driver(DRIVER, "stream") as d:
            for _ in range(6000):
                pool = edges if rng.random() < 0.8 else bytes(range(256))
                self.check(d, rng, bytes(rng.choices(pool, k=rng.randrange(12))))

    def test_every_three_edge_bytes(self):
        edges = bytes.fromhex("41 80 8f 90 9f a0 bf c1 c2 e0 e1 ed ef f0 f1 f4 f5")
        rng = driver.random.Random(5)
        with driver.Driver(DRIVER, "stream") as d:
            for a in edges:
                for b in edges:
                    for c in edges:
                        self.check(d, rng, bytes((a, b, c)))

    def test_broken_text(self):
        rng = driver.random.Random(6)
        with driver.Driver(DRIVER, "stream") as d:
            for text in driver.random_texts(1500, seed=7):
                raw = bytearray(text.encode())
                self.check(d, rng, bytes(raw))
                for _ in range(3):
                    raw[rng.randrange(len(raw))] = rng.randrange(256)
                del raw[rng.randrange(len(raw))]
                self.check(d, rng, bytes(raw))


class Bundled(unittest.TestCase):
    @needs_regex
    def test_ids_of_the_bundled_model_are_those_of_naive_merging(self):
        path = os.path.join(os.environ["MET_TEST_SOURCE"], "models", "bundled-q8_0.gguf")
        keys = gguf.read(path).key
        spelling = {char: byte for byte, char in
                    driver.tiktoken_to_gguf.byte_spellings().items()}

        def unspell(text):
            return bytes(spelling[char] for char in text)

        types = keys("tokenizer.ggml.token_type")
        ids = {unspell(token): i
               for i, token in enumerate(keys("tokenizer.ggml.tokens"))
               if types[i] == 1}
        ranks = {tuple(map(unspell, merge.split(" "))): i
                 for i, merge in enumerate(keys("tokenizer.ggml.merges"))}
        self.assertGreater(len(ranks), 100)
        with driver.Driver(DRIVER, "encode", path) as d:
            for text in driver.random_texts(1000, seed=8) + ["What is 17 + 25? The capital of"]:
                expected = []
                for word in cut(unicodedata.normalize("NFC", text)):
                    expected += merge_by_rank(ranks, ids, word.encode())
                self.assertEqual(d.ask(text), expected, repr(text))


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

    @needs_regex
    def test_ids_of_random_texts_are_those_of_naive_merging(self):
        with driver.Driver(DRIVER, "encode", self.path) as d:
            for text in driver.random_texts(6000, seed=9):
                self.assertEqual(d.ask(text), encode(self.ranks, text), repr(text))

    @needs_regex
    def test_ids_of_long_words_are_those_of_naive_merging(self):
        rng = driver.random.Random(10)
        with driver.Driver(DRIVER, "encode", self.path) as d:
            for alphabet in ("a", " ", "\n", "ab", "the", "aeiou", "\u4e2d\u6587", "=-", "\u0e01"):
                for size in (60, 64, 65, 66, 200, 700):
                    text = "".join(rng.choices(alphabet, k=size))
                    self.assertEqual(d.ask(text), encode(self.ranks, text), repr(text))

    def test_every_token_encodes_to_itself_where_it_is_one_word(self):
        # The identity that lets a whole word be emitted at once, seen from outside.
        count = 0
        with driver.Driver(DRIVER, "encode", self.path) as d, \
                driver.Driver(DRIVER, "words") as words:
            for token, rank in self.ranks.items():
                try:
                    text = token.decode()
                except UnicodeDecodeError:
                    continue
                if unicodedata.normalize("NFC", text) == text and len(words.ask(text)) == 1:
                    self.assertEqual(d.ask(text), [rank], repr(text))
                    count += 1
        self.assertGreater(count, 140000)

    def test_tokens_join_to_the_normalised_text(self):
        tokens = {rank: token for token, rank in self.ranks.items()}
        with driver.Driver(DRIVER, "encode", self.path) as d:
            for text in driver.random_texts(3000, seed=11):
                self.assertEqual(b"".join(tokens[i] for i in d.ask(text)).decode(),
                                 unicodedata.normalize("NFC", text), repr(text))

    def test_added_tokens_are_found_in_control_ranges_only(self):
        names = [name for name, _ in driver.tiktoken_to_gguf.ADDED]
        with driver.Driver(DRIVER, "encode", self.path) as d:
            for i, name in enumerate(names):
                size = len(name)
                self.assertEqual(d.ask(name, (0, size)), [151643 + i])
                self.assertEqual(d.ask(f"a{name}b", (1, size + 1)), [64, 151643 + i, 65])
                plain = d.ask(name)
                self.assertGreater(len(plain), 1)
                self.assertLess(max(plain), 151643)
            self.assertEqual(d.ask("[PAD151665]", (0, 11)), d.ask("[PAD151665]"))

    def test_a_megabyte_of_one_character_ends(self):
        with driver.Driver(DRIVER, "encode", self.path) as d:
            tokens = {rank: token for token, rank in self.ranks.items()}
            for char in "a \n\t0!'\u4e2d\u0301":
                text = unicodedata.normalize("NFC", char * ((1 << 20) // len(char.encode())))
                self.assertEqual(b"".join(tokens[i] for i in d.ask(text)).decode(), text)


if __name__ == "__main__":
    tap.main()
