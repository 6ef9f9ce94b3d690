"""Cases and references of the exercises of chapter 6.

The references are torch's own. Where the probe watches for those, they are the course's, which are
tested against torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...linear import flatten, linear
from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal


def _whole(random: Random, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Whole numbers of any dtype: exact whatever the order of the sums, and easy to read."""
    return integers(random, -4, 4, *shape, dtype=dtype)


def _sizes(random: Random, count: int, low: int = 2, high: int = 5) -> list[int]:
    return [random.randint(low, high) for _ in range(count)]


# linear-by-matmul


def _linear_case(
    group: str, input: Tensor, weight: Tensor, bias: Tensor | None = None, *, fixed: bool = False
) -> Case:
    text = f"input {shape_text(input.shape)}, weight {shape_text(weight.shape)}"
    text += ", no bias" if bias is None else ", bias"
    text += "" if input.is_floating_point() else ", integers"
    return Case(group, text, {"input": input, "weight": weight, "bias": bias}, fixed)


def _linear_cases(random: Random) -> Iterator[Case]:
    input, weight = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
    bias = torch.tensor([10.0, 20.0])
    yield _linear_case("one vector", input, weight, bias, fixed=True)
    yield _linear_case("a batch", torch.stack([input, -input]), weight, bias, fixed=True)
    yield _linear_case("without a bias", input, weight, fixed=True)
    leading = {"one vector": 0, "a batch": 1, "more dimensions": 2, "without a bias": 1}
    for group, count in leading.items():
        for number in range(5):
            ins, outs = random.sample(range(2, 7), 2)
            ins = outs if number == 0 else ins  # a square weight hides that it is turned around
            dtype = torch.int64 if number == 1 else torch.float32
            shape = _sizes(random, count + (number == 2 and count > 1))
            input = _whole(random, *shape, ins, dtype=dtype)
            more = None if group == "without a bias" else _whole(random, outs, dtype=dtype)
            yield _linear_case(group, input, _whole(random, outs, ins, dtype=dtype), more)


linear_by_matmul = Oracle(_linear_cases, linear)


# flatten-dims


def _flatten_case(group: str, input: Tensor, *, fixed: bool = False, **dims: int) -> Case:
    said = "".join(f", {name} {value}" for name, value in dims.items())
    text = f"input {shape_text(input.shape)}{said}"
    return Case(group, text, {"input": input, **dims}, fixed)


def _flatten_cases(random: Random) -> Iterator[Case]:
    small = torch.arange(1.0, 13.0).reshape(2, 2, 3)
    yield _flatten_case("everything", small, fixed=True)
    yield _flatten_case("start_dim", small, start_dim=1, fixed=True)
    yield _flatten_case("end_dim", small, start_dim=0, end_dim=1, fixed=True)
    yield _flatten_case("counted from the end", small, start_dim=-2, end_dim=-1, fixed=True)
    for number in range(5):
        input = _whole(random, *_sizes(random, number + 1))
        yield _flatten_case("everything", input.mT if number > 1 else input)
    for group in ("start_dim", "end_dim", "counted from the end"):
        for number in range(6):
            shape = _sizes(random, 5)
            start = random.randint(1, 3)
            end = random.randint(start, 3)
            if number == 1:
                end = start  # nothing to do
            if number == 2 and group == "start_dim":
                shape[0] = 0  # a batch of no images
            dims: Any = {"start_dim": start} if group == "start_dim" else {"end_dim": end}
            if group == "end_dim" and number > 2:
                dims = {"start_dim": start, "end_dim": end}
            if group == "counted from the end":
                dims = {"start_dim": start - 5, "end_dim": end - (5 if number % 2 else 0)}
            yield _flatten_case(group, _whole(random, *shape), **dims)


flatten_dims = Oracle(_flatten_cases, flatten)


# matrix-of-a-layer


def _matrix_of(layer: Callable[[Tensor], Tensor], input_shape: tuple[int, ...]) -> Any:
    units = torch.eye(math.prod(input_shape)).unflatten(1, input_shape)
    zero = layer(torch.zeros_like(units[:1])).flatten(1)
    return (layer(units).flatten(1) - zero).mT, zero[0]


def _layer_case(
    group: str, kind: str, input_shape: tuple[int, ...], *, fixed: bool = False, **given: Any
) -> Case:
    tensors = {name: value for name, value in given.items() if isinstance(value, Tensor)}
    options = {name: value for name, value in given.items() if name not in tensors}
    text = f"{kind} of {shape_text(input_shape)}".replace("of of", "of an input of")
    if "weight" in tensors:
        text += f", weight {shape_text(tensors['weight'].shape)}"
    text += ", bias" if "bias" in tensors else ""
    text += "".join(f", {name} {value}" for name, value in options.items())
    inputs = {"kind": kind, "input_shape": input_shape, "tensors": tensors, "options": options}
    return Case(group, text, inputs, fixed)


def _matrix_cases(random: Random) -> Iterator[Case]:
    kernel, bias = torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([10.0])
    yield _layer_case("convolution", "convolution", (1, 1, 3), weight=kernel, fixed=True)
    yield _layer_case("bias", "convolution", (1, 1, 3), weight=kernel, bias=bias, fixed=True)
    padded: dict[str, Any] = {"weight": kernel, "stride": (1, 2), "padding": (0, 1)}
    yield _layer_case("stride and padding", "convolution", (1, 1, 3), **padded, fixed=True)
    yield _layer_case("other linear maps", "average pooling", (1, 2, 4), kernel_size=2, fixed=True)
    for group in ("convolution", "bias", "stride and padding"):
        for _ in range(4):
            channels, out = random.randint(1, 3), random.randint(1, 3)
            height, width = random.sample((3, 4, 5), 2)
            given: dict[str, Any] = {"weight": _whole(random, out, channels, 2, 3)}
            if group != "convolution":
                given["bias"] = _whole(random, out)
            if group == "stride and padding":
                given |= {"stride": random.randint(1, 2), "padding": random.randint(1, 2)}
            yield _layer_case(group, "convolution", (channels, height, width), **given)
    ins, outs = random.randint(2, 6), random.randint(2, 6)
    given = {"weight": _whole(random, outs, ins), "bias": _whole(random, outs)}
    yield _layer_case("other linear maps", "linear", (ins,), **given)
    sides = random.sample((2, 3, 4, 5), 2)
    shape = (random.randint(1, 3), *sides)
    yield _layer_case("other linear maps", "mirror, transpose and double", shape)
    yield _layer_case("other linear maps", "average pooling", (2, 4, 6), kernel_size=2, stride=2)
    given = {"weight": _whole(random, 2, 3, 2, 2), "stride": 2, "bias": _whole(random, 3)}
    yield _layer_case("other linear maps", "transposed convolution", (2, 2, 3), **given)


matrix_of_a_layer = Oracle(_matrix_cases, _matrix_of)


# inverted-dropout


def _drop(input: Tensor, noise: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    if not training:
        return input
    return torch.where(noise >= p, input / (1 - p), 0.0) if p < 1 else torch.zeros_like(input)


def _dropout_case(
    group: str, input: Tensor, noise: Tensor, *, fixed: bool = False, **options: Any
) -> Case:
    words = [f"input {shape_text(input.shape)}"] + [
        f"{name} {value}" for name, value in options.items()
    ]
    words = [word for word in words if "gradient" not in word]
    words = ["in both modes" if word == "both True" else word for word in words]
    words += ["double"] if input.dtype == torch.float64 else []
    words += ["some noise equal to p"] if (noise == options.get("p", 0.5)).any() else []
    return Case(group, ", ".join(words), {"input": input, "noise": noise, **options}, fixed)


def _dropout_cases(random: Random) -> Iterator[Case]:
    input, noise = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.1, 0.9, 0.5, 0.6])
    yield _dropout_case("training", input, noise, fixed=True)
    yield _dropout_case("training", input, noise, p=0.2, fixed=True)
    yield _dropout_case("evaluation", input, noise, p=0.2, both=True, fixed=True)
    yield _dropout_case("the ends of p", input, noise, p=1.0, fixed=True)
    for group in ("training", "evaluation", "the ends of p", "gradients"):
        for number in range(6):
            shape = _sizes(random, random.randint(1, 3), 3, 6)
            dtype = torch.float64 if number == 1 else torch.float32
            input, noise = normal(random, *shape, dtype=dtype), integers(random, 0, 7, *shape) / 8
            options: dict[str, Any] = {"p": (0.125, 0.25, 0.375, 0.5, 0.625, 0.75)[number]}
            if group == "evaluation":
                options["both"] = True
            if group == "the ends of p":
                options["p"] = float(number % 2)
            if group == "gradients":
                options["gradient"] = normal(random, *shape, dtype=dtype)
                options["p"] = 1.0 if number == 5 else options["p"]
            if group == "training" and number == 3:
                del options["p"]
            yield _dropout_case(group, input, noise, **options)


inverted_dropout = Oracle(_dropout_cases, _drop)


# batch-norm-module


class _BatchNorm(nn.modules.batchnorm._BatchNorm):
    """torch's own, for any number of dimensions."""

    def _check_input_dim(self, input: Tensor) -> None:
        pass


_BATCH_NORM_TEXT = {
    "training": ("output", "output in training mode"),
    "running statistics": ("statistics", "buffers afterward"),
    "evaluation": ("both", "output in evaluation mode, buffers"),
    "images": ("both", "output and buffers"),
    "learning": ("learning", "after steps of SGD"),
}


def _batch_norm_case(
    group: str, modes: str, inputs: list[Tensor], state: dict[str, Tensor], **more: Any
) -> Case:
    look, said = _BATCH_NORM_TEXT[group]
    text = f"{shape_text(inputs[0].shape)} input"
    text += f", {len(modes)} batches" if len(modes) > 1 else ""
    fixed = more.pop("fixed", False)
    text += "".join(f", {name} {value}" for name, value in more.items()) + f": {said}"
    shown = {"num_features": inputs[0].shape[1], "modes": modes, "inputs": inputs, "state": state}
    return Case(group, text, {**shown, "look": look, **more}, fixed)


def _batch_norm_cases(random: Random) -> Iterator[Case]:
    small = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 60.0]])
    yield _batch_norm_case("training", "t", [small], {}, fixed=True)
    yield _batch_norm_case("running statistics", "t", [small], {}, fixed=True)
    yield _batch_norm_case("evaluation", "te", [small, small[:1]], {}, fixed=True)
    image = torch.arange(8.0).reshape(2, 2, 1, 2)
    yield _batch_norm_case("images", "t", [image], {}, fixed=True)
    modes = {"training": "t", "running statistics": "ttt", "evaluation": "tee", "images": "tte"}
    for group in _BATCH_NORM_TEXT:
        for number in range(4):
            features = random.randint(2, 5)
            more = _sizes(random, 2, 1, 3) if group == "images" else []
            used = modes.get(group, ("ll", "lx", "xl", "lxl")[number])
            # Gradients through a normalization lose digits: double precision for them.
            dtype = torch.float64 if group == "learning" else torch.float32
            shapes = [(random.randint(3, 6), features, *more) for _ in used]
            inputs = [3 * normal(random, *shape, dtype=dtype) + 2 for shape in shapes]
            state = {name: normal(random, features) for name in ("weight", "bias", "running_mean")}
            state["running_var"] = normal(random, features).square() + 0.5
            options = {"eps": 0.5, "momentum": 0.25} if number > 1 else {}
            given = {} if number in (1, 3) and group != "evaluation" else state
            yield _batch_norm_case(group, used, inputs, given, **options)


batch_norm_module = Oracle(_batch_norm_cases, _BatchNorm, rtol=1e-4, atol=1e-5)


# layer-norm-function


def _layer_norm_case(
    group: str, input: Tensor, shape: tuple[int, ...], *, fixed: bool = False, **options: Any
) -> Case:
    text = f"{shape_text(input.shape)} input, normalized_shape {shape}"
    for name, value in options.items():
        text += f", {name}" if isinstance(value, Tensor) else f", {name} {value}"
    return Case(group, text, {"input": input, "normalized_shape": shape, **options}, fixed)


def _layer_norm_cases(random: Random) -> Iterator[Case]:
    small = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 20.0]])
    yield _layer_norm_case("one dimension", small, (4,), fixed=True)
    yield _layer_norm_case("several dimensions", small, (2, 4), fixed=True)
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0])
    yield _layer_norm_case("scale and shift", small, (4,), weight=weight, fixed=True)
    for group in ("one dimension", "several dimensions", "scale and shift", "eps"):
        for number in range(5):
            inner = 1 if group == "one dimension" else 2 + number % 2
            if group in ("scale and shift", "eps"):
                inner = random.randint(1, 3)
            shape = tuple(_sizes(random, inner, 3, 5))
            input = 3 * normal(random, *_sizes(random, random.randint(1, 2)), *shape) + 2
            options: dict[str, Any] = {}
            if group == "eps":
                options["eps"] = random.choice((0.25, 1.0, 4.0))
            if group == "eps" and number == 4:  # with the default value
                input, options = (input - 2) / 1000, {}
            if group == "scale and shift":
                names = (("weight",), ("bias",), ("weight", "bias"))[number % 3]
                options = {name: normal(random, *shape) for name in names}
            yield _layer_norm_case(group, input, shape, **options)


layer_norm_function = Oracle(_layer_norm_cases, F.layer_norm, rtol=1e-4, atol=1e-5)


# embedding-one-hot


def _embedding_case(
    group: str, indices: Tensor, table: Tensor, *, fixed: bool = False, **more: Tensor
) -> Case:
    text = f"indices {shape_text(indices.shape)}, table {shape_text(table.shape)}"
    text += ", float64" if table.dtype == torch.float64 else ""
    text += ", what flows back to the table" if more else ""
    return Case(group, text, {"indices": indices, "table": table, **more}, fixed)


def _embedding_cases(random: Random) -> Iterator[Case]:
    table = torch.tensor([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0], [30.0, 31.0]])
    yield _embedding_case("one sentence", torch.tensor([2, 0, 2]), table, fixed=True)
    yield _embedding_case("a batch", torch.tensor([[1, 3], [0, 1]]), table, fixed=True)
    ones = torch.ones(3, 2)
    yield _embedding_case("gradients", torch.tensor([2, 0, 2]), table, gradient=ones, fixed=True)
    leading = {"one sentence": 1, "a batch": 2, "gradients": 2}
    for group, count in leading.items():
        for number in range(5):
            rows, size = random.sample(range(3, 8), 2)
            shape = _sizes(random, count + (number == 2 and count > 1))
            if group == "a batch" and number == 3:
                shape = []  # a single word
            dtype = torch.float64 if number == 1 else torch.float32
            indices = integers(random, 0, rows - 1, *shape)
            more: Any = {}
            if group == "gradients":
                more["gradient"] = _whole(random, *shape, size, dtype=dtype) + 5
            assert math.prod(shape) >= 1
            yield _embedding_case(group, indices, normal(random, rows, size, dtype=dtype), **more)


embedding_one_hot = Oracle(_embedding_cases, F.embedding)
