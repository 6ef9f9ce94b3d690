"""The answers of the chapter's later exercises, from mend-shares on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# mend-shares


def _shares(
    kept: Callable[[Tensor], Tensor] = lambda output: output.detach().clone(),
    share: Callable[[Tensor], Any] = lambda output: (output < 0).double().mean().item(),
    parts: Callable[[nn.Module], Any] = nn.Module.named_modules,
    kind: Any = nn.Linear,
    remove: Callable[[nn.Module, list[Any]], Any] = lambda model, handles: [
        handle.remove() for handle in handles
    ],
) -> Callable[..., Any]:
    def negative_shares(model: nn.Module, input: Tensor) -> dict[str, float]:
        outputs: dict[str, Tensor] = {}
        handles = [
            part.register_forward_hook(
                lambda module, args, output, name=name: outputs.update({name: kept(output)})
            )
            for name, part in parts(model)
            if isinstance(part, kind)
        ]
        model(input)
        remove(model, handles)
        return {name: share(output) for name, output in outputs.items()}

    return negative_shares


def _named(model: nn.Module, handles: list[Any]) -> None:
    for handle in handles:
        handle.remove  # noqa: B018


def _cleared(model: nn.Module, handles: list[Any]) -> None:
    for part in model.modules():
        part._forward_hooks.clear()


def _shares_of_a_copy(model: nn.Module, input: Tensor) -> dict[str, float]:
    """On a copy whose ReLUs are not in place; no hook ever hangs on the model."""
    copied = copy.deepcopy(model)
    for part in copied.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return _shares()(copied, input)


# scale-gradient


def _tensor_hook(change: Callable[[Tensor, float], Any], careful: bool = True) -> Any:
    def scale_gradient(module: nn.Module, factor: float) -> Any:
        def hook(part: nn.Module, args: Any, output: Tensor) -> None:
            if output.requires_grad or not careful:
                output.register_hook(lambda gradient: change(gradient, factor))

        return module.register_forward_hook(hook)

    return scale_gradient


def _parts_of_the_output(module: nn.Module, factor: float) -> Any:
    """The output's value, with a share of its graph."""
    return module.register_forward_hook(
        lambda part, args, output: output * factor + (output * (1 - factor)).detach()
    )


def _backward_pre(module: nn.Module, factor: float) -> Any:
    return module.register_full_backward_pre_hook(
        lambda part, grads: tuple(None if g is None else g * factor for g in grads)
    )


def _backward(module: nn.Module, factor: float) -> Any:
    return module.register_full_backward_hook(
        lambda part, grad_input, grad_output: tuple(
            None if g is None else g * factor for g in grad_input
        )
    )


def _only_parameters(module: nn.Module, factor: float) -> Any:
    handles = [p.register_hook(lambda gradient: gradient * factor) for p in module.parameters()]
    return handles[0] if handles else module.register_forward_hook(lambda *args: None)


def _output_scaled(module: nn.Module, factor: float) -> Any:
    return module.register_forward_hook(lambda part, args, output: output * factor)


def _handle_for_output(module: nn.Module, factor: float) -> Any:
    return module.register_forward_hook(
        lambda part, args, output: output.register_hook(lambda gradient: gradient * factor)
    )


def _no_handle(module: nn.Module, factor: float) -> None:
    _tensor_hook(lambda gradient, factor: gradient * factor)(module, factor)


# heard-network


def _heard(
    step: Callable[[Any, Tensor], Tensor],
    act: Callable[[], nn.Module] = nn.GELU,
    names: tuple[str, str] = ("act1", "act2"),
    shared: bool = False,
    **how: Any,
) -> type[nn.Module]:
    class HeardNetwork(nn.Module):
        def __init__(self, features: int, hidden: int, classes: int) -> None:
            super().__init__()
            self.first = nn.Linear(features, hidden, **how)
            self.second, self.last = nn.Linear(hidden, hidden), nn.Linear(hidden, classes)
            one = act()
            self.add_module(names[0], one)
            self.add_module(names[1], one if shared else act())

        def forward(self, input: Tensor) -> Tensor:
            return self.last(step(self, input))

    return HeardNetwork


def _steps(net: Any, input: Tensor) -> Tensor:
    hidden = net.act1(net.first(input))
    return torch.add(hidden, net.act2(net.second(hidden)))


def _steps_by_other_names(net: Any, input: Tensor) -> Tensor:
    hidden = net.gelu1(net.first(input))
    return hidden + net.gelu2(net.second(hidden))


class _Gate(nn.Module):
    """GELU by the error function."""

    def forward(self, input: Tensor) -> Tensor:
        return input * 0.5 * (1 + torch.erf(input / 2**0.5))


def _still_functions(net: Any, input: Tensor) -> Tensor:
    hidden = F.gelu(net.first(input))
    return hidden + F.gelu(net.second(hidden))


def _swapped(net: Any, input: Tensor) -> Tensor:
    hidden = net.act2(net.first(input))
    return hidden + net.act1(net.second(hidden))


def _no_residual(net: Any, input: Tensor) -> Tensor:
    return net.act2(net.second(net.act1(net.first(input))))


def _sum_inside(net: Any, input: Tensor) -> Tensor:
    hidden = net.act1(net.first(input))
    return net.act2(hidden + net.second(hidden))


def _called_forward(net: Any, input: Tensor) -> Tensor:
    hidden = net.act1.forward(net.first(input))
    return hidden + net.act2.forward(net.second(hidden))


def _act_first(net: Any, input: Tensor) -> Tensor:
    hidden = net.first(net.act1(input))
    return hidden + net.act2(net.second(hidden))


def _cut(net: Any, input: Tensor) -> Tensor:
    hidden = net.act1(net.first(input)).detach()
    return hidden + net.act2(net.second(hidden))
