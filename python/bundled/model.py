"""The Qwen2 architecture in PyTorch: RMSNorm, grouped-query attention with bias on Q, K and V, RoPE
(NeoX halves), SwiGLU, tied embedding and output.

Owns: parameters and the forward pass over a flat sequence of packed conversations.
Does not own: attention over the packing (attention.py), how weights are stored (gguf.py).
Invariant: with `quantize` on, every matrix and every activation that meets one is rounded as the
Q8_0 machine rounds it; gradients pass straight through.
"""
import math
from dataclasses import asdict, dataclass

import torch
from torch import nn


@dataclass
class Config:
    vocab: int = 2048
    width: int = 256
    layers: int = 8
    heads: int = 8
    kv_heads: int = 4
    ffn: int = 768
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-6
    dropout: float = 0.0  # in training only

    @property
    def head_dim(self):
        return self.width // self.heads

    def as_dict(self):
        return asdict(self)


def round_weight(w):
    """Q8_0: blocks of 32, a half-precision scale, 8-bit integers."""
    blocks = w.float().reshape(-1, 32)
    scale = blocks.abs().amax(1, keepdim=True) / 127
    inverse = torch.where(scale > 0, 1 / scale, torch.zeros_like(scale))
    rounded = (blocks * inverse).round() * scale.half().float()
    return w + (rounded.reshape(w.shape) - w).detach()


def round_activation(x):
    """Blocks of 32, a single-precision scale, 8-bit integers."""
    blocks = x.float().reshape(*x.shape[:-1], -1, 32)
    scale = (blocks.abs().amax(-1, keepdim=True) / 127).clamp(min=1e-30)
    rounded = (blocks / scale).round() * scale
    return x + (rounded.reshape(x.shape) - x).detach().to(x.dtype)


class Norm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


class Linear(nn.Module):
    def __init__(self, cols, rows, bias=False, gain=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, cols) * gain / math.sqrt(cols))
        self.bias = nn.Parameter(torch.zeros(rows)) if bias else None

    def forward(self, x, quantize):
        w = self.weight
        if quantize:
            w, x = round_weight(w), round_activation(x)
        return nn.functional.linear(x, w, self.bias)


def rotate(x, cosine, sine):
    """x: [tokens, heads, head_dim]; cosine, sine: [tokens, 1, head_dim / 2]."""
    a, b = x.float().chunk(2, -1)
    return torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        kv = c.kv_heads * c.head_dim
        self.drop = nn.Dropout(c.dropout)
        self.attn_norm, self.ffn_norm = Norm(c.width, c.epsilon), Norm(c.width, c.epsilon)
        self.qkv = Linear(c.width, c.width + 2 * kv, bias=True)
        self.out = Linear(c.width, c.width, gain=1 / math.sqrt(2 * c.layers))
        self.gate_up = Linear(c.width, 2 * c.ffn)
        self.down = Linear(c.ffn, c.width, gain=1 / math.sqrt(2 * c.layers))

    def forward(self, x, cosine, sine, attend, quantize):
        c = self.config
        kv = c.kv_heads * c.head_dim
        q, k, v = self.qkv(self.attn_norm(x), quantize).split([c.width, kv, kv], -1)
        q = rotate(q.reshape(-1, c.heads, c.head_dim), cosine, sine)
        k = rotate(k.reshape(-1, c.kv_heads, c.head_dim), cosine, sine)
        v = v.reshape(-1, c.kv_heads, c.head_dim)
        group = c.heads // c.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        x = x + self.drop(self.out(attend(q, k, v).reshape(-1, c.width), quantize))
        gate, up = self.gate_up(self.ffn_norm(x), quantize).chunk(2, -1)
        return x + self.drop(self.down(nn.functional.silu(gate) * up, quantize))


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        self.embedding = nn.Parameter(torch.randn(c.vocab, c.width) * 0.02)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.layers))
        self.norm = Norm(c.width, c.epsilon)
        self.drop = nn.Dropout(c.dropout)
        frequency = c.rope_base ** (-torch.arange(0, c.head_dim, 2, dtype=torch.float64) / c.head_dim)
        angle = torch.outer(torch.arange(c.context, dtype=torch.float64), frequency)
        self.register_buffer("cosine", angle.cos().float(), persistent=False)
        self.register_buffer("sine", angle.sin().float(), persistent=False)

    def forward(self, ids, position, where, attend, quantize=False):
        """ids, position: [tokens]; where: the tokens whose logits are wanted. Returns their logits."""
        table = round_weight(self.embedding) if quantize else self.embedding
        cosine, sine = self.cosine[position].unsqueeze(1), self.sine[position].unsqueeze(1)
        x = self.drop(table[ids].float())
        for layer in self.layers:
            x = layer(x, cosine, sine, attend, quantize)
        x = self.norm(x[where])
        return nn.functional.linear(round_activation(x) if quantize else x, table)
