"""How the answers to the exercises of chapter 7 are used."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]


def _module(made: Any, what: str, kind: type[nn.Module] = nn.Module) -> Any:
    """What an answer made, which has to be a module."""
    if made is None:
        raise TypeError(f"{what} returned None (is a return missing?)")
    if not isinstance(made, kind):
        wanted = kind.__name__
        raise TypeError(f"{what} made an object of type {type(made).__name__}, not an nn.{wanted}")
    return made


def _output(module: nn.Module, input: Tensor) -> Tensor:
    """What the module returns, which has to be a tensor."""
    output = module(input)
    if not isinstance(output, Tensor):
        raise TypeError(f"forward returned an object of type {type(output).__name__}, not a tensor")
    return output


def _one_step(module: nn.Module, input: Tensor, lr: float) -> None:
    """One step of SGD on the mean square of the output, by hand: an optimizer is slow to import."""
    _output(module, input).square().mean().backward()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.sub_(lr * parameter.grad)


def _loaded(module: nn.Module, state: State) -> tuple[dict[str, Any], bool]:
    """The shapes of the parameters by their names; if they are those of the weights, load these.

    If they are not, they differ from the right ones, and nothing more has to be looked at.
    """
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    fit = shapes == {name: tuple(value.shape) for name, value in state.items()}
    if fit:
        module.load_state_dict(state)
    return {"parameters": shapes}, fit


def lenet_module(answer: Any, state: State, input: Tensor, use: str) -> Any:
    """Load weights into the network, perhaps train it for a step, run it."""
    module = _module(answer(), "LeNet()")
    said, fit = _loaded(module, state)
    if not fit:
        return said
    if use == "learning":
        _one_step(module, input, lr=0.5)
        learned = {name: value.flatten()[:3] for name, value in module.named_parameters()}
        return said | {"output after the step": _output(module, input)} | learned
    return said | {"output": _output(module, input)}


def nested_sequential(
    answer: Any, sizes: Mapping[str, Any], state: State, input: Tensor, look: str
) -> Any:
    """Load weights by their names; run the network whole, layer by layer, or part by part."""
    network = _module(answer(**sizes), "cifar_sequential(…)", nn.Sequential)
    said, fit = _loaded(network, state)
    if not fit:
        return said
    if look == "output":
        return said | {"output": _output(network, input)}
    if look == "parts":
        maps = _output(_module(network[0], "network[0]", nn.Sequential), input)
        head = _module(network[1], "network[1]", nn.Sequential)
        named = _output(network.get_submodule("head"), maps)
        return said | {"network[0]": maps, "network[1]": _output(head, maps), "head": named}
    count, value = len(sizes["channels"]), input
    said["keys"] = list(network.state_dict())
    paths = [f"features.{kind}{i + 1}" for i in range(count) for kind in ("conv", "pool")]
    for path in [*paths, "head.flatten", "head.linear1", "head.linear2"]:
        value = _output(network.get_submodule(path), value)
        said[f"after {path}"] = value.double().sum().item()
    return said


class _Reused(nn.Module):
    """Its layers run in another order than they were made in, and one of them three times."""

    def __init__(self, channels: int, classes: int, size: int) -> None:
        super().__init__()
        self.last = nn.Linear(2 * channels * (size // 4) ** 2, classes)
        self.relu = nn.ReLU()
        self.second = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, input: Tensor) -> Tensor:
        maps = self.pool(self.relu(self.first(input)))
        maps = self.pool(self.relu(self.second(maps)))
        return self.last(self.relu(maps.flatten(1)))


def _flat(channels: int, classes: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(channels * (size // 2) ** 2, classes),
    )


def _nested(channels: int, classes: int, size: int) -> nn.Sequential:
    block = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.Tanh())
    body = nn.Sequential()
    body.add_module("stem", nn.Conv2d(3, channels, 1))
    body.add_module("block", block)
    return nn.Sequential(body, nn.Flatten(), nn.Linear(channels * size * size, classes))


_KINDS = {"flat": _flat, "nested": _nested, "reused": _Reused}


def network_summary(
    answer: Any, kind: str, channels: int, classes: int, size: int, look: str = ""
) -> Any:
    """Have a network summed up; perhaps run it afterward and see what that did to the rows."""
    network = _KINDS[kind](channels, classes, size).eval()
    rows = answer(network, (3, size, size))
    if look == "again":
        network(torch.zeros(2, 3, size, size))
        told = answer(network, (3, size, size))
        hooks = sum(len(part._forward_hooks) for part in network.modules())
        return {
            "rows, after the network ran again": _rows(rows),
            "rows of a second call": _rows(told),
            "hooks left on the network": hooks,
        }
    return _rows(rows)


def _rows(rows: Any) -> Any:
    """The rows with their columns named, so that a difference is told by its name."""
    if not isinstance(rows, list):
        missing = " (is a return missing?)" if rows is None else ""
        raise TypeError(f"summary returned {type(rows).__name__}, not a list{missing}")
    for row in rows:
        if not isinstance(row, tuple) or len(row) != 4:
            raise TypeError(f"a row is {row!r}; a tuple of four is asked for")
    columns = ("name", "class", "output shape", "parameters")
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    return {"names": [row[0] for row in rows], "rows": named}


def _features(layers: Sequence[Mapping[str, int]]) -> nn.Sequential:
    """Convolutions (with batch normalization where asked for) and poolings."""
    made, channels = nn.Sequential(), 3
    for layer in layers:
        options: Any = {k: layer[k] for k in ("kernel_size", "stride", "padding") if k in layer}
        if "out" in layer:
            made.append(nn.Conv2d(channels, layer["out"], **options))
            channels = layer["out"]
        else:
            made.append(nn.MaxPool2d(**options))
        if layer.get("norm"):
            made.append(nn.BatchNorm2d(channels))
    return made


def flat_features(
    answer: Any,
    layers: Sequence[Mapping[str, int]],
    shape: Sequence[int],
    input: Tensor | None = None,
    training: bool = False,
) -> Any:
    """Have a network's outputs counted; perhaps see what the network does afterward."""
    features = _features(layers).train(training)
    if input is None:
        return answer(features, tuple(shape))
    with torch.no_grad():
        for parameter in features.parameters():  # weights that do not depend on torch's version
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape))
    count = answer(features, tuple(shape))
    means = {n: b.clone() for n, b in features.named_buffers() if n.endswith("running_mean")}
    modes = {"training" if part.training else "evaluation" for part in features.modules()}
    said: dict[str, Any] = {"features": count, "mode afterward": " and ".join(sorted(modes))}
    said |= means
    return said | {"output afterward, in the mode it was in": _output(features, input)}


def mend_network(
    answer: Any, sizes: Mapping[str, int], state: State, input: Tensor, use: str
) -> Any:
    """Load weights into the network, perhaps train it for a step, run it."""
    network = _module(answer(**sizes), "deep_net(…)")
    said, fit = _loaded(network, state)
    if not fit:
        return said
    names: dict[int, list[str]] = {}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    one = [", ".join(shared) for shared in names.values() if len(shared) > 1]
    said["names of one and the same parameter"] = one[0] if one else "none"
    if use == "learning":
        _one_step(network, input, lr=0.1)
    return said | {"output": _output(network, input)}


class _Saved(nn.Module):
    """A small network with a buffer, whose parts have the names given."""

    def __init__(self, sizes: Sequence[int], names: Sequence[str]) -> None:
        super().__init__()
        body = nn.Sequential(nn.Linear(sizes[0], sizes[1]), nn.BatchNorm1d(sizes[1]))
        self.names = names
        self.add_module(names[0], body)
        self.add_module(names[1], nn.Linear(sizes[1], sizes[2]))

    def forward(self, input: Tensor) -> Tensor:
        for name in self.names:
            input = self.get_submodule(name)(input)
        return input


def load_matching(
    answer: Any,
    saved: State,
    own: State,
    sizes: Sequence[int],
    names: Sequence[str],
    input: Tensor,
) -> Any:
    """Save one state dict to a file in memory, have it loaded into a network that has another."""
    network = _Saved(sizes, names).eval()
    network.load_state_dict(own)
    file = io.BytesIO()
    torch.save(dict(saved), file)
    file.seek(0)
    returned = answer(network, file)
    listed = isinstance(returned, list)
    said: dict[str, Any] = {"what is returned": [] if listed else returned}
    if listed:  # a name that is wrong is told before the whole list
        said |= {f"whether {name} is in the list": name in returned for name in own}
    said["not loaded"] = returned
    return said | {"output of the network": _output(network, input)}
