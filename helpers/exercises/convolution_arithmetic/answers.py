"""Cases and references of the exercises of chapter 2. The references are torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

import torch
from torch.nn import functional as F

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers

#: The worked example of the chapter.
_INPUT = torch.tensor(
    [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
)
_KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]])


# Sizes


def _spoken(inputs: Mapping[str, Any]) -> str:
    """``input 6, kernel 3, stride 2`` for the arguments of a function of sizes."""
    words = {"input_size": "input", "kernel_size": "kernel", "output_padding": "output padding"}
    return ", ".join(f"{words.get(name, name)} {value}" for name, value in inputs.items())


def _fixed(group: str, **inputs: Any) -> Case:
    return Case(group, _spoken(inputs), inputs, fixed=True)


def _distinct(
    group: str, draw: Callable[[], dict[str, int]], reference: Callable[..., Any], count: int = 6
) -> Iterator[Case]:
    """Cases with ``count`` different right values, none an argument: no constant is often right."""
    seen: set[Any] = set()
    while len(seen) < count:
        inputs = draw()
        expected = reference(**inputs)
        if expected not in seen and expected not in inputs.values():
            seen.add(expected)
            yield Case(group, _spoken(inputs), inputs)


def _conv_size(input_size: int, kernel_size: int, **options: Any) -> int:
    signal, kernel = torch.zeros(1, 1, input_size), torch.zeros(1, 1, kernel_size)
    return int(F.conv1d(signal, kernel, **options).shape[2])


def _conv_output_size_cases(random: Random) -> Iterator[Case]:
    yield _fixed("kernel", input_size=4, kernel_size=3)
    yield _fixed("padding", input_size=5, kernel_size=3, padding=1)
    yield _fixed("stride", input_size=5, kernel_size=3, stride=2)
    yield _fixed("stride", input_size=8, kernel_size=3, stride=3)
    yield _fixed("dilation", input_size=7, kernel_size=3, dilation=2)
    yield _fixed("together", input_size=6, kernel_size=3, stride=2, padding=1)
    options = {"kernel": (), "padding": ("padding",), "stride": ("stride",)}
    options |= {"dilation": ("dilation",), "together": ("stride", "padding", "dilation")}
    ranges = {"padding": (1, 5), "stride": (2, 4), "dilation": (2, 4)}
    for group, names in options.items():

        def draw(names: tuple[str, ...] = names) -> dict[str, int]:
            sizes = {"input_size": random.randint(24, 60), "kernel_size": random.randint(2, 6)}
            return sizes | {name: random.randint(*ranges[name]) for name in names}

        yield from _distinct(group, draw, _conv_size)


conv_output_size = Oracle(_conv_output_size_cases, _conv_size)


def _same_padding(kernel_size: int, dilation: int = 1) -> tuple[int, int]:
    missing = 100 - _conv_size(100, kernel_size, dilation=dilation)
    return missing // 2, (missing + 1) // 2


def _same_padding_cases(random: Random) -> Iterator[Case]:
    yield _fixed("odd kernels", kernel_size=3)
    yield _fixed("even kernels", kernel_size=4)
    yield _fixed("dilation", kernel_size=3, dilation=2)
    yield _fixed("dilation", kernel_size=2, dilation=3)
    half = {"odd kernels": 1, "even kernels": 0}
    for group, odd in half.items():
        sizes = random.sample(range(2 + odd, 62, 2), 6)  # a table of the public ones has few
        yield from (Case(group, f"kernel {size}", {"kernel_size": size}) for size in sizes)

    def draw() -> dict[str, int]:
        return {"kernel_size": random.randint(2, 9), "dilation": random.randint(2, 7)}

    yield from _distinct("dilation", draw, _same_padding)


same_padding = Oracle(_same_padding_cases, _same_padding)


def _transposed_size(input_size: int, kernel_size: int, **options: Any) -> int:
    signal, kernel = torch.zeros(1, 1, input_size), torch.zeros(1, 1, kernel_size)
    return int(F.conv_transpose1d(signal, kernel, **options).shape[2])


def _conv_transpose_output_size_cases(random: Random) -> Iterator[Case]:
    yield _fixed("kernel", input_size=2, kernel_size=3)
    yield _fixed("stride", input_size=3, kernel_size=3, stride=2)
    yield _fixed("padding", input_size=3, kernel_size=3, stride=2, padding=1)
    yield _fixed(
        "output padding", input_size=3, kernel_size=3, stride=2, padding=1, output_padding=1
    )
    yield _fixed("together", input_size=4, kernel_size=3, stride=3, padding=1, dilation=2)
    options = {"kernel": (), "stride": ("stride",), "padding": ("stride", "padding")}
    options["output padding"] = ("stride", "output_padding")
    options["together"] = ("stride", "padding", "output_padding", "dilation")
    ranges = {"stride": (3, 5), "padding": (1, 3), "output_padding": (1, 2), "dilation": (2, 4)}
    for group, names in options.items():

        def draw(names: tuple[str, ...] = names) -> dict[str, int]:
            sizes = {"input_size": random.randint(4, 30), "kernel_size": random.randint(2, 7)}
            return sizes | {name: random.randint(*ranges[name]) for name in names}

        yield from _distinct(group, draw, _transposed_size)


conv_transpose_output_size = Oracle(_conv_transpose_output_size_cases, _transposed_size)


# Images


def _whole(
    random: Random, *shape: int, dtype: torch.dtype = torch.float32, low: int = -4, high: int = 4
) -> torch.Tensor:
    """Whole numbers of any dtype: exact whatever the order of the sums, and easy to read."""
    return integers(random, low, high, *shape, dtype=dtype)


def _tensors_text(input: torch.Tensor, weight: torch.Tensor, options: Mapping[str, Any]) -> str:
    told = [f"{shape_text(input.shape)} input", f"{shape_text(weight.shape)} weight"]
    for name, value in options.items():
        told.append(name if isinstance(value, torch.Tensor) else f"{name} {value}")
    if input.dtype != torch.float32:
        told.append(str(input.dtype).removeprefix("torch."))
    return ", ".join(told)


def _case(
    group: str, input: torch.Tensor, weight: torch.Tensor, *, fixed: bool = False, **options: Any
) -> Case:
    text = _tensors_text(input, weight, options)
    return Case(group, text, {"input": input, "weight": weight, **options}, fixed)


def _correlated(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return F.conv2d(input[None, None], weight[None, None])[0, 0]


def _cross_correlation_cases(random: Random) -> Iterator[Case]:
    small = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    yield _case("square", small, torch.tensor([[1.0, 0.0], [0.0, -1.0]]), fixed=True)
    yield _case("oblong", small[:2], torch.tensor([[1.0, 10.0]]), fixed=True)
    yield _case("integers", _INPUT, _KERNEL, fixed=True)
    for group in ("square", "oblong", "integers"):
        for _ in range(5):
            height, kernel_height = random.randint(4, 7), random.randint(1, 3)
            width, kernel_width = height, kernel_height
            if group != "square":
                width, kernel_width = height + random.choice((-1, 1, 2)), random.randint(1, 3)
            dtype = torch.int64 if group == "integers" else torch.float32
            input = _whole(random, height, width, dtype=dtype)
            yield _case(group, input, _whole(random, kernel_height, kernel_width, dtype=dtype))


cross_correlation = Oracle(_cross_correlation_cases, _correlated)


def _channels_last_to_first(images: torch.Tensor) -> torch.Tensor:
    return torch.movedim(images, -1, 1)


def _channels_first_cases(random: Random) -> Iterator[Case]:
    tiny = torch.tensor([[[11, 12, 13], [21, 22, 23]], [[31, 32, 33], [41, 42, 43]]])
    text = "one 2×2 image of 3 channels (tens count the pixels, ones the channels)"
    yield Case("square images", text, {"images": tiny[None].float()}, fixed=True)
    for group in ("square images", "oblong images", "bytes"):
        for _ in range(4):
            height = random.randint(4, 7)
            width = height if group == "square images" else height + random.randint(1, 4)
            dtype = torch.uint8 if group == "bytes" else torch.float32
            batch, channels = random.randint(1, 3), random.randint(2, 3)
            shape = (batch, height, width, channels)
            images = _whole(random, *shape, dtype=dtype, low=0, high=255)
            text = f"{shape_text(shape)} images" + (" of uint8" if group == "bytes" else "")
            yield Case(group, text, {"images": images})


channels_first = Oracle(_channels_first_cases, _channels_last_to_first)


# One's own conv2d, in three steps


def _drawn(
    random: Random,
    batch: int,
    channels: int,
    out: int,
    *,
    groups: int = 1,
    dilation: int = 1,
    dtype: torch.dtype = torch.float32,
) -> tuple[torch.Tensor, torch.Tensor]:
    """An input and a weight, oblong both, that leave room for strides."""
    height, width = random.sample((2, 3, 4), 2)
    room = random.sample((3, 4, 5, 6), 2)
    size = [dilation * (k - 1) + 1 + more for k, more in zip((height, width), room, strict=True)]
    input = _whole(random, batch, channels, *size, dtype=dtype)
    return input, _whole(random, out, channels // groups, height, width, dtype=dtype)


def _batch_channels_cases(random: Random) -> Iterator[Case]:
    input, weight = _INPUT.float(), _KERNEL.float()
    two = torch.stack([input, 10 * input])[None]
    yield _case("channels", two, weight.expand(1, 2, 3, 3).clone(), fixed=True)
    yield _case("kernels", input[None, None], torch.stack([weight, -weight])[:, None], fixed=True)
    yield _case("bias", input[None, None], weight[None, None], bias=torch.ones(1), fixed=True)
    for _ in range(5):
        yield _case("channels", *_drawn(random, 1, random.randint(2, 4), 1))
        yield _case("kernels", *_drawn(random, 1, random.randint(1, 3), random.randint(2, 4)))
        yield _case("batch", *_drawn(random, random.randint(2, 4), 3, random.randint(1, 3)))
        out = random.randint(2, 4)
        yield _case("bias", *_drawn(random, 2, 2, out), bias=_whole(random, out, low=1))


conv2d_batch_channels = Oracle(_batch_channels_cases, F.conv2d)


def _stride_padding_cases(random: Random) -> Iterator[Case]:
    input, weight = _INPUT.float()[None, None], _KERNEL.float()[None, None]
    yield _case("stride", input, weight, stride=2, fixed=True)
    yield _case("padding", input, weight, padding=1, fixed=True)
    yield _case("both", input, weight, stride=3, padding=1, fixed=True)
    yield _case("pairs", input, weight, stride=(1, 2), padding=(1, 0), fixed=True)
    for _ in range(5):
        yield _case("stride", *_drawn(random, 2, 2, 3), stride=random.randint(2, 3))
        yield _case("padding", *_drawn(random, 2, 2, 3), padding=random.randint(1, 2))
        out, stride, padding = random.randint(1, 3), random.randint(2, 3), random.randint(1, 2)
        tensors, bias = _drawn(random, random.randint(1, 3), 2, out), _whole(random, out)
        yield _case("both", *tensors, bias=bias, stride=stride, padding=padding)
        tensors = _drawn(random, 1, 2, 2)
        yield _case(
            "pairs", *tensors, stride=_unequal(random, 1, 3), padding=_unequal(random, 0, 2)
        )


def _unequal(random: Random, low: int, high: int) -> tuple[int, ...]:
    return tuple(random.sample(range(low, high + 1), 2))


conv2d_stride_padding = Oracle(_stride_padding_cases, F.conv2d)


def _dilation_groups_cases(random: Random) -> Iterator[Case]:
    input, weight = _INPUT.float()[None, None], _KERNEL.float()[None, None]
    yield _case("dilation", input, weight, padding=1, dilation=2, fixed=True)
    two, ones = torch.cat([input, 10 * input], 1), torch.ones(2, 1, 3, 3)
    yield _case("groups", two, ones, groups=2, fixed=True)
    yield _case("together", two, ones, stride=2, padding=2, dilation=2, groups=2, fixed=True)
    for _ in range(5):
        dilation = random.randint(2, 3)
        yield _case("dilation", *_drawn(random, 2, 2, 2, dilation=dilation), dilation=dilation)
    for ins, outs in ((2, 2), (1, 1), (2, 1), (1, 2), (2, 3)):
        groups = random.randint(2, 3)
        tensors = _drawn(random, 2, groups * ins, groups * outs, groups=groups)
        yield _case("groups", *tensors, groups=groups)
    for dtype in (torch.float32, torch.int64, torch.float64, torch.float32, torch.int64):
        yield _together(random, "together", dtype)
    for _ in range(4):
        case = _together(random, "gradients", torch.float32)
        output = F.conv2d(**case.inputs)
        gradient = _whole(random, *output.shape)
        yield Case(case.group, case.text, {**case.inputs, "gradient": gradient})


def _together(random: Random, group: str, dtype: torch.dtype) -> Case:
    groups, dilation = random.randint(1, 2), _unequal(random, 1, 3)
    out = 2 * groups
    input, weight = _drawn(
        random, 2, 2 * groups, out, groups=groups, dilation=max(dilation), dtype=dtype
    )
    options: dict[str, Any] = {"bias": _whole(random, out, dtype=dtype)}
    options |= {"stride": _unequal(random, 1, 2), "padding": _unequal(random, 0, 2)}
    return _case(group, input, weight, **options, dilation=dilation, groups=groups)


conv2d_dilation_groups = Oracle(_dilation_groups_cases, F.conv2d)
