"""The book's networks, and what is asked of them, against torch itself."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from helpers import models

examples = settings(deadline=None, max_examples=30)


def _weights(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())


def _same(one: nn.Module, other: nn.Module) -> None:
    """Copy the weights of the first into the second, in their order."""
    names = list(other.state_dict())
    other.load_state_dict(dict(zip(names, _weights(one), strict=True)))


def test_the_table_of_the_chapter() -> None:
    rows = models.summary(models.cifar_net(), (3, 32, 32))
    assert [row.parameters for row in rows if row.parameters] == [2432, 25632, 51264, 65600, 650]
    assert sum(row.parameters for row in rows) == 145_578
    assert [row.shape for row in rows] == [
        (32, 32, 32), (32, 16, 16), (32, 16, 16), (32, 8, 8), (64, 8, 8), (64, 4, 4),
        (1024,), (64,), (10,),
    ]  # fmt: skip
    assert rows[0].name == "features.conv1" and rows[-1].kind == "Linear"


def test_both_networks_are_one() -> None:
    attributes, sequential = models.CifarNet(), models.cifar_net()
    _same(attributes, sequential)
    images = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(sequential(images), attributes(images))
    assert attributes(torch.ones(64, 3, 32, 32)).shape == (64, 10)
    assert len(models.CIFAR10_CLASSES) == 10


def test_lenet() -> None:
    assert sum(p.numel() for p in models.LeNet().parameters()) == 61_706
    assert models.LeNet()(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@examples
@given(
    channels=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    hidden=st.integers(1, 5),
    classes=st.integers(1, 5),
    activation=st.sampled_from([None, nn.ReLU, nn.Tanh]),
)
def test_sequential_against_a_loop(
    channels: list[int], hidden: int, classes: int, activation: Any
) -> None:
    network = models.cifar_net(channels, hidden, classes, activation)
    act = activation() if activation else lambda value: value
    images = torch.randn(2, 3, 32, 32)
    weights, output = _weights(network), images
    for weight, bias in zip(weights[:-4:2], weights[1:-4:2], strict=True):
        output = torch.conv2d(output, weight, bias, padding=2)
        output = torch.max_pool2d(act(output), 2)
    output = act(output.reshape(2, -1) @ weights[-4].T + weights[-3])
    torch.testing.assert_close(network(images), output @ weights[-2].T + weights[-1])


@pytest.mark.parametrize(
    "bad", [{"channels": ()}, {"channels": (1,) * 6}, {"hidden": 0}, {"classes": -1}]
)
def test_bad_sizes(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="allowed: one to five"):
        models.cifar_net(**bad)


@examples
@given(
    size=st.tuples(st.integers(8, 30), st.integers(8, 30)),
    channels=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
)
def test_flat_features(size: tuple[int, int], channels: int, stride: int, padding: int) -> None:
    features = nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=stride, padding=padding), nn.BatchNorm2d(channels)
    )
    before = {name: value.clone() for name, value in features.state_dict().items()}
    count = models.flat_features(features, (3, *size))
    assert features.training and type(count) is int
    torch.testing.assert_close(dict(features.state_dict()), before)
    assert count == features(torch.zeros(2, 3, *size)).flatten(1).shape[1]


def test_flat_features_of_a_shape_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"shape is \(1, 8, 8\), which does not fit"):
        models.flat_features(nn.Conv2d(3, 4, 3), (1, 8, 8))


def test_a_module_that_holds_an_empty_one_is_no_layer() -> None:
    network = nn.Sequential(nn.Sequential(nn.Sequential()), nn.Linear(2, 3))
    assert [row.name for row in models.summary(network, (2,))] == ["0.0", "1"]


def test_summary_follows_the_run() -> None:
    network = models.CifarNet().train()
    rows = models.summary(network, (3, 32, 32))
    assert [row.name for row in rows] == [
        *("conv1", "pool", "conv2", "pool", "conv3", "pool"),
        *("flatten", "linear1", "linear2"),
    ]
    assert network.training
    assert not any(part._forward_hooks for part in network.modules())
    assert next(network.parameters()).device.type == "cpu"


@examples
@given(
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)),
    biases=st.tuples(st.booleans(), st.booleans()),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_fold_linear(
    sizes: tuple[int, int, int], biases: tuple[bool, bool], dtype: torch.dtype
) -> None:
    first = nn.Linear(sizes[0], sizes[1], bias=biases[0], dtype=dtype)
    second = nn.Linear(sizes[1], sizes[2], bias=biases[1], dtype=dtype)
    folded = models.fold_linear(first, second)
    input = torch.randn(3, sizes[0], dtype=dtype)
    torch.testing.assert_close(folded(input), second(first(input)), atol=1e-5, rtol=1e-4)
    assert all(p.is_leaf and p.requires_grad for p in folded.parameters())
    shared = {p.data_ptr() for p in folded.parameters()}
    assert not shared & {p.data_ptr() for p in [*first.parameters(), *second.parameters()]}


def test_linear_layers_that_do_not_meet() -> None:
    with pytest.raises(ValueError, match="second takes 4 features; allowed: 3"):
        models.fold_linear(nn.Linear(2, 3), nn.Linear(4, 1))


def test_load_matching() -> None:
    saved, other = models.cifar_net((2, 3)), models.cifar_net((2, 3), classes=7)
    file = io.BytesIO()
    torch.save(saved.state_dict(), file)
    file.seek(0)
    kept = other.head.linear2.weight.clone()
    assert models.load_matching(other, file) == ["head.linear2.weight", "head.linear2.bias"]
    torch.testing.assert_close(other.features.conv2.weight, saved.features.conv2.weight)
    torch.testing.assert_close(other.head.linear2.weight, kept)
