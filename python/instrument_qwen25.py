#!/usr/bin/env python3
"""Print what is inside a Qwen2 or Qwen2.5 GGUF: tensors, shapes, types, and what flows through it.

Four tables: hyper-parameters, metadata, tensors with the statistics of their weights, and the
activations of a prompt, layer by layer, computed by python/reference in float64 (or the arithmetic
asked for). The last column says what rounding an input to blocks of int8 costs, as metallic does
before each product with a Q8_0 matrix: the error's size relative to the input's.
"""
import argparse
import json
import sys

import numpy as np

from reference import command, gguf, options, qwen2

EPILOG = """exit codes: 0 done, 1 the file or the command failed, 2 bad usage

examples:
  python/instrument_qwen25.py --gguf-path model.gguf
  python/instrument_qwen25.py --gguf-path model.gguf --prompt "Hello" --no-tensors
  python/instrument_qwen25.py --gguf-path model.gguf --tensors blk.0. --no-activations --json
"""
# Activations that a matrix product reads: what Q8_0 rounds.
PRODUCT_INPUTS = {"attn_norm", "attention", "ffn_norm", "swiglu", "output_norm"}
CHUNK_ELEMENTS = 1 << 23


def statistics(chunks):
    """Statistics of values that come in pieces."""
    count, total, squares, least, most, zeros = 0, 0.0, 0.0, np.inf, -np.inf, 0
    for x in chunks:
        count += x.size
        total += float(x.sum())
        squares += float((x * x).sum())
        least, most = min(least, float(x.min())), max(most, float(x.max()))
        zeros += int((x == 0).sum())
    mean = total / count
    return {"mean": mean, "std": max(0.0, squares / count - mean * mean) ** 0.5, "min": least,
            "max": most, "rms": (squares / count) ** 0.5, "zeros": zeros / count}


def tensor_facts(tensor):
    facts = {"name": tensor.name, "type": tensor.type_name, "shape": list(tensor.shape),
             "bytes": tensor.bytes}
    if tensor.kind not in gguf.TYPE_NAMES:
        return facts  # a type that this reader has no values for
    step = max(1, CHUNK_ELEMENTS // int(np.prod(tensor.shape[1:], dtype=np.int64)))
    parts = (tensor.values(slice(at, at + step)) for at in range(0, tensor.shape[0], step))
    return facts | statistics(parts)


def rounding_error(x):
    """Size of what rounding to int8 blocks loses, relative to x; None where x has no blocks."""
    x = x.reshape(len(x), -1)
    if x.shape[1] % gguf.BLOCK != 0:
        return None
    q, scale = qwen2.quantize_activation(x)
    lost = x - (q * scale[..., None]).reshape(x.shape)
    size = np.sqrt((x * x).mean())
    return float(np.sqrt((lost * lost).mean()) / size) if size > 0 else 0.0


def activation_facts(model, tokens, arithmetic):
    rows = []

    def look(name, layer, x):
        x = np.asarray(x, np.float64)
        facts = {"layer": layer, "name": name, "shape": list(x.shape)} | statistics([x])
        # Columns that stand out are what makes a model hard to quantize.
        columns = np.abs(x.reshape(len(x), -1)).max(0)
        facts["largest_column"] = int(columns.argmax())
        facts["int8_error"] = rounding_error(x) if name in PRODUCT_INPUTS else None
        rows.append(facts)

    logits = model.forward(tokens, arithmetic, hook=look)
    return rows, logits


def key_facts(file, name):
    """A metadata value; of an array its count and first elements."""
    value, facts = file.keys[name], {"type": file.key_types[name]}
    if isinstance(value, (list, np.ndarray)):
        return facts | {"count": len(value), "first": [
            v.tolist() if isinstance(v, (np.generic, np.ndarray)) else v for v in value[:6]]}
    return facts | {"value": value}


def shown(facts):
    """key_facts on one line."""
    if "first" in facts:
        head = ", ".join(map(repr, facts["first"]))
        return f"[{facts['count']}] {head}{', ...' if facts['count'] > 6 else ''}"
    text = repr(facts["value"])
    return text if len(text) <= 80 else f"{text[:60]}... ({len(facts['value'])} characters)"


STATISTICS = ("rms", "std", "mean", "min", "max")
HEADER = " ".join(f"{name:>10}" for name in STATISTICS)


def print_statistics(label, shape, facts, extra=""):
    numbers = " ".join(f"{facts[name]:10.4g}" for name in STATISTICS)
    print(f"{label:<28} {shape:<18} {numbers}  {extra}".rstrip())


def print_tensors(rows):
    print(f"\ntensors ({len(rows)})\n{'name':<28} {'type, shape':<18} {HEADER}")
    for row in rows:
        shape = f"{row['type']} {'x'.join(map(str, row['shape']))}"
        if "rms" in row:
            print_statistics(row["name"], shape, row)
        else:
            print(f"{row['name']:<28} {shape:<18} (no values: this type is not known here)")
    print(f"total {sum(row['bytes'] for row in rows)} bytes")


def print_activations(rows):
    print(f"\nactivations\n{'layer, name':<28} {'shape':<18} {HEADER}  largest column, int8 error")
    for row in rows:
        label = row["name"] if row["layer"] < 0 else f"{row['layer']:>2} {row['name']}"
        extra = f"column {row['largest_column']}"
        if row["int8_error"] is not None:
            extra += f", int8 {row['int8_error']:.2e}"
        print_statistics(label, "x".join(map(str, row["shape"])), row, extra)


def print_best(logits, tokens, file):
    names = file.keys.get("tokenizer.ggml.tokens", [])
    best = np.argsort(-logits[-1], kind="stable")[:5]
    print(f"\nafter {len(tokens)} tokens, most likely next:")
    for token in best:
        name = repr(names[token]) if token < len(names) else "?"
        print(f"  {token:>7}  {logits[-1][token]:9.4f}  {name}")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf-path", required=True, metavar="M", help="a Qwen2 GGUF file")
    options.add_token_options(parser)
    parser.add_argument("--arithmetic", choices=["float64", "contract", "machine"],
                        default="float64", help="what activations are computed in")
    parser.add_argument("--tensors", metavar="TEXT", default="",
                        help="only tensors whose name contains TEXT")
    parser.add_argument("--no-tensors", action="store_true", help="leave the weights out")
    parser.add_argument("--no-activations", action="store_true", help="do not run the model")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    options.add_metallic_options(parser)
    return parser.parse_args(argv)


def collect(args):
    """Everything asked for, as one dict (the logits beside it)."""
    file = gguf.read(args.gguf_path)
    model = qwen2.Qwen2(file)
    found = {"schema": "metallic.instrument/1", "path": args.gguf_path,
             "hyper": vars(model.hyper) | {"tied": model.tied},
             "keys": {name: key_facts(file, name) for name in file.keys}}
    if not args.no_tensors:
        found["tensors"] = [tensor_facts(tensor) for name, tensor in file.tensors.items()
                            if args.tensors in name]
    logits = None
    if not args.no_activations:
        found["tokens"] = options.choose_tokens(args, model)
        found["activations"], logits = activation_facts(
            model, found["tokens"], qwen2.arithmetics()[args.arithmetic])
    return found, logits, file


def show(found, logits, file):
    print(found["path"])
    for name, value in found["hyper"].items():
        print(f"  {name:<16} {value}")
    print(f"\nmetadata ({len(found['keys'])})")
    for name, entry in found["keys"].items():
        print(f"  {name:<44} {entry['type']:<16} {shown(entry)}")
    if "tensors" in found:
        print_tensors(found["tensors"])
    if logits is not None:
        print_activations(found["activations"])
        print_best(logits, found["tokens"], file)


def main(argv=None):
    args = parse(argv)
    try:
        found, logits, file = collect(args)
    except (gguf.GgufError, command.CommandError, OSError, ValueError) as error:
        print(f"instrument_qwen25.py: {error}", file=sys.stderr)
        return 1
    if args.json:
        json.dump(found, sys.stdout, indent=1)
        print()
    else:
        show(found, logits, file)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # | head
        sys.stderr.close()
        sys.exit(0)
