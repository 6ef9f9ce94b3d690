"""Training by local errors, against the same training written out plainly."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.local_error import (
    Backpropagated,
    Epoch,
    FixedReadout,
    LocalErrorConv,
    LocalErrorLayer,
    LocalErrorStack,
    accuracy,
    train_layerwise,
    train_simultaneous,
)

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SIZES = st.integers(1, 6)
few = settings(deadline=None, max_examples=25)


def data(count: int = 50, features: int = 12, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, features, generator=generator)
    return images, (images[:, :3].argmax(dim=1) + torch.arange(count) % 2) % 4


def stack_of(*sizes: int, seed: int = 0, **options: Any) -> LocalErrorStack:
    torch.manual_seed(seed)
    return LocalErrorStack(sizes or (12, 9, 8, 7), 4, **options)


def weights(stack: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in stack.state_dict().items()}


def assert_same(one: nn.Module, other: nn.Module, **tolerance: float) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(first[name], second[name], **tolerance)


CLOSE = {"rtol": 1e-4, "atol": 1e-5}


# readouts, layers, stacks


@given(SIZES, SIZES, st.sampled_from([0.01, 0.5, 2.0]), st.integers(0, 99))
@few
def test_a_fixed_readout_is_a_matrix_of_its_scale(
    features: int, classes: int, std: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    readout = FixedReadout(features, classes, std, generator)
    drawn = torch.randn(classes, features, generator=torch.Generator().manual_seed(seed)) * std
    input = torch.randn(3, features)
    torch.testing.assert_close(readout(input), input @ drawn.T)
    assert not list(readout.parameters()) and list(readout.state_dict()) == ["weight"]
    assert readout.double()(input.double()).dtype == torch.float64


def test_the_default_scale_keeps_the_size() -> None:
    readout = FixedReadout(400, 300)
    assert abs(readout.weight.std().item() - 0.05) < 0.002


@given(st.lists(SIZES, min_size=2, max_size=5), st.integers(1, 4), st.integers(0, 99))
@few
def test_a_stack_is_its_layers_one_after_the_other(sizes: list[int], count: int, seed: int) -> None:
    stack = stack_of(*sizes, seed=seed).double()
    input = torch.randn(count, sizes[0], dtype=torch.float64)
    value, by_hand = input, []
    for layer in stack:
        value = F.relu(value @ layer.linear.weight.T + layer.linear.bias)
        by_hand.append(value)
    for depth, (output, expected) in enumerate(zip(stack.outputs(input), by_hand, strict=True), 1):
        torch.testing.assert_close(output, expected)
        torch.testing.assert_close(stack(input, depth), expected)
        logits = expected @ stack[depth - 1].readout.weight.T
        torch.testing.assert_close(stack.logits(input, depth), logits)
    assert torch.equal(stack(input, 0), input)
    torch.testing.assert_close(stack(input), by_hand[-1])
    torch.testing.assert_close(stack.logits(input), stack.logits(input, len(stack)))


def test_a_stack_takes_images() -> None:
    assert stack_of(12, 5)(torch.rand(2, 1, 3, 4)).shape == (2, 5)


def test_gradients_may_flow_through_a_whole_stack() -> None:
    input = data()[0].requires_grad_()
    stack_of().logits(input).sum().backward()
    assert input.grad is not None and input.grad.abs().sum() > 0


@given(SIZES, SIZES, st.integers(4, 9), st.integers(4, 9), st.integers(1, 3))
@few
def test_a_convolution_layer(ins: int, outs: int, height: int, width: int, side: int) -> None:
    layer = LocalErrorConv(ins, outs, 3, readout_size=side)
    input = torch.randn(2, ins, height, width)
    maps = F.max_pool2d(F.conv2d(input, layer.conv.weight, layer.conv.bias, padding=1).relu(), 2)
    torch.testing.assert_close(layer(input), maps)
    seen = F.adaptive_avg_pool2d(maps, side).flatten(1)
    torch.testing.assert_close(layer.logits(maps), seen @ layer.readout.weight.T)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: FixedReadout(0, 3), "in_features is 0"),
        (lambda: FixedReadout(3, 3, 0.0), "std is 0.0"),
        (lambda: FixedReadout(3, 3, float("nan")), "std is nan"),
        (lambda: LocalErrorLayer(3, 0, 2), "out_features is 0"),
        (lambda: LocalErrorLayer(3, 2, 2, 0.1, trained_readout=True), "readout_std is 0.1"),
        (lambda: LocalErrorStack([3], 2), "sizes is"),
        (lambda: LocalErrorStack.of([]), "layers is empty"),
        (lambda: stack_of()(data()[0], 4), "layers is 4"),
        (lambda: stack_of().logits(data()[0], 0), "depth is 0"),
        (lambda: accuracy(stack_of(), *data(0)), "0 samples"),
        (lambda: train_layerwise(stack_of(), *data(), epochs=0), "epochs is 0"),
        (lambda: train_layerwise(stack_of(), data()[0], data(4)[1], epochs=1), "labels 4"),
        (lambda: train_layerwise(stack_of(), *data(), epochs=1, memory_limit=-1), "memory_limit"),
        (
            lambda: train_layerwise(stack_of().requires_grad_(False), *data(), epochs=1),
            "layer 1 has no parameter",
        ),
    ],
)
def test_bad_input_is_named(make: Any, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        make()


@given(st.integers(1, 40), st.integers(1, 50))
@few
def test_accuracy_is_the_share_of_right_ones(count: int, batch_size: int) -> None:
    images, labels = data(count)
    stack = stack_of(dropout=0.5, batch_norm=True).train()
    found = accuracy(stack, images, labels, batch_size)
    assert all(part.training for part in stack.modules())
    stack.eval()
    for depth, share in enumerate(found, start=1):
        right = (stack.logits(images, depth).argmax(dim=1) == labels).float().mean().item()
        assert share == pytest.approx(right)


# training, against the plain way


def batches(count: int, size: int, seed: int, stage: int, epoch: int) -> Iterator[Tensor]:
    """The order of the images, which is the one thing that the plain way cannot know."""
    torch.manual_seed((seed * 1_000_003 + stage) * 1_000_003 + epoch)
    yield from torch.randperm(count).split(size)


def plainly(
    stack: LocalErrorStack, images: Tensor, labels: Tensor, epochs: int, size: int, at_once: bool
) -> list[list[float]]:
    """What the functions do, one step at a time: no cache, an unfused Adam for each layer."""
    layers, losses = list(stack), []
    for stage, learning in enumerate([layers] if at_once else [[layer] for layer in layers]):
        adams = [torch.optim.Adam(layer.parameters(), 0.01) for layer in learning]
        for epoch in range(1, epochs + 1):
            totals = [0.0] * len(learning)
            for rows in batches(len(images), size, 3, stage, epoch):
                value = images[rows]
                for layer in layers[: layers.index(learning[0])]:
                    value = layer(value).detach()
                for place, (layer, adam) in enumerate(zip(learning, adams, strict=True)):
                    output = layer(value)
                    loss = F.cross_entropy(layer.logits(output), labels[rows])
                    adam.zero_grad()
                    loss.backward()
                    adam.step()
                    totals[place] += loss.item() * len(rows)
                    value = output.detach()
            losses.append([total / len(images) for total in totals])
    return losses


OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 16, "lr": 0.01, "seed": 3}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("trained_readout", [False, True])
def test_training_is_the_plain_one(device: str, at_once: bool, trained_readout: bool) -> None:
    stack = stack_of(trained_readout=trained_readout).to(device)
    plain, images_labels = copy.deepcopy(stack).cpu(), data()
    train = train_simultaneous if at_once else train_layerwise
    history = train(stack, *images_labels, **OPTIONS)
    losses = plainly(plain, *images_labels, 3, 16, at_once)
    assert_same(stack, plain, **CLOSE)
    told = [row.loss for row in history]
    assert told == pytest.approx([loss for row in losses for loss in row], rel=1e-3)
    assert [(row.layer, row.epoch) for row in history] == (
        [(layer, epoch) for epoch in (1, 2, 3) for layer in (1, 2, 3)]
        if at_once
        else [(layer, epoch) for layer in (1, 2, 3) for epoch in (1, 2, 3)]
    )


def test_a_single_layer_of_all_is_backpropagation() -> None:
    inner, readout = stack_of(), nn.Linear(7, 4)
    one = LocalErrorStack.of([Backpropagated(inner, readout)])
    plain = copy.deepcopy(one)
    images, labels = data()
    train_layerwise(one, images, labels, **OPTIONS)
    adam = torch.optim.Adam(plain.parameters(), 0.01)
    for epoch in (1, 2, 3):
        for rows in batches(50, 16, 3, 0, epoch):
            adam.zero_grad()
            F.cross_entropy(plain.logits(images[rows]), labels[rows]).backward()
            adam.step()
    assert_same(one, plain, **CLOSE)


@pytest.mark.parametrize("train", [train_layerwise, train_simultaneous])
def test_frozen_weights_and_fixed_readouts_stay(train: Any) -> None:
    stack = stack_of(trained_readout=True)
    for layer in stack:
        layer.linear.requires_grad_(False)
    before = weights(stack)
    train(stack, *data(), **OPTIONS)
    moved = {name for name, value in weights(stack).items() if not torch.equal(value, before[name])}
    assert moved == {f"layers.{n}.readout.{part}" for n in range(3) for part in ("weight", "bias")}


def test_a_layer_that_is_done_does_not_move() -> None:
    images_labels, seen = data(), []
    stack = stack_of()

    @contextlib.contextmanager
    def progress(total: int, label: str) -> Iterator[Any]:
        assert total == 9
        yield lambda note: seen.append(weights(stack[0]))

    train_layerwise(stack, *images_labels, **OPTIONS, progress=progress)
    assert len(seen) == 9
    assert all(torch.equal(seen[2]["linear.weight"], later["linear.weight"]) for later in seen[3:])
    assert not torch.equal(seen[1]["linear.weight"], seen[2]["linear.weight"])


def test_cached_recomputed_and_mapped_end_in_the_same_weights() -> None:
    made = {}
    options = {"cached": {}, "recomputed": {"cache": False}, "mapped": {"memory_limit": 0}}
    for what, option in options.items():
        made[what] = stack_of(dropout=0.3)
        held_out = data(20, seed=1)
        history = train_layerwise(made[what], *data(), **OPTIONS, validation=held_out, **option)
        assert history[-1].accuracy == pytest.approx(accuracy(made[what], *held_out)[-1])
    assert_same(made["cached"], made["recomputed"], **CLOSE)
    assert_same(made["cached"], made["mapped"], rtol=0, atol=0)


def test_a_seed_decides_everything() -> None:
    runs = []
    for seed in (3, 3, 4):
        stack = stack_of(dropout=0.3)
        train_simultaneous(
            stack, *data(), **{**OPTIONS, "seed": seed}, augment=lambda x: x + torch.randn_like(x)
        )
        runs.append(weights(stack)["layers.2.linear.weight"])
        torch.rand(7)  # what else happens in the process does not matter
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


class _Stop(Exception):
    pass


@pytest.mark.parametrize("train", [train_layerwise, train_simultaneous])
@pytest.mark.parametrize("after", [1, 3, 4])
def test_a_training_that_stops_and_goes_on_ends_the_same(
    train: Any, after: int, tmp_path: Path
) -> None:
    if train is train_simultaneous and after > 2:
        after = 2
    options = OPTIONS | {"validation": data(20, seed=1), "lr": lambda epoch: 0.01 / epoch}
    whole = stack_of(dropout=0.3, batch_norm=True)
    history = train(whole, *data(), **options)
    calls = []

    @contextlib.contextmanager
    def stopping(total: int, label: str) -> Iterator[Any]:
        def step(note: str) -> None:
            calls.append(note)
            if len(calls) == after:
                raise _Stop

        yield step

    file = tmp_path / "training.pt"
    parted = stack_of(dropout=0.3, batch_norm=True)
    with pytest.raises(_Stop):
        train(parted, *data(), **options, checkpoint=file, progress=stopping)
    again = stack_of(dropout=0.3, batch_norm=True, seed=9)
    assert train(again, *data(), **options, checkpoint=file) == history
    assert_same(whole, again, rtol=0, atol=0)
    assert train(again, *data(), **options, checkpoint=file) == history  # there is nothing to do
    with pytest.raises(ValueError, match="of another training: its seed is 3"):
        train(again, *data(), **{**options, "seed": 4}, checkpoint=file)


def test_scalars_are_written_on_request() -> None:
    class Writer:
        def __init__(self) -> None:
            self.rows: list[tuple[Any, ...]] = []

        def add_scalar(self, *row: Any) -> None:
            self.rows.append(row)

    writer = Writer()
    history = train_layerwise(
        stack_of(), *data(), **OPTIONS, validation=data(20, seed=1), writer=writer
    )
    assert writer.rows[:2] == [
        ("layer 1/loss", history[0].loss, 1),
        ("layer 1/accuracy", history[0].accuracy, 1),
    ]
    assert len(writer.rows) == 2 * len(history) == 18 and isinstance(history[0], Epoch)


def test_convolutions_are_trained_too() -> None:
    torch.manual_seed(0)
    stack = LocalErrorStack.of([LocalErrorConv(1, 4, 4), LocalErrorConv(4, 6, 4)])
    images = torch.randn(40, 1, 8, 8)
    labels = images.mean(dim=(1, 2, 3)).mul(20).clamp(0, 3).long()
    history = train_layerwise(stack, images, labels, epochs=20, batch_size=10, lr=0.01)
    assert history[19].loss < history[0].loss and history[39].loss < history[20].loss
    assert len(accuracy(stack, images, labels)) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("train", [train_layerwise, train_simultaneous])
def test_on_a_gpu_streams_and_graphs_end_in_the_same_weights(train: Any) -> None:
    made = []
    for option in ({}, {"cuda_graphs": True}, {"memory_limit": 0}):
        stack = stack_of().cuda()
        train(stack, *data(100), **{**OPTIONS, "batch_size": 8}, **option)
        made.append(stack)
    assert_same(made[0], made[1], **CLOSE)
    assert_same(made[0], made[2], **CLOSE)
