"""Muon: momentum whose update is orthogonalised (K. Jordan), for the matrices of the layers.

Invariant: a fused matrix (Q, K and V; gate and up) is orthogonalised part by part.
"""
import torch


def orthogonal(stack, steps=5):
    """Newton-Schulz on [n, rows, cols], rows <= cols: singular values near 1."""
    x = stack.to(torch.bfloat16 if stack.is_cuda else torch.float32)
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ x
    return x.float()


class Muon:
    def __init__(self, matrices, momentum=0.95, decay=0.01):
        """matrices: [(parameter, [rows of each part])]"""
        self.momentum, self.decay = momentum, decay
        self.parameters = [p for p, _ in matrices]
        self.buffers = [torch.zeros_like(p) for p in self.parameters]
        self.groups = {}  # shape -> [(parameter index, first row, rows, transposed)]
        for index, (p, parts) in enumerate(matrices):
            at = 0
            for rows in parts:
                tall = rows > p.shape[1]
                shape = (p.shape[1], rows) if tall else (rows, p.shape[1])
                self.groups.setdefault(shape, []).append((index, at, rows, tall))
                at += rows

    @torch.no_grad()
    def step(self, rate):
        grads = [p.grad for p in self.parameters]
        torch._foreach_lerp_(self.buffers, grads, 1 - self.momentum) if hasattr(torch, "_foreach_lerp_") else [
            b.lerp_(g, 1 - self.momentum) for b, g in zip(self.buffers, grads)]
        updates = [g.lerp(b, self.momentum) for g, b in zip(grads, self.buffers)]
        for members in self.groups.values():
            stack = torch.stack([updates[i][at:at + rows].T if tall else updates[i][at:at + rows] for i, at, rows, tall in members])
            for (i, at, rows, tall), u in zip(members, orthogonal(stack)):
                scale = max(1, rows / self.parameters[i].shape[1]) ** .5
                updates[i][at:at + rows] = (u.T if tall else u) * scale
        torch._foreach_mul_(self.parameters, 1 - rate * self.decay)
        torch._foreach_add_(self.parameters, updates, alpha=-rate)
