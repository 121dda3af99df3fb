"""Qwen2 in numpy, straight from a GGUF file: the oracle for whole models.

Owns: hyper-parameters, the order of operations, and the two arithmetics in float64. Does not own:
the file format (gguf.py), the float32 arithmetic of the C machine (machine.py).
Invariant: nothing is shared with the C code, so that an agreement means something.

    model = Qwen2(gguf.read("model.gguf"))
    logits = model.forward([1, 2, 3])                  # float64 [3, vocab]

An arithmetic says how each operation rounds (the op names are those of src/program/program.h):

    float64   nothing is rounded: what the model means
    contract  float64, but what metallic stores in fewer bits is rounded: inputs of Q8_0 products
              to blocks of int8, the key-value cache to float16
    machine   float32 in the order of operations that src/backend/cpu/kernels.h fixes (machine.py)
"""
import dataclasses

import numpy as np

from reference import gguf

CHUNK_BYTES = 1 << 26  # most of a weight matrix that is decoded at a time
ATTENTION_BYTES = 1 << 28  # most that the scores of one attention may take at a time


@dataclasses.dataclass(frozen=True)
class Hyper:
    """Qwen2's hyper-parameters, by the dimension words that the C code uses."""
    layers: int
    cols: int  # embedding length
    ffn_cols: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    context_length: int
    rope_base: float
    eps: float


def read_hyper(file):
    """Hyper-parameters from metadata; the vocabulary's size from the embedding."""
    architecture = file.key("general.architecture")
    if architecture != "qwen2":
        raise gguf.GgufError(f"{file.path}: architecture is {architecture!r}, expected 'qwen2'")
    cols = int(file.key("qwen2.embedding_length"))
    heads = int(file.key("qwen2.attention.head_count"))
    head_dim = int(file.key("qwen2.attention.key_length", cols // heads if heads > 0 else 0))
    if head_dim < 2 or head_dim % 2 != 0:
        raise gguf.GgufError(f"{file.path}: head_dim of {cols} columns and {heads} heads is "
                             f"{head_dim}, expected an even number")
    kv_heads = int(file.key("qwen2.attention.head_count_kv", heads))
    if kv_heads < 1 or heads % kv_heads != 0:
        raise gguf.GgufError(f"{file.path}: {kv_heads} key-value heads for {heads} heads, "
                             "expected a divisor")
    return Hyper(layers=int(file.key("qwen2.block_count")), cols=cols,
                 ffn_cols=int(file.key("qwen2.feed_forward_length")), heads=heads,
                 kv_heads=kv_heads, head_dim=head_dim,
                 vocab=file.tensor("token_embd.weight").shape[0],
                 context_length=int(file.key("qwen2.context_length")),
                 rope_base=float(file.key("qwen2.rope.freq_base", 10000.0)),
                 eps=float(file.key("qwen2.attention.layer_norm_rms_epsilon")))


def quantize_activation(x):
    """Rows [n, cols] to (q, scale): int-valued [n, blocks, 32] and [n, blocks] of x's own type.

    scale = max|x| / 127 and q = x * (127 / max|x|) rounded half to even, block by block; a block
    whose largest value is below 2^-119 (or not finite) counts as zeros. In float32 these are the
    very operations of quantize_q8 in src/backend/cpu/kernels.h."""
    x = x.reshape(len(x), -1, gguf.BLOCK)
    most = np.abs(x).max(-1)
    usable = (most >= 2.0 ** -119) & np.isfinite(most)
    inverse = np.divide(x.dtype.type(127), most, out=np.zeros_like(most), where=usable)
    return np.rint(x * inverse[..., None]), most / x.dtype.type(127)


def softmax(scores):
    """Over the last axis; -inf counts as absent."""
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


class Float64:
    """Operations in float64; `quantize` and `half_cache` round what the contract stores smaller."""
    dtype = np.float64

    def __init__(self, quantize=False, half_cache=False):
        self.quantize = quantize
        self.half_cache = half_cache

    def embed(self, table, tokens):
        return table.values(tokens)

    def rmsnorm(self, x, weight, eps):
        return x / np.sqrt(np.mean(x * x, -1, keepdims=True) + eps) * weight.values()

    def matmul(self, x, weight, bias=None):
        """x [n, cols] . weight [rows, cols]^T (+ bias [rows]) -> [n, rows]."""
        if self.quantize and weight.kind == gguf.Q8_0:
            q, scale = quantize_activation(x)
            x = (q * scale[..., None]).reshape(x.shape)
        rows, cols = weight.shape
        y = np.empty((len(x), rows))
        step = max(1, CHUNK_BYTES // (8 * cols))
        for at in range(0, rows, step):
            part = slice(at, at + step)
            y[:, part] = x @ weight.values(part).T
        return y if bias is None else y + bias.values()

    def rope_table(self, positions, head_dim, base):
        """Cosines and sines [n, head_dim / 2] of position * base^(-2i / head_dim)."""
        angles = np.outer(positions, base ** (-2.0 * np.arange(head_dim // 2) / head_dim))
        return np.cos(angles), np.sin(angles)

    def rope(self, x, table):
        """Rotate [n, heads, head_dim]: element i pairs with i + head_dim / 2 (NeoX)."""
        cosine, sine = (part[:, None, :] for part in table)
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([a * cosine - b * sine, b * cosine + a * sine], -1)

    def kv_append(self, x):
        """What the cache gives back for x."""
        return x.astype(np.float16).astype(np.float64) if self.half_cache else x

    def attention(self, q, k, v, position):
        """Queries [n, heads, head_dim] at position.. over keys and values [m, kv_heads, head_dim];
        query head h looks at key-value head h // group."""
        tokens, heads, head_dim = q.shape
        kv_heads = k.shape[1]
        q = q.reshape(tokens, kv_heads, heads // kv_heads, head_dim).transpose(1, 2, 0, 3)
        k, v = k.transpose(1, 0, 2)[:, None], v.transpose(1, 0, 2)[:, None]
        out = np.empty((kv_heads, heads // kv_heads, tokens, head_dim))
        step = max(1, ATTENTION_BYTES // (8 * heads * k.shape[2]))
        for at in range(0, tokens, step):
            part = slice(at, min(at + step, tokens))
            seen = position + part.stop
            scores = q[:, :, part] @ k[:, :, :seen].swapaxes(-1, -2) / np.sqrt(head_dim)
            last = position + np.arange(part.start, part.stop)
            scores[..., np.arange(seen) > last[:, None]] = -np.inf
            out[:, :, part] = softmax(scores) @ v[:, :, :seen]
        return out.transpose(2, 0, 1, 3).reshape(tokens, heads * head_dim)

    def swiglu(self, gate, up):
        with np.errstate(over="ignore"):  # exp(-gate) = inf gives the right 0
            return gate / (1.0 + np.exp(-gate)) * up


def arithmetics():
    """Name -> a new arithmetic of that name."""
    from reference import machine  # pylint: disable=import-outside-toplevel
    return {"float64": Float64(), "contract": Float64(quantize=True, half_cache=True),
            "machine": machine.Machine()}


class Cache:
    """Keys and values of one sequence of tokens: for each layer [position, kv_heads, head_dim]."""

    def __init__(self, layers):
        self.keys = [None] * layers
        self.values = [None] * layers

    @property
    def position(self):
        return 0 if self.keys[0] is None else len(self.keys[0])

    def append(self, layer, key, value):
        if self.keys[layer] is not None:
            key = np.concatenate([self.keys[layer], key])
            value = np.concatenate([self.values[layer], value])
        self.keys[layer], self.values[layer] = key, value
        return key, value


def _ignore(_name, _layer, _value):
    """The hook of those who do not look."""


class Qwen2:
    """One model, or its first `layers` layers. Weights are decoded as they are needed, so that
    memory stays small."""

    def __init__(self, file, layers=None):
        self.file = file
        hyper = read_hyper(file)
        if layers is not None:
            hyper = dataclasses.replace(hyper, layers=layers)
        self.hyper = hyper
        q_cols, kv_cols = hyper.heads * hyper.head_dim, hyper.kv_heads * hyper.head_dim
        shapes = {"attn_norm.weight": (hyper.cols,), "ffn_norm.weight": (hyper.cols,),
                  "attn_q.weight": (q_cols, hyper.cols), "attn_q.bias": (q_cols,),
                  "attn_k.weight": (kv_cols, hyper.cols), "attn_k.bias": (kv_cols,),
                  "attn_v.weight": (kv_cols, hyper.cols), "attn_v.bias": (kv_cols,),
                  "attn_output.weight": (hyper.cols, q_cols),
                  "ffn_gate.weight": (hyper.ffn_cols, hyper.cols),
                  "ffn_up.weight": (hyper.ffn_cols, hyper.cols),
                  "ffn_down.weight": (hyper.cols, hyper.ffn_cols)}
        self.embedding = file.tensor("token_embd.weight", (hyper.vocab, hyper.cols))
        self.output_norm = file.tensor("output_norm.weight", (hyper.cols,))
        self.tied = "output.weight" not in file.tensors
        self.output = self.embedding if self.tied else file.tensor(
            "output.weight", (hyper.vocab, hyper.cols))
        self.layers = [{name: file.tensor(f"blk.{layer}.{name}", shape)
                        for name, shape in shapes.items()} for layer in range(hyper.layers)]

    def new_cache(self):
        return Cache(self.hyper.layers)

    def forward(self, tokens, arithmetic=None, hook=_ignore, cache=None, last=False):
        """Logits [n, vocab] of tokens that follow what `cache` holds; `last`: [1, vocab].

        hook(name, layer, value) sees every activation as it is made: "embed" (layer -1), in each
        layer "attn_norm", "q", "k" (rotated), "v", "attention", "attn_out" (residual added),
        "ffn_norm", "swiglu", "ffn_out" (residual added), and at the end "output_norm" and
        "logits" (layer -1)."""
        tokens = np.asarray(tokens, np.int64)
        if tokens.size == 0 or tokens.min() < 0 or tokens.max() >= self.hyper.vocab:
            raise ValueError(f"token ids {tokens.tolist()[:8]}, expected one or more in "
                             f"0..{self.hyper.vocab - 1}")
        arithmetic = arithmetic or Float64()
        cache = cache or self.new_cache()
        position = cache.position
        table = arithmetic.rope_table(np.arange(position, position + len(tokens)),
                                      self.hyper.head_dim, self.hyper.rope_base)
        x = arithmetic.embed(self.embedding, tokens)
        hook("embed", -1, x)
        for layer in range(self.hyper.layers):
            x = self._layer(layer, x, arithmetic, table, cache, hook, position)
        if last:
            x = x[-1:]
        x = arithmetic.rmsnorm(x, self.output_norm, self.hyper.eps)
        hook("output_norm", -1, x)
        logits = arithmetic.matmul(x, self.output)
        hook("logits", -1, logits)
        return logits

    def _layer(self, layer, x, arithmetic, table, cache, hook, position):
        weights, hyper = self.layers[layer], self.hyper

        def heads(name, value):
            return value.reshape(len(x), getattr(hyper, name), hyper.head_dim)

        def see(name, value):
            hook(name, layer, value)
            return value

        h = see("attn_norm", arithmetic.rmsnorm(x, weights["attn_norm.weight"], hyper.eps))
        q, k, v = (arithmetic.matmul(h, weights[f"attn_{name}.weight"],
                                     weights[f"attn_{name}.bias"]) for name in "qkv")
        q = see("q", arithmetic.rope(heads("heads", q), table))
        k = see("k", arithmetic.rope(heads("kv_heads", k), table))
        v = see("v", heads("kv_heads", v))
        k, v = cache.append(layer, arithmetic.kv_append(k), arithmetic.kv_append(v))
        h = see("attention", arithmetic.attention(q, k, v, position))
        x = see("attn_out", arithmetic.matmul(h, weights["attn_output.weight"]) + x)
        h = see("ffn_norm", arithmetic.rmsnorm(x, weights["ffn_norm.weight"], hyper.eps))
        h = see("swiglu", arithmetic.swiglu(arithmetic.matmul(h, weights["ffn_gate.weight"]),
                                            arithmetic.matmul(h, weights["ffn_up.weight"])))
        return see("ffn_out", arithmetic.matmul(h, weights["ffn_down.weight"]) + x)

    def greedy(self, tokens, count, arithmetic=None, stop=()):
        """Up to `count` tokens after `tokens`: the largest logit, the lowest id among equals."""
        cache, out = self.new_cache(), []
        step = list(tokens)
        while len(out) < count:
            logits = self.forward(step, arithmetic, cache=cache, last=True)
            step = [int(np.argmax(logits[-1]))]
            if step[0] in stop:
                break
            out += step
        return out
