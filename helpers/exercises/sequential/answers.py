"""Cases and references of the exercises of chapter 7."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from helpers import models

from ..definition import Case, Oracle
from ..inputs import integers, normal

State = dict[str, Tensor]


def _state(random: random.Random, shapes: dict[str, tuple[int, ...]]) -> State:
    """Random weights of these shapes, of a size at which a deep network stays in bounds."""
    state = {}
    for name, shape in shapes.items():
        inside = max(1, torch.Size(shape[1:]).numel())
        state[name] = normal(random, *shape) / inside**0.5
    return state


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


# lenet-module


def _lenet_cases(random: random.Random) -> Iterator[Case]:
    shapes = _shapes(models.LeNet())

    def made(group: str, count: int, said: str, **more: bool) -> Case:
        use = "learning" if group == "learning" else "output"
        inputs = {"state": _state(random, shapes), "input": normal(random, count, 1, 28, 28)}
        images = f"{count} image{'s' if count > 1 else ''}"
        return Case(group, f"{images}, {said}", inputs | {"use": use}, **more)

    yield made("output", 1, "weights loaded by their names", fixed=True)
    yield made("batches", 2, "weights loaded by their names", fixed=True)
    yield made("learning", 2, "after one step of SGD", fixed=True)
    for _ in range(3):
        yield made("output", 1, "weights loaded")
        yield made("batches", random.randint(2, 6), "weights loaded")
        yield made("learning", random.randint(2, 4), "after one step of SGD")


lenet_module = Oracle(_lenet_cases, models.LeNet, rtol=1e-4, atol=1e-4)


# nested-sequential


def _nested_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, channels: Sequence[int], hidden: int, classes: int, **more: bool) -> Case:
        sizes = {"channels": list(channels), "hidden": hidden, "classes": classes}
        text = f"channels {sizes['channels']}, hidden {hidden}, {classes} classes"
        state = _state(random, _shapes(models.cifar_net(channels, hidden, classes)))
        inputs = {"sizes": sizes, "state": state, "look": group}
        inputs["input"] = normal(random, 2, 3, 32, 32)
        return Case(group, text, inputs, **more)

    yield made("output", [2, 3, 4], 5, 4, fixed=True)
    yield made("names", [2, 3], 5, 4, fixed=True)
    yield made("parts", [2], 5, 4, fixed=True)
    for group in ("output", "names", "parts"):
        for depth in (1, 2, 3, 4):
            channels = random.sample(range(2, 7), depth)
            yield made(group, channels, random.randint(7, 9), random.randint(2, 5))


nested_sequential = Oracle(_nested_cases, models.cifar_net, rtol=1e-4, atol=1e-4)


# network-summary


def _summary(network: nn.Module, shape: Sequence[int]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in models.summary(network, shape)]


def _summary_cases(random: random.Random) -> Iterator[Case]:
    kinds = {"one level": "flat", "nested": "nested", "order of running": "reused"}
    texts = {
        "flat": "a Sequential",
        "nested": "a Sequential in a Sequential",
        "reused": "a class that uses one ReLU three times and one pooling twice",
    }

    def made(group: str, kind: str, numbers: tuple[int, int, int], **more: bool) -> Case:
        inputs = dict(zip(("channels", "classes", "size"), numbers, strict=True))
        size = numbers[2]
        text = f"{texts[kind]}, {inputs['channels']} channels, sample of shape (3, {size}, {size})"
        look = "again" if group == "left as it was" else ""
        text += ", run again afterward" if look else ""
        return Case(group, text, {"kind": kind, "look": look} | inputs, **more)

    for group, kind in kinds.items():
        yield made(group, kind, (4, 2, 8), fixed=True)
    yield made("left as it was", "flat", (4, 2, 8), fixed=True)
    for number in range(4):
        for group in (*kinds, "left as it was"):
            kind = kinds.get(group) or list(kinds.values())[number % 3]
            numbers = (random.randint(2, 9), random.randint(2, 9), random.randint(2, 6) * 4)
            yield made(group, kind, numbers)


network_summary = Oracle(_summary_cases, _summary)


# flat-features


def _flat_features_cases(random: random.Random) -> Iterator[Case]:
    def text(layer: dict[str, int]) -> str:
        said = f"Conv2d to {layer['out']}" if "out" in layer else "MaxPool2d"
        said += f", kernel {layer['kernel_size']}"
        said += f", padding {layer['padding']}" if layer.get("padding") else ""
        said += f", stride {layer['stride']}" if "out" in layer and layer["stride"] > 1 else ""
        return said + (", BatchNorm2d" if layer.get("norm") else "")

    def conv(norm: int = 0) -> dict[str, int]:
        sizes = {"out": random.randint(2, 6), "kernel_size": random.choice((3, 5))}
        padding, stride = random.randint(0, 2), random.randint(1, 2)
        return sizes | {"padding": padding, "stride": stride, "norm": norm}

    def made(group: str, layers: list[dict[str, int]], size: list[int], **more: Any) -> Case:
        inputs: dict[str, Any] = {"layers": layers, "shape": [3, *size]}
        said = f"(3, {size[0]}, {size[1]}) through " + "; ".join(map(text, layers))
        if group == "left as it was":
            inputs |= {"training": more.pop("training"), "input": normal(random, 4, 3, *size)}
            said += f", in {'training' if inputs['training'] else 'evaluation'} mode"
        return Case(group, said, inputs, **more)

    pool = {"kernel_size": 2}
    simple = {"out": 4, "kernel_size": 3, "padding": 1, "stride": 1}
    yield made("square images", [simple, pool], [8, 8], fixed=True)
    yield made("oblong images", [simple, pool], [8, 12], fixed=True)
    yield made("left as it was", [simple | {"norm": 1}], [8, 8], training=True, fixed=True)
    for number in range(4):
        side = random.randint(30, 44)
        other = side + random.randint(2, 9)
        yield made("square images", [conv(), pool, conv()], [side, side])
        yield made("oblong images", [conv(), pool, conv()], [other, side])
        layers, mode = [conv(norm=1), pool], number % 2 == 0
        yield made("left as it was", layers, [random.randint(12, 16)] * 2, training=mode)


flat_features = Oracle(_flat_features_cases, models.flat_features, rtol=1e-3, atol=1e-4)


# mend-network


def _deep_net(channels: int, depth: int, size: int) -> nn.Sequential:
    widths = [3, *[channels] * (depth + 1)]
    convs = [nn.Conv2d(m, n, 3, padding=1) for m, n in pairwise(widths)]
    body = [layer for conv in convs for layer in (conv, nn.ReLU())]
    last = nn.Linear(channels * (size // 2) ** 2, 10)
    return nn.Sequential(*body, nn.MaxPool2d(2), nn.Flatten(), last)


def _mend_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, channels: int, depth: int, size: int, **more: bool) -> Case:
        sizes = {"channels": channels, "depth": depth, "size": size}
        text = f"{channels} channels, depth {depth}, images of {size}×{size}"
        text += ", after one step of SGD" if group == "learning" else ""
        state = _state(random, _shapes(_deep_net(**sizes)))
        use = "learning" if group == "learning" else "output"
        inputs = {"sizes": sizes, "state": state, "use": use}
        inputs["input"] = normal(random, 2, 3, size, size)
        return Case(group, text, inputs, **more)

    yield made("the loud one", 4, 1, 8, fixed=True)
    yield made("the silent one", 4, 3, 8, fixed=True)
    yield made("learning", 4, 2, 8, fixed=True)
    for number in range(4):
        size = 2 * random.randint(4, 8) + number % 2
        yield made("the loud one", random.randint(2, 6), number % 2, size)
        yield made("the silent one", random.randint(2, 6), random.randint(2, 5), size)
        yield made("learning", random.randint(2, 6), random.randint(2, 4), size)


mend_network = Oracle(_mend_cases, _deep_net, rtol=1e-4, atol=1e-4)


# load-matching


def _load_matching_cases(random: random.Random) -> Iterator[Case]:
    def state(names: Sequence[str], sizes: Sequence[int]) -> State:
        body, head = names
        made = {
            f"{body}.0.weight": normal(random, sizes[1], sizes[0]),
            f"{body}.0.bias": normal(random, sizes[1]),
            f"{body}.1.weight": normal(random, sizes[1]),
            f"{body}.1.bias": normal(random, sizes[1]),
            f"{body}.1.running_mean": normal(random, sizes[1]),
            f"{body}.1.running_var": 1 + normal(random, sizes[1]).square(),
            f"{body}.1.num_batches_tracked": integers(random, 1, 99),
        }
        shapes = {f"{head}.weight": (sizes[2], sizes[1]), f"{head}.bias": (sizes[2],)}
        return made | {name: normal(random, *shape) for name, shape in shapes.items()}

    def made(
        group: str, names: list[str], sizes: list[int], classes: int, part: int = 0, **more: bool
    ) -> Case:
        theirs = {"another head": names, "everything fits": names}.get(group)
        renamed = [["backbone", names[1]], [names[0], "classifier"]]
        old = theirs or renamed[part]
        out = classes if group == "another head" else sizes[2]
        inputs = {
            "saved": state(old, [*sizes[:2], out]),
            "own": state(names, sizes),
            "sizes": sizes,
            "names": names,
            "input": normal(random, 3, sizes[0]),
        }
        said = {
            "everything fits": "the file has all that the network has",
            "another head": f"{out} classes in the file, {sizes[2]} in the network",
            "other names": f"parts {' and '.join(old)} in the file, {' and '.join(names)} here",
        }
        return Case(group, said[group], inputs, **more)

    for group in ("everything fits", "another head", "other names"):
        yield made(group, ["features", "head"], [3, 4, 2], 5, fixed=True)
    for number in range(4):
        for group in ("everything fits", "another head", "other names"):
            names = [random.choice(("body", "features")), random.choice(("head", "last"))]
            sizes = random.sample(range(2, 9), 4)
            yield made(group, names, sizes[:3], sizes[3], part=number % 2)


load_matching = Oracle(_load_matching_cases, models.load_matching, rtol=1e-4, atol=1e-4)
