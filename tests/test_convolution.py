"""The reference convolutions against torch's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers import convolution
from helpers.convolution import (
    conv2d,
    conv_output_size,
    conv_transpose2d,
    conv_transpose_output_size,
    receptive_field,
)

INPUT = torch.tensor(
    [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
)[None, None]
KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]])[None, None]

DTYPES = st.sampled_from(
    [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.int64]
)
Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, dict[str, Any]]
examples = settings(deadline=None, max_examples=150)


def _tensor(seed: int, *shape: int, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=generator).to(dtype)  # exact in every dtype


def _either(low: int, high: int) -> st.SearchStrategy[Any]:
    """An int, or a pair of ints, as the arguments of a convolution are."""
    return st.one_of(st.integers(low, high), st.tuples(*[st.integers(low, high)] * 2))


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


@st.composite
def _arguments(draw: st.DrawFn, transposed: bool) -> Arguments:
    groups = draw(st.integers(1, 3))
    channels, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel_size = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride, dilation = draw(_either(1, 3)), draw(_either(1, 3))
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    span = [d * (k - 1) + 1 for d, k in zip(_both(dilation), kernel_size, strict=True)]
    if transposed:
        extra = [max(s, d) - 1 for s, d in zip(_both(stride), _both(dilation), strict=True)]
        options["output_padding"] = draw(st.tuples(*[st.integers(0, most) for most in extra]))
        options["padding"] = draw(st.integers(0, (min(span) - 1) // 2))
        least = [1, 1]
    else:
        same = _both(stride) == (1, 1) and draw(st.booleans())
        options["padding"] = "same" if same else draw(st.one_of(_either(0, 2), st.just("valid")))
        room = (0, 0) if isinstance(options["padding"], str) else _both(options["padding"])
        least = [max(1, size - 2 * p) for size, p in zip(span, room, strict=True)]
    size = [low + draw(st.integers(0, 4)) for low in least]
    batch = draw(st.sampled_from([(), (1,), (3,)]))
    seed, dtype = draw(st.integers(0, 10_000)), draw(DTYPES)
    first, second = (channels, out // groups) if transposed else (out, channels // groups)
    input = _tensor(seed, *batch, channels, *size, dtype=dtype)
    weight = _tensor(seed + 1, first, second, *kernel_size, dtype=dtype)
    bias = _tensor(seed + 2, out, dtype=dtype) if draw(st.booleans()) else None
    return input, weight, bias, options


def test_the_worked_example() -> None:
    assert conv2d(INPUT, KERNEL).tolist() == [[[[10, 12, 12], [18, 16, 16], [13, 9, 3]]]]
    assert conv2d(INPUT, KERNEL, stride=2).tolist() == [[[[10, 12], [13, 3]]]]
    assert conv2d(INPUT, KERNEL, padding=1)[0, 0].tolist() == [
        [1, 3, 4, 10, 8],
        [5, 10, 12, 12, 6],
        [7, 18, 16, 16, 8],
        [11, 13, 9, 3, 4],
        [14, 13, 9, 7, 4],
    ]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(_arguments(transposed=False))
@examples
def test_conv2d_is_torchs(arguments: Arguments) -> None:
    input, weight, bias, options = arguments
    expected = F.conv2d(input, weight, bias, **options)
    torch.testing.assert_close(conv2d(input, weight, bias, **options), expected)


@given(_arguments(transposed=True))
@examples
def test_conv_transpose2d_is_torchs(arguments: Arguments) -> None:
    input, weight, bias, options = arguments
    expected = F.conv_transpose2d(input, weight, bias, **options)
    torch.testing.assert_close(conv_transpose2d(input, weight, bias, **options), expected)


@given(_arguments(transposed=False), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_the_transposed_convolution_is_the_adjoint(arguments: Arguments, seed: int) -> None:
    input, weight, _, options = arguments
    options["padding"] = 0
    span = [d * (k - 1) + 1 for d, k in zip(_both(options["dilation"]), weight.shape[2:])]  # noqa: B905
    input = _tensor(seed, 2, input.shape[-3], *[4 + size for size in span], dtype=torch.float64)
    weight = weight.real.to(torch.float64) if weight.is_complex() else weight.double()
    output = conv2d(input, weight, **options)
    other = _tensor(seed + 1, *output.shape, dtype=torch.float64)
    back = conv_transpose2d(other, weight, **options)
    inside = input[..., : back.shape[-2], : back.shape[-1]]  # the pixels that are read at all
    assert (output * other).sum() == (inside * back).sum()


@pytest.mark.parametrize("function", [conv2d, conv_transpose2d])
def test_gradients(function: Any) -> None:
    input = _tensor(0, 2, 4, 5, 6, dtype=torch.float64).requires_grad_()
    weight = _tensor(1, 4, 2, 3, 2, dtype=torch.float64).requires_grad_()
    bias = _tensor(2, 4, dtype=torch.float64).requires_grad_()
    options = {"stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2}

    def run(*tensors: torch.Tensor) -> Any:
        return function(*tensors, **options)

    assert torch.autograd.gradcheck(run, (input, weight, bias))


def test_an_empty_batch() -> None:
    assert conv2d(INPUT[:0], KERNEL).shape == (0, 1, 3, 3)
    assert conv_transpose2d(INPUT[:0], KERNEL).shape == (0, 1, 7, 7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_on_a_gpu(name: str) -> None:
    input, weight = INPUT.double().cuda(), KERNEL.double().cuda()
    mine = getattr(convolution, name)(input, weight, stride=2, padding=1)
    torch.testing.assert_close(mine, getattr(F, name)(input, weight, stride=2, padding=1))


sizes = st.integers(1, 5)


@given(st.integers(1, 30), sizes, sizes, st.integers(0, 4), sizes)
@examples
def test_conv_output_size_is_torchs(i: int, k: int, s: int, p: int, d: int) -> None:
    signal, kernel = torch.zeros(1, 1, i), torch.zeros(1, 1, k)
    if d * (k - 1) + 1 > i + 2 * p:
        with pytest.raises(ValueError, match="kernel_size"):
            conv_output_size(i, k, s, p, d)
    else:
        expected = F.conv1d(signal, kernel, stride=s, padding=p, dilation=d)
        assert conv_output_size(i, k, s, p, d) == expected.shape[2]


@pytest.mark.parametrize(
    "numbers, expected",
    [((4, 3, 1, 0), 2), ((5, 3, 1, 1), 5), ((5, 3, 2, 0), 2), ((6, 3, 2, 1), 3)],
)
def test_conv_output_size_of_the_chapter(numbers: Any, expected: int) -> None:
    assert conv_output_size(*numbers) == expected


@given(st.integers(1, 10), sizes, sizes, st.integers(0, 3), st.integers(0, 4), sizes)
@examples
def test_conv_transpose_output_size_is_torchs(
    i: int, k: int, s: int, p: int, a: int, d: int
) -> None:
    if a >= max(s, d):
        with pytest.raises(ValueError, match="output_padding"):
            conv_transpose_output_size(i, k, s, p, a, d)
    elif (whole := (i - 1) * s + d * (k - 1) + 1 + a) <= 2 * p:
        with pytest.raises(
            ValueError, match=f"padding is {p}; allowed: at most {(whole - 1) // 2}"
        ):
            conv_transpose_output_size(i, k, s, p, a, d)
    else:
        signal, kernel = torch.zeros(1, 1, i), torch.zeros(1, 1, k)
        made = F.conv_transpose1d(signal, kernel, None, s, p, a, 1, d)
        assert conv_transpose_output_size(i, k, s, p, a, d) == made.shape[2]


@given(st.lists(st.tuples(sizes, st.integers(1, 3), st.integers(1, 3)), max_size=4))
@settings(deadline=None, max_examples=60)
def test_receptive_field_is_what_has_a_gradient(layers: list[tuple[int, int, int]]) -> None:
    size = receptive_field(layers)
    signal = torch.zeros(1, 1, size, dtype=torch.float64, requires_grad=True)
    output = signal
    for kernel_size, stride, dilation in layers:
        kernel = torch.ones(1, 1, kernel_size, dtype=torch.float64)
        output = F.conv1d(output, kernel, stride=stride, dilation=dilation)
    assert output.shape[2] == 1
    output.sum().backward()
    assert signal.grad is not None
    assert signal.grad[0, 0, 0] > 0 and signal.grad[0, 0, -1] > 0  # it sees from end to end


ONE = torch.zeros(1, 2, 5, 5)
TWO = torch.zeros(4, 2, 3, 3)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: conv_output_size(0, 3), "input_size is 0; allowed: at least 1"),
        (lambda: conv_output_size(5, 0), "kernel_size is 0; allowed: at least 1"),
        (lambda: conv_output_size(5, 3, stride=0), "stride is 0; allowed: at least 1"),
        (lambda: conv_output_size(5, 3, padding=-1), "padding is -1; allowed: at least 0"),
        (lambda: conv_output_size(5, 3, dilation=0), "dilation is 0; allowed: at least 1"),
        (
            lambda: conv_output_size(5, 4, dilation=2),
            "spans 7 at dilation 2; allowed: a span of at most 5",
        ),
        (lambda: conv_transpose_output_size(3, 3, 2, 0, 2), "output_padding is 2; allowed: 0 to 1"),
        (lambda: conv_transpose_output_size(0, 3), "input_size is 0"),
        (lambda: conv_transpose_output_size(1, 2, 1, 1), "padding is 1; allowed: at most 0"),
        (lambda: receptive_field([(3, 1, 1), (3, 0, 1)]), "stride is 0"),
        (lambda: conv2d(ONE[0, 0], TWO), "input has shape 5×5; allowed: N×C×H×W or C×H×W"),
        (lambda: conv2d(ONE, TWO[0]), "weight has shape 2×3×3"),
        (lambda: conv2d(ONE, TWO[:, :1]), "weight has shape 4×1×3×3; .* C = 2 and groups = 1"),
        (lambda: conv2d(ONE, TWO[:3, :1], groups=2), "weight has shape 3×1×3×3"),
        (lambda: conv2d(ONE, TWO, groups=3), "groups is 3; allowed: a divisor of the 2 channels"),
        (lambda: conv2d(ONE, TWO, groups=0), "groups is 0"),
        (lambda: conv2d(ONE, TWO, torch.zeros(3)), "bias has shape 3; allowed: one .* of 4"),
        (lambda: conv2d(ONE, TWO.double()), "weight is torch.float64; allowed: torch.float32"),
        (lambda: conv2d(ONE, TWO, stride=0), "stride is 0; allowed: an int or a pair"),
        (lambda: conv2d(ONE, TWO, stride=(1, 2, 3)), r"stride is \(1, 2, 3\)"),
        (lambda: conv2d(ONE, TWO, padding=(0, -1)), r"padding is \(0, -1\)"),
        (lambda: conv2d(ONE, TWO, padding="full"), "padding is 'full'; allowed: 'same', 'valid'"),
        (lambda: conv2d(ONE, TWO, padding="same", stride=2), "padding='same': 1"),
        (lambda: conv2d(ONE, TWO, dilation=3), "kernel_size is 3 and spans 7"),
        (lambda: conv_transpose2d(ONE, TWO), "weight has shape 4×2×3×3; allowed: C × out/groups"),
        (lambda: conv_transpose2d(ONE, TWO[:2], output_padding=1), "output_padding is 1"),
        (lambda: conv_transpose2d(ONE, TWO[:2], torch.zeros(3)), "bias has shape 3"),
    ],
)
def test_bad_input_is_named(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
