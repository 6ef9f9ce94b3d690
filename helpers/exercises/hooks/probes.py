"""How the answers to the exercises of chapter 8 are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]

#: How many hooks of its own the probe of a module may find: torch's four dictionaries.
_KINDS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


def _hooks(model: nn.Module) -> int:
    return sum(len(getattr(part, kind)) for part in model.modules() for kind in _KINDS)


def _removed(handle: Any) -> None:
    """Remove a hook by the handle that the answer returned."""
    if handle is None:
        raise TypeError("no handle was returned (is a return missing?)")
    handle.remove()


def _only_tensors(module: nn.Module, args: Any, output: Any) -> None:
    """A forward hook behind the answer's: what that one returned has to be a tensor."""
    if not isinstance(output, Tensor):
        kind = type(output).__name__
        raise TypeError(f"your forward hook returned a {kind}, which took the place of the output")


def _loaded(module: nn.Module, state: State) -> nn.Module:
    module.load_state_dict(dict(state))
    return module


# silence-channels


def _channels_net(kind: str, state: State) -> nn.Sequential:
    """A layer to silence, and a layer behind it."""
    out, inside = state["0.weight"].shape[:2]
    behind = state["2.weight"].shape[0]
    layers: dict[str, list[nn.Module]] = {
        "maps": [nn.Conv2d(inside, out, 3), nn.Conv2d(out, behind, 1)],
        "signals": [nn.Conv1d(inside, out, 3), nn.Conv1d(out, behind, 1)],
        "vectors": [nn.Linear(inside, out), nn.Linear(out, behind)],
    }
    first, last = layers[kind]
    network = nn.Sequential(first, nn.Sigmoid(), last)
    network.load_state_dict(dict(state))
    return network


def silence_channels(
    answer: Any, kind: str, place: int, state: State, channels: list[int], input: Tensor, look: str
) -> Any:
    """Silence channels of a layer; run the network, perhaps backward, perhaps after removal."""
    network = _channels_net(kind, state)
    handle = answer(network[place], channels)
    network[place].register_forward_hook(_only_tensors)
    heard = network[: place + 1](input)
    said: dict[str, Any] = {"the layer's output": heard}
    if look == "removed":
        _removed(handle)
        said["the layer's output after remove()"] = network[: place + 1](input)
        return said | {"the network's output after remove()": network(input)}
    output = network(input)
    said["the network's output"] = output
    if look == "gradients":
        try:
            output.square().sum().backward()
        except RuntimeError as error:
            if "inplace operation" not in str(error):
                raise
            text = "the hook wrote into the layer's output, which the layer's gradient still needs"
            raise RuntimeError(f"{text}: write into a clone") from error
        said |= {f"gradient of {name}": p.grad for name, p in network.named_parameters()}
    return said


# accept-bytes


class _Echo(nn.Module):
    """Tells what arrived: how large, of which type, and the numbers."""

    def forward(self, images: Tensor, gain: float = 1.0, shift: float = 0.0) -> dict[str, Any]:
        said = {"dtype": str(images.dtype), "images": images.clone(), "gain": gain, "shift": shift}
        return {f"{name} that reached forward": value for name, value in said.items()}


def accept_bytes(
    answer: Any, images: Tensor, raw: Tensor, look: str, more: Mapping[str, float]
) -> Any:
    """Have a network take images and then, perhaps, bytes; report what reaches its forward."""
    model = _Echo()
    handle = answer(model)
    if look == "floats":
        said = model(images)
        return said | {f"of bytes afterward: {k}": v for k, v in model(raw).items()}
    if look == "removed":
        first = model(images)
        _removed(handle)
        said = model(images)
        return {f"before remove(): {k}": v for k, v in first.items()} | {
            f"after remove(): {k}": v for k, v in said.items()
        }
    if look == "by place":
        return model(images, *more.values())
    return model(images, **more)


# live-hooks


class _Nested(nn.Module):
    """A network with parts in parts, one of which has two names."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2)))
        self.head = nn.Linear(2, 2)
        self.tied = self.head


def _nothing(*args: Any) -> None:
    return None


def live_hooks(
    answer: Any, nested: bool, hooks: Sequence[tuple[str, str]], removed: Sequence[int]
) -> Any:
    """Hang hooks on a network, take some off again; have them counted each time."""
    network: nn.Module = _Nested() if nested else nn.Linear(2, 2)
    handles = []
    for name, kind in hooks:
        part = network.get_submodule(name)
        handles.append(getattr(part, f"register_{kind}_hook")(_nothing))
    said = {"hooks before any is removed" if removed else "hooks": answer(network)}
    for place in removed:
        handles[place].remove()
    return said | ({"hooks after some were removed": answer(network)} if removed else {})


# output-recorder


class _Parts(nn.Module):
    """A network whose parts have names on two levels."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        a, b, c, d = sizes
        self.body = nn.Sequential(nn.Linear(a, b), nn.Tanh(), nn.Linear(b, c))
        self.head = nn.Linear(c, d)

    def forward(self, input: Tensor) -> Tensor:
        return self.head(self.body(input))


class _Stop(Exception):
    """What the probe raises within the block."""


def _recorded(recorder: Any) -> dict[str, Any]:
    outputs = recorder.outputs
    if not isinstance(outputs, Mapping):
        raise TypeError(f"outputs is an object of type {type(outputs).__name__}, not a dict")
    return {f"outputs[{name!r}]": value for name, value in outputs.items()}


def output_recorder(
    answer: Any,
    sizes: Sequence[int],
    state: State,
    names: list[str],
    inputs: Sequence[Tensor],
    look: str,
    early: bool,
) -> Any:
    """Record in a with block, perhaps end it by an exception; run the network afterward.

    With ``early`` the network runs, and its hooks are counted, before the block, too.
    """
    network = _loaded(_Parts(sizes), state)
    first, *others = inputs
    ended = "as usual"
    made = answer(network, names)
    said: dict[str, Any] = {}
    if early:
        network(others[0])
        said["hooks on the network before the block"] = _hooks(network)
    try:
        with made as recorder:
            if recorder is None:
                raise TypeError("__enter__ returned None (is return self missing?)")
            output = network(first)
            if look == "exception":
                raise _Stop
    except _Stop:
        ended = "by the exception"
    said |= {"the block ended": ended, "the network's output": output}
    said |= _recorded(recorder)
    if look == "detached":
        for name, value in _recorded(recorder).items():
            if isinstance(value, Tensor) and value.requires_grad:
                raise ValueError(f"{name} is not detached: it requires a gradient")
        kept = [value for value in said.values() if isinstance(value, Tensor)]
        torch.stack([value.sum() for value in kept]).sum().backward()
        # what is kept adds to the gradient unless it is detached
        return said | {f"gradient of {name}": p.grad for name, p in network.named_parameters()}
    for number, other in enumerate(others, start=2):
        network(other)
        said |= {f"after run {number}, outside: {k}": v for k, v in _recorded(recorder).items()}
    said["hooks on the network"] = _hooks(network)
    if look == "again":
        with made as recorder:
            for other in others:
                network(other)
        said |= {f"in a second block: {k}": v for k, v in _recorded(recorder).items()}
    return said


# mend-shares


def mend_shares(
    answer: Any, state: State, input: Tensor, inplace: bool, own: int, look: str
) -> Any:
    """Have the negative shares told, of a network that has hooks of its own."""
    sizes = [state[f"{n}.weight"].shape for n in ("first", "second", "third")]
    first, second, third = (nn.Linear(size[1], size[0]) for size in sizes)
    for name, layer in {"first": first, "second": second, "third": third}.items():
        parameters = {kind: state[f"{name}.{kind}"] for kind in ("weight", "bias")}
        layer.load_state_dict(parameters)
    if look == "both":
        inner = nn.Sequential(second, nn.ReLU(inplace))
        network = nn.Sequential(first, nn.ReLU(inplace), inner, third, nn.Sigmoid())
    else:
        network = nn.Sequential(first, nn.ReLU(inplace), second, nn.ReLU(inplace), third)
    for _ in range(own):
        network.register_forward_hook(_nothing)
    shares = answer(network, input)
    said = {"shares": shares}
    if isinstance(shares, Mapping):
        said = {f"share of {name}": share for name, share in shares.items()}
    return said | ({"hooks on the network afterward": _hooks(network)} if look else {})


# scale-gradient


def scale_gradient(
    answer: Any, state: State, input: Tensor, factor: float, place: int, inplace: bool, look: str
) -> Any:
    """Scale a gradient within a network; report outputs and gradients, also after removal."""
    sizes = [state[f"{n}.weight"].shape for n in (0, 2)]
    layers = [nn.Linear(size[1], size[0]) for size in sizes]
    network = nn.Sequential(layers[0], nn.ReLU(inplace), layers[1])
    network.load_state_dict(dict(state))
    handle = answer(network[place], factor)
    network[place].register_forward_hook(_only_tensors)
    said: dict[str, Any] = {}
    if look == "no_grad":
        with torch.no_grad():
            said["output under no_grad"] = network(input)
    said |= _gradients(network, input)
    if look == "removed":
        _removed(handle)
        later = _gradients(network, input)
        said |= {f"after remove(): {name}": value for name, value in later.items()}
    return said


def _gradients(network: nn.Module, input: Tensor) -> dict[str, Any]:
    """The output, and all gradients of the sum of its squares."""
    input = input.clone().requires_grad_()
    network.zero_grad()
    output = network(input)
    output.square().sum().backward()
    said: dict[str, Any] = {"output": output}
    said |= {f"gradient of {name}": p.grad for name, p in network.named_parameters()}
    return said | {"gradient of the input": input.grad}


# heard-network


def heard_network(answer: Any, sizes: Sequence[int], state: State, input: Tensor, look: str) -> Any:
    """Load weights by their names, hang a hook on act1 or act2, run."""
    network = answer(*sizes)
    if not isinstance(network, nn.Module):
        raise TypeError(f"HeardNetwork(…) made an object of type {type(network).__name__}")
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    if shapes != {name: tuple(value.shape) for name, value in state.items()}:
        return {"parameters": shapes}
    network.load_state_dict(dict(state))
    said: dict[str, Any] = {"parameters": shapes}
    places = [look] if look in ("act1", "act2") else ["act1", "act2"]
    heard: dict[str, list[Any]] = {place: [] for place in places}
    handles = []
    for place in places:

        def listen(module: nn.Module, args: Any, output: Any, place: str = place) -> None:
            took = [value.detach().clone() for value in args]
            heard[place].append((took[0] if len(took) == 1 else took, output.detach().clone()))

        handles.append(network.get_submodule(place).register_forward_hook(listen))
    output = network(input)
    for handle in handles:
        handle.remove()
    said["output"] = output
    for place, runs in heard.items():
        said[f"how often {place} was heard"] = len(runs)
        if runs:
            said[f"what {place} took"], said[f"what {place} gave"] = runs[0]
    if look == "learning":
        output.square().mean().backward()
        said |= {f"gradient of {name}": p.grad for name, p in network.named_parameters()}
    return said
