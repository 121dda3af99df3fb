"""Templates compared byte for byte with jinja2; where jinja2 raises, metallic refuses.

    test_expressions.py DRIVER
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from support import tap
from template import oracle

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
NAMES = {
    "items": [1, 2, 3, 4, 5], "text": "Hello, world", "unicode": "aé☃😀z",
    "person": {"name": "Ann", "age": 30, "address": {"city": "Ulm"}},
    "people": [{"name": "Ann", "age": 30, "active": True, "tags": ["x", "y"]},
               {"name": "Bob", "age": 25, "active": False, "tags": ["y"]},
               {"name": "cid", "age": 30, "active": True, "tags": []}],
    "big": 9007199254740993, "small": -5, "float_value": 1.1, "large_float": 1e300,
    "tiny_float": 1e-7, "empty": "", "nothing": None,
}


def lines(name):
    """(number, text) of what is not a comment."""
    with open(os.path.join(CASES, name), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line and not line.startswith("# "):
                yield number, line


class Expressions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = oracle.Driver(DRIVER)

    @classmethod
    def tearDownClass(cls):
        if cls.driver.close() != 0:
            raise AssertionError("the driver did not end well")

    def compare(self, name, unescape):
        differences = []
        count = 0
        for number, line in lines(name):
            template = line.replace("\\n", "\n") if unescape else line
            found = oracle.difference(self.driver, template, NAMES)
            count += 1
            if found is not None:
                differences.append(f"{name}:{number}: {line}\n    {found}")
        self.assertGreater(count, 100)
        self.assertEqual(differences, [], "\n".join(differences))

    def test_expressions_equal_jinja2(self):
        self.compare("expressions.txt", False)

    def test_templates_equal_jinja2(self):
        self.compare("templates.txt", True)

    def test_what_is_not_supported_is_refused_by_name_and_line(self):
        for number, line in lines("refused.txt"):
            wanted, template = line.split("|", 1)
            reply = self.driver.render(template.replace("\\n", "\n"), NAMES)
            self.assertEqual(reply["status"], "MET_E_TEMPLATE", f"refused.txt:{number}: {line}")
            self.assertIn(wanted, reply["error"], f"refused.txt:{number}")


if __name__ == "__main__":
    DRIVER = sys.argv.pop(1)
    tap.main()
