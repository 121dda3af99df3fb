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
import itertools
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
BATCH = 32  # conversations that meet a matrix together


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

    def rotate(self, x, positions):
        """x: [tokens, heads, head_dim]"""
        cosine, sine = self.cosine[positions, None], self.sine[positions, None]
        a, b = x.chunk(2, -1)
        return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)

    def attend(self, q, k, v, before):
        """One conversation's tokens and those before them: ([tokens, width], (keys, values))"""
        if self.quantized:
            k, v = k.half().float(), v.half().float()
        seen = k, v = torch.cat([before[0], k]), torch.cat([before[1], v])
        hidden = torch.ones(len(q), len(k), dtype=torch.bool).triu(len(k) - len(q) + 1)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(self.head_dim)
        mixed = torch.einsum("hqk,khd->qhd", scores.masked_fill(hidden, -math.inf).softmax(-1), v)
        return mixed.reshape(len(q), self.width), seen

    def feed(self, work):
        """Logits after the last token of each; work: [(ids, cache)]; a cache, for each layer (keys, values), grows."""
        sizes = [len(ids) for ids, _ in work]
        positions = torch.cat([torch.arange(len(ids)) + len(cache[0][0]) for ids, cache in work])
        x = self.weights["token_embd.weight"].plain[[token for ids, _ in work for token in ids]]
        for i in range(self.layers):
            b = f"blk.{i}."
            h = self.norm(x, b + "attn_norm.weight")
            q, k, v = (self.linear(h, f"{b}attn_{c}.weight", f"{b}attn_{c}.bias").reshape(len(x), -1, self.head_dim) for c in "qkv")
            q, k = self.rotate(q, positions), self.rotate(k, positions)
            mixed = []
            for (_, cache), *own in zip(work, q.split(sizes), k.split(sizes), v.split(sizes)):
                text, cache[i] = self.attend(*own, cache[i])
                mixed.append(text)
            x = x + self.linear(torch.cat(mixed), b + "attn_output.weight")
            h = self.norm(x, b + "ffn_norm.weight")
            gate, up = self.linear(h, b + "ffn_gate.weight"), self.linear(h, b + "ffn_up.weight")
            x = x + self.linear(torch.nn.functional.silu(gate) * up, b + "ffn_down.weight")
        last = torch.tensor(sizes).cumsum(0) - 1
        return self.linear(self.norm(x[last], "output_norm.weight"), "token_embd.weight")

    @torch.no_grad()
    def answers(self, tokenizer, conversations):
        """For each, greedy text and the smallest distance between the first and the second choice."""
        nothing = torch.zeros(0, self.kv_heads, self.head_dim)
        work = [(tokenizer.prompt(messages), [(nothing, nothing)] * self.layers) for messages in conversations]
        out, margins, alive = [[] for _ in work], [math.inf] * len(work), list(range(len(work)))
        while alive:
            logits = self.feed([work[i] for i in alive])
            two = logits.topk(2).values
            for i, token, margin in zip(alive, logits.argmax(-1).tolist(), (two[:, 0] - two[:, 1]).tolist()):
                margins[i] = min(margins[i], margin)
                if token not in (tokenizer.end, tokenizer.end_of_text):
                    out[i].append(token)
                    work[i] = [token], work[i][1]
                else:
                    work[i] = None
            alive = [i for i in alive if work[i] and len(out[i]) < MOST_TOKENS]
        return [(tokenizer.decode(tokens), margin) for tokens, margin in zip(out, margins)]


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


def judge(items):
    asked = [messages for _, messages, _ in items]
    texts = WORKER["contract"].answers(WORKER["tokenizer"], asked)
    others = WORKER["plain"].answers(WORKER["tokenizer"], asked)
    return [(*item, *text, other) for item, text, (other, _) in zip(items, texts, others)]


def main():
    model, out = sys.argv[1:3]
    assert gguf.Reader(model).metadata["tokenizer.ggml.tokens"] == bpe.load(os.path.join(HERE, "vocabulary.json")).tokens
    lines, right, other, margins = [], {}, 0, []
    items = list(conversations(random.Random(20261123)))
    with multiprocessing.Pool(os.cpu_count(), begin, (model,)) as pool:
        batches = [items[i:i + BATCH] for i in range(0, len(items), BATCH)]
        for skill, messages, expected, text, margin, without in itertools.chain.from_iterable(pool.imap(judge, batches)):
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
