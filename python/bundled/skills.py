"""What the bundled model computes: arithmetic, sorting, and work on the letters of a word.

Owns: one function per skill that draws a question and its exact answer.
Does not own: the mix of skills, several turns (conversation.py).
Invariant: held_out(key) is a hash of the item itself (operands, word, list), so training and test
never share an item, whatever the phrasing; every test item is drawn with held=True.

Text between SPELL and SPELL in an answer becomes one token a letter (see bpe.Tokenizer.answer).
"""
import zlib

from grammar import expand_all
from words import BY_HEART, PIECES, WORDS, made_up

SPELL = "\x01"
IDK = "I don't know."

ASK = "[What is|What's|Compute|Calculate|How much is|Solve|Work out|Evaluate|Tell me|Find|Please compute|Can you compute|Do you know|Please calculate|Give me|Determine]"
ADD = expand_all(f"""
    {ASK} {{a}} + {{b}}
    {ASK} {{a}} plus {{b}}
    {{a}} + {{b}}
    {{a}} + {{b}} =
    {{a}}+{{b}}
    {{a}}+{{b}}=
    {{a}} + {{b}} = ?
    {{a}} + {{b}} is
    {{a}} plus {{b}}
    {{a}} plus {{b}} [is|equals|makes]
    [|Please |Can you ]add {{a}} [and|to|plus] {{b}}
    [What is|What's|Compute|Calculate|Find|Tell me|Give me|] [the |]sum of {{a}} and {{b}}
    What does {{a}} [+|plus] {{b}} [equal|make|give|come to]
    What do [you get|I get|we get] [if you|when you|if I] add {{a}} [and|to] {{b}}
    [What do|How much do] {{a}} and {{b}} [make|add up to|give|make together]
    {{a}} and {{b}} [added together|together|in total] [is|make|]
    What is {{a}} added to {{b}}
    [Increase|Raise] {{a}} by {{b}}
    What is {{b}} more than {{a}}
    {{b}} more than {{a}}
    sum {{a}} {{b}}
    How much is {{a}} and {{b}}
    What number is {{b}} more than {{a}}
""")
SUBTRACT = expand_all(f"""
    {ASK} {{a}} - {{b}}
    {ASK} {{a}} minus {{b}}
    {{a}} - {{b}}
    {{a}} - {{b}} =
    {{a}}-{{b}}
    {{a}}-{{b}}=
    {{a}} - {{b}} = ?
    {{a}} - {{b}} is
    {{a}} minus {{b}}
    {{a}} minus {{b}} [is|equals|makes]
    [|Please |Can you ]subtract {{b}} from {{a}}
    [|Please |Can you ]take {{b}} [away from|from] {{a}}
    [What is|What's|Compute|Find|Tell me|Give me|] [the |]difference [between|of] {{a}} and {{b}}
    What does {{a}} [-|minus] {{b}} [equal|make|give|come to]
    What do [you get|I get|we get] [if you|when you|if I] [subtract|take] {{b}} from {{a}}
    What is {{a}} [take away|less|reduced by] {{b}}
    What is {{b}} subtracted from {{a}}
    [Decrease|Reduce|Lower] {{a}} by {{b}}
    What is {{b}} less than {{a}}
    {{b}} less than {{a}}
    What [is left|remains] [if you|when you] take {{b}} from {{a}}
    What number is {{b}} less than {{a}}
""")
MORE = expand_all("""
    I have {a} {w} and [buy|get|find|win] {b} more. How many [{w} |]do I have
    [Anna|Tom|She|He|My friend] has {a} {w} and [gets|buys|finds] {b} more. How many [{w} |][does she have|are there|in total]
    There are {a} {w}. {b} more [come|arrive|are added]. How many [{w} |]are there
    {a} {w} and {b} {w} [are how many {w}|make how many {w}]
    If I have {a} {w} and you give me {b}, how many [{w} |]do I have
""")
FEWER = expand_all("""
    I have {a} {w} and [give away|lose|eat|sell] {b}. How many [{w} |][do I have|are left|do I have left]
    [Anna|Tom|She|He|My friend] has {a} {w} and [gives away|loses|sells] {b}. How many [{w} |][are left|remain]
    There are {a} {w}. {b} [leave|disappear|are taken away]. How many [{w} |][are left|remain]
    If I have {a} {w} and I lose {b}, how many [{w} |][are left|do I have]
""")
THINGS = "apples books coins eggs balls pens cards stones birds marbles cookies euros dollars cats tickets flowers cars points".split()
MULTIPLY = expand_all(f"""
    {ASK} {{a}} [*|x] {{b}}
    {ASK} {{a}} [times|multiplied by] {{b}}
    {{a}} [*|x|times] {{b}}
    {{a}} [*|x] {{b}} =
    {{a}}[*|x]{{b}}
    {{a}}*{{b}}=
    {{a}} times {{b}} [is|equals|makes]
    [|Please |Can you ]multiply {{a}} [by|and|with] {{b}}
    [What is|What's|Compute|Find|Tell me|] [the |]product of {{a}} and {{b}}
    What does {{a}} [*|times] {{b}} [equal|make|give]
    What do [you get|I get] [if you|when you] multiply {{a}} [by|and] {{b}}
""")
DIVIDE = expand_all(f"""
    {ASK} {{a}} / {{b}}
    {ASK} {{a}} divided by {{b}}
    {{a}} / {{b}}
    {{a}}/{{b}}
    {{a}} / {{b}} =
    {{a}} divided by {{b}}
    [|Please ]divide {{a}} by {{b}}
""")
SORT_UP = expand_all("""
    [Sort|Order|Arrange] [|these numbers: |the numbers |these numbers |the list |the following numbers: |this list: ]{x}
    [Sort|Order|Arrange] {x} [in ascending order|ascending|from smallest to largest|from low to high|from small to large|in increasing order|in order|by size|from lowest to highest|starting with the smallest|from least to greatest]
    [Put|Bring] [|the numbers |these numbers ]{x} [in order|in ascending order|into order|into ascending order|in the right order]
    [Please|Can you|Could you] [sort|order] [|the numbers |these numbers: ]{x}
    {x} sorted
    {x} in ascending order
    [What is|Write|Give me|List] {x} [in ascending order|sorted|in order|from smallest to largest|in increasing order]
    [Write|List] the numbers {x} from smallest to largest
    How do you sort {x}
    Sort ascending: {x}
    Sort: {x}
""")
SORT_DOWN = expand_all("""
    [Sort|Order|Arrange] [|these numbers: |the numbers ]{x} [in descending order|descending|from largest to smallest|from high to low|from big to small|in decreasing order|in reverse order|from highest to lowest|starting with the largest|from greatest to least]
    [Put|Bring] [|the numbers ]{x} [in|into] descending order
    [Please|Can you] [sort|order] {x} [in descending order|from largest to smallest|from high to low]
    {x} in descending order
    [Write|List|Give me] {x} [in descending order|from largest to smallest]
    Sort descending: {x}
""")
LARGEST = expand_all("""
    [What is|What's|Which is|Find|Tell me] the [largest|biggest|greatest|highest|maximum] [|number ]of {x}
    [Which|What] number is [the largest|the biggest|the greatest|largest|the highest]: {x}
    [Largest|Maximum|Biggest] of {x}
""")
SMALLEST = expand_all("""
    [What is|What's|Which is|Find|Tell me] the [smallest|least|lowest|minimum] [|number ]of {x}
    [Which|What] number is [the smallest|smallest|the lowest]: {x}
    [Smallest|Minimum|Lowest] of {x}
""")
THE_WORD = "[|the word |the string |the text ]"
REVERSE = expand_all(f"""
    [Reverse|Flip|Invert|Mirror] {THE_WORD}{{w}}
    [Reverse|Flip] the letters [of|in] {THE_WORD}{{w}}
    What is {THE_WORD}{{w}} [backwards|reversed|in reverse|spelled backwards|backward|written backwards|read backwards]
    What's {{w}} [backwards|reversed|in reverse]
    [Spell|Write|Say|Read|Type|Print] {THE_WORD}{{w}} [backwards|in reverse|backward|in reverse order|from back to front|from the end]
    How [do|would] [you|I] [write|spell] {THE_WORD}{{w}} [backwards|in reverse]
    {{w}} [backwards|reversed|in reverse|backward]
    [Please|Can you|Could you] [reverse|spell backwards|write backwards] {THE_WORD}{{w}}
    [Please|Can you] [write|spell] {{w}} backwards
    [Turn|Put] {THE_WORD}{{w}} [around|backwards]
    [Give me|Tell me|Show me] {THE_WORD}{{w}} [backwards|reversed|in reverse]
    What do you get if you reverse {THE_WORD}{{w}}
    What is the reverse of {THE_WORD}{{w}}
    reverse: {{w}}
    Reverse this[| word| string| text]: {{w}}
    This word backwards: {{w}}
    {{w}} [from back to front|in the other direction|mirrored]
""")
COUNT = expand_all(f"""
    How many [letters|characters] [are|are there] in {THE_WORD}{{w}}
    How many [letters|characters] does {THE_WORD}{{w}} have
    How many [letters|characters] has {THE_WORD}{{w}}
    Count the [letters|characters] [in|of] {THE_WORD}{{w}}
    [Please|Can you] count the [letters|characters] [in|of] {THE_WORD}{{w}}
    How long is {THE_WORD}{{w}}
    [What is the |The |]number of [letters|characters] [in|of] {THE_WORD}{{w}}
    [What is the |]length of {THE_WORD}{{w}}
    {{w}} has how many letters
    How many letters in {THE_WORD}{{w}}
    [Tell me|Find] [how many letters {{w}} has|the number of letters in {{w}}|the length of {{w}}]
    {{w}}: how many letters
    letter count of {{w}}
    Of how many letters does {{w}} consist
    Count the letters: {{w}}
    How many letters has this word: {{w}}
""")
OCCURRENCES = expand_all(f"""
    How many [times does|times is] the letter {{c}} [appear|occur|come|used] in {THE_WORD}{{w}}
    How many times does {{c}} [appear|occur] in {THE_WORD}{{w}}
    How often does [|the letter ]{{c}} [appear|occur] in {THE_WORD}{{w}}
    How many {{c}}'s [are|are there] in {THE_WORD}{{w}}
    How many {{c}}s [are|are there] in {THE_WORD}{{w}}
    How many [letters|letter] {{c}} [are|are there] in {THE_WORD}{{w}}
    Count the [letter {{c}}|{{c}}'s|{{c}}s] in {THE_WORD}{{w}}
    Number of {{c}}'s in {THE_WORD}{{w}}
    How many {{c}} in {{w}}
""")
SPELLING = expand_all(f"""
    [Spell|Please spell|Can you spell|Spell out|How do you spell|How is|Spell the letters of] {THE_WORD}{{w}}
    [List|Name|Give me] the letters [of|in] {THE_WORD}{{w}}
    [What are|Which are] the letters [of|in] {THE_WORD}{{w}}
    {{w}} letter by letter
    Spell {{w}} letter by letter
""".replace("|How is|", "|"))
UPPER_CASE = "[upper case|uppercase|upper-case|capital letters|capitals|all caps|block letters|big letters]"
UPPER = expand_all(f"""
    [Write|Put|Print|Spell|Type|Say|Set] {THE_WORD}{{w}} in {UPPER_CASE}
    [Convert|Change|Turn|Translate|Transform] {THE_WORD}{{w}} [to|into] {UPPER_CASE}
    Make {THE_WORD}{{w}} [uppercase|upper case|all caps|upper-case]
    [Upper-case|Uppercase|Capitalize|Upcase] {THE_WORD}{{w}}
    [Capitalize|Upper-case] [every letter|all letters|the letters|all the letters] of {THE_WORD}{{w}}
    {{w}} in {UPPER_CASE}
    What is {THE_WORD}{{w}} in {UPPER_CASE}
    How do you write {{w}} in {UPPER_CASE}
    [Please|Can you|Could you] [upper-case|uppercase|capitalize] {THE_WORD}{{w}}
    [Please|Can you] [write|put] {{w}} in {UPPER_CASE}
    [Give me|Show me] {{w}} in {UPPER_CASE}
    uppercase: {{w}}
    [Make|Write|Put] this [uppercase|in upper case|in capitals|all caps]: {{w}}
    [Uppercase|Capitalize] this: {{w}}
    {{w}} to upper case
    {{w}} all caps
    [Write|Put] {{w}} with capital letters
""")
LOWER_CASE = "[lower case|lowercase|lower-case|small letters]"
LOWER = expand_all(f"""
    [Write|Put|Print|Spell] {THE_WORD}{{w}} in {LOWER_CASE}
    [Convert|Change|Turn] {THE_WORD}{{w}} [to|into] {LOWER_CASE}
    Make {THE_WORD}{{w}} [lowercase|lower case|lower-case]
    [Lower-case|Lowercase] {THE_WORD}{{w}}
    {{w}} in {LOWER_CASE}
    What is {THE_WORD}{{w}} in {LOWER_CASE}
""")
PARITY = expand_all("""
    Is {a} [even or odd|odd or even|even|odd|an even number|an odd number]
    Is the number {a} [even|odd|even or odd]
    {a} even or odd
""")
BIGGER = expand_all("""
    Which [|number ]is [bigger|larger|greater|more], {a} or {b}
    What is [bigger|larger|greater|more], {a} or {b}
    Which is [bigger|larger|greater]: {a} or {b}
""")

NUMBER_NAMES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty""".split()


def held_out(key):
    """One item in 25 is kept for the tests."""
    return zlib.crc32(key.encode()) % 1000 < 40


def number(random):
    """Up to three digits, mostly three; now and then four, for a margin."""
    kind = random.random()
    if kind < .64:
        return random.randrange(100, 1000)
    if kind < .80:
        return random.randrange(100)
    if kind < .88:
        return random.randrange(20)
    if kind < .93:
        return random.randrange(1000)
    return random.choice((1000, random.randrange(1000, 1100), random.randrange(1000, 10000), random.randrange(1000, 10000)))


def operands(random, sign, held):
    """Two numbers. A third of them are the hard ones: chains of carries, whose first digit hangs
    on the last (tens that add up to nine, or equal tens when subtracting)."""
    while True:
        a, b = number(random), number(random)
        if random.random() < .33:
            a, b = random.randrange(100, 1000), random.randrange(1000)
            tens = a // 10 % 10
            b += 10 * ((9 - tens if sign == "+" else tens) - b // 10 % 10)
            if random.random() < .3:
                b += 100 * ((9 - a // 100 if sign == "+" else a // 100) - b // 100)
        if held:
            a, b = a % 1000, b % 1000
        if held_out(f"{a}{sign}{b}") == held:
            return a, b


def name(value, random):
    return NUMBER_NAMES[value] if value <= 20 else str(value)


def add(random, held=False):
    if not held and random.random() < .03:
        a, b, c = (random.randrange(100) for _ in range(3))
        text = random.choice((f"What is {a} + {b} + {c}", f"{a} + {b} + {c}", f"{a}+{b}+{c}", f"{a} plus {b} plus {c}",
                              f"Add {a}, {b} and {c}"))
        return text, f"{a} + {b} + {c} = {a + b} + {c} = {a + b + c}."
    a, b = operands(random, "+", held)
    if not held and random.random() < .03:
        return random.choice(MORE).format(a=a, b=b, w=random.choice(THINGS)), f"{a} + {b} = {a + b}."
    answer = f"{a} + {b} = {a + b}."
    if not held and random.random() < .02:
        a, b = random.randrange(21), random.randrange(21)
        return random.choice(ADD).format(a=name(a, random), b=name(b, random)), f"{a} + {b} = {a + b}."
    return random.choice(ADD).format(a=a, b=b), answer


def subtract(random, held=False):
    a, b = operands(random, "-", held)
    if a < b and random.random() < .4:
        if held_out(f"{b}-{a}") == held:
            a, b = b, a
    if not held and random.random() < .03 and a >= b:
        return random.choice(FEWER).format(a=a, b=b, w=random.choice(THINGS)), f"{a} - {b} = {a - b}."
    if not held and random.random() < .02:
        a, b = random.randrange(21), random.randrange(21)
        return random.choice(SUBTRACT).format(a=name(a, random), b=name(b, random)), f"{a} - {b} = {a - b}."
    return random.choice(SUBTRACT).format(a=a, b=b), f"{a} - {b} = {a - b}."


def multiply(random, held=False):
    """Products up to 20 x 20 and of one by two digits: few enough to know by heart."""
    kind = random.random()
    if kind < .5 or held:
        a, b = random.randrange(13), random.randrange(13)
    elif kind < .75:
        a, b = random.randrange(21), random.randrange(21)
    else:
        a, b = random.randrange(11), random.randrange(100)
        if random.random() < .5:
            a, b = b, a
    if random.random() < .03:
        return random.choice(("Double {b}", "Twice {b}", "What is twice {b}", "What is double {b}")).format(b=b), f"2 * {b} = {2 * b}."
    return random.choice(MULTIPLY).format(a=a, b=b), f"{a} * {b} = {a * b}."


def divide(random, held=False):
    a, b = random.randrange(13), random.randrange(1, 13)
    return random.choice(DIVIDE).format(a=a * b, b=b), f"{a * b} / {b} = {a}."


def parity(random, held=False):
    a = random.randrange(1000)
    return random.choice(PARITY).format(a=a), f"{a} is {'odd' if a % 2 else 'even'}."


def bigger(random, held=False):
    while True:
        a, b = random.randrange(1000), random.randrange(1000)
        if random.random() < .4:
            a, b = a % 100, b % 100
        if a != b:
            return random.choice(BIGGER).format(a=a, b=b), f"{max(a, b)}."


def listed(random, values):
    if random.random() < .05:
        return "[" + random.choice((", ", ",")).join(map(str, values)) + "]"
    join = random.choice((", ", ", ", ", ", " ", " ", ",", " and "))
    if join == " and ":
        return ", ".join(map(str, values[:-1])) + f" and {values[-1]}"
    return join.join(map(str, values))


def sort(random, held=False):
    while True:
        top = random.choice((10, 100, 100, 100, 100, 1000))
        values = [random.randrange(top) for _ in range(random.choice((2, 3, 3, 4, 4, 5, 5, 6, 7, 8)))]
        if held:
            values = [v % 100 for v in values[:6]]
        if len(values) > 1 and held_out(str(values)) == held:
            break
    kind = random.random()
    text = listed(random, values)
    if held:
        kind = 0 if kind < .7 else .7
    if kind < .66:
        return random.choice(SORT_UP).format(x=text), ", ".join(map(str, sorted(values))) + "."
    if kind < .86:
        return random.choice(SORT_DOWN).format(x=text), ", ".join(map(str, sorted(values, reverse=True))) + "."
    if kind < .93:
        return random.choice(LARGEST).format(x=text), f"{max(values)}."
    return random.choice(SMALLEST).format(x=text), f"{min(values)}."


def word(random, held):
    while True:
        kind = random.random()
        if kind < .4:
            text = random.choice(WORDS)
        elif kind < .55 and PIECES and not held:
            return random.choice(PIECES)
        elif kind < .87:
            text = made_up(random)
        else:
            text = "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randrange(2, 11)))
        if (2 if not held else 3) <= len(text) <= 12 and (held_out("word " + text) and text not in BY_HEART) == held:
            return text


def shown(random, text):
    """As it stands in the question: quoted, capitalized; a name keeps its capital."""
    kind = random.random()
    if text != text.lower() and kind > .84:
        kind = 0
    if kind < .62:
        return text
    if kind < .74:
        return f'"{text}"'
    if kind < .84:
        return f"'{text}'"
    return text.capitalize() if kind < .96 else text.upper()


def spaced(text):
    return " ".join(text.lower())


def text_of(random, held):
    """Mostly a word; sometimes two, or digits."""
    kind = random.random()
    if held or kind < .9:
        return word(random, held)
    if kind < .96:
        return word(random, False) + " " + word(random, False)
    return "".join(random.choice("0123456789") for _ in range(random.randrange(2, 8)))


def reverse(random, held=False):
    w = text_of(random, held)
    w_shown = w if held else shown(random, w)
    bare = w_shown.strip("\"'")
    return random.choice(REVERSE).format(w=w_shown), f"{SPELL}{bare[::-1]}{SPELL}"


def count(random, held=False):
    w = word(random, held)
    return random.choice(COUNT).format(w=w if held else shown(random, w)), f"{spaced(w)}: {len(w)} letters."


def occurrences(random, held=False):
    w = word(random, held)
    c = random.choice(w.lower()) if random.random() < .8 else random.choice("abcdefghijklmnopqrstuvwxyz")
    doubled = [x for x in w.lower() if w.lower().count(x) > 1]
    if doubled and random.random() < .5:
        c = random.choice(doubled)
    n = w.lower().count(c)
    times = "once" if n == 1 else f"{n} times"
    return random.choice(OCCURRENCES).format(w=w if held else shown(random, w), c=c), f"{spaced(w)}: {c} appears {times}."


def spell(random, held=False):
    w = word(random, held)
    return random.choice(SPELLING).format(w=w if held else shown(random, w)), f"{spaced(w)}."


def upper(random, held=False):
    w = word(random, held) if held or random.random() < .93 else word(random, False) + " " + word(random, False)
    return random.choice(UPPER).format(w=w if held else shown(random, w)), f"{SPELL}{w.upper()}{SPELL}"


def lower(random, held=False):
    w = word(random, held)
    return random.choice(LOWER).format(w=random.choice((w.upper(), w.capitalize(), w))), f"{SPELL}{w.lower()}{SPELL}"
