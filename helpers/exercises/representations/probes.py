"""How the answers to the exercises of chapter 9 are used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..guard import Forbidden, operator_message

State = Mapping[str, Tensor]


class _Watched(TorchFunctionMode):
    """Raises at a function that does the exercise's work, and at a tensor that is too large."""

    def __init__(
        self, forbidden: Mapping[str, str] | None = None, limit: int | None = None
    ) -> None:
        super().__init__()
        self.forbidden, self.limit = forbidden or {}, limit
        self.said = ""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:  # the signature is torch's
        name = getattr(func, "__name__", "")
        if name in self.forbidden:
            self.said = operator_message(self.forbidden[name])
            raise Forbidden(self.said)
        result = func(*args, **(kwargs or {}))
        if self.limit and isinstance(result, Tensor) and result.numel() >= self.limit:
            shape = "×".join(map(str, result.shape))
            self.said = f"a tensor of {shape} was made: do without one that has n² numbers"
            raise Forbidden(self.said)
        return result

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)
        if self.said:  # raised, and perhaps swallowed by the answer
            raise Forbidden(self.said)


def _tensor(value: Any) -> Tensor:
    """What an answer returned, which has to be a tensor."""
    if not isinstance(value, Tensor):
        kind = "None (is a return missing?)" if value is None else type(value).__name__
        raise TypeError(f"a tensor is to be returned, and not {kind}")
    return value


def _number(value: Any) -> Any:
    """A single number, whether it came as a tensor or not."""
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value


def _network(state: State) -> nn.Sequential:
    """A small network with all that behaves differently in training, and these weights."""
    channels, width = state["0.weight"].shape[0], state["5.weight"].shape[0]
    network = nn.Sequential(
        nn.Conv2d(1, channels, 3),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(state["5.weight"].shape[1], width),
        nn.Dropout(0.25),
        nn.Linear(width, 3),
    )
    network.load_state_dict(dict(state))
    return network


def _mode(training: bool) -> str:
    return "training mode" if training else "evaluation mode"


def gather_features(
    answer: Any,
    state: State,
    depth: int,
    images: Tensor,
    batch_size: int,
    training: bool,
    look: str,
) -> Any:
    """Have features gathered; perhaps see what that did to the network, or what they hold."""
    network, modes = _network(state).train(training), set()
    noted = network[1].register_forward_pre_hook(lambda part, input: modes.add(part.training))
    features = _tensor(answer(network, depth, images, batch_size))
    noted.remove()
    said: dict[str, Any] = {"mode in which the network ran": _mode(True in modes)}
    said["features"] = features.detach().clone()
    if look == "left as it was":
        said["mode in which the network was left"] = _mode(network.training)
        torch.manual_seed(0)
        said |= {
            name: buffer.detach().clone()
            for name, buffer in network.named_buffers()
            if "running" in name
        }
        with torch.no_grad():
            said["output afterward, in the mode it was in"] = network(images)
    if look == "no graph":
        said["what the features still carry"] = "a graph" if features.grad_fn else "no graph"
        if features.requires_grad:
            features.sum().backward()
        first = next(network.parameters())
        gradient = torch.zeros_like(first) if first.grad is None else first.grad
        said["gradient that still reaches the first layer"] = gradient
        said["requires_grad of the features"] = features.requires_grad
    return said


#: What torch's `pca_lowrank`, which shows itself to no mode, is made of; and its name.
_LOWRANK = dict.fromkeys(("pca_lowrank", "geqrf", "linalg_qr"), "pca_lowrank")


def pca_coordinates(answer: Any, features: Tensor, k: int, look: str) -> Any:
    """Coordinates or shares; each direction turned so that the farthest sample is positive."""
    with _Watched(forbidden=_LOWRANK):
        found = answer(features, k)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise TypeError("two tensors are to be returned, the coordinates and the shares")
    coordinates, shares = (_tensor(value) for value in found)
    if look == "shares":
        return shares
    if coordinates.ndim == 2 and coordinates.numel():
        farthest = coordinates.abs().argmax(dim=0, keepdim=True)
        coordinates = coordinates * coordinates.gather(0, farthest).sign()
    return coordinates


def neighborhood_purity(answer: Any, features: Tensor, labels: Tensor, k: int) -> Any:
    return answer(features, labels, k)


def class_separability(answer: Any, features: Tensor, labels: Tensor) -> Any:
    return _number(answer(features, labels))


def probe_scores(
    answer: Any, features: Tensor, labels: Tensor, others: Tensor, ridge: float
) -> Any:
    return answer(features, labels, others, ridge)


def linear_cka(answer: Any, x: Tensor, y: Tensor) -> Any:
    count = len(x)
    limit = count * count if count > 10 * max(x.shape[1], y.shape[1]) else None
    with _Watched(limit=limit):
        return _number(answer(x, y))


def debiased_cka(answer: Any, x: Tensor, y: Tensor) -> Any:
    return _number(answer(x, y))
