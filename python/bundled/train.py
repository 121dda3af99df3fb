"""Train the bundled model.

    python3 train.py --seconds 420 --out bundled

Owns: the loop, the schedule, checkpoints and the report on held-out items.
Does not own: data (batches.py), parameters (model.py), the file format (gguf.py).
Invariant: a checkpoint is whole (written aside, then renamed) and split into parts of at most
15 MB: OUT.0.pt ... the average of the weights is kept beside the weights.
"""
import argparse
import glob
import multiprocessing
import os
import random
import tempfile
import time

import torch
from torch import nn

import attention
import batches
import bpe
import conversation
import facts
import heldout
from model import Config, Model
from muon import Muon

HERE = os.path.dirname(os.path.abspath(__file__))


def save(path, tensors, config, fields):
    """A checkpoint in parts, so that no file is large."""
    parts, size = [{}], 0
    for name, tensor in tensors.items():
        bytes_ = tensor.numel() * tensor.element_size()
        if size + bytes_ > 14 << 20:
            parts.append({})
            size = 0
        parts[-1][name] = tensor.detach().cpu().clone()
        size += bytes_
    for i, part in enumerate(parts):
        torch.save({"config": config.as_dict(), "tensors": part, "parts": len(parts), **fields}, f"{path}.{i}.part")
    for i in range(len(parts)):
        os.replace(f"{path}.{i}.part", f"{path}.{i}.pt")


def load(path):
    tensors, config = {}, None
    for name in sorted(glob.glob(f"{path}.[0-9].pt")):
        part = torch.load(name, map_location="cpu")
        tensors.update({key: value.float() for key, value in part["tensors"].items()})
        config = Config(**part["config"])
    if config is None:
        raise SystemExit(f"{path}: no checkpoint {path}.0.pt")
    return tensors, config


# ------------------------------------------------------------------ held-out accuracy

def checks(count, seed=99):
    """{name: [(system, turns)]}: only the last turn counts."""
    draw = random.Random(seed)
    found = {}
    for skill in conversation.NAMES:
        if skill not in ("fact", "metallic"):
            found[skill] = [(None, [conversation.question(draw, skill, True)]) for _ in range(count)]
    found["fact"] = [(None, [(conversation.punctuate(draw, q, True), answer)])
                     for questions, answer in facts.FACTS for q in draw.sample(questions, min(2, len(questions)))]
    found["metallic"] = [(None, [conversation.question(draw, "metallic")]) for _ in range(2 * count)]
    for name, items in (("dev", heldout.DEV_ITEMS), ("test", heldout.TEST_ITEMS)):
        found[name] = [(None, [(q[0].upper() + q[1:] if i % 2 else q, answer)]) for i, (q, answer) in enumerate(items)]
    found["turns"], found["follow_up"] = [], []
    while len(found["turns"]) < count:
        turns = [conversation.question(draw, draw.choices(conversation.NAMES, conversation.WEIGHTS)[0]) for _ in range(draw.randrange(1, 5))]
        skill = draw.choice(("addition", "subtraction", "sort", "reverse", "count", "upper"))
        found["turns"].append((conversation.system_message(draw) if draw.random() < .7 else None, turns + [conversation.question(draw, skill, True)]))
    while len(found["follow_up"]) < count:
        found["follow_up"].append((None, conversation.follow_up(draw)))
    return found


@torch.no_grad()
def exact(model, tokenizer, items, device, attend_of, row=512, rows=64, quantize=False):
    """For each conversation, whether greedy decoding gives the last answer exactly: true when every
    token of it is the most likely one after the right tokens before it."""
    encoded = []
    for system, turns in items:
        before, _ = batches.encode(tokenizer, system, turns[:-1]) if len(turns) > 1 else (tokenizer.turn("system", system) if system else [], 0)
        before = before + tokenizer.turn("user", turns[-1][0]) + tokenizer.role["assistant"]
        encoded.append((before, tokenizer.answer(turns[-1][1]) + [tokenizer.end]))
    good = []
    for begin in range(0, len(encoded), rows):
        some = encoded[begin:begin + rows]
        ids = torch.full((rows, row), tokenizer.end_of_text)
        where, target, owner = [], [], []
        for i, (before, answer) in enumerate(some):
            both = (before + answer)[:row]
            ids[i, :len(both)] = torch.tensor(both)
            for j in range(len(before), len(both)):
                where.append(i * row + j - 1)
                target.append(both[j])
                owner.append(i)
        position = torch.arange(row).repeat(rows)
        starts = torch.arange(0, rows * row + 1, row, dtype=torch.int32)
        attend = attend_of(starts.to(device), row, row)
        logits = model(ids.flatten().to(device), position.to(device), torch.tensor(where).to(device), attend, quantize)
        wrong = torch.zeros(rows, dtype=torch.long).index_add_(0, torch.tensor(owner), (logits.argmax(-1).cpu() != torch.tensor(target)).long())
        good += (wrong[:len(some)] == 0).tolist()
    return good


def report(model, tokenizer, tests, device, attend_of, quantize):
    scores = []
    with torch.autocast(device, dtype=torch.bfloat16):
        for name, items in tests.items():
            good = exact(model, tokenizer, items, device, attend_of, quantize=quantize)
            scores.append(f"{name} {sum(good) / len(good):.3f}")
    print("   ", " ".join(scores), flush=True)


# ------------------------------------------------------------------ the loop

def attention_maker(kind):
    def attend_of(starts, longest, row):
        if kind == "masked":
            n = int(starts[-1])
            block = torch.bucketize(torch.arange(n, device=starts.device), starts[1:].long(), right=True)
            return attention.masked(block, row)
        return attention.MAKERS[kind](starts, longest)
    return attend_of


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seconds", type=float, default=60)
    parse.add_argument("--tokens", type=int, default=131072, help="tokens in a step")
    parse.add_argument("--muon-rate", type=float, default=0.02)
    parse.add_argument("--adam-rate", type=float, default=0.003)
    parse.add_argument("--decay-from", type=float, default=0.4, help="share of the time after which the rates fall to zero")
    parse.add_argument("--quantize-from", type=float, default=0.6, help="share of the time after which numbers are rounded as Q8_0")
    parse.add_argument("--weight-decay", type=float, default=0.1)
    parse.add_argument("--dropout", type=float, default=0.0)
    parse.add_argument("--warm-up", type=int, default=200, help="steps")
    parse.add_argument("--average", type=float, default=0.999)
    parse.add_argument("--from", dest="begin")
    parse.add_argument("--out", default="bundled")
    parse.add_argument("--vocabulary", default=os.path.join(HERE, "vocabulary.json"))
    parse.add_argument("--width", type=int, default=256)
    parse.add_argument("--layers", type=int, default=8)
    parse.add_argument("--heads", type=int, default=8)
    parse.add_argument("--ffn", type=int, default=768)
    parse.add_argument("--makers", type=int, default=max(1, (os.cpu_count() or 2) - 3))
    parse.add_argument("--report", type=float, default=90, help="seconds between reports")
    parse.add_argument("--checks", type=int, default=300)
    parse.add_argument("--focus", default="", help="beginnings of answers about metallic to draw more often, with | between")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--no-compile", action="store_true")
    o = parse.parse_args()

    begin_time = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = tempfile.mkdtemp(prefix="batches", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    for i in range(o.makers):
        multiprocessing.get_context("fork").Process(
            target=batches.make, daemon=True, args=(folder, o.vocabulary, o.tokens, o.seed * 1000 + i, 64, o.focus.split("|") if o.focus else [])).start()

    torch.manual_seed(o.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    tokenizer = bpe.load(o.vocabulary)
    config = Config(vocab=len(tokenizer.tokens), width=o.width, layers=o.layers, heads=o.heads, kv_heads=o.heads // 2, ffn=o.ffn, dropout=o.dropout)
    model = Model(config)
    if o.begin:
        tensors, config = load(o.begin)
        config.dropout = o.dropout
        model = Model(config)
        model.load_state_dict(tensors)
    model.to(device)
    average = {name: p.detach().clone() for name, p in model.named_parameters()}
    judge = Model(config).to(device).eval()  # the averaged weights, for reports
    kind = attention.choose(device)
    attend_of = attention_maker(kind)
    kv = config.kv_heads * config.head_dim
    matrices = [(part.weight, rows) for layer in model.layers for part, rows in (
        (layer.qkv, [config.width, kv, kv]), (layer.out, [config.width]), (layer.gate_up, [config.ffn] * 2), (layer.down, [config.width]))]
    muon = Muon(matrices, decay=o.weight_decay)
    in_muon = {id(p) for p, _ in matrices}
    rest = [p for p in model.parameters() if id(p) not in in_muon]
    adam = torch.optim.AdamW(rest, lr=o.adam_rate, betas=(.9, .98), weight_decay=0.0)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}M parameters, {device}, torch {torch.__version__}, {vars(o)}", flush=True)

    def loss_of(ids, position, where, target, starts, row, quantize):
        logits = model(ids, position, where, attend_of(starts, row, row), quantize)
        return nn.functional.cross_entropy(logits.float(), target, ignore_index=-100)

    step_of = loss_of if o.no_compile or device == "cpu" else torch.compile(loss_of, dynamic=False)

    def to_device(batch):
        row = int(batch.pop("row"))
        out = {key: torch.from_numpy(value.astype("int32" if key == "starts" else "int64")) for key, value in batch.items()}
        if device == "cuda":
            out = {key: value.pin_memory().to(device, non_blocking=True) for key, value in out.items()}
        return row, out

    tests = checks(o.checks)
    parameters = list(model.parameters())

    def judged():
        judge.load_state_dict(average)
        report(judge, tokenizer, tests, device, attend_of, quantize)

    step, next_report, first = 0, o.report, None
    losses, quantize = [], False
    for row, batch in batches.stream(folder, to_device):
        now = time.time() - begin_time
        if now >= o.seconds:
            break
        share = now / o.seconds
        rate = min(1, (step + 1) / o.warm_up, (1 - share) / (1 - o.decay_from))
        quantize = share >= o.quantize_from
        with torch.autocast(device, dtype=torch.bfloat16):
            loss = step_of(batch["ids"], batch["position"], batch["where"], batch["target"], batch["starts"], row, quantize)
        loss.backward()
        nn.utils.clip_grad_norm_(rest, 1.0)
        adam.param_groups[0]["lr"] = o.adam_rate * rate
        adam.step()
        muon.step(o.muon_rate * rate)
        model.zero_grad(set_to_none=True)
        keep = min(o.average, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_mul_(list(average.values()), keep)
            torch._foreach_add_(list(average.values()), parameters, alpha=1 - keep)
        step += 1
        losses.append(loss.detach())
        if step in (1, 3, 10, 30, 100) or step % 200 == 0:
            value = torch.stack(losses).mean().item()
            losses = []
            if first is None:
                first = (time.time(), step)
            else:
                speed = (step - first[1]) * o.tokens / (time.time() - first[0])
                waiting = len(os.listdir(folder))
                print(f"{time.time() - begin_time:.0f} s step {step} loss {value:.4f} rate {rate:.3f} {speed:,.0f} tok/s ({waiting} batches wait)", flush=True)
        if time.time() - begin_time > next_report:
            next_report += o.report
            judged()
            save(o.out, average, config, {"step": step})
    print(f"{time.time() - begin_time:.0f} s, {step} steps", flush=True)
    save(o.out, average, config, {"step": step})
    judged()


if __name__ == "__main__":
    main()
