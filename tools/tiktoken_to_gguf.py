#!/usr/bin/env python3
"""Make a vocabulary-only GGUF of Qwen2.5's tokenizer from the published qwen.tiktoken.

    tools/tiktoken_to_gguf.py qwen.tiktoken OUT.gguf

A tiktoken file lists tokens by rank and no merges. The merge that makes a token is found by
encoding its bytes with the lower ranks only: that leaves exactly two parts, because each token was
made by joining two earlier ones. Needs nothing but Python; a few seconds.
"""
import argparse
import base64
import os
import struct
import sys

TOKENS = 151936  # as in the models: the matrices are padded to this many rows
NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5

# Ids from 151643 on. Those that Hugging Face marks special=false are user-defined.
ADDED = [
    ("<|endoftext|>", CONTROL), ("<|im_start|>", CONTROL), ("<|im_end|>", CONTROL),
    ("<|object_ref_start|>", CONTROL), ("<|object_ref_end|>", CONTROL),
    ("<|box_start|>", CONTROL), ("<|box_end|>", CONTROL),
    ("<|quad_start|>", CONTROL), ("<|quad_end|>", CONTROL),
    ("<|vision_start|>", CONTROL), ("<|vision_end|>", CONTROL), ("<|vision_pad|>", CONTROL),
    ("<|image_pad|>", CONTROL), ("<|video_pad|>", CONTROL),
    ("<tool_call>", USER_DEFINED), ("</tool_call>", USER_DEFINED),
    ("<|fim_prefix|>", USER_DEFINED), ("<|fim_middle|>", USER_DEFINED),
    ("<|fim_suffix|>", USER_DEFINED), ("<|fim_pad|>", USER_DEFINED),
    ("<|repo_name|>", USER_DEFINED), ("<|file_sep|>", USER_DEFINED),
]


def byte_spellings():
    """GPT-2's printable character for each byte."""
    itself = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in itself]
    return {**{b: chr(b) for b in itself}, **{b: chr(256 + i) for i, b in enumerate(others)}}


def read_ranks(path):
    ranks = {}
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            token, rank = line.split()
            if int(rank) != len(ranks):
                sys.exit(f"{path}: line {number} has rank {int(rank)}, expected {len(ranks)}")
            ranks[base64.b64decode(token)] = int(rank)
    return ranks


def split_of(ranks, token):
    """The two parts that a token is made of."""
    limit = ranks[token]
    parts = [token[i:i + 1] for i in range(len(token))]
    while len(parts) > 2:
        best, where = limit, -1
        for i in range(len(parts) - 1):
            rank = ranks.get(parts[i] + parts[i + 1], limit)
            if rank < best:
                best, where = rank, i
        if where < 0:
            sys.exit(f"token {limit} {token!r} is not made of two tokens")
        parts[where:where + 2] = [parts[where] + parts[where + 1]]
    return parts


def string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, kind, value):
    return string(name) + struct.pack("<I", kind) + value


def key_string(name, text):
    return key(name, 8, string(text))


def key_u32(name, number):
    return key(name, 4, struct.pack("<I", number))


def key_bool(name, truth):
    return key(name, 7, struct.pack("<?", truth))


def key_strings(name, texts):
    return key(name, 9, struct.pack("<IQ", 8, len(texts)) + b"".join(map(string, texts)))


def key_i32s(name, numbers):
    return key(name, 9, struct.pack(f"<IQ{len(numbers)}i", 5, len(numbers), *numbers))


def vocabulary_keys(tokens, types, merges, **ids):
    """The tokenizer.ggml.* keys; `ids` such as eos_token_id=2."""
    return [
        key_string("tokenizer.ggml.model", "gpt2"),
        key_string("tokenizer.ggml.pre", "qwen2"),
        key_strings("tokenizer.ggml.tokens", tokens),
        key_i32s("tokenizer.ggml.token_type", types),
        key_strings("tokenizer.ggml.merges", merges),
        *[key_u32(f"tokenizer.ggml.{name}", number) for name, number in ids.items()],
    ]


def write_gguf(path, keys):
    """Version 3, no tensors. The file appears under its name when it is whole."""
    partial = f"{path}.{os.getpid()}.part"
    with open(partial, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(keys))
        file.write(bytes(-file.tell() % 32))
    os.replace(partial, path)


def convert(tiktoken_path, out_path):
    ranks = read_ranks(tiktoken_path)
    spelling = byte_spellings()

    def spell(raw):
        return "".join(map(spelling.__getitem__, raw))

    tokens = [spell(raw) for raw in ranks]
    merges = [" ".join(map(spell, split_of(ranks, raw))) for raw in ranks if len(raw) > 1]
    types = [NORMAL] * len(tokens) + [kind for _, kind in ADDED]
    tokens += [name for name, _ in ADDED]
    while len(tokens) < TOKENS:
        tokens.append(f"[PAD{len(tokens)}]")
        types.append(UNUSED)
    base = len(ranks)
    write_gguf(out_path, [
        key_string("general.architecture", "qwen2"),
        key_string("general.name", "Qwen2.5 vocabulary"),
        *vocabulary_keys(tokens, types, merges, eos_token_id=base + 2, padding_token_id=base,
                         bos_token_id=base),
        key_bool("tokenizer.ggml.add_bos_token", False),
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tiktoken", help="qwen.tiktoken")
    parser.add_argument("out", help="the GGUF to write")
    arguments = parser.parse_args()
    convert(arguments.tiktoken, arguments.out)


if __name__ == "__main__":
    main()
