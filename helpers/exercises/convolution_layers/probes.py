"""How the answers to the exercises of chapter 3 are used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd


def conv_parameter_count(
    answer: Any, in_channels: int, out_channels: int, kernel_size: Any, **options: Any
) -> Any:
    return answer(in_channels, out_channels, kernel_size, **options)


def conv_multiply_adds(answer: Any, input_size: tuple[int, int], **options: int) -> Any:
    return answer(input_size, **options)


def receptive_field(answer: Any, layers: list[tuple[int, int, int]]) -> Any:
    return answer(layers)


def reshaped_rows(answer: Any, row: int, channels: int, **options: int) -> Any:
    return answer(row, channels, **options)


def normalize_maps(answer: Any, maps: Tensor) -> Any:
    """The result, and the input as the answer leaves it."""
    made = _tensor(answer(maps), "normalize_maps")
    return {"result": made, "your input after the call": maps}


def _tensor(made: Any, name: str) -> Tensor:
    if not isinstance(made, Tensor):
        why = "None (is a return missing?)" if made is None else type(made).__name__
        raise TypeError(f"{name} returned {why}, not a tensor")
    return made


# Layers


def _module(made: Any, name: str) -> nn.Module:
    if not isinstance(made, nn.Module):
        raise TypeError(f"{name}(…) gave an object of type {type(made).__name__}, not a module")
    if "_parameters" not in vars(made):
        raise AttributeError("super().__init__() was not called in __init__")
    return made


def _output(module: nn.Module, input: Tensor) -> Tensor:
    return _tensor(module(input), "forward")


def _named(module: nn.Module, name: str) -> Any:
    """What a module keeps under a name, ``weight`` or ``depthwise.weight``."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _copy(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Write into a tensor of the answer's."""
    into = _named(module, name)
    if not isinstance(into, Tensor):
        raise TypeError(f"{name} is an object of type {type(into).__name__}, not a tensor")
    if into.shape != tensor.shape:
        shapes = f"{tuple(into.shape)}; {tuple(tensor.shape)} is asked for"
        raise ValueError(f"{name} has the shape {shapes}")
    with torch.no_grad():
        into.copy_(tensor)


def _one_step(module: nn.Module, input: Tensor, lr: float) -> None:
    """One step of SGD on the mean square of the output, by hand: optimizers import a compiler."""
    parameters = list(module.parameters())
    if not parameters:
        raise RuntimeError("there is nothing to learn: parameters() is empty")
    loss = _output(module, input).square().mean()
    if not loss.requires_grad:
        raise RuntimeError("no gradient flows: no parameter took part in the output")
    loss.backward()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.sub_(lr * parameter.grad)


def _used(module: nn.Module, state: Mapping[str, Tensor], input: Tensor, use: str) -> Tensor:
    """Give a layer its weights, by their names or by its state_dict; perhaps train it; run it."""
    if use == "state_dict":
        module.load_state_dict(dict(state))
        return _output(module, input)
    for name, tensor in state.items():
        _copy(module, name, tensor)
    asked = {id(_named(module, name)) for name in state}
    for name, parameter in module.named_parameters():
        if id(parameter) not in asked:
            raise ValueError(f"the layer has a parameter that is not asked for: {name}")
    if use == "learning":
        _one_step(module, input, lr=0.01)
    return _output(module, input)


def conv_layer(
    answer: Any,
    arguments: dict[str, Any],
    use: str,
    state: Mapping[str, Tensor] | None = None,
    input: Tensor | None = None,
) -> Any:
    """Build a layer; run it with given weights, or tell its start values."""
    module = _module(answer(**arguments), "Conv2d")
    if any(isinstance(part, _ConvNd) for part in module.modules()):
        raise TypeError("this layer is to be made of nn.Parameter and F.conv2d, not of torch's own")
    if state is not None and input is not None:
        output = _used(module, state, input, use)
        if "bias" in state:
            return output
        kind = "None" if module.bias is None else f"an object of type {type(module.bias).__name__}"
        return {"self.bias": kind, "output": output}
    said = {}
    for name in ("weight", "bias"):
        start = getattr(module, name).detach().double()
        # Of many numbers the extremes are near the bounds; outward to the next hundredth.
        said[f"greatest start value of the {name}, rounded up"] = _up(float(start.max()))
        said[f"least start value of the {name}, rounded down"] = 0.0 - _up(-float(start.min()))
    return said


def _up(value: float) -> float:
    return math.ceil(100 * value) / 100 if math.isfinite(value) else value


#: The output channel that each group looks at.
_MAPS = {"left to right": 0, "top to bottom": 1, "center": 2}


def edge_layer(answer: Any, input: Tensor, look: str) -> Any:
    """Run the layer; report one map without its border, all maps without, or all of it."""
    layer = answer(input.shape[1])
    if not isinstance(layer, nn.Conv2d):
        kind = "None (is a return missing?)" if layer is None else type(layer).__name__
        raise TypeError(f"edge_layer returned {kind}, not an nn.Conv2d")
    output = layer(input)
    if look == "border":
        return output
    asked = (input.shape[0], 3, *input.shape[2:])
    if output.shape != asked:
        raise ValueError(f"the output has the shape {tuple(output.shape)}; {asked} is asked for")
    inside = output[..., 1:-1, 1:-1]
    return inside[:, _MAPS[look]] if look in _MAPS else inside


def separable_conv(
    answer: Any, arguments: dict[str, Any], state: Mapping[str, Tensor], input: Tensor, use: str
) -> Any:
    """Build the layer, give it weights, perhaps train it, run it and its first part."""
    module = _module(answer(**arguments), "SeparableConv2d")
    if getattr(_named(module, "depthwise"), "bias", None) is not None:
        raise ValueError("depthwise has a bias, none is asked for")
    if getattr(_named(module, "pointwise"), "bias", None) is None:
        raise ValueError("pointwise has no bias, one is asked for")
    output = _used(module, state, input, use)
    between = tuple(_output(_named(module, "depthwise"), input).shape)
    return {"output": output, "shape after the depthwise part": between}
