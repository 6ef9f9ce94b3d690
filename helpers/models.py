"""The networks that the book uses, and what one asks of a network: shapes, sizes, weights.

`CifarNet` and `cifar_net` are one network written twice, as a class and as an `nn.Sequential`;
`LeNet` is its ancestor. `flat_features`, `summary` and `load_matching` work on any network,
`fold_linear` on two linear layers.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor, nn

#: The classes of CIFAR-10, in the order of their labels.
CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


class CifarNet(nn.Module):
    """A small network for color images of 32×32 pixels, with its layers as attributes.

    Input (N, 3, 32, 32), output (N, 10): one logit a class. 145,578 parameters. There is no
    activation between the layers; `cifar_net` can add one.

    Notes
    -----
    The sizes are those of Caffe's example ``cifar10_quick``, which has activations and pools
    overlapping windows of 3×3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, padding=2)
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.linear1 = nn.Linear(1024, 64)
        self.linear2 = nn.Linear(64, 10)

    def forward(self, input: Tensor) -> Tensor:
        maps = self.pool(self.conv1(input))
        maps = self.pool(self.conv2(maps))
        maps = self.pool(self.conv3(maps))
        return self.linear2(self.linear1(self.flatten(maps)))


def cifar_net(
    channels: Sequence[int] = (32, 32, 64),
    hidden: int = 64,
    classes: int = 10,
    activation: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """The network of `CifarNet` as an `nn.Sequential` with two named parts, features and head.

    Parameters
    ----------
    channels
        Output channels of the convolutions, each followed by a max pooling that halves the image.
    hidden, classes
        Outputs of the two linear layers.
    activation
        Makes a module that is put behind every layer with parameters but the last: `nn.ReLU`.

    Returns
    -------
    nn.Sequential
        Takes (N, 3, 32, 32), gives (N, classes).

    Raises
    ------
    ValueError
        If there are no channels, more than five, or a size is not positive.
    """
    sizes = (*channels, hidden, classes)
    if not 1 <= len(channels) <= 5 or min(sizes) < 1:
        raise ValueError(
            f"channels is {tuple(channels)}, hidden {hidden}, classes {classes}; "
            "allowed: one to five channels, and sizes of 1 or more"
        )
    features: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(zip((3, *channels), channels, strict=False), start=1):
        features[f"conv{number}"] = nn.Conv2d(before, after, 5, padding=2)
        if activation:
            features[f"act{number}"] = activation()
        features[f"pool{number}"] = nn.MaxPool2d(2)
    side = 32 // 2 ** len(channels)
    head: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    head["linear1"] = nn.Linear(channels[-1] * side * side, hidden)
    if activation:
        head["act"] = activation()
    head["linear2"] = nn.Linear(hidden, classes)
    parts = {"features": nn.Sequential(features), "head": nn.Sequential(head)}
    return nn.Sequential(OrderedDict(parts))


class LeNet(nn.Module):
    """LeNet-5 in the form in which it is taught: average pooling, tanh, three linear layers.

    Input (N, 1, 28, 28), output (N, 10). 61,706 parameters.

    Notes
    -----
    After LeCun et al. (1998), whose network has trainable pooling, a partial connection of the
    second convolution and radial basis functions at its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.pool = nn.AvgPool2d(2)
        self.linear1 = nn.Linear(400, 120)
        self.linear2 = nn.Linear(120, 84)
        self.linear3 = nn.Linear(84, 10)

    def forward(self, input: Tensor) -> Tensor:
        maps = self.pool(torch.tanh(self.conv1(input)))
        maps = self.pool(torch.tanh(self.conv2(maps)))
        hidden = torch.tanh(self.linear1(maps.flatten(start_dim=1)))
        return self.linear3(torch.tanh(self.linear2(hidden)))


def flat_features(features: nn.Module, shape: Sequence[int]) -> int:
    """How many numbers a network gives for one sample: the ``in_features`` of what follows.

    Parameters
    ----------
    features
        Any module; it is left as it was.
    shape
        Of one sample, without the batch dimension: (3, 32, 32).

    Returns
    -------
    int
        The product of the output's sizes behind the batch dimension.

    Raises
    ------
    ValueError
        If the module does not take samples of this shape.
    """
    try:
        output = _run(copy.deepcopy(features), shape)
    except RuntimeError as error:
        raise ValueError(f"shape is {tuple(shape)}, which does not fit: {error}") from None
    return output[0].numel()


class Row(NamedTuple):
    """A line of `summary`: one run of one layer."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


def summary(network: nn.Module, shape: Sequence[int]) -> list[Row]:
    """What each layer gives and holds, in the order in which the layers run.

    Parameters
    ----------
    network
        Any module; it is left as it was.
    shape
        Of one sample, without the batch dimension: (3, 32, 32).

    Returns
    -------
    list of Row
        For every run of a layer that has no layers within: its name, the name of its class, its
        output's shape without the batch dimension, how many numbers its parameters hold. A layer
        that runs twice has two rows.
    """
    rows: list[Row] = []
    copied = copy.deepcopy(network)

    def watch(name: str, layer: nn.Module) -> None:
        count = sum(p.numel() for p in layer.parameters())

        def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
            rows.append(Row(name, type(module).__name__, tuple(output.shape[1:]), count))

        layer.register_forward_hook(note)

    for name, layer in copied.named_modules():
        if not list(layer.children()):
            watch(name, layer)
    _run(copied, shape)
    return rows


def _run(network: nn.Module, shape: Sequence[int]) -> Tensor:
    """The output for one black sample, in evaluation mode, on the network's own device."""
    like = next(network.parameters(), torch.empty(0))
    with torch.no_grad():
        return network.eval()(torch.zeros(1, *shape, dtype=like.dtype, device=like.device))


def fold_linear(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """One linear layer that computes ``second(first(input))``.

    Weight W₂W₁ and bias W₂b₁ + b₂, on the device and of the dtype of ``first``; its own copies.

    Raises
    ------
    ValueError
        If the output of ``first`` does not fit into ``second``.
    """
    if first.out_features != second.in_features:
        raise ValueError(
            f"second takes {second.in_features} features; "
            f"allowed: {first.out_features}, what first gives"
        )
    with torch.no_grad():
        weight = second.weight @ first.weight
        bias = weight.new_zeros(second.out_features)
        if first.bias is not None:
            bias += second.weight @ first.bias
        if second.bias is not None:
            bias += second.bias
    inside, out = first.in_features, second.out_features
    folded = nn.Linear(inside, out, device=weight.device, dtype=weight.dtype)
    folded.load_state_dict({"weight": weight, "bias": bias})
    return folded


def load_matching(network: nn.Module, file: str | IO[bytes]) -> list[str]:
    """Load from a saved state dict whatever fits, and say what did not come.

    Parameters
    ----------
    network
        Gets every tensor of the file whose name and shape are those of one of its own.
    file
        A path, or an open file, that `torch.save` wrote a state dict to.

    Returns
    -------
    list of str
        The names in the network's state dict that were not loaded, in its order. Read it.
    """
    state = torch.load(file, map_location="cpu", weights_only=True)
    own = network.state_dict()
    found = {n: t for n, t in state.items() if n in own and own[n].shape == t.shape}
    network.load_state_dict(found, strict=False)
    return [name for name in own if name not in found]
