"""From MSL to C++ that clang takes, with every line where it was.

Owns: the passes. Each takes tokens and gives tokens; each exists for one thing that clang's C++ does
not have. What a pass does not name stays as it is.
"""
import re

import reader
from lexer import (SourceError, end_of_angles, end_of_declarator, following, partners, preceding,
                   split_at_commas, splice, text_at, text_of, words_of)

SCALARS = "float half char uchar short ushort int uint long ulong".split()
VECTORS = {f"{scalar}{n}" for scalar in SCALARS for n in (2, 3, 4)}
VECTORS |= {f"packed_{name}" for name in VECTORS}
_FLOAT = re.compile(r"(\d+\.\d*|\.\d+)([eE][+-]?\d+)?$|\d+[eE][+-]?\d+$")
_KEEP_ATTRIBUTES = {"unlikely", "likely", "fallthrough", "maybe_unused"}


def single_precision(tokens):
    """A literal without a suffix is a float in MSL and a double in C++."""
    for token in tokens:
        if token.kind == "number" and _FLOAT.match(token.text):
            token.text += "f"
    return tokens


def instantiations(tokens):
    """`template [[host_name(..)]] ..;` goes: the table of kernels instantiates."""
    pairs = partners(tokens)
    return splice(tokens, [(item.first, item.last, "") for item in reader.declarations(tokens)
                           if reader.read_instantiation(tokens, item, pairs)])


def kernels(tokens):
    """`kernel void f(T x [[..]], ..)` becomes `static void f(T x, ..)`."""
    pairs, edits = partners(tokens), []
    for declaration in reader.declarations(tokens):
        kernel, name = reader.read_kernel(tokens, declaration, pairs)
        prototype = not kernel and tokens[declaration.first].text == "kernel"
        if not kernel and not prototype:
            continue
        if name < 0:
            raise SourceError(tokens[declaration.first], "'kernel' is not followed by a function")
        opening = following(tokens, name)
        inside = declaration.first
        word_gone = False
        while inside <= pairs[opening]:
            if tokens[inside].text == "[[":
                edits.append((inside, pairs[inside], ""))
                inside = pairs[inside]
            elif tokens[inside].text == "kernel" and not word_gone:
                edits.append((inside, inside, "static"))
                word_gone = True
            inside += 1
    return splice(tokens, edits)


def constants(tokens, check):
    """A constant that is set later becomes a variable behind a constant reference: it is then no
    constant expression, as in Metal."""
    pairs, edits, known = partners(tokens), [], set()
    for declaration in reader.declarations(tokens):
        constant = reader.read_constant(tokens, declaration, pairs, known)
        if not constant:
            continue
        known.add(constant.name)
        name, kind = constant.name, constant.type
        if check:
            text = f"extern constant {kind} {name};"
        else:
            text = (f"static {kind} sim_value_{name}; static bool sim_defined_{name}; "
                    f"static const {kind} &{name} = sim_value_{name};")
        edits.append((declaration.first, declaration.last, text))
    tokens = splice(tokens, edits)
    edits = []
    for i, token in enumerate(tokens):
        if token.text == "is_function_constant_defined":
            opening = following(tokens, i)
            name = words_of(tokens[opening + 1:partners(tokens)[opening]])
            edits.append((i, partners(tokens)[opening], "true" if check else f"sim_defined_{name}"))
    return splice(tokens, edits)


def _group_variable(tokens, i, end, number, check):
    """`threadgroup T a[2][3], b;` of a kernel: its variables as references to group memory."""
    parts = split_at_commas(tokens[i + 1:end])
    first = [token for token in parts[0] if token.is_code]
    # The type ends before the first declarator: the last name that no bracket precedes.
    depth, at = 0, 0
    for k, token in enumerate(first):
        if token.text == "[" and depth == 0:
            break
        depth += {"<": 1, ">": -1, ">>": -2}.get(token.text, 0)
        if token.kind == "name" and depth == 0:
            at = k
    base, text = words_of(first[:at]), ""
    declarators = [first[at:]] + [[t for t in part if t.is_code] for part in parts[1:]]
    for offset, declarator in enumerate(declarators):
        name, extent = declarator[0].text, words_of(declarator[1:])
        kind = f"sim_group_type_{number + offset}"
        text += f"typedef {base} {kind} {extent}; "
        if check:
            text += f"threadgroup {kind} &{name} = *(threadgroup {kind} *)4096; "
        else:
            text += (f"{kind} &{name} = *({kind} *)sim_group_variable({number + offset}, "
                     f"sizeof({kind}), {tokens[i].line}); ")
    return text, len(declarators)


def group_variables(tokens, check):
    """A threadgroup variable lives in memory of the group, which the executor hands out."""
    pairs, edits = partners(tokens), []
    for declaration in reader.declarations(tokens):
        if declaration.body < 0:
            continue
        number = 0
        for i in range(declaration.body, declaration.last):
            before = text_at(tokens, preceding(tokens, i))
            if tokens[i].text != "threadgroup" or before not in ("{", ";", "}"):
                continue
            end = end_of_declarator(tokens, i, pairs)
            if tokens[end].text == "=":
                raise SourceError(tokens[i], "a threadgroup variable cannot have an initialiser")
            if tokens[end].text != ";":
                continue
            text, count = _group_variable(tokens, i, end, number, check)
            number += count
            edits.append((i, end, text))
    return splice(tokens, edits)


def constructible(tokens):
    """Names whose T(...) is rewritten: vectors, their aliases, and template parameters."""
    names = set(VECTORS)
    for i, token in enumerate(tokens):
        after = following(tokens, i)
        if token.text in ("typename", "class") and after < len(tokens):
            if text_at(tokens, following(tokens, after)) in (",", ">", "="):
                names.add(tokens[after].text)
        elif token.text == "using" and text_at(tokens, following(tokens, after)) == "=":
            names.add(tokens[after].text)
        elif token.text == "typedef":
            end = i
            while end < len(tokens) and tokens[end].text not in (";", "{", "("):
                end += 1
            if text_at(tokens, end) == ";":
                names.add(tokens[preceding(tokens, end)].text)
    return names


def _type_at(tokens, i, names):
    """Index of the last token of the constructible type that begins at i, or None."""
    text = text_at(tokens, i)
    if text in names:
        return i
    if text == "vec" and text_at(tokens, following(tokens, i)) == "<":
        end = end_of_angles(tokens, following(tokens, i))
        return end if end is not None and tokens[end].text == ">" else None
    return None


def _is_cast(tokens, i, pairs, names):
    """Does a cast begin with the ( at i? Then there is a type in it and an operand behind it."""
    end = pairs[i]
    before, operand = preceding(tokens, i), following(tokens, end)
    code = [token for token in tokens[i + 1:end] if token.is_code]
    if not code or any(t.kind != "name" and t.text not in ("*", "&", "::", "<", ">", ",")
                       and t.kind != "number" for t in code):
        return False
    if before >= 0 and (tokens[before].text in ("]", ">") or
                        tokens[before].kind == "name" and tokens[before].text != "return"):
        return False
    if text_at(tokens, before) == ")" and not _is_cast(tokens, pairs[before], pairs, names):
        return False
    first = next((t.text for t in code if t.text not in ("const", "volatile")), "")
    pointer = code[-1].text == "*"
    if not pointer and first not in names and first not in SCALARS and first != "vec":
        return False
    if operand >= len(tokens):
        return False
    return tokens[operand].kind in ("name", "number") or (
        tokens[operand].text in ("(", "*", "&", "-", "+", "~", "!"))


def _end_of_operand(tokens, i, pairs, names):
    """Index of the last token of the operand of a cast that begins at i: unary operators, casts, a
    name, number or parenthesis, and what is behind it."""
    while tokens[i].text in ("*", "&", "-", "+", "~", "!", "++", "--"):
        i = following(tokens, i)
    if tokens[i].text == "(" and _is_cast(tokens, i, pairs, names):
        return _end_of_operand(tokens, following(tokens, pairs[i]), pairs, names)
    end = pairs[i] if tokens[i].text == "(" else i
    while (after := following(tokens, end)) < len(tokens):
        text = tokens[after].text
        if text in ("(", "["):
            end = pairs[after]
        elif text in (".", "->", "::"):
            end = following(tokens, after)
        elif text in ("++", "--"):
            end = after
        elif text == "<" and (close := end_of_angles(tokens, after)) is not None and (
                text_at(tokens, following(tokens, close)) in ("(", "::")
                and text_at(tokens, preceding(tokens, after)) in ("as_type", *names)):
            end = close
        else:
            break
    return end


def _as_calls(tokens, wanted, function):
    """Casts that `wanted` picks (by the code of their type) become calls of `function`."""
    names, pairs, edits = constructible(tokens), partners(tokens), []
    for i, token in enumerate(tokens):
        if token.text != "(" or not _is_cast(tokens, i, pairs, names):
            continue
        kind = words_of(tokens[i + 1:pairs[i]])
        if not wanted(tokens[i + 1:pairs[i]], names):
            continue
        end = _end_of_operand(tokens, following(tokens, pairs[i]), pairs, names)
        edits.append((i, pairs[i], f"{function}<{kind}>("))
        edits.append((end + 1, end, ")"))
    return splice(tokens, edits)


def casts(tokens):
    """`(T)x` of a vector becomes `sim_make<T>(x)`."""
    def wanted(kind, names):
        code = [token for token in kind if token.is_code and token.text not in ("const", "volatile")]
        return code[-1].text != "*" and (code[0].text in names or code[0].text == "vec")
    return _as_calls(tokens, wanted, "sim_make")


def pointer_casts(tokens):
    """Check pass: clang lets a cast change the address space. `(device T *)p` becomes a call that
    does not."""
    return _as_calls(tokens, lambda kind, _: words_of(kind).endswith("*"), "sim_pointer_cast")


def constructors(tokens):
    """`T(...)` and `T x(...)` of a vector become `sim_make<T>(...)` and `T x = sim_make<T>(...)`;
    so does static_cast<T>(...)."""
    names, edits = constructible(tokens), []
    i = -1
    while (i := following(tokens, i)) < len(tokens):
        before, after = text_at(tokens, preceding(tokens, i)), following(tokens, i)
        if tokens[i].text == "static_cast" and text_at(tokens, after) == "<":
            last = _type_at(tokens, following(tokens, after), names)
            if last is not None and text_at(tokens, following(tokens, last)) == ">":
                edits.append((i, i, "sim_make"))
            continue
        last = _type_at(tokens, i, names)
        if last is None or before in ("typename", "class", "struct", "using", ".", "->", "operator"):
            continue
        kind, after = text_of(tokens[i:last + 1]), following(tokens, last)
        if text_at(tokens, after) == "(":
            if text_at(tokens, following(tokens, after)) != "*":  # T (*x)[n] is a declaration
                edits.append((i, last, f"sim_make<{kind}>"))
        elif after < len(tokens) and tokens[after].kind == "name":
            opening = following(tokens, after)
            if text_at(tokens, opening) == "(" and _in_body(tokens, i):
                edits.append((after, after, f"{tokens[after].text} = sim_make<{kind}>"))
        i = last
    return splice(tokens, edits)


def _in_body(tokens, i):
    """Is i the start of a statement inside of a function?"""
    before = preceding(tokens, i)
    while text_at(tokens, before) in ("const", "thread"):
        before = preceding(tokens, before)
    depth, k = 0, before
    if text_at(tokens, before) not in (";", "{", "}", ")", "("):
        return False
    while k >= 0:  # a function's body is open around it
        if tokens[k].text == "}":
            depth += 1
        elif tokens[k].text == "{":
            if depth == 0:
                owner = text_at(tokens, preceding(tokens, k))
                return owner in (")", "{", ";", "}", "else", "do")
            depth -= 1
        k -= 1
    return False


def other_attributes(tokens):
    """Attributes that only Metal's compiler knows go."""
    pairs, edits = partners(tokens), []
    for i, token in enumerate(tokens):
        if token.text == "[[" and text_at(tokens, following(tokens, i)) not in _KEEP_ATTRIBUTES:
            edits.append((i, pairs[i], ""))
    return splice(tokens, edits)


def _declares(condition):
    """Is it `T x = ..`, which is no expression?"""
    code = [token for token in condition if token.is_code]
    assigned = next((i for i, token in enumerate(code) if token.text == "="), 0)
    return assigned >= 2 and (code[assigned - 2].kind == "name" or code[assigned - 2].text in ("*", "&", ">"))


def loops(tokens):
    """A loop that may wait for another thread tells the executor of its turns: every `while` and
    `do`, and a `for` without a condition or without a step. Others count, and would be slower."""
    pairs, edits = partners(tokens), []
    for i, token in enumerate(tokens):
        opening = following(tokens, i)
        if token.text not in ("while", "for") or text_at(tokens, opening) != "(":
            continue
        first, last = opening + 1, pairs[opening]  # of the condition, and behind it
        if token.text == "for":
            ends, k = [], opening + 1
            while k < last:
                if tokens[k].text == ";":
                    ends.append(k)
                k = pairs[k] + 1 if tokens[k].text in ("(", "[", "{") else k + 1
            if len(ends) != 2:
                continue
            step = tokens[ends[1] + 1:last]
            first, last = ends[0] + 1, ends[1]
            if words_of(tokens[first:last]) and words_of(step):
                continue
        if not words_of(tokens[first:last]):
            edits.append((last, last - 1, f"sim_turn({token.line}), true"))
        elif not _declares(tokens[first:last]):
            edits.append((first, first - 1, f"sim_turn({token.line}), ("))
            edits.append((last, last - 1, ")"))
    return splice(tokens, edits)


def rewrite(tokens, check):
    """All passes, in the order they need."""
    tokens = single_precision(tokens)
    tokens = instantiations(tokens)
    tokens = kernels(tokens)
    tokens = constants(tokens, check)
    tokens = group_variables(tokens, check)
    tokens = other_attributes(tokens)
    if check:
        tokens = pointer_casts(tokens)
    tokens = constructors(casts(tokens))
    return tokens if check else loops(tokens)

