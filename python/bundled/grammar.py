"""A tiny grammar for phrasings: "[set|change] the [|sampling ]temperature" stands for four texts.

Owns: expansion of alternatives. Does not own: what the phrasings mean.
Invariant: an empty alternative leaves no double space behind.
"""
import itertools


def _parse(text, at, inside):
    """One sequence of literals and alternatives; returns (sequence, position after it)."""
    sequence, literal = [], ""
    while at < len(text):
        char = text[at]
        if char == "[":
            sequence.append([literal])
            literal, options = "", []
            while True:
                option, at = _parse(text, at + 1, True)
                options += option
                if text[at] == "]":
                    break
            sequence.append(options)
        elif inside and char in "|]":
            break
        else:
            literal += char
        at += 1
    sequence.append([literal])
    return ["".join(parts) for parts in itertools.product(*sequence)], at


def expand(text):
    """Every text that a pattern stands for, in a fixed order, without repeats."""
    found = {" ".join(option.split()): None for option in _parse(text, 0, False)[0]}
    return [option for option in found if option]


def expand_all(lines):
    """The patterns of a block of text, one a line; '#' begins a comment line."""
    found = {}
    for line in lines.strip().splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            found.update(dict.fromkeys(expand(line)))
    return list(found)
