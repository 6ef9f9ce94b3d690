"""The images and the networks of `layer_regularity`: what a seed draws, and what it trains."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from ..local_error import FixedReadout, LocalErrorStack, accuracy, train_layerwise
from ..models import LeNet
from ..topology.augmentation import AUGMENTATIONS
from .local_errors import mnist

LEARNED, VALIDATED, FEW = 10_000, 2_000, 2_000
TESTED, OF_CLASS = 4_000, 640
BATCH_SIZE, RATE, SNAPSHOTS = 64, 1e-3, 4
#: All ways to look at the images.
AUGMENTED = ["none", *(f"{way} {kind}" for kind in AUGMENTATIONS for way in ("shared", "own"))]


class Draw(NamedTuple):
    """What a seed draws: images in [0, 1], shape (N, 1, 28, 28)."""

    images: Tensor
    labels: Tensor
    validation: tuple[Tensor, Tensor]
    tested: Tensor  # 4,000 test images; the first 2,000 are measured
    classes: Tensor  # shape (10, 640, 1, 28, 28)
    pooled: Tensor  # shape (640, 1, 28, 28)


@cache
def _mnist(train: bool) -> tuple[Tensor, Tensor]:
    images, labels = mnist(train=train, mean=0.0, deviation=1.0)
    return images, labels


@lru_cache(maxsize=1)
def draw(seed: int) -> Draw:
    """The images of a seed."""
    generator = Generator().manual_seed(seed)
    (images, labels), (test, classes) = _mnist(True), _mnist(False)
    order = torch.randperm(len(images), generator=generator)[: LEARNED + VALIDATED]
    learned, validated = order[:LEARNED], order[LEARNED:]
    tested = torch.randperm(len(test), generator=generator)[:TESTED]
    by_class = []
    for label in range(10):
        mine = (classes == label).nonzero().flatten()
        by_class.append(mine[torch.randperm(len(mine), generator=generator)[:OF_CLASS]])
    return Draw(
        images[learned],
        labels[learned],
        (images[validated], labels[validated]),
        test[tested],
        test[torch.stack(by_class)],
        test[torch.randperm(len(test), generator=generator)[:OF_CLASS]],
    )


_PLACE = 7_000_000


def augmented(images: Tensor, name: str, seed: int) -> Tensor:
    """Images under one of `AUGMENTED`; what is shared is the same in every call for a seed."""
    if name == "none":
        return images
    way, kind = name.split()
    generator = Generator().manual_seed(_PLACE + seed)
    return AUGMENTATIONS[kind](images, way == "own", generator)


# Networks


class Block(nn.Module):
    """Some layers as one, with a fixed readout: what a stack of local errors is made of."""

    def __init__(self, body: nn.Module, features: int) -> None:
        super().__init__()
        self.body, self.readout = body, FixedReadout(features, 10)

    def forward(self, input: Tensor) -> Tensor:
        return self.body(input)

    def logits(self, output: Tensor) -> Tensor:
        return self.readout(output.flatten(1))


def make(name: str, seed: int) -> tuple[LocalErrorStack, nn.Linear]:
    """A fresh network as a stack of its hidden blocks, and its head."""
    torch.manual_seed(seed)
    if name == "MLP":
        return LocalErrorStack([784, 256, 256, 256], 10), nn.Linear(256, 10)
    net, tanh = LeNet(), nn.Tanh()
    blocks = [
        Block(nn.Sequential(net.conv1, tanh, net.pool), 6 * 14 * 14),
        Block(nn.Sequential(net.conv2, tanh, net.pool), 16 * 5 * 5),
        Block(nn.Sequential(nn.Flatten(), net.linear1, tanh), 120),
        Block(nn.Sequential(net.linear2, tanh), 84),
    ]
    return LocalErrorStack.of(blocks), net.linear3


Network = tuple[LocalErrorStack, nn.Module]


def backpropagation(
    network: Network,
    images: Tensor,
    labels: Tensor,
    steps: int,
    seed: int,
    augment: Callable[[Tensor], Tensor] = lambda images: images,
    every: int = 0,
) -> Iterator[Network]:
    """Train both parts of a network; give it every so many steps, and at the end."""
    stack, head = network
    generator = Generator().manual_seed(seed)
    parameters = [*stack.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    done = 0
    while done < steps:
        for batch in torch.randperm(len(images), generator=generator).split(BATCH_SIZE):
            if done == steps:
                break
            optimizer.zero_grad()
            inputs = 2 * augment(images[batch]) - 1
            F.cross_entropy(head(stack(inputs).flatten(1)), labels[batch]).backward()
            optimizer.step()
            done += 1
            if done == steps or (every and done % every == 0):
                yield network


@torch.no_grad()
def share_right(network: Network, images: Tensor, labels: Tensor) -> float:
    """The share of images that the head tells right."""
    stack, head = network
    told = [head(stack(2 * part - 1).flatten(1)).argmax(1) for part in images.split(500)]
    return (torch.cat(told) == labels).float().mean().item()


def trained(
    name: str, data: Draw, seed: int, epochs: int
) -> tuple[dict[str, LocalErrorStack], dict[str, float]]:
    """All states of a network that begin with the same weights, and what they tell right."""
    fresh = make(name, seed)
    states, shares = {"fresh": fresh[0]}, {}
    an_epoch = -(-LEARNED // BATCH_SIZE)
    learned = data.images, data.labels

    kept = []
    for network in backpropagation(
        copy.deepcopy(fresh), *learned, epochs * an_epoch, seed, every=an_epoch // SNAPSHOTS
    ):
        kept.append((share_right(network, *data.validation), copy.deepcopy(network[0])))
    shares["backpropagation"], states["backpropagation"] = kept[-1]

    stack = copy.deepcopy(fresh[0])
    train_layerwise(stack, 2 * data.images - 1, data.labels, epochs=epochs, seed=seed)
    states["local errors"] = stack
    validation = 2 * data.validation[0] - 1, data.validation[1]
    shares["local errors"] = accuracy(stack, *validation)[-1]
    nearest = min(kept, key=lambda one: abs(one[0] - shares["local errors"]))
    shares["matched"], states["matched"] = nearest

    few, right = data.images[:FEW], data.labels[:FEW]
    generator = Generator().manual_seed(seed)
    wrong = right[torch.randperm(FEW, generator=generator)]
    for state, labels in {"true 2000": right, "shuffled": wrong}.items():
        (network,) = backpropagation(
            copy.deepcopy(fresh), few, labels, epochs * an_epoch, seed + 1000
        )
        states[state] = network[0]
        shares[f"{state}, on these"] = share_right(network, few, labels)
        shares[state] = share_right(network, *data.validation)

    for way in ("shared", "own"):
        window = Generator().manual_seed(_PLACE + seed)
        images = augmented(data.images, "shared crop", seed) if way == "shared" else data.images

        def change(batch: Tensor, w: Generator = window, own: bool = way == "own") -> Tensor:
            return AUGMENTATIONS["crop"](batch, True, w) if own else batch

        (network,) = backpropagation(
            copy.deepcopy(fresh), images, data.labels, epochs * an_epoch, seed, change
        )
        states[f"on {way} crop"] = network[0]
        seen = augmented(data.validation[0], f"{way} crop", seed)
        shares[f"on {way} crop"] = share_right(network, seen, data.validation[1])
    return states, shares
