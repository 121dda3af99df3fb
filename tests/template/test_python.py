"""What Python's own types do, over all characters and many numbers.

    test_python.py DRIVER
"""
import math
import os
import random
import struct
import sys
import unicodedata
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import tap
from template import oracle

SEPARATOR = "\ue000"
# Modifier letters that became lower case with Unicode 15; Debian 12's Python has 14, utf8proc 15.
NEWER = "\u10fc\ua7f2\ua7f3\ua7f4\uab69"
# Characters that Python's Unicode data has; utf8proc's may have more.
CHARACTERS = [chr(code) for code in range(1, 0x110000)
              if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn"
              and chr(code) != SEPARATOR and chr(code) not in NEWER]


def random_doubles(count):
    rng = random.Random("doubles")
    for _ in range(count):
        value = struct.unpack("<d", rng.randbytes(8))[0]
        if math.isfinite(value):
            yield value
        yield rng.uniform(-1000, 1000)
        yield round(rng.uniform(-1000, 1000), rng.randrange(6))
        yield float(rng.randrange(1 << 60))
    for power in range(-1074, 1024):
        for value in (2.0 ** power, math.nextafter(2.0 ** power, 0), 2.0 ** power * 3):
            if math.isfinite(value):
                yield value


class Python(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = oracle.Driver(DRIVER)

    @classmethod
    def tearDownClass(cls):
        if cls.driver.close() != 0:
            raise AssertionError("the driver did not end well")

    def render(self, template, names):
        reply = self.driver.render(template, names)
        self.assertEqual(reply["status"], "MET_OK", reply.get("error"))
        return reply["text"]

    def compare_characters(self, expression, function):
        """`expression` of c against `function` of it, for every character."""
        wrong = []
        size = 4096
        for begin in range(0, len(CHARACTERS), size):
            part = CHARACTERS[begin:begin + size]
            template = "{% for c in l %}{{ " + expression + " }}" + SEPARATOR + "{% endfor %}"
            found = self.render(template, {"l": part}).split(SEPARATOR)
            self.assertEqual(len(found), len(part) + 1)
            wrong += [f"U+{ord(c):04X}: {f!r}, expected {function(c)!r}"
                      for c, f in zip(part, found) if f != str(function(c))]
        self.assertEqual(wrong, [], f"{len(wrong)} differ, such as {wrong[:20]}")

    def test_upper_case_of_every_character(self):
        self.compare_characters("c.upper()", str.upper)

    def test_lower_case_of_every_character(self):
        self.compare_characters("c.lower()", str.lower)

    def test_title_case_of_every_character(self):
        self.compare_characters("(c ~ c).title()", lambda c: (c + c).title())

    def test_capitalize_of_every_character(self):
        self.compare_characters("(c ~ 'B').capitalize()", lambda c: (c + "B").capitalize())

    def test_repr_of_every_character(self):
        self.compare_characters("[c]", lambda c: str([c]))

    def test_white_space_of_every_character(self):
        self.compare_characters("(c ~ 'x' ~ c).strip()", lambda c: (c + "x" + c).strip())

    def test_lines_end_at_the_same_characters(self):
        self.compare_characters("('a' ~ c ~ 'b').splitlines() | length",
                                lambda c: len(("a" + c + "b").splitlines()))

    def test_questions_about_every_character(self):
        self.compare_characters("[c.isalpha(), c.isupper(), c.islower(), c.isspace(), "
                                "c.isdecimal()]",
                                lambda c: [c.isalpha(), c.isupper(), c.islower(), c.isspace(),
                                           c.isdecimal()])

    def test_alphanumeric_characters(self):
        self.compare_characters("c.isalnum()", str.isalnum)

    def test_text_of_doubles(self):
        values = list(random_doubles(3000))
        found = self.render("{{ l | join(' ') }}", {"l": values}).split(" ")
        wrong = [(v, f) for v, f in zip(values, found) if repr(v) != f]
        self.assertEqual(wrong[:20], [])
        self.assertEqual(len(found), len(values))

    def test_rounding_of_doubles(self):
        values = [v for v in random_doubles(300) if abs(v) < 1e12]
        for digits in (-3, -1, 0, 1, 2, 5):
            template = "{% for v in l %}{{ v | round(" + str(digits) + ") }} {% endfor %}"
            found = self.render(template, {"l": values}).split()
            wrong = [(v, f, digits) for v, f in zip(values, found) if repr(round(v, digits)) != f]
            self.assertEqual(wrong[:20], [])

    def test_arithmetic_of_large_integers(self):
        rng = random.Random("integers")
        for _ in range(400):
            a = rng.randrange(-2 ** 63, 2 ** 63) >> rng.randrange(62)
            b = (rng.randrange(-2 ** 63, 2 ** 63) >> rng.randrange(62)) or 1
            if b == -1:
                continue
            found = self.render("{{ a / b }} {{ a // b }} {{ a % b }} {{ a < b }} "
                                "{{ a == b * 1.0 }} {{ a < b * 1.0 }}", {"a": a, "b": b})
            self.assertEqual(found, f"{a / b} {a // b} {a % b} {a < b} "
                                    f"{a == b * 1.0} {a < b * 1.0}")


if __name__ == "__main__":
    DRIVER = sys.argv.pop(1)
    tap.main()
