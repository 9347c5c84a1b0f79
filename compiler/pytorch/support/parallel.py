"""One batch, shared by the processes of `torchrun`.

Each process has some rows of every batch. What a program adds up over the rows of a batch is added up over all processes here, and a
count of rows is that of the whole batch, so losses, metrics and the statistics of batch norm are those of one process. Gradients of
the loss are averaged over processes: each process differentiates the sum of all losses, which are the same in all.
In one process, `sum` and `mean` are those of torch.
"""
import torch
import torch.distributed as dist

_first = 0
_rows = 0
_all = 0
_shared = False


def processes():
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank():
    return dist.get_rank() if processes() > 1 else 0


def share(rows):
    """The rows of a batch that are this process's: `first` and how many. Until the next call, sums are over all processes."""
    global _first, _rows, _all, _shared
    n, r = processes(), rank()
    _first = rows * r // n
    _rows = rows * (r + 1) // n - _first
    _all = rows
    _shared = n > 1
    return _first, _rows


def alone(rows):
    """Sums are over this process again, which has all rows: a prediction."""
    global _first, _rows, _all, _shared
    _first, _rows, _all, _shared = 0, rows, rows, False


def is_shared():
    return _shared


def first_row():
    return _first


def rows():
    """Rows of the batch in this process."""
    return _rows


def count(rows):
    """Rows of the whole batch, of which this process has `rows`."""
    return _all if _shared else rows


def row_numbers(rows, dtype):
    """The places in the whole batch of this process's rows."""
    first = _first if _shared else 0
    return torch.arange(first, first + rows, dtype=dtype)


class _Total(torch.autograd.Function):
    """The sum over processes; so is its gradient, of any order."""

    @staticmethod
    def forward(ctx, x):
        y = x.contiguous().clone()
        dist.all_reduce(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return _Total.apply(g)


def total(x):
    """The sum of what the processes have; gradients flow back to all of them."""
    return _Total.apply(x) if _shared else x


def sum(x, dim=None, keepdim=False, dtype=None):
    """The sum over axes, the rows of the batch among them."""
    return total(x.sum(dtype=dtype) if dim is None else x.sum(dim, keepdim=keepdim, dtype=dtype))


def mean(x, dim=None, keepdim=False):
    """The mean over axes, the rows of the batch among them."""
    if not _shared:
        return x.mean() if dim is None else x.mean(dim, keepdim=keepdim)
    added = sum(x, dim, keepdim)
    axes = range(x.dim()) if dim is None else (dim if isinstance(dim, tuple) else (dim,))
    numbers = torch.tensor(1.0)
    for axis in axes:
        numbers = numbers * x.shape[axis]
    return added / total(numbers)


def differentiable(x):
    """x, by which gradients are going to be taken."""
    return x if x.requires_grad else x.detach().requires_grad_()


def gradient(y, x):
    """The gradient of a scalar y by x, which can be differentiated again; zeros where y does not depend on x."""
    if not y.requires_grad:
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(y, x, create_graph=True, allow_unused=True)
    if found is None:
        return torch.zeros_like(x)
    return found / processes() if _shared else found
