#!/usr/bin/env python3
"""Compare metallic's logits with an independent implementation of the same GGUF file.

Against `numpy` (the default): python/reference, in float64 or with the roundings that metallic's
contract allows. Against `transformers`: Hugging Face's Qwen2ForCausalLM with the weights of the
same file, where torch and transformers are installed.

An error is the largest difference of a token's logits, divided by the largest |logit| of the run.
"""
import argparse
import pathlib
import shutil
import struct
import sys
import tempfile

import numpy as np

from reference import command, gguf, options, qwen2, transformers_qwen2

WITHIN, BEYOND, USAGE, ABSENT = 0, 1, 2, 3
EXITS = """exit codes:
  0  every comparison is within --tolerance, and greedy tokens agree where asked for
  1  one is not, or the comparison could not be made
  2  bad usage
  3  --against transformers, and torch or transformers is not installed

layer by layer:
  --layers --against transformers   every activation of transformers beside numpy's float64
  --layers --against numpy          metallic runs the model cut off after 1, 2, ... layers (a copy
                                    of the file whose block count is lowered), and each cut's
                                    logits are compared: the first bad line names the bad layer

examples:
  python/compare.py --gguf-path model.gguf --prompt "The capital of France"
  python/compare.py --gguf-path model.gguf --tokens 1,2,3 --layers
  python/compare.py --gguf-path model.gguf --random 600 --arithmetic machine --greedy 16
"""


def errors(found, wanted):
    """Each token's error, relative to the largest |wanted| of all."""
    return np.abs(found - wanted).max(-1) / np.abs(wanted).max()


def arithmetic_for(model):
    """The arithmetic that metallic should equal closely: where an activation is rounded to int8,
    only the machine's own order of operations rounds every one of them alike."""
    kinds = {tensor.kind for tensor in model.file.tensors.values()}
    return "machine" if gguf.Q8_0 in kinds else "contract"


class Report:
    """Prints comparisons and remembers whether all were good."""

    def __init__(self, tolerance):
        self.tolerance = tolerance
        self.good = True

    def judge(self, subject, found, wanted, judged=True, tokens=True):
        """`tokens`: the rows are logits, whose largest is the next token."""
        error = errors(found, wanted)
        verdict = ""
        if judged:
            within = bool(error.max() <= self.tolerance)
            self.good &= within
            verdict = "ok" if within else f"BEYOND {self.tolerance:g}"
        line = f"{subject:<34} max {error.max():.2e}  median {np.median(error):.2e}"
        if tokens:
            same = int((found.argmax(-1) == wanted.argmax(-1)).sum())
            line += f"  same best token {same}/{len(error)}"
        print(f"{line}  {verdict}".rstrip())


def compare_logits(report, model, found, tokens, chosen):
    """metallic's logits against numpy's: judged in one arithmetic, reported in float64 too."""
    arithmetics = qwen2.arithmetics()
    for name in dict.fromkeys([chosen, "float64"]):
        wanted = model.forward(tokens, arithmetics[name])
        report.judge(f"metallic against {name}", found, wanted, judged=name == chosen)


def block_count_at(path):
    """Where the file keeps the number of layers."""
    name = b"qwen2.block_count"
    mark = struct.pack("<Q", len(name)) + name + struct.pack("<I", gguf.SCALAR_NUMBERS["u32"])
    with open(path, "rb") as file:
        head = file.read(gguf.read(path).data_offset)
    if head.count(mark) != 1:
        raise gguf.GgufError(f"{path}: key qwen2.block_count is not a u32")
    return head.index(mark) + len(mark)


def compare_cuts(report, model, metallic, path, tokens, chosen):
    """metallic exposes logits only: look at each depth through the logits of a shorter model."""
    place = block_count_at(path)
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "cut.gguf"
        shutil.copyfile(path, copy)
        for layers in range(1, model.hyper.layers + 1):
            with open(copy, "r+b") as file:
                file.seek(place)
                file.write(struct.pack("<I", layers))
            wanted = qwen2.Qwen2(model.file, layers).forward(
                tokens, qwen2.arithmetics()[chosen])
            report.judge(f"cut after layer {layers - 1}, {chosen}",
                         metallic.logits(copy, tokens), wanted)


def compare_activations(report, model, other, tokens):
    """numpy float64 against transformers, one line for each activation in the order of work."""
    theirs = other.activations(tokens)

    def look(name, layer, value):
        if (name, layer) in theirs:
            label = name if layer < 0 else f"layer {layer} {name}"
            report.judge(f"transformers, {label}", theirs[name, layer].reshape(len(value), -1),
                         value.reshape(len(value), -1), tokens=False)

    model.forward(tokens, hook=look)


def compare_greedy(report, metallic, path, tokens, continuation, source):
    """metallic, fed a continuation, must choose that continuation itself at every step."""
    if not continuation:
        return
    logits = metallic.logits(path, tokens + continuation[:-1])[len(tokens) - 1:]
    for step, (row, token) in enumerate(zip(logits, continuation)):
        found = int(row.argmax())
        if found != token:
            report.good = False
            print(f"greedy tokens against {source}: step {step} is {found}, expected {token} "
                  f"(their logits here differ by {row[found] - row[token]:.2e})")
            return
    print(f"greedy tokens against {source}: {len(continuation)} of {len(continuation)} agree")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXITS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf-path", required=True, metavar="M", help="a Qwen2 GGUF file")
    options.add_token_options(parser)
    parser.add_argument("--against", choices=["numpy", "transformers"], default="numpy")
    parser.add_argument("--arithmetic", choices=["float64", "contract", "machine"],
                        help="what numpy computes in and --tolerance judges (default: machine for "
                             "Q8_0 models, else contract); float64 is reported beside it")
    parser.add_argument("--layers", action="store_true", help="layer by layer, see below")
    parser.add_argument("--greedy", metavar="N", type=int, default=0,
                        help="also compare N greedy tokens after the prompt")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="default 1e-4")
    options.add_metallic_options(parser)
    return parser.parse_args(argv)


def compare_transformers(report, model, tokens, args, found):
    """numpy's float64 is judged: it means what transformers computes. metallic also rounds where
    its contract says so, and is judged against numpy."""
    other = transformers_qwen2.Transformers(model, threads=args.threads)
    print(f"{other.version}, {other.dtype} weights and activations")
    theirs = other.forward(tokens)
    report.judge("transformers against float64", theirs, model.forward(tokens))
    report.judge("metallic against transformers", found, theirs, judged=False)
    if args.layers:
        compare_activations(report, model, other, tokens)
    return other.greedy(tokens, args.greedy)


def run(args):
    path = args.gguf_path
    model = qwen2.Qwen2(gguf.read(path))
    if args.against == "transformers":
        transformers_qwen2.packages()  # absent: say so before any work
    metallic = options.open_command(args)
    tokens = options.choose_tokens(args, model, metallic)
    report = Report(args.tolerance)
    chosen = args.arithmetic or arithmetic_for(model)
    print(f"{path}: {len(tokens)} tokens, {model.hyper.layers} layers; {metallic.version()}")
    found = metallic.logits(path, tokens)
    compare_logits(report, model, found, tokens, chosen)
    if args.against == "transformers":
        continuation = compare_transformers(report, model, tokens, args, found)
    else:
        if args.layers:
            compare_cuts(report, model, metallic, path, tokens, chosen)
        continuation = model.greedy(tokens, args.greedy, qwen2.arithmetics()[chosen])
    compare_greedy(report, metallic, path, tokens, continuation,
                   args.against if args.against == "transformers" else chosen)
    return WITHIN if report.good else BEYOND


def main(argv=None):
    args = parse(argv)
    try:
        return run(args)
    except transformers_qwen2.Missing as missing:
        print(f"compare.py: {missing}", file=sys.stderr)
        return ABSENT
    except (gguf.GgufError, command.CommandError, OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return BEYOND


if __name__ == "__main__":
    sys.exit(main())
