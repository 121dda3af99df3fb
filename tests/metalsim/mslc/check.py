"""What Metal's compiler refuses and clang's C++ takes, as far as tokens show it.

Owns: the ban list and the rules of where a pointer or variable must say its address space. What needs
types (mixing up two spaces) is found by the compiler in the check pass. Source: the Metal Shading
Language Specification, its restrictions of C++ and the chapter on address spaces.
"""
import reader
from lexer import (SourceError, end_of_angles, end_of_declarator, following, partners, preceding,
                   split_at_commas, text_at)
from rewriter import SCALARS, VECTORS

BANNED = set("""double new delete virtual dynamic_cast typeid try catch throw goto thread_local
    noexcept register asm __asm__ std va_list""".split())
SPACES = {"device", "constant", "threadgroup", "thread", "threadgroup_imageblock"}
_TYPES = set(SCALARS) | VECTORS | set("""bool int8_t uint8_t int16_t uint16_t int32_t uint32_t
    int64_t uint64_t size_t ptrdiff_t unsigned signed void""".split())
_QUALIFIERS = {"const", "volatile", "static", "inline", "restrict", "constexpr"}

# What has a value for each axis of the grid.
_AXES = {"SIM_THREAD_IN_GRID", "SIM_GROUP_IN_GRID", "SIM_THREAD_IN_GROUP", "SIM_THREADS_IN_GROUP",
         "SIM_FULL_THREADS_IN_GROUP", "SIM_GROUPS_IN_GRID", "SIM_THREADS_IN_GRID"}


def _banned(tokens):
    for i, token in enumerate(tokens):
        if token.kind == "name" and token.text in BANNED:
            yield token, f"'{token.text}' is not in the Metal language"
        if token.text in ("long", "double") and text_at(tokens, preceding(tokens, i)) == "long":
            yield token, f"'long {token.text}' is not in the Metal language"
        if token.text == "..." and text_at(tokens, following(tokens, i)) == ")":
            if text_at(tokens, preceding(tokens, i)) in (",", "("):
                yield token, "functions with a variable number of arguments are not in the Metal language"
        if token.text == "[" and text_at(tokens, preceding(tokens, i)) in (
                "=", "(", ",", "{", ";", "return", "&&", "||"):
            yield token, "lambda expressions are not in the Metal language"


def _functions(tokens, pairs):
    """(declaration, index of the name) of all functions at namespace scope."""
    for declaration in reader.declarations(tokens):
        name = reader.function_name(tokens, declaration, pairs)
        if name >= 0:
            yield declaration, name


def _lacks_space(kind):
    """The message, in Apple's words, for a pointer or reference that does not say where it points."""
    return f"{'pointer' if kind == '*' else 'reference'} type must have explicit address space qualifier"


def _parameters(tokens, pairs):
    """A pointer or reference among a function's parameters says where it points."""
    for declaration, name in _functions(tokens, pairs):
        opening = following(tokens, name)
        if declaration.body < 0 or text_at(tokens, opening) != "(":
            continue
        for part in split_at_commas(tokens[opening + 1:pairs[opening]]):
            texts = [token.text for token in part if token.is_code]
            marks = [text for text in texts if text in ("*", "&")]
            if marks and SPACES.isdisjoint(texts):
                yield next(token for token in part if token.is_code), _lacks_space(marks[0])


def _known_types(tokens):
    names = set(_TYPES)
    for i, token in enumerate(tokens):
        if token.text in ("struct", "class", "typename", "union", "enum", "using"):
            names.add(text_at(tokens, following(tokens, i)))
        elif token.text == "typedef":
            end = i
            while end < len(tokens) and tokens[end].text not in (";", "{"):
                end += 1
            if text_at(tokens, end) == "{":
                end = following(tokens, partners(tokens)[end])
                names.add(text_at(tokens, end))
            else:
                names.add(text_at(tokens, preceding(tokens, end)))
    return names


def _locals(tokens, pairs):
    """So does one that is declared in a body: [const] TYPE * name."""
    types = _known_types(tokens)
    for declaration, _ in _functions(tokens, pairs):
        if declaration.body < 0:
            continue
        for i in range(declaration.body, declaration.last):
            if tokens[i].text not in ("{", ";", "}", "("):
                continue
            start = k = following(tokens, i)
            while text_at(tokens, k) in _QUALIFIERS:
                k = following(tokens, k)
            if text_at(tokens, k) not in types:
                continue
            k = following(tokens, k)
            if text_at(tokens, k) == "<":
                k = following(tokens, end_of_angles(tokens, k) or k)
            while text_at(tokens, k) in _QUALIFIERS:
                k = following(tokens, k)
            name = following(tokens, k)
            if (text_at(tokens, k) in ("*", "&") and name < len(tokens)
                    and tokens[name].kind == "name"
                    and text_at(tokens, following(tokens, name)) in ("=", ";", ",", "[", ":")):
                yield tokens[start], _lacks_space(tokens[k].text)


def _casts(tokens, pairs):
    """So does the type of a cast: (TYPE *)x."""
    types = _known_types(tokens)
    for i, token in enumerate(tokens):
        if token.text != "(":
            continue
        code = [t.text for t in tokens[i + 1:pairs[i]] if t.is_code and t.text not in _QUALIFIERS]
        after = following(tokens, pairs[i])
        if (len(code) > 1 and code[0] in types and set(code[1:]) == {"*"} and after < len(tokens)
                and (tokens[after].kind == "name" or tokens[after].text in ("(", "&"))):
            yield token, _lacks_space("*")


def _program_scope(tokens, pairs):
    """A variable outside of functions lies in constant memory."""
    for declaration in reader.declarations(tokens):
        first = tokens[declaration.first].text
        if declaration.body >= 0 or first in ("struct", "class", "union", "enum", "typedef", "using",
                                              "template", "static_assert", "_Static_assert",
                                              "namespace", "friend", "extern", "constant"):
            continue
        words = [token.text for token in tokens[declaration.first:declaration.last + 1]
                 if token.is_code]
        if "constant" in words or "typedef" in words or len(words) < 3:
            continue
        if reader.function_name(tokens, declaration, pairs) >= 0:
            continue
        yield tokens[declaration.first], ("program scope variable must reside in constant address "
                                          "space")


def _group_variables(tokens, pairs):
    """Only a kernel declares threadgroup variables."""
    for declaration, _ in _functions(tokens, pairs):
        if declaration.body < 0 or reader.read_kernel(tokens, declaration, pairs)[0]:
            continue
        for i in range(declaration.body, declaration.last):
            if (tokens[i].text != "threadgroup"
                    or text_at(tokens, preceding(tokens, i)) not in ("{", ";", "}")):
                continue
            if tokens[end_of_declarator(tokens, i, pairs)].text == ";":
                yield tokens[i], "a threadgroup variable can only be declared in a kernel"


def _positions(tokens, pairs):
    """Positions and sizes of one kernel are all scalars or all vectors of one length."""
    for declaration, name in _functions(tokens, pairs):
        kernel = reader.read_kernel(tokens, declaration, pairs)[0]
        lengths = {p.type[-1] if p.type[-1] in "23" else "1"
                   for p in (kernel.parameters if kernel else ()) if p.source in _AXES}
        if len(lengths) > 1:
            yield tokens[name], ("expecting input declarations with either all scalar types or all "
                                 "vector types with the same number of elements")


def _static_variables(tokens, pairs):
    """A function keeps nothing from call to call."""
    for declaration, _ in _functions(tokens, pairs):
        for i in range(max(declaration.body, declaration.first), declaration.last):
            if declaration.body < 0 or tokens[i].text != "static":
                continue
            end = end_of_declarator(tokens, i, pairs)
            if all(token.text != "constant" for token in tokens[i:end]):
                yield tokens[i], "static variable must reside in constant address space"


def _recursion(tokens, pairs):
    """A function does not call itself, nor through others. By name: one that has several definitions
    (overloads) is left out."""
    calls, places = {}, {}
    for declaration, name in _functions(tokens, pairs):
        if declaration.body < 0:
            continue
        text = tokens[name].text
        calls[text] = None if text in calls else {
            tokens[i].text for i in range(declaration.body, declaration.last)
            if tokens[i].kind == "name" and text_at(tokens, following(tokens, i)) == "("}
        places[text] = tokens[name]
    for start, place in places.items():
        seen, todo = set(), set(calls[start] or ())
        while todo:
            name = todo.pop()
            seen.add(name)
            todo |= (calls.get(name) or set()) - seen
        if start in seen:
            yield place, f"recursion is not in the Metal language: {start} calls itself"


def check(tokens):
    """Raise SourceError at the first thing found."""
    pairs = partners(tokens)
    found = list(_banned(tokens))
    for rule in (_parameters, _locals, _casts, _program_scope, _group_variables, _positions,
                 _static_variables, _recursion):
        found += rule(tokens, pairs)
    if found:
        raise SourceError(*min(found, key=lambda item: item[0].line))
