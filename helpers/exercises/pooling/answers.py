"""Cases and references of the exercises of chapter 4. The references are torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal

#: The worked examples of the chapter.
_INPUT = torch.tensor(
    [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
)
_SMALL = torch.tensor([[4, 4, 2], [4, 4, 2], [3, 3, 1]])


def _image_text(input: Tensor, options: Mapping[str, Any]) -> str:
    told = [f"{shape_text(input.shape)} input"]
    told += [f"{name.replace('_size', '')} {value}" for name, value in options.items()]
    if input.dtype != torch.float32:
        told.append(str(input.dtype).removeprefix("torch."))
    return ", ".join(told)


def _case(group: str, input: Tensor, *, fixed: bool = False, **options: Any) -> Case:
    return Case(group, _image_text(input, options), {"input": input, **options}, fixed)


# Sizes


def _pool_size(input_size: int, kernel_size: int, **options: Any) -> int:
    return int(F.max_pool1d(torch.zeros(1, 1, input_size), kernel_size, **options).shape[2])


def _size_case(group: str, *, fixed: bool = False, **inputs: Any) -> Case:
    words = {"input_size": "input", "kernel_size": "kernel"}
    text = ", ".join(f"{words.get(name, name)} {value}" for name, value in inputs.items())
    return Case(group, text, inputs, fixed)


def _overshoot(
    input_size: int,
    kernel_size: int,
    stride: int,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = True,
) -> int | None:
    """Where the window that rounding up adds starts, counted from the end of the input.

    None if none is added. From ``padding`` on (the left one counts) it is dropped.
    """
    free = input_size + 2 * padding - dilation * (kernel_size - 1) - 1
    return -(-free // stride) * stride - input_size if free % stride else None


def _size_draws(random: Random) -> dict[str, Callable[[], dict[str, Any]]]:
    """For each group, how the arguments of a case are drawn."""

    def sizes(**options: Any) -> dict[str, Any]:
        # the widest window, 7 points 4 apart, is 25
        given = {"input_size": random.randint(26, 66), "kernel_size": random.randint(2, 7)}
        return given | options

    def padded(**options: Any) -> dict[str, Any]:
        given = sizes(**{"stride": random.randint(2, 5), "padding": 0} | options)
        return given | {"padding": random.randint(1, given["kernel_size"] // 2)}

    def overshooting(
        keep: Callable[[int, int], bool], draw: Callable[..., Any] = padded, **options: Any
    ) -> dict[str, Any]:
        """Arguments with which rounding up adds a window that starts at such a place."""
        while True:
            given = draw(stride=random.randint(2, 9), ceil_mode=True, **options)
            place = _overshoot(**given)
            if place is not None and keep(place, given.get("padding", 0)):
                return given

    #: The window starts in the right padding, at its first place, just before it, or, without
    #: padding, behind the input; in turn, so that there are cases of each.
    edges: Iterator[tuple[Callable[[int, int], bool], Callable[..., Any]]] = cycle(
        (
            (lambda place, padding: place > padding, padded),
            (lambda place, padding: place == padding, padded),
            (lambda place, padding: 0 <= place < padding, padded),
            (lambda place, padding: place >= 0, sizes),
        )
    )

    def either() -> dict[str, Any]:
        """A window is added, or there is none to add."""
        if random.random() < 0.3:
            return padded(ceil_mode=True, dilation=random.randint(1, 2))
        return overshooting(lambda place, padding: place < 0, dilation=random.randint(1, 2))

    return {
        "default stride": sizes,
        "stride and padding": padded,
        "dilation": lambda: padded(dilation=random.randint(2, 4)),
        "ceil_mode": either,
        "dropped windows": lambda: overshooting(*next(edges)),
    }


def _pool_output_size_cases(random: Random) -> Iterator[Case]:
    def fixed(group: str, input_size: int, kernel_size: int, **options: Any) -> Case:
        given = {"input_size": input_size, "kernel_size": kernel_size, **options}
        return _size_case(group, fixed=True, **given)

    yield fixed("default stride", 5, 3)
    yield fixed("stride and padding", 5, 3, stride=2, padding=1)
    yield fixed("dilation", 7, 3, stride=1, dilation=2)
    yield fixed("ceil_mode", 5, 3, ceil_mode=True)
    yield fixed("ceil_mode", 6, 3, ceil_mode=True)
    yield fixed("dropped windows", 5, 2, stride=3, padding=1, ceil_mode=True)
    yield fixed("dropped windows", 5, 2, stride=6, ceil_mode=True)
    for group, draw in _size_draws(random).items():
        seen: set[int] = set()
        while len(seen) < 9:  # different right values, none an argument: no constant is right
            inputs = draw()
            expected = _pool_size(**inputs)
            if expected not in seen and expected not in inputs.values():
                seen.add(expected)
                yield _size_case(group, **inputs)


pool_output_size = Oracle(_pool_output_size_cases, _pool_size)


# Max pooling


def _negative(random: Random, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Numbers below zero, so that a frame of zeros would win."""
    return integers(random, -60, -1, *shape, dtype=dtype)


def _sizes(random: Random, least: int = 7) -> tuple[int, int]:
    """A height and another width."""
    height, width = random.sample(range(least, least + 5), 2)
    return height, width


def _max_pool_cases(random: Random) -> Iterator[Case]:
    input, small = _INPUT.float()[None, None], _SMALL.float()[None, None]
    yield _case("stride", input, kernel_size=3, fixed=True)
    yield _case("stride", small, kernel_size=2, stride=1, fixed=True)
    yield _case("padding", -small, kernel_size=2, padding=1, fixed=True)
    yield _case("dilation", input, kernel_size=2, stride=1, dilation=2, fixed=True)
    yield _case("pairs", input, kernel_size=(1, 3), stride=(2, 1), padding=(0, 1), fixed=True)
    yield _case("integers", -_INPUT[None, None], kernel_size=2, padding=1, fixed=True)
    for step in (None, 1, 2, 3, None):
        shape = random.randint(1, 3), random.randint(1, 3), *_sizes(random)
        options: dict[str, Any] = {"kernel_size": random.randint(2, 3)}
        options |= {} if step is None else {"stride": step}
        yield _case("stride", normal(random, *shape), **options)
    # Far below zero no number that is merely large stands for minus infinity.
    kinds = [(torch.float32, scale) for scale in (1, 10**10, 1, 10**10)]
    kinds += [(torch.int64, 1), (torch.int64, 10**10), (torch.uint8, 1), (torch.int32, 1)]
    for dtype, scale in kinds:
        size = random.randint(2, 5)
        options = {"kernel_size": size, "padding": random.randint(1, size // 2)}
        options["stride"] = random.randint(1, 3)
        input = _negative(random, 2, 2, *_sizes(random), dtype=dtype) * scale
        yield _case("padding" if dtype == torch.float32 else "integers", input, **options)
    for _ in range(5):
        options = {"kernel_size": random.randint(2, 3), "padding": random.randint(0, 1)}
        options |= {"stride": random.choice((1, 2)), "dilation": random.randint(2, 3)}
        yield _case("dilation", _negative(random, 2, 2, *_sizes(random, 8)), **options)
        yield _case("pairs", _negative(random, 2, 2, *_sizes(random, 8)), **_pairs(random))


def _pairs(random: Random) -> dict[str, Any]:
    def two(*values: int) -> tuple[int, ...]:
        return tuple(random.sample(values, 2))

    options = {"kernel_size": two(2, 3), "stride": two(1, 2), "padding": two(0, 1)}
    return options | {"dilation": two(1, 2)}


max_pool = Oracle(_max_pool_cases, F.max_pool2d)


# Average pooling


def _counted(random: Random, include: bool) -> dict[str, Any]:
    """Arguments of which at least one window holds padding and another holds none."""
    size = random.randint(2, 4)
    options: dict[str, Any] = {"kernel_size": size, "stride": random.randint(1, 3)}
    options["padding"] = random.randint(1, size // 2)
    return options if include else options | {"count_include_pad": False}


def _overhang(random: Random, include: bool) -> tuple[tuple[int, int], dict[str, Any]]:
    """A height and a width, and arguments with which windows hang over both."""
    while True:
        size, options = _sizes(random), _counted(random, include) | {"ceil_mode": True}
        kernel, stride, padding = (options[n] for n in ("kernel_size", "stride", "padding"))
        starts = [_overshoot(n, kernel, stride, padding) for n in size]
        if all(start is not None and start < padding for start in starts):
            return size, options


def _avg_pool_cases(random: Random) -> Iterator[Case]:
    small, input = _SMALL.float()[None, None], _INPUT.float()[None, None]
    yield _case("mean", small, kernel_size=2, stride=1, fixed=True)
    yield _case("padding counts", small, kernel_size=2, padding=1, fixed=True)
    told: dict[str, Any] = {"padding": 1, "count_include_pad": False}
    yield _case("padding does not count", small, kernel_size=2, **told, fixed=True)
    yield _case("ceil_mode", input, kernel_size=3, ceil_mode=True, fixed=True)
    yield _case("ceil_mode", input[..., :4, :4], kernel_size=3, stride=2, padding=1,
                ceil_mode=True, fixed=True)  # fmt: skip
    yield _case("divisor_override", small, kernel_size=2, stride=1, divisor_override=1, fixed=True)

    def image(size: tuple[int, int] | None = None) -> Tensor:
        return normal(random, random.randint(1, 3), random.randint(1, 3), *(size or _sizes(random)))

    for number in range(6):
        options: dict[str, Any] = {"kernel_size": random.randint(2, 4)}
        options |= {"stride": random.randint(1, 3)} if number % 2 else {}
        yield _case("mean", image(), **options)
        yield _case("padding counts", image(), **_counted(random, include=True))
        yield _case("padding does not count", image(), **_counted(random, include=False))
        size, options = _overhang(random, number % 2 == 0)
        yield _case("ceil_mode", image(size), **options)
        if number < 2:  # a window to drop
            options = {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}
            yield _case("ceil_mode", image((5, 7)), **options)
        elif number < 4:  # nothing to round
            options = {"kernel_size": 4, "stride": number - 1, "padding": random.randint(0, 1)}
            yield _case("ceil_mode", image((6, 8)), **options, ceil_mode=True)
        options = _counted(random, number % 2 == 0) | {"divisor_override": random.randint(2, 9)}
        yield _case("divisor_override", image(), **options)


avg_pool = Oracle(_avg_pool_cases, F.avg_pool2d, rtol=1e-5, atol=1e-5)


# Unpooling


def _unpooled(input: Tensor, indices: Tensor, output_size: tuple[int, int]) -> Tensor:
    whole = torch.ops.aten.max_unpool2d(input.double(), indices, output_size)
    return whole.to(input.dtype)


def _unpool_case(group: str, image: Tensor, *, fixed: bool = False, **options: Any) -> Case:
    """What max pooling of ``image`` returned, to be put back."""
    output, indices = F.max_pool2d(image, **options, return_indices=True)
    size = tuple(image.shape[-2:])
    text = f"{shape_text(output.shape)} input back to {shape_text(size)}"
    text += "" if image.is_floating_point() else ", int64"
    inputs = {"input": output, "indices": indices, "output_size": size}
    return Case(group, text, inputs, fixed)


def _max_unpool_cases(random: Random) -> Iterator[Case]:
    rows = torch.tensor([[1, 5, 2, 0], [3, 4, 9, 6]])
    yield _unpool_case("one map", rows.float()[None, None], kernel_size=2, fixed=True)
    yield _unpool_case("integers", _INPUT[None, None], kernel_size=2, fixed=True)
    for _ in range(5):
        overlap: dict[str, Any] = {"kernel_size": 3, "stride": random.randint(1, 2)}
        yield _unpool_case("one map", normal(random, 1, 1, *_sizes(random)), kernel_size=2)
        several = random.randint(2, 3), random.randint(2, 4), *_sizes(random)
        yield _unpool_case("batch and channels", normal(random, *several), **overlap)
        yield _unpool_case("integers", integers(random, -99, -1, *several), kernel_size=2)


max_unpool = Oracle(_max_unpool_cases, _unpooled)


# The gradient


def _pool_gradient(input: Tensor, gradient: Tensor, kernel_size: int, stride: int) -> Tensor:
    leaf = input.requires_grad_()
    output = F.max_pool2d(leaf, kernel_size, stride)
    return torch.autograd.grad((output * gradient).sum(), leaf)[0]


def _gradient_case(
    random: Random, group: str, input: Tensor, size: int, stride: int, *, fixed: bool = False
) -> Case:
    shape = F.max_pool2d(input, size, stride).shape
    count = shape.numel()
    gradient = 10.0 ** torch.arange(count) if fixed else integers(random, 1, 99, count).float()
    inputs: dict[str, Any] = {"input": input, "gradient": gradient.reshape(shape)}
    inputs |= {"kernel_size": size, "stride": stride}
    text = f"{shape_text(input.shape)} input, kernel {size}, stride {stride}"
    text += ", equal numbers" if group == "ties" else ""
    return Case(group, text, inputs, fixed)


def _different(random: Random, *shape: int) -> Tensor:
    """Whole numbers, no two alike, some of them negative."""
    count = torch.Size(shape).numel()
    numbers = random.sample(range(-count, count), count)
    return torch.tensor(numbers, dtype=torch.float32).reshape(shape)


def _max_pool_gradient_cases(random: Random) -> Iterator[Case]:
    square = torch.tensor([[1, 5, 2, 0], [3, 4, 9, 6]], dtype=torch.float32)[None, None]
    yield _gradient_case(random, "side by side", square, 2, 2, fixed=True)
    yield _gradient_case(random, "overlapping", square, 2, 1, fixed=True)
    equals = torch.tensor([[7, 7, 0, 3], [7, 7, 3, 0]], dtype=torch.float32)[None, None]
    yield _gradient_case(random, "ties", equals, 2, 2, fixed=True)
    for _ in range(5):
        size = random.randint(2, 3)
        image = _different(random, 1, 1, *_sizes(random))
        yield _gradient_case(random, "side by side", image, size, size)
        size = random.randint(3, 4)
        image = _different(random, 1, 1, *_sizes(random))
        yield _gradient_case(random, "overlapping", image, size, random.randint(1, 2))
        few = integers(random, -1, 1, 1, 1, *_sizes(random)).float()
        yield _gradient_case(random, "ties", few, random.randint(2, 3), random.randint(1, 3))
        several = _different(random, random.randint(2, 3), random.randint(2, 3), *_sizes(random, 5))
        yield _gradient_case(random, "batch and channels", several, 2, random.randint(1, 3))


max_pool_gradient = Oracle(_max_pool_gradient_cases, _pool_gradient)


# Adaptive pooling


def _bins(input_size: int, output_size: int) -> list[tuple[int, int]]:
    """Read off torch's own: row p of the result says which bins hold pixel p."""
    pixels = torch.eye(input_size, dtype=torch.float64)[:, None]
    held = F.adaptive_avg_pool1d(pixels, output_size)[:, 0].T
    spans = [row.nonzero().flatten().tolist() for row in held]
    return [(span[0], span[-1] + 1) for span in spans]


def _bins_case(group: str, input_size: int, output_size: int, *, fixed: bool = False) -> Case:
    text = f"input {input_size}, {output_size} bins"
    return Case(group, text, {"input_size": input_size, "output_size": output_size}, fixed)


def _adaptive_bins_cases(random: Random) -> Iterator[Case]:
    yield _bins_case("even", 6, 3, fixed=True)
    yield _bins_case("uneven", 5, 3, fixed=True)
    yield _bins_case("uneven", 7, 4, fixed=True)
    yield _bins_case("more bins than pixels", 2, 3, fixed=True)
    for _ in range(5):
        count = random.randint(3, 9)
        yield _bins_case("even", count * random.randint(2, 6), count)
        rest = random.choice([n for n in range(2, count) if count % n])  # widths that differ
        yield _bins_case("uneven", count * random.randint(1, 6) + rest, count)
        yield _bins_case("more bins than pixels", count, count + random.randint(1, 2 * count))


adaptive_bins = Oracle(_adaptive_bins_cases, _bins)


# Blur pooling


def _blurred(input: Tensor, stride: int = 2) -> Tensor:
    weights = torch.tensor([1.0, 2, 1]) / 4
    channels = input.shape[1]
    kernel = torch.outer(weights, weights).expand(channels, 1, 3, 3)
    framed = F.pad(input, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(framed, kernel, stride=stride, groups=channels)


def _blur_pool_cases(random: Random) -> Iterator[Case]:
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[0, 0, 2, 2] = 16
    yield _case("one map", impulse, fixed=True)
    yield _case("stride", impulse, stride=1, fixed=True)
    yield _case("one map", torch.full((1, 1, 4, 4), 16.0), fixed=True)
    for _ in range(5):
        yield _case("one map", normal(random, 1, 1, *_sizes(random)))
        several = random.randint(2, 3), random.randint(2, 4), *_sizes(random)
        yield _case("batch and channels", normal(random, *several))
        several = random.randint(1, 3), random.randint(1, 3), *_sizes(random)
        yield _case("stride", normal(random, *several), stride=random.choice((1, 3, 4)))


blur_pool = Oracle(_blur_pool_cases, _blurred, rtol=1e-5, atol=1e-5)
