"""How the answers to the exercises of chapter 5 are used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _layer(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def fold_linear(
    answer: Any,
    weights: list[Tensor],
    biases: list[Tensor | None],
    input: Tensor,
) -> Any:
    """Fold two layers; report the new layer, its output, and what the old ones give afterward."""
    first, second = (_layer(*pair) for pair in zip(weights, biases, strict=True))
    folded = answer(first, second)
    if folded is None:
        raise TypeError("fold_linear returned None (is a return missing?)")
    if not isinstance(folded, nn.Linear):
        raise TypeError(f"fold_linear returned {type(folded).__name__}, not an nn.Linear")
    if folded.bias is None:
        raise ValueError("the folded layer has no bias; it is to have one")
    return {
        "weight of the folded layer": folded.weight,
        "bias of the folded layer": folded.bias,
        "its output": folded(input),
        "output of the two layers after the call": second(first(input)),
    }


def _with_gradient(function: Callable[[Tensor], Any], input: Tensor, arriving: Tensor) -> Any:
    """The gradient of the input, when ``arriving`` is the gradient of the output."""
    output = function(input.requires_grad_())
    if not isinstance(output, Tensor):
        kind = "None (is a return missing?)" if output is None else type(output).__name__
        raise TypeError(f"no gradient can flow back: the output is {kind}, not a tensor")
    if output.shape != arriving.shape:
        raise ValueError("no gradient can flow back: the output has the wrong shape")
    if not output.requires_grad:
        raise ValueError(
            "no gradient can flow back: the output does not know the input any more (did detach, "
            "no_grad, item or NumPy come between?)"
        )
    (output * arriving).sum().backward()  # backward(gradient) makes torch import sympy
    return {"gradient of the input": torch.zeros_like(input) if input.grad is None else input.grad}


def leaky_relu_function(
    answer: Any, input: Tensor, negative_slope: float, arriving: Tensor | None = None
) -> Any:
    """The output, or, given the gradient of the output, what flows back to the input."""
    if arriving is None:
        return answer.apply(input, negative_slope)
    return _with_gradient(lambda tensor: answer.apply(tensor, negative_slope), input, arriving)


def gelu(answer: Any, input: Tensor, arriving: Tensor | None = None, **options: str) -> Any:
    if arriving is None:
        return answer(input, **options)
    return _with_gradient(lambda tensor: answer(tensor, **options), input, arriving)


def dead_units(answer: Any, output: Tensor) -> Any:
    return answer(output)


#: The activations whose gain is asked for. A learner's function sees only a function of a tensor.
_FUNCTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "relu": lambda z, c: F.relu(z),
    "leaky relu": F.leaky_relu,
    "scaled relu": lambda z, c: c * F.relu(z),
    "tanh": lambda z, c: torch.tanh(c * z),
    "gelu": lambda z, c: F.gelu(c * z),
    "silu": lambda z, c: F.silu(c * z),
    "elu": F.elu,
    "sigmoid": lambda z, c: torch.sigmoid(c * z),
    "softplus": F.softplus,
    "shifted tanh": lambda z, c: torch.tanh(z) + c,
    "shifted relu": lambda z, c: F.relu(z + c),
}


def activation_gain(answer: Any, function: str, constant: float) -> Any:
    made = _FUNCTIONS[function]
    return answer(lambda z: made(z, constant))


def stable_sigmoid(answer: Any, input: Tensor, arriving: Tensor | None = None) -> Any:
    return answer(input) if arriving is None else _with_gradient(answer, input, arriving)


def log_softmax(answer: Any, input: Tensor, dim: int, arriving: Tensor | None = None) -> Any:
    if arriving is None:
        return answer(input, dim)
    return _with_gradient(lambda tensor: answer(tensor, dim), input, arriving)
