"""Check the training text: no question has two answers, no held-out phrasing can be drawn.

    python3 check_data.py        prints what is wrong and exits 1, or prints counts and exits 0
"""
import random
import sys

import about
import conversation
import facts
import heldout
import unknown


def main():
    answer_of, wrong = {}, []

    def note(question, answer):
        known = answer_of.setdefault(question.lower(), answer)
        if known != answer:
            wrong.append(f"{question!r}: {known!r} and {answer!r}")

    for answer, groups in about.INTENTS:
        for frames, phrases in groups:
            for phrase in phrases:
                for question in [frame.format(x=phrase) for frame in frames] if frames else [phrase]:
                    note(question, answer)
    for questions, answer in about.SMALL_TALK + facts.FACTS:
        for question in questions:
            note(question, answer)
    for question in unknown.WHOLE:
        note(question, conversation.IDK)
    draw = random.Random(3)
    clashes = {question for question, _ in (unknown.unknown(draw) for _ in range(100000))
               if answer_of.get(question.lower(), conversation.IDK) != conversation.IDK}
    if len(clashes) > 5:  # a handful in 100,000 does no harm
        wrong.append(f"unknown, yet known: {sorted(clashes)}")
    for question, _ in heldout.HELD_OUT:
        if conversation.normal(question) not in conversation.KEPT:
            wrong.append(f"not kept: {question}")
    for line in wrong:
        print(line)
    print(f"{len(answer_of)} phrasings before loosening, {len(facts.FACTS)} facts, {len(about.INTENTS)} topics, "
          f"{len(heldout.HELD_OUT)} held-out phrasings, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
