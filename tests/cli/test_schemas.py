"""The files in docs/schemas and every document that the command writes, against each other.

All other tests of the command check each document that they meet as well: see driver.py."""
import copy
import json
import re
import unittest

from driver import (CommandTest, FAILED, ROOT, USAGE, environment, run, schema, tap)

# Documents that are no objects have no "schema" of their own.
BARE = {"metallic.tokenize/1": [1, 2, 3], "metallic.detokenize/1": "text"}
# Keys that a document may lack: those of flags that were not given.
OPTIONAL = {"metallic.generate/1": {"logprobs"}, "metallic.events/1": {"logprob", "top"},
            "metallic.bench/1": {"ops"}, "metallic.inspect/1": {"program"}}


def objects_in(value, path=()):
    """Every object of a document, with the way to it."""
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from objects_in(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value[:2]):  # the others are alike
            yield from objects_in(inner, (*path, i))


def at(document, path):
    for step in path:
        document = document[step]
    return document


@unittest.skipIf(schema.jsonschema is None, "needs python3-jsonschema")
class Schemas(CommandTest):
    def documents(self):
        """One or more real documents of every schema, with everything that flags can add; made
        once."""
        if not hasattr(type(self), "_documents"):
            type(self)._documents = self.make_documents()
        return type(self)._documents

    def make_documents(self):
        talk = self.file("talk.json", '[{"role": "user", "content": "hello"}]')
        source = self.file("t.jinja", "{{ messages[0].content }}!")
        text = self.file("text.txt", "hello world, hello again")
        answer = ("-p", "hello", "--logprobs", 2, "--stop", "zzz")
        found = [self.done(*answer, "-o", "json").json,
                 *self.done(*answer, "-o", "jsonl").events,
                 {"schema": "metallic.events/1", "event": "progress", "done": 512, "total": 700},
                 self.done("bench", "-p", 8, "-n", 2, "-r", 1, "--roofline", "--json").json,
                 self.done("perplexity", "--file", text, "--json").json,
                 self.done("inspect", "-q", "--json", "--program", self.tiny()).json,
                 self.done("template", "--template-file", source, "--messages", talk,
                           "--json").json,
                 self.done("env", "--json").json]
        return found

    def failures(self):
        absent = self.folder / "absent"
        model = ("-m", absent)
        yield "metallic.generate/1", self.fails(FAILED, *model, "-p", "x", "-o", "json", out=None)
        yield "metallic.events/1", self.fails(FAILED, *model, "-p", "x", "-o", "jsonl", out=None)
        yield "metallic.bench/1", self.fails(FAILED, "bench", *model, "--json", out=None)
        yield "metallic.perplexity/1", self.fails(FAILED, "perplexity", "--json", "--file", absent,
                                                  out=None)
        yield "metallic.inspect/1", self.fails(FAILED, "inspect", absent, "--json", out=None)
        yield "metallic.tokenize/1", self.fails(FAILED, "tokenize", *model, "x", "--json", out=None)
        yield "metallic.detokenize/1", self.fails(FAILED, "detokenize", *model, "1", "--json",
                                                  out=None)
        yield "metallic.template/1", self.fails(USAGE, "template", "--json", out=None)
        yield "metallic.env/1", self.fails(USAGE, "env", "--json", out=None,
                                           env=environment(METALLIC_THREADS="0"))

    def test_every_schema_that_the_command_names_has_a_file_and_a_document_here(self):
        named = set()
        for path in (ROOT / "src" / "cli").glob("*.c"):
            named.update(re.findall(r'"(metallic\.[a-z]+/\d+)"', path.read_text()))
        self.assertEqual(named - set(schema.names()), set())
        shown = {document["schema"] for document in self.documents()} | set(BARE)
        self.assertEqual(shown, named)
        self.assertEqual({name for name, _ in self.failures()}, named)

    def test_every_file_is_a_schema_and_allows_nothing_that_it_does_not_name(self):
        def closed(value, path):
            if isinstance(value, dict):
                if "properties" in value:
                    self.assertIs(value.get("additionalProperties"), False, path)
                for key, inner in value.items():
                    closed(inner, f"{path}/{key}")
            elif isinstance(value, list):
                for inner in value:
                    closed(inner, path)

        for path in schema.FOLDER.glob("*.json"):
            document = json.loads(path.read_text())
            schema.jsonschema.Draft202012Validator.check_schema(document)
            self.assertEqual(path.name, document["title"].replace("/", "-") + ".json")
            closed(document, path.name)
            self.assertEqual(document["$schema"], "https://json-schema.org/draft/2020-12/schema")

    def test_the_error_codes_are_those_of_the_header(self):
        header = (ROOT / "include" / "metallic.h").read_text()
        codes = re.findall(r"(?m)^    (MET_E_[A-Z_]+),?", header)
        for name in schema.names():
            known = schema.load(name)["$defs"].get("error")
            if known is not None:
                self.assertEqual(known["properties"]["code"]["enum"], codes, name)

    def test_what_the_command_writes_is_valid(self):
        for document in self.documents():
            self.assertIsNone(schema.error(document))
        for name, document in BARE.items():
            self.assertIsNone(schema.error(document, name))
        self.assertIsNone(schema.error(self.done("tokenize", "hello", "--json").json,
                                       "metallic.tokenize/1"))
        batch = self.file("b.jsonl", '{"text": "a"}\n{"text": ""}\n')
        for ids in self.done("tokenize", "--batch", batch).events:
            self.assertIsNone(schema.error(ids, "metallic.tokenize/1"))
        self.assertIsNone(schema.error(self.done("detokenize", "1", "--json").json,
                                       "metallic.detokenize/1"))

    def test_failures_are_valid(self):
        for name, found in self.failures():
            self.assertEqual(found.json["schema"], name)
            self.assertIsNone(schema.error(found.json))

    def test_a_failure_after_the_start_is_an_event_and_the_exit_code_stays(self):
        found = run("-m", self.tiny(), "--raw", "-p", "hello world " * 9, "--context-length", 4,
                    "-o", "jsonl")
        self.assertEqual(found.code, FAILED)
        self.assertEqual([event["event"] for event in found.events], ["start", "error"])
        self.assertEqual(found.events[-1]["error"]["code"], "MET_E_CONTEXT_FULL")
        self.assertEqual(found.err.decode(), f"metallic: {found.events[-1]['error']['text']}\n")
        for event in found.events:
            self.assertIsNone(schema.error(event))

    def test_a_key_more_or_less_anywhere_is_seen(self):
        for document in [*self.documents(), *(found.json for _, found in self.failures())]:
            optional = OPTIONAL.get(document["schema"], set())
            for path in objects_in(document):
                changed = copy.deepcopy(document)
                at(changed, path)["surprise"] = 1
                self.assertIsNotNone(schema.error(changed, document["schema"]), path)
                for key in at(document, path):
                    changed = copy.deepcopy(document)
                    del at(changed, path)[key]
                    wrong = schema.error(changed, document["schema"])
                    # logprob and top come together
                    alone = key in ("logprob", "top") and document.get("event") == "token"
                    if key not in optional or alone or len(path) > 0 and key == "logprob":
                        self.assertIsNotNone(wrong, (path, key))
                    elif key in ("logprobs", "ops", "program"):
                        self.assertIsNone(wrong, (path, key))


if __name__ == "__main__":
    tap.main()
