"""Cases and references of the exercises of chapter 3. The references are torch's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal


def _said(in_channels: int, out_channels: int, **options: Any) -> str:
    """``3 → 6 channels, kernel 3, no bias`` for the arguments of a layer."""
    text = f"{in_channels} → {out_channels} channels"
    for name, value in options.items():
        size = "×".join(map(str, value)) if isinstance(value, tuple) else value
        text += ", no bias" if name == "bias" else f", {name.removesuffix('_size')} {size}"
    return text


def _different(
    make: Callable[[], Case], reference: Callable[..., Any], count: int = 5
) -> Iterator[Case]:
    """``count`` cases with different right values, so that no constant is often right."""
    seen: set[Any] = set()
    while len(seen) < count:
        case = make()
        expected = reference(**case.inputs)
        if expected not in seen:
            seen.add(expected)
            yield case


# conv-parameter-count


def _held(in_channels: int, out_channels: int, kernel_size: Any, **options: Any) -> int:
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, **options, device="meta")
    return sum(parameter.numel() for parameter in layer.parameters())


def _count_case(group: str, ins: int, outs: int, kernel: Any, fixed: bool, **more: Any) -> Case:
    inputs = {"in_channels": ins, "out_channels": outs, "kernel_size": kernel, **more}
    return Case(group, _said(**inputs), inputs, fixed)


def _conv_parameter_count_cases(random: Random) -> Iterator[Case]:
    yield _count_case("square kernels", 3, 6, 3, True)
    yield _count_case("oblong kernels", 1, 4, (1, 5), True)
    yield _count_case("groups", 6, 6, 3, True, groups=3)
    yield _count_case("no bias", 3, 6, 3, True, bias=False)

    def draw(group: str) -> Case:
        parts = random.randint(2, 4) if group == "groups" else 1
        ins, outs = (parts * random.randint(2, 9) for _ in range(2))
        kernel: Any = random.randint(2, 7)
        more: dict[str, Any] = {"groups": parts} if group == "groups" else {}
        if group == "oblong kernels":
            kernel = tuple(random.sample(range(1, 8), 2))
        if group == "no bias":
            more["bias"] = False
        return _count_case(group, ins, outs, kernel, False, **more)

    for group in ("square kernels", "oblong kernels", "groups", "no bias"):
        yield from _different(lambda group=group: draw(group), _held)  # type: ignore[misc]


conv_parameter_count = Oracle(_conv_parameter_count_cases, _held)


# conv-layer


#: What the probe does with a layer, and how a case says it.
_USES = {
    "output": "",
    "learning": ", after one step of SGD",
    "state_dict": ", loaded from a state_dict",
}


def _layer_case(
    random: Random, group: str, arguments: dict[str, Any], *, fixed: bool = False
) -> Case:
    use = {"no bias": "state_dict", "options": "output"}.get(group, group)
    shapes = nn.Conv2d(**arguments, device="meta").state_dict()
    state = {name: normal(random, *tensor.shape) for name, tensor in shapes.items()}
    batch, size = random.randint(1, 3), random.sample(range(9, 13), 2)
    input = normal(random, batch, arguments["in_channels"], *size)
    text = f"{_said(**arguments)}, {shape_text(input.shape)} input{_USES[use]}"
    inputs = {"arguments": arguments, "state": state, "input": input, "use": use}
    return Case(group, text, inputs, fixed)


def _start_case(arguments: dict[str, Any], fixed: bool = False) -> Case:
    inputs = {"arguments": arguments, "use": "start"}
    return Case("start values", _said(**arguments), inputs, fixed)


def _clear(fan_in: int) -> bool:
    """Whether 97 % of the bound and the bound itself lie between the same hundredths."""
    bound = 100 * fan_in**-0.5
    return bound % 1 > 0.03 * bound + 0.01


def _conv_layer_cases(random: Random) -> Iterator[Case]:
    plain, same = {"in_channels": 2, "out_channels": 3, "kernel_size": 3}, Random(0)
    yield _layer_case(same, "output", plain, fixed=True)
    options = {"stride": (2, 1), "padding": 1, "dilation": 3, "groups": 2}
    options = {"in_channels": 4, "out_channels": 6, "kernel_size": (2, 3)} | options
    yield _layer_case(same, "options", options, fixed=True)
    yield _layer_case(same, "no bias", plain | {"bias": False}, fixed=True)
    yield _layer_case(same, "learning", plain, fixed=True)
    yield _layer_case(same, "state_dict", plain, fixed=True)
    yield _start_case({"in_channels": 4, "out_channels": 512, "kernel_size": 3}, fixed=True)
    for group in ("output", "options", "no bias", "learning", "state_dict"):
        for _ in range(4):
            parts = random.randint(2, 3) if group == "options" else 1
            names = ("in_channels", "out_channels")
            drawn: dict[str, Any] = {name: parts * random.randint(1, 3) for name in names}
            drawn["kernel_size"] = random.randint(1, 3)
            if group == "options":
                drawn["kernel_size"] = random.choice([(1, 2), (3, 2), (2, 3)])
                drawn |= {"stride": random.choice([2, (1, 2), (3, 1)]), "groups": parts}
                drawn |= {"padding": random.choice([1, 2, (0, 1), (2, 1)])}
                drawn |= {"dilation": random.choice([4, (1, 2), (3, 2)])}
            if group == "no bias":
                drawn["bias"] = False
            yield _layer_case(random, group, drawn)
    yield from _start_cases(random)


def _start_cases(random: Random) -> Iterator[Case]:
    seen: set[int] = set()
    while len(seen) < 4:
        parts, slices, kernel = random.choice((2, 4)), random.randint(1, 6), random.randint(2, 4)
        fan_in = slices * kernel**2
        if fan_in not in seen and _clear(fan_in):
            seen.add(fan_in)
            sizes = {"in_channels": parts * slices, "out_channels": 512, "kernel_size": kernel}
            yield _start_case(sizes | {"groups": parts})


class _Conv2d(nn.Module):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        made = nn.Conv2d(*args, **options)
        self.weight, self.bias = made.weight, made.bias
        self.settings: Any = made.stride, made.padding, made.dilation, made.groups

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight, self.bias, *self.settings)


conv_layer = Oracle(_conv_layer_cases, _Conv2d, rtol=1e-4, atol=1e-4)


# edge-layer


def _edges(in_channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, 3, 3, padding=1, padding_mode="replicate", bias=False)
    sobel = torch.tensor([[1.0], [2.0], [1.0]]) * torch.tensor([-1.0, 0.0, 1.0])
    center = torch.full((3, 3), -1 / 8)
    center[1, 1] = 1
    kernels = torch.stack([sobel, sobel.mT, center]).unsqueeze(1).repeat(1, in_channels, 1, 1)
    layer.load_state_dict({"weight": kernels / in_channels})
    return layer


def _edge_layer_cases(random: Random) -> Iterator[Case]:
    def made(group: str, input: Tensor, text: str, fixed: bool = False) -> Case:
        looked = {"several channels": "all maps", "border": "all maps with their border"}
        text = f"{text}, {looked.get(group, 'its map')}"
        return Case(group, text, {"input": input, "look": group}, fixed)

    steps = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 4, 4)
    dot = F.pad(torch.ones(1, 1, 1, 1), (2, 2, 2, 2))
    yield made("left to right", steps.clone(), "a 4×4 image, dark left, bright right", True)
    yield made("top to bottom", steps.mT.clone(), "a 4×4 image, dark above, bright below", True)
    yield made("center", dot, "one bright pixel in the middle of 5×5", True)
    color = steps.repeat(1, 3, 1, 1)
    yield made("several channels", color, "the 4×4 image, dark left, in 3 channels", True)
    yield made("border", torch.ones(1, 1, 4, 4), "a white 4×4 image", True)
    for group in ("left to right", "top to bottom", "center", "several channels", "border"):
        for _ in range(4):
            channels = random.randint(2, 4) if group == "several channels" else 1
            shape = (random.randint(1, 3), channels, *random.sample(range(4, 9), 2))
            input = integers(random, -9, 9, *shape, dtype=torch.float32)
            yield made(group, input, f"{shape_text(shape)} input")


edge_layer = Oracle(_edge_layer_cases, _edges)


# reshaped-rows


def _row(row: int, channels: int, per_row: int = 3) -> list[tuple[int, int]]:
    """A reshape of the maps' own names."""
    images = (row + 1) * per_row // channels + 1
    names = [(image, channel) for image in range(images) for channel in range(channels)]
    return names[row * per_row : (row + 1) * per_row]


def _reshaped_rows_cases(random: Random) -> Iterator[Case]:
    def made(group: str, row: int, channels: int, per_row: int, fixed: bool = False) -> Case:
        text = f"row {row}, {channels} channels, {per_row} maps in a row"
        more = {} if group == "threes of six" else {"per_row": per_row}
        return Case(group, text, {"row": row, "channels": channels, **more}, fixed)

    yield made("threes of six", 0, 6, 3, True)
    yield made("threes of six", 3, 6, 3, True)
    yield made("other sizes", 5, 8, 2, True)
    yield made("across images", 1, 6, 4, True)
    for row in random.sample(range(4, 60), 5):
        yield made("threes of six", row, 6, 3)
    for row in random.sample(range(4, 60), 5):
        per_row = random.randint(2, 4)
        yield made("other sizes", row, per_row * random.randint(3, 5), per_row)
    for row in random.sample(range(4, 60), 5):
        per_row = random.randint(3, 5)
        yield made("across images", row, per_row + random.choice((-1, 1)), per_row)


reshaped_rows = Oracle(_reshaped_rows_cases, _row)


# normalize-maps


def _normalized(maps: Tensor) -> Tensor:
    made = torch.empty_like(maps)
    for one, into in zip(maps.flatten(0, 1), made.flatten(0, 1), strict=True):
        low, high = float(one.min()), float(one.max())
        into.copy_((one - low) / (high - low) if low < high else torch.full_like(one, 0.5))
    return made


def _normalize_maps_cases(random: Random) -> Iterator[Case]:
    def made(group: str, maps: Tensor, text: str = "", fixed: bool = False) -> Case:
        return Case(group, text or f"{shape_text(maps.shape)} maps", {"maps": maps}, fixed)

    small = torch.tensor([[-2.0, 0.0], [2.0, 6.0]])
    two = torch.stack([small, 10 * small])
    yield made("one map", small[None, None], fixed=True)
    yield made("several channels", two[None], "two channels, the second ten times as large", True)
    yield made("several images", two[:, None], "two images, the second ten times as large", True)
    flat = torch.stack([torch.full((2, 2), 3.0), small])[None]
    yield made("flat maps", flat, "a map whose values are all 3, and another", True)
    for group in ("one map", "several channels", "several images", "flat maps"):
        for least in (-5, 0, -5, 0):  # a small number added to the range must show
            images = 1 if group in ("one map", "several channels") else random.randint(2, 3)
            channels = 1 if group == "one map" else random.randint(2, 3)
            shape = (images, channels, *random.sample(range(2, 7), 2))
            scale = torch.tensor([10.0 ** (least + n) for n in range(images * channels)])
            maps = integers(random, -9, 9, *shape, dtype=torch.float32)
            maps[..., 0, 0], maps[..., 0, 1] = -10, 10  # no map is flat by chance
            maps = (maps + 3) * scale.reshape(images, channels, 1, 1)
            if group == "flat maps":
                maps.flatten(0, 1)[random.randrange(1, len(scale))] = random.choice((0, 7))
            text = f"{shape_text(shape)} maps, the first of range {20 * 10.0**least:g}"
            yield made(group, maps, text)


normalize_maps = Oracle(_normalize_maps_cases, _normalized)


# conv-multiply-adds


def _multiplied(
    input_size: tuple[int, int], in_channels: int, out_channels: int, kernel_size: int, **more: Any
) -> int:
    slices = in_channels // more.get("groups", 1)
    weight = torch.zeros(out_channels, slices, kernel_size, kernel_size)
    output = F.conv2d(torch.zeros(1, in_channels, *input_size), weight, **more)
    return output.numel() * weight[0].numel()


def _cost_case(
    group: str, size: tuple[int, int], channels: tuple[int, int], fixed: bool, **options: int
) -> Case:
    layer = {"in_channels": channels[0], "out_channels": channels[1], **options}
    text = f"{shape_text(size)} image, {_said(**layer)}"
    return Case(group, text, {"input_size": size, **layer}, fixed)


def _conv_multiply_adds_cases(random: Random) -> Iterator[Case]:
    yield _cost_case("kernel", (32, 32), (3, 6), True, kernel_size=3)
    yield _cost_case("stride and padding", (6, 8), (3, 6), True, kernel_size=3, stride=2, padding=1)
    yield _cost_case("groups", (5, 5), (6, 6), True, kernel_size=3, groups=3)
    ranges = {"stride": (2, 3), "padding": (1, 3), "dilation": (2, 3), "groups": (2, 4)}
    names: dict[str, tuple[str, ...]] = {"kernel": (), "stride and padding": ("stride", "padding")}
    names |= {"groups": ("groups",), "together": tuple(ranges)}

    def draw(group: str) -> Case:
        more = {name: random.randint(*ranges[name]) for name in names[group]}
        parts = more.get("groups", 1)
        channels = (parts * random.randint(1, 4), parts * random.randint(1, 4))
        size = (random.randint(15, 24), random.randint(25, 32))
        return _cost_case(group, size, channels, False, kernel_size=random.randint(2, 5), **more)

    for group in names:
        yield from _different(lambda group=group: draw(group), _multiplied)  # type: ignore[misc]


conv_multiply_adds = Oracle(_conv_multiply_adds_cases, _multiplied)


# separable-conv


class _Separable(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, **more: int) -> None:
        super().__init__()
        options: dict[str, Any] = {"groups": in_channels, "bias": False, **more}
        self.depthwise = nn.Conv2d(in_channels, in_channels, kernel_size, **options)
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1)
        self.more: Any = more

    def forward(self, input: Tensor) -> Tensor:
        """One full convolution, by kernels in proportion."""
        weight = self.pointwise.weight * self.depthwise.weight.transpose(0, 1)
        return F.conv2d(input, weight, self.pointwise.bias, **self.more)


def _separable_conv_cases(random: Random) -> Iterator[Case]:
    def made(random: Random, group: str, fixed: bool = False, **arguments: int) -> Case:
        ins, outs, size = (arguments[n] for n in ("in_channels", "out_channels", "kernel_size"))
        state = {"depthwise.weight": normal(random, ins, 1, size, size)}
        state["pointwise.weight"] = normal(random, outs, ins, 1, 1)
        state["pointwise.bias"] = normal(random, outs)
        shape = (random.randint(1, 3), ins, *random.sample(range(7, 11), 2))
        use = "output" if group == "options" else group
        text = f"{_said(**arguments)}, {shape_text(shape)} input{_USES[use]}"
        inputs = {"arguments": arguments, "state": state, "input": normal(random, *shape)}
        return Case(group, text, inputs | {"use": use}, fixed)

    for group in ("output", "options", "learning", "state_dict"):
        more = {"stride": 2, "padding": 1} if group == "options" else {}
        yield made(Random(0), group, True, in_channels=2, out_channels=3, kernel_size=3, **more)
    for group in ("output", "options", "learning", "state_dict"):
        for _ in range(4):
            ins = random.randint(2, 4)
            outs, kernel = ins + random.choice((-1, 1, 2)), random.randint(2, 4)
            sizes: dict[str, Any] = {"in_channels": ins, "out_channels": outs}
            sizes["kernel_size"] = kernel
            if group == "options":
                sizes |= {"stride": random.randint(2, 3), "padding": random.randint(1, 2)}
            yield made(random, group, **sizes)


separable_conv = Oracle(_separable_conv_cases, _Separable, rtol=1e-4, atol=1e-4)


# receptive-field


def _field(layers: list[tuple[int, int, int]]) -> int:
    """From the last layer back to the input, as Araujo et al. go."""
    size = 1
    for kernel_size, stride, dilation in reversed(layers):
        size = (size - 1) * stride + dilation * (kernel_size - 1) + 1
    return size


def _receptive_field_cases(random: Random) -> Iterator[Case]:
    def made(group: str, layers: list[tuple[int, int, int]], fixed: bool = False) -> Case:
        text = "layers (kernel, stride, dilation): " + ", ".join(map(str, layers))
        return Case(group, text, {"layers": layers}, fixed)

    yield made("stride 1", [(3, 1, 1)], True)
    yield made("stride 1", [(3, 1, 1), (3, 1, 1)], True)
    yield made("strides", [(3, 2, 1), (3, 1, 1)], True)
    yield made("dilation", [(3, 1, 1), (3, 1, 2)], True)
    yield made("together", [(3, 2, 1), (3, 2, 2), (3, 1, 1)], True)

    def draw(group: str) -> Case:
        strides = (2, 3) if group in ("strides", "together") else (1,)
        gaps = (2, 3, 4) if group in ("dilation", "together") else (1,)
        depth = random.randint(2, 5)
        layers = [
            (random.randint(2, 6), random.choice(strides), random.choice(gaps))
            for _ in range(depth)
        ]
        return made(group, layers)

    for group in ("stride 1", "strides", "dilation", "together"):
        yield from _different(lambda group=group: draw(group), _field)  # type: ignore[misc]


receptive_field = Oracle(_receptive_field_cases, _field)
