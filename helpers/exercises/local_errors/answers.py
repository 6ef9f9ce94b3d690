"""Cases and references of the exercises of chapter 10."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.local_error import FixedReadout

from ..definition import Case, Oracle
from ..inputs import integers, normal

State = dict[str, Tensor]


def _weights(random: random.Random, name: str, inside: int, out: int) -> State:
    """Random weights of a size at which a layer's outputs are about as large as its inputs."""
    weight = normal(random, out, inside) * (2 / inside) ** 0.5
    return {f"{name}.weight": weight, f"{name}.bias": 0.3 * normal(random, out)}


def _stack(random: random.Random, depth: int, count: int) -> dict[str, Any]:
    """What several probes take: layers and a readout on each, and images of three classes."""
    sizes = [random.randint(4, 6), *(random.randint(6, 9) for _ in range(depth))]
    state: State = {}
    for place, (inside, out) in enumerate(pairwise(sizes)):
        state |= _weights(random, str(place), inside, out)
    return {
        "state": state,
        "readouts": [normal(random, 3, size) for size in sizes[1:]],
        "images": normal(random, count, sizes[0]),
        "labels": integers(random, 0, 2, count),
    }


def _sizes(inputs: dict[str, Any]) -> str:
    """The sizes of a stack in words: 4–6–7."""
    return "–".join(str(part.shape[1]) for part in (inputs["images"], *inputs["readouts"]))


# fixed-readout


def _readout_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, features: int, classes: int, std: float | None, **more: bool) -> Case:
        inputs: dict[str, Any] = {"in_features": features, "num_classes": classes, "std": std}
        inputs |= {"look": group, "weight": normal(random, classes, features)}
        inputs["input"] = normal(random, 3, 4 if group == "an optimizer" else features)
        inputs["state"] = _weights(random, "below", 4, features)
        told = f"{features} features, {classes} classes"
        said = {
            "output": f"{told}, a weight loaded",
            "scale": f"{told}, std {std}" if std else f"{told}, no std given",
            "an optimizer": f"{told}, a step of SGD on a layer and the readout on it",
            "saved and moved": f"{told}, saved, loaded, made float64",
        }
        return Case(group, said[group], inputs, **more)

    yield made("output", 3, 2, 0.5, fixed=True)
    yield made("scale", 256, 40, 0.125, fixed=True)
    yield made("scale", 256, 40, None, fixed=True)
    yield made("an optimizer", 3, 2, 0.5, fixed=True)
    yield made("saved and moved", 3, 2, 0.5, fixed=True)
    for number in range(4):
        features, classes = random.randint(4, 9), random.randint(2, 6)
        for group in ("output", "an optimizer", "saved and moved"):
            yield made(group, features + number, classes, random.choice((0.1, 0.5, None)))
        wide, std = random.choice((64, 256, 1024)), 2.0 ** -random.randint(0, 6)
        yield made("scale", wide, 4096 // wide * random.randint(3, 5), None if number < 2 else std)


fixed_readout = Oracle(_readout_cases, FixedReadout, rtol=1e-4, atol=1e-5)


# local-step


def _step(
    layer: nn.Module, readout: nn.Module, optimizer: Any, input: Tensor, labels: Tensor
) -> tuple[Tensor, float]:
    output = layer(input.detach())
    loss = F.cross_entropy(readout(output), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return output.detach(), loss.item()


def _step_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, count: int, sizes: list[int], steps: int, **more: bool) -> Case:
        inside, middle, out, classes = sizes
        state = _weights(random, "below", inside, middle) | _weights(random, "layer", middle, out)
        inputs = {
            "state": state,
            "readout": normal(random, classes, out),
            "images": normal(random, count, inside),
            "labels": integers(random, 0, classes - 1, count),
            "steps": steps,
            "look": group,
        }
        looks = {"the layer learns": "weights", "the layer below": "the layer below"}
        said = f"layers {inside}–{middle}–{out}, {count} samples, {steps} "
        said += f"step{'s' if steps > 1 else ''}: {looks.get(group, 'the output')}"
        return Case(group, said, inputs, **more)

    groups = ("the layer learns", "the layer below", "what is passed on")
    for group in groups:
        yield made(group, 6, [4, 5, 6, 3], 1 if group == "what is passed on" else 2, fixed=True)
    for _ in range(4):
        for group in groups:
            sizes = [random.randint(3, 6), *(random.randint(6, 9) for _ in "ab")]
            yield made(group, random.randint(5, 9), [*sizes, 3], random.randint(2, 3))


local_step = Oracle(_step_cases, _step, rtol=1e-4, atol=1e-5)


# gradient-reach


def _reach(losses: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    rows = []
    for loss in losses:
        found = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
        rows.append(torch.stack([loss.new_zeros(()) if g is None else g.norm() for g in found]))
    return torch.stack(rows)


def _reach_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, depth: int, **more: bool) -> Case:
        some = [random.random() < 0.5 for _ in range(depth)]
        some[-1] = not any(some[1:-1])  # cut somewhere, and not everywhere
        cuts = {"cut everywhere": [True] * depth, "cut nowhere": [False] * depth}.get(group, some)
        inputs = _stack(random, depth, random.randint(4, 8)) | {"cuts": cuts}
        places = ", ".join(str(place) for place, cut in enumerate(cuts, start=1) if cut)
        said = f"before {places}" if places else "nowhere"
        return Case(group, f"layers 1 to {depth}, cut {said}", inputs, **more)

    groups = ("cut everywhere", "cut nowhere", "cut here and there")
    for group in groups:
        yield made(group, 3, fixed=True)
    for _ in range(4):
        for group in groups:
            yield made(group, random.randint(3, 5))


gradient_reach = Oracle(_reach_cases, _reach, rtol=1e-3, atol=1e-5)


# frozen-features


def _features(frozen: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    was_training = frozen.training
    frozen.eval()
    with torch.no_grad():
        found = torch.cat([frozen(batch) for batch in images.split(batch_size)])
    frozen.train(was_training)
    return found


def _features_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, count: int, batch_size: int, training: bool, **more: bool) -> Case:
        inside, out = random.randint(3, 6), random.randint(4, 8)
        state = _weights(random, "0", inside, out)
        state |= {"mean": normal(random, out), "variance": 0.5 + normal(random, out).square()}
        inputs = {"state": state, "images": normal(random, count, inside), "look": group}
        inputs |= {"batch_size": batch_size, "training": training}
        mode = "training" if training else "evaluation"
        looks = {"features": "the features", "in batches": "the batches"}
        said = f"{count} images, batches of {batch_size}, in {mode} mode: "
        return Case(group, said + looks.get(group, "what is left"), inputs, **more)

    groups = ("features", "in batches", "left as it was")
    for group in groups:
        yield made(group, 10, 4, True, fixed=True)
    for number in range(4):
        for group in groups:
            size = random.randint(3, 6)
            yield made(group, 2 * size + random.randint(1, size - 1), size, number % 2 == 0)


frozen_features = Oracle(_features_cases, _features, rtol=1e-4, atol=1e-5)


# mend-cache and train-greedily

Maker = Callable[[Any], Any]


def _greedily(
    layers: Sequence[nn.Module],
    readouts: Sequence[nn.Module],
    images: Tensor,
    labels: Tensor,
    epochs: int,
    batch_size: int,
    make_optimizer: Maker,
) -> list[list[float]]:
    features, losses = images, []
    for layer, readout in zip(layers, readouts, strict=True):
        optimizer, means = make_optimizer(layer.parameters()), []
        layer.train()
        for _ in range(epochs):
            total = 0.0
            for part, truth in zip(
                features.split(batch_size), labels.split(batch_size), strict=True
            ):
                loss = _step(layer, readout, optimizer, part, truth)[1]
                total += loss * len(part)
            means.append(total / len(images))
        with torch.no_grad():
            features = layer.eval()(features)
        losses.append(means)
    return losses


def _two(
    first: nn.Module,
    second: nn.Module,
    readouts: Sequence[nn.Module],
    images: Tensor,
    labels: Tensor,
    steps: int,
    make_optimizer: Maker,
) -> None:
    _greedily([first, second], readouts, images, labels, steps, len(images), make_optimizer)


def _two_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, count: int, steps: int, momentum: float, **more: bool) -> Case:
        inputs = _stack(random, 2, count) | {"steps": steps, "momentum": momentum, "look": group}
        said = f"{count} images, layers {_sizes(inputs)}, {steps} step{'s' if steps > 1 else ''}"
        said += f", momentum {momentum:g}" if momentum else ""
        return Case(group, said + f": {looks.get(group, 'both')}", inputs, **more)

    looks = {name: name for name in ("the first layer", "the second layer")}
    groups = (*looks, "several steps")
    for group in groups:
        yield made(group, 8, 3 if group == "several steps" else 1, 0.0, fixed=True)
    for _ in range(4):
        for group in groups:
            steps = random.randint(3, 5) if group == "several steps" else random.randint(1, 2)
            yield made(group, random.randint(8, 12), steps, random.choice((0.5, 0.9)))


mend_cache = Oracle(_two_cases, _two, rtol=1e-3, atol=1e-4)


def _greedily_cases(random: random.Random) -> Iterator[Case]:
    depths = {"one layer": 1, "several layers": 3, "dropout": 3, "last batch": 2, "losses": 2}

    def made(group: str, rest: int, epochs: int, momentum: float, mode: str, **more: bool) -> Case:
        batch_size = random.randint(3, 5)
        count = 2 * batch_size + min(rest, batch_size - 1)
        inputs = _stack(random, depths[group], count)
        said = f"layers {_sizes(inputs)}, {count} images in batches of {batch_size}, "
        said += f"{epochs} epoch{'s' if epochs > 1 else ''}"
        said += f", with dropout, given in {mode} mode" if group == "dropout" else ""
        inputs |= {"epochs": epochs, "batch_size": batch_size, "momentum": momentum}
        inputs |= {"training": mode == "training", "look": group}
        return Case(group, said, inputs, **more)

    for group in depths:
        rest = 2 * (group in ("last batch", "losses"))
        yield made(group, rest, 2, 0.0, "training", fixed=True)
    for mode in ("training", "evaluation", "training"):
        for group in depths:
            rest = random.randint(1, 2) if group in ("last batch", "losses") else 0
            yield made(group, rest, random.randint(2, 3), random.choice((0.5, 0.9)), mode)


train_greedily = Oracle(_greedily_cases, _greedily, rtol=1e-3, atol=1e-4)


# accuracy-by-depth


@torch.no_grad()
def _accuracies(
    layers: Sequence[nn.Module], readouts: Sequence[nn.Module], images: Tensor, labels: Tensor
) -> list[float]:
    shares = []
    for layer, readout in zip(layers, readouts, strict=True):
        images = layer.eval()(images)
        shares.append((readout(images).argmax(dim=1) == labels).float().mean().item())
    return shares


def _accuracy_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, depth: int, dropout: float, **more: bool) -> Case:
        count = random.randint(31, 59)
        inputs = _stack(random, depth, count) | {"dropout": dropout}
        said = f"{count} images, {depth} layer{'s' if depth > 1 else ''}"
        return Case(group, said + (f", dropout {dropout:g}" if dropout else ""), inputs, **more)

    yield made("one layer", 1, 0.0, fixed=True)
    yield made("several layers", 3, 0.0, fixed=True)
    yield made("dropout", 2, 0.5, fixed=True)
    for _ in range(4):
        yield made("one layer", 1, 0.0)
        yield made("several layers", random.randint(2, 4), 0.0)
        yield made("dropout", random.randint(2, 3), 0.5)


accuracy_by_depth = Oracle(_accuracy_cases, _accuracies, rtol=1e-4, atol=1e-5)
