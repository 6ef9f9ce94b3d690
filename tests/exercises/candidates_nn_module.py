"""Right and wrong answers to the exercises of chapter 1."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# add-constant


def _adder(forward: Callable[[Any, Tensor], Tensor]) -> type[nn.Module]:
    """A module that keeps its constant, with this ``forward``."""

    class AddConstant(nn.Module):
        def __init__(self, constant: float) -> None:
            super().__init__()
            self.constant = constant

    AddConstant.forward = forward  # type: ignore[method-assign]
    return AddConstant


def _in_place(self: Any, input: Tensor) -> Tensor:
    input += self.constant
    return input


class _AddsBuffer(nn.Module):
    def __init__(self, constant: float) -> None:
        super().__init__()
        self.register_buffer("constant", torch.tensor(constant))

    def forward(self, input: Tensor) -> Tensor:
        return self.constant - (-input)


class _NotAModule:
    def __init__(self, constant: float) -> None:
        self.constant = constant

    def __call__(self, input: Tensor) -> Tensor:
        return input + self.constant


class _SharedConstant(nn.Module):
    constant = 0.0

    def __init__(self, constant: float) -> None:
        super().__init__()
        type(self).constant = constant

    def forward(self, input: Tensor) -> Tensor:
        return input + self.constant


# scale-shift


class _AffineRows(nn.Module):
    """One matrix of two rows, seen through properties: right for learning, not for names."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.both = nn.Parameter(torch.stack([torch.ones(num_features), torch.zeros(num_features)]))

    scale = property(lambda self: self.both[0])
    shift = property(lambda self: self.both[1])

    def forward(self, input: Tensor) -> Tensor:
        return input * self.scale + self.shift


def _scale_shift(
    scale: Callable[[int], Any],
    shift: Callable[[int], Any],
    rule: Callable[[Any, Any, Any], Tensor],
) -> type[nn.Module]:
    class ScaleShift(nn.Module):
        def __init__(self, num_features: int) -> None:
            super().__init__()
            self.scale, self.shift = scale(num_features), shift(num_features)

        def forward(self, input: Tensor) -> Tensor:
            return rule(input, self.scale, self.shift)

    return ScaleShift


def _ones(n: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(n))


def _zeros(n: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(n))


def _affine(input: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return input * scale + shift


class _Registered(nn.Module):
    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_parameter("scale", nn.Parameter(torch.full((num_features,), 1.0)))
        self.register_parameter("shift", nn.Parameter(torch.empty(num_features)))
        nn.init.zeros_(self.shift)

    def forward(self, input: Tensor) -> Tensor:
        return torch.einsum("...i,i->...i", input, self.scale).add(self.shift)


class _ScaleShiftBuffers(nn.Module):
    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(num_features))
        self.register_buffer("shift", torch.zeros(num_features))

    forward = _Registered.forward


# call-counter


def _counter(start: Callable[[], Any], forward: Callable[..., Tensor], **how: Any) -> type:
    """A module that registers ``start()`` as its buffer, with this ``forward``."""

    class CallCounter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if how.get("plain"):
                self.calls = start()
            else:
                self.register_buffer("calls", start(), **how)

    CallCounter.forward = forward  # type: ignore[attr-defined]
    return CallCounter


def _count_in_training(self: Any, input: Tensor) -> Tensor:
    if self.training:
        self.calls += 1
    return input


def _count_always(self: Any, input: Tensor) -> Tensor:
    self.calls += 1
    return input


def _count_evaluation(self: Any, input: Tensor) -> Tensor:
    self.calls += not self.training
    return input


def _count_new_tensor(self: Any, input: Tensor) -> Tensor:
    self.calls = torch.where(torch.tensor(self.training), self.calls + 1, self.calls)
    return input


def _count_returns_count(self: Any, input: Tensor) -> Any:
    _count_in_training(self, input)
    return self.calls


def _count_rows(self: Any, input: Tensor) -> Tensor:
    if self.training:
        self.calls += len(input)
    return input


def _zero() -> Tensor:
    return torch.tensor(0)


class _BufferClass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = nn.Buffer(torch.zeros(1, dtype=torch.int64).squeeze())

    forward = _count_new_tensor


class _CountParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = nn.Parameter(torch.tensor(0.0), requires_grad=False)

    forward = _count_in_training


# module-list-mlp


def _mlp(
    forward: Callable[[Any, Tensor], Tensor],
    container: Callable[[list[nn.Module]], Any] = nn.ModuleList,
    **how: Any,
) -> type[nn.Module]:
    class MLP(nn.Module):
        def __init__(self, sizes: list[int]) -> None:
            super().__init__()
            self.layers = container([nn.Linear(*pair, **how) for pair in pairwise(sizes)])

    MLP.forward = forward  # type: ignore[method-assign]
    return MLP


def _relu_between(self: Any, input: Tensor) -> Tensor:
    for index, layer in enumerate(self.layers):
        input = layer(input if index == 0 else input.clamp(min=0))
    return input


def _relu_after_all(self: Any, input: Tensor) -> Tensor:
    for layer in self.layers:
        input = F.relu(layer(input))
    return input


def _no_relu(self: Any, input: Tensor) -> Tensor:
    for layer in self.layers:
        input = layer(input)
    return input


def _relu_before_first(self: Any, input: Tensor) -> Tensor:
    for layer in self.layers:
        input = layer(F.relu(input))
    return input


def _last_forgotten(self: Any, input: Tensor) -> Tensor:
    for layer in self.layers[:-1]:
        input = F.relu(layer(input))
    return input


def _recursive(self: Any, input: Tensor, index: int = 0) -> Tensor:
    output = self.layers[index](input)
    if index == len(self.layers) - 1:
        return output
    return _recursive(self, output * (output > 0), index + 1)


def _gelu_between(self: Any, input: Tensor) -> Tensor:
    for layer in self.layers[:-1]:
        input = F.gelu(layer(input))
    return self.layers[-1](input)


class _RegisteredLayers(nn.Module):
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        self.layers = nn.Module()
        for index in range(len(sizes) - 1):
            self.layers.add_module(str(index), nn.Linear(sizes[index], sizes[index + 1]))
        type(self.layers).__iter__ = lambda module: module.children()  # type: ignore[attr-defined]

    def forward(self, input: Tensor) -> Tensor:
        *hidden, last = self.layers.children()
        for layer in hidden:
            input = torch.maximum(layer(input), torch.zeros(()))
        return last(input)


# count-parameters


def _count_once(module: nn.Module) -> int:
    seen: dict[int, int] = {}
    for part in module.modules():
        for parameter in part._parameters.values():
            if parameter is not None and parameter.requires_grad:
                seen[id(parameter)] = math.prod(parameter.shape)
    return sum(seen.values())


def _count_flat(module: nn.Module) -> int:
    free = [p.detach().reshape(-1) for p in module.parameters() if p.requires_grad]
    return len(torch.cat(free)) if free else 0


def _count_each_place(module: nn.Module) -> int:
    own = sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad)
    return own + sum(_count_each_place(child) for child in module.children())


# freeze-by-name


def _freezer(matches: Callable[[str, str], Any]) -> Callable[[nn.Module, str], list[str]]:
    def freeze(module: nn.Module, pattern: str) -> list[str]:
        names = []
        for name, parameter in module.named_parameters():
            if matches(name, pattern):
                parameter.requires_grad = False
                names.append(name)
        return names

    return freeze


_freeze = _freezer(fnmatch.fnmatchcase)


def _freeze_filter(module: nn.Module, pattern: str) -> list[str]:
    parameters = dict(module.named_parameters())
    names = fnmatch.filter(parameters, pattern)
    for name in names:
        parameters[name].requires_grad_(False)
    return names


def _freeze_names_only(module: nn.Module, pattern: str) -> list[str]:
    return [name for name, _ in module.named_parameters() if fnmatch.fnmatchcase(name, pattern)]


def _freeze_silently(module: nn.Module, pattern: str) -> None:
    _freeze(module, pattern)


def _freeze_and_thaw(module: nn.Module, pattern: str) -> list[str]:
    names = _freeze_names_only(module, pattern)
    for name, parameter in module.named_parameters():
        parameter.requires_grad = name not in names
    return names


def _freeze_the_rest(module: nn.Module, pattern: str) -> list[str]:
    names = _freeze_names_only(module, pattern)
    for name, parameter in module.named_parameters():
        parameter.requires_grad = name in names
    return names


def _freeze_copies(module: nn.Module, pattern: str) -> list[str]:
    names = _freeze_names_only(module, pattern)
    for name, tensor in module.state_dict().items():
        if name in names:
            tensor.requires_grad = False
    return names


def _freeze_zero_gradients(module: nn.Module, pattern: str) -> list[str]:
    names = _freeze_names_only(module, pattern)
    for name in names:
        module.get_parameter(name).register_hook(torch.zeros_like)
    return names


def _freeze_typo(module: nn.Module, pattern: str) -> list[str]:
    names = _freeze_names_only(module, pattern)
    for name in names:
        module.get_parameter(name).require_grad = False  # type: ignore[attr-defined]
    return names


# mend-residual


def _residual(gain: Callable[[int], Any], drop: Callable[..., Tensor]) -> type[nn.Module]:
    class ScaledResidual(nn.Module):
        def __init__(self, num_features: int, p: float = 0.5) -> None:
            super().__init__()
            self.linear = nn.Linear(num_features, num_features)
            self.gain = gain(num_features)
            self.p = p

        def forward(self, input: Tensor) -> Tensor:
            return input + self.gain * drop(self, self.linear(input))

    return ScaledResidual


def _tenth(n: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(n) * 0.1)


def _drop(self: Any, input: Tensor) -> Tensor:
    return F.dropout(input, self.p, self.training)


def _drop_if_training(self: Any, input: Tensor) -> Tensor:
    return F.dropout(input, self.p) if self.training else input


def _drop_always(self: Any, input: Tensor) -> Tensor:
    return F.dropout(input, self.p)


def _drop_never(self: Any, input: Tensor) -> Tensor:
    return input


def _drop_in_evaluation(self: Any, input: Tensor) -> Tensor:
    return F.dropout(input, self.p, not self.training)


class _GainBuffer(nn.Module):
    def __init__(self, num_features: int, p: float = 0.5) -> None:
        super().__init__()
        self.linear, self.dropout = nn.Linear(num_features, num_features), nn.Dropout(p)
        self.register_buffer("gain", torch.full((num_features,), 0.1))

    def forward(self, input: Tensor) -> Tensor:
        return input + self.gain * self.dropout(self.linear(input))


class _DropoutLayer(_GainBuffer):
    """Right: the buffer gives way to a parameter."""

    def __init__(self, num_features: int, p: float = 0.5) -> None:
        super().__init__(num_features, p)
        del self.gain
        self.gain = nn.Parameter(torch.empty(num_features).fill_(0.1))


RIGHT: dict[str, dict[str, object]] = {
    "add-constant": {
        "a buffer, two negations": _AddsBuffer,
        "full_like": _adder(lambda self, input: input + torch.full_like(input, self.constant)),
    },
    "scale-shift": {
        "register_parameter and einsum": _Registered,
        "a diagonal matrix": _scale_shift(
            _ones, _zeros, lambda x, scale, shift: x @ torch.diag(scale) + shift
        ),
    },
    "call-counter": {
        "adds in place": _counter(_zero, _count_in_training),
        "nn.Buffer, a new tensor at each call": _BufferClass,
    },
    "module-list-mlp": {
        "clamp before every layer but the first": _mlp(_relu_between),
        "recursion, a mask for ReLU": _mlp(_recursive),
        "add_module by number": _RegisteredLayers,
    },
    "count-parameters": {
        "by identity, module by module": _count_once,
        "the length of all concatenated": _count_flat,
    },
    "freeze-by-name": {
        "fnmatch.filter over a dict": _freeze_filter,
        "a translated regular expression": _freezer(
            lambda name, pattern: re.match(fnmatch.translate(pattern), name)
        ),
    },
    "mend-residual": {
        "functional dropout that is told the mode": _residual(_tenth, _drop),
        "an if around dropout": _residual(_tenth, _drop_if_training),
        "nn.Dropout": _DropoutLayer,
    },
}

WRONG: dict[str, dict[str, object]] = {
    "add-constant": {
        "writes into its input": _adder(_in_place),
        "always adds 1": _adder(lambda self, input: input + 1),
        "subtracts": _adder(lambda self, input: input - self.constant),
        "multiplies": _adder(lambda self, input: input * self.constant),
        "not a module": _NotAModule,
        "all instances share one constant": _SharedConstant,
        "rounds the constant": _adder(lambda self, input: input + round(self.constant)),
        "returns the constant only": _adder(
            lambda self, input: torch.full_like(input, self.constant)
        ),
    },
    "scale-shift": {
        "plain tensors": _scale_shift(
            torch.ones, torch.zeros, lambda x, scale, shift: x * scale + shift
        ),
        "buffers": _ScaleShiftBuffers,
        "starts at zero scale": _scale_shift(_zeros, _zeros, _affine),
        "starts at shift one": _scale_shift(_ones, _ones, _affine),
        "shifts before it scales": _scale_shift(_ones, _zeros, lambda x, a, b: (x + b) * a),
        "one scale for all features": _scale_shift(lambda n: _ones(1), _zeros, _affine),
        "random start": _scale_shift(lambda n: nn.Parameter(torch.randn(n)), _zeros, _affine),
        "shift is not a parameter": _scale_shift(_ones, torch.zeros, _affine),
        "forgets the shift": _scale_shift(_ones, _zeros, lambda x, a, b: x * a),
        "detaches": _scale_shift(_ones, _zeros, lambda x, a, b: x * a.detach() + b),
        "a single parameter under another name": _AffineRows,
    },
    "call-counter": {
        "a plain int": _counter(lambda: 0, _count_in_training, plain=True),
        "a plain tensor": _counter(_zero, _count_in_training, plain=True),
        "counts in both modes": _counter(_zero, _count_always),
        "counts in evaluation mode": _counter(_zero, _count_evaluation),
        "a buffer that is not saved": _counter(_zero, _count_in_training, persistent=False),
        "starts at one": _counter(lambda: torch.tensor(1), _count_in_training),
        "a float": _counter(lambda: torch.tensor(0.0), _count_in_training),
        "a vector of one": _counter(lambda: torch.zeros(1, dtype=torch.int64), _count_in_training),
        "a parameter": _CountParameter,
        "returns the count": _counter(_zero, _count_returns_count),
        "counts rows": _counter(_zero, _count_rows),
    },
    "module-list-mlp": {
        "a Python list": _mlp(_relu_between, list),
        "ReLU after the last too": _mlp(_relu_after_all),
        "no ReLU": _mlp(_no_relu),
        "ReLU before the first": _mlp(_relu_before_first),
        "forgets the last layer": _mlp(_last_forgotten),
        "GELU": _mlp(_gelu_between),
        "no bias": _mlp(_relu_between, bias=False),
        "the same layer again": _mlp(
            _relu_between, lambda layers: nn.ModuleList([layers[0]] * len(layers))
        ),
        "a tuple": _mlp(_relu_between, tuple),
        "detaches between layers": _mlp(lambda self, x: _relu_between(self, x.detach()).detach()),
    },
    "count-parameters": {
        "frozen ones too": lambda module: sum(p.numel() for p in module.parameters()),
        "the state_dict": lambda module: sum(t.numel() for t in module.state_dict().values()),
        "shared ones twice": _count_each_place,
        "tensors, not numbers": lambda module: len(list(module.parameters())),
        "only weights": lambda module: sum(
            p.numel() for n, p in module.named_parameters() if "weight" in n and p.requires_grad
        ),
        "first dimension only": lambda module: sum(
            len(p) for p in module.parameters() if p.requires_grad
        ),
        "only its own": lambda module: sum(
            p.numel() for p in module.parameters(recurse=False) if p.requires_grad
        ),
        "the frozen ones": lambda module: sum(
            p.numel() for p in module.parameters() if not p.requires_grad
        ),
        "a float": lambda module: float(_count_once(module)),
        "equal ones once": lambda module: sum({p.numel() for p in module.parameters()}),
    },
    "freeze-by-name": {
        "names, but nothing frozen": _freeze_names_only,
        "freezes, but returns nothing": _freeze_silently,
        "a prefix for a pattern": _freezer(lambda name, pattern: name.startswith(pattern)),
        "a piece of the name": _freezer(lambda name, pattern: pattern.strip("*") in name),
        "a regular expression": _freezer(lambda n, p: p[0] != "*" and re.match(p, n)),
        "freezes all": _freezer(lambda name, pattern: True),
        "thaws what does not match": _freeze_and_thaw,
        "freezes what does not match": _freeze_the_rest,
        "freezes the state_dict's tensors": _freeze_copies,
        "zero gradients instead": _freeze_zero_gradients,
        "require_grad without s": _freeze_typo,
        "ignores case": _freezer(lambda n, p: fnmatch.fnmatchcase(n.lower(), p.lower())),
        "a tuple of names": lambda module, pattern: tuple(_freeze(module, pattern)),
        "names sorted backwards": lambda module, pattern: _freeze(module, pattern)[::-1],
    },
    "mend-residual": {
        "as it was": _residual(lambda n: nn.Parameter(torch.ones(n)) * 0.1, _drop_always),
        "only dropout mended": _residual(lambda n: nn.Parameter(torch.ones(n)) * 0.1, _drop),
        "only the gain mended": _residual(_tenth, _drop_always),
        "no dropout": _residual(_tenth, _drop_never),
        "dropout in evaluation": _residual(_tenth, _drop_in_evaluation),
        "the gain starts at one": _residual(_ones, _drop),
        "the gain is a plain tensor": _residual(lambda n: torch.ones(n) * 0.1, _drop),
        "the gain is a buffer": _GainBuffer,
        "one gain for all features": _residual(lambda n: nn.Parameter(torch.tensor(0.1)), _drop),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
