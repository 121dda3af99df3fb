"""Training batches: conversations packed into rows, made by processes beside the training.

Owns: packing, and a folder of batch files between the makers and the trainer.
Invariant: every batch has the same shapes: TOKENS tokens, WHERE positions with a target (the rest
of those is padded with target -100), CONVERSATIONS + 1 starts.
"""
import os
import queue
import random
import threading
import time

import numpy as np

import about
import bpe
import conversation

SHORT, LONG = 256, 2048  # tokens in a row, for the two kinds of batch


def encode(tokenizer, system, turns):
    """ids, and for each position whether the next token is to be learned."""
    ids = tokenizer.turn("system", system) if system is not None else []
    learned = [0] * len(ids)
    for question, answer in turns:
        asked = tokenizer.turn("user", question) + tokenizer.role["assistant"]
        said = tokenizer.answer(answer) + [tokenizer.end]
        learned += [0] * (len(asked) - 1) + [1] * len(said) + [0] * (len(tokenizer.close))
        ids += asked + said + tokenizer.close[1:]
    return ids, learned[:len(ids)]


def pack(items, tokens, row, where_limit, conversation_limit):
    """First-fit into rows of `row` tokens. items: an endless iterator of (ids, learned)."""
    rows, open_rows, used, targets, count = tokens // row, [], 0, 0, 0
    content = [[] for _ in range(rows)]
    misses = 0
    while misses < 24:
        ids, learned = next(items)
        n = len(ids)
        if n > row:
            continue
        if targets + sum(learned) > where_limit or count + rows + 1 > conversation_limit:
            break
        for at, (index, free) in enumerate(open_rows):
            if n <= free:
                open_rows[at] = (index, free - n)
                if free - n < 16:
                    open_rows.pop(at)
                break
        else:
            if used == rows:
                misses += 1
                continue
            index, used = used, used + 1
            open_rows.append((index, row - n))
            if len(open_rows) > 32:
                open_rows.pop(0)
        content[index].append((ids, learned))
        targets += sum(learned)
        count += 1
    return content


def arrays(content, row, where_limit, conversation_limit, filler):
    tokens = len(content) * row
    ids, position = np.full(tokens, filler, np.uint16), np.zeros(tokens, np.uint16)
    where, target, starts = np.zeros(where_limit, np.int32), np.full(where_limit, -100, np.int16), []
    n = 0
    for index, conversations in enumerate(content):
        at = index * row
        for i, learned in conversations:
            starts.append(at)
            ids[at:at + len(i)] = i
            position[at:at + len(i)] = range(len(i))
            for j, yes in enumerate(learned):
                if yes:
                    where[n], target[n] = at + j, i[j + 1]
                    n += 1
            at += len(i)
        if at < (index + 1) * row:
            starts.append(at)  # the rest of the row is a conversation of filler
            position[at:(index + 1) * row] = range((index + 1) * row - at)
    starts = np.array(starts + [tokens] * (conversation_limit + 1 - len(starts)), np.int32)
    return {"ids": ids, "position": position, "where": where, "target": target, "starts": starts}


def shape(tokens):
    """(positions with a target, conversations) of a batch."""
    return tokens * 3 // 8, tokens // 32


def make(folder, vocabulary, tokens, seed, ahead, focus):
    """Write batches for ever, at most `ahead` files in the folder."""
    os.nice(5)
    tokenizer = bpe.load(vocabulary)
    conversation.FOCUS[:] = [intent for intent in about.INTENTS if any(intent[0].startswith(begin) for begin in focus)]
    draw = random.Random(seed)
    where_limit, conversation_limit = shape(tokens)

    def items(row):
        while True:
            ids, learned = encode(tokenizer, *conversation.conversation(draw))
            if len(ids) <= row:
                yield ids, learned

    def long_items():
        while True:
            system, turns = conversation.conversation(draw)
            while len(turns) < 10 and draw.random() < .85:
                turns += conversation.conversation(draw)[1]
            yield encode(tokenizer, system, turns)

    number = 0
    parent = os.getppid()
    while os.getppid() == parent:
        if len(os.listdir(folder)) >= ahead:
            time.sleep(.05)
            continue
        row = LONG if draw.random() < 1 / 24 else SHORT
        content = pack(long_items() if row == LONG else items(row), tokens, row, where_limit, conversation_limit)
        batch = arrays(content, row, where_limit, conversation_limit, tokenizer.end_of_text)
        path = os.path.join(folder, f"{seed}.{number}.npz")
        with open(path + ".part", "wb") as file:
            np.savez(file, row=row, **batch)
        os.rename(path + ".part", path)
        number += 1


def stream(folder, to_device):
    """Batches on the device, read ahead by a thread."""
    ready = queue.Queue(4)

    def read():
        while True:
            names = [name for name in os.listdir(folder) if name.endswith(".npz")]
            if not names:
                time.sleep(.01)
            for name in sorted(names, key=lambda n: int(n.split(".")[1])):
                path = os.path.join(folder, name)
                with np.load(path) as file:
                    batch = {key: file[key] for key in file.files}
                os.unlink(path)
                ready.put(to_device(batch))

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield ready.get()
