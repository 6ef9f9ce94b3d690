"""How the answers to the exercises of chapter 1 are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _one_step(module: nn.Module, input: Tensor, lr: float, weight_decay: float = 0.0) -> None:
    """One step of SGD on the mean square of the output.

    By hand, for making the first optimizer of a process makes torch import its compiler: a second
    that a learner would wait for.
    """
    parameters = list(module.parameters())
    module(input).square().mean().backward()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.sub_(lr * (parameter.grad + weight_decay * parameter))


def _copy(into: Any, tensor: Tensor) -> None:
    """Write into a tensor of the answer's, whether or not it was registered."""
    with torch.no_grad():
        into.copy_(tensor)


def add_constant(answer: Any, constants: Sequence[float], input: Tensor, look: str) -> Any:
    """Build one module a constant, run them one after the other."""
    chain = nn.Sequential(*[answer(constant) for constant in constants])
    output = chain(input)
    if look == "input":
        return {"output": output, "your input, looked at after the call": input}
    return output


def scale_shift(answer: Any, num_features: int, input: Tensor, **given: Any) -> Any:
    """Set, train or load the module's two vectors; report the output."""
    module = answer(num_features)
    if "lr" in given:
        _one_step(module, input, given["lr"])
    elif "state" in given:
        module.load_state_dict(given["state"])
        again = answer(num_features)
        again.load_state_dict(module.state_dict())
        module = again
    else:
        _copy(module.scale, given["scale"])
        _copy(module.shift, given["shift"])
    return module(input)


def call_counter(answer: Any, modes: str, input: Tensor, look: str = "") -> dict[str, Any]:
    """Call the module once a letter of ``modes``: t in training mode, e in evaluation mode.

    At an ``s`` the module's state is loaded into a new one, which takes its place.
    """
    module, output = answer(), input
    for mode in modes:
        if mode == "s":
            state = module.state_dict()
            module = answer()
            module.load_state_dict(state)
        else:
            output = module.train(mode == "t")(output + 1)
    said = {"last output": output, "calls": int(module.calls)}
    if look == "state_dict":
        said["calls in state_dict()"] = module.state_dict().get("calls")
    elif look == "device":
        module.to("meta")
        said["device of calls after .to('meta')"] = str(module.calls.device)
    return said


def module_list_mlp(
    answer: Any, sizes: list[int], state: dict[str, Tensor], input: Tensor, use: str
) -> Any:
    """Copy or load given weights into the network, perhaps train it, run it."""
    module = answer(sizes)
    if use == "state_dict":
        module.load_state_dict(state)
        return module(input)
    for index, layer in enumerate(module.layers):
        _copy(layer.weight, state[f"layers.{index}.weight"])
        _copy(layer.bias, state[f"layers.{index}.bias"])
    if use == "learning":
        _one_step(module, input, lr=0.1)
    return module(input)


class _Tied(nn.Module):
    """Two layers that share one weight, and a third that is used twice."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(size, size), nn.Linear(size, size)
        self.second.weight = self.first.weight
        self.third = self.fourth = nn.Linear(size, 1)


def count_parameters(
    answer: Any,
    sizes: Sequence[int],
    frozen: Sequence[str] = (),
    normalized: bool = False,
    tied: bool = False,
) -> Any:
    """Build a network, freeze the parameters named, have its parameters counted."""
    if tied:
        return answer(nn.Sequential(*map(_Tied, sizes)))
    model = nn.Sequential()
    for one, other in pairwise(sizes):
        model.append(nn.Linear(one, other))
        model.append(nn.BatchNorm1d(other) if normalized else nn.ReLU())
    for name in frozen:
        model.get_parameter(name).requires_grad = False
    return answer(model)


class _Network(nn.Module):
    """A small network whose parameters have telling names."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(size, 3), nn.ReLU(), nn.Linear(3, 3))
        self.head = nn.Linear(3, 2)

    def forward(self, input: Tensor) -> Tensor:
        return self.head(F.relu(self.features(input)))


def freeze_by_name(
    answer: Any, state: Mapping[str, Tensor], patterns: Sequence[str], input: Tensor, look: str
) -> Any:
    """Freeze parts of a network; report the names, or the parameters after one step of SGD."""
    module = _Network(input.shape[-1])
    module.load_state_dict(state)
    names = [answer(module, pattern) for pattern in patterns]
    if look == "names":
        return names[-1]
    # The input asks for gradients so that backward() works even if every parameter is frozen;
    # weight decay moves a parameter whose gradient is merely zero.
    _one_step(module, input.requires_grad_(), lr=0.5, weight_decay=0.1)
    moved: dict[str, Any] = {
        f"{name} after the step": tensor for name, tensor in module.named_parameters()
    }
    return {"names of the last call": names[-1]} | moved if look == "both" else moved


def mend_residual(answer: Any, state: dict[str, Tensor], input: Tensor, use: str) -> Any:
    """Use the block in evaluation mode, in training mode with p = 1, after a step, or loaded."""
    num_features = input.shape[-1]
    if use == "state_dict":
        module = answer(num_features, p=0.0)
        module.load_state_dict(state)
        return module(input)
    module = answer(num_features, p=1.0 if use == "modes" else 0.0)
    _copy(module.linear.weight, state["linear.weight"])
    _copy(module.linear.bias, state["linear.bias"])
    if use == "learning":
        _one_step(module, input, lr=1.0)
        return {"gain after one step of SGD": module.gain, "output after it": module(input)}
    return {
        "output in evaluation mode": module.eval()(input),
        "output in training mode with p = 1": module.train()(input),
    }
