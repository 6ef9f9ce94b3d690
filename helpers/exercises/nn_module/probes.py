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
    if not parameters:
        raise RuntimeError("SGD finds nothing to move: named_parameters() is empty")
    loss = _output(module, input).square().mean()
    if not loss.requires_grad:
        raise RuntimeError("SGD gets no gradient: no parameter took part in the output")
    loss.backward()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.sub_(lr * (parameter.grad + weight_decay * parameter))


def _output(module: nn.Module, input: Tensor) -> Tensor:
    """What the module returns, which has to be a tensor."""
    output = module(input)
    if output is None:
        raise TypeError("forward returned None (is a return missing?)")
    if not isinstance(output, Tensor):
        raise TypeError(f"forward returned an object of type {type(output).__name__}, not a tensor")
    return output


def _copy(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Write into a tensor of the answer's, whether or not it was registered."""
    into = getattr(module, name)
    if not isinstance(into, Tensor):
        raise TypeError(f"{name} is an object of type {type(into).__name__}, not a tensor")
    try:
        with torch.no_grad():
            into.copy_(tensor)
    except RuntimeError:
        shapes = f"{tuple(into.shape)}; {tuple(tensor.shape)} is asked for"
        raise RuntimeError(f"{name} has the shape {shapes}") from None


def add_constant(answer: Any, constants: Sequence[float], input: Tensor, look: str) -> Any:
    """Build one module a constant, run them one after the other."""
    output = input
    for module in [answer(constant) for constant in constants]:
        if not isinstance(module, nn.Module):
            kind = type(module).__name__
            raise TypeError(f"AddConstant(…) made an object of type {kind}, not an nn.Module")
        if "_parameters" not in vars(module):
            raise AttributeError("super().__init__() was not called in __init__")
        output = _output(module, output)
    if look == "input":
        return {"output": output, "the input after the call": input}
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
        _copy(module, "scale", given["scale"])
        _copy(module, "shift", given["shift"])
    return _output(module, input)


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
            output = _output(module.train(mode == "t"), output + 1)
    said = {"last output": output, "calls": int(module.calls)}
    if look == "state_dict":
        said["calls in state_dict()"] = module.state_dict().get("calls")
        said["is calls a buffer?"] = "calls" in dict(module.named_buffers())
    elif look == "device":
        module.to("meta")
        device = getattr(module.calls, "device", f"none, for it is {type(module.calls).__name__}")
        said["device of calls after .to('meta')"] = str(device)
    return said


def module_list_mlp(
    answer: Any, sizes: list[int], state: dict[str, Tensor], input: Tensor, use: str
) -> Any:
    """Copy or load given weights into the network, perhaps train it, run it."""
    module = answer(sizes)
    if use == "state_dict":
        module.load_state_dict(state)
        return _output(module, input)
    if len(module.layers) != len(state) // 2:
        asked = f"{len(state) // 2} linear layers are asked for"
        raise ValueError(f"the length of layers is {len(module.layers)}; {asked}")
    for index, layer in enumerate(module.layers):
        _copy(layer, "weight", state[f"layers.{index}.weight"])
        _copy(layer, "bias", state[f"layers.{index}.bias"])
    if use == "learning":
        _one_step(module, input, lr=0.1)
    return _output(module, input)


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
    tensors = dict(module.named_parameters())
    moved: dict[str, Any] = {
        f"did {name} move?": not torch.equal(tensor, state[name])
        for name, tensor in tensors.items()
    }
    moved |= {f"{name} after the step": tensor for name, tensor in tensors.items()}
    return {"names of the last call": names[-1]} | moved if look == "both" else moved


def mend_residual(answer: Any, state: dict[str, Tensor], input: Tensor, use: str) -> Any:
    """Use the block in evaluation mode, in training mode with p = 1, after a step, or loaded."""
    num_features = input.shape[-1]
    if use == "state_dict":
        module = answer(num_features, p=0.0)
        module.load_state_dict(state)
        return _output(module, input)
    module = answer(num_features, p=1.0 if use == "modes" else 0.0)
    _copy(module.linear, "weight", state["linear.weight"])
    _copy(module.linear, "bias", state["linear.bias"])
    if use == "learning":
        _one_step(module, input, lr=1.0)
        output = _output(module, input)
        return {"gain after one step of SGD from 0.1": module.gain, "output after it": output}
    return {
        "output in evaluation mode": _output(module.eval(), input),
        "output in training mode with p = 1": _output(module.train(), input),
    }
