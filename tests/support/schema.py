"""JSON documents against docs/schemas/: what the command and the library write is what the files
there say, no more and no less.

    schema.check(document)          # by its own "schema"
    schema.check([1, 2], "metallic.tokenize/1")
"""
import functools
import json
import pathlib

try:
    import jsonschema
except ImportError:  # tools/setup installs it; schema tests are skipped and counted without
    jsonschema = None

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schemas"


@functools.lru_cache(None)
def names():
    """Of every schema that has a file."""
    return tuple(json.loads(path.read_text())["title"] for path in FOLDER.glob("*.json"))


@functools.lru_cache(None)
def load(name):
    """The schema "metallic.generate/1"."""
    return json.loads((FOLDER / f"{name.replace('/', '-')}.json").read_text())


@functools.lru_cache(None)
def _validator(name):
    return jsonschema.Draft202012Validator(load(name))


def error(document, name=None):
    """What is wrong with the document, or None."""
    if name is None:
        name = document.get("schema") if isinstance(document, dict) else None
        if name not in names():
            return f"schema {name!r} has no file in docs/schemas"
    found = next(_validator(name).iter_errors(document), None)
    if found is None:
        return None
    best = jsonschema.exceptions.best_match([found])
    return f"{name}: {'/'.join(map(str, best.absolute_path))}: {best.message[:500]}"


def check(document, name=None):
    """AssertionError when it is not what its schema says. Without jsonschema nothing is checked."""
    if jsonschema is not None:
        wrong = error(document, name)
        assert wrong is None, wrong
