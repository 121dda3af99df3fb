"""Preprocessed source to tokens and back.

Owns: what a token is, brackets and their partners, and the error that names a line. The text of all
tokens together is the source, so that what no pass touches comes out as it went in.
"""
import re
from dataclasses import dataclass

_PATTERN = re.compile(r"""
    (?P<marker>^[ \t]*\#[^\n]*\n)
  | (?P<newline>\n)
  | (?P<space>[ \t\r\f\v]+)
  | (?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<op>\[\[|\]\]|::|->\*|->|\.\.\.|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&|^!=<>]=?|.)
""", re.X | re.M)
_LINE_MARKER = re.compile(r'\s*#\s*(?:line\s+)?(\d+)\s+"((?:\\.|[^"\\])*)"')
_OPENERS = {"(": ")", "[": "]", "{": "}", "[[": "]]"}


class SourceError(Exception):
    """Something a kernel's author must change; shown as a compiler shows it."""

    def __init__(self, token, message):
        super().__init__(f"{token.file}:{token.line}:1: error: {message}")


@dataclass(slots=True)
class Token:
    kind: str  # marker, newline, space, string, name, number, op
    text: str
    line: int
    file: str

    @property
    def is_code(self):
        return self.kind in ("name", "op", "number", "string")


def _split_closers(tokens):
    """`]]` also ends a[b[0]]: two tokens there, one where it ends an attribute."""
    out, open_brackets = [], []
    for token in tokens:
        if token.text in ("[", "[["):
            open_brackets.append(token.text)
        elif token.text == "]" and open_brackets:
            open_brackets.pop()
        elif token.text == "]]":
            if open_brackets and open_brackets[-1] == "[[":
                open_brackets.pop()
            else:
                out.append(Token("op", "]", token.line, token.file))
                token = Token("op", "]", token.line, token.file)
                del open_brackets[-2:]
        out.append(token)
    return out


def lex(text, file="", line=1):
    """Tokens of preprocessed text; line markers say where each comes from."""
    tokens = []
    for match in _PATTERN.finditer(text):
        kind = match.lastgroup
        tokens.append(Token(kind, match.group(), line, file))
        if kind == "marker":
            place = _LINE_MARKER.match(match.group())
            line = int(place.group(1)) if place else line + 1
            file = place.group(2) if place else file
        elif kind == "newline":
            line += 1
    return _split_closers(tokens)


def text_of(tokens):
    return "".join(token.text for token in tokens)


def words_of(tokens):
    """The code among the tokens, as one line."""
    return " ".join(token.text for token in tokens if token.is_code)


def following(tokens, i):
    """Index of the next code token after i, or len(tokens)."""
    i += 1
    while i < len(tokens) and not tokens[i].is_code:
        i += 1
    return i


def preceding(tokens, i):
    """Index of the code token before i, or -1."""
    i -= 1
    while i >= 0 and not tokens[i].is_code:
        i -= 1
    return i


def text_at(tokens, i):
    return tokens[i].text if 0 <= i < len(tokens) else ""


def partners(tokens):
    """Index of the other end, for both ends of every pair of brackets."""
    pairs, stack = {}, []
    for i, token in enumerate(tokens):
        if token.kind != "op":
            continue
        if token.text in _OPENERS:
            stack.append(i)
        elif token.text in _OPENERS.values():
            if not stack or _OPENERS[tokens[stack[-1]].text] != token.text:
                raise SourceError(token, f"'{token.text}' closes nothing")
            pairs[i] = stack.pop()
            pairs[pairs[i]] = i
    if stack:
        raise SourceError(tokens[stack[-1]], f"'{tokens[stack[-1]].text}' is not closed")
    return pairs


def end_of_angles(tokens, i):
    """Index of the > that closes the < at i, or None when it is no template's bracket."""
    depth = 0
    while i < len(tokens):
        text = tokens[i].text
        if text == "<":
            depth += 1
        elif text in (">", ">>"):
            depth -= len(text)
            if depth <= 0:
                return i
        elif text in (";", "{", "}"):
            return None
        i += 1
    return None


def end_of_declarator(tokens, i, pairs):
    """Index of what ends or marks the declarator at i: ; * & = or ); array sizes are stepped over."""
    while tokens[i].text not in (";", "*", "&", "=", ")"):
        i = following(tokens, pairs[i]) if tokens[i].text == "[" else following(tokens, i)
    return i


def split_at_commas(tokens):
    """The parts of a list; commas inside of brackets and template arguments do not count."""
    parts, part, depth = [], [], 0
    for token in tokens:
        if token.text in ("(", "[", "[[", "{", "<"):
            depth += 1
        elif token.text in (")", "]", "]]", "}", ">"):
            depth -= 1
        elif token.text == ">>":
            depth -= 2
        if token.text == "," and depth == 0:
            parts.append(part)
            part = []
        else:
            part.append(token)
    return parts + [part] if any(token.is_code for token in part) or parts else []


def splice(tokens, edits):
    """Replace ranges [first, last] by text; [i, i - 1] inserts before i. Line breaks of what goes are
    kept behind it, so that every later line stays where it was. Ranges do not overlap."""
    out, at = [], 0
    for first, last, text in sorted(edits, key=lambda edit: edit[:2]):
        out += tokens[at:first]
        gone = tokens[first:last + 1]
        place = tokens[min(first, len(tokens) - 1)]
        out += lex(text, place.file, place.line)
        out += [token for token in gone if token.kind in ("newline", "marker")]
        at = last + 1
    return out + tokens[at:]
