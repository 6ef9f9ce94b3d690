"""Right and wrong answers to the exercises of chapter 5."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

Answer = Callable[..., Any]

# Two linear layers in one


def _made(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
    return layer


def _bias(layer: nn.Linear) -> Tensor:
    return torch.zeros(layer.out_features) if layer.bias is None else layer.bias


def _fold_by_formula(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    bias = second.weight @ _bias(first) + _bias(second)
    return _made(second.weight @ first.weight, bias)


def _fold_homogeneous(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """With a 1 beside the input, a layer is one matrix."""

    def whole(layer: nn.Linear) -> Tensor:
        last = torch.zeros(1, layer.in_features + 1)
        last[0, -1] = 1
        return torch.cat([torch.cat([layer.weight, _bias(layer)[:, None]], 1), last])

    product = whole(second) @ whole(first)
    return _made(product[:-1, :-1], product[:-1, -1])


def _folded(weight: Answer, bias: Answer) -> Answer:
    def fold_linear(first: nn.Linear, second: nn.Linear) -> nn.Linear:
        return _made(weight(first, second), bias(first, second))

    return fold_linear


def _product(first: nn.Linear, second: nn.Linear) -> Tensor:
    return second.weight @ first.weight


def _fold_in_place(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """Right, and the second layer is lost."""
    folded = _fold_by_formula(first, second)
    with torch.no_grad():
        second.weight.zero_()
    return folded


# A gradient by hand


def _leaky(forward: Answer, backward: Answer) -> type:
    class LeakyReLU(Function):
        @staticmethod
        def forward(ctx: Any, input: Tensor, negative_slope: float) -> Any:
            ctx.save_for_backward(input)
            ctx.slope = negative_slope
            return forward(input, negative_slope)

        @staticmethod
        def backward(ctx: Any, grad_output: Tensor) -> Any:
            return backward(ctx.saved_tensors[0], ctx.slope, grad_output), None

    return LeakyReLU


def _value(x: Tensor, slope: float) -> Tensor:
    return torch.where(x > 0, x, slope * x)


def _slopes(x: Tensor, slope: float, arriving: Tensor) -> Tensor:
    return torch.where(x > 0, arriving, slope * arriving)


class _BySlopes(Function):
    """Keeps the slopes instead of the input."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, negative_slope: float) -> Tensor:
        slopes = torch.ones_like(input)
        slopes[input <= 0] = negative_slope
        ctx.save_for_backward(slopes)
        return input * slopes

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return ctx.saved_tensors[0] * grad_output, None


class _ByOutput(Function):
    """The sign of the output tells as much as that of the input, as long as the slope is > 0."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, negative_slope: float) -> Tensor:
        output = input.clamp(min=0) + negative_slope * input.clamp(max=0)
        ctx.save_for_backward(output)
        ctx.slope = negative_slope
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        positive = (ctx.saved_tensors[0] > 0).to(grad_output.dtype)
        return grad_output * (ctx.slope + (1 - ctx.slope) * positive), None


class _OneGradient(Function):
    """Forgets that every argument of forward needs an answer in backward."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, negative_slope: float) -> Tensor:
        ctx.save_for_backward(input)
        ctx.slope = negative_slope
        return _value(input, negative_slope)

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> Any:
        return _slopes(ctx.saved_tensors[0], ctx.slope, grad_output)


class _Autograd:
    """No backward at all: torch's own operator."""

    @staticmethod
    def apply(input: Tensor, negative_slope: float) -> Tensor:
        return F.leaky_relu(input, negative_slope)


# GELU


def _gelu_by_normal(input: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "none":
        return input * torch.distributions.Normal(0.0, 1.0).cdf(input)
    u = math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)
    return input * torch.sigmoid(2 * u)


def _gelu_by_erfc(input: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "tanh":
        u = 0.7978845608028654 * input * (1 + 0.044715 * input.square())
        return input - input / (1 + torch.exp(2 * u))
    return 0.5 * input * torch.erfc(-input * math.sqrt(0.5))


def _gelu(*, root: float = 2.0, cube: float = 0.044715, plus: float = 1.0) -> Answer:
    def gelu(input: Tensor, approximate: str = "none") -> Tensor:
        u = math.sqrt(2 / math.pi) * (input + cube * input**3)
        turned = torch.erf(input / math.sqrt(root)) if approximate == "none" else torch.tanh(u)
        return 0.5 * input * (plus + turned)

    return gelu


# Which units are dead


def _dead_by_loop(output: Tensor) -> Tensor:
    return torch.tensor([not bool(output[:, unit].any()) for unit in range(output.shape[1])])


def _dead_by_count(output: Tensor) -> Tensor:
    count = (output != 0).long()
    while count.ndim > 2:
        count = count.sum(-1)
    return count.sum(0) == 0


# The gain of an activation


def _gain_by_grid(activation: Answer) -> float:
    """The integral over the bell curve, by the rectangle rule in NumPy."""
    z = np.arange(-8, 8, 1e-3)
    squares = activation(torch.from_numpy(z)).numpy() ** 2
    return float((squares * np.exp(-(z**2) / 2)).sum() * 1e-3 / np.sqrt(2 * np.pi)) ** -0.5


def _gain_by_quantiles(activation: Answer) -> float:
    """Normal numbers that are not random: the quantiles."""
    levels = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    return 1 / math.sqrt(activation(torch.special.ndtri(levels)).square().mean())


def _gain_of(measure: Answer) -> Answer:
    def activation_gain(activation: Answer) -> float:
        z = torch.randn(1_000_000)
        return float(measure(activation(z), z))

    return activation_gain


# A sigmoid that holds


def _sigmoid_two_sides(input: Tensor) -> Tensor:
    """Each formula only where it holds."""
    right = 1 / (1 + torch.exp(-torch.where(input >= 0, input, 0)))
    left = torch.exp(torch.where(input < 0, input, 0))
    return torch.where(input >= 0, right, left / (1 + left))


def _sigmoid_by_index(input: Tensor) -> Tensor:
    output, right = torch.empty_like(input), input >= 0
    output[right] = 1 / (1 + torch.exp(-input[right]))
    small = torch.exp(input[~right])
    output[~right] = small / (1 + small)
    return output


def _sigmoid_by_abs(input: Tensor) -> Tensor:
    """Right but for the gradient at 0."""
    small = torch.exp(-input.abs())
    return torch.where(input >= 0, 1, small) / (1 + small)


def _sigmoid_by_where(input: Tensor) -> Tensor:
    """The side not taken overflows: values right, gradients not numbers."""
    large = torch.exp(input)
    return torch.where(input >= 0, 1 / (1 + torch.exp(-input)), large / (1 + large))


# A log-softmax that holds


def _log_softmax_sorted(input: Tensor, dim: int) -> Tensor:
    largest = input.sort(dim, descending=True).values.narrow(dim, 0, 1).detach()
    shifted = input - largest
    return shifted - torch.log(torch.exp(shifted).sum(dim, keepdim=True))


def _log_softmax_last(input: Tensor, dim: int) -> Tensor:
    """The dimension brought to the end and back; log1p of all but the largest."""
    rows = input.movedim(dim, -1)
    shifted = rows - rows.max(-1, keepdim=True).values
    total = torch.einsum("...i->...", shifted.exp())
    return (shifted - total.log()[..., None]).movedim(-1, dim)


def _shift_by(measure: Answer) -> Answer:
    def log_softmax(input: Tensor, dim: int) -> Tensor:
        shifted = input - measure(input, dim)
        return shifted - shifted.exp().sum(dim, keepdim=True).log()

    return log_softmax


def _put_back(input: Tensor, dim: int) -> Tensor:
    """The largest put back before it is subtracted: the digits of large logits are lost."""
    largest = input.amax(dim, keepdim=True)
    return input - (largest + (input - largest).exp().sum(dim, keepdim=True).log())


def _log_of_softmax(input: Tensor, dim: int) -> Tensor:
    exponentials = (input - input.amax(dim, keepdim=True)).exp()
    return (exponentials / exponentials.sum(dim, keepdim=True)).log()


RIGHT: dict[str, dict[str, Answer]] = {
    "fold-linear": {"by the formula": _fold_by_formula, "as one matrix each": _fold_homogeneous},
    "leaky-relu-function": {"the slopes kept": _BySlopes, "the output kept": _ByOutput},
    "gelu": {"by the distribution and a sigmoid": _gelu_by_normal, "by erfc": _gelu_by_erfc},
    "dead-units": {"by a loop": _dead_by_loop, "by counting": _dead_by_count},
    "activation-gain": {"by quantiles": _gain_by_quantiles, "on a grid": _gain_by_grid},
    "stable-sigmoid": {"two sides": _sigmoid_two_sides, "by index": _sigmoid_by_index},
    "log-softmax": {"sorted": _log_softmax_sorted, "the last dimension": _log_softmax_last},
}

WRONG: dict[str, dict[str, Answer]] = {
    "fold-linear": {
        "biases added": _folded(_product, lambda a, b: _bias(a).sum() + _bias(b)),
        "the first bias forgotten": _folded(_product, lambda a, b: _bias(b)),
        "the second bias forgotten": _folded(_product, lambda a, b: b.weight @ _bias(a)),
        "the matrices in the other order": _folded(
            lambda a, b: a.weight @ b.weight, lambda a, b: b.weight @ _bias(a) + _bias(b)
        ),
        "the product transposed": _folded(
            lambda a, b: _product(a, b).T, lambda a, b: b.weight @ _bias(a) + _bias(b)
        ),
        "a bias expected": lambda a, b: _made(_product(a, b), b.weight @ a.bias + b.bias),
        "a Sequential": nn.Sequential,
        "a layer lost": _fold_in_place,
    },
    "leaky-relu-function": {
        "slope 1 at 0": _leaky(_value, lambda x, s, g: torch.where(x >= 0, g, s * g)),
        "slope 0 on the left": _leaky(_value, lambda x, s, g: torch.where(x > 0, g, 0)),
        "what arrives ignored": _leaky(_value, lambda x, s, g: _slopes(x, s, torch.ones_like(g))),
        "the value for the slope": _leaky(_value, lambda x, s, g: _value(x, s) * g),
        "the slope ignored": _leaky(
            lambda x, s: _value(x, 0.01), lambda x, s, g: _slopes(x, 0.01, g)
        ),
        "sides swapped": _leaky(_value, lambda x, s, g: torch.where(x > 0, s * g, g)),
        "the sign of what arrives": _leaky(_value, lambda x, s, g: torch.where(g > 0, g, s * g)),
        "one gradient": _OneGradient,
        "torch's own": _Autograd,
    },
    "gelu": {
        "approximate ignored": lambda input, approximate="none": _gelu()(input),
        "always the approximation": lambda input, approximate="none": _gelu()(input, "tanh"),
        "no square root of two": _gelu(root=1.0),
        "another constant": _gelu(cube=0.0044715),
        "the one forgotten": _gelu(plus=0.0),
        "the probability alone": lambda input, approximate="none": (
            (1 + torch.erf(input / math.sqrt(2))) / 2
        ),
        "a sigmoid": lambda input, approximate="none": input * torch.sigmoid(1.702 * input),
        "torch's own": F.gelu,
    },
    "dead-units": {
        "dead samples": lambda output: (output == 0).flatten(1).all(1),
        "dead for any sample": lambda output: (output == 0).movedim(1, 0).flatten(1).any(1),
        "the first sample only": lambda output: _dead_by_loop(output[:1]),
        "pixels apart": lambda output: (output == 0).all(0),
        "alive units": lambda output: ~_dead_by_loop(output),
        "small ones too": lambda output: output.movedim(1, 0).flatten(1).amax(1) < 1e-3,
        "never positive": lambda output: (output <= 0).movedim(1, 0).flatten(1).all(1),
        "a sum of zero": lambda output: output.movedim(1, 0).flatten(1).sum(1) == 0,
        "a count": lambda output: int(_dead_by_loop(output).sum()),
        "numbers": lambda output: _dead_by_loop(output).float(),
    },
    "activation-gain": {
        "the deviation, mean taken off": _gain_of(lambda y, z: 1 / y.std()),
        "mean of the absolute values": _gain_of(lambda y, z: 1 / y.abs().mean()),
        "not inverted": _gain_of(lambda y, z: y.square().mean().sqrt()),
        "no root": _gain_of(lambda y, z: 1 / y.square().mean()),
        "ReLU's for all": lambda activation: math.sqrt(2),
        "uniform numbers": lambda activation: float(
            activation(torch.linspace(-3, 3, 100_001)).square().mean().rsqrt()
        ),
        "the slope's": _gain_of(lambda y, z: 1 / ((y[1:] - y[:-1]) / (z[1:] - z[:-1])).std()),
    },
    "stable-sigmoid": {
        "the textbook's": lambda input: 1 / (1 + torch.exp(-input)),
        "the other textbook's": lambda input: torch.exp(input) / (1 + torch.exp(input)),
        "clipped": lambda input: 1 / (1 + torch.exp(-input.clamp(-30, 30))),
        "abs": _sigmoid_by_abs,
        "where": _sigmoid_by_where,
        "by tanh": lambda input: (1 + torch.tanh(input / 2)) / 2,
        "one side for both": lambda input: 1 / (1 + torch.exp(-input.abs())),
        "not a number made zero": lambda input: torch.nan_to_num(
            torch.exp(input) / (1 + torch.exp(input))
        ),
        "torch's own": torch.sigmoid,
        "by softmax": lambda input: torch.stack([input, 0 * input]).softmax(0)[0],
    },
    "log-softmax": {
        "the textbook's": lambda input, dim: input - input.exp().sum(dim, keepdim=True).log(),
        "the logarithm of softmax": _log_of_softmax,
        "the largest put back": _put_back,
        "the largest of all": _shift_by(lambda input, dim: input.max()),
        "shifted by the mean": _shift_by(lambda input, dim: input.mean(dim, keepdim=True)),
        "always the last dimension": lambda input, dim: _log_softmax_last(input, -1),
        "always dimension 1": lambda input, dim: _log_softmax_last(input, 1),
        "over everything": lambda input, dim: (
            input - input.max() - (input - input.max()).exp().sum().log()
        ),
        "softmax": lambda input, dim: _log_softmax_last(input, dim).exp(),
        "torch's own": torch.log_softmax,
    },
}

EQUIVALENT: dict[str, set[str]] = {
    # At 0 both sides of forward give 0.
    "leaky-relu-function": {"line 17: input > 0 -> input >= 0"},
    # movedim(0, 1) and movedim(1, 0) both swap the first two dimensions.
    "dead-units": {"line 9: (output == 0).movedim(1, 0) -> (output == 0).movedim(0, 1)"},
    # One random number more or less among a million.
    "activation-gain": {"line 10: 1000000 -> 1000001", "line 10: 1000000 -> 999999"},
}
