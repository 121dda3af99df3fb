"""metallic env: the table of variables, their values and their sources."""
import re

from driver import CommandTest, ROOT, USAGE, environment, run, tap

# What the documents promise: name -> (type, default as words, an accepted value and how JSON has it).
VARIABLES = {
    "METALLIC_LOG_LEVEL": ("choice", "warn", "error", "error"),
    "METALLIC_BACKEND": ("choice", "auto", "cpu", "cpu"),
    "METALLIC_THREADS": ("integer", "one for each core", "3", 3),
    "METALLIC_MAX_CONTEXT_LEN": ("integer", "the model's trained length", "99", 99),
    "FORCE_MATMUL_BACKEND": ("choice", "auto", "native", "native"),
    "METALLIC_METRICS_CONSOLE": ("choice", "off", "on", "on"),
    "METALLIC_METRICS_JSONL_PATH": ("path", "none", "/dev/null", "/dev/null"),
    "METALLIC_TRACE_PATH": ("path", "none", "/dev/null", "/dev/null"),
    "METALLIC_ENABLE_PROFILING": ("choice", "op for a trace, else token", "layer", "layer"),
    "XDG_CACHE_HOME": ("path", ".cache in HOME", "/tmp", "/tmp"),
    "HOME": ("path", "none", "/tmp", "/tmp"),
    "TERM": ("text", "none", "xterm-256color", "xterm-256color"),
    "NO_COLOR": ("text", "not set", "1", "1"),
}
# A value that each type refuses; a text and a file name refuse none.
REFUSED = {"choice": "none of them", "integer": "3.5", "bool": "maybe"}


def bare(**changes):
    """Not one of the variables but those given."""
    return {k: v for k, v in environment(**changes).items()
            if k not in VARIABLES or k in changes}


class Env(CommandTest):
    def rows(self, **changes):
        found = self.done("env", "--json", env=bare(**changes)).json
        self.assertEqual(found["schema"], "metallic.env/1")
        return {row["name"]: row for row in found["variables"]}

    def test_every_variable_that_is_promised_is_there(self):
        rows = self.rows()
        self.assertGreaterEqual(set(rows), set(VARIABLES))
        for name, (kind, fallback, _, _) in VARIABLES.items():
            row = rows[name]
            self.assertEqual((row["type"], row["default"], row["source"]),
                             (kind, fallback, "default"), name)
            self.assertIn(row["value"], (None, row["default"]), name)

    def test_a_variable_that_is_set_shows_its_value_and_its_source(self):
        for name, (_, _, text, value) in VARIABLES.items():
            rows = self.rows(**{name: text})
            self.assertEqual((rows[name]["value"], rows[name]["source"]), (value, "environment"))
            others = {row["source"] for other, row in rows.items() if other != name}
            self.assertEqual(others, {"default"})
            shown = self.done("env", env=bare(**{name: text})).text
            self.assertIn(f"{name}: {text} (from the environment)\n", shown)

    def test_an_empty_variable_is_not_set(self):
        for name, row in self.rows(**dict.fromkeys(VARIABLES, "")).items():
            self.assertEqual(row["source"], "default", name)

    def test_a_bad_value_is_bad_usage_and_names_what_is_accepted(self):
        rows = self.rows()
        for name, row in rows.items():
            if row["type"] not in REFUSED:
                continue
            for command in ((), ("--json",)):
                found = self.fails(USAGE, "env", *command, out=None,
                                   says=(name, REFUSED[row["type"]], row["accepted"]),
                                   env=bare(**{name: REFUSED[row["type"]]}))
                if command:
                    self.assertEqual(found.json["error"]["code"], "MET_E_ARGUMENT")
                    self.assertEqual(found.json["schema"], "metallic.env/1")

    def test_a_value_with_control_characters_does_not_reach_the_terminal(self):
        shown = self.done("env", env=bare(TERM="a\x1b[2J\nb")).text
        self.assertIn("TERM: a\\x1b[2J\\nb (", shown)
        self.assertEqual(self.rows(TERM="a\x1b[2J\nb")["TERM"]["value"], "a\x1b[2J\nb")
        self.done("env", env={b"TERM": b"\xff\xfe"})
        self.assertEqual(run("env", "--json", env={b"TERM": b"a\xff"}).json["variables"][-1]["name"],
                         list(self.rows())[-1])

    def test_the_table_the_help_and_the_manual_name_the_same_variables(self):
        names = list(self.rows())
        help_ = self.done("--help").text.split("\nEnvironment:\n")[1].split("\n\n")[0]
        self.assertEqual(re.findall(r"(?m)^  ([A-Z_]+)\b", help_), names)
        manual = (ROOT / "docs" / "metallic.1").read_text()
        section = manual.split(".SH ENVIRONMENT\n")[1].split("\n.SH ")[0]
        self.assertEqual(sorted(re.findall(r"(?m)^\.TP\n\.B ([A-Z_]+)$", section)), sorted(names))
        shown = self.done("env").text
        self.assertEqual(re.findall(r"(?m)^([A-Z_]+): ", shown), names)

    def test_looking_does_not_empty_the_files_that_are_named(self):
        kept = self.file("kept", b"of an earlier run")
        for name in ("METALLIC_METRICS_JSONL_PATH", "METALLIC_TRACE_PATH"):
            for arguments in (("env",), ("inspect",), ("completions", "bash")):
                self.done(*arguments, env=bare(**{name: str(kept)}))
                self.assertEqual(kept.read_bytes(), b"of an earlier run", arguments)

    def test_it_takes_no_argument(self):
        self.fails(USAGE, "env", "x", says=("unexpected argument", "env --help"))


if __name__ == "__main__":
    tap.main()
