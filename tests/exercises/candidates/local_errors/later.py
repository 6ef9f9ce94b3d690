"""Makers of answers to the later exercises of chapter 10, from mend-cache on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# mend-cache


def _learn(layer: Any, readout: Any, inputs: Tensor, labels: Tensor, steps: int, make: Any) -> None:
    optimizer = make(layer.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(readout(layer(inputs)), labels).backward()
        optimizer.step()


def _two(
    late: bool = True,
    cut: Callable[[Tensor], Tensor] = Tensor.detach,
    second_on: Callable[[Tensor, Tensor], Tensor] = lambda features, images: features,
    swap: bool = False,
) -> Callable[..., None]:
    def train_two(
        first: Any,
        second: Any,
        readouts: Any,
        images: Tensor,
        labels: Tensor,
        steps: int,
        make_optimizer: Any,
    ) -> None:
        features = cut(first(images))
        _learn(first, readouts[swap], images, labels, steps, make_optimizer)
        if late:
            features = cut(first(images))
        inputs = second_on(features, images)
        _learn(second, readouts[not swap], inputs, labels, steps, make_optimizer)

    return train_two


def _two_retained(
    first: Any, second: Any, readouts: Any, images: Tensor, labels: Tensor, steps: int, make: Any
) -> None:
    features = first(images)
    for layer, readout, inputs in zip((first, second), readouts, (images, features), strict=True):
        optimizer = make(layer.parameters())
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(readout(layer(inputs)), labels).backward(retain_graph=True)
            optimizer.step()


def _two_one_optimizer(
    first: Any, second: Any, readouts: Any, images: Tensor, labels: Tensor, steps: int, make: Any
) -> None:
    """One optimizer with all parameters, whose zeroed gradients let momentum go on."""
    parameters = [*first.parameters(), *second.parameters()]
    optimizer = make(parameters)
    for layer, readout, below in ((first, readouts[0], None), (second, readouts[1], first)):
        for _ in range(steps):
            for parameter in parameters:
                parameter.grad = torch.zeros_like(parameter)
            inputs = images if below is None else below(images).detach()
            F.cross_entropy(readout(layer(inputs)), labels).backward()
            optimizer.step()


def _two_recomputed(
    first: Any, second: Any, readouts: Any, images: Tensor, labels: Tensor, steps: int, make: Any
) -> None:
    """No cache at all: the first layer runs in every step."""
    _learn(first, readouts[0], images, labels, steps, make)
    frozen = copy.deepcopy(first).requires_grad_(False)
    optimizer = make(second.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(readouts[1](second(frozen(images))), labels).backward()
        optimizer.step()


def _two_together(
    first: Any, second: Any, readouts: Any, images: Tensor, labels: Tensor, steps: int, make: Any
) -> None:
    """Both layers in the same steps."""
    optimizers = [make(first.parameters()), make(second.parameters())]
    for _ in range(steps):
        inputs = images
        for layer, readout, optimizer in zip((first, second), readouts, optimizers, strict=True):
            optimizer.zero_grad()
            output = layer(inputs)
            F.cross_entropy(readout(output), labels).backward()
            optimizer.step()
            inputs = output.detach()


# train-greedily


def _greedy(
    pass_on: Callable[[Any, Tensor, Tensor], Tensor] = lambda layer, features, images: layer(
        features
    ).detach(),
    mean: Callable[[list[tuple[float, int]]], Any] = lambda rows: (
        sum(loss * count for loss, count in rows) / sum(count for _, count in rows)
    ),
    drop_last: bool = False,
    optimizer_each_epoch: bool = False,
    epochs_of: Callable[[int], int] = lambda epochs: epochs,
    at_once: bool = False,
    learns_in: bool | None = True,
    frozen_in: bool | None = False,
    returned: Callable[[list[list[float]]], Any] = lambda losses: losses,
) -> Callable[..., Any]:
    def train_greedily(
        layers: Any,
        readouts: Any,
        images: Tensor,
        labels: Tensor,
        epochs: int,
        batch_size: int,
        make_optimizer: Any,
    ) -> Any:
        features, losses = images, []
        for layer, readout in zip(layers, readouts, strict=True):
            optimizer, means = make_optimizer(layer.parameters()), []
            layer.train(layer.training if learns_in is None else learns_in)
            for _ in range(epochs_of(epochs)):
                rows = []
                if optimizer_each_epoch:
                    optimizer = make_optimizer(layer.parameters())
                size = len(images) if at_once else batch_size
                for begin in range(0, len(images), size):
                    inputs, truth = features[begin:][:size], labels[begin:][:size]
                    if drop_last and len(inputs) < size:
                        continue
                    optimizer.zero_grad()
                    loss = F.cross_entropy(readout(layer(inputs)), truth)
                    loss.backward()
                    optimizer.step()
                    rows.append((loss.item(), len(inputs)))
                means.append(mean(rows))
            layer.train(layer.training if frozen_in is None else frozen_in)
            features = pass_on(layer, features, images)
            losses.append(means)
        return returned(losses)

    return train_greedily


def _greedy_recomputed(
    layers: Any,
    readouts: Any,
    images: Tensor,
    labels: Tensor,
    epochs: int,
    batch_size: int,
    make_optimizer: Any,
) -> list[list[float]]:
    """No cache: what lies below runs for every batch."""
    losses: list[list[float]] = []
    for place, (layer, readout) in enumerate(zip(layers, readouts, strict=True)):
        optimizer = make_optimizer(layer.parameters())
        losses.append([])
        layer.train()
        for _ in range(epochs):
            parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
            total = torch.zeros(())
            for part, truth in parts:
                with torch.no_grad():
                    for below in layers[:place]:
                        part = below.eval()(part)
                optimizer.zero_grad()
                loss = F.cross_entropy(readout(layer(part)), truth, reduction="sum")
                (loss / len(part)).backward()
                optimizer.step()
                total += loss.detach()
            losses[-1].append((total / len(images)).item())
    return losses


# accuracy-by-depth


def _depths(
    evaluate: bool = True,
    onward: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda output, input, logits: output,
    chosen: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(1),
    share: Callable[[Tensor], Any] = lambda right: right.double().mean().item(),
    returned: Callable[[list[Any]], Any] = lambda shares: shares,
    read: Callable[[int, int], int] = lambda place, count: place,
) -> Callable[..., Any]:
    def accuracy_by_depth(layers: Any, readouts: Any, images: Tensor, labels: Tensor) -> Any:
        shares, value = [], images
        for place, layer in enumerate(layers):
            output = layer.train(not evaluate)(value)
            logits = readouts[read(place, len(layers))](output)
            shares.append(share(chosen(logits) == labels))
            value = onward(output, images, logits)
        return returned(shares)

    return accuracy_by_depth


def _depths_by_counting(layers: Any, readouts: Any, images: Tensor, labels: Tensor) -> list[float]:
    """Each depth from the images anew, and a count of the samples told right."""
    shares = []
    for depth in range(1, len(layers) + 1):
        network = nn.Sequential(*layers[:depth], readouts[depth - 1]).eval()
        chosen = network(images).max(dim=1).indices.tolist()
        right = sum(one == other for one, other in zip(chosen, labels.tolist(), strict=True))
        shares.append(right / len(labels))
    return shares
