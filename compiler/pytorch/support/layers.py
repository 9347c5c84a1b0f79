"""Layers of torch.nn with what nnc does in another way: random numbers by stream, batch statistics over all processes."""
import torch
from torch import nn

from . import draws, parallel


class Dropout(nn.Module):
    """In training each element is 0 with probability p, else divided by 1 - p. `stream` tells its draws from others."""

    def __init__(self, p, stream):
        super().__init__()
        self.p = p
        self.stream = stream

    def forward(self, x):
        if not self.training:
            return x
        kept = draws.uniform(tuple(x.shape), self.stream, of_rows=True) >= self.p
        return torch.where(kept, x / (1 - self.p), 0.0)


class _BatchNorm:
    """Where several processes share a batch, the moments are those of all its rows (as nn.SyncBatchNorm, on any device)."""

    def forward(self, x):
        if not (self.training and parallel.is_shared()):
            return super().forward(x)
        axes = tuple(a for a in range(x.dim()) if a != 1)
        shape = [1, -1] + [1] * (x.dim() - 2)
        mean = parallel.mean(x, axes)
        centred = x - mean.reshape(shape)
        variance = parallel.mean(centred * centred, axes)
        with torch.no_grad():
            count = parallel.count(x.shape[0]) * (x[0, 0].numel() if x.shape[0] else 1)
            unbiased = variance * count / (count - 1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(unbiased, self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.reshape(shape) + self.bias.reshape(shape)


class BatchNorm1d(_BatchNorm, nn.BatchNorm1d):
    pass


class BatchNorm2d(_BatchNorm, nn.BatchNorm2d):
    pass
