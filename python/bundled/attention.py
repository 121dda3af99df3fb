"""Causal attention within each conversation of a packed batch.

Owns: the choice of an implementation that this PyTorch and this machine have, checked against the
plain one. Does not own: packing (batches.py).
Invariant: conversations never see each other; none crosses a row of the batch.
"""
import inspect
import math

import torch

try:
    from torch.nn.attention.varlen import varlen_attn
    CAUSAL = {"is_causal": True} if "is_causal" in inspect.signature(varlen_attn).parameters else {"window_size": (-1, 0)}
except ImportError:
    varlen_attn, CAUSAL = None, {}


def masked(block, row):
    """The plain one: rows of `row` tokens, scores, a mask. block: [tokens] number of the conversation."""
    owner = block.reshape(-1, row)
    causal = torch.ones(row, row, dtype=torch.bool, device=block.device).tril()
    allowed = ((owner[:, :, None] == owner[:, None, :]) & causal)[:, None]

    def attend(q, k, v):
        q, k, v = (x.reshape(-1, row, *x.shape[1:]).transpose(1, 2) for x in (q, k, v))
        if hasattr(torch.nn.functional, "scaled_dot_product_attention") and q.is_cuda:
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        else:
            scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
            out = scores.masked_fill(~allowed, -1e9).softmax(-1).to(v.dtype) @ v
        return out.transpose(1, 2).reshape(-1, *out.shape[1:2], out.shape[-1])

    return attend


def _half(x):
    return x.to(torch.bfloat16)


def variable_length(starts, longest):
    """Flash attention over ranges: starts[i] .. starts[i + 1] is a conversation."""
    def attend(q, k, v):
        return varlen_attn(_half(q), _half(k), _half(v), starts, starts, longest, longest, **CAUSAL)

    return attend


def flash_operator(starts, longest):
    """The same kernel by its internal name, for PyTorch without varlen_attn."""
    def attend(q, k, v):
        return torch.ops.aten._flash_attention_forward(_half(q), _half(k), _half(v), starts, starts, longest, longest, 0.0, True, False)[0]

    return attend


def choose(device):
    """"varlen", "flash" or "masked": the first that agrees with the plain one, forward and backward."""
    if device != "cuda":
        return "masked"
    torch.manual_seed(0)
    starts = torch.tensor([0, 40, 100, 128, 256, 256], dtype=torch.int32, device=device)
    block = torch.bucketize(torch.arange(256, device=device), starts[1:].long(), right=True)
    qkv = [torch.randn(256, 8, 32, device=device) for _ in range(3)]

    def run(attend):
        inputs = [x.clone().requires_grad_() for x in qkv]
        out = attend(*inputs)
        out.float().pow(2).sum().backward()
        return [out.float().detach()] + [x.grad for x in inputs]

    expected = run(masked(block, 256))
    for name, make in (("varlen", variable_length), ("flash", flash_operator)):
        try:
            found = run(make(starts, 256))
            error = max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(found, expected))
            print(f"attention {name}: error {error:.4f}", flush=True)
            if error < 0.03:
                return name
        except Exception as problem:  # any failure only means: take the next one
            print(f"attention {name}: {type(problem).__name__}: {problem}", flush=True)
    return "masked"


MAKERS = {"varlen": variable_length, "flash": flash_operator}
