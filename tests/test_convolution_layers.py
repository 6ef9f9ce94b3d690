"""What convolution layers hold and cost, and how their maps are looked at: against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from torchvision.utils import make_grid

from helpers.convolution_layers import (
    SeparableConv2d,
    conv_multiply_adds,
    conv_parameters,
    maps_in_row,
    normalize_maps,
)

examples = settings(deadline=None, max_examples=60)
SIZES = st.integers(1, 4)
EITHER = st.one_of(SIZES, st.tuples(SIZES, SIZES))


def _whole(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=generator).to(dtype)


@given(SIZES, SIZES, SIZES, EITHER, st.booleans())
@examples
def test_parameters_are_those_of_torchs_layer(
    groups: int, ins: int, outs: int, kernel_size: Any, bias: bool
) -> None:
    channels = (groups * ins, groups * outs)
    layer = nn.Conv2d(*channels, kernel_size, groups=groups, bias=bias)
    counted = sum(parameter.numel() for parameter in layer.parameters())
    assert conv_parameters(*channels, kernel_size, groups, bias) == counted


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(SIZES, SIZES, SIZES),
    st.tuples(EITHER, EITHER, st.one_of(st.integers(0, 2), st.just((0, 2))), EITHER),
)
@examples
def test_multiply_adds_are_half_of_torchs_flops(
    size: tuple[int, int], channels: tuple[int, int, int], settings: tuple[Any, ...]
) -> None:
    groups, ins, outs = channels
    kernel_size, stride, padding, dilation = settings
    layer = nn.Conv2d(
        groups * ins, groups * outs, kernel_size, stride, padding, dilation, groups, bias=False
    )
    image = torch.zeros(1, groups * ins, *size)
    try:
        layer(image)
    except RuntimeError:  # the kernel does not fit
        with pytest.raises(ValueError, match="kernel_size is"):
            conv_multiply_adds(size, groups * ins, groups * outs, *settings, groups)
        return
    with FlopCounterMode(display=False) as counter:
        layer(image)
    counted = conv_multiply_adds(size, groups * ins, groups * outs, *settings, groups)
    assert 2 * counted == counter.get_total_flops()


def test_the_worked_examples() -> None:
    assert conv_parameters(3, 6, 3) == 6 * (3 * 9 + 1)
    assert conv_multiply_adds(32, 3, 6, 3) == 30 * 30 * 6 * 27
    assert maps_in_row(2, channels=6) == [(1, 0), (1, 1), (1, 2)]
    assert maps_in_row(1, channels=6, per_row=4) == [(0, 4), (0, 5), (1, 0), (1, 1)]


@given(st.integers(1, 4), st.integers(1, 7), st.integers(1, 5))
@examples
def test_maps_in_row_are_where_a_reshape_puts_them(batch: int, channels: int, per_row: int) -> None:
    assume(batch * channels % per_row == 0)
    names = torch.cartesian_prod(torch.arange(batch), torch.arange(channels))
    maps = names.reshape(batch, channels, 1, 2)  # each map holds its image and its channel
    for row, shown in enumerate(maps.reshape(-1, per_row, 1, 2)):
        assert maps_in_row(row, channels, per_row) == [tuple(m) for m in shown[:, 0].tolist()]


@given(
    st.integers(0, 1000),
    st.sampled_from([(), (3,), (2, 3)]),
    st.sampled_from([torch.float64, torch.float32, torch.float16, torch.int64, torch.uint8]),
)
@examples
def test_each_map_is_normalized_by_itself(
    seed: int, batch: tuple[int, ...], dtype: torch.dtype
) -> None:
    maps = (_whole(seed, *batch, 3, 4) + 4).to(dtype)
    made = normalize_maps(maps)
    assert made.dtype == (dtype if dtype.is_floating_point else torch.float32)
    for map, result in zip(maps.reshape(-1, 3, 4), made.reshape(-1, 3, 4), strict=True):
        low, high = map.min().double(), map.max().double()
        assume(low < high)
        expected = ((map.double() - low) / (high - low)).to(result.dtype)
        torch.testing.assert_close(result, expected)


def test_normalized_maps_are_torchvisions_grid_and_flat_ones_are_gray() -> None:
    maps = torch.randn(4, 1, 5, 5)
    grid = make_grid(maps, nrow=1, padding=0, normalize=True, scale_each=True)
    torch.testing.assert_close(normalize_maps(maps).reshape(20, 5), grid[0])
    flat = torch.full((2, 3, 3), 7.0, requires_grad=True)
    made = normalize_maps(flat)
    assert made.tolist() == torch.full((2, 3, 3), 0.5).tolist()
    made.sum().backward()
    assert flat.grad is not None and flat.grad.isfinite().all()


@given(
    st.integers(0, 1000),
    st.tuples(SIZES, SIZES),
    EITHER,
    st.sampled_from([{}, {"stride": (2, 1)}, {"padding": 1}, {"dilation": 2, "padding": (2, 3)}]),
    st.booleans(),
)
@examples
def test_a_separable_layer_is_a_full_one_with_kernels_in_proportion(
    seed: int, channels: tuple[int, int], kernel_size: Any, options: dict[str, Any], bias: bool
) -> None:
    layer = SeparableConv2d(*channels, kernel_size, **options, bias=bias, dtype=torch.float64)
    for number, parameter in enumerate(layer.parameters()):
        parameter.data = _whole(seed + number, *parameter.shape)
    input = _whole(seed + 9, 2, channels[0], 8, 9).requires_grad_()
    weight = layer.pointwise.weight * layer.depthwise.weight.transpose(0, 1)
    expected = F.conv2d(input, weight, layer.pointwise.bias, **options)
    torch.testing.assert_close(layer(input), expected)
    wanted = torch.autograd.grad(expected.square().sum(), input)
    torch.testing.assert_close(torch.autograd.grad(layer(input).square().sum(), input), wanted)


def test_a_separable_layer_is_where_and_what_it_is_asked_to_be() -> None:
    layer = SeparableConv2d(3, 8, (3, 5), padding="same", bias=False, device="meta")
    assert sorted(layer.state_dict()) == ["depthwise.weight", "pointwise.weight"]
    made = layer(torch.zeros(3, 6, 7, device="meta"))
    assert made.shape == (8, 6, 7) and made.is_meta
    held = sum(parameter.numel() for parameter in layer.parameters())
    whole = conv_parameters(3, 3, (3, 5), groups=3, bias=False)
    assert held == whole + conv_parameters(3, 8, 1, bias=False)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: conv_parameters(0, 6, 3), "in_channels is 0"),
        (lambda: conv_parameters(3, 6, (3, 0)), r"kernel_size is \(3, 0\)"),
        (lambda: conv_parameters(4, 6, 3, groups=4), "groups is 4; allowed: a divisor of both 4"),
        (lambda: conv_multiply_adds(2, 3, 6, 3), "kernel_size is 3 and spans 3"),
        (lambda: conv_multiply_adds(8, 3, 6, 3, stride=0), "stride is 0"),
        (lambda: maps_in_row(-1, 6), "row is -1; allowed: at least 0"),
        (lambda: maps_in_row(0, 6, 0), "per_row is 0"),
        (lambda: normalize_maps(torch.zeros(3)), "maps has shape 3; allowed"),
        (lambda: normalize_maps(torch.zeros(2, 0, 3)), "maps has shape 2×0×3"),
        (lambda: normalize_maps(torch.zeros(2, 2, dtype=torch.complex64)), "maps is torch.complex"),
        (lambda: SeparableConv2d(3, 0, 3), "out_channels is 0; allowed: at least 1"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    layer = SeparableConv2d(3, 8, 3, device="cuda")
    assert normalize_maps(layer(torch.rand(2, 3, 8, 8, device="cuda"))).is_cuda
