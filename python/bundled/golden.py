"""Make tests/golden/bundled.jsonl: conversations and the text that PyTorch gives for the last turn.

    python3 golden.py ../../models/bundled-q8_0.gguf ../../tests/golden/bundled.jsonl > golden.log

Owns: the conversations, and a forward pass with the arithmetic that docs and design promise for the
CPU: the stored Q8_0 weights, activations that meet them rounded to 8 bits in blocks of 32, keys and
values in half precision, all else in single precision (sums in PyTorch's order).
Does not own: the model's definition (model.py has it for training).
Invariant: "torch" is the greedy text of that pass, straight from the GGUF's stored weights. The log
says where plain single precision without quantized activations would give another text, and how
near the nearest second choice was: a machine that sums in another order cannot differ unless its
error exceeds that margin.
"""
import json
import math
import multiprocessing
import os
import random
import sys

import torch

import about
import bpe
import conversation
import facts
import gguf
import heldout
import skills

HERE = os.path.dirname(os.path.abspath(__file__))
MOST_TOKENS = 96


# ------------------------------------------------------------------ arithmetic

class Matrix:
    """A Q8_0 matrix, as its stored values, and the two ways to multiply by it."""

    def __init__(self, array):
        self.plain = torch.from_numpy(array.copy())

    def contract(self, x):
        """x: [tokens, cols]. The activation becomes integers and a scale for each block of 32."""
        blocks = x.reshape(len(x), -1, 32)
        largest = blocks.abs().amax(-1, keepdim=True)
        inverse = torch.where(largest >= 2.0 ** -119, 127 / largest, torch.zeros_like(largest))
        rounded = (blocks * inverse).round() * (largest / 127)
        return rounded.reshape(x.shape) @ self.plain.T

    def times(self, x, quantized):
        return self.contract(x) if quantized else x @ self.plain.T


class Machine:
    def __init__(self, path, quantized):
        reader = gguf.Reader(path)
        meta, tensors = reader.metadata, reader.tensors
        self.quantized = quantized
        self.layers, self.heads = meta["qwen2.block_count"], meta["qwen2.attention.head_count"]
        self.kv_heads, self.width = meta["qwen2.attention.head_count_kv"], meta["qwen2.embedding_length"]
        self.epsilon = meta["qwen2.attention.layer_norm_rms_epsilon"]
        self.head_dim = self.width // self.heads
        self.weights = {name: Matrix(array) if reader.kinds[name] == gguf.Q8_0 else torch.from_numpy(array.copy())
                        for name, array in tensors.items()}
        frequency = meta["qwen2.rope.freq_base"] ** (-torch.arange(0, self.head_dim, 2, dtype=torch.float64) / self.head_dim)
        angle = torch.outer(torch.arange(meta["qwen2.context_length"], dtype=torch.float64), frequency)
        self.cosine, self.sine = angle.cos().float(), angle.sin().float()

    def norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weights[name]

    def linear(self, x, name, bias=None):
        y = self.weights[name].times(x, self.quantized)
        return y if bias is None else y + self.weights[bias]

    def rotate(self, x, at):
        """x: [tokens, heads, head_dim]"""
        cosine, sine = self.cosine[at:at + len(x), None], self.sine[at:at + len(x), None]
        a, b = x.chunk(2, -1)
        return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)

    def feed(self, ids, cache):
        """Logits after the last of `ids`; cache: for each layer [keys, values], grows."""
        at = cache[0][0].shape[0]
        x = self.weights["token_embd.weight"].plain[ids]
        n = len(ids)
        hidden = torch.ones(n, at + n, dtype=torch.bool).triu(at + 1)
        for i in range(self.layers):
            b = f"blk.{i}."
            h = self.norm(x, b + "attn_norm.weight")
            q, k, v = (self.linear(h, f"{b}attn_{c}.weight", f"{b}attn_{c}.bias").reshape(n, -1, self.head_dim) for c in "qkv")
            q, k = self.rotate(q, at), self.rotate(k, at)
            if self.quantized:
                k, v = k.half().float(), v.half().float()
            cache[i] = k, v = torch.cat([cache[i][0], k]), torch.cat([cache[i][1], v])
            group = self.heads // self.kv_heads
            k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
            scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(self.head_dim)
            mixed = torch.einsum("hqk,khd->qhd", scores.masked_fill(hidden, -math.inf).softmax(-1), v)
            x = x + self.linear(mixed.reshape(n, self.width), b + "attn_output.weight")
            h = self.norm(x, b + "ffn_norm.weight")
            gate, up = self.linear(h, b + "ffn_gate.weight"), self.linear(h, b + "ffn_up.weight")
            x = x + self.linear(torch.nn.functional.silu(gate) * up, b + "ffn_down.weight")
        return self.linear(self.norm(x[-1:], "output_norm.weight"), "token_embd.weight")[0]

    @torch.no_grad()
    def answer(self, tokenizer, messages):
        """Greedy text, and the smallest distance between the first and the second choice."""
        cache = [(torch.zeros(0, self.kv_heads, self.head_dim),) * 2 for _ in range(self.layers)]
        ids, out, margin = tokenizer.prompt(messages), [], math.inf
        while len(out) < MOST_TOKENS:
            logits = self.feed(ids, cache)
            first, second = logits.topk(2).values.tolist()
            margin = min(margin, first - second)
            token = int(logits.argmax())
            if token in (tokenizer.end, tokenizer.end_of_text):
                break
            out.append(token)
            ids = [token]
        return tokenizer.decode(out), margin


# ------------------------------------------------------------------ conversations

COUNTS = {"addition": 130, "subtraction": 130, "product": 60, "division": 25, "parity": 20, "comparison": 20, "sort": 130, "reverse": 130,
          "count": 100, "occurrences": 50, "spell": 30, "upper": 100, "lower": 30, "chat": 40, "unknown": 120}


def says(role, text):
    return {"role": role, "content": text.replace(skills.SPELL, "")}


def conversations(draw):
    """(skill, messages, expected): items that training never drew wherever a skill has such items."""
    def one(skill, question, answer, system=None):
        return skill, ([says("system", system)] if system else []) + [says("user", question)], answer.replace(skills.SPELL, "")

    for skill, count in COUNTS.items():
        for _ in range(count):
            yield one(skill, *conversation.question(draw, skill, True))
    for questions, answer in draw.sample(facts.FACTS, 200):
        yield one("fact", conversation.punctuate(draw, draw.choice(questions), True), answer)
    for intent in about.INTENTS:
        frames, phrases = draw.choice(intent[1])
        phrase = draw.choice(phrases)
        yield one("metallic", conversation.punctuate(draw, draw.choice(frames).format(x=phrase) if frames else phrase, True), intent[0])
    for question, answer in heldout.TEST_ITEMS:
        yield one("metallic, unseen phrasing", question, answer)
    for _ in range(80):
        skill = draw.choices(conversation.NAMES, conversation.WEIGHTS)[0]
        yield one("system message", *conversation.question(draw, skill, skill not in ("metallic", "chat")), system=conversation.system_message(draw))
    for kind, count in (("several turns", 110), ("follow-up", 60)):
        for _ in range(count):
            if kind == "follow-up":
                turns = conversation.follow_up(draw)
            else:
                turns = [conversation.question(draw, draw.choices(conversation.NAMES, conversation.WEIGHTS)[0]) for _ in range(draw.randrange(2, 7))]
                turns[-1] = conversation.question(draw, draw.choice(("addition", "subtraction", "sort", "reverse", "count", "upper")), True)
            messages = [says("system", conversation.system_message(draw))] if draw.random() < .4 else []
            for question, answer in turns:
                messages += [says("user", question), says("assistant", answer)]
            yield kind, messages[:-1], messages[-1]["content"]


WORKER = {}


def begin(model):
    torch.set_num_threads(1)
    WORKER["tokenizer"] = bpe.load(os.path.join(HERE, "vocabulary.json"))
    WORKER["contract"], WORKER["plain"] = Machine(model, True), Machine(model, False)


def judge(item):
    skill, messages, expected = item
    text, margin = WORKER["contract"].answer(WORKER["tokenizer"], messages)
    without, _ = WORKER["plain"].answer(WORKER["tokenizer"], messages)
    return skill, messages, expected, text, margin, without


def main():
    model, out = sys.argv[1:3]
    assert gguf.Reader(model).metadata["tokenizer.ggml.tokens"] == bpe.load(os.path.join(HERE, "vocabulary.json")).tokens
    lines, right, other, margins = [], {}, 0, []
    items = list(conversations(random.Random(20261123)))
    with multiprocessing.Pool(os.cpu_count(), begin, (model,)) as pool:
        for skill, messages, expected, text, margin, without in pool.imap(judge, items, 8):
            last = messages[-1]["content"]
            if without != text:
                other += 1
                print(f"plain single precision differs: {last!r}: {text!r} and {without!r}, margin {margin:.4f}", flush=True)
            if text != expected:
                print(f"wrong: {skill}: {last!r}: {text!r}, expected {expected!r}, margin {margin:.4f}", flush=True)
            margins.append((margin, last))
            right.setdefault(skill, []).append(text == expected)
            lines.append({"messages": messages, "skill": skill, "expected": expected, "torch": text})
    with open(out + ".part", "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    os.replace(out + ".part", out)
    for skill, results in right.items():
        print(f"{skill:28s} {sum(results):4d} of {len(results):4d} right")
    margins.sort()
    print(f"{len(lines)} conversations; plain single precision differs in {other}; smallest margins:",
          ", ".join(f"{margin:.4f} ({text!r})" for margin, text in margins[:8]))


if __name__ == "__main__":
    main()
