"""Cases and references of the exercises of chapter 5. The references are torch's own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal

# Two linear layers in one


def _folded(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """What the stack does to each unit vector and to zero is all that a linear layer is."""
    with torch.no_grad():
        at_zero = second(first(torch.zeros(first.in_features)))
        columns = second(first(torch.eye(first.in_features))) - at_zero
        layer = nn.Linear(first.in_features, second.out_features)
        layer.weight.copy_(columns.T)
        layer.bias.copy_(at_zero)
    return layer


def _fold_case(random: Random, group: str, sizes: tuple[int, int, int], with_bias: str) -> Case:
    before, middle, after = sizes
    weights = [_whole(random, middle, before), _whole(random, after, middle)]
    first = _whole(random, middle, low=1) if "1" in with_bias else None
    second = _whole(random, after, low=1) if "2" in with_bias else None
    inputs = {
        "weights": weights,
        "biases": [first, second],
        "input": _whole(random, random.randint(2, 3), before),
    }
    told = {"12": "with biases", "1": "only the first has a bias", "2": "only the second has one"}
    text = f"{before} → {middle} → {after}, {told.get(with_bias, 'no biases')}"
    return Case(group, text, inputs)


def _whole(random: Random, *shape: int, low: int = -3, high: int = 3) -> Tensor:
    """Whole numbers: exact whatever the order of the sums, and easy to read."""
    return integers(random, low, high, *shape, dtype=torch.float32)


def _fold_linear_cases(random: Random) -> Iterator[Case]:
    first = torch.tensor([[1.0, 2.0], [0.0, 1.0]])
    second = torch.tensor([[1.0, -1.0], [3.0, 0.0]])
    shifts: list[Tensor | None] = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 5.0])]
    one = {"weights": [first, second], "input": torch.tensor([[2.0, 1.0]])}
    text = "the matrices of the chapter"
    yield Case("weights", f"{text}, no biases", one | {"biases": [None, None]}, fixed=True)
    yield Case("biases", f"{text}, biases [1, 0] and [0, 5]", one | {"biases": shifts}, fixed=True)
    shapes = list(itertools.permutations(range(2, 7), 3))
    for group, kinds in {"weights": ("", ""), "biases": ("12",), "one bias missing": "12"}.items():
        sizes = [*random.sample(shapes, 5), (random.randint(2, 6),) * 3]  # one square pair
        for index in range(6):
            yield _fold_case(random, group, sizes[index], kinds[index % len(kinds)])


fold_linear = Oracle(_fold_linear_cases, _folded)

# A gradient by hand


class _LeakyReLU:
    @staticmethod
    def apply(input: Tensor, negative_slope: float) -> Tensor:
        return F.leaky_relu(input, negative_slope)


def _with_zeros(random: Random, *shape: int) -> Tensor:
    """Normal numbers, with some exact zeros among them, the first one always."""
    made = 2 * normal(random, *shape)
    made = torch.where(made.abs() < 0.4, 0, made)
    made.view(-1)[0] = 0
    return made


def _leaky_relu_cases(random: Random) -> Iterator[Case]:
    small = torch.tensor([[1.0, -0.5], [-1.0, 3.0]])
    yield Case("forward", "[[1, −0.5], [−1, 3]], slope 0.1", _leaky(small, 0.1), fixed=True)
    zero = torch.tensor([-2.0, 0.0, 2.0])
    ones = {"arriving": torch.ones(3)}
    yield Case("gradient", "[−2, 0, 2], slope 0.25", _leaky(zero, 0.25) | ones, fixed=True)
    tens = {"arriving": torch.tensor([10.0, 20.0, 30.0])}
    text = "[−2, 0, 2], slope 0.25, [10, 20, 30] arrives"
    yield Case("gradients that arrive", text, _leaky(zero, 0.25) | tens, fixed=True)
    for group in ("forward", "gradient", "gradients that arrive"):
        for index in range(5):
            shape = [random.randint(2, 4) for _ in range(1 + index % 3)]
            slope = random.randint(2, 60) / 100
            inputs = _leaky(_with_zeros(random, *shape), slope)
            if group == "gradient":
                inputs["arriving"] = torch.ones(shape)
            elif group != "forward":
                inputs["arriving"] = normal(random, *shape)
            yield Case(group, f"{shape_text(shape)} input, slope {slope}", inputs)


def _leaky(input: Tensor, negative_slope: float) -> dict[str, Any]:
    return {"input": input, "negative_slope": negative_slope}


leaky_relu_function = Oracle(_leaky_relu_cases, _LeakyReLU)

# GELU


def _gelu_cases(random: Random) -> Iterator[Case]:
    line = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0])
    yield Case("exact", "[−3, −1, 0, 1, 3]", {"input": line}, fixed=True)
    inputs: dict[str, Any] = {"input": line, "approximate": "tanh"}
    yield Case("tanh", "[−3, −1, 0, 1, 3], approximate='tanh'", inputs, fixed=True)
    for group in ("exact", "tanh", "gradients"):
        for index in range(5):
            shape = [index + 3, *(random.randint(3, 5) for _ in range(index % 3))]
            inputs = {"input": 2 * normal(random, *shape)}
            if group == "tanh" or (group == "gradients" and index % 2):
                inputs["approximate"] = "tanh"
            elif index > 2:
                inputs["approximate"] = "none"
            if group == "gradients":
                inputs["arriving"] = normal(random, *shape)
            kind = f", approximate={inputs['approximate']!r}" if "approximate" in inputs else ""
            arrives = ", random gradients arrive" if group == "gradients" else ""
            yield Case(group, f"{shape_text(shape)} input{kind}{arrives}", inputs)


def _gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """In float64, for torch's own in float32 is wrong in the sixth digit after the point."""
    return F.gelu(input.double(), approximate=approximate).to(input.dtype)


gelu = Oracle(_gelu_cases, _gelu)

# Which units are dead


def _is_dead(output: Tensor) -> Tensor:
    others = [dim for dim in range(output.ndim) if dim != 1]
    return output.abs().amax(others) == 0


def _dead_units_cases(random: Random) -> Iterator[Case]:
    tiny = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    yield Case("linear layers", "2 samples, 3 units, the first dead", {"output": tiny}, fixed=True)
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 1, 1, 0] = 3
    text = "1 sample, 2 feature maps of 2×2, the first dead"
    yield Case("feature maps", text, {"output": maps}, fixed=True)
    sizes = list(itertools.product(range(2, 6), range(6, 10)))
    for group in ("linear layers", "feature maps", "nearly dead"):
        for index, (batch, units) in enumerate(random.sample(sizes, 6)):
            size = [random.randint(2, 4), random.randint(2, 4)] if group == "feature maps" else []
            output = normal(random, batch, units, *size).relu()
            dead = random.sample(range(units), random.randint(2, units - 3))
            output[:, dead] = 0
            if group == "nearly dead":  # one sample, or a very small number, saves a unit
                output[random.randrange(batch), dead[0]] = 1e-6 if index % 2 else 4.0
                output[:, dead[1]] = 0
            text = f"{shape_text(output.shape)} output"
            yield Case(group, text, {"output": output})
    for index, (batch, units) in enumerate(random.sample(sizes, 6)):
        size = [random.randint(2, 4), random.randint(2, 4)] if index % 2 else []
        output = normal(random, batch, units, *size)
        silent, below, opposite = random.sample(range(units), 3)
        output[:, silent] = 0
        output[:, below] = -output[:, below].abs() - 0.1
        # a number and its opposite: the sum of the unit is exactly 0
        output[:, opposite] = 0
        first, second = random.sample(range(batch), 2)
        output[first, opposite], output[second, opposite] = 1.0, -1.0
        yield Case("negative numbers", f"{shape_text(output.shape)} output", {"output": output})


dead_units = Oracle(_dead_units_cases, _is_dead)

# The gain of an activation


def _gain(activation: Any) -> float:
    """By the trapezoidal rule, in float64."""
    z = torch.linspace(-9, 9, 9001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float(torch.trapezoid(activation(z) ** 2 * density, z) ** -0.5)


_GROUPS: dict[str, list[tuple[str, float, float]]] = {
    # group → the function and the range of its constant
    "ReLU and its kin": [
        ("leaky relu", 0.05, 0.5),
        ("scaled relu", 0.3, 0.8),
        ("elu", 0.5, 2.0),
        ("leaky relu", 0.6, 0.9),
    ],
    "curved": [("tanh", 0.5, 2.0), ("gelu", 0.5, 2.0), ("silu", 0.5, 2.0), ("tanh", 2.0, 3.0)],
    "shifted": [
        ("sigmoid", 0.5, 3.0),
        ("softplus", 0.5, 2.0),
        ("shifted tanh", 0.5, 1.0),
        ("shifted relu", 0.3, 1.0),
    ],
}
_TOLD = {
    "scaled relu": "{c} · ReLU(z)",
    "tanh": "tanh({c} z)",
    "gelu": "GELU({c} z)",
    "silu": "SiLU({c} z)",
    "sigmoid": "sigmoid({c} z)",
    "leaky relu": "leaky ReLU, slope {c}",
    "elu": "ELU, alpha {c}",
    "softplus": "softplus, beta {c}",
    "shifted tanh": "tanh(z) + {c}",
    "shifted relu": "ReLU(z + {c})",
    "relu": "ReLU",
}


def _activation_gain_cases(random: Random) -> Iterator[Case]:
    for group, function in (
        ("ReLU and its kin", "relu"),
        ("curved", "tanh"),
        ("shifted", "sigmoid"),
    ):
        text = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid"}[function]
        yield Case(group, text, {"function": function, "constant": 1.0}, fixed=True)
    for group, functions in _GROUPS.items():
        for function, low, high in functions:
            constant = round(random.uniform(low, high), 2)
            text = _TOLD[function].format(c=constant)
            yield Case(group, text, {"function": function, "constant": constant})


#: A million random numbers find a gain to about 0.3 %.
activation_gain = Oracle(_activation_gain_cases, _gain, rtol=1.5e-2, atol=0.0)

# A sigmoid that holds


def _sigmoid(input: Tensor) -> Tensor:
    """In float64, for torch's gradient in float32 loses digits on the right."""
    return torch.sigmoid(input.double()).to(input.dtype)


def _stable_sigmoid_cases(random: Random) -> Iterator[Case]:
    table = torch.tensor([[4.0, 7.0, 6.0], [8.0, 3.0, 5.0], [2.0, 9.0, 7.0]])
    yield Case("near zero", "[[4, 7, 6], [8, 3, 5], [2, 9, 7]]", {"input": table}, fixed=True)
    far = torch.tensor([-1000.0, -50.0, 50.0, 1000.0])
    yield Case("far out", "[−1000, −50, 50, 1000]", {"input": far}, fixed=True)
    inputs = {"input": torch.tensor([-1000.0, 0.0, 1000.0]), "arriving": torch.ones(3)}
    yield Case("gradients", "[−1000, 0, 1000], gradients", inputs, fixed=True)
    for index in range(5):
        shape = [index + 2, *(random.randint(2, 4) for _ in range(index % 3))]
        text = f"{shape_text(shape)} input"
        yield Case("near zero", text, {"input": 3 * _with_zeros(random, *shape)})
        left, right = random.sample(range(20, 80), 2)
        for group, second in (("far out", right), ("gradients", random.randint(200, 5000))):
            ends = [-left, second, -random.randint(200, 9999), random.randint(200, 9999)]
            input = torch.tensor([float(end) for end in ends])
            text = f"{ends}".replace("-", "−")
            if group == "far out":
                yield Case(group, text, {"input": input})
                continue
            mixed = torch.cat([_with_zeros(random, 4), input])
            inputs = {"input": mixed, "arriving": normal(random, 8)}
            text = f"numbers near zero, and {text}, times random gradients that arrive"
            yield Case(group, text, inputs)


#: Small results are to be right in their own digits: 2e-9 is not 0.
stable_sigmoid = Oracle(_stable_sigmoid_cases, _sigmoid, rtol=1e-4, atol=1e-36)

# A log-softmax that holds


def _log_softmax_cases(random: Random) -> Iterator[Case]:
    row = torch.tensor([[1.0, 2.0, 3.0]])
    yield Case("last dimension", "[[1, 2, 3]], dim 1", {"input": row, "dim": 1}, fixed=True)
    inputs = {"input": torch.tensor([[0.0, 5.0], [math.log(3), 5.0]]), "dim": 0}
    yield Case("other dimensions", "[[0, 5], [log 3, 5]], dim 0", inputs, fixed=True)
    large = torch.tensor([[1000.0, 1001.0, 1002.0]])
    yield Case(
        "large logits", "[[1000, 1001, 1002]], dim 1", {"input": large, "dim": 1}, fixed=True
    )
    bases = random.sample((-8000, -4000, -2000, 2000, 4000, 8000), 5)
    shapes = random.sample(list(itertools.permutations(range(2, 6), 3)), 5)
    for index, (base, shape) in enumerate(zip(bases, shapes, strict=True)):
        text = f"{shape_text(shape)} logits, dim "
        logits = 2 * normal(random, *shape)
        yield Case("last dimension", text + "−1", {"input": logits, "dim": -1})
        dim = (0, 1, -2, -3, 1)[index]
        said = text + f"{dim}".replace("-", "−")
        yield Case("other dimensions", said, {"input": logits.clone(), "dim": dim})
        rise = torch.tensor([0.0, 9000.0 if index % 2 else 0.5])[:, None, None]
        far = normal(random, 2, 3, 4) + base + rise
        dim = 1 if index == 3 else 0
        text = f"2×3×4 logits near {base}".replace("-", "−")
        spread = " and 9000 more in the second half" if index % 2 else ""
        yield Case("large logits", f"{text}{spread}, dim {dim}", {"input": far, "dim": dim})
        dim = random.choice((0, 1, 2))
        arriving = normal(random, *shape)
        shift = 500 * (index % 2)
        inputs = {"input": logits + shift, "dim": dim, "arriving": arriving}
        near = f" near {shift}" if shift else ""
        text = f"{shape_text(shape)} logits{near}, dim {dim}, random gradients arrive"
        yield Case("gradients", text, inputs)


log_softmax = Oracle(_log_softmax_cases, torch.log_softmax)
