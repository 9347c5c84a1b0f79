"""Operations that torch spells in another way, or for other arguments."""
import math

import torch
import torch.nn.functional as F


def to_int(x):
    """Truncated towards 0; NaN is 0, and what has no int32 is the nearest that has."""
    return torch.nan_to_num(x, nan=0.0).clamp(-2147483648.0, 2147483520.0).to(torch.int32)


def int_div(a, b):
    """a / b of integers, truncated towards 0; 0 where b is 0."""
    if isinstance(a, int) and isinstance(b, int):
        return 0 if b == 0 else int(math.trunc(a / b))
    zero = b == 0
    return torch.where(zero, torch.zeros_like(a), torch.div(a, torch.where(zero, torch.ones_like(b), b), rounding_mode="trunc"))


def int_rem(a, b):
    """The remainder of `int_div`, with the sign of a; 0 where b is 0."""
    if isinstance(a, int) and isinstance(b, int):
        return 0 if b == 0 else int(math.fmod(a, b))
    zero = b == 0
    return torch.where(zero, torch.zeros_like(a), torch.fmod(a, torch.where(zero, torch.ones_like(b), b)))


def argmax(x, dim, keepdim=False):
    """The place of the first maximum, or of the first NaN."""
    if not x.is_floating_point():
        x = x.to(torch.int64)
    most = x.amax(dim, keepdim=True)
    hit = torch.where(torch.isnan(most), torch.isnan(x), x == most) if x.is_floating_point() else x == most
    return hit.to(torch.int8).argmax(dim, keepdim=keepdim).to(torch.int32)


def argmin(x, dim, keepdim=False):
    """The place of the first minimum, or of the first NaN."""
    return argmax(-x.to(torch.int64) if not x.is_floating_point() else -x, dim, keepdim)


def rank(x, dim, descending=False):
    """The place of each element in a stable order along an axis; NaN comes last."""
    if x.is_floating_point():
        bad = torch.isnan(x)
        key = torch.where(bad, torch.zeros_like(x), -x if descending else x)
        first = torch.argsort(key, dim=dim, stable=True)
        order = first.gather(dim, torch.argsort(bad.gather(dim, first).to(torch.int8), dim=dim, stable=True))
    else:
        key = x.to(torch.int64)
        order = torch.argsort(-key if descending else key, dim=dim, stable=True)
    return unrank(order, dim)


def unrank(order, dim):
    """The inverse of the permutations along an axis."""
    order = order.to(torch.int64)
    size = [1] * order.dim()
    size[dim] = order.shape[dim]
    places = torch.arange(order.shape[dim]).reshape(size).expand(order.shape)
    return torch.zeros_like(order).scatter(dim, order, places).to(torch.int32)


def _walk(x, dim, reverse, exclusive, run, start):
    if reverse:
        x = x.flip(dim)
    if exclusive:
        first = torch.full_like(x.narrow(dim, 0, 1), start)
        x = torch.cat([first, x.narrow(dim, 0, x.shape[dim] - 1)], dim)
    y = run(x)
    return y.flip(dim) if reverse else y


def cumsum(x, dim, reverse=False, exclusive=False):
    return _walk(x, dim, reverse, exclusive, lambda y: y.cumsum(dim, dtype=x.dtype), 0)


def cumprod(x, dim, reverse=False, exclusive=False):
    return _walk(x, dim, reverse, exclusive, lambda y: y.cumprod(dim, dtype=x.dtype), 1)


def recurrence(a, b, dim, reverse=False):
    """s[i] = b[i] + a[i] * s[i - 1], from 0 before the first element."""
    places = range(b.shape[dim])
    s = torch.zeros_like(b.select(dim, 0))
    out = [None] * len(places)
    for i in reversed(places) if reverse else places:
        s = b.select(dim, i) + a.select(dim, i) * s
        out[i] = s
    return torch.stack(out, dim)


def _held(index, size):
    return index.to(torch.int64).clamp(0, size - 1)


def take(x, index, dim):
    """The axis of x replaced by the axes of index."""
    places = _held(index, x.shape[dim])
    rows = x.index_select(dim, places.reshape(-1))
    return rows.reshape(x.shape[:dim] + index.shape + x.shape[dim + 1 :])


def take_along(x, index, dim):
    return x.gather(dim, _held(index, x.shape[dim]))


def put_add(dy, index, dim, size):
    """Each row is the sum of the rows of dy whose index points to it: the adjoint of `take`."""
    before, after = dy.shape[:dim], dy.shape[dim + index.dim() :]
    rows = dy.reshape(before + (index.numel(),) + after)
    return dy.new_zeros(before + (size,) + after).index_add(dim, _held(index, size).reshape(-1), rows)


def put_along(dy, index, dim, size):
    """The adjoint of `take_along`."""
    shape = list(dy.shape)
    shape[dim] = size
    return dy.new_zeros(shape).scatter_add(dim, _held(index, size), dy)


def pad(x, widths, value):
    """Along each axis (low, high, interior): places before, behind, and between every two."""
    for axis, (low, high, interior) in enumerate(widths):
        size = x.shape[axis]
        if interior > 0 and size > 0:
            shape = list(x.shape)
            shape[axis] = size + (size - 1) * interior
            places = torch.arange(size) * (interior + 1)
            x = x.new_full(shape, value).index_copy(axis, places, x)
        if low or high:
            x = F.pad(x, (0, 0) * (x.dim() - 1 - axis) + (low, high), value=value)
    return x


_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def _around(x, low, high, value=0.0):
    widths = [w for pair in zip(reversed(low), reversed(high)) for w in pair]
    return F.pad(x, widths, value=value) if any(widths) else x


def conv(x, weight, bias=None, *, strides, low, high, dilation, groups=1):
    """A convolution whose padding differs on the two sides."""
    return _CONV[len(strides)](_around(x, low, high), weight, bias, strides, 0, dilation, groups)


def conv_transpose(y, weight, bias=None, size=None, *, strides, low, high, dilation, groups=1):
    """The adjoint of `conv` by its input, of spatial size `size`."""
    if size is None:
        bias, size = None, bias
    whole = _TRANSPOSED[len(strides)](y, weight, None, strides, 0, 0, groups, dilation)
    wanted = [s + a + b for s, a, b in zip(size, low, high)]
    grow = [(0, w - have) for w, have in zip(wanted, whole.shape[2:])]
    whole = _around(whole, [g[0] for g in grow], [max(0, g[1]) for g in grow])
    for axis, (a, s) in enumerate(zip(low, size)):
        whole = whole.narrow(axis + 2, a, s)
    return whole if bias is None else whole + bias.reshape([1, -1] + [1] * len(size))


def conv_weight_grad(x, dy, size, *, strides, low, high, dilation, groups=1):
    """The gradient of `conv` by its weight, of shape `size`."""
    weight = torch.zeros(size, requires_grad=True)
    with torch.enable_grad():
        y = conv(x, weight, strides=strides, low=low, high=high, dilation=dilation, groups=groups)
        (found,) = torch.autograd.grad(y, weight, dy, create_graph=True)
    return found


def _framed(x, n):
    return x.reshape((-1, 1) + x.shape[x.dim() - n :])


def _reframed(y, x, n):
    return y.reshape(x.shape[: x.dim() - n] + y.shape[2:])


def window_sum(x, window, *, strides, low, high, dilation):
    n = len(window)
    ones = x.new_ones((1, 1) + tuple(window))
    y = conv(_framed(x, n), ones, strides=strides, low=low, high=high, dilation=dilation)
    return _reframed(y, x, n)


def window_sum_grad(dy, size, window, *, strides, low, high, dilation):
    n = len(window)
    ones = dy.new_ones((1, 1) + tuple(window))
    y = conv_transpose(_framed(dy, n), ones, size, strides=strides, low=low, high=high, dilation=dilation)
    return _reframed(y, dy, n)


def _pooled(x, window, strides, low, high, dilation):
    n = len(window)
    around = _around(_framed(x, n), low, high, -math.inf)
    return _MAX_POOL[n](around, window, strides, 0, dilation, return_indices=True), around.shape[2:]


def window_max(x, window, *, strides, low, high, dilation):
    (y, _), _ = _pooled(x, window, strides, low, high, dilation)
    return _reframed(y, x, len(window))


def window_argmax(x, window, *, strides, low, high, dilation):
    """The place of the first maximum of each window among the last axes of x."""
    n = len(window)
    (_, at), around = _pooled(x, window, strides, low, high, dilation)
    place, flat = torch.zeros_like(at), at
    factor = 1
    for axis in reversed(range(n)):
        place = place + (flat % around[axis] - low[axis]) * factor
        flat = flat // around[axis]
        factor *= x.shape[x.dim() - n + axis]
    return _reframed(place, x, n).to(torch.int32)


def window_take(x, index, n):
    flat = x.reshape(x.shape[: x.dim() - n] + (-1,))
    at = _held(index.reshape(index.shape[: index.dim() - n] + (-1,)), flat.shape[-1])
    return flat.gather(-1, at).reshape(index.shape)


def window_put(dy, index, size):
    n = len(size)
    flat = dy.reshape(dy.shape[: dy.dim() - n] + (-1,))
    at = _held(index.reshape(flat.shape), math.prod(size))
    put = dy.new_zeros(flat.shape[:-1] + (math.prod(size),)).scatter_add(-1, at, flat)
    return put.reshape(flat.shape[:-1] + tuple(size))
