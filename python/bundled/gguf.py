"""GGUF as the bundled model needs it: writing F32 and Q8_0, and reading the same back.

Owns: the file format, Q8_0 rounding as it is stored, the mapping of tensor names.
Does not own: training, evaluation.
Invariant: reading what was written gives exactly the values that a Q8_0 machine computes with.

    python3 gguf.py CHECKPOINT OUT.gguf
"""
import os
import struct
import sys

import numpy as np

F32, Q8_0 = 0, 8
U32, I32, FLOAT, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
ALIGNMENT = 32
NORMAL, CONTROL = 1, 3

CHAT_TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
                 "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
DESCRIPTION = ("A tiny model that metallic carries: sums, sorting, letters of words, some facts, questions about metallic. "
               "Trained from nothing on text that python/bundled generates.")


def quantize(x):
    """float [rows][cols] to bytes: for each block of 32 a half-precision scale and 32 int8."""
    blocks = np.ascontiguousarray(x, np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1) / np.float32(127)
    inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1), 0).astype(np.float32)
    out = np.empty((len(blocks), 34), np.uint8)
    out[:, :2] = scale.astype("<f2").view(np.uint8).reshape(-1, 2)
    out[:, 2:] = np.rint(blocks * inverse[:, None]).astype(np.int8).view(np.uint8)
    return out.tobytes()


def dequantize(data, shape):
    blocks = np.frombuffer(data, np.uint8).reshape(-1, 34)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    return (blocks[:, 2:].view(np.int8).astype(np.float32) * scale).reshape(shape)


# ------------------------------------------------------------------ writing

def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == STRING:
        return _string(value)
    return struct.pack({U32: "<I", I32: "<i", FLOAT: "<f", BOOL: "<?"}[kind], value)


def _array(kind, values):
    return struct.pack("<IQ", kind, len(values)) + b"".join(_value(kind, value) for value in values)


def write(path, metadata, tensors):
    """metadata: [(key, type or (ARRAY, type), value)]; tensors: [(name, array, F32 or Q8_0)]."""
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, kind, value in metadata:
        head.append(_string(key))
        if isinstance(kind, tuple):
            head.append(struct.pack("<I", ARRAY) + _array(kind[1], value))
        else:
            head.append(struct.pack("<I", kind) + _value(kind, value))
    data, offset = [], 0
    for name, array, kind in tensors:
        raw = quantize(array) if kind == Q8_0 else np.ascontiguousarray(array, "<f4").tobytes()
        head.append(_string(name) + struct.pack("<I", array.ndim) + struct.pack(f"<{array.ndim}Q", *array.shape[::-1]) + struct.pack("<IQ", kind, offset))
        raw += b"\0" * (-len(raw) % ALIGNMENT)
        data.append(raw)
        offset += len(raw)
    head = b"".join(head)
    with open(path + ".part", "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(data))
    os.replace(path + ".part", path)


def metadata_of(config, tokenizer):
    count = len(tokenizer.tokens)
    return [
        ("general.architecture", STRING, "qwen2"), ("general.type", STRING, "model"), ("general.name", STRING, "metallic bundled"),
        ("general.description", STRING, DESCRIPTION), ("general.license", STRING, "mit"), ("general.size_label", STRING, "7M"),
        ("general.file_type", U32, 7), ("general.quantization_version", U32, 2), ("general.alignment", U32, ALIGNMENT),
        ("qwen2.block_count", U32, config.layers), ("qwen2.context_length", U32, config.context),
        ("qwen2.embedding_length", U32, config.width), ("qwen2.feed_forward_length", U32, config.ffn),
        ("qwen2.attention.head_count", U32, config.heads), ("qwen2.attention.head_count_kv", U32, config.kv_heads),
        ("qwen2.rope.freq_base", FLOAT, config.rope_base), ("qwen2.attention.layer_norm_rms_epsilon", FLOAT, config.epsilon),
        ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "qwen2"),
        ("tokenizer.ggml.tokens", (ARRAY, STRING), tokenizer.tokens),
        ("tokenizer.ggml.token_type", (ARRAY, I32), [NORMAL] * (count - 3) + [CONTROL] * 3),
        ("tokenizer.ggml.merges", (ARRAY, STRING), [a + " " + b for a, b in tokenizer.merges]),
        ("tokenizer.ggml.eos_token_id", U32, tokenizer.end), ("tokenizer.ggml.bos_token_id", U32, tokenizer.end_of_text),
        ("tokenizer.ggml.padding_token_id", U32, tokenizer.end_of_text), ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def tensors_of(config, state):
    """The model's parameters (arrays by their PyTorch names) under their GGUF names."""
    kv = config.kv_heads * config.head_dim
    cut = [config.width, config.width + kv]
    out = [("token_embd.weight", state["embedding"], Q8_0), ("output_norm.weight", state["norm.weight"], F32)]
    for i in range(config.layers):
        here, there = f"layers.{i}.", f"blk.{i}."
        out.append((there + "attn_norm.weight", state[here + "attn_norm.weight"], F32))
        for name, weight, bias in zip("qkv", np.split(state[here + "qkv.weight"], cut), np.split(state[here + "qkv.bias"], cut)):
            out += [(f"{there}attn_{name}.weight", weight, Q8_0), (f"{there}attn_{name}.bias", bias, F32)]
        out += [(there + "attn_output.weight", state[here + "out.weight"], Q8_0), (there + "ffn_norm.weight", state[here + "ffn_norm.weight"], F32)]
        for name, weight in zip(("gate", "up"), np.split(state[here + "gate_up.weight"], 2)):
            out.append((f"{there}ffn_{name}.weight", weight, Q8_0))
        out.append((there + "ffn_down.weight", state[here + "down.weight"], Q8_0))
    return out


# ------------------------------------------------------------------ reading

class Reader:
    """Metadata as a dict and tensors as float32 arrays, of a file that this module wrote."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.at = 4
        version, tensor_count, key_count = self._unpack("<IQQ")
        if self.data[:4] != b"GGUF" or version != 3:
            raise SystemExit(f"{path}: not a GGUF of version 3")
        self.metadata = {}
        for _ in range(key_count):
            key = self._read(STRING)
            self.metadata[key] = self._read(self._unpack("<I")[0])
        infos = []
        for _ in range(tensor_count):
            name = self._read(STRING)
            dims = self._unpack("<I")[0]
            shape = self._unpack(f"<{dims}Q")[::-1]
            kind, offset = self._unpack("<IQ")
            infos.append((name, shape, kind, offset))
        base = (self.at + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
        self.tensors, self.kinds = {}, {}
        for name, shape, kind, offset in infos:
            count = int(np.prod(shape))
            size = count // 32 * 34 if kind == Q8_0 else count * 4
            raw = self.data[base + offset:base + offset + size]
            self.tensors[name] = dequantize(raw, shape) if kind == Q8_0 else np.frombuffer(raw, "<f4").reshape(shape)
            self.kinds[name] = kind

    def _unpack(self, form):
        values = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return values

    def _read(self, kind):
        if kind == STRING:
            size = self._unpack("<Q")[0]
            self.at += size
            return self.data[self.at - size:self.at].decode()
        if kind == ARRAY:
            inner, count = self._unpack("<IQ")
            return [self._read(inner) for _ in range(count)]
        return self._unpack({U32: "<I", I32: "<i", FLOAT: "<f", BOOL: "<?"}[kind])[0]


def main():
    import bpe
    from train import HERE, load
    state, config = load(sys.argv[1])
    tokenizer = bpe.load(os.path.join(HERE, "vocabulary.json"))
    state = {name: value.numpy() for name, value in state.items()}
    write(sys.argv[2], metadata_of(config, tokenizer), tensors_of(config, state))
    reader = Reader(sys.argv[2])
    print(f"{sys.argv[2]}: {os.path.getsize(sys.argv[2])} bytes, {len(reader.tensors)} tensors, {len(reader.metadata)} keys")


if __name__ == "__main__":
    main()
