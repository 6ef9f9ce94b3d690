"""How the answers to the exercises of chapter 6 are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..guard import Forbidden, operator_message


class _Without(TorchFunctionMode):
    """Raises `Forbidden` at a function of torch's that dissolves into harmless operators."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        self.seen = ""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:  # the signature is torch's
        name = getattr(func, "__name__", "")
        if any(fnmatchcase(name, pattern) for pattern in self.names):
            self.seen = name
            raise Forbidden(operator_message(name))
        return func(*args, **(kwargs or {}))

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        if self.seen:  # raised, and swallowed by the answer
            raise Forbidden(operator_message(self.seen))


def _tensor(value: Any) -> Tensor:
    """What an answer returned, which has to be a tensor."""
    if not isinstance(value, Tensor):
        kind = "None (is a return missing?)" if value is None else type(value).__name__
        raise TypeError(f"a tensor is to be returned, and not {kind}")
    return value


def _gradients(output: Any, gradient: Tensor, **tensors: Tensor) -> dict[str, Tensor]:
    """What flows back to the tensors if the output's gradient is ``gradient``."""
    output = _tensor(output)
    if output.shape != gradient.shape:
        raise ValueError("no gradient can flow back: the output has the wrong shape")
    if not output.requires_grad:
        raise ValueError(
            "no gradient can flow back: the output no longer knows what it was made from (did "
            "detach, no_grad, item or NumPy come between?)"
        )
    (output * gradient).sum().backward()
    return {
        f"gradient of the {name}": torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
        for name, tensor in tensors.items()
    }


def linear_by_matmul(
    answer: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, **options: Any
) -> Any:
    with _Without("linear", "bilinear", "addmm", "addmv", "baddbmm"):
        return answer(input, weight) if bias is None else answer(input, weight, bias)


def flatten_dims(answer: Any, input: Tensor, **dims: int) -> Any:
    with _Without("flatten", "ravel"):
        return answer(input, **dims)


def _layer(kind: str, tensors: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A layer that takes a batch and has a matrix."""
    if kind == "convolution":
        return lambda input: F.conv2d(input, **tensors, **options)
    if kind == "transposed convolution":
        return lambda input: F.conv_transpose2d(input, **tensors, **options)
    if kind == "linear":
        return lambda input: input @ tensors["weight"].mT + tensors["bias"]
    if kind == "average pooling":
        return lambda input: F.avg_pool2d(input, **options)
    return lambda input: input.flip(-1).mT * 2  # "mirror, transpose and double"


def matrix_of_a_layer(
    answer: Any,
    kind: str,
    input_shape: tuple[int, ...],
    tensors: Mapping[str, Tensor],
    options: Mapping[str, Any],
) -> Any:
    found = answer(_layer(kind, tensors, options), tuple(input_shape))
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise TypeError("two tensors are to be returned, the matrix and the offset")
    matrix, offset = (_tensor(value) for value in found)
    return {"matrix": matrix, "offset": offset}


def inverted_dropout(
    answer: Any,
    input: Tensor,
    noise: Tensor,
    gradient: Tensor | None = None,
    both: bool = False,
    **options: Any,
) -> Any:
    with _Without("*dropout*"):
        if both:
            modes = {"in training": True, "in evaluation": False}
            return {
                said: answer(input.clone(), noise, **options, training=training)
                for said, training in modes.items()
            }
        if gradient is None:
            return answer(input, noise, **options)
        output = answer(input.requires_grad_(), noise, **options)
    if options.get("p") == 1 and isinstance(output, Tensor) and not output.requires_grad:
        output = output + 0 * input  # zeros made from nothing are as good
    return _gradients(output, gradient, input=input)


_NAMES = ("weight", "bias", "running_mean", "running_var")


def _loaded(module: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """The module, with these tensors in the places of its own."""
    found = module.load_state_dict(state, strict=False)
    _kept(module, [name for name in found.unexpected_keys if name in _NAMES])
    return module


def _kept(module: nn.Module, names: Sequence[str]) -> dict[str, Tensor]:
    """What the module's state dict holds under these names."""
    state = module.state_dict()
    for name in names:
        if name not in state:
            kind = "a buffer" if "running" in name else "a parameter"
            raise RuntimeError(f"state_dict() does not hold {name}: it is to be {kind}")
    return {name: state[name] for name in names}


def batch_norm_module(
    answer: Any,
    num_features: int,
    modes: str,
    inputs: Sequence[Tensor],
    state: Mapping[str, Tensor],
    look: str,
    **options: Any,
) -> Any:
    """Call the module once a letter of ``modes``: t in training mode, e in evaluation mode.

    An ``l`` is a step of SGD on the cube of the output, in training mode, an ``x`` in evaluation.
    """
    module = answer(num_features, **options)
    if not isinstance(module, nn.Module):
        kind = type(module).__name__
        raise TypeError(f"BatchNorm(…) made an object of type {kind}, not an nn.Module")
    if state:
        module = _loaded(module, state)
    if look == "learning":
        module.double()
    output: Any = None
    for mode, input in zip(modes, inputs, strict=True):
        module.train(mode in "tl")
        output = _tensor(module(input.requires_grad_(mode in "lx")))
        if mode in "lx":
            _step(module, output)
    said = {"last output": output.detach()} if look in ("output", "both") else {}
    if look in ("statistics", "both"):
        said |= _kept(module, _NAMES[2:])
    if look == "learning":
        said = {f"{name} afterward": value for name, value in _kept(module, _NAMES).items()}
        said["gradient of the last input"] = inputs[-1].grad
    return said


def _step(module: nn.Module, output: Tensor) -> None:
    """One step of SGD with weight decay, by hand: torch's imports its compiler."""
    for name, buffer in module.named_buffers():
        if buffer.requires_grad:
            raise RuntimeError(
                f"{name} holds on to the computation of every batch so far: "
                "change it under torch.no_grad()"
            )
    loss = (output**3).mean()
    if not loss.requires_grad:
        raise RuntimeError("SGD gets no gradient: no parameter took part in the output")
    loss.backward()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.5 * (parameter.grad + 0.1 * parameter))
                parameter.grad = None


def layer_norm_function(
    answer: Any, input: Tensor, normalized_shape: tuple[int, ...], **options: Any
) -> Any:
    return answer(input, tuple(normalized_shape), **options)


def embedding_one_hot(
    answer: Any, indices: Tensor, table: Tensor, gradient: Tensor | None = None
) -> Any:
    if gradient is None:
        return answer(indices, table)
    output = answer(indices, table.requires_grad_())
    return _gradients(output, gradient, table=table)
