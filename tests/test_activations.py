"""The reference activations against torch's own."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from helpers import activations
from helpers.activations import dead_units, gain, logsumexp

POINTWISE: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "sigmoid": (torch.sigmoid, [{}]),
    "tanh": (torch.tanh, [{}]),
    "relu": (torch.relu, [{}]),
    "leaky_relu": (F.leaky_relu, [{}, {"negative_slope": 0.3}, {"negative_slope": 0.0}]),
    "elu": (F.elu, [{}, {"alpha": 0.5}]),
    "gelu": (F.gelu, [{}, {"approximate": "tanh"}]),
    "silu": (F.silu, [{}]),
    "softplus": (F.softplus, [{}]),
}
ALONG = {"softmax": torch.softmax, "log_softmax": torch.log_softmax, "logsumexp": torch.logsumexp}
NAMED = [(name, options) for name, (_, all_) in POINTWISE.items() for options in all_]
each = pytest.mark.parametrize("name, options", NAMED)
along = pytest.mark.parametrize("name", ALONG)
examples = settings(deadline=None, max_examples=60)

#: In half precision torch computes a formula in float32 and rounds once; here each step rounds.
TOLERANCES = {
    torch.float64: {"rtol": 1e-12, "atol": 1e-14},
    torch.float32: {"rtol": 2e-6, "atol": 1e-6},
    torch.float16: {"rtol": 4e-3, "atol": 4e-3},
    torch.bfloat16: {"rtol": 4e-2, "atol": 4e-2},
}


@st.composite
def tensors(draw: Any, least: int = 0) -> Tensor:
    """Of any shape, dtype and strides, empty ones too; zeros among the numbers."""
    shape = draw(st.lists(st.integers(0 if least == 0 else 1, 4), min_size=least, max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    scale = draw(st.sampled_from([0.01, 1.0, 10.0]))
    made = torch.randn([2 * size for size in shape], generator=generator, dtype=torch.float64)
    made = torch.where(made.abs() < 0.1, 0, scale * made).to(draw(st.sampled_from([*TOLERANCES])))
    strided = made[tuple(slice(None, None, 2) for _ in shape)]
    order = draw(st.permutations(range(len(shape))))
    return strided.permute(order)


@each
@given(input=tensors())
@examples
def test_a_function_is_torchs(name: str, options: dict[str, Any], input: Tensor) -> None:
    mine = getattr(activations, name)(input, **options)
    theirs = POINTWISE[name][0](input, **options)
    torch.testing.assert_close(mine, theirs, **TOLERANCES[input.dtype])


@along
@given(input=tensors(least=1), data=st.data())
@examples
def test_along_a_dimension_it_is_torchs(name: str, input: Tensor, data: Any) -> None:
    dim = data.draw(st.integers(-input.ndim, input.ndim - 1))
    mine, theirs = getattr(activations, name)(input, dim), ALONG[name](input, dim)
    torch.testing.assert_close(mine, theirs, **TOLERANCES[input.dtype])
    if name == "logsumexp":
        assert logsumexp(input, dim, keepdim=True).shape == input.sum(dim, keepdim=True).shape


@each
@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_gradients(name: str, options: dict[str, Any], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    input = 3 * torch.randn(4, 3, generator=generator, dtype=torch.float64)
    input = torch.where(input.abs() < 1e-3, 1, input).requires_grad_()  # away from the bend

    def run(tensor: Tensor) -> Tensor:
        return getattr(activations, name)(tensor, **options)

    assert torch.autograd.gradcheck(run, input)
    assert torch.autograd.gradgradcheck(run, input)


@along
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_gradients_along_a_dimension(name: str, dim: int) -> None:
    input = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(dim), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda tensor: getattr(activations, name)(tensor, dim), input.requires_grad_()
    )


def _gradients(function: Any, input: Tensor, **options: Any) -> Tensor:
    input = input.clone().requires_grad_()
    function(input, **options).sum().backward()
    assert input.grad is not None
    return input.grad


@each
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_far_out_and_at_zero(name: str, options: dict[str, Any], dtype: torch.dtype) -> None:
    input = torch.tensor([-1e4, -1e3, -100, -30, -10, 0, -0.0, 10, 30, 100, 1e3, 1e4], dtype=dtype)
    mine, theirs = getattr(activations, name), POINTWISE[name][0]
    output, gradient = mine(input, **options), _gradients(mine, input, **options)
    assert output.isfinite().all() and gradient.isfinite().all()
    torch.testing.assert_close(output, theirs(input, **options), **TOLERANCES[dtype])
    expected = _gradients(theirs, input, **options)
    torch.testing.assert_close(gradient, expected, **TOLERANCES[dtype])


@along
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_far_out_along_a_dimension(name: str, dtype: torch.dtype) -> None:
    input = torch.tensor([[1e4, -1e4, 9992], [-1e4, -1e4, -1e4], [0, 1e4, 1e4]], dtype=dtype)
    mine, theirs = getattr(activations, name), ALONG[name]
    for dim in (0, 1):
        output = mine(input, dim)
        torch.testing.assert_close(output, theirs(input, dim), **TOLERANCES[dtype])
        gradient = _gradients(mine, input, dim=dim)
        assert output.isfinite().all() and gradient.isfinite().all()


@pytest.mark.parametrize("name", ["sigmoid", "softplus"])
def test_small_results_keep_their_digits(name: str) -> None:
    input = torch.linspace(-80, -20, 7)
    torch.testing.assert_close(
        getattr(activations, name)(input), input.exp(), rtol=1e-6, atol=0, check_dtype=True
    )


@pytest.mark.parametrize("name", ["softmax", "logsumexp"])
def test_minus_infinity_is_a_masked_place(name: str) -> None:
    input = torch.tensor([[-math.inf, 0.0, 1.0], [0.0, -math.inf, -math.inf]])
    mine, theirs = getattr(activations, name)(input, 1), ALONG[name](input, 1)
    torch.testing.assert_close(mine, theirs)
    nothing = torch.tensor([-math.inf, -math.inf])
    assert logsumexp(nothing, 0) == -math.inf


@each
def test_nan_stays_nan(name: str, options: dict[str, Any]) -> None:
    assert getattr(activations, name)(torch.tensor([math.nan]), **options).isnan().all()


def test_relu_takes_whole_numbers() -> None:
    assert activations.relu(torch.tensor([[-1, 0], [2, -3]])).tolist() == [[0, 0], [2, 0]]


def test_the_worked_examples() -> None:
    table = activations.sigmoid(torch.tensor([[4.0, 7, 6], [8, 3, 5], [2, 9, 7]]))
    by_hand = [[0.9820, 0.9991, 0.9975], [0.9997, 0.9526, 0.9933], [0.8808, 0.9999, 0.9991]]
    torch.testing.assert_close(table, torch.tensor(by_hand), rtol=0, atol=5e-5)
    small = torch.tensor([[1, -0.5], [-1, 3]])
    assert activations.relu(small).tolist() == [[1, 0], [0, 3]]
    by_hand = [[0.7311, 0.3775], [0.2689, 0.9526]]
    torch.testing.assert_close(activations.sigmoid(small), torch.tensor(by_hand), rtol=0, atol=5e-5)


@given(seed=st.integers(0, 1000), more=st.lists(st.integers(1, 3), max_size=2))
@examples
def test_dead_units_are_zero_for_all_samples(seed: int, more: list[int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    output = torch.randint(0, 2, (2, 6, *more), generator=generator).float()
    by_hand = [not output[:, unit].any() for unit in range(6)]
    assert dead_units(output).tolist() == by_hand


def test_gain() -> None:
    assert gain(torch.relu) == pytest.approx(math.sqrt(2), rel=1e-4)
    assert gain(lambda z: F.leaky_relu(z, 0.5)) == pytest.approx(math.sqrt(2 / 1.25), rel=1e-4)
    assert gain(lambda z: 3 * z) == pytest.approx(1 / 3, rel=1e-6)
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(0))
    for function in (torch.tanh, F.gelu, torch.sigmoid):
        drawn = float(function(z).square().mean().rsqrt())
        assert gain(function) == pytest.approx(drawn, rel=5e-3)


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda: activations.sigmoid(torch.tensor([1, 2])), "input is torch.int64"),
        (lambda: activations.gelu(torch.zeros(1), approximate="erf"), "approximate is 'erf'"),  # type: ignore[arg-type]
        (lambda: logsumexp(torch.zeros(2, 3), 2), "dim is 2; allowed: -2 to 1"),
        (lambda: activations.softmax(torch.tensor(1.0), 0), "dim is 0; allowed: no dimension"),
        (lambda: dead_units(torch.zeros(3)), "output has shape"),
        (lambda: gain(torch.zeros_like), "activation has the mean square 0"),
    ],
)
def test_bad_input_is_named(call: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@each
def test_on_a_gpu(name: str, options: dict[str, Any]) -> None:
    input = torch.linspace(-5, 5, 21, device="cuda")
    mine = getattr(activations, name)(input, **options)
    torch.testing.assert_close(mine, POINTWISE[name][0](input, **options))
