"""The bundled model's byte-level BPE: GPT-2's byte mapping, the qwen2 pre-tokenizer, prefix merges.

Owns: learning the merges, encoding and decoding, the ChatML frame.
Does not own: the texts it learns from (conversation.py).
Invariants: token ids are 256 bytes in GPT-2's order, then merge i at 256 + i, then the control
tokens. Every merge but those of the two role names joins the beginning of a word with one more
character, so that an unknown word is one piece followed by single letters: spelling stays easy.

    python3 bpe.py vocabulary.json 2048
"""
import collections
import json
import random
import sys
import unicodedata

import regex

PRE_TOKENIZER = regex.compile(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
                              r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ROLES = [("u", "s"), ("us", "e"), ("use", "r"), ("s", "s"), ("ss", "i"), ("ssi", "s"), ("ssis", "t"), ("ssist", "a"),
         ("ssista", "n"), ("ssistan", "t"), ("a", "ssistant")]
SPACE = "\u0120"  # how GPT-2's mapping shows a space


def _byte_characters():
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    shown = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        if byte not in shown:
            shown[byte] = chr(256 + len(shown) - len(plain))
    return shown


BYTE_CHARACTER = _byte_characters()
CHARACTER_BYTE = {char: byte for byte, char in BYTE_CHARACTER.items()}


def characters(text):
    return "".join(BYTE_CHARACTER[byte] for byte in text.encode())


def learn(texts, merge_count):
    """Prefix chains of the most useful words: those that save most tokens for each new merge."""
    words = collections.Counter()
    for text in texts:
        words.update(characters(piece) for piece in PRE_TOKENIZER.findall(text))
    words = {w: n for w, n in words.items()
             if len(w) > 1 and n > 5 and (w[0] == SPACE or w[0] in "-'" or w[0].isupper() and not w[1].isupper())}
    have, merges = set(), []

    def gain(word):
        new = sum(word[:i] not in have for i in range(2, len(word) + 1))
        return words[word] * (len(word) - 1) / (new + .3)

    while words and len(merges) < merge_count:
        best = max(words, key=lambda w: (gain(w), w))
        words.pop(best)
        for i in range(2, len(best) + 1):
            if best[:i] not in have:
                have.add(best[:i])
                merges.append((best[:i - 1], best[i - 1]))
    return merges[:merge_count - len(ROLES)] + ROLES


class Tokenizer:
    def __init__(self, merges):
        self.merges = merges
        self.rank = {pair: i for i, pair in enumerate(merges)}
        # GPT-2's order of the bytes is the order of the characters that show them
        self.tokens = sorted(CHARACTER_BYTE) + [a + b for a, b in merges] + CONTROL
        self.id = {token: i for i, token in enumerate(self.tokens)}
        assert len(self.id) == len(self.tokens)
        self.end_of_text, self.start, self.end = (self.id[token] for token in CONTROL)
        self.cache = {}
        newline = self.encode("\n")
        self.role = {role: [self.start] + self.encode(role + "\n") for role in ("system", "user", "assistant")}
        self.close = [self.end] + newline

    def _piece(self, piece):
        parts = list(characters(piece))
        while len(parts) > 1:
            at = min(range(len(parts) - 1), key=lambda i: self.rank.get((parts[i], parts[i + 1]), 1 << 30))
            if (parts[at], parts[at + 1]) not in self.rank:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        ids = [self.id[part] for part in parts]
        if len(self.cache) < 300000:
            self.cache[piece] = ids
        return ids

    def encode(self, text):
        """Plain text only: spellings of control tokens are text."""
        out = []
        cache = self.cache
        for piece in PRE_TOKENIZER.findall(unicodedata.normalize("NFC", text)):
            out += cache.get(piece) or self._piece(piece)
        return out

    def answer(self, text):
        """As encode, but what stands between two \\x01 becomes one token a byte."""
        out = []
        for i, part in enumerate(text.split("\x01")):
            out += [self.id[char] for char in characters(part)] if i % 2 else self.encode(part)
        return out

    def turn(self, role, text):
        return self.role[role] + self.encode(text) + self.close

    def prompt(self, messages):
        """As the chat template and the tokenizer make it, with the generation prompt."""
        out = []
        for message in messages:
            out += self.turn(message["role"], message["content"])
        return out + self.role["assistant"]

    def decode(self, ids):
        text = "".join(self.tokens[i] for i in ids if i < self.end_of_text)
        return bytes(CHARACTER_BYTE[char] for char in text).decode("utf-8", "replace")


def load(path):
    with open(path, encoding="utf-8") as file:
        return Tokenizer([tuple(pair) for pair in json.load(file)])


def main():
    import conversation
    path, size = sys.argv[1], int(sys.argv[2])
    draw = random.Random(7)
    texts = []
    for skill, count in (("fact", 40000), ("metallic", 60000), ("chat", 4000), ("unknown", 16000), ("addition", 5000), ("subtraction", 5000),
                         ("product", 2000), ("sort", 6000), ("reverse", 5000), ("count", 5000), ("occurrences", 3000), ("upper", 4000)):
        for _ in range(count):
            question, answer = conversation.question(draw, skill)
            texts += [question, answer.split("\x01")[0]]
    texts += [conversation.system_message(draw) for _ in range(4000)]
    merges = learn(texts, size - 256 - len(CONTROL))
    with open(path, "w", encoding="utf-8") as file:
        file.write("[" + ",\n".join(json.dumps(pair) for pair in merges) + "]\n")
    tokenizer = load(path)
    print(len(tokenizer.tokens), "tokens")
    print([tokenizer.tokens[i] for i in tokenizer.prompt([{"role": "user", "content": "What is the capital of Burkina Faso?"}])])


if __name__ == "__main__":
    main()
