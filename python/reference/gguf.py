"""Read and write GGUF files with numpy alone.

Owns: bytes of a GGUF file to keys and tensors and back, and the three element types F32, F16, Q8_0.
Does not own: what the keys mean (qwen2.py). Written from the format's description and sharing
nothing with the C reader, so that the two judge each other.
Invariant: what `read` returns was inside the file; anything else is a GgufError that names the
subject, what was found and what was expected.
"""
import mmap
import struct

import numpy as np

MAGIC = b"GGUF"
BLOCK = 32  # elements of a Q8_0 block: one float16 scale, then 32 int8

F32, F16, Q8_0 = 0, 1, 8
TYPE_NAMES = {F32: "F32", F16: "F16", Q8_0: "Q8_0"}
TYPE_NUMBERS = {name: number for number, name in TYPE_NAMES.items()}
Q8_DTYPE = np.dtype([("scale", "<f2"), ("q", "i1", (BLOCK,))])

# Metadata types by number: name, struct code. String (8) and array (9) are handled apart.
SCALARS = {0: ("u8", "B"), 1: ("i8", "b"), 2: ("u16", "H"), 3: ("i16", "h"), 4: ("u32", "I"),
           5: ("i32", "i"), 6: ("f32", "f"), 7: ("bool", "?"), 10: ("u64", "Q"),
           11: ("i64", "q"), 12: ("f64", "d")}
SCALAR_NUMBERS = {name: number for number, (name, _) in SCALARS.items()}
STRING, ARRAY = 8, 9
ARRAY_DEPTH_MAX = 8


class GgufError(ValueError):
    """A file that cannot be read or written as GGUF."""


def row_bytes(kind, cols):
    """Bytes of one row of `cols` elements; None for a type that is not known here."""
    if kind == Q8_0:
        return cols // BLOCK * Q8_DTYPE.itemsize if cols % BLOCK == 0 else None
    return {F32: 4 * cols, F16: 2 * cols}.get(kind)


def quantize_q8_0(values):
    """Float rows [..., cols] to Q8_0 blocks [..., cols / 32], as ggml's reference does it."""
    x = np.ascontiguousarray(values, np.float32)
    if x.shape[-1] % BLOCK != 0:
        raise GgufError(f"Q8_0 rows have {x.shape[-1]} columns, expected a multiple of {BLOCK}")
    x = x.reshape(*x.shape[:-1], -1, BLOCK)
    scale = np.abs(x).max(-1) / np.float32(127)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    blocks = np.empty(scale.shape, Q8_DTYPE)
    blocks["scale"] = scale
    blocks["q"] = np.rint(x * inverse[..., None])
    return blocks


def dequantize_q8_0(blocks, dtype=np.float64):
    """Q8_0 blocks [..., n] to values [..., 32 n]."""
    values = blocks["q"].astype(dtype) * blocks["scale"].astype(dtype)[..., None]
    return values.reshape(*blocks.shape[:-1], -1)


class Tensor:
    """A view of one tensor: `shape` is numpy's, the contiguous dimension last."""

    def __init__(self, name, kind, shape, data):
        self.name = name
        self.kind = kind
        self.shape = shape
        self._data = data

    @property
    def type_name(self):
        return TYPE_NAMES.get(self.kind, f"type {self.kind}")

    @property
    def bytes(self):
        return len(self._data)

    def stored(self):
        """The elements as the file has them: float32, float16 or blocks of Q8_DTYPE."""
        dtype = {F32: np.dtype("<f4"), F16: np.dtype("<f2"), Q8_0: Q8_DTYPE}[self.kind]
        cols = self.shape[-1] // (BLOCK if self.kind == Q8_0 else 1)
        return np.frombuffer(self._data, dtype).reshape(*self.shape[:-1], cols)

    def values(self, rows=slice(None), dtype=np.float64):
        """The numbers that the file means; of a matrix, the `rows` asked for."""
        stored = self.stored()[rows]
        if self.kind == Q8_0:
            return dequantize_q8_0(stored, dtype)
        return stored.astype(dtype)


class Gguf:
    """An open file: `keys` and `tensors` are dicts in the order of the file.

    `key_types` gives each key's type by name: "u32", "string", "array<string>"."""

    def __init__(self, path, version, alignment, data_offset, keys, key_types, tensors):
        self.path = path
        self.version = version
        self.alignment = alignment
        self.data_offset = data_offset
        self.keys = keys
        self.key_types = key_types
        self.tensors = tensors

    def key(self, name, default=None):
        """The value of a key; without a default a missing key is an error."""
        if name in self.keys:
            return self.keys[name]
        if default is None:
            raise GgufError(f"{self.path}: key {name} is missing")
        return default

    def tensor(self, name, shape=None):
        """A tensor by name, checked against the shape (numpy order) where one is given."""
        tensor = self.tensors.get(name)
        if tensor is None:
            raise GgufError(f"{self.path}: tensor {name} is missing")
        if shape is not None and tensor.shape != tuple(shape):
            raise GgufError(f"{self.path}: tensor {name} has shape {list(tensor.shape)}, "
                            f"expected {list(shape)}")
        return tensor


class _Cursor:
    """Reads little-endian values one after the other and never past the end."""

    def __init__(self, path, data):
        self.path = path
        self.data = data
        self.at = 0

    def fail(self, text):
        raise GgufError(f"{self.path}: {text}")

    def take(self, count, what):
        if count > len(self.data) - self.at:
            self.fail(f"{what} ends at byte {self.at + count} of {len(self.data)}")
        self.at += count
        return self.at - count

    def number(self, code, what):
        at = self.take(struct.calcsize("<" + code), what)
        return struct.unpack_from("<" + code, self.data, at)[0]

    def string_bytes(self, what):
        size = self.number("Q", what)
        at = self.take(size, what)
        return bytes(self.data[at:at + size])

    def name(self, what):
        raw = self.string_bytes(what)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return self.fail(f"{what} is {raw[:40]!r}, expected UTF-8")

    def scalar(self, kind, what):
        name, code = SCALARS[kind]
        if name != "bool":
            return self.number(code, what)
        byte = self.number("B", what)
        if byte > 1:
            self.fail(f"{what} is byte {byte}, expected 0 or 1")
        return byte == 1

    def array(self, what, depth):
        """(values, type name). Numbers become a numpy array, strings a list."""
        if depth > ARRAY_DEPTH_MAX:
            self.fail(f"{what} nests deeper than {ARRAY_DEPTH_MAX} arrays")
        kind = self.number("I", what)
        count = self.number("Q", what)
        if kind in SCALARS:
            name, code = SCALARS[kind]
            dtype = np.dtype("<" + code) if code != "?" else np.dtype("?")
            at = self.take(count * dtype.itemsize, what)
            return np.frombuffer(self.data, dtype, count, at).copy(), f"array<{name}>"
        if kind == STRING:
            # Tokens may be any bytes: what is not UTF-8 survives as lone surrogates.
            values = [self.string_bytes(what).decode("utf-8", "surrogateescape")
                      for _ in self.counted(count, 8, what)]
            return values, "array<string>"
        if kind == ARRAY:
            pairs = [self.array(what, depth + 1) for _ in self.counted(count, 12, what)]
            names = sorted({name for _, name in pairs})
            return [value for value, _ in pairs], f"array<{'|'.join(names)}>"
        return self.fail(f"{what} has elements of type {kind}, expected 0..12")

    def counted(self, count, least_bytes, what):
        """range(count), once the file can hold that many."""
        if count > (len(self.data) - self.at) // least_bytes:
            self.fail(f"{what} announces {count} elements, "
                      f"{len(self.data) - self.at} bytes are left")
        return range(count)

    def value(self, what):
        kind = self.number("I", what)
        if kind in SCALARS:
            return self.scalar(kind, what), SCALARS[kind][0]
        if kind == STRING:
            return self.string_bytes(what).decode("utf-8", "surrogateescape"), "string"
        if kind == ARRAY:
            return self.array(what, 1)
        return self.fail(f"{what} has type {kind}, expected 0..12")


def _read_keys(cursor, count):
    keys, types = {}, {}
    for index in cursor.counted(count, 12, "key count"):
        name = cursor.name(f"name of key {index}")
        if name in keys:
            cursor.fail(f"key {name} appears twice")
        keys[name], types[name] = cursor.value(f"key {name}")
    return keys, types


def _read_infos(cursor, count):
    infos = {}
    for index in cursor.counted(count, 24, "tensor count"):
        name = cursor.name(f"name of tensor {index}")
        if name in infos:
            cursor.fail(f"tensor {name} appears twice")
        dims = cursor.number("I", f"tensor {name}")
        if not 1 <= dims <= 4:
            cursor.fail(f"tensor {name} has {dims} dimensions, expected 1 to 4")
        shape = tuple(cursor.number("Q", f"tensor {name}") for _ in range(dims))[::-1]
        infos[name] = (shape, cursor.number("I", f"tensor {name}"),
                       cursor.number("Q", f"tensor {name}"))
    return infos


def _tensor(cursor, name, info, base, alignment):
    shape, kind, offset = info
    if min(shape) == 0:
        cursor.fail(f"tensor {name} has shape {list(shape)}, expected no 0")
    if offset % alignment != 0:
        cursor.fail(f"tensor {name} begins at {offset}, expected a multiple of {alignment}")
    size = row_bytes(kind, shape[-1])
    if size is None and kind == Q8_0:
        cursor.fail(f"tensor {name} has rows of {shape[-1]}, expected a multiple of {BLOCK}")
    for rows in shape[:-1]:
        size = None if size is None else size * rows
    begin = base + offset
    end = begin if size is None else begin + size  # an unknown type has a place but no data here
    if end > len(cursor.data):
        cursor.fail(f"tensor {name} ends at byte {end} of {len(cursor.data)}")
    return Tensor(name, kind, shape, cursor.data[begin:end])


def parse(data, path="memory"):
    """Keys and tensors of a whole file in memory. Tensors are views of `data`."""
    cursor = _Cursor(path, memoryview(data).toreadonly())
    magic = bytes(cursor.data[cursor.take(4, "magic"):4])
    if magic != MAGIC:
        cursor.fail(f"magic is {magic!r}, expected {MAGIC!r}")
    version = cursor.number("I", "version")
    if version not in (2, 3):
        cursor.fail(f"version is {version}, expected 2 or 3")
    tensor_count = cursor.number("Q", "tensor count")
    key_count = cursor.number("Q", "key count")
    keys, types = _read_keys(cursor, key_count)
    alignment = keys.get("general.alignment", 32)
    if types.get("general.alignment", "u32") != "u32":
        cursor.fail(f"key general.alignment is {types['general.alignment']}, expected u32")
    if alignment < 1 or alignment & (alignment - 1) != 0:
        cursor.fail(f"key general.alignment is {alignment}, expected a power of two")
    infos = _read_infos(cursor, tensor_count)
    base = -(-cursor.at // alignment) * alignment
    tensors = {name: _tensor(cursor, name, info, base, alignment) for name, info in infos.items()}
    return Gguf(path, version, alignment, base, keys, types, tensors)


def read(path):
    """Map a file and parse it. Weights stay in the mapping until they are asked for."""
    with open(path, "rb") as file:
        if file.seek(0, 2) == 0:
            raise GgufError(f"{path}: file is empty")
        return parse(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), path)


# ------------------------------------------------------------------------------------------ writing


def _string(text):
    raw = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw


def _payload(kind, value):
    """A metadata value's bytes after its type number."""
    if kind == "string":
        return _string(value)
    if kind in SCALAR_NUMBERS:
        return struct.pack("<" + SCALARS[SCALAR_NUMBERS[kind]][1], value)
    if kind.startswith("array<") and kind.endswith(">"):
        inner = kind[len("array<"):-1]
        head = struct.pack("<IQ", _type_number(inner), len(value))
        return head + b"".join(_payload(inner, item) for item in value)
    raise GgufError(f"metadata type {kind!r}, expected string, array<...> or one of "
                    f"{', '.join(SCALAR_NUMBERS)}")


def _type_number(kind):
    if kind == "string":
        return STRING
    if kind.startswith("array<"):
        return ARRAY
    if kind not in SCALAR_NUMBERS:
        raise GgufError(f"metadata type {kind!r} is not known")
    return SCALAR_NUMBERS[kind]


def _encode(name, array, kind):
    if kind == "Q8_0":
        return quantize_q8_0(array).tobytes()
    if kind not in TYPE_NUMBERS:
        raise GgufError(f"tensor {name} has type {kind}, expected F32, F16 or Q8_0")
    return np.ascontiguousarray(array, {"F32": "<f4", "F16": "<f2"}[kind]).tobytes()


def serialize(keys, tensors, version=3, alignment=32):
    """The bytes of a file.

    keys     name -> (type name, value), in order: {"qwen2.block_count": ("u32", 2)}.
    tensors  name -> (float array in numpy order, "F32" | "F16" | "Q8_0"), in order.
    """
    if alignment != 32:
        keys = {**keys, "general.alignment": ("u32", alignment)}
    head = [MAGIC, struct.pack("<IQQ", version, len(tensors), len(keys))]
    for name, (kind, value) in keys.items():
        head.append(_string(name) + struct.pack("<I", _type_number(kind)) + _payload(kind, value))
    body, offset = [], 0
    for name, (array, kind) in tensors.items():
        raw = _encode(name, array, kind)
        dims = np.shape(array)[::-1]
        head.append(_string(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
                    + struct.pack("<IQ", TYPE_NUMBERS[kind], offset))
        body.append(raw + bytes(-len(raw) % alignment))
        offset += len(body[-1])
    start = b"".join(head)
    return start + bytes(-len(start) % alignment) + b"".join(body)


def write(path, keys, tensors, version=3, alignment=32):
    """`serialize` into a file."""
    with open(path, "wb") as file:
        file.write(serialize(keys, tensors, version, alignment))
