"""Held-out accuracy of the bundled model, measured by driving the metallic binary.

    python3 evaluate.py --metallic ../../build/src/cli/metallic
    python3 evaluate.py --metallic ... --count 1000 --show      more items, and every wrong answer

Owns: which items are asked, and the table that stands in the README.
Does not own: the golden texts (golden.py), which ask whether two machines agree; here the answer must
be right. An answer counts when it is exact, to the letter.
Needs: python3 alone; no torch, no numpy. Exits 1 when a target is missed.
"""
import argparse
import concurrent.futures
import json
import os
import random
import subprocess
import sys

import about
import conversation
import facts
import heldout
import skills

# name in the table: (share that must be right, what is asked)
TARGETS = {
    "addition, unseen": 0.99, "subtraction, unseen": 0.99, "subtraction below zero, unseen": 0.99, "products": 0.95, "divisions": 0.95,
    "sorting, unseen": 0.90, "reversing, unseen words": 0.90, "counting letters, unseen words": 0.90, "occurrences of a letter, unseen words": 0.90,
    "spelling, unseen words": 0.90, "upper case, unseen words": 0.90, "lower case, unseen words": 0.90, "facts": 0.99,
    "metallic, phrasings as trained": 0.95, "metallic, unseen phrasings": 0.95, "small talk": 0.95, "what it cannot know": 0.95,
    "after a system message": 0.95, "several turns": 0.95, "follow-up questions": 0.95, "wrong flags": 0.90,
}


def user(question, system=None):
    return ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": question}]


def conversation_of(turns, system=None):
    messages = [{"role": "system", "content": system}] if system else []
    for question, answer in turns:
        messages += [{"role": "user", "content": question}, {"role": "assistant", "content": plain(answer)}]
    return messages[:-1], messages[-1]["content"]


def plain(answer):
    return answer.replace(skills.SPELL, "")


def items(count, draw):
    """{name: [(messages, answer)]}"""
    def skill(name, keep=lambda question, answer: True):
        found = []
        while len(found) < count:
            question, answer = conversation.question(draw, name, True)
            if keep(question, answer):
                found.append((user(question), plain(answer)))
        return found

    out = {
        "addition, unseen": skill("addition"), "subtraction, unseen": skill("subtraction"),
        "subtraction below zero, unseen": skill("subtraction", lambda q, a: "= -" in a),
        "products": skill("product"), "divisions": skill("division"), "sorting, unseen": skill("sort"),
        "reversing, unseen words": skill("reverse"), "counting letters, unseen words": skill("count"),
        "occurrences of a letter, unseen words": skill("occurrences"), "spelling, unseen words": skill("spell"),
        "upper case, unseen words": skill("upper"), "lower case, unseen words": skill("lower"),
        "small talk": skill("chat"), "what it cannot know": skill("unknown"), "metallic, phrasings as trained": skill("metallic"),
        "facts": [(user(conversation.punctuate(draw, draw.choice(questions), True)), answer) for questions, answer in facts.FACTS],
        "metallic, unseen phrasings": [(user(question), answer) for question, answer in heldout.TEST_ITEMS],
        "wrong flags": [(user(draw.choice(("What does --{} do?", "How do I use --{}?", "What is --{} for?")).format(flag)), conversation.IDK)
                        for flag in ("foo", "gpu-layers", "color", "lora", "flash-attn", "port", "mlock", "rope-scale", "grammar", "batch-size")],
    }
    out["after a system message"], out["several turns"], out["follow-up questions"] = [], [], []
    for _ in range(count):
        name = draw.choice([n for n in conversation.NAMES if n != "metallic"])
        question, answer = conversation.question(draw, name, True)
        out["after a system message"].append((user(question, conversation.system_message(draw)), plain(answer)))
        turns = [conversation.question(draw, draw.choices(conversation.NAMES, conversation.WEIGHTS)[0]) for _ in range(draw.randrange(1, 6))]
        name = draw.choice(("addition", "subtraction", "sort", "reverse", "count", "upper"))
        turns.append(conversation.question(draw, name, True))
        out["several turns"].append(conversation_of(turns, conversation.system_message(draw) if draw.random() < .5 else None))
        out["follow-up questions"].append(conversation_of(conversation.follow_up(draw)))
    return out


def ask(metallic, messages):
    """The answer, through --prompt where one message is all there is, as a person would ask."""
    command = [metallic, "--temperature", "0", "--max-tokens", "96", "--threads", "1", "--output-format", "json"]
    if len(messages) == 1:
        done = subprocess.run(command + ["--prompt", messages[0]["content"]], check=False, stdin=subprocess.DEVNULL, capture_output=True)
    else:
        done = subprocess.run(command + ["--messages", "-"], check=False, input=json.dumps(messages).encode(), capture_output=True)
    if done.returncode != 0:
        return f"(exit {done.returncode}: {done.stderr.decode(errors='replace').strip()})"
    return json.loads(done.stdout)["text"]


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--metallic", required=True)
    parse.add_argument("--count", type=int, default=300, help="items for each skill")
    parse.add_argument("--seed", type=int, default=4242)
    parse.add_argument("--show", action="store_true", help="print wrong answers")
    parse.add_argument("--only", help="rows whose name contains this")
    o = parse.parse_args()
    missed = 0
    print("| what is asked | right | of | share | target |\n|---|---|---|---|---|")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, questions in items(o.count, random.Random(o.seed)).items():
            if o.only and o.only not in name:
                continue
            texts = list(pool.map(lambda item: ask(o.metallic, item[0]), questions))
            wrong = [(m[-1]["content"], a, t) for (m, a), t in zip(questions, texts) if a != t]
            share = 1 - len(wrong) / len(questions)
            missed += share < TARGETS[name]
            print(f"| {name} | {len(questions) - len(wrong)} | {len(questions)} | {share:.3f} | {TARGETS[name]:.2f} |", flush=True)
            for question, answer, text in wrong if o.show else []:
                print(f"    {question!r}: {text!r}, expected {answer!r}", file=sys.stderr)
    print(f"{len(about.INTENTS)} topics of metallic, {len(facts.FACTS)} facts; {missed} targets missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
