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

    AddConstant.forward = forward
    return AddConstant


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
    scale: nn.Parameter
    shift: nn.Parameter

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_parameter("scale", _ones(num_features))
        self.register_parameter("shift", _zeros(num_features))

    def forward(self, input: Tensor) -> Tensor:
        return torch.einsum("...i,i->...i", input, self.scale).add(self.shift)


# call-counter


def _counter(start: Callable[[], Any], forward: Callable[..., Tensor]) -> type[nn.Module]:
    """A module that keeps ``start()`` as ``calls``, with this ``forward``."""

    class CallCounter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = start()

    CallCounter.forward = forward
    return CallCounter


def _counting(count: Callable[[Any, Tensor], Any]) -> Callable[..., Tensor]:
    """A ``forward`` that adds ``count(module, input)`` to the count and returns its input."""

    def forward(self: Any, input: Tensor) -> Tensor:
        self.calls = self.calls + count(self, input)
        return input

    return forward


def _add_in_place(self: Any, input: Tensor) -> Tensor:
    if self.training:
        self.calls += 1
    return input


def _return_count(self: Any, input: Tensor) -> Any:
    _add_in_place(self, input)
    return self.calls


def _zero() -> nn.Buffer:
    return nn.Buffer(torch.tensor(0))


# module-list-mlp


def _mlp(
    step: Callable[[nn.Module, Tensor, bool], Tensor],
    container: Callable[[list[nn.Module]], Any] = nn.ModuleList,
    **how: Any,
) -> type[nn.Module]:
    """A network that applies ``step(layer, input, whether it is the last)`` layer by layer."""

    class MLP(nn.Module):
        def __init__(self, sizes: list[int]) -> None:
            super().__init__()
            self.layers = container([nn.Linear(*pair, **how) for pair in pairwise(sizes)])

        def forward(self, input: Tensor) -> Tensor:
            for number, layer in enumerate(self.layers, start=1):
                input = step(layer, input, number == len(self.layers))
            return input

    return MLP


def _relu_between(layer: nn.Module, input: Tensor, last: bool) -> Tensor:
    return layer(input) if last else layer(input).clamp(min=0)


class _Recursive(_mlp(_relu_between)):  # type: ignore[misc]
    def forward(self, input: Tensor, index: int = 0) -> Tensor:
        output = self.layers[index](input)
        if index == len(self.layers) - 1:
            return output
        return self.forward(output * (output > 0), index + 1)


# count-parameters


def _count_once(module: nn.Module) -> int:
    seen: dict[int, int] = {}
    for part in module.modules():
        for parameter in part._parameters.values():
            if parameter is not None and parameter.requires_grad:
                seen[id(parameter)] = math.prod(parameter.shape)
    return sum(seen.values())


def _sum(
    size: Callable[[Tensor], Any],
    where: Callable[[str, Tensor], Any] = lambda name, parameter: parameter.requires_grad,
) -> Callable[[nn.Module], Any]:
    """The sum of ``size`` over those named parameters for which ``where`` holds."""
    return lambda module: sum(size(p) for n, p in module.named_parameters() if where(n, p))


def _count_each_place(module: nn.Module) -> int:
    own = sum(p.numel() for p in module.parameters(recurse=False) if p.requires_grad)
    return own + sum(_count_each_place(child) for child in module.children())


# freeze-by-name


def _freezer(
    matches: Callable[[str, str], Any] = fnmatch.fnmatchcase,
    use: Callable[[nn.Parameter, Any], Any] = lambda p, match: match and p.requires_grad_(False),
) -> Callable[[nn.Module, str], list[str]]:
    """Returns the names that match, after ``use(parameter, whether it matches)`` on each."""

    def freeze(module: nn.Module, pattern: str) -> list[str]:
        names = []
        for name, parameter in module.named_parameters():
            match = matches(name, pattern)
            use(parameter, match)
            names += [name] if match else []
        return names

    return freeze


_freeze = _freezer()


def _freeze_filter(module: nn.Module, pattern: str) -> list[str]:
    parameters = dict(module.named_parameters())
    names = fnmatch.filter(parameters, pattern)
    for name in names:
        parameters[name].requires_grad_(False)
    return names


# mend-residual


def _residual(gain: Callable[[int], Any], drop: Callable[..., Tensor]) -> type[nn.Module]:
    class ScaledResidual(nn.Module):
        def __init__(self, num_features: int, p: float) -> None:
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


def _drop_always(self: Any, input: Tensor) -> Tensor:
    return F.dropout(input, self.p)


RIGHT: dict[str, dict[str, object]] = {
    "add-constant": {
        "two subtractions": _adder(lambda self, input: self.constant - (0 - input)),
        "full_like": _adder(lambda self, input: input + torch.full_like(input, self.constant)),
    },
    "scale-shift": {
        "register_parameter and einsum": _Registered,
        "a diagonal matrix": _scale_shift(
            _ones, _zeros, lambda x, scale, shift: x @ torch.diag(scale) + shift
        ),
    },
    "call-counter": {
        "adds in place": _counter(_zero, _add_in_place),
        "adds the mode": _counter(_zero, _counting(lambda module, input: module.training)),
    },
    "module-list-mlp": {
        "clamp after every layer but the last": _mlp(_relu_between),
        "recursion, a mask for ReLU": _Recursive,
        "an nn.Sequential of linear layers": _mlp(
            _relu_between, lambda layers: nn.Sequential(*layers)
        ),
    },
    "count-parameters": {
        "by identity, module by module": _count_once,
        "the lengths of the flattened": _sum(lambda p: len(p.reshape(-1))),
    },
    "freeze-by-name": {
        "fnmatch.filter over a dict": _freeze_filter,
        "a translated regular expression": _freezer(
            lambda name, pattern: re.match(fnmatch.translate(pattern), name)
        ),
    },
    "mend-residual": {
        "functional dropout that is told the mode": _residual(_tenth, _drop),
        "an if around dropout": _residual(
            _tenth, lambda self, x: F.dropout(x, self.p) if self.training else x
        ),
        "nn.Dropout": _residual(_tenth, lambda self, x: nn.Dropout(self.p).train(self.training)(x)),
    },
}

WRONG: dict[str, dict[str, object]] = {
    "add-constant": {
        "writes into its input": _adder(lambda self, input: input.add_(self.constant)),
        "always adds 1": _adder(lambda self, input: input + 1),
        "subtracts": _adder(lambda self, input: input - self.constant),
        "multiplies": _adder(lambda self, input: input * self.constant),
        "not a module": _NotAModule,
        "all instances share one constant": _SharedConstant,
        "rounds the constant": _adder(lambda self, input: input + round(self.constant)),
    },
    "scale-shift": {
        "plain tensors": _scale_shift(torch.ones, torch.zeros, _affine),
        "buffers": _scale_shift(
            lambda n: nn.Buffer(torch.ones(n)), lambda n: nn.Buffer(torch.zeros(n)), _affine
        ),
        "starts at zero scale": _scale_shift(_zeros, _zeros, _affine),
        "starts at shift one": _scale_shift(_ones, _ones, _affine),
        "shifts before it scales": _scale_shift(_ones, _zeros, lambda x, a, b: (x + b) * a),
        "one scale for all features": _scale_shift(lambda n: _ones(1), _zeros, _affine),
        "random start": _scale_shift(lambda n: nn.Parameter(torch.randn(n)), _zeros, _affine),
        "shift is not a parameter": _scale_shift(_ones, torch.zeros, _affine),
        "forgets the shift": _scale_shift(_ones, _zeros, lambda x, a, b: x * a),
        "detaches": _scale_shift(_ones, _zeros, lambda x, a, b: x * a.detach() + b),
    },
    "call-counter": {
        "a plain int": _counter(lambda: 0, _add_in_place),
        "a plain tensor": _counter(lambda: torch.tensor(0), _add_in_place),
        "counts in both modes": _counter(_zero, _counting(lambda module, input: 1)),
        "counts in evaluation mode": _counter(
            _zero, _counting(lambda module, input: not module.training)
        ),
        "a buffer that is not saved": _counter(
            lambda: nn.Buffer(torch.tensor(0), persistent=False), _add_in_place
        ),
        "starts at one": _counter(lambda: nn.Buffer(torch.tensor(1)), _add_in_place),
        "a float": _counter(lambda: nn.Buffer(torch.tensor(0.0)), _add_in_place),
        "a vector of one": _counter(lambda: nn.Buffer(torch.tensor([0])), _add_in_place),
        "a parameter": _counter(
            lambda: nn.Parameter(torch.tensor(0.0), requires_grad=False), _add_in_place
        ),
        "returns the count": _counter(_zero, _return_count),
        "counts rows": _counter(
            _zero, _counting(lambda module, input: len(input) * module.training)
        ),
    },
    "module-list-mlp": {
        "a Python list": _mlp(_relu_between, list),
        "ReLU after the last too": _mlp(lambda layer, x, last: F.relu(layer(x))),
        "no ReLU": _mlp(lambda layer, x, last: layer(x)),
        "ReLU before the first": _mlp(lambda layer, x, last: layer(F.relu(x))),
        "forgets the last layer": _mlp(lambda layer, x, last: x if last else F.relu(layer(x))),
        "GELU": _mlp(lambda layer, x, last: layer(x) if last else F.gelu(layer(x))),
        "no bias": _mlp(_relu_between, bias=False),
        "the same layer again": _mlp(
            _relu_between, lambda layers: nn.ModuleList([layers[0]] * len(layers))
        ),
        "detaches between layers": _mlp(
            lambda layer, x, last: _relu_between(layer, x.detach(), last)
        ),
    },
    "count-parameters": {
        "frozen ones too": _sum(torch.numel, lambda name, p: True),
        "the frozen ones": _sum(torch.numel, lambda name, p: not p.requires_grad),
        "the state_dict": lambda module: sum(t.numel() for t in module.state_dict().values()),
        "shared ones twice": _count_each_place,
        "tensors, not numbers": _sum(lambda p: 1),
        "only weights": _sum(torch.numel, lambda n, p: "weight" in n and p.requires_grad),
        "first dimension only": _sum(len),
        "only its own": _sum(torch.numel, lambda n, p: "." not in n and p.requires_grad),
        "a float": lambda module: float(_count_once(module)),
    },
    "freeze-by-name": {
        "names, but nothing frozen": _freezer(use=lambda parameter, matches: None),
        "freezes, but returns nothing": lambda module, pattern: [_freeze(module, pattern)].clear(),
        "a prefix for a pattern": _freezer(lambda name, pattern: name.startswith(pattern)),
        "a piece of the name": _freezer(lambda name, pattern: pattern.strip("*") in name),
        "a regular expression": _freezer(lambda n, p: p[0] != "*" and re.match(p, n)),
        "freezes all": _freezer(lambda name, pattern: True),
        "thaws what does not match": _freezer(use=lambda p, matches: p.requires_grad_(not matches)),
        "freezes what does not match": _freezer(use=lambda p, matches: p.requires_grad_(matches)),
        "freezes a copy": _freezer(use=lambda p, matches: p.detach().requires_grad_(not matches)),
        "zero gradients instead": _freezer(
            use=lambda p, matches: matches and p.register_hook(torch.zeros_like)
        ),
        "ignores case": _freezer(lambda n, p: fnmatch.fnmatchcase(n.lower(), p.lower())),
        "a tuple of names": lambda module, pattern: tuple(_freeze(module, pattern)),
        "names sorted backwards": lambda module, pattern: _freeze(module, pattern)[::-1],
    },
    "mend-residual": {
        "as it was": _residual(lambda n: nn.Parameter(torch.ones(n)) * 0.1, _drop_always),
        "only dropout mended": _residual(lambda n: nn.Parameter(torch.ones(n)) * 0.1, _drop),
        "only the gain mended": _residual(_tenth, _drop_always),
        "no dropout": _residual(_tenth, lambda self, x: x),
        "dropout in evaluation": _residual(
            _tenth, lambda self, x: F.dropout(x, self.p, not self.training)
        ),
        "the gain starts at one": _residual(_ones, _drop),
        "the gain is a plain tensor": _residual(lambda n: torch.ones(n) * 0.1, _drop),
        "the gain is a buffer": _residual(lambda n: nn.Buffer(torch.ones(n) * 0.1), _drop),
        "one gain for all features": _residual(lambda n: nn.Parameter(torch.tensor(0.1)), _drop),
    },
}

# Mutants of the solutions that are right all the same, by their descriptions.
EQUIVALENT: dict[str, set[str]] = {}
