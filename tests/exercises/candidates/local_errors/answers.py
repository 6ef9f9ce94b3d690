"""Makers of right and wrong answers to the exercises of chapter 10."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# fixed-readout


def _normal(classes: int, features: int, std: float) -> Tensor:
    return torch.randn(classes, features) * std


def _readout(
    draw: Callable[[int, int, float], Any] = _normal,
    keep: Callable[[nn.Module, Any], None] = lambda module, weight: module.register_buffer(
        "weight", weight
    ),
    default: Callable[[int, int], float] = lambda features, classes: features**-0.5,
    rule: Callable[[Tensor, Tensor], Tensor] = lambda input, weight: input @ weight.T,
) -> type[nn.Module]:
    class RandomReadout(nn.Module):
        def __init__(self, in_features: int, num_classes: int, std: float | None = None) -> None:
            super().__init__()
            scale = default(in_features, num_classes) if std is None else std
            keep(self, draw(num_classes, in_features, scale))

        def forward(self, input: Tensor) -> Tensor:
            return rule(input, self.weight)

    return RandomReadout


def _as_parameter(module: Any, weight: Tensor) -> None:
    module.weight = nn.Parameter(weight)


def _as_frozen_parameter(module: Any, weight: Tensor) -> None:
    module.weight = nn.Parameter(weight, requires_grad=False)


def _as_attribute(module: Any, weight: Tensor) -> None:
    module.weight = weight


def _as_unsaved_buffer(module: Any, weight: Tensor) -> None:
    module.register_buffer("weight", weight, persistent=False)


def _as_attribute_buffer(module: Any, weight: Tensor) -> None:
    module.weight = nn.Buffer(weight)


def _seeded_normal(classes: int, features: int, std: float) -> Tensor:
    return std * torch.randn(classes, features, generator=torch.Generator().manual_seed(0))


# local-step


def _stepper(
    enter: Callable[[Tensor], Tensor] = Tensor.detach,
    leave: Callable[[Tensor], Tensor] = Tensor.detach,
    zero: bool = True,
    order: str = "bs",
    read: Callable[[Tensor], Tensor] = lambda output: output,
    loss_of: Callable[..., Tensor] = F.cross_entropy,
    told: Callable[[Tensor], Any] = Tensor.item,
    again: bool = False,
) -> Callable[..., Any]:
    def local_step(layer: Any, readout: Any, optimizer: Any, input: Tensor, labels: Tensor) -> Any:
        output = layer(enter(input))
        loss = loss_of(readout(read(output)), labels)
        if zero:
            optimizer.zero_grad()
        for letter in order:
            loss.backward() if letter == "b" else optimizer.step()
        return leave(layer(input) if again else output), told(loss)

    return local_step


def _step_by_grad(layer: Any, readout: Any, optimizer: Any, input: Tensor, labels: Tensor) -> Any:
    """Ask for this layer's gradients alone; then nothing has to be detached in front."""
    output = layer(input)
    loss = F.cross_entropy(readout(output), labels)
    parameters = list(layer.parameters())
    for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = grad
    optimizer.step()
    return output.detach(), float(loss)


def _step_by_nll(layer: Any, readout: Any, optimizer: Any, input: Tensor, labels: Tensor) -> Any:
    optimizer.zero_grad()
    output = layer(torch.tensor(input.tolist()))
    logs = readout(output).log_softmax(1)
    loss = -logs[torch.arange(len(labels)), labels].mean()
    loss.backward()
    optimizer.step()
    return torch.tensor(output.tolist()), loss.item()


def _no_grad_step(layer: Any, readout: Any, optimizer: Any, input: Tensor, labels: Tensor) -> Any:
    with torch.no_grad():
        output = layer(input)
        loss = F.cross_entropy(readout(output), labels)
    optimizer.step()
    return output, loss.item()


# gradient-reach


def _reacher(
    size: Callable[[Tensor], Tensor] = Tensor.norm,
    missing: float = 0.0,
    turn: bool = False,
    running: bool = False,
) -> Callable[..., Tensor]:
    def gradient_reach(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        found = torch.zeros(len(losses), len(weights))
        for row, loss in enumerate(losses):
            asked = torch.stack(list(losses[: row + 1])).sum() if running else loss
            grads = torch.autograd.grad(asked, weights, retain_graph=True, allow_unused=True)
            for column, grad in enumerate(grads):
                found[row, column] = missing if grad is None else size(grad)
        return found.T if turn else found

    return gradient_reach


def _reach_by_backward(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """`backward`, with .grad emptied before each loss and at the end."""
    rows = []
    for loss in losses:
        for weight in weights:
            weight.grad = None
        loss.backward(retain_graph=True)
        rows.append([0.0 if w.grad is None else w.grad.norm().item() for w in weights])
    for weight in weights:
        weight.grad = None
    return torch.tensor(rows)


def _reach_one_by_one(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    def size(loss: Tensor, weight: Tensor) -> Tensor:
        grad = torch.autograd.grad(loss, weight, retain_graph=True, allow_unused=True)[0]
        return torch.zeros(()) if grad is None else grad.square().sum().sqrt()

    return torch.stack([size(loss, weight) for loss in losses for weight in weights]).reshape(
        len(losses), -1
    )


def _reach_backward_piled_up(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    rows = []
    for loss in losses:
        loss.backward(retain_graph=True)
        rows.append([0.0 if w.grad is None else w.grad.norm().item() for w in weights])
    return torch.tensor(rows)


def _reach_left_behind(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    found = _reach_by_backward(losses, weights)
    losses[-1].backward()
    return found


def _reach_assumed(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Takes for granted what is to be shown."""
    return torch.diag(_reach_by_backward(losses, weights).diagonal())


# frozen-features


def _features(
    evaluate: bool = True,
    restore: bool = True,
    record: bool = False,
    split: Callable[[Tensor, int], Sequence[Tensor]] = Tensor.split,
    join: Callable[[list[Tensor]], Tensor] = torch.cat,
) -> Callable[..., Any]:
    def frozen_features(frozen: nn.Module, images: Tensor, batch_size: int) -> Any:
        was = frozen.training
        if evaluate:
            frozen.eval()
        with torch.set_grad_enabled(record):
            found = join([frozen(batch) for batch in split(images, batch_size)])
        if restore:
            frozen.train(was)
        return found

    return frozen_features


def _features_of_a_copy(frozen: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    """Batches by slices, written into a tensor made beforehand; the modes put back by hand."""
    modes = [part.training for part in frozen.modules()]
    frozen.eval()
    found = None
    for begin in range(0, len(images), batch_size):
        part = frozen(images[begin : begin + batch_size]).detach()
        found = part.new_empty(len(images), *part.shape[1:]) if found is None else found
        found[begin : begin + batch_size] = part
    for part, mode in zip(frozen.modules(), modes, strict=True):
        part.training = mode
    return found


def _always_training(frozen: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    found = _features(restore=False)(frozen, images, batch_size)
    frozen.train()
    return found


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
        for _ in range(epochs):
            parts = zip(images.split(batch_size), labels.split(batch_size), strict=True)
            total = torch.zeros(())
            for part, truth in parts:
                with torch.no_grad():
                    for below in layers[:place]:
                        part = below(part)
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
