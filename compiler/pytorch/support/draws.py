"""Random numbers and the order of rows as pure functions of (seed, stream, step, element), as nnc draws them.

Philox-4x32-10 (Salmon et al. 2011), counter (element, step, 0, 0), key (seed, stream): no state, so a run that is resumed, or shared
among processes, draws the same numbers.
"""
import numpy as np
import torch

from . import parallel

# Of the run: set by the training loop before every step.
step = 0
epoch = 0
seed = 0
# What steps are told of the run: metrics that they watch.
run = {}

_MASK = 0xFFFFFFFF


def _multiply(factor, x):
    """The high and low words of factor * x, of 32 bits each, within int64."""
    low = factor * (x & 0xFFFF)
    high = factor * (x >> 16)
    return (high + (low >> 16)) >> 16, (low + ((high & 0xFFFF) << 16)) & _MASK


def _philox(element, step, seed, stream):
    """Word 0 of each counter."""
    c0, c1 = element, torch.full_like(element, step & _MASK)
    c2, c3 = torch.zeros_like(element), torch.zeros_like(element)
    for r in range(10):
        k0 = (seed + r * 0x9E3779B9) & _MASK
        k1 = (stream + r * 0xBB67AE85) & _MASK
        high0, low0 = _multiply(0xD2511F53, c0)
        high1, low1 = _multiply(0xCD9E8D57, c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
    return c0


def uniform(shape, stream, of_rows=False):
    """Numbers from [0, 1), multiples of 2^-24. With `of_rows`, the first axis holds this process's rows of the batch."""
    count = int(np.prod(shape)) if shape else 1
    first = 0
    if of_rows and parallel.is_shared() and parallel.rows() > 0:
        first = parallel.first_row() * (count // parallel.rows())
    element = torch.arange(first, first + count, dtype=torch.int64) & _MASK
    words = _philox(element, int(step), int(seed), stream & _MASK)
    return ((words >> 8).to(torch.float32) * 2.0**-24).reshape(shape)


def row_order(rows, epoch, seed, shuffle):
    """The row at each position of an epoch: a permutation keyed by seed and epoch. Each of its six rounds rotates all rows, then shuffles some."""
    x = np.arange(rows, dtype=np.uint64)
    if not shuffle:
        return x.astype(np.int64)
    block = 1 << (rows.bit_length() - 1)
    key = (seed ^ ((epoch + 1) * 0x9E3779B1)) & _MASK
    key = ((key ^ (key >> 16)) * 0x85EBCA6B) & _MASK
    key = ((key ^ (key >> 13)) * 0xC2B2AE35) & _MASK
    key ^= key >> 16
    for step in range(6):
        x = (x + np.uint64(block if step % 2 else (key * rows) >> 32)) % np.uint64(rows)
        low = (x * np.uint64(key | 1) + np.uint64(key >> 7)) & np.uint64(block - 1)
        mixed = low ^ (low >> np.uint64(1)) ^ (low >> np.uint64(3)) ^ (low >> np.uint64(8))
        x = np.where(x < block, mixed, x)
        key = ((key ^ (key >> 15)) * 0x2C1B3C6D + 0x9E3779B1) & _MASK
    return x.astype(np.int64)
