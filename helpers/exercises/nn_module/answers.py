"""Cases and references of the exercises of chapter 1."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import normal


def _linear_state(random: random.Random, name: str, before: int, after: int) -> dict[str, Tensor]:
    return {f"{name}.weight": normal(random, after, before), f"{name}.bias": normal(random, after)}


def _leading(random: random.Random) -> tuple[tuple[int, ...], str]:
    """Batch dimensions, none to two of them, and how to say them."""
    shape = tuple(random.randint(2, 4) for _ in range(random.randint(0, 2)))
    return shape, f"a batch of {shape_text(shape)}" if shape else "no batch dimension"


# add-constant


class _AddConstant(nn.Module):
    def __init__(self, constant: float) -> None:
        super().__init__()
        self.constant = constant

    def forward(self, input: Tensor) -> Tensor:
        return torch.add(input, self.constant)


def _add_constant_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, constants: list[float], input: Tensor, **more: bool) -> Case:
        said = ", then ".join(f"{constant:+}" for constant in constants)
        numbers = f"{len(input)} numbers" if input.ndim == 1 else f"{shape_text(input.shape)} input"
        said += f", {numbers}"
        look = "input" if group == "the input stays as it was" else "output"
        said += ", output and input afterward" if look == "input" else ""
        return Case(group, said, {"constants": constants, "input": input, "look": look}, **more)

    yield made("output", [1.0], torch.tensor([1.0, 2.0, 3.0]), fixed=True)
    yield made("output", [-2.5], torch.tensor([[0.0, 1.0], [2.0, 3.0]]), fixed=True)
    yield made("two in a row", [1.0, 10.0], torch.tensor([1.0, 2.0, 3.0]), fixed=True)
    yield made("the input stays as it was", [1.0], torch.tensor([1.0, 2.0]), fixed=True)
    for group in ("output", "two in a row", "the input stays as it was"):
        for _ in range(5):
            constants = [round(random.uniform(1, 9), 1) * random.choice((-1, 1)) for _ in range(2)]
            count = 2 if group == "two in a row" else 1
            shape = [random.randint(1, 4) for _ in range(random.randint(1, 3))]
            yield made(group, constants[:count], normal(random, *shape))


add_constant = Oracle(_add_constant_cases, _AddConstant)


# scale-shift


class _ScaleShift(nn.Module):
    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(num_features))
        self.shift = nn.Parameter(torch.zeros(num_features))

    def forward(self, input: Tensor) -> Tensor:
        return torch.addcmul(self.shift, input, self.scale)


_SCALE_SHIFT_TEXT = {
    "output": "scale and shift set by hand",
    "learning": "after one step of SGD from the start values",
    "state_dict": "loaded from a state_dict, then from its own",
}


def _scale_shift_given(vectors: dict[str, Tensor], lr: float) -> dict[str, dict[str, Any]]:
    """What the probe is given, by group."""
    return {"output": vectors, "learning": {"lr": lr}, "state_dict": {"state": vectors}}


def _scale_shift_cases(random: random.Random) -> Iterator[Case]:
    input, scale, shift = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), [10.0, 1.0], [0.0, 5.0]
    vectors = {"scale": torch.tensor(scale), "shift": torch.tensor(shift)}
    for group, given in _scale_shift_given(vectors, lr=0.1).items():
        text = f"2 features, 2×2 input, {_SCALE_SHIFT_TEXT[group]}"
        yield Case(group, text, {"num_features": 2, "input": input, **given}, fixed=True)
    for group, said in _SCALE_SHIFT_TEXT.items():
        for _ in range(5):
            n = random.randint(2, 6)
            leading, batch = _leading(random)
            vectors = {"scale": normal(random, n), "shift": normal(random, n)}
            given = _scale_shift_given(vectors, lr=0.5)[group]
            inputs = {"num_features": n, "input": normal(random, *leading, n), **given}
            yield Case(group, f"{n} features, {batch}, {said}", inputs)


scale_shift = Oracle(_scale_shift_cases, _ScaleShift)


# call-counter


class _CallCounter(nn.Module):
    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, input: Tensor) -> Tensor:
        self.calls.add_(int(self.training))
        return input


def _call_counter_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, modes: str, input: Tensor, **more: bool) -> Case:
        text = f"{modes.count('t')} calls in training mode"
        text += f", {modes.count('e')} in evaluation mode" if "e" in modes else ""
        text += ", saved and loaded on the way" if "s" in modes else ""
        text += ", then moved" if group == "another device" else ""
        look = {"state_dict": "state_dict", "another device": "device"}.get(group, "")
        return Case(group, text, {"modes": modes, "input": input, "look": look}, **more)

    one = torch.tensor([1.0])
    yield made("counting", "ttt", one, fixed=True)
    yield made("evaluation mode", "tteet", one, fixed=True)
    yield made("state_dict", "ttst", one, fixed=True)
    yield made("another device", "tt", one, fixed=True)
    for group in ("counting", "evaluation mode", "state_dict", "another device"):
        for number in range(4):
            modes = ["t"] * (number + random.randint(2, 4))
            if group == "evaluation mode":
                modes += ["e"] * random.randint(2, 4)
                random.shuffle(modes)
            if group == "state_dict":
                modes.insert(random.randint(1, len(modes) - 1), "s")
            yield made(group, "".join(modes), normal(random, 2))


call_counter = Oracle(_call_counter_cases, _CallCounter)


# module-list-mlp


class _MLP(nn.Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(sizes))

    def forward(self, input: Tensor) -> Tensor:
        *hidden, last = self.layers
        for layer in hidden:
            input = F.relu(layer(input))
        return last(input)


_MLP_TEXT = {
    "output": "weights set by hand",
    "learning": "after one step of SGD",
    "state_dict": "weights loaded from a state_dict",
}


def _module_list_mlp_cases(random: random.Random) -> Iterator[Case]:
    small = {
        "layers.0.weight": torch.tensor([[1.0, -1.0], [-1.0, 1.0]]),
        "layers.0.bias": torch.zeros(2),
        "layers.1.weight": torch.tensor([[1.0, -2.0]]),
        "layers.1.bias": torch.tensor([0.5]),
    }
    for group, said in _MLP_TEXT.items():
        input = torch.tensor([[3.0, 1.0], [1.0, 3.0]])
        inputs = {"sizes": [2, 2, 1], "state": small, "input": input, "use": group}
        yield Case(group, f"sizes [2, 2, 1], {said}", inputs, fixed=True)
    for group, said in _MLP_TEXT.items():
        for depth in (1, 2, 3, 4):
            sizes = [random.randint(3, 6) for _ in range(depth + 1)]
            state: dict[str, Tensor] = {}
            for index in range(depth):
                pair = sizes[index : index + 2]
                state |= _linear_state(random, f"layers.{index}", *pair)
            leading, batch = _leading(random)
            inputs = {"sizes": sizes, "state": state, "use": group}
            inputs["input"] = normal(random, *leading, sizes[0])
            yield Case(group, f"sizes {sizes}, {batch}, {said}", inputs)


module_list_mlp = Oracle(_module_list_mlp_cases, _MLP, rtol=1e-4, atol=1e-4)


# count-parameters


def _count(module: nn.Module) -> int:
    return sum(p.numel() for p in set(module.parameters()) if p.requires_grad)


def _count_parameters_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, sizes: list[int], frozen: tuple[str, ...] = (), **more: bool) -> Case:
        tied, normalized = group == "shared parameters", group == "buffers"
        if tied:
            text = "two Linear(n, n), one weight; one Linear(n, 1), two names; "
            text += f"n = {', '.join(map(str, sizes))}"
        else:
            text = f"linear layers from {' to '.join(map(str, sizes))} features"
        text += " with batch normalization" if normalized else ""
        text += f", frozen: {', '.join(frozen)}" if frozen else ""
        inputs = {"sizes": sizes, "frozen": frozen, "normalized": normalized, "tied": tied}
        return Case(group, text, inputs, **more)

    yield made("plain networks", [3, 2], fixed=True)
    yield made("buffers", [3, 2], fixed=True)
    yield made("frozen parameters", [3, 2], ("0.weight",), fixed=True)
    yield made("shared parameters", [2], fixed=True)
    for depth in range(1, 6):
        sizes = [random.randint(2, 9) for _ in range(depth + 1)]
        names = [f"{2 * i}.{kind}" for i in range(depth) for kind in ("weight", "bias")]
        yield made("plain networks", sizes)
        yield made("buffers", sizes)
        frozen = random.sample(names, random.randint(1, len(names)))
        yield made("frozen parameters", sizes, tuple(frozen))
        yield made("shared parameters", sizes[1:])


count_parameters = Oracle(_count_parameters_cases, _count)


# freeze-by-name


def _freeze(module: nn.Module, pattern: str) -> list[str]:
    names = [name for name, _ in module.named_parameters() if fnmatchcase(name, pattern)]
    for name in names:
        module.get_parameter(name).requires_grad_(False)
    return names


_PATTERNS = (
    "features.*",
    "head.*",
    "*.bias",
    "*.weight",
    "features.[02].weight",
    "features.?.bias",
    "head.weight",
)


def _freeze_by_name_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, patterns: list[str], **more: bool) -> Case:
        state = _linear_state(random, "features.0", 2, 3)
        state |= _linear_state(random, "features.2", 3, 3) | _linear_state(random, "head", 3, 2)
        look = {"names": "names", "one step of SGD": "moved"}.get(group, "both")
        inputs = {"state": state, "patterns": patterns, "input": normal(random, 6, 2)}
        said = "pattern " + " then ".join(f'"{pattern}"' for pattern in patterns)
        said += "" if look == "names" else ", then a step of SGD with weight decay"
        return Case(group, said, inputs | {"look": look}, **more)

    yield made("names", ["*.bias"], fixed=True)
    yield made("names", ["nothing.*"], fixed=True)
    yield made("one step of SGD", ["features.*"], fixed=True)
    yield made("called twice", ["head.weight", "head.bias"], fixed=True)
    always = {"names": ["features.?.bias", "weight", "h*", "FEATURES.*"], "one step of SGD": ["*"]}
    for group in ("names", "one step of SGD", "called twice"):
        count = 2 if group == "called twice" else 1
        for pattern in always.get(group, []):
            yield made(group, [pattern])
        for _ in range(4):
            yield made(group, random.sample(_PATTERNS, count))


freeze_by_name = Oracle(_freeze_by_name_cases, _freeze)


# mend-residual


class _ScaledResidual(nn.Module):
    def __init__(self, num_features: int, p: float) -> None:
        super().__init__()
        self.linear = nn.Linear(num_features, num_features)
        self.gain = nn.Parameter(torch.full((num_features,), 0.1))
        self.dropout = nn.Dropout(p)

    def forward(self, input: Tensor) -> Tensor:
        return input + self.gain * self.dropout(self.linear(input))


_RESIDUAL_TEXT = {
    "learning": ("learning", "after one step of SGD, p = 0"),
    "evaluation mode": ("modes", "in evaluation and training mode, p = 1"),
    "state_dict": ("state_dict", "loaded from a state_dict, p = 0"),
}


def _mend_residual_cases(random: random.Random) -> Iterator[Case]:
    weight, input = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 1.0]])
    small = {"linear.weight": weight, "linear.bias": torch.zeros(2)}
    small["gain"] = torch.tensor([0.5, 1.0])
    for group, (use, said) in _RESIDUAL_TEXT.items():
        inputs = {"state": small, "input": input, "use": use}
        yield Case(group, f"2 features, 1×2 input, {said}", inputs, fixed=True)
    for group, (use, said) in _RESIDUAL_TEXT.items():
        for _ in range(5):
            n = random.randint(2, 5)
            leading, batch = _leading(random)
            state = _linear_state(random, "linear", n, n) | {"gain": normal(random, n)}
            inputs = {"state": state, "input": normal(random, *leading, n), "use": use}
            yield Case(group, f"{n} features, {batch}, {said}", inputs)


mend_residual = Oracle(_mend_residual_cases, _ScaledResidual)
