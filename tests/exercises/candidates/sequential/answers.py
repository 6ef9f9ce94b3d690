"""Right and wrong answers to the exercises of chapter 7."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# lenet-module


def _lenet(
    squash: Callable[[Tensor], Tensor] = torch.tanh,
    pool: Callable[[Tensor, int], Tensor] = F.avg_pool2d,
    flatten: Callable[[Tensor], Tensor] = lambda maps: maps.flatten(1),
    last: Callable[[Tensor], Tensor] = lambda logits: logits,
    between: Callable[[Tensor], Tensor] = torch.tanh,
) -> type[nn.Module]:
    class LeNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
            self.linear1, self.linear2 = nn.Linear(400, 120), nn.Linear(120, 84)
            self.linear3 = nn.Linear(84, 10)

        def forward(self, images: Tensor) -> Tensor:
            maps = pool(squash(self.conv1(images)), 2)
            maps = pool(squash(self.conv2(maps)), 2)
            hidden = between(self.linear2(between(self.linear1(flatten(maps)))))
            return last(self.linear3(hidden))

    return LeNet


class _LeNetOfParts(nn.Module):
    """The same as a list of steps; tanh by exponentials."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=(5, 5), padding="same")
        self.conv2 = nn.Conv2d(6, 16, kernel_size=(5, 5))
        self.linear1 = nn.Linear(16 * 5 * 5, 120)
        self.linear2 = nn.Linear(120, 84)
        self.linear3 = nn.Linear(84, 10)

    def forward(self, images: Tensor) -> Tensor:
        pool, squash = nn.AdaptiveAvgPool2d, nn.Tanh()
        steps = (self.conv1, squash, pool(14), self.conv2, squash, pool(5), nn.Flatten())
        for step in (*steps, self.linear1, squash, self.linear2, squash, self.linear3):
            images = step(images)
        return images


def _pool_first(maps: Tensor) -> Tensor:
    return maps


# nested-sequential


def _nested(
    conv: Callable[[int, int], nn.Module] = lambda m, n: nn.Conv2d(m, n, 5, padding=2),
    side: Callable[[int], int] = lambda depth: 32 // 2**depth,
    names: tuple[str, str] = ("features", "head"),
    inner: Callable[[int], int] = lambda place: place + 1,
    pool: Callable[[], nn.Module] = lambda: nn.MaxPool2d(2),
    between: list[nn.Module] | None = None,
) -> Callable[..., nn.Sequential]:
    def cifar_sequential(channels: list[int], hidden: int, classes: int) -> nn.Sequential:
        layers: dict[str, nn.Module] = {}
        for place, (m, n) in enumerate(zip([3, *channels], channels, strict=False)):
            layers[f"conv{inner(place)}"] = conv(m, n)
            layers[f"pool{inner(place)}"] = pool()
        count = channels[-1] * side(len(channels)) ** 2
        head: dict[str, nn.Module] = {"flatten": nn.Flatten()}
        head["linear1"] = nn.Linear(count, hidden)
        if between:
            head["act"] = between[0]
        head["linear2"] = nn.Linear(hidden, classes)
        parts = [nn.Sequential(OrderedDict(part)) for part in (layers, head)]
        return nn.Sequential(OrderedDict(zip(names, parts, strict=True)))

    return cifar_sequential


def _nested_by_a_dry_run(channels: list[int], hidden: int, classes: int) -> nn.Sequential:
    network = nn.Sequential()
    network.features, network.head = nn.Sequential(), nn.Sequential()
    for number, after in enumerate(channels, start=1):
        before = channels[number - 2] if number > 1 else 3
        setattr(network.features, f"conv{number}", nn.Conv2d(before, after, 5, 1, 2))
        setattr(network.features, f"pool{number}", nn.MaxPool2d(2, 2))
    network.head.flatten = nn.Flatten()
    count = network(torch.zeros(1, 3, 32, 32)).shape[1]
    network.head.linear1 = nn.Linear(count, hidden)
    network.head.linear2 = nn.Linear(hidden, classes)
    return network


def _flat_names(channels: list[int], hidden: int, classes: int) -> nn.Sequential:
    made = _nested()(channels, hidden, classes)
    return nn.Sequential(*made.features, *made.head)


def _unnamed(channels: list[int], hidden: int, classes: int) -> nn.Sequential:
    return nn.Sequential(*_nested()(channels, hidden, classes))


def _head_inside(channels: list[int], hidden: int, classes: int) -> nn.Sequential:
    """All right names, but the two parts do not stand side by side."""
    made = _nested()(channels, hidden, classes)
    return nn.Sequential(OrderedDict(head=made.head, features=made.features))


# network-summary


def _leaves(network: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(n, m) for n, m in network.named_modules() if not list(m.children())]


def _held(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _summarizer(
    shape_of: Callable[[Tensor], Any] = lambda output: tuple(output.shape[1:]),
    held: Callable[[nn.Module], Any] = _held,
    kind: Callable[[nn.Module], Any] = lambda module: type(module).__name__,
    layers: Callable[[nn.Module], list[tuple[str, nn.Module]]] = _leaves,
    remove: bool = True,
    rows_of: Callable[[list[Any]], Any] = lambda rows: rows,
    name_of: Callable[[str], Any] = lambda name: name,
) -> Callable[..., Any]:
    def summary(network: nn.Module, shape: tuple[int, ...]) -> Any:
        rows: list[Any] = []
        handles = []
        for name, module in layers(network):

            def hook(module: nn.Module, inputs: Any, output: Tensor, name: str = name) -> None:
                rows.append((name_of(name), kind(module), shape_of(output), held(module)))

            handles.append(module.register_forward_hook(hook))
        network(torch.zeros(1, *shape))
        for handle in handles if remove else []:
            handle.remove()
        return rows_of(rows)

    return summary


def _summary_of_a_copy(network: nn.Module, shape: tuple[int, ...]) -> Any:
    """Hooks on a copy, by a dictionary from layer to name; they need not be removed."""
    twin = copy.deepcopy(network)
    names = {module: name for name, module in twin.named_modules()}
    rows: list[Any] = []

    def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
        count = sum(p.nelement() for p in module.parameters(recurse=False))
        rows.append((names[module], module.__class__.__name__, (*output[0].shape,), count))

    for module in twin.modules():
        if not module._modules:
            module.register_forward_hook(hook)
    twin(torch.ones(2, *shape))
    return rows


def _summary_by_walking(network: nn.Module, shape: tuple[int, ...]) -> Any:
    value, rows = torch.zeros(1, *shape), []
    for name, module in network.named_children():
        value = module(value)
        rows.append((name, type(module).__name__, tuple(value.shape[1:]), _held(module)))
    return rows


def _late_name(network: nn.Module, shape: tuple[int, ...]) -> Any:
    rows: list[Any] = []
    handles = []
    for name, module in _leaves(network):

        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            rows.append((name, type(module).__name__, tuple(output.shape[1:]), _held(module)))  # noqa: B023

        handles.append(module.register_forward_hook(hook))
    network(torch.zeros(1, *shape))
    for handle in handles:
        handle.remove()
    return rows


def _in_order_of_making(rows: list[Any]) -> list[Any]:
    return sorted(dict.fromkeys(rows))


# flat-features


def _counting(
    count: Callable[[Tensor], Any],
    shape_of: Callable[[tuple[int, ...]], tuple[int, ...]] = lambda shape: shape,
    before: Callable[[nn.Module], Any] = nn.Module.eval,
    restore: bool = True,
) -> Callable[[nn.Module, tuple[int, ...]], Any]:
    def flat_features(features: nn.Module, shape: tuple[int, ...]) -> Any:
        mode = features.training
        before(features)
        with torch.no_grad():
            output = features(torch.zeros(1, *shape_of(shape)))
        if restore:
            features.train(mode)
        return count(output)

    return flat_features


def _put_back_outside(features: nn.Module, shape: tuple[int, ...]) -> int:
    """The parts stay in evaluation mode, and only the whole says that it is in training mode."""
    mode = features.training
    count = features.eval()(torch.zeros(1, *shape)).numel()
    features.training = mode
    return count


def _numbers(output: Tensor) -> int:
    return output.numel()


def _features_of_a_copy(features: nn.Module, shape: tuple[int, ...]) -> int:
    return len(copy.deepcopy(features).eval()(torch.rand(1, *shape)).flatten())


def _features_by_formula(features: Any, shape: tuple[int, ...]) -> int:
    channels, *sides = shape
    for layer in features:
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)):
            wide = [getattr(layer, n) for n in ("kernel_size", "stride", "padding")]
            k, s, p = (w[0] if isinstance(w, tuple) else w for w in wide)
            sides = [(side + 2 * p - k) // s + 1 for side in sides]
            channels = getattr(layer, "out_channels", channels)
    return channels * sides[0] * sides[1]


# mend-network


def _deep(
    repeat: Callable[[int, int], list[nn.Module]],
    pooled: Callable[[int], int] = lambda size: (size // 2) ** 2,
    extra: int = 0,
    first: bool = True,
) -> Callable[..., nn.Sequential]:
    def deep_net(channels: int, depth: int, size: int) -> nn.Sequential:
        stem = [nn.Conv2d(3, channels, 3, padding=1), nn.ReLU()] if first else []
        body = repeat(channels, depth + extra)
        tail = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(channels * pooled(size), 10)]
        return nn.Sequential(*stem, *body, *tail)

    return deep_net


def _block(channels: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]


def _fresh(channels: int, depth: int) -> list[nn.Module]:
    return [layer for _ in range(depth) for layer in _block(channels)]


def _copies(channels: int, depth: int) -> list[nn.Module]:
    block = nn.Sequential(*_block(channels))
    return [layer for _ in range(depth) for layer in copy.deepcopy(block)]


def _one_relu(channels: int, depth: int) -> list[nn.Module]:
    relu = nn.ReLU()
    return [m for _ in range(depth) for m in (nn.Conv2d(channels, channels, 3, padding=1), relu)]


def _shared(channels: int, depth: int) -> list[nn.Module]:
    return _block(channels) * depth


def _no_relu(channels: int, depth: int) -> list[nn.Module]:
    return [m for _ in range(depth) for m in (_block(channels)[0], nn.Identity())]


def _nested_blocks(channels: int, depth: int) -> list[nn.Module]:
    return [nn.Sequential(*_block(channels)) for _ in range(depth)]


# load-matching


def _loading(
    fits: Callable[[str, Tensor, dict[str, Tensor]], Any],
    told: Callable[[dict[str, Tensor], dict[str, Tensor]], Any] = lambda own, kept: [
        name for name in own if name not in kept
    ],
) -> Callable[[nn.Module, Any], Any]:
    def load_matching(network: nn.Module, file: Any) -> Any:
        own = network.state_dict()
        saved = torch.load(file)
        kept = {name: tensor for name, tensor in saved.items() if fits(name, tensor, own)}
        network.load_state_dict(kept, strict=False)
        return told(own, kept)

    return load_matching


def _fits(name: str, tensor: Tensor, own: dict[str, Tensor]) -> bool:
    return name in own and own[name].shape == tensor.shape


def _load_by_copying(network: nn.Module, file: Any) -> list[str]:
    saved, missing = torch.load(file, weights_only=True), []
    for name, tensor in network.state_dict(keep_vars=True).items():
        if name in saved and saved[name].shape == tensor.shape:
            tensor.data.copy_(saved[name])
        else:
            missing.append(name)
    return missing


def _load_filled(network: nn.Module, file: Any) -> list[str]:
    """The network's own state dict, with what fits written over it, loaded strictly."""
    own, saved = network.state_dict(), torch.load(file, weights_only=True)
    fitting = {n for n in own.keys() & saved.keys() if own[n].shape == saved[n].shape}
    network.load_state_dict({n: saved[n] if n in fitting else own[n] for n in own})
    return [name for name in own if name not in fitting]


def _load_loosely(network: nn.Module, file: Any) -> list[str]:
    return network.load_state_dict(torch.load(file), strict=False).missing_keys


def _load_and_trust_missing_keys(network: nn.Module, file: Any) -> list[str]:
    """Torch does not count num_batches_tracked as missing in a plain dictionary."""
    own, saved = network.state_dict(), torch.load(file)
    kept = {name: tensor for name, tensor in saved.items() if _fits(name, tensor, own)}
    return network.load_state_dict(kept, strict=False).missing_keys


def _load_in_order(network: nn.Module, file: Any) -> list[str]:
    """By place instead of by name."""
    own, saved = network.state_dict(), torch.load(file)
    pairs = zip(own.items(), saved.values(), strict=True)
    kept = {name: new for (name, old), new in pairs if old.shape == new.shape}
    network.load_state_dict(kept, strict=False)
    return [name for name in own if name not in kept]


def _load_parameters(network: nn.Module, file: Any) -> list[str]:
    """Forgets the buffers."""
    own, saved = dict(network.named_parameters()), torch.load(file)
    kept = {n: t for n, t in saved.items() if _fits(n, t, own)}
    network.load_state_dict(kept, strict=False)
    return [name for name in own if name not in kept]
