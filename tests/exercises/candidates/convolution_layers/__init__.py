"""Right and wrong answers to the exercises of chapter 3."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.utils import make_grid

from .answers import (
    _CENTER,
    _KERNELS,
    _SOBEL,
    _about,
    _AsMatrix,
    _by_extremes,
    _by_reshape,
    _ChannelByChannel,
    _cost,
    _count_along,
    _edges,
    _first_channel,
    _flat_is,
    _flattened,
    _grown,
    _held,
    _held_by_loops,
    _kaiming,
    _layer,
    _one_by_one,
    _over,
    _overwriting,
    _PointwiseFirst,
    _reach,
    _row,
    _separable,
    _StrideLater,
    _sum_of_products,
    _tampered,
    _Unregistered,
    _Windows,
    _Wrapped,
    _zero_bias,
    _zeros_for_none,
)

RIGHT: dict[str, dict[str, object]] = {
    "conv-parameter-count": {
        "kernel by kernel": _held(_held_by_loops),
        "group by group": _held(
            lambda ins, outs, h, w, g, bias: (
                g * math.prod((outs // g, ins // g, h, w)) + (outs if bias else 0)
            )
        ),
    },
    "conv-layer": {
        "torch's own start": _layer(start=_kaiming),
        "scaled rand": _layer(
            start=lambda t, bound: t.copy_(2 * bound * torch.rand_like(t) - bound)
        ),
        "windows and einsum": _Windows,
    },
    "edge-layer": {
        "kernel by kernel": _edges(),
        "a bias of zeros": _zero_bias,
    },
    "reshaped-rows": {
        "counting along": _count_along,
        "slices of arange": _by_reshape,
    },
    "normalize-maps": {
        "over height and width": _over(2, 3),
        "flattened, by kthvalue": _flattened,
        "one by one": _one_by_one,
    },
    "conv-multiply-adds": {
        "counting the places": _cost(lambda h, w, c, o, k, g: h * w * o * (c // g) * k * k),
        "group by group": _cost(lambda h, w, c, o, k, g: sum([h * w * k**2 * o // g * c // g] * g)),
    },
    "separable-conv": {
        "the second as a matrix": _AsMatrix,
        "channel by channel": _ChannelByChannel,
    },
    "receptive-field": {
        "pixel by pixel": _reach,
        "a sum of products": _sum_of_products,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "conv-parameter-count": {
        "no bias": _held(lambda ins, outs, h, w, g, bias: outs * (ins // g) * h * w),
        "always a bias": _held(lambda ins, outs, h, w, g, bias: outs * (ins // g * h * w + 1)),
        "groups ignored": _held(lambda ins, outs, h, w, g, bias: outs * (ins * h * w + bias)),
        "groups in the outputs too": _held(
            lambda ins, outs, h, w, g, bias: outs // g * (ins // g) * h * w + outs * bias
        ),
        "the kernel's height twice": _held(
            lambda ins, outs, h, w, g, bias: outs * (ins // g * h * h + bias)
        ),
        "one bias": _held(lambda ins, outs, h, w, g, bias: outs * (ins // g) * h * w + bias),
        "a bias a slice": _held(
            lambda ins, outs, h, w, g, bias: outs * (ins // g) * (h * w + bias)
        ),
        "a float": _held(lambda ins, outs, h, w, g, bias: outs * (ins / g * h * w + bias)),
        "torch's own": lambda ins, outs, kernel, groups=1, bias=True: sum(
            p.numel() for p in nn.Conv2d(ins, outs, kernel, groups=groups, bias=bias).parameters()
        ),
    },
    "conv-layer": {
        "torch's own": nn.Conv2d,
        "torch's own within": _Wrapped,
        "a subclass of torch's own": type("Conv2d", (nn.Conv2d,), {}),
        "channels swapped": _layer(lambda ins, outs, h, w, g: (ins, outs // g, h, w)),
        "groups ignored in the weight": _layer(lambda ins, outs, h, w, g: (outs, ins, h, w)),
        "height and width swapped": _layer(lambda ins, outs, h, w, g: (outs, ins // g, w, h)),
        "stride ignored": _layer(change=lambda options: options | {"stride": 1}),
        "padding ignored": _layer(change=lambda options: options | {"padding": 0}),
        "dilation ignored": _layer(change=lambda options: options | {"dilation": 1}),
        "groups ignored": _layer(change=lambda options: options | {"groups": 1}),
        "dilation and groups swapped": _layer(
            change=lambda o: o | {"dilation": o["groups"], "groups": o["dilation"]}
        ),
        "always a bias": _layer(keep_bias=True),
        "zeros for no bias": _zeros_for_none,
        "plain tensors": _layer(wrap=lambda tensor: tensor),
        "buffers": _layer(wrap=nn.Buffer),
        "normal start values": _layer(start=lambda t, bound: t.normal_(0, bound)),
        "start at zero": _layer(start=lambda t, bound: t.zero_()),
        "only positive start values": _layer(start=lambda t, bound: t.uniform_(0, bound)),
        "the bound by the outputs": _layer(bound=lambda weight: weight.shape[0] ** -0.5),
        "the bound without the kernel": _layer(bound=lambda weight: weight.shape[1] ** -0.5),
        "no root in the bound": _layer(bound=lambda weight: 1 / weight[0].numel()),
    },
    "edge-layer": {
        "a random bias": _edges(bias=True),
        "zeros around": _edges(padding_mode="zeros"),
        "a mirror around": _edges(padding_mode="reflect", kernels=_KERNELS),
        "not divided by the channels": _edges(share=lambda channels: 1.0),
        "the first channel only": _first_channel,
        "right to left": _edges((-_SOBEL, _SOBEL.T, _CENTER)),
        "directions swapped": _edges((_SOBEL.T, _SOBEL, _CENTER)),
        "the center less all nine": _edges((_SOBEL, _SOBEL.T, _CENTER - 1 / 9)),
        "the center against their sum": _edges((_SOBEL, _SOBEL.T, 8 * _CENTER)),
        "two kernels": _edges((_SOBEL, _SOBEL.T)),
        "no padding": _edges(padding=0),
        "random weights": lambda channels: nn.Conv2d(channels, 3, 3, padding=1, bias=False),
        "a function": lambda channels: (
            lambda input: F.conv2d(input, torch.stack(_KERNELS)[:, None], padding=1)
        ),
    },
    "reshaped-rows": {
        "a row is an image": _row(lambda row, channels, per_row, i: (row, i)),
        "rows of an image by two": _row(lambda row, c, per, i: (row // 2, row % 2 * per + i)),
        "by rows of one image": _row(
            lambda row, c, per, i: (row // (c // per or 1), row % (c // per or 1) * per + i)
        ),
        "channels first": _row(lambda row, c, per, i: divmod(row * per + i, c)[::-1]),
        "counted from 1": _row(lambda row, c, per, i: divmod(row * per + i + 1, c)),
        "always threes": _row(lambda row, c, per, i: divmod(row * 3 + i, c)),
        "always six": _row(lambda row, c, per, i: divmod(row * per + i, 6)),
        "lists": lambda row, channels, per_row=3: [
            list(pair) for pair in _count_along(row, channels, per_row)
        ],
    },
    "normalize-maps": {
        "all together": _over(0, 1, 2, 3),
        "each image": _over(1, 2, 3),
        "each channel over the batch": _over(0, 2, 3),
        "each row": _over(3),
        "by the greatest only": _by_extremes(
            lambda maps: torch.zeros(()), lambda maps: maps.amax((2, 3), keepdim=True)
        ),
        "flat is zero": _flat_is(0.0),
        "flat is one": _flat_is(1.0),
        "flat is nan": _flat_is(math.nan),
        "mean and deviation": lambda maps: (
            (maps - maps.mean((2, 3), keepdim=True)) / maps.std((2, 3), keepdim=True)
        ),
        "to -1 and 1": lambda maps: 2 * _flattened(maps) - 1,
        "upside down": lambda maps: 1 - _flattened(maps),
        "clamped": lambda maps: maps.clamp(0, 1),
        "overwrites its input": _overwriting,
        "a small number added": lambda maps: _about(maps, lambda span: span + 1e-5),
        "a smaller number added": lambda maps: _about(maps, lambda span: span + 1e-8),
        "a least range": lambda maps: _about(maps, lambda span: span.clamp(min=1e-3)),
        "torchvision's": lambda maps: make_grid(maps, padding=0, normalize=True, scale_each=True),
    },
    "conv-multiply-adds": {
        "the size of the input": lambda size, in_channels, out_channels, kernel_size, **o: (
            size[0] * size[1] * out_channels * (in_channels // o.get("groups", 1)) * kernel_size**2
        ),
        "groups ignored": _cost(lambda h, w, c, o, k, g: h * w * o * c * k * k),
        "groups twice": _cost(lambda h, w, c, o, k, g: h * w * (o // g) * (c // g) * k * k),
        "multiplications and additions": _cost(
            lambda h, w, c, o, k, g: 2 * h * w * o * (c // g) * k * k
        ),
        "with the bias": _cost(lambda h, w, c, o, k, g: h * w * o * (c // g * k * k + 1)),
        "the height twice": _cost(lambda h, w, c, o, k, g: h * h * o * (c // g) * k * k),
        "one side of the kernel": _cost(lambda h, w, c, o, k, g: h * w * o * (c // g) * k),
        "a float": _cost(lambda h, w, c, o, k, g: h * w * o * (c / g) * k * k),
        "dilation ignored": _tampered(dilation=1),
        "stride ignored": _tampered(stride=1),
        "padding ignored": _tampered(padding=0),
    },
    "separable-conv": {
        "no groups": _separable(lambda options: options | {"groups": 1}),
        "a bias in both": _separable(depthwise_bias=True),
        "no bias at all": _separable(pointwise_bias=False),
        "stride ignored": _separable(lambda options: options | {"stride": 1}),
        "padding ignored": _separable(lambda options: options | {"padding": 0}),
        "stride and padding in both": _separable(settings_of_both=True),
        "stride in the pointwise part": _StrideLater,
        "a ReLU between": _separable(between=F.relu),
        "detached between": _separable(between=Tensor.detach),
        "pointwise first": _PointwiseFirst,
        "not registered": _Unregistered,
    },
    "receptive-field": {
        "kernels added up": _grown(lambda size, step, k, s, d: (size + k, step)),
        "strides ignored": _grown(lambda size, step, k, s, d: (size + d * (k - 1), step)),
        "dilation ignored": _grown(lambda size, step, k, s, d: (size + (k - 1) * step, step * s)),
        "its own stride counts": _grown(
            lambda size, step, k, s, d: (size + d * (k - 1) * step * s, step * s)
        ),
        "only the last stride": _grown(lambda size, step, k, s, d: (size + d * (k - 1) * step, s)),
        "strides added": _grown(
            lambda size, step, k, s, d: (size + d * (k - 1) * step, step + s - 1)
        ),
        "starts at zero": _grown(
            lambda size, step, k, s, d: (size + d * (k - 1) * step, step * s), start=0
        ),
        "dilation times kernel": _grown(
            lambda size, step, k, s, d: (size + (d * k - 1) * step, step * s)
        ),
        "the last layer only": lambda layers: layers[-1][2] * (layers[-1][0] - 1) + 1,
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
