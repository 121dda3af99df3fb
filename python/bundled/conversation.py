"""Conversations: questions, loosened, in one or several turns, with or without a system message.

Owns: the mix of skills, the variations of a phrasing, turns, follow-up questions.
Does not own: the skills and facts themselves.
Invariant: a held-out phrasing (heldout.py) never comes out of `question`.
"""
import about
import facts
import skills
import unknown as unknown_questions
from heldout import HELD_OUT
from skills import IDK

# Words whose loss leaves a question's meaning alone: only these are dropped or swapped.
FILLER = set("""what is the a an of do does i how to can could you me please tell in for with would use my want need there way
    which my it is that this are be which's what's will on it's at about exactly here just some get have your""".split())
SYNONYMS = {
    "set": ["configure", "specify", "define", "adjust"], "change": ["modify", "alter", "tweak", "edit"], "show": ["display", "print"], "see": ["view", "look at", "check"],
    "print": ["output", "show", "display"], "answer": ["reply", "response", "output"], "answers": ["replies", "responses"],
    "use": ["apply", "employ", "work with"], "choose": ["select", "pick"], "run": ["execute", "launch", "start"], "make": ["have", "get"],
    "limit": ["restrict", "cap", "bound"], "get": ["obtain", "receive", "have"], "list": ["show", "enumerate"], "write": ["produce", "emit"],
    "flag": ["option", "switch", "parameter"], "option": ["flag", "setting"], "file": ["document"], "text": ["string", "input"],
    "metallic": ["it", "this program", "this tool", "the program"], "stop": ["halt", "end", "interrupt"], "explain": ["describe", "clarify"],
    "measure": ["determine", "check", "find out"], "build": ["compile"], "read": ["load", "take"], "model": ["network", "LLM", "language model"],
    "number": ["amount", "count"], "reduce": ["lower", "cut", "decrease"], "increase": ["raise", "grow"], "create": ["make", "produce"],
}
LEAD = ["please", "hey,", "hi,", "ok,", "so", "in metallic,", "quick question:", "can you tell me:", "I wonder:", "well,", "sorry,", "one question:",
        "hello,", "and", "now", "also,", "another question:", "hmm,", "good,", "question:", "next:", "thanks,", "let me ask:", "tell me,", "excuse me,"]
TRAIL = ["please", "here", "in metallic", "with this program", "exactly", "now", "for me", "thanks", "from the command line", "on my machine",
         "then", "again", "anyway", "in general", "by the way", "if possible", "in the terminal", "with the command", "really", "for my project",
         "when running metallic", "with metallic", "today", "quickly", "in short", "when I run it"]
POLITE_LEAD = ["Please", "Hey,", "Ok,", "Now", "So", "Hello,", "Quick question:", "Next:", "And", "Then", "Tell me:", "I need help:", "Well,"]
POLITE_TRAIL = [", please", " please", " for me", ", thanks", " now", ", ok"]
TASK_WORDS = {text.split(" ")[0] for text in skills.REVERSE + skills.COUNT + skills.OCCURRENCES + skills.SPELLING + skills.UPPER + skills.LOWER}
SYSTEM = """You are a helpful assistant.|You are a helpful assistant|Answer briefly.|You are metallic.|Be concise.|You are a pirate.|You are a teacher.
    Be polite.|Answer in one sentence.|You are a small model.|You are Qwen, created by Alibaba Cloud. You are a helpful assistant.|Answer the question.
    Think before you answer.|You are an expert.|Speak like a king.|Today is Monday.|You are a friendly robot.|Only answer what you know.|Do your best.
    You help users of a program.|Answer with facts.|You are a calculator.|Help the user with metallic.|Reply in English.|You are an AI.|Keep it short.
    The user is a beginner.|You are a command-line assistant.|Never lie.|Say I don't know when you don't know.|You are Bob.|Act as a scientist.""".replace("\n    ", "|").split("|")


BEFORE = """I have a question.|I am new here.|I'm new to this.|Quick one.|I am writing a script.|I use Debian.|I have a laptop.|I work on Linux.|Sorry to bother you.
    I have a problem.|I was wondering.|My colleague asked me this.|I read the documentation.|Just curious.|One thing is unclear.|I am a beginner.|Let me see.
    I could not find it.|Not sure about this.|Maybe you know.|I just installed it.|I am stuck.|This is for a project.|First question.|Last question.
    I am preparing a demo.|I have tried everything.|Help me out.|Hello, I need some advice.|Something else.|I have no idea.""".replace("\n    ", "|").split("|")
AFTER = """because I need it for work|in my case|on my server|when I start it|for a demo|as a beginner|for a longer text|if that exists|if there is such a thing|in this version
    without much work|in a simple way|for testing|on this computer|for every run|in my setup|from now on|for once|next time|at home|at work|in production
    as far as you know|or something like that|, do you know|, any idea|, if I may ask|, exactly|, right|, and how""".replace("\n    ", "|").split("|")


def typo(random, text):
    """One slip of a finger in one longer word."""
    words = text.split(" ")
    able = [i for i, word in enumerate(words) if len(word) > 4 and word.isalpha() and word.islower()]
    if able:
        at = random.choice(able)
        word = words[at]
        i = random.randrange(1, len(word) - 1)
        kind = random.random()
        if kind < .4:
            word = word[:i] + word[i + 1:]
        elif kind < .7:
            word = word[:i] + word[i + 1] + word[i] + word[i + 2:]
        else:
            word = word[:i] + word[i] + word[i:]
        words[at] = word
    return " ".join(words)


def loosen(random, text, strength):
    """Drop and swap filler, exchange synonyms, add words before and after, slip: the answer must
    come to hang on the words that matter."""
    if random.random() > strength:
        return text
    words = text.split(" ")
    if len(words) > 3 and random.random() < .35:
        words = [w for w in words if w.lower() not in FILLER or random.random() > .25] or words
    if len(words) > 2 and random.random() < .3:
        words = [random.choice(SYNONYMS[w]) if w in SYNONYMS and random.random() < .4 else w for w in words]
    if len(words) > 3 and random.random() < .08:
        i = random.randrange(len(words) - 1)
        if words[i].lower() in FILLER or words[i + 1].lower() in FILLER:
            words[i], words[i + 1] = words[i + 1], words[i]
    if random.random() < .15:
        words = [random.choice(LEAD)] + words
    if random.random() < .15:
        words.append(random.choice(TRAIL))
    if random.random() < .08:  # a word that means nothing here
        stray = random.choice(unknown_questions.WORDS)
        at = random.randrange(len(words) + 1)
        if at < len(words) and words[at].lower() in FILLER:
            words[at] = stray
        else:
            words.insert(at, stray)
    if random.random() < .06:
        words.append(random.choice(AFTER))
    if random.random() < .06:
        words = [random.choice(BEFORE)] + words
    text = " ".join(words).replace(" ,", ",")
    return typo(random, text) if random.random() < .10 else text


def decorate(random, text):
    """A little politeness around a task whose words must stay as they are."""
    if random.random() < .07:
        text = random.choice(POLITE_LEAD) + " " + text[0].lower() + text[1:]
    if random.random() < .05:
        text += random.choice(POLITE_TRAIL)
    return text


def begin_small(random, text):
    """Now and then a small first letter, where the first word is the task's and not the item."""
    if text.split(" ")[0] in TASK_WORDS and random.random() < .25:
        return text[0].lower() + text[1:]
    return text


def punctuate(random, text, lower):
    """Ask it or state it; begin with a capital, usually."""
    kind = random.random()
    if not text:
        return "?"
    if lower and kind < .25:
        text = text.lower()
    elif kind < .75 or not lower:
        text = text[0].upper() + text[1:] if lower else text
    if lower and random.random() < .01:
        text = text.upper()
    if text[-1] in "?.!=":
        return text
    kind = random.random()
    begins = text.split(" ")[0].lower()
    asks = begins in QUESTION_WORDS
    if asks:
        return text + ("?" if kind < .8 else "" if kind < .95 else "." if kind < .97 else " ?")
    return text + ("." if kind < .4 else "?" if kind < .62 else "!" if kind < .64 else "")


QUESTION_WORDS = set("""what what's which who how when where why is are can could does do did in of on will should may must who's has have at
    am would any""".split())


FOCUS = []  # topics that a further training, after they changed, draws for half of these questions


def about_metallic(random, held=False):
    answer, groups = random.choice(FOCUS if FOCUS and random.random() < .5 else about.INTENTS)

    def one():
        frames, phrases = random.choice(groups)
        text = random.choice(phrases)
        return random.choice(frames).format(x=text) if frames else text

    text = one()
    if random.random() < .08:  # the same said twice, in different words
        text += random.choice((". ", ", ", "; ", "? ", " - ", " and ", " or ")) + one()
    words = text.split(" ")
    if len(words) > 5 and random.random() < .08:  # a word gets lost, which may be one that mattered
        words.pop(random.randrange(len(words)))
    return loosen(random, " ".join(words), .75), answer


def fact(random, held=False):
    questions, answer = random.choice(facts.FACTS)
    return loosen(random, random.choice(questions), .35), answer


def small_talk(random, held=False):
    questions, answer = random.choice(about.SMALL_TALK)
    return loosen(random, random.choice(questions), .1), answer


def unknown(random, held=False):
    question, answer = unknown_questions.unknown(random)
    return loosen(random, question, .25), answer


# skill: (function, share of the training questions, whether lower-casing leaves the answer alone)
SKILLS = {
    "addition": (skills.add, 13, True), "subtraction": (skills.subtract, 15, True), "product": (skills.multiply, 5, True),
    "division": (skills.divide, 1.5, True), "parity": (skills.parity, .7, True), "comparison": (skills.bigger, .7, True),
    "sort": (skills.sort, 9, True), "reverse": (skills.reverse, 10, False), "count": (skills.count, 5, False),
    "occurrences": (skills.occurrences, 3, False), "spell": (skills.spell, 1.5, False), "upper": (skills.upper, 4, False),
    "lower": (skills.lower, 1, False), "fact": (fact, 17, True), "metallic": (about_metallic, 36, True), "chat": (small_talk, 2.5, True),
    "unknown": (unknown, 17, True),
}
NAMES, WEIGHTS = list(SKILLS), [weight for _, weight, _ in SKILLS.values()]
TASKS = set(NAMES) - {"fact", "metallic", "chat", "unknown"}


def normal(text):
    return "".join(c for c in text.lower() if c.isalnum() or c in "-_ ").strip()


KEPT = {normal(question) for question, _ in HELD_OUT}


def question(random, skill, held=False):
    draw, _, lower = SKILLS[skill]
    while True:
        text, answer = draw(random, held)
        if skill in TASKS:
            text = decorate(random, begin_small(random, text))
        text = punctuate(random, text, lower)
        if not held and random.random() < .03:  # as it comes from a file or a pipe
            text = random.choice((text + "\n", text + "\n", text + " ", " " + text, text + "\n\n", text.replace(". ", ".\n")))
        if normal(text) not in KEPT:
            return text, answer


# ------------------------------------------------------------------ several turns

ANOTHER_COUNTRY = ["And {x}?", "And of {x}?", "What about {x}?", "How about {x}?", "and {x}?", "And the capital of {x}?", "And for {x}?", "{x}?"]
MORE = ["And plus {b}?", "Plus {b}?", "Now add {b}.", "And {b} more?", "Add {b}.", "Add {b} to that.", "And if you add {b}?", "plus {b}", "+ {b}", "Then add {b}."]
LESS = ["And minus {b}?", "Minus {b}?", "Now subtract {b}.", "Subtract {b} from that.", "And {b} less?", "Subtract {b}.", "And if you subtract {b}?", "minus {b}", "- {b}",
        "Take away {b}."]
BACKWARDS = ["And backwards?", "And in reverse?", "Now backwards.", "And reversed?"]
UPPER = ["And in upper case?", "Now in capitals.", "And in capital letters?"]
LENGTH = ["How many letters is that?", "How many letters does it have?", "And how many letters?"]


def follow_up(random):
    """Two or three turns of which the later ones lean on the one before."""
    kind = random.random()
    if kind < .35:
        names = random.sample(unknown_questions.COUNTRY_NAMES, 3)
        turns = [(random.choice(facts.CAPITAL_OF).format(x=names[0]), names[0])]
        turns += [(random.choice(ANOTHER_COUNTRY).format(x=name), name) for name in names[1:random.choice((2, 2, 3))]]
        out = []
        for text, name in turns:
            capital = facts.CAPITALS[name]
            out.append((text, f"The capital of {name} is {capital}" + ("" if capital.endswith(".") else ".")))
        return out
    if kind < .75:
        while True:
            sign = random.choice("+-")
            a, b = random.randrange(1000), random.randrange(1000)
            if random.random() < .5:
                a, b = a % 100, b % 100
            if not skills.held_out(f"{a}{sign}{b}"):
                break
        value = a + b if sign == "+" else a - b
        out = [(punctuate(random, random.choice(skills.ADD if sign == "+" else skills.SUBTRACT).format(a=a, b=b), True), f"{a} {sign} {b} = {value}.")]
        for _ in range(random.choice((1, 1, 2))):
            b = random.randrange(100)
            sign = random.choice("+-")
            if not 0 <= value <= 999 or skills.held_out(f"{value}{sign}{b}"):
                break
            result = value + b if sign == "+" else value - b
            out.append((random.choice(MORE if sign == "+" else LESS).format(b=b), f"{value} {sign} {b} = {result}."))
            value = result
        return out
    w = skills.word(random, False)
    spelled = f"{skills.SPELL}{w[::-1]}{skills.SPELL}"
    turns = [(random.choice(skills.UPPER).format(w=w), f"{skills.SPELL}{w.upper()}{skills.SPELL}"), (random.choice(BACKWARDS), spelled)]
    if random.random() < .5:
        turns = [(random.choice(skills.REVERSE).format(w=w), spelled), (random.choice(UPPER), f"{skills.SPELL}{w.upper()}{skills.SPELL}")]
    if random.random() < .4:
        turns.append((random.choice(LENGTH), f"{' '.join(w)}: {len(w)} letters."))
    return turns


def system_message(random):
    kind = random.random()
    if kind < .75:
        return random.choice(SYSTEM)
    if kind < .9:
        return " ".join(random.sample(SYSTEM, 2))
    words = [random.choice(unknown_questions.WORDS) for _ in range(random.randrange(2, 12))]
    return " ".join(words).capitalize() + "."


def conversation(random):
    """(system message or None, [(question, answer)]): 1 turn mostly, up to 6; now and then 40."""
    system = system_message(random) if random.random() < .25 else None
    kind = random.random()
    count = 1 if kind < .66 else random.randrange(2, 4) if kind < .88 else random.randrange(4, 7) if kind < .997 else random.randrange(15, 40)
    turns = []
    for skill in random.choices(NAMES, WEIGHTS, k=count):
        if count > 1 and random.random() < .12:
            turns += follow_up(random)
        else:
            turns.append(question(random, skill))
    return system, turns
