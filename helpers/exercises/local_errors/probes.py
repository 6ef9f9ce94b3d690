"""How the answers to the exercises of chapter 10 are used."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

State = Mapping[str, Tensor]


class _SGD:
    """An optimizer that steps against the gradient, with momentum; torch's is slow to import."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.0) -> None:
        self.parameters = list(parameters)
        self.lr, self.momentum = lr, momentum
        self.speed = [torch.zeros_like(p) for p in self.parameters]

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        for parameter, speed in zip(self.parameters, self.speed, strict=True):
            if parameter.grad is not None:
                speed.mul_(self.momentum).add_(parameter.grad)
                parameter.sub_(self.lr * speed)


def _tensor(value: Any, what: str) -> Tensor:
    """What an answer returned, which has to be a tensor."""
    if not isinstance(value, Tensor):
        kind = "None (is a return missing?)" if value is None else type(value).__name__
        raise TypeError(f"{what} is to be a tensor, and not {kind}")
    return value


def _module(made: Any, what: str) -> Any:
    if not isinstance(made, nn.Module):
        kind = "None (is a return missing?)" if made is None else type(made).__name__
        raise TypeError(f"{what} is to be an nn.Module, and not {kind}")
    return made


def _number(value: Any, what: str) -> float:
    if not isinstance(value, (int, float)):
        made = f"{what.split()[-1]}.item()"  # "a share": share.item()
        raise TypeError(f"{what} is to be a number ({made}), and not {type(value).__name__}")
    return float(value)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _layer(state: State, name: str, dropout: float = 0.0) -> Any:
    """A linear layer of these weights and ReLU, perhaps with dropout behind."""
    layer = nn.Sequential(_linear(state[f"{name}.weight"], state[f"{name}.bias"]), nn.ReLU())
    return layer.append(nn.Dropout(dropout)) if dropout else layer


class _EveryOther(nn.Module):
    """Dropout without chance: in training every other output is 0, and the rest is doubled."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[str] = []

    def forward(self, input: Tensor) -> Tensor:
        self.modes.append("training" if self.training else "evaluation")
        if not self.training:
            return input
        rows, columns = (torch.arange(size) for size in input.shape)
        return input * 2 * ((rows[:, None] + columns) % 2)


class _Readout(nn.Module):
    """A readout with fixed weights."""

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor) -> Tensor:
        return input @ self.weight.T


def fixed_readout(
    answer: Any,
    in_features: int,
    num_classes: int,
    std: float | None,
    look: str,
    weight: Tensor,
    input: Tensor,
    state: State,
) -> Any:
    """Build a readout; look at its scale, its output, at what an optimizer makes of it."""
    given = (in_features, num_classes) if std is None else (in_features, num_classes, std)
    readout = _module(answer(*given), "RandomReadout(…)")
    held = readout.state_dict().get("weight")
    shape = "not there" if held is None else str(tuple(held.shape))
    said: dict[str, Any] = {"shape of 'weight' in state_dict()": shape}
    if held is None or held.shape != weight.shape:
        return said
    if look == "scale":
        again = answer(*given).state_dict()["weight"]
        return said | _spread(held.double(), again.double())
    readout.load_state_dict({"weight": weight}, strict=False)
    if look == "an optimizer":
        network: Any = nn.Sequential(_layer(state, "below"), readout)
        optimizer = _SGD((p for p in network.parameters() if p.requires_grad), lr=0.5)
        before = _tensor(network(input), "the output")
        before.square().mean().backward()
        optimizer.step()
        said["layer below after a step"] = network[0][0].weight
        said["readout after the step"] = readout.state_dict()["weight"]
        said["output after the step"] = network(input)
        return said | {"numbers in parameters()": sum(p.numel() for p in readout.parameters())}
    if look == "saved and moved":
        again = answer(*given)
        again.load_state_dict(readout.state_dict())
        readout, input = again.double(), input.double()
    return said | {"output": _tensor(readout(input), "the output")}


def _spread(one: Tensor, other: Tensor) -> dict[str, Any]:
    """How wide two draws of 10,000 weights and more are, and of which form.

    They are random, so it is told coarsely: deviations to the nearest power of √2; the fourth
    moment, 3 ± 0.05 for so many normal numbers, to the nearest whole number.
    """

    def about(deviation: float) -> str:
        known = 0 < deviation < math.inf
        return f"{2 ** (round(2 * math.log2(deviation)) / 2):.3g}" if known else f"{deviation:g}"

    said: dict[str, Any] = {"deviation of the weights, about": about(one.std().item())}
    said["deviation of two readouts' difference, about"] = about((other - one).std().item())
    fourth = (one**4).mean().item() / max((one**2).mean().item() ** 2, 1e-300)
    form = "mean of (weight / deviation)⁴, rounded (3 if normal, 2 if uniform)"
    return said | {form: round(fourth) if math.isfinite(fourth) else fourth}


def local_step(
    answer: Any,
    state: State,
    readout: Tensor,
    images: Tensor,
    labels: Tensor,
    steps: int,
    look: str,
) -> Any:
    """Let the layer take some steps on what a layer below makes of the images."""
    below, layer, fixed = _layer(state, "below"), _layer(state, "layer"), _Readout(readout)
    optimizer = _SGD(layer.parameters(), lr=0.5)
    said: dict[str, Any] = {}
    output: Any = None
    for step in range(1, steps + 1):
        returned = answer(layer, fixed, optimizer, below(images), labels)
        if not isinstance(returned, tuple) or len(returned) != 2:
            kind = "None (is a return missing?)" if returned is None else type(returned).__name__
            raise TypeError(f"local_step is to return a tuple of output and loss, and not {kind}")
        output = _tensor(returned[0], "the output")
        said[f"loss of step {step}"] = _number(returned[1], "the loss")
    if look == "the layer learns":
        return said | {"weight afterward": layer[0].weight, "bias afterward": layer[0].bias}
    if look == "what is passed on":
        return said | {"output": output, "gradient of below": _reached(output, below[0].weight)}
    gradient = below[0].weight.grad
    said["gradient in the layer below"] = torch.zeros(()) if gradient is None else gradient.norm()
    _SGD(below.parameters(), lr=0.5).step()
    return said | {"what the layer below gives afterward": below(images)}


def _reached(output: Tensor, weight: Tensor) -> Tensor:
    """The size of the gradient that flows from an output to a weight; 0 if there is no way."""
    weight.grad = None
    if output.requires_grad:
        output.sum().backward()
    return torch.zeros(()) if weight.grad is None else weight.grad.norm()


def gradient_reach(
    answer: Any,
    state: State,
    readouts: Sequence[Tensor],
    images: Tensor,
    labels: Tensor,
    cuts: Sequence[bool],
) -> Any:
    """Ask for the gradients' sizes of a network that is cut before some of its layers."""
    layers = [_layer(state, str(place)) for place in range(len(readouts))]
    value, losses = images, []
    for layer, readout, cut in zip(layers, readouts, cuts, strict=True):
        value = layer(value.detach() if cut else value)
        losses.append(F.cross_entropy(value @ readout.T, labels))
    weights = [layer[0].weight for layer in layers]
    found = _tensor(answer(losses, weights), "what gradient_reach returns")
    said: dict[str, Any] = {"shape": tuple(found.shape)}
    if found.ndim == 2:
        said |= {f"loss {place}": row for place, row in enumerate(found, start=1)}
    said["sizes of what is left in the weights' .grad"] = _left(weights)
    biases = [layer[0].bias for layer in layers]
    return said | {"sizes of what is left in the .grad of biases, not asked for": _left(biases)}


def _left(parameters: Sequence[Any]) -> Tensor:
    """The sizes of the gradients that stand in parameters."""
    none = torch.zeros(())
    return torch.stack([none if p.grad is None else p.grad.norm() for p in parameters])


class _Counted(nn.Module):
    """Notes how many samples come at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, input: Tensor) -> Tensor:
        self.seen.append(len(input))
        return input


def frozen_features(
    answer: Any, state: State, images: Tensor, batch_size: int, training: bool, look: str
) -> Any:
    """Have the features computed by a network with dropout and batch normalization."""
    counted, width = _Counted(), len(state["0.weight"])
    norm = nn.BatchNorm1d(width)
    with torch.no_grad():
        norm.running_mean.copy_(state["mean"])  # type: ignore[union-attr]
        norm.running_var.copy_(state["variance"])  # type: ignore[union-attr]
    frozen = nn.Sequential(counted, _linear(state["0.weight"], state["0.bias"]), norm)
    frozen.append(nn.ReLU()).append(nn.Dropout(0.5)).train(training)
    features = _tensor(answer(frozen, images, batch_size), "what frozen_features returns")
    if look == "features":
        return {"features": features, "gradient that flows back": _reached(features, norm.weight)}
    if look == "in batches":
        said: dict[str, Any] = {
            "largest batch": max(counted.seen),
            "images seen": sum(counted.seen),
        }
        return said | {"features": features}
    modes = {"training" if part.training else "evaluation" for part in frozen.modules()}
    torch.manual_seed(0)
    output = frozen(images)
    said = {"mode afterward": " and ".join(sorted(modes)), "features": features}
    return said | {"output afterward": output, "running mean": norm.running_mean}


def mend_cache(
    answer: Any,
    state: State,
    readouts: Sequence[Tensor],
    images: Tensor,
    labels: Tensor,
    steps: int,
    momentum: float,
    look: str,
) -> Any:
    """Have two layers trained; report the weights and how the second stands on the first."""
    first, second = _layer(state, "0"), _layer(state, "1")
    fixed = [_Readout(weight) for weight in readouts]
    answer(first, second, fixed, images, labels, steps, lambda p: _SGD(p, 0.3, momentum))
    if look == "the first layer":
        return {"weight of the first layer": first[0].weight, "bias": first[0].bias}
    said = {"weight of the second layer": second[0].weight, "bias": second[0].bias}
    if look == "several steps":
        said["weight of the first layer"] = first[0].weight
    return said | {"output of both": second(first(images))}


def train_greedily(
    answer: Any,
    state: State,
    readouts: Sequence[Tensor],
    images: Tensor,
    labels: Tensor,
    epochs: int,
    batch_size: int,
    momentum: float,
    training: bool,
    look: str,
) -> Any:
    """Have a stack trained; report its weights, its losses, the modes in which its layers ran."""
    layers = [_layer(state, str(place)) for place in range(len(readouts))]
    noted = [_EveryOther() for _ in layers]
    if look == "dropout":
        for layer, dropout in zip(layers, noted, strict=True):
            layer.append(dropout).train(training)
    fixed = [_Readout(weight) for weight in readouts]
    losses = answer(
        layers, fixed, images, labels, epochs, batch_size, lambda p: _SGD(p, 0.3, momentum)
    )
    if look == "losses":
        if not isinstance(losses, (list, tuple)):
            kind = "None (is a return missing?)" if losses is None else type(losses).__name__
            raise TypeError(f"train_greedily is to return a list of lists, and not {kind}")
        return {
            f"losses of layer {place}": [_number(loss, "a loss") for loss in row]
            for place, row in enumerate(losses, start=1)
        }
    said: dict[str, Any] = {}
    for place, (layer, dropout) in enumerate(zip(layers, noted, strict=True), start=1):
        if dropout.modes:
            said[f"mode of layer {place} while it learns"] = dropout.modes[0]
        if dropout.modes and place < len(layers):
            said[f"mode of layer {place} when it is frozen"] = dropout.modes[-1]
        said |= {f"weight of layer {place}": layer[0].weight, f"bias {place}": layer[0].bias}
    return said


def accuracy_by_depth(
    answer: Any,
    state: State,
    readouts: Sequence[Tensor],
    images: Tensor,
    labels: Tensor,
    dropout: float,
) -> Any:
    """Have a network with a readout at each depth evaluated."""
    layers = [_layer(state, str(place), dropout) for place in range(len(readouts))]
    shares = answer(layers, [_Readout(weight) for weight in readouts], images, labels)
    if not isinstance(shares, (list, tuple)):
        kind = "None (is a return missing?)" if shares is None else type(shares).__name__
        raise TypeError(f"accuracy_by_depth is to return a list of numbers, and not {kind}")
    return [round(_number(share, "a share"), 4) for share in shares]
