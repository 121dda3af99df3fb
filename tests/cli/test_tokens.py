"""The subcommands tokenize, detokenize and template."""
import json
import os
import subprocess

import jinja2

from driver import CommandTest, FAILED, METALLIC, TIMEOUT_SECONDS, USAGE, environment, tap

TEXTS = ("hello world", "", " ", "\n\n\t", "naïve café 3.14159", "日本語のテキスト 😀👍🏽", "a" * 5000,
         "<|im_start|>user\n<|im_end|>", "don't stop\r\n", "\u00a0\u2028x", "x\0y", "--json")


class Tokenize(CommandTest):
    def ids(self, text, *flags):
        return json.loads(self.done("tokenize", "--json", *flags, "--", text).out)

    def test_ids_come_back_as_the_text(self):
        for text in TEXTS:
            with self.subTest(text=text[:20]):
                data = text.encode()
                tokens = self.done("tokenize", stdin=data)
                self.assertRegex(tokens.text, r"\A(\d+( \d+)*)?\n\Z")
                again = self.done("detokenize", stdin=tokens.out)
                self.assertEqual(again.out, data)
                ids = tokens.text.split()
                if ids:
                    self.assertEqual(self.done("detokenize", *ids).out, data)
                spelled = self.done("detokenize", "--json", stdin=tokens.out).json
                self.assertEqual(spelled, text)

    def test_argument_file_and_standard_input_agree(self):
        for text in TEXTS:
            if "\0" in text:
                continue  # no argument can hold it
            with self.subTest(text=text[:20]):
                path = self.file("t.txt", text)
                expected = self.ids(text)
                for found in (self.done("tokenize", "--json", "--file", path),
                              self.done("tokenize", "--json", "--file", "-", stdin=text.encode()),
                              self.done("tokenize", "--json", stdin=text.encode())):
                    self.assertEqual(found.json, expected)

    def test_a_batch_gives_one_array_for_each_line(self):
        lines = "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(TEXTS))
        path = self.file("batch.jsonl", lines)
        result = self.done("tokenize", "--batch", path)
        rows = [json.loads(line) for line in result.text.splitlines()]
        self.assertEqual(len(rows), len(TEXTS))
        for text, row in zip(TEXTS, rows):
            self.assertEqual(row, self.done("tokenize", "--json", stdin=text.encode()).json)
        piped = self.done("tokenize", "--batch", "-", stdin=lines.rstrip("\n").encode())
        self.assertEqual(piped.out, result.out)
        self.assertEqual(self.done("tokenize", "--batch", "-", stdin=b"").out, b"")

    def test_a_text_that_no_memory_should_hold_is_refused_unread(self):
        path = self.file("endless", "")
        os.truncate(path, (1 << 30) + 1)  # a hole: it takes no room on the disk
        says = ("endless", "more than 1073741824 bytes")
        self.fails(FAILED, "tokenize", "--file", path, says=says)
        self.fails(FAILED, "--prompt-file", path, says=says)
        self.fails(FAILED, "--messages", path, "-o", "json", says=says, out=None)
        self.fails(FAILED, "perplexity", "--file", path, says=says)

    def test_a_batch_streams(self):
        with subprocess.Popen([METALLIC, "tokenize", "--batch", "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env=environment()) as process:
            for text in ("one", "two"):
                process.stdin.write(json.dumps({"text": text}).encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline()), self.ids(text))
            process.stdin.close()
            self.assertEqual(process.wait(TIMEOUT_SECONDS), 0)

    def test_a_bad_line_is_told_by_its_number(self):
        good = b'{"text": "a"}\n'
        for bad in (b"[]\n", b"{}\n", b'{"text": 1}\n', b"\n", b'{"text": "\xff"}\n', b"{",
                    b'{"text": "a"} x\n', b'{"text":"a","text":"b"}\n', b'"text"\n', b"nul\n"):
            path = self.file("bad.jsonl", good * 2 + bad + good)
            found = self.fails(FAILED, "tokenize", "--batch", path, says=("bad.jsonl", "line 3"),
                               out=None)
            rows = found.out.splitlines()
            self.assertEqual(rows[:2], [json.dumps(self.ids("a"), separators=(",", ":")).encode()] * 2)
            self.assertEqual(json.loads(rows[2])["schema"], "metallic.tokenize/1")
            self.assertEqual(len(rows), 3)

    def test_control_tokens_count_only_when_asked_for(self):
        text = "<|im_start|>user<|im_end|>"
        plain, control = self.ids(text), self.ids(text, "--control")
        self.assertGreater(len(plain), len(control))
        self.assertEqual(self.done("detokenize", *map(str, control)).text, text)
        self.assertEqual(self.done("detokenize", "--skip-control", *map(str, control)).text, "user")
        self.assertEqual(self.ids("", "--control"), [])

    def test_bad_usage(self):
        path = self.file("t.txt", "x")
        self.fails(USAGE, "tokenize", "a", "b", says='"b"')
        self.fails(USAGE, "tokenize", "a", "--file", path, says="2 texts")
        self.fails(USAGE, "tokenize", "--file", path, "--batch", path, says="2 texts",
                   out=None)
        self.fails(USAGE, "tokenize", "--jsn", "a", says="--json")
        self.fails(FAILED, "tokenize", "--file", self.folder / "absent", says="absent")
        self.fails(FAILED, "tokenize", "--batch", self.folder / "absent", says="absent", out=None)
        self.fails(FAILED, "tokenize", "--batch", self.folder, says=str(self.folder), out=None)
        self.fails(FAILED, "tokenize", stdin=b"a\xff", says="")

    def test_ids_are_checked(self):
        self.fails(FAILED, "detokenize", "99999999", says="99999999")
        for bad in ("x", "1.5", "-1", "99999999999999", "1,,2"):
            self.fails(USAGE, "detokenize", "--", bad, says="expected token ids")
            self.fails(FAILED, "detokenize", stdin=bad.encode(), says="standard input")
        self.assertEqual(self.done("detokenize", stdin=b"").out, b"")
        whole = self.done("detokenize", "1", "2", "3").out
        for form in (b"1,2,3", b"[1, 2, 3]\n", b"1\n2\n3\n"):
            self.assertEqual(self.done("detokenize", stdin=form).out, whole)

    def test_half_a_character_comes_out_as_it_is(self):
        halves = [self.done("detokenize", i).out for i in self.ids("😀")]
        self.assertEqual(b"".join(halves).decode(), "😀")


class Template(CommandTest):
    SOURCE = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
              "{% endfor %}{% if tools %}[{% for t in tools %}{{ t.name }},{% endfor %}]{% endif %}"
              "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{{ extra }}")
    TALK = [{"role": "system", "content": "s<|im_end|>"}, {"role": "user", "content": "h\u00e9\n"}]

    def render(self, *flags, names=None, stdin=b""):
        template = self.file("t.jinja", self.SOURCE)
        messages = self.file("m.json", json.dumps(names or self.TALK))
        return self.done("template", "--template-file", template, "--messages", messages, *flags,
                         stdin=stdin)

    def expected(self, **names):
        environment_ = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
        return environment_.from_string(self.SOURCE).render(**names)

    def test_the_text_is_that_of_jinja2(self):
        found = self.render().text
        self.assertEqual(found, self.expected(messages=self.TALK, add_generation_prompt=True))
        found = self.render("--no-generation-prompt").text
        self.assertEqual(found, self.expected(messages=self.TALK))
        tools = [{"name": "a"}, {"name": "b"}]
        path = self.file("tools.json", json.dumps(tools))
        found = self.render("--tools", path).text
        self.assertEqual(found, self.expected(messages=self.TALK, tools=tools,
                                              add_generation_prompt=True))
        found = self.render("--tools", "-", stdin=json.dumps(tools).encode()).text
        self.assertEqual(found, self.expected(messages=self.TALK, tools=tools,
                                              add_generation_prompt=True))

    def test_an_object_gives_all_names(self):
        names = {"messages": self.TALK, "extra": "!", "add_generation_prompt": False}
        self.assertEqual(self.render(names=names).text, self.expected(**names))

    def test_json_lists_the_bytes_of_the_template(self):
        found = self.render("--json").json
        self.same_shape(found, {"schema": str, "text": str, "control": list})
        self.assertEqual(found["schema"], "metallic.template/1")
        data = found["text"].encode()
        own = b"".join(data[a:b] for a, b in found["control"])
        self.assertEqual(own, b"<|im_start|>\n<|im_end|>\n" * 2 + b"<|im_start|>assistant\n")

    def test_what_is_wrong_is_named(self):
        good = self.file("g.json", "[]")
        template = self.file("t.jinja", self.SOURCE)
        bad = self.file("bad.jinja", "a\n{% frobnicate %}")
        self.fails(USAGE, "template", "--messages", good, says="--template-file")
        self.fails(USAGE, "template", "--template-file", template, says="--messages")
        self.fails(USAGE, "template", "--template-file", "-", "--messages", "-", says="2 files")
        self.fails(FAILED, "template", "--template-file", bad, "--messages", good,
                   says=("frobnicate", "line 2"))
        self.fails(FAILED, "template", "--template-file", self.folder / "absent", "--messages",
                   good, says="absent")
        for content, says in (("[", "x.json"), ("3", "expected a JSON list")):
            path = self.file("x.json", content)
            self.fails(FAILED, "template", "--template-file", template, "--messages", path,
                       says=says)
            self.fails(FAILED, "template", "--template-file", template, "--messages", good,
                       "--tools", path, says=says)
        found = self.fails(FAILED, "template", "--json", "--template-file", bad, "--messages", good,
                           says="frobnicate", out=None)
        self.assertEqual(found.json["error"]["code"], "MET_E_TEMPLATE")


if __name__ == "__main__":
    tap.main()
