"""The CPU machine's float32 arithmetic, operation by operation, in numpy.

Owns: the order of every sum that src/backend/cpu/kernels.h fixes. Does not own: the model's order
of operations (qwen2.py). Why it exists: an activation that lies almost half-way between two int8
values is rounded up by one arithmetic and down by another, and then logits differ by a part in a
hundred although nobody is wrong. Only an arithmetic that rounds as the machine does can be
compared with it tightly.
Invariant: for finite values the logits are the machine's, bit for bit.
"""
import numpy as np

from reference import gguf, qwen2

KEY_BLOCK = 64  # keys that attention visits together, at fixed absolute positions
LANES = 16  # partial sums of a float product
PARTIAL_BYTES = 1 << 26  # most that the partial sums of a product may take

f32 = np.float32

EXP_MAX, EXP_MIN = f32(89.0), f32(-104.0)
EXP_LOG2E, EXP_MAGIC = f32(1.44269504088896341), f32(12582912.0)
EXP_LN2_HIGH, EXP_LN2_LOW = f32(-0.693359375), f32(2.12194440e-4)
EXP_POLYNOMIAL = [f32(c) for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                                   4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1, 1.0, 1.0)]


LOST_BITS = (1 << 29) - 1  # of a float64's fraction, when it becomes a float32
HALF_WAY = 1 << 28


def fma(a, b, c):
    """a * b + c of float32 with one rounding (results below the normal range may have two).

    In float64 the product is exact and the sum is rounded; rounding that to float32 differs from a
    true fma only where it lies exactly between two float32. There the sum's error decides."""
    product = np.multiply(a, b, dtype=np.float64)
    total = np.asarray(np.add(product, c, dtype=np.float64))
    between = (total.view(np.int64) & LOST_BITS) == HALF_WAY
    if between.any():
        product, c = (np.broadcast_to(part, total.shape)[between] for part in (product, c))
        near = total[between]
        other = near - product
        # What the sum lost (Knuth's TwoSum).
        error = (product - (near - other)) + (np.float64(c) - other)
        away = np.where(error > 0, np.inf, -np.inf)
        total[between] = np.where(error == 0, near, np.nextafter(near, away))
    return total.astype(f32)


def tree(p):
    """The fixed reduction of 16 partial sums on the last axis."""
    for half in (8, 4, 2, 1):
        p = p[..., :half] + p[..., half:2 * half]
    return p[..., 0]


def exp(x):
    """met_exp (src/backend/cpu/exp.h): 2^n times a polynomial of what is left."""
    x = np.asarray(x, f32)
    x = np.where(EXP_MAX < x, EXP_MAX, x)
    x = np.where(EXP_MIN > x, EXP_MIN, x)
    shifted = fma(x, EXP_LOG2E, EXP_MAGIC)
    n = shifted - EXP_MAGIC
    r = fma(n, EXP_LN2_LOW, fma(n, EXP_LN2_HIGH, x))
    p = np.full_like(r, EXP_POLYNOMIAL[0])
    for coefficient in EXP_POLYNOMIAL[1:]:
        p = fma(p, r, coefficient)
    k = np.nan_to_num(n).astype(np.int32)
    first = k >> 1  # two steps, so that results below the normal range are rounded once
    with np.errstate(over="ignore"):  # above 88.7 it is infinity, as it should be
        return p * np.ldexp(f32(1), first) * np.ldexp(f32(1), k - first)


class Machine:
    """The operations of qwen2.Float64 as the CPU machine computes them."""
    dtype = f32

    def __init__(self, half_cache=True):
        self.half_cache = half_cache

    def embed(self, table, tokens):
        return table.values(tokens, f32)

    def rmsnorm(self, x, weight, eps):
        p = np.zeros((len(x), LANES), f32)
        for at in range(0, x.shape[1], LANES):
            part = x[:, at:at + LANES]
            p[:, :part.shape[1]] = fma(part, part, p[:, :part.shape[1]])
        s = f32(1) / np.sqrt(tree(p) / f32(x.shape[1]) + f32(eps))
        return x * s[:, None] * weight.values(dtype=f32)

    def matmul(self, x, weight, bias=None):
        rows = weight.shape[0]
        product = self._product_q8 if weight.kind == gguf.Q8_0 else self._product_float
        if weight.kind == gguf.Q8_0:
            x = qwen2.quantize_activation(x)
        y = np.empty((len(x[0]) if isinstance(x, tuple) else len(x), rows), f32)
        step = max(1, PARTIAL_BYTES // (8 * LANES * len(y)))
        for at in range(0, rows, step):
            part = slice(at, min(at + step, rows))
            y[:, part] = product(x, weight, part)
        return y if bias is None else y + bias.values(dtype=f32)

    @staticmethod
    def _product_q8(x, weight, part):
        q, x_scale = x
        blocks = weight.stored()[part]
        w, w_scale = blocks["q"].astype(f32), blocks["scale"].astype(f32)
        acc = np.zeros((len(q), len(blocks)), f32)
        for block in range(w.shape[1]):
            dot = q[:, block] @ w[:, block].T  # integers below 2^24: exact in any order
            acc = fma(dot, x_scale[:, block, None] * w_scale[:, block], acc)
        return acc

    @staticmethod
    def _product_float(x, weight, part):
        w = weight.values(part)
        x = x.astype(np.float64)
        p = np.zeros((len(x), len(w), LANES), f32)
        for at in range(0, w.shape[1], LANES):
            lanes = min(LANES, w.shape[1] - at)
            p[..., :lanes] = fma(x[:, None, at:at + lanes], w[:, at:at + lanes], p[..., :lanes])
        return tree(p)

    def rope_table(self, positions, head_dim, base):
        return tuple(part.astype(f32)
                     for part in qwen2.Float64().rope_table(positions, head_dim, base))

    def rope(self, x, table):
        cosine, sine = (part[:, None, :] for part in table)
        a, b = np.split(x, 2, axis=-1)
        return np.concatenate([fma(a, cosine, -(b * sine)), fma(b, cosine, a * sine)], -1)

    def kv_append(self, x):
        return x.astype(np.float16).astype(f32) if self.half_cache else x

    def attention(self, q, k, v, position):
        tokens, heads, head_dim = q.shape
        kv_heads = k.shape[1]
        q = q.reshape(tokens, kv_heads, heads // kv_heads, head_dim).transpose(1, 2, 0, 3)
        k, v = k.transpose(1, 0, 2)[:, None], v.transpose(1, 0, 2)[:, None]
        state = None
        for start in range(0, k.shape[2], KEY_BLOCK):
            stop = min(start + KEY_BLOCK, k.shape[2])
            first = max(0, start - position)  # earlier tokens see nothing of this block
            visible = position + np.arange(first, tokens) - start + 1
            block = _attend(q[:, :, first:], k[:, :, start:stop], v[:, :, start:stop], visible)
            if state is None:
                state = block
            else:
                for whole, part in zip(state, _merge([a[:, :, first:] for a in state], block)):
                    whole[:, :, first:] = part
        out = state[2] / state[1][..., None]
        return out.transpose(2, 0, 1, 3).reshape(tokens, heads * head_dim)

    def swiglu(self, gate, up):
        return gate / (f32(1) + exp(-gate)) * up


def _attend(q, k, v, visible):
    """Queries [kv_heads, group, n, head_dim] over one block of keys [kv_heads, 1, m, head_dim]:
    the largest score, the sum of weights and the weighted values of the `visible` [n] first keys.
    """
    scores = np.zeros((*q.shape[:3], k.shape[2]), f32)
    for d in range(q.shape[3]):
        scores = fma(q[..., d, None], k[:, :, None, :, d], scores)
    scores = scores * (f32(1) / np.sqrt(f32(q.shape[3])))
    seen = np.arange(k.shape[2]) < visible[:, None]
    most = np.where(seen, scores, f32(-np.inf)).max(-1)
    weights = np.where(seen, exp(scores - most[..., None]), f32(0))
    lanes = np.zeros((*weights.shape[:3], KEY_BLOCK), f32)
    lanes[..., :weights.shape[3]] = weights
    total = lanes[..., :LANES]
    for at in range(LANES, KEY_BLOCK, LANES):
        total = total + lanes[..., at:at + LANES]
    out = np.zeros(q.shape, f32)
    for key in range(k.shape[2]):
        out = fma(weights[..., key, None], v[:, :, None, key], out)
    return most, tree(total), out


def _merge(state, block):
    """Fold the next block's (max, sum, out) into the running ones."""
    most = np.where(block[0] > state[0], block[0], state[0])
    a, b = exp(state[0] - most), exp(block[0] - most)
    return (most, fma(state[1], a, block[1] * b),
            fma(state[2], a[..., None], block[2] * b[..., None]))
