"""Right and wrong answers to the exercises of chapter 4."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from .answers import (
    _avg_pool,
    _bins_by_ceil,
    _bins_by_pixels,
    _bins_with,
    _blur_by_slices,
    _blur_by_windows,
    _blur_mixing_channels,
    _blur_with,
    _both,
    _count_starts,
    _count_windows,
    _gradient_by_autograd,
    _gradient_in_loops,
    _gradient_with,
    _last_of_equals,
    _least_but,
    _max_by_as_strided,
    _max_pool,
    _max_with,
    _maxima,
    _mean,
    _mean_by_convolution,
    _size,
    _unpool_added,
    _unpool_by_index,
    _unpool_in_loops,
    _unpool_with,
)

RIGHT: dict[str, dict[str, object]] = {
    "pool-output-size": {
        "counting windows": _count_windows,
        "counting starts": _count_starts,
        "floor and ceil": _size(),
    },
    "max-pool": {
        "slice by slice": _max_pool,
        "as_strided and sort": _max_by_as_strided,
    },
    "avg-pool": {
        "window by window": _avg_pool,
        "convolutions with ones": _mean_by_convolution,
    },
    "max-unpool": {"loops": _unpool_in_loops, "one long row": _unpool_by_index},
    "max-pool-gradient": {
        "loops": _gradient_in_loops,
        "autograd through gather": _gradient_by_autograd,
    },
    "adaptive-bins": {"slivers of pixels": _bins_by_pixels, "floor and ceil": _bins_by_ceil},
    "blur-pool": {"slices": _blur_by_slices, "windows": _blur_by_windows},
}

WRONG: dict[str, dict[str, object]] = {
    "pool-output-size": {
        "stride 1 by default": _size(default="one"),
        "ceil_mode ignored": lambda *sizes, ceil_mode=False, **more: _size()(*sizes, **more),
        "always rounded up": _size(rounding=math.ceil),
        "round for floor": _size(rounding=round),
        "no window dropped": _size(limit=lambda size, padding: math.inf),
        "dropped one place too late": _size(limit=lambda size, padding: size + padding + 1),
        "dropped in the last pixels": _size(limit=lambda size, padding: size),
        "dropped behind the padding": _size(limit=lambda size, padding: size + 2 * padding),
        "dropped only with padding": _size(
            limit=lambda size, padding: size + padding if padding else math.inf
        ),
        "dilation ignored": _size(span="undilated"),
        "padding on one side": _size(pad=1),
        "one too few": _size(plus=0),
        "torch's own": lambda i, k, **more: F.max_pool1d(torch.zeros(1, 1, i), k, **more).shape[2],
    },
    "max-pool": {
        "padding with zeros": _maxima(lambda dtype: 0),
        "-1 for minus infinity": _maxima(lambda dtype: -1),
        "-1000 for minus infinity": _maxima(_least_but(-1000)),
        "-1e9 for minus infinity": _maxima(_least_but(-1e9)),
        "-1e9 for whole numbers": _maxima(
            lambda dtype: -math.inf if dtype.is_floating_point else _least_but(-(10**9))(dtype)
        ),
        "stride 1 by default": lambda x, k, stride=1, **more: _max_pool(x, k, stride, **more),
        "padding ignored": _max_with(padding=lambda value: 0),
        "dilation ignored": _max_with(dilation=lambda value: 1),
        "height and width of the stride swapped": _max_with(stride=lambda v: _both(v)[::-1]),
        "height and width of the padding swapped": _max_with(padding=lambda v: _both(v)[::-1]),
        "the first of a pair for both": _max_with(stride=lambda v: _both(v)[0]),
        "the least number": _maxima(lambda dtype: math.inf, torch.minimum),
        "always floats": lambda x, *sizes, **more: _max_pool(x.float(), *sizes, **more),
        "the first image only": lambda x, *sizes, **more: _max_pool(x[:1], *sizes, **more),
        "the maximum over channels": lambda x, *sizes, **more: _max_pool(x, *sizes, **more).amax(
            1, keepdim=True
        ),
        "torch's own": F.max_pool2d,
    },
    "avg-pool": {
        "padding always counts": _mean(counted="padding"),
        "padding never counts": _mean(counted="pixels"),
        "what hangs over counts": _mean(counted="whole window"),
        "stride 1 by default": _mean(default="one"),
        "ceil_mode ignored": _mean(ceil=lambda given: False),
        "always ceil_mode": _mean(ceil=lambda given: True),
        "divisor_override ignored": _mean(divide=False),
        "divided twice": lambda x, k, divisor_override=None, **more: (
            _avg_pool(x, k, **more) / (divisor_override or 1)
        ),
        "the first image only": lambda x, k, **more: _avg_pool(x[:1], k, **more),
        "the median": lambda x, k, stride=None, **more: (
            x.unfold(2, k, stride or k).unfold(3, k, stride or k).flatten(-2).median(-1).values
        ),
        "torch's own": F.avg_pool2d,
    },
    "max-unpool": {
        "the first image's indices for all": _unpool_with(
            lambda x, at, size: (x, at[:1].expand_as(at), size)
        ),
        "the first channel's indices for all": _unpool_with(
            lambda x, at, size: (x, at[:, :1].expand_as(at), size)
        ),
        "indices by columns": lambda x, at, size: _unpool_in_loops(x, at, size[::-1]).mT,
        "added where indices meet": _unpool_added,
        "always floats": _unpool_with(lambda x, at, size: (x.float(), at, size)),
        "one place too far": _unpool_with(
            lambda x, at, size: (x, (at + 1) % (size[0] * size[1]), size)
        ),
        "stretched": lambda x, at, size: F.interpolate(x.double(), size).to(x.dtype),
    },
    "max-pool-gradient": {
        "overwritten where windows meet": lambda *given: _gradient_in_loops(*given, add=False),
        "the last of equals": _gradient_with(_last_of_equals),
        "all of equals": _gradient_with(lambda window: (window == window.max()).float()),
        "shared among equals": _gradient_with(
            lambda window: (window == window.max()) / (window == window.max()).sum()
        ),
        "shared by the whole window": _gradient_with(
            lambda window: torch.full_like(window, 1 / window.numel())
        ),
        "the largest in absolute value": _gradient_with(
            lambda w: F.one_hot(w.abs().argmax(), w.numel()).reshape(w.shape)
        ),
        "the stride is the kernel size": lambda x, g, size, stride: _gradient_in_loops(
            x, g[..., : x.shape[2] // size, : x.shape[3] // size], size, size
        ),
        "ones for the gradient": lambda x, g, *sizes: _gradient_in_loops(
            x, torch.ones_like(g), *sizes
        ),
        "the first image only": lambda x, g, *sizes: _gradient_in_loops(x[:1], g[:1], *sizes),
    },
    "adaptive-bins": {
        "both ends rounded down": _bins_with(high=math.floor),
        "both ends rounded up": _bins_with(low=math.ceil),
        "both rounded": _bins_with(round, round),
        "the end included": _bins_with(plus=-1),
        "bins of one size": lambda size, count: [
            (i * (size // count), (i + 1) * (size // count)) for i in range(count)
        ],
        "bins of one width": lambda size, count: [
            (i * size // count, i * size // count - (-size // count)) for i in range(count)
        ],
        "the rest in the last bin": lambda size, count: [
            (i * (size // count), size if i == count - 1 else (i + 1) * (size // count))
            for i in range(count)
        ],
        "starts and lengths": lambda size, count: [
            (low, high - low) for low, high in _bins_by_pixels(size, count)
        ],
    },
    "blur-pool": {
        "zeros for a frame": _blur_with(mode="constant"),
        "the edge repeated": _blur_with(mode="replicate"),
        "an even blur": _blur_with(weights=(1, 1, 1), scale=9),
        "not divided": _blur_with(scale=1),
        "divided by 4": _blur_with(scale=4),
        "stride ignored": lambda x, stride=2: _blur_by_slices(x),
        "no stride": lambda x, stride=2: _blur_by_slices(x, 1),
        "skip, then blur": lambda x, stride=2: _blur_by_slices(x[..., ::stride, ::stride], 1),
        "the last of each pair": lambda x, stride=2: _blur_by_slices(x, 1)[
            ..., stride - 1 :: stride, stride - 1 :: stride
        ],
        "channels mixed": _blur_mixing_channels,
        "torch's mean": lambda x, stride=2: F.avg_pool2d(x, 3, stride, 1),
    },
}

EQUIVALENT: dict[str, set[str]] = {}
