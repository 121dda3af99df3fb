"""What a source declares: kernels and their parameters, instantiations, constants, functions.

Owns: reading. Changes nothing; the rewriter asks here.
"""
import re
from dataclasses import dataclass, field

from lexer import (SourceError, end_of_angles, following, partners, preceding, split_at_commas,
                   text_at, words_of)

# Metal Shading Language Specification, "Attributes for kernel function input arguments".
VALUES = {
    "thread_position_in_grid": "SIM_THREAD_IN_GRID",
    "threadgroup_position_in_grid": "SIM_GROUP_IN_GRID",
    "thread_position_in_threadgroup": "SIM_THREAD_IN_GROUP",
    "thread_index_in_threadgroup": "SIM_THREAD_INDEX_IN_GROUP",
    "thread_index_in_simdgroup": "SIM_LANE",
    "simdgroup_index_in_threadgroup": "SIM_SUBGROUP_IN_GROUP",
    "simdgroups_per_threadgroup": "SIM_SUBGROUPS_IN_GROUP",
    "dispatch_simdgroups_per_threadgroup": "SIM_SUBGROUPS_IN_GROUP",
    "threads_per_threadgroup": "SIM_THREADS_IN_GROUP",
    "dispatch_threads_per_threadgroup": "SIM_FULL_THREADS_IN_GROUP",
    "threadgroups_per_grid": "SIM_GROUPS_IN_GRID",
    "threads_per_grid": "SIM_THREADS_IN_GRID",
    "threads_per_simdgroup": "SIM_THREADS_IN_SUBGROUP",
    "thread_execution_width": "SIM_THREADS_IN_SUBGROUP",
}


@dataclass
class Declaration:
    """One declaration at namespace scope: tokens [first, last]."""
    first: int
    last: int
    body: int = -1  # index of the { of a function's body
    spaces: tuple = ()  # namespaces around it


@dataclass
class Parameter:
    name: str
    source: str  # enumerator of kernel_abi.h
    index: str = "0"
    writable: bool = False
    condition: str = ""  # name of a function constant
    type: str = ""  # of a value


@dataclass
class Kernel:
    name: str
    parameters: list
    line: int
    template: bool
    max_threads: str = "0"
    host_name: str = ""
    qualified: str = ""


@dataclass
class Instantiation:
    host_name: str
    kernel: str
    expression: str
    line: int


@dataclass
class Constant:
    """Set when a kernel is specialised (index), or computed from such ones (initialiser)."""
    name: str
    type: str
    index: str = ""
    initialiser: str = ""
    optional: bool = False


@dataclass
class Program:
    kernels: list = field(default_factory=list)
    instantiations: list = field(default_factory=list)
    constants: list = field(default_factory=list)
    uses: dict = field(default_factory=dict)  # function -> names in it


def _is_body(tokens, brace):
    """Does this { begin a function's body? It then follows its parameters (or their qualifiers)."""
    before = preceding(tokens, brace)
    while text_at(tokens, before) in ("const", "noexcept"):
        before = preceding(tokens, before)
    return text_at(tokens, before) in (")", "]]")


def declarations(tokens):
    """Every declaration at namespace scope, in order."""
    pairs, spaces, i = partners(tokens), [], -1
    found = []
    while (i := following(tokens, i)) < len(tokens):
        text = tokens[i].text
        if text == "}":
            spaces.pop()
            continue
        if text == ";":
            continue
        if text == "namespace" or (text == "extern" and tokens[following(tokens, i)].kind == "string"):
            brace = i
            while brace < len(tokens) and tokens[brace].text not in ("{", ";", "="):
                brace = following(tokens, brace)
            if text_at(tokens, brace) == "{":
                name = following(tokens, i)
                spaces.append(tokens[name].text if name < brace and text == "namespace" else "")
                i = brace
                continue
        end, body, assigned = i, -1, False
        while end < len(tokens) and tokens[end].text != ";":
            assigned = assigned or tokens[end].text == "="
            if tokens[end].text == "{":
                if not assigned and _is_body(tokens, end):
                    body = end
                    end = pairs[end]
                    break
                end = pairs[end]
            elif tokens[end].text in ("(", "[", "[["):
                end = pairs[end]
            end = following(tokens, end)
        end = min(end, len(tokens) - 1)
        found.append(Declaration(i, end, body, tuple(space for space in spaces if space)))
        i = end
    return found


def function_name(tokens, declaration, pairs):
    """Index of the name of the function that is defined or declared here, or -1."""
    i = declaration.first
    stop = declaration.body if declaration.body >= 0 else declaration.last
    while i < stop:
        text = tokens[i].text
        if text == "=":
            return -1
        if text == "[[":
            i = pairs[i]
        elif text == "<" and text_at(tokens, preceding(tokens, i)) == "template":
            end = end_of_angles(tokens, i)
            i = i if end is None else end
        elif text == "(":
            name = preceding(tokens, i)
            return name if tokens[name].kind == "name" else -1
        i = following(tokens, i)
    return -1


def attributes(tokens, first, last, pairs):
    """(name, argument text) of every attribute in [first, last]."""
    found = []
    i = first
    while i <= last:
        if tokens[i].text == "[[":
            for part in split_at_commas(tokens[i + 1:pairs[i]]):
                code = [token for token in part if token.is_code]
                if not code:
                    continue
                argument = words_of(code[2:-1]) if len(code) > 2 else ""
                found.append((code[0].text, argument))
            i = pairs[i]
        i += 1
    return found


def _parameter(tokens, kernel, place):
    """A kernel's parameter; SourceError when Metal would not accept it."""
    code = [token for token in tokens if token.is_code]
    pairs = partners(code)
    found = attributes(code, 0, len(code) - 1, pairs)
    plain, i = [], 0
    while i < len(code):
        if code[i].text == "[[":
            i = pairs[i]
        else:
            plain.append(code[i])
        i += 1
    words = [token.text for token in plain]
    names = [token.text for token in plain if token.kind == "name"]
    if not names or plain[-1].kind != "name":
        raise SourceError(place, f"kernel {kernel}: a parameter without a name")
    place, name = code[0], names[-1]
    sources = [item for item in found if item[0] != "function_constant"]
    if len(sources) != 1:
        raise SourceError(place, f"kernel {kernel}: parameter {name} has {len(sources)} attributes "
                          "that say where it comes from, expected 1")
    attribute, argument = sources[0]
    condition = next((text for key, text in found if key == "function_constant"), "")
    pointer = "*" in words or "&" in words
    if len(words) < 2:
        raise SourceError(place, f"kernel {kernel}: a parameter without a type")
    if attribute in VALUES:
        if pointer:
            raise SourceError(place, f"kernel {kernel}: [[{attribute}]] is a value, {name} is not")
        return Parameter(name, VALUES[attribute], type=" ".join(names[:-1]))
    if attribute == "buffer":
        if not pointer or ("device" not in words and "constant" not in words):
            raise SourceError(place, f"kernel {kernel}: buffer {name} must be a pointer or reference "
                              "into device or constant memory")
        last = max(i for i, word in enumerate(words) if word in ("*", "&"))
        writable = "device" in words and "const" not in words[:last]
        return Parameter(name, "SIM_BUFFER", argument, writable, condition)
    if attribute == "threadgroup":
        if not pointer or "threadgroup" not in words:
            raise SourceError(place, f"kernel {kernel}: {name} must be a pointer into threadgroup "
                              "memory")
        return Parameter(name, "SIM_GROUP_MEMORY", argument, False, condition)
    raise SourceError(place, f"kernel {kernel}: the simulator does not know [[{attribute}]]")


def read_kernel(tokens, declaration, pairs):
    """The kernel defined by a declaration, or None; and the index of its name."""
    name = function_name(tokens, declaration, pairs)
    if name < 0 or declaration.body < 0:
        return None, name
    head = tokens[declaration.first:name]
    found = dict(attributes(tokens, declaration.first, name, pairs))
    if not any(token.text == "kernel" for token in head) and "kernel" not in found:
        return None, name
    if text_at(tokens, preceding(tokens, name)) != "void":
        raise SourceError(tokens[name], f"kernel {tokens[name].text} must return void")
    opening = following(tokens, name)
    parts = split_at_commas(tokens[opening + 1:pairs[opening]])
    text = tokens[name].text
    kernel = Kernel(text, [_parameter(part, text, tokens[name]) for part in parts],
                    tokens[name].line,
                    tokens[declaration.first].text == "template",
                    found.get("max_total_threads_per_threadgroup", "0"),
                    found.get("host_name", "").strip('"'),
                    "::".join((*declaration.spaces, text)))
    return kernel, name


def read_instantiation(tokens, declaration, pairs):
    """`template [[host_name("x")]] kernel type name<...>;`, or None."""
    first = declaration.first
    if tokens[first].text != "template" or text_at(tokens, following(tokens, first)) == "<":
        return None
    found = dict(attributes(tokens, first, declaration.last, pairs))
    if "host_name" not in found:
        return None
    code = [token for token in tokens[first:declaration.last] if token.is_code]
    text = re.sub(r"\[\[.*?\]\]", "", words_of(code))
    match = re.search(r"([A-Za-z_]\w*(?: :: \w+)*) (<[^()]*>) ?(?:\(.*\))?$", text)
    if not match:
        raise SourceError(tokens[first], f"cannot read the instantiation: {text}")
    qualified = match.group(1).replace(" ", "")
    return Instantiation(found["host_name"].strip('"'), qualified.split("::")[-1],
                         qualified + match.group(2), tokens[first].line)


def read_constant(tokens, declaration, pairs, known):
    """A function constant, a constant computed from `known` ones, or None."""
    words = [tokens[i] for i in range(declaration.first, declaration.last) if tokens[i].is_code]
    texts = [token.text for token in words]
    if "constant" not in texts[:3] or declaration.body >= 0:
        return None
    found = dict(attributes(tokens, declaration.first, declaration.last, pairs))
    equals = texts.index("=") if "=" in texts else len(texts)
    attribute = texts.index("[[") if "[[" in texts else len(texts)
    head = [text for text in texts[:min(equals, attribute)]
            if text not in ("constant", "static", "const", "constexpr")]
    if "function_constant" in found:
        if declaration.spaces:
            raise SourceError(words[0], "the simulator reads function constants at file scope only")
        return Constant(head[-1], " ".join(head[:-1]), index=found["function_constant"])
    if known.isdisjoint(texts[equals:]) and "is_function_constant_defined" not in texts:
        return None
    return Constant(head[-1], " ".join(head[:-1]), initialiser=" ".join(texts[equals + 1:]))


def read(tokens):
    """The whole source; raises SourceError."""
    pairs, program = partners(tokens), Program()
    known = set()
    for declaration in declarations(tokens):
        instantiation = read_instantiation(tokens, declaration, pairs)
        if instantiation:
            program.instantiations.append(instantiation)
            continue
        constant = read_constant(tokens, declaration, pairs, known)
        if constant:
            program.constants.append(constant)
            known.add(constant.name)
            continue
        kernel, name = read_kernel(tokens, declaration, pairs)
        if kernel:
            program.kernels.append(kernel)
        if name >= 0 and declaration.body >= 0:
            names = {token.text for token in tokens[declaration.first:declaration.last]
                     if token.kind == "name"}
            program.uses.setdefault(tokens[name].text, set()).update(names)
    _mark_optional(tokens, program)
    known_kernels = {kernel.name for kernel in program.kernels}
    for item in program.instantiations:
        if item.kernel not in known_kernels:
            raise SourceError(tokens[0], f"instantiation of {item.kernel}, which is not a kernel")
    return program


def _mark_optional(tokens, program):
    asked = {tokens[following(tokens, following(tokens, i))].text
             for i, token in enumerate(tokens) if token.text == "is_function_constant_defined"}
    for constant in program.constants:
        constant.optional = constant.name in asked


def reachable(program, names):
    """Every name used by the functions among `names`, and by those that they use."""
    seen, todo = set(), set(names)
    initialisers = {constant.name: set(constant.initialiser.split())
                    for constant in program.constants if constant.initialiser}
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= (program.uses.get(name, set()) | initialisers.get(name, set())) - seen
    return seen
