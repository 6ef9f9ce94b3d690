"""The reference pooling against torch's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.pooling import (
    adaptive_avg_pool2d,
    adaptive_bins,
    avg_pool2d,
    blur_pool2d,
    max_pool2d,
    max_unpool2d,
    pool_output_size,
)

INPUT = torch.tensor(
    [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
)[None, None]

FLOATS = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])
REALS = st.one_of(FLOATS, st.sampled_from([torch.int64, torch.int32, torch.uint8]))
examples = settings(deadline=None, max_examples=150)


def _tensor(seed: int, *shape: int, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    low = 0 if dtype == torch.uint8 else -6
    return torch.randint(low, 7, shape, generator=generator).to(dtype)  # with many ties


def _both(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


@st.composite
def _pooling(draw: st.DrawFn, dtypes: Any, dilated: bool) -> tuple[torch.Tensor, dict[str, Any]]:
    """An input, and arguments that fit it, alike for torch's functions and for ours."""
    either = st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4))
    options: dict[str, Any] = {"kernel_size": draw(either), "ceil_mode": draw(st.booleans())}
    options["stride"] = draw(st.none() | either)
    kernel = _both(options["kernel_size"])
    options["padding"] = draw(
        st.integers(0, min(kernel) // 2)
        | st.tuples(st.integers(0, kernel[0] // 2), st.integers(0, kernel[1] // 2))
    )
    dilation = draw(st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    if dilated:
        options["dilation"] = dilation
    gaps = _both(dilation) if dilated else (1, 1)
    steps = _both(kernel if options["stride"] is None else options["stride"])
    size = []
    for k, p, d, s in zip(kernel, _both(options["padding"]), gaps, steps, strict=True):
        slack = s - 1 if options["ceil_mode"] else 0  # what may hang over
        size.append(max(1, d * (k - 1) + 1 - 2 * p - slack) + draw(st.integers(0, 6)))
    batch = draw(st.sampled_from([(2,), (1, 1), (3, 2)]))
    return _tensor(draw(st.integers(0, 10_000)), *batch, *size, dtype=draw(dtypes)), options


def test_the_worked_examples() -> None:
    assert max_pool2d(INPUT, 3).tolist() == [[[[2]]]]
    assert max_pool2d(INPUT, 3, ceil_mode=True).tolist() == [[[[2, 3], [5, 1]]]]
    small = torch.tensor([[[4, 4, 2], [4, 4, 2], [3, 3, 1]]])
    assert max_pool2d(small, 2).tolist() == [[[4]]]
    assert max_pool2d(small, 2, stride=1).tolist() == [[[4, 4], [4, 4]]]
    assert avg_pool2d(small.float(), 2, stride=1).tolist() == [[[4, 3], [3.5, 2.5]]]


@given(_pooling(REALS, dilated=True))
@examples
def test_max_pool2d_is_torchs(arguments: Any) -> None:
    input, options = arguments
    expected, places = F.max_pool2d(input, **options, return_indices=True)
    output, indices = max_pool2d(input, **options, return_indices=True)
    torch.testing.assert_close(output, expected, rtol=0, atol=0)
    torch.testing.assert_close(max_pool2d(input, **options), expected, rtol=0, atol=0)
    touched = indices >= 0  # elsewhere torch's index lies outside the image
    assert torch.equal(indices[touched], places[touched])


@given(_pooling(st.just(torch.float64), dilated=True), st.sampled_from([-1.0, 1.0]))
@settings(deadline=None, max_examples=60)
def test_infinities_are_like_other_numbers(arguments: Any, sign: float) -> None:
    input, options = arguments
    input = torch.where(input > 0, sign * torch.inf, input)
    expected, places = F.max_pool2d(input, **options, return_indices=True)
    output, indices = max_pool2d(input, **options, return_indices=True)
    assert torch.equal(output, expected)
    assert torch.equal(indices[indices >= 0], places[indices >= 0])


def test_a_nan_is_passed_on() -> None:
    input = INPUT.float()
    input[0, 0, 1, 1] = torch.nan
    output = max_pool2d(input, 2)
    torch.testing.assert_close(output, F.max_pool2d(input, 2), equal_nan=True)
    assert output.isnan().sum() == 1


@given(
    _pooling(FLOATS | st.just(torch.int64), dilated=False),
    st.booleans(),
    st.none() | st.integers(1, 9) | st.just(-2),
)
@examples
def test_avg_pool2d_is_torchs(arguments: Any, include: bool, divisor: int | None) -> None:
    input, options = arguments
    options |= {"count_include_pad": include, "divisor_override": divisor}
    torch.testing.assert_close(avg_pool2d(input, **options), F.avg_pool2d(input, **options))


@given(
    st.tuples(*[st.integers(1, 12)] * 4), st.sampled_from([(2,), (3, 1)]), FLOATS, st.integers(0)
)
@settings(deadline=None, max_examples=80)
def test_adaptive_avg_pool2d_is_torchs(sizes: Any, batch: Any, dtype: Any, seed: int) -> None:
    input = _tensor(seed % 10_000, *batch, *sizes[:2], dtype=dtype)
    expected = F.adaptive_avg_pool2d(input, sizes[2:])
    # Two means of means round twice; torch takes one of all.
    near = {torch.float16: 1e-2, torch.bfloat16: 6e-2}.get(dtype)
    torch.testing.assert_close(
        adaptive_avg_pool2d(input, sizes[2:]), expected, rtol=near, atol=near
    )


def test_an_infinity_stays_in_its_bin() -> None:
    input = torch.ones(1, 5, 5)
    input[0, 0, 0] = torch.inf
    assert torch.equal(adaptive_avg_pool2d(input, 3), F.adaptive_avg_pool2d(input, 3))


@given(_pooling(FLOATS, dilated=False))
@settings(deadline=None, max_examples=60)
def test_max_unpool2d_is_torchs(arguments: Any) -> None:
    input, options = arguments
    assume(input.ndim == 4)
    output, indices = F.max_pool2d(input, **options, return_indices=True)
    size = input.shape[-2:]
    expected = torch.ops.aten.max_unpool2d(output, indices, size)
    assert torch.equal(max_unpool2d(output, indices, size), expected)


@given(st.tuples(*[st.integers(1, 4)] * 2, *[st.integers(2, 9)] * 2), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_blur_pool2d_is_a_convolution(shape: Any, stride: int) -> None:
    input = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.tensor([1.0, 2, 1], dtype=torch.float64) / 4
    kernel = torch.outer(weights, weights).expand(shape[1], 1, 3, 3)
    framed = F.pad(input, (1, 1, 1, 1), mode="reflect")
    expected = F.conv2d(framed, kernel, stride=stride, groups=shape[1])
    torch.testing.assert_close(blur_pool2d(input, stride), expected)
    torch.testing.assert_close(blur_pool2d(input[0], stride), expected[0])


@given(_pooling(st.just(torch.float64), dilated=True), st.integers(0, 1000))
@settings(deadline=None, max_examples=60)
def test_the_gradient_goes_where_torchs_goes(arguments: Any, seed: int) -> None:
    input, options = arguments
    touched = max_pool2d(input, **options, return_indices=True)[1] >= 0
    gradients = []
    for function in (max_pool2d, F.max_pool2d):
        leaf = input.clone().requires_grad_()
        output = function(leaf, **options)[touched]
        (output * _tensor(seed, *output.shape, dtype=torch.float64)).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_gradients_of_means() -> None:
    input = _tensor(0, 2, 2, 5, 6, dtype=torch.float64).requires_grad_()
    for function in (
        lambda x: avg_pool2d(x, 3, 2, 1, ceil_mode=True),
        lambda x: adaptive_avg_pool2d(x, (3, 4)),
        lambda x: max_unpool2d(x, torch.arange(120).reshape(2, 2, 5, 6) % 30, (5, 6)),
        blur_pool2d,
    ):
        assert torch.autograd.gradcheck(function, input)


def test_an_empty_batch() -> None:
    none = torch.zeros(0, 2, 5, 5)
    assert max_pool2d(none, 2).shape == avg_pool2d(none, 2).shape == (0, 2, 2, 2)
    assert adaptive_avg_pool2d(none, 3).shape == (0, 2, 3, 3)
    assert max_unpool2d(none, none.long(), (7, 7)).shape == (0, 2, 7, 7)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    input = torch.randn(2, 3, 9, 9, device="cuda")
    options = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    output, indices = max_pool2d(input, **options, return_indices=True)
    expected, places = F.max_pool2d(input, **options, return_indices=True)
    assert torch.equal(output, expected) and torch.equal(indices, places)
    torch.testing.assert_close(avg_pool2d(input, **options), F.avg_pool2d(input, **options))
    torch.testing.assert_close(adaptive_avg_pool2d(input, 4), F.adaptive_avg_pool2d(input, 4))
    torch.testing.assert_close(
        max_unpool2d(output, indices, (9, 9)), torch.ops.aten.max_unpool2d(output, indices, [9, 9])
    )
    assert blur_pool2d(input).device == input.device


@given(
    st.integers(1, 40),
    st.integers(1, 7),
    st.integers(1, 9),
    st.integers(0, 3),
    st.integers(1, 3),
    st.booleans(),
)
@examples
def test_the_size_is_torchs(i: int, k: int, s: int, p: int, d: int, ceil: bool) -> None:
    assume(p <= k // 2)
    row = torch.zeros(1, 1, i)
    try:
        expected = F.max_pool2d(row, (1, k), (1, s), (0, p), (1, d), ceil).shape[-1]
    except RuntimeError:  # no room for a window
        with pytest.raises(ValueError, match="allowed: a span that fits"):
            pool_output_size(i, k, s, p, d, ceil)
    else:
        assert pool_output_size(i, k, s, p, d, ceil) == expected


def test_bins_cover_the_input() -> None:
    assert adaptive_bins(5, 3) == [(0, 2), (1, 4), (3, 5)]
    assert adaptive_bins(6, 3) == [(0, 2), (2, 4), (4, 6)]
    assert adaptive_bins(2, 4) == [(0, 1), (0, 1), (1, 2), (1, 2)]


ONE = torch.zeros(1, 2, 5, 5)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: pool_output_size(0, 3), "input_size is 0; allowed: at least 1"),
        (lambda: pool_output_size(5, 0), "kernel_size is 0; allowed: at least 1"),
        (lambda: pool_output_size(5, 3, 0), "stride is 0; allowed: at least 1"),
        (lambda: pool_output_size(5, 3, dilation=0), "dilation is 0; allowed: at least 1"),
        (lambda: pool_output_size(5, 3, padding=2), "padding is 2; allowed: 0 to 1, half"),
        (lambda: pool_output_size(5, 3, padding=-1), "padding is -1; allowed: 0 to 1"),
        (lambda: pool_output_size(5, 4, dilation=2), "kernel_size is 4 and spans 7 at dilation 2"),
        (lambda: max_pool2d(ONE[0, 0], 2), "input has shape 5×5; allowed: N×C×H×W or C×H×W"),
        (lambda: max_pool2d(ONE.bool(), 2), "input is torch.bool; allowed: real numbers"),
        (lambda: max_pool2d(ONE.cfloat(), 2), "input is torch.complex64; allowed: real numbers"),
        (lambda: max_pool2d(ONE, (2, 2, 2)), r"kernel_size is \(2, 2, 2\); allowed: an int or a"),
        (lambda: max_pool2d(ONE, 2, stride=0), "stride is 0; allowed: an int or a pair"),
        (lambda: max_pool2d(ONE, 6), "kernel_size is 6 and spans 6 .* fits into 5"),
        (lambda: avg_pool2d(ONE, 2, divisor_override=0), "divisor_override is 0; allowed"),
        (lambda: avg_pool2d(ONE, 3, padding=2), "padding is 2; allowed: 0 to 1"),
        (lambda: adaptive_bins(0, 3), "input_size is 0"),
        (lambda: adaptive_bins(3, 0), "output_size is 0"),
        (lambda: adaptive_avg_pool2d(ONE.long(), 2), "input is torch.int64; allowed: floating"),
        (lambda: adaptive_avg_pool2d(ONE, 0), "output_size is 0; allowed"),
        (lambda: max_unpool2d(ONE, ONE[:, :1].long(), (5, 5)), "indices has shape 1×1×5×5"),
        (lambda: max_unpool2d(ONE, ONE.long() + 25, (5, 5)), "indices runs from 25 to 25"),
        (lambda: blur_pool2d(ONE[..., :1]), "input is 1×2×5×1, torch.float32; allowed: floats"),
        (lambda: blur_pool2d(ONE, 0), "stride is 0; allowed"),
    ],
)
def test_bad_input_is_named(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
