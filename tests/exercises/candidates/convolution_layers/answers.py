"""Right and wrong answers to the exercises of chapter 3."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Answer = Callable[..., Any]


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


# conv-parameter-count


def _held(rule: Callable[..., Any]) -> Answer:
    """A count by ``rule(ins, outs, height, width, groups, bias)``."""

    def conv_parameters(
        in_channels: int, out_channels: int, kernel_size: Any, groups: int = 1, bias: bool = True
    ) -> Any:
        return rule(in_channels, out_channels, *_both(kernel_size), groups, bias)

    return conv_parameters


def _held_by_loops(ins: int, outs: int, height: int, width: int, groups: int, bias: bool) -> int:
    count = 0
    for _ in range(groups):
        for _ in range(outs // groups):
            count += height * width * (ins // groups) + bias
    return count


# conv-layer


def _bound(weight: Tensor) -> float:
    return float(1 / math.sqrt(weight[0].numel()))


def _layer(
    shape: Callable[..., tuple[int, ...]] = lambda ins, outs, h, w, g: (outs, ins // g, h, w),
    start: Callable[[Tensor, float], Any] = lambda t, bound: t.uniform_(-bound, bound),
    bound: Callable[[Tensor], float] = _bound,
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda options: options,
    wrap: Callable[[Tensor], Any] = nn.Parameter,
    keep_bias: bool = False,
) -> type[nn.Module]:
    """A layer with some part of it changed."""

    class Conv2d(nn.Module):
        def __init__(
            self,
            in_channels: int,
            out_channels: int,
            kernel_size: Any,
            stride: Any = 1,
            padding: Any = 0,
            dilation: Any = 1,
            groups: int = 1,
            bias: bool = True,
        ) -> None:
            super().__init__()
            sizes = shape(in_channels, out_channels, *_both(kernel_size), groups)
            self.weight, self.bias = wrap(torch.empty(sizes)), wrap(torch.empty(out_channels))
            with torch.no_grad():
                start(self.weight, bound(self.weight))
                start(self.bias, bound(self.weight))
            if not bias and not keep_bias:
                self.bias = None
            given = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            self.options = change(given)

        def forward(self, input: Tensor) -> Tensor:
            return F.conv2d(input, self.weight, self.bias, **self.options)

    return Conv2d


def _kaiming(tensor: Tensor, bound: float) -> None:
    """What torch's own layer does: a gain that comes to the same bound."""
    if tensor.ndim == 4:
        nn.init.kaiming_uniform_(tensor, a=math.sqrt(5))
    else:
        nn.init.uniform_(tensor, -bound, bound)


class _Windows(_layer()):  # type: ignore[misc]
    """Without F.conv2d: windows and einsum."""

    def forward(self, input: Tensor) -> Tensor:
        (sh, sw), (ph, pw), (dh, dw) = (
            _both(self.options[name]) for name in ("stride", "padding", "dilation")
        )
        out, slices, kh, kw = self.weight.shape
        groups = self.options["groups"]
        views = F.pad(input, (pw, pw, ph, ph)).unfold(2, dh * (kh - 1) + 1, sh)
        views = views.unfold(3, dw * (kw - 1) + 1, sw)[..., ::dh, ::dw]
        views = views.unflatten(1, (groups, slices))
        kernels = self.weight.reshape(groups, out // groups, slices, kh, kw)
        output = torch.einsum("ngchwij,gocij->ngohw", views, kernels).flatten(1, 2)
        return output if self.bias is None else output + self.bias[:, None, None]


def _zeros_for_none(in_channels: int, out_channels: int, *args: Any, **options: Any) -> nn.Module:
    layer = _layer()(in_channels, out_channels, *args, **options)
    if layer.bias is None:
        del layer.bias
        layer.bias = torch.zeros(out_channels)
    return layer


class _Wrapped(nn.Module):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        self.layer = nn.Conv2d(*args, **options)
        self.weight, self.bias = self.layer.weight, self.layer.bias

    def forward(self, input: Tensor) -> Tensor:
        return self.layer(input)


# edge-layer

_SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
_CENTER = (9 * F.pad(torch.ones(1, 1), (1, 1, 1, 1)) - 1) / 8
_KERNELS = (_SOBEL, _SOBEL.T, _CENTER)


def _edges(
    kernels: tuple[Tensor, ...] = _KERNELS,
    share: Callable[[int], float] = lambda channels: 1 / channels,
    **options: Any,
) -> Answer:
    def edge_layer(in_channels: int) -> nn.Conv2d:
        how = {"padding": 1, "padding_mode": "replicate", "bias": False} | options
        layer = nn.Conv2d(in_channels, len(kernels), 3, **how)
        with torch.no_grad():
            for number, kernel in enumerate(kernels):
                layer.weight[number] = kernel * share(in_channels)
        return layer

    return edge_layer


def _zero_bias(in_channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, 3, 3, padding=(1, 1), padding_mode="replicate")
    weight = torch.einsum("oij,c->ocij", torch.stack(_KERNELS), torch.ones(in_channels))
    layer.weight = nn.Parameter(weight / in_channels)
    nn.init.zeros_(layer.bias)
    return layer


def _first_channel(in_channels: int) -> nn.Conv2d:
    layer = _edges(share=lambda channels: 1.0)(in_channels)
    with torch.no_grad():
        layer.weight[:, 1:] = 0
    return layer


# reshaped-rows


def _count_along(row: int, channels: int, per_row: int = 3) -> list[tuple[int, int]]:
    """Go through all maps, one after the other."""
    found, image, channel = [], 0, 0
    for number in range((row + 1) * per_row):
        if number >= row * per_row:
            found.append((image, channel))
        channel += 1
        if channel == channels:
            image, channel = image + 1, 0
    return found


def _by_reshape(row: int, channels: int, per_row: int = 3) -> list[tuple[int, int]]:
    images = math.ceil((row + 1) * per_row / channels)
    numbers = torch.arange(images * channels)[row * per_row : (row + 1) * per_row]
    return [(int(n) // channels, int(n) % channels) for n in numbers]


def _row(rule: Callable[..., tuple[int, int]]) -> Answer:
    return lambda row, channels, per_row=3: [
        rule(row, channels, per_row, place) for place in range(per_row)
    ]


# normalize-maps


def _by_extremes(low: Callable[[Tensor], Tensor], high: Callable[[Tensor], Tensor]) -> Answer:
    def normalize_maps(maps: Tensor) -> Tensor:
        least, most = low(maps), high(maps)
        made = (maps - least) / (most - least)
        return torch.where(most == least, torch.tensor(0.5), made)

    return normalize_maps


def _over(*dims: int) -> Answer:
    return _by_extremes(
        lambda maps: maps.amin(dims, keepdim=True), lambda maps: maps.amax(dims, keepdim=True)
    )


def _flattened(maps: Tensor) -> Tensor:
    rows = maps.flatten(2)
    low, high = (rows.kthvalue(k).values[..., None] for k in (1, rows.shape[2]))
    return torch.nan_to_num((rows - low) / (high - low), nan=0.5).reshape(maps.shape)


def _one_by_one(maps: Tensor) -> Tensor:
    made = [
        [(m - m.min()) / (m.max() - m.min()) if m.std() else torch.full_like(m, 0.5) for m in image]
        for image in maps
    ]
    return torch.stack([torch.stack(image) for image in made])


def _flat_is(value: float) -> Answer:
    def normalize_maps(maps: Tensor) -> Tensor:
        flat = (maps == maps[..., :1, :1]).all(-1).all(-1)
        return torch.where(flat[..., None, None], value, _flattened(maps))

    return normalize_maps


def _overwriting(maps: Tensor) -> Tensor:
    return maps.copy_(_flattened(maps))


def _about(maps: Tensor, span: Callable[[Tensor], Tensor]) -> Tensor:
    """Over a range that is not quite the maps'."""
    low, high = (one((2, 3), keepdim=True) for one in (maps.amin, maps.amax))
    return torch.where(high == low, 0.5, (maps - low) / span(high - low))


# conv-multiply-adds


def _cost(rule: Callable[..., Any]) -> Answer:
    """A count by ``rule(rows, columns, ins, outs, kernel, groups)``."""

    def multiply_adds(
        input_size: tuple[int, int],
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
    ) -> Any:
        return rule(
            *(_places(n, kernel_size, stride, padding, dilation) for n in input_size),
            *(in_channels, out_channels, kernel_size, groups),
        )

    return multiply_adds


def _places(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    last = size + padding - dilation * (kernel - 1)
    return len(range(-padding, last, stride))


def _tampered(**changes: Any) -> Answer:
    right = _cost(lambda h, w, c, o, k, g: h * w * o * (c // g) * k * k)

    def multiply_adds(input_size: tuple[int, int], **options: int) -> Any:
        return right(input_size, **(options | changes))

    return multiply_adds


# separable-conv


def _separable(
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda options: options,
    between: Callable[[Tensor], Tensor] = lambda input: input,
    depthwise_bias: bool = False,
    pointwise_bias: bool = True,
    settings_of_both: bool = False,
) -> type[nn.Module]:
    class SeparableConv2d(nn.Module):
        def __init__(
            self,
            in_channels: int,
            out_channels: int,
            kernel_size: int,
            stride: int = 1,
            padding: int = 0,
        ) -> None:
            super().__init__()
            how: dict[str, Any] = {"stride": stride, "padding": padding, "groups": in_channels}
            how = change(how)
            self.depthwise = nn.Conv2d(
                in_channels, in_channels, kernel_size, bias=depthwise_bias, **how
            )
            more = {"stride": stride, "padding": padding} if settings_of_both else {}
            self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=pointwise_bias, **more)

        def forward(self, input: Tensor) -> Tensor:
            return self.pointwise(between(self.depthwise(input)))

    return SeparableConv2d


class _AsMatrix(_separable()):  # type: ignore[misc]
    """The pointwise part as a matrix product over the channels."""

    def forward(self, input: Tensor) -> Tensor:
        middle = self.depthwise(input)
        mixed = torch.einsum("nchw,oc->nohw", middle, self.pointwise.weight[:, :, 0, 0])
        return mixed + self.pointwise.bias.reshape(1, -1, 1, 1)


class _ChannelByChannel(_separable()):  # type: ignore[misc]
    def forward(self, input: Tensor) -> Tensor:
        options = {"stride": self.depthwise.stride, "padding": self.depthwise.padding}
        kernels = self.depthwise.weight.split(1)
        parts = [
            F.conv2d(x, w, **options)  # type: ignore[arg-type]
            for x, w in zip(input.split(1, dim=1), kernels, strict=True)
        ]
        return self.pointwise(torch.cat(parts, dim=1))


class _PointwiseFirst(_separable()):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wide = self.pointwise.weight.shape[0]

    def forward(self, input: Tensor) -> Tensor:
        return self.depthwise(self.pointwise(input))


class _StrideLater(_separable()):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.pointwise.stride, self.depthwise.stride = self.depthwise.stride, (1, 1)


class _Unregistered(_separable()):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.layers = [self.depthwise, self.pointwise]
        object.__setattr__(self, "_modules", {})
        self.__dict__["depthwise"], self.__dict__["pointwise"] = self.layers


# receptive-field


def _reach(layers: list[tuple[int, int, int]]) -> int:
    """The pixels that the first output reads, found one by one."""
    reached = {0}
    for kernel, stride, gap in reversed(layers):
        reached = {stride * place + gap * tap for place in reached for tap in (0, kernel - 1)}
    return max(reached) - min(reached) + 1


def _sum_of_products(layers: list[tuple[int, int, int]]) -> int:
    strides = [stride for _, stride, _ in layers]
    terms = [d * (k - 1) * math.prod(strides[:i]) for i, (k, _, d) in enumerate(layers)]
    return 1 + sum(terms)


def _grown(rule: Callable[..., tuple[int, int]], start: int = 1) -> Answer:
    """A receptive field by ``rule(size, step, kernel, stride, dilation)``, layer by layer."""

    def receptive_field(layers: list[tuple[int, int, int]]) -> int:
        size, step = start, 1
        for kernel, stride, gap in layers:
            size, step = rule(size, step, kernel, stride, gap)
        return size

    return receptive_field
