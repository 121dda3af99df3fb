"""What templates are compared with: jinja2, set up as Hugging Face transformers does it for chat
templates (trim_blocks, lstrip_blocks, loop controls, its own tojson, raise_exception)."""
import functools
import json
import subprocess
import warnings

import jinja2
import jinja2.ext
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks the assistant's text; what it encloses is shown as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_show", [])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _show(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                      sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


ENVIRONMENT = environment()
warnings.simplefilter("ignore", SyntaxWarning)  # of the Python that jinja2 writes


@functools.lru_cache(maxsize=16)
def parsed(template):
    return ENVIRONMENT.from_string(template)


def expected(template, names):
    """The text that jinja2 makes, or the exception that it raises."""
    try:
        text = parsed(template).render(**names)
        text.encode("utf-8")
        return text, None
    except Exception as problem:  # any: Python raises many kinds from inside a template
        return None, problem


class Driver:
    """The C program that renders with metallic."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, encoding="utf-8")

    def render(self, template, names):
        request = json.dumps({"template": template, "names": names})
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise AssertionError(f"the driver died ({self.process.wait()}) on {request}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def judge(text, problem, reply):
    """None when both agree: the same text, or both refuse. Else a description."""
    if problem is not None:
        if reply["status"] != "MET_OK":
            return None
        return f"jinja2 raises {type(problem).__name__}: {problem}; metallic gave {reply['text']!r}"
    if reply["status"] != "MET_OK":
        return f"jinja2 gives {text!r}; metallic: {reply['error']}"
    if reply["text"] != text:
        return f"jinja2 gives {text!r}; metallic gave {reply['text']!r}"
    return None


def difference(driver, template, names):
    """judge of one template."""
    text, problem = expected(template, names)
    return judge(text, problem, driver.render(template, names))
