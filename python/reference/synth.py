"""Qwen2 models with random weights, of any shape: what the tests and tools measure with.

Owns: shapes that real models do not have. Does not own: `metallic synth`, which writes the exact
shapes of real models. Invariant: the same arguments give the same bytes.
"""
import numpy as np

from reference import gguf

# head_dim None: cols / heads, as in every Qwen2.
SHAPE = {"layers": 2, "cols": 64, "ffn_cols": 160, "heads": 4, "kv_heads": 2, "head_dim": None,
         "vocab": 512, "context_length": 1024, "rope_base": 1e6, "eps": 1e-6, "tied": True}

NORMAL, CONTROL, UNUSED = 1, 3, 5  # token types of the GGUF format


def _byte_tokens():
    """The 256 byte tokens of GPT-2's alphabet, in its order: printable bytes stand for themselves,
    the others for the code points from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + i) for i in range(len(other))]


def _vocabulary(vocab):
    """Tokens, types and merges of a valid byte-level vocabulary of 256 + 3 tokens or more: bytes,
    pairs of letters (token 256 + i is merge i), unused tokens, then the three control tokens."""
    alphabet = _byte_tokens()
    room = vocab - len(alphabet) - 3
    if room < 0:
        raise ValueError(f"vocab {vocab}, expected 259 or more")
    merges = [(a, b) for a in alphabet[32:] for b in alphabet[32:]][:room]
    unused = [f"[PAD{i}]" for i in range(room - len(merges))]
    tokens = alphabet + [a + b for a, b in merges] + unused
    types = [NORMAL] * (256 + len(merges)) + [UNUSED] * len(unused) + [CONTROL] * 3
    tokens += ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return tokens, types, [f"{a} {b}" for a, b in merges]


TEMPLATE = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
            "message['content'] + '<|im_end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def keys(shape):
    """Metadata of a whole model, tokenizer included."""
    tokens, types, merges = _vocabulary(shape["vocab"])
    numbers = {"block_count": "layers", "context_length": "context_length",
               "embedding_length": "cols", "feed_forward_length": "ffn_cols",
               "attention.head_count": "heads", "attention.head_count_kv": "kv_heads"}
    if shape["head_dim"] is not None:
        numbers["attention.key_length"] = "head_dim"
    return {
        "general.architecture": ("string", "qwen2"),
        "general.name": ("string", "synthetic"),
        **{f"qwen2.{name}": ("u32", shape[word]) for name, word in numbers.items()},
        "qwen2.rope.freq_base": ("f32", shape["rope_base"]),
        "qwen2.attention.layer_norm_rms_epsilon": ("f32", shape["eps"]),
        "tokenizer.ggml.model": ("string", "gpt2"),
        "tokenizer.ggml.pre": ("string", "qwen2"),
        "tokenizer.ggml.tokens": ("array<string>", tokens),
        "tokenizer.ggml.token_type": ("array<i32>", types),
        "tokenizer.ggml.merges": ("array<string>", merges),
        "tokenizer.ggml.eos_token_id": ("u32", shape["vocab"] - 1),
        "tokenizer.ggml.padding_token_id": ("u32", shape["vocab"] - 3),
        "tokenizer.ggml.add_bos_token": ("bool", False),
        "tokenizer.chat_template": ("string", TEMPLATE),
    }


def tensors(shape, kind, seed):
    """Random weights: matrices of `kind` with deviation 1 / sqrt(cols), so that every activation
    has a size of about 1; norms near 1 and biases, both float32, not small enough to go unseen."""
    random = np.random.default_rng(seed)
    cols, ffn_cols = shape["cols"], shape["ffn_cols"]
    head_dim = shape["head_dim"] or cols // shape["heads"]
    q_cols, kv_cols = head_dim * shape["heads"], head_dim * shape["kv_heads"]
    out = {}

    def matrix(name, rows, inputs):
        out[name] = (random.standard_normal((rows, inputs)) / np.sqrt(inputs), kind)

    def vector(name, count, centre):
        out[name] = (centre + 0.2 * random.standard_normal(count), "F32")

    matrix("token_embd.weight", shape["vocab"], cols)
    for layer in range(shape["layers"]):
        at = f"blk.{layer}."
        vector(at + "attn_norm.weight", cols, 1.0)
        for name, rows in (("q", q_cols), ("k", kv_cols), ("v", kv_cols)):
            matrix(f"{at}attn_{name}.weight", rows, cols)
            vector(f"{at}attn_{name}.bias", rows, 0.0)
        matrix(at + "attn_output.weight", cols, q_cols)
        vector(at + "ffn_norm.weight", cols, 1.0)
        matrix(at + "ffn_gate.weight", ffn_cols, cols)
        matrix(at + "ffn_up.weight", ffn_cols, cols)
        matrix(at + "ffn_down.weight", cols, ffn_cols)
    vector("output_norm.weight", cols, 1.0)
    if not shape["tied"]:
        matrix("output.weight", shape["vocab"], cols)
    return out


def write(path, kind="F32", seed=1, **changes):
    """Write a model of SHAPE with `changes`; kind "F32", "F16" or "Q8_0" is its matrices' type."""
    unknown = set(changes) - set(SHAPE)
    if unknown:
        raise ValueError(f"shape word {unknown.pop()!r}, expected one of {', '.join(SHAPE)}")
    shape = {**SHAPE, **changes}
    gguf.write(path, keys(shape), tensors(shape, kind, seed))
