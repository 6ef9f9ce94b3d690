"""Layers with a readout of their own, and a stack of them.

What stands in a stack is any module with two methods: ``forward(input)`` gives the layer's output,
``logits(output)`` what its readout makes of that. Nothing is detached here, so a gradient may be
sent through a whole stack; it is the training that keeps gradients within a layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FixedReadout(nn.Module):
    """Logits by random weights that are never trained: a buffer, not a parameter.

    Parameters
    ----------
    in_features, num_classes
        What it takes and gives: (…, in_features) to (…, num_classes).
    std
        The standard deviation of the weights, which are normal with mean 0; by default
        1/√in_features, with which the logits are about as large as the features. There is no bias.
    generator
        Draws the weights; by default torch's own.

    Raises
    ------
    ValueError
        If a size or ``std`` is not positive.

    References
    ----------
    Mostafa, Ramesh & Cauwenberghs (2018), *Deep Supervised Learning Using Local Errors*.
    """

    weight: Tensor

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        std: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        _positive(in_features=in_features, num_classes=num_classes)
        deviation = in_features**-0.5 if std is None else float(std)
        if not deviation > 0:
            raise ValueError(f"std is {std}; allowed: a number above 0")
        weight = torch.randn(num_classes, in_features, generator=generator) * deviation
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight)

    def extra_repr(self) -> str:
        classes, features = self.weight.shape
        return f"{features} to {classes}, never trained"


class LocalErrorLayer(nn.Module):
    """A linear layer and ReLU, with a readout of its own.

    Parameters
    ----------
    in_features, out_features, num_classes
        ``forward`` takes (N, …) with in_features numbers a sample and gives (N, out_features);
        ``logits`` takes that and gives (N, num_classes).
    readout_std
        The scale of the fixed readout's weights: see `FixedReadout`.
    trained_readout
        Have a linear readout with a bias that learns together with the layer instead.
    batch_norm, dropout
        Batch normalization before the ReLU, and the share of outputs that dropout sets to zero.

    Raises
    ------
    ValueError
        If a size is not positive, or a fixed readout's scale is given for a trained one.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        num_classes: int,
        readout_std: float | None = None,
        *,
        trained_readout: bool = False,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        _positive(in_features=in_features, out_features=out_features, num_classes=num_classes)
        self.linear = nn.Linear(in_features, out_features)
        self.norm = nn.BatchNorm1d(out_features) if batch_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.readout = _readout(out_features, num_classes, readout_std, trained_readout)

    def forward(self, input: Tensor) -> Tensor:
        return self.dropout(F.relu(self.norm(self.linear(input.flatten(1)))))

    def logits(self, output: Tensor) -> Tensor:
        return self.readout(output)


class LocalErrorConv(nn.Module):
    """A convolution of 3×3, ReLU and max pooling by 2, with a readout of its own.

    The readout sees the maps pooled to at most ``readout_size`` a side, for its weights grow with
    what it sees.

    Parameters
    ----------
    in_channels, out_channels, num_classes
        ``forward`` takes (N, in_channels, H, W) and gives (N, out_channels, H // 2, W // 2);
        ``logits`` takes that and gives (N, num_classes).
    readout_std, trained_readout
        As of `LocalErrorLayer`.
    readout_size
        Height and width of what the readout sees.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_classes: int,
        readout_std: float | None = None,
        *,
        trained_readout: bool = False,
        readout_size: int = 2,
    ) -> None:
        super().__init__()
        _positive(in_channels=in_channels, out_channels=out_channels, num_classes=num_classes)
        _positive(readout_size=readout_size)
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(readout_size)
        seen = out_channels * readout_size**2
        self.readout = _readout(seen, num_classes, readout_std, trained_readout)

    def forward(self, input: Tensor) -> Tensor:
        return F.max_pool2d(F.relu(self.conv(input)), 2)

    def logits(self, output: Tensor) -> Tensor:
        return self.readout(self.pool(output).flatten(1))


class LocalErrorStack(nn.Module):
    """Layers with local errors, one on the other.

    It can be gone through, indexed and measured (``len``) like a list of its layers.

    Parameters
    ----------
    sizes
        [784, 256, 256] makes two `LocalErrorLayer`: 784 to 256, and 256 to 256.
    num_classes, readout_std
        As of `LocalErrorLayer`; a readout's default scale depends on its own layer's width.
    options
        Further arguments of `LocalErrorLayer`, the same for all layers.

    Raises
    ------
    ValueError
        If there are fewer than two sizes.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        num_classes: int,
        readout_std: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if len(sizes) < 2:
            raise ValueError(
                f"sizes is {list(sizes)}; allowed: two or more, an input's and a layer's"
            )
        self.layers = nn.ModuleList(
            LocalErrorLayer(inside, out, num_classes, readout_std, **options)
            for inside, out in pairwise(sizes)
        )

    @classmethod
    def of(cls, layers: Iterable[nn.Module]) -> LocalErrorStack:
        """A stack of any layers that have ``forward(input)`` and ``logits(output)``."""
        stack = cls.__new__(cls)
        nn.Module.__init__(stack)
        stack.layers = nn.ModuleList(layers)
        if not len(stack.layers):
            raise ValueError("layers is empty; allowed: one layer or more")
        return stack

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def forward(self, input: Tensor, layers: int | None = None) -> Tensor:
        """The output after the first ``layers`` of them, by default all; after 0, the input."""
        for layer in self.layers[: self._depth("layers", layers, least=0)]:
            input = layer(input)
        return input

    def outputs(self, input: Tensor) -> list[Tensor]:
        """The outputs of all layers, the first layer's first."""
        found = []
        for layer in self.layers:
            input = layer(input)
            found.append(input)
        return found

    def logits(self, input: Tensor, depth: int | None = None) -> Tensor:
        """The logits of the readout of layer ``depth``, counted from 1, by default the last.

        Gradients flow through all layers up to there, as an adversary needs it.
        """
        depth = self._depth("depth", depth, least=1)
        return self[depth - 1].logits(self(input, depth))

    def _depth(self, name: str, value: int | None, least: int) -> int:
        depth = len(self) if value is None else value
        if not least <= depth <= len(self):
            raise ValueError(f"{name} is {value}; allowed: {least} to {len(self)}")
        return depth


class Backpropagated(nn.Module):
    """A whole stack as a single layer with one readout: a local error of this is the global one.

    ``LocalErrorStack.of([Backpropagated(stack, nn.Linear(256, 10))])``, trained by either of the
    two functions, is trained by backpropagation. The readouts of the layers inside are not used.
    """

    def __init__(self, stack: nn.Module, readout: nn.Module) -> None:
        super().__init__()
        self.stack, self.readout = stack, readout

    def forward(self, input: Tensor) -> Tensor:
        return self.stack(input)

    def logits(self, output: Tensor) -> Tensor:
        return self.readout(output)


def accuracy(
    stack: LocalErrorStack, images: Tensor, labels: Tensor, batch_size: int = 1000
) -> list[float]:
    """The share of images that each layer's readout tells right, the first layer's first.

    Parameters
    ----------
    stack
        Is run in evaluation mode, and left in the mode it was in.
    images, labels
        N samples and their classes, on any device; the batches are brought to the stack's.

    Raises
    ------
    ValueError
        If there are no images, or not as many labels as images.
    """
    return shares_right([], list(stack), images, labels, batch_size)


@torch.no_grad()
def shares_right(
    frozen: Sequence[Any],
    layers: Sequence[Any],
    images: Tensor,
    labels: Tensor,
    batch_size: int = 1000,
) -> list[float]:
    """What `accuracy` says, of ``layers`` that stand on ``frozen`` ones."""
    checked(images, labels)
    device = next(iter([*layers[0].parameters(), *layers[0].buffers()])).device
    modes = [(part, part.training) for layer in (*frozen, *layers) for part in layer.modules()]
    for part, _ in modes:
        part.training = False
    right = torch.zeros(len(layers), device=device)
    for part, truth in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        value, truth = part.to(device), truth.to(device)
        for layer in frozen:
            value = layer(value)
        for place, layer in enumerate(layers):
            value = layer(value)
            right[place] += (layer.logits(value).argmax(dim=1) == truth).sum()
    for part, mode in modes:
        part.training = mode
    return (right / len(labels)).tolist()


def checked(images: Tensor, labels: Tensor) -> None:
    """Make sure that there is a label for each image, and at least one image."""
    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"images has {len(images)} samples and labels {len(labels)}; allowed: as many, "
            "and at least one"
        )


def _readout(features: int, classes: int, std: float | None, trained: bool) -> nn.Module:
    if not trained:
        return FixedReadout(features, classes, std)
    if std is not None:
        raise ValueError(f"readout_std is {std}; allowed: None where the readout is trained")
    return nn.Linear(features, classes)


def _positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; allowed: 1 or more")
