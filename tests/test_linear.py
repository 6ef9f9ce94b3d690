"""The reference layers against torch's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.linear import batch_norm, conv_matrix, dropout, embedding, flatten, layer_norm, linear

examples = settings(deadline=None, max_examples=100)
SEEDS = st.integers(0, 10_000)
SIZES = st.integers(1, 5)
FLOATS = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])
EVERY = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.int64, torch.complex64])


def _whole(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=generator).to(dtype)  # exact in every dtype


def _normal(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def _strided(tensor: Tensor, turn: bool) -> Tensor:
    """The same numbers, laid out in memory the other way round."""
    return tensor.mT.contiguous().mT if turn and tensor.ndim > 1 else tensor


def _close(actual: Tensor, expected: Tensor) -> None:
    half = expected.dtype in (torch.float16, torch.bfloat16)  # torch may round in other places
    tolerance = {"rtol": 2e-2, "atol": 2e-2} if half else {}
    torch.testing.assert_close(actual, expected, **tolerance)


def test_the_worked_example() -> None:
    rows = ["101010101", "010101010", "111111111", "001001001"]
    weight = torch.tensor([[int(digit) for digit in row] for row in rows])
    input = torch.tensor([[2, 5, 3], [1, 4, 6], [7, 8, 9]])
    output = linear(flatten(input), weight, torch.tensor([1, 2, 3, 4]))
    assert output.tolist() == [26, 22, 48, 22]


@given(st.lists(SIZES, max_size=3), SIZES, SIZES, st.booleans(), st.booleans(), EVERY, SEEDS)
@examples
def test_linear_is_torchs(
    batch: list[int], ins: int, outs: int, biased: bool, turn: bool, dtype: torch.dtype, seed: int
) -> None:
    input = _strided(_whole(seed, *batch, ins, dtype=dtype), turn)
    weight = _strided(_whole(seed + 1, outs, ins, dtype=dtype), turn)
    bias = _whole(seed + 2, outs, dtype=dtype) if biased else None
    torch.testing.assert_close(linear(input, weight, bias), F.linear(input, weight, bias))


@given(st.lists(st.integers(0, 3), max_size=5), st.data(), EVERY, st.booleans(), SEEDS)
@examples
def test_flatten_is_torchs(
    shape: list[int], data: st.DataObject, dtype: torch.dtype, turn: bool, seed: int
) -> None:
    input, most = _strided(_whole(seed, *shape, dtype=dtype), turn), max(len(shape), 1) - 1
    start = data.draw(st.integers(0, most))
    end = data.draw(st.integers(start, most))
    start, end = (n - data.draw(st.sampled_from([0, most + 1])) for n in (start, end))
    expected = torch.flatten(input, start, end)
    torch.testing.assert_close(flatten(input, start, end), expected)
    shared = expected.data_ptr() == input.data_ptr()
    assert (flatten(input, start, end).data_ptr() == input.data_ptr()) == shared


@given(SIZES, SIZES, st.data(), st.sampled_from([torch.float64, torch.int64]), SEEDS)
@examples
def test_conv_matrix_does_what_the_convolution_does(
    channels: int, out: int, data: st.DataObject, dtype: torch.dtype, seed: int
) -> None:
    def pair(low: int, high: int) -> Any:
        return data.draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    kernel, stride, padding, more = pair(1, 3), pair(1, 3), pair(0, 2), pair(0, 3)
    edges = zip(kernel, padding, more, strict=True)
    size = tuple(max(1, k - 2 * p) + extra for k, p, extra in edges)
    weight = _whole(seed, out, channels, *kernel, dtype=dtype)
    images = _whole(seed + 1, 3, channels, *size, dtype=dtype)
    matrix = conv_matrix(weight, size, stride, padding)
    maps = F.conv2d(images, weight, stride=stride, padding=padding)
    assert torch.equal(linear(flatten(images, 1), matrix), flatten(maps, 1))


@given(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans(), FLOATS, SEEDS)
@examples
def test_dropout_is_torchs(p: float, training: bool, dtype: torch.dtype, seed: int) -> None:
    input = _normal(seed, 3, 5, dtype=dtype).requires_grad_()
    again = input.detach().clone().requires_grad_()
    torch.manual_seed(seed)
    expected = F.dropout(input, p, training)
    torch.manual_seed(seed)
    actual = dropout(again, p, training)
    assert torch.equal(actual, expected)
    for output in (actual, expected):
        (output * output).sum().backward()
    assert input.grad is not None and again.grad is not None
    _close(again.grad, input.grad)
    generator = torch.Generator().manual_seed(seed)
    assert torch.equal(dropout(input, p, training, generator), expected)


@given(SIZES, SIZES, st.lists(SIZES, max_size=3), st.booleans(), st.data(), FLOATS, SEEDS)
@examples
def test_batch_norm_is_torchs(
    batch: int,
    channels: int,
    more: list[int],
    training: bool,
    data: st.DataObject,
    dtype: torch.dtype,
    seed: int,
) -> None:
    input = _strided(
        _normal(seed, batch + 1, channels, *more, dtype=dtype), data.draw(st.booleans())
    )
    affine = data.draw(st.booleans())
    scales = [_normal(seed + i, channels, dtype=dtype) if affine else None for i in (1, 2)]
    options = {"training": training, "momentum": data.draw(st.sampled_from([0.0, 0.1, 1.0]))}
    options["eps"] = data.draw(st.sampled_from([1e-5, 1e-2]))
    stored = [_normal(seed + 3, channels, dtype=dtype), _normal(seed + 4, channels, dtype=dtype)]
    stored[1] = stored[1].abs() + 1
    mine, theirs = [s.clone() for s in stored], [s.clone() for s in stored]
    expected = F.batch_norm(input, *theirs, *scales, **options)
    _close(batch_norm(input, *mine, *scales, **options), expected)
    for one, other in zip(mine, theirs, strict=True):
        _close(one, other)


@given(st.lists(SIZES, max_size=2), st.lists(SIZES, min_size=1, max_size=3), st.data(), SEEDS)
@examples
def test_layer_norm_is_torchs(
    batch: list[int], shape: list[int], data: st.DataObject, seed: int
) -> None:
    dtype, turn = data.draw(FLOATS), data.draw(st.booleans())
    input = _strided(_normal(seed, *batch, *shape, dtype=dtype), turn)
    weight, bias = (
        _normal(seed + i, *shape, dtype=dtype) if data.draw(st.booleans()) else None for i in (1, 2)
    )
    eps = data.draw(st.sampled_from([1e-5, 1e-2]))
    expected = F.layer_norm(input, shape, weight, bias, eps)
    _close(layer_norm(input, shape, weight, bias, eps), expected)


@given(st.lists(st.integers(0, 4), max_size=3), SIZES, SIZES, st.data(), SEEDS)
@examples
def test_embedding_is_torchs(
    shape: list[int], rows: int, size: int, data: st.DataObject, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    kind = data.draw(st.sampled_from([torch.int64, torch.int32]))
    indices = torch.randint(rows, shape, generator=generator).to(kind)
    padding = data.draw(st.one_of(st.none(), st.integers(-rows, rows - 1)))
    tables = [_normal(seed, rows, size).requires_grad_() for _ in range(2)]
    mine, theirs = embedding(indices, tables[0], padding), F.embedding(indices, tables[1], padding)
    assert torch.equal(mine, theirs)
    for output in (mine, theirs):
        (output * output).sum().backward()
    torch.testing.assert_close(tables[0].grad, tables[1].grad)


def test_gradients() -> None:
    input = _normal(0, 4, 3).requires_grad_()
    weight, bias = _normal(1, 3).requires_grad_(), _normal(2, 3).requires_grad_()
    check: Any = torch.autograd.gradcheck
    assert check(linear, (input, _normal(3, 2, 3).requires_grad_(), weight[:2]))
    assert check(lambda x, w, b: layer_norm(x, (3,), w, b), (input, weight, bias))
    for training in (True, False):
        stored = torch.zeros(3).double(), torch.ones(3).double()
        options = {"training": training, "momentum": 0.0}
        assert check(lambda x, w, b: batch_norm(x, *stored, w, b, **options), (input, weight, bias))  # noqa: B023
    kernel = _normal(4, 2, 1, 2, 2).requires_grad_()
    assert check(lambda w: conv_matrix(w, (3, 3), padding=1), (kernel,))


def test_running_statistics_hold_no_graph() -> None:
    stored = torch.zeros(3), torch.ones(3)
    batch_norm(torch.randn(4, 3, requires_grad=True), *stored, training=True)
    assert not stored[0].requires_grad and not stored[1].requires_grad


def test_batch_norm_as_a_module_goes_on() -> None:
    module, stored = nn.BatchNorm2d(3).double(), (torch.zeros(3).double(), torch.ones(3).double())
    for seed in range(5):
        images = 3 + 2 * _normal(seed, 4, 3, 2, 2)
        torch.testing.assert_close(batch_norm(images, *stored, training=True), module(images))
    torch.testing.assert_close(stored[0], module.running_mean)
    torch.testing.assert_close(stored[1], module.running_var)
    torch.testing.assert_close(batch_norm(images, *stored), module.eval()(images))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    input, weight = _normal(0, 4, 3).cuda(), _normal(1, 2, 3).cuda()
    torch.testing.assert_close(linear(input, weight), F.linear(input, weight))
    torch.testing.assert_close(layer_norm(input, (3,)), F.layer_norm(input, (3,)))
    normalized = batch_norm(input, None, None, training=True)
    torch.testing.assert_close(normalized, F.batch_norm(input, None, None, training=True))
    assert (
        dropout(input).device == input.device == embedding(torch.tensor([1]).cuda(), input).device
    )
    assert conv_matrix(weight[None, None], (3, 4)).device == input.device


ROWS, KERNEL, ONES = torch.zeros(4, 3), torch.zeros(1, 1, 3, 3), torch.ones(3)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: linear(ROWS, ROWS.T), "input has shape 4×3; allowed: 4 features"),
        (lambda: linear(ROWS, ROWS[0]), "weight has shape 3; allowed: out×in"),
        (lambda: linear(ROWS[0, 0], ROWS), "input has shape a single number"),
        (lambda: linear(ROWS, ROWS, ONES), r"bias has shape 3; allowed: \(4,\)"),
        (lambda: linear(ROWS, ROWS.double()), "weight is torch.float64; allowed: torch.float32"),
        (lambda: flatten(ROWS, 2), "start_dim is 2; allowed: -2 to 1"),
        (lambda: flatten(ROWS, 0, -3), "end_dim is -3; allowed: -2 to 1"),
        (lambda: flatten(ROWS, 1, 0), "start_dim is 1; allowed: up to end_dim, which is 0"),
        (lambda: conv_matrix(KERNEL[0], (5, 5)), "weight has shape 1×3×3"),
        (lambda: conv_matrix(KERNEL, (5, 2)), "weight spans 3; allowed: at most 2"),
        (lambda: conv_matrix(KERNEL, (5, 0)), r"input_size is \(5, 0\)"),
        (lambda: conv_matrix(KERNEL, (5, 5), stride=0), "stride is 0; allowed: an int or a pair"),
        (lambda: conv_matrix(KERNEL, (5, 5), padding=-1), "padding is -1"),
        (lambda: dropout(ROWS, 1.5), "p is 1.5; allowed: 0 to 1"),
        (lambda: dropout(ROWS.long()), "input is torch.int64; allowed: a floating-point dtype"),
        (lambda: batch_norm(ONES, None, None, training=True), "input has shape 3; allowed: N×C"),
        (lambda: batch_norm(ROWS[:1], None, None, training=True), "more than one number for each"),
        (lambda: batch_norm(ROWS, None, ONES), "running_mean or running_var is None"),
        (lambda: batch_norm(ROWS, ONES, ROWS), r"running_var has shape 4×3; allowed: \(3,\)"),
        (lambda: batch_norm(ROWS, ONES, ONES, ONES[:2]), r"weight has shape 2; allowed: \(3,\)"),
        (lambda: layer_norm(ROWS, (4,)), r"normalized_shape is \(4,\); allowed: the last"),
        (lambda: layer_norm(ROWS, ()), r"normalized_shape is \(\)"),
        (lambda: layer_norm(ROWS, (3,), bias=ROWS), r"bias has shape 4×3; allowed: \(3,\)"),
        (lambda: embedding(torch.tensor([4]), ROWS), "input goes from 4 to 4; allowed: 0 to 3"),
        (lambda: embedding(torch.tensor([-1, 0]), ROWS), "input goes from -1 to 0"),
        (lambda: embedding(ONES, ROWS), "input is torch.float32; allowed: torch.int64"),
        (lambda: embedding(torch.tensor([0]), ONES), "weight has shape 3; allowed: V×D"),
        (lambda: embedding(torch.tensor([0]), ROWS, 4), "padding_idx is 4; allowed: -4 to 3"),
    ],
)
def test_bad_input_is_named(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
