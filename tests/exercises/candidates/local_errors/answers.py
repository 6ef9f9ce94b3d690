"""Makers of answers to the earlier exercises of chapter 10, up to frozen-features."""

from __future__ import annotations

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
    """`backward` into these weights alone, emptied before each loss and at the end."""
    return _emptied(losses, weights, inputs=list(weights))


def _reach_biases_left(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """`backward` into all that it reaches, and only the weights asked for are emptied."""
    return _emptied(losses, weights)


def _emptied(losses: Sequence[Tensor], weights: Sequence[Tensor], **into: Any) -> Tensor:
    rows = []
    for loss in losses:
        for weight in weights:
            weight.grad = None
        loss.backward(retain_graph=True, **into)
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
