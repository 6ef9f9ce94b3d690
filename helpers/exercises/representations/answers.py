"""Cases and references of the exercises of chapter 9."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from ... import embedding, probes
from ..compare import shape_text
from ..definition import Case, Oracle
from ..inputs import integers, normal


def _double(random: Random, *shape: int) -> Tensor:
    return normal(random, *shape, dtype=torch.float64)


# gather-features


def _gathered(network: nn.Sequential, depth: int, images: Tensor, batch_size: int) -> Tensor:
    """All images at once: in evaluation mode it makes no difference how they are split."""
    was = network.training
    with torch.no_grad():
        features = network.eval()[:depth](images)
    network.train(was)
    return features.flatten(start_dim=1)


def _weights(random: Random, channels: int, side: int, width: int) -> dict[str, Tensor]:
    inside = channels * (side - 2) ** 2
    state = {"0.weight": normal(random, channels, 1, 3, 3) / 3, "0.bias": normal(random, channels)}
    state |= {f"1.{name}": normal(random, channels) for name in ("weight", "bias", "running_mean")}
    state["1.running_var"] = normal(random, channels).square() + 0.5
    state["1.num_batches_tracked"] = torch.tensor(3)
    state["5.weight"] = normal(random, width, inside) / inside**0.5
    state["7.weight"] = normal(random, 3, width)
    return state | {"5.bias": normal(random, width), "7.bias": normal(random, 3)}


def _gather_case(random: Random, group: str, count: int, batch_size: int, **more: Any) -> Case:
    fixed = more.pop("fixed", False)
    side, training = random.randint(4, 6), group != "every image"
    if group == "left as it was":
        training = more.get("training", True)
    depth = more.get("depth", 6)
    text = f"{count} images in batches of {batch_size}, {depth} layers, "
    text += "network in training mode" if training else "network in evaluation mode"
    more_said = {"left as it was": ", then the network again", "no graph": ", then a gradient"}
    text += more_said.get(group, "")
    inputs = {
        "state": _weights(random, random.randint(2, 3), side, random.randint(3, 5)),
        "depth": depth,
        "images": normal(random, count, 1, side, side),
        "batch_size": batch_size,
        "training": training,
        "look": group,
    }
    return Case(group, text, inputs, fixed)


def _gather_cases(random: Random) -> Iterator[Case]:
    yield _gather_case(random, "every image", 5, 2, fixed=True)
    yield _gather_case(random, "evaluation mode", 4, 2, fixed=True)
    yield _gather_case(random, "left as it was", 4, 4, fixed=True)
    yield _gather_case(random, "no graph", 4, 2, fixed=True)
    for group in ("every image", "evaluation mode", "left as it was", "no graph"):
        for number in range(4):
            batch_size = random.randint(2, 4)
            count = 2 * batch_size + number % 2 * random.randint(1, batch_size - 1)
            depth = (2, 3, 6, 7)[number]
            training = number != 2
            made = {"depth": depth, "training": training}
            yield _gather_case(random, group, count, batch_size, **made)


gather_features = Oracle(_gather_cases, _gathered, rtol=1e-4, atol=1e-5)


# pca-coordinates


def _by_reference(features: Tensor, k: int) -> tuple[Tensor, Tensor]:
    found = embedding.pca(features, k)
    return found(features), found.shares


def _pca_case(group: str, features: Tensor, k: int, *, fixed: bool = False) -> Case:
    look = "shares" if group == "shares" else "coordinates"
    text = f"{shape_text(features.shape)} features, {k} component{'s' if k > 1 else ''}: {look}"
    return Case(group, text, {"features": features, "k": k, "look": look}, fixed)


def _pca_cases(random: Random) -> Iterator[Case]:
    line = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [15.0, 20.0]], dtype=torch.float64)
    yield _pca_case("coordinates", line, 1, fixed=True)
    cross = torch.tensor([[4.0, 0.0], [-2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, -1.0]])
    cross = torch.cat([cross, torch.tensor([[0.0, -1.0]])]).double()
    yield _pca_case("shares", cross, 1, fixed=True)
    yield _pca_case("wide", torch.cat([line, line + 1], dim=1)[[0, 1, 3]], 1, fixed=True)
    for group in ("coordinates", "shares", "wide"):
        for number in range(5):
            count, size = random.randint(8, 14), random.randint(4, 7)
            if group == "wide" or (group == "shares" and number == 4):
                count, size = size, count
            # of plainly different variances, so that no two directions are as good
            stretch = 2.0 ** -torch.arange(size, dtype=torch.float64)
            turn = torch.linalg.qr(_double(random, size, size)).Q
            features = (_double(random, count, size) * stretch) @ turn + 3 * _double(random, size)
            most = min(count, size) - 1
            k = (1, 2, 3)[number % 3] if group != "shares" else min(number % 3 + 1, most)
            yield _pca_case(group, features * 10 ** (number % 2), k)


pca_coordinates = Oracle(_pca_cases, _by_reference, rtol=1e-5, atol=1e-6)


# neighborhood-purity


def _purity_case(
    group: str, features: Tensor, labels: Tensor, k: int, *, fixed: bool = False
) -> Case:
    text = f"{shape_text(features.shape)} features, {k} neighbor{'s' if k > 1 else ''}"
    text += ", every sample twice" if group == "twins" else ""
    return Case(group, text, {"features": features, "labels": labels, "k": k}, fixed)


def _purity_cases(random: Random) -> Iterator[Case]:
    row, labels = torch.tensor([[0.0], [1.0], [3.0], [10.0], [14.0]]), torch.tensor([0, 0, 1, 1, 1])
    yield _purity_case("nearest neighbor", row, labels, 1, fixed=True)
    yield _purity_case("several neighbors", row, labels, 2, fixed=True)
    pairs = torch.tensor([[0.0], [5.0], [0.0], [5.0]])
    yield _purity_case("twins", pairs, torch.tensor([0, 1, 0, 2]), 1, fixed=True)
    for group in ("nearest neighbor", "several neighbors", "twins"):
        for number in range(5):
            count, size = random.randint(8, 12), random.randint(1, 4)
            features = normal(random, count, size) * 5
            if group == "twins":
                features = features.repeat(2, 1)
            labels = integers(random, 0, 2 + number % 2, len(features)) * 3
            k = 1 if group == "nearest neighbor" else random.randint(2, 6)
            k = (1, 3)[number % 2] if group == "twins" else k
            yield _purity_case(group, features, labels, k)


neighborhood_purity = Oracle(_purity_cases, probes.knn_purity)


# class-separability


def _separability_case(
    group: str, features: Tensor, labels: Tensor, *, fixed: bool = False
) -> Case:
    kinds, sizes = labels.unique(return_counts=True)
    text = f"{shape_text(features.shape)} features, classes {kinds.tolist()} of {sizes.tolist()}"
    return Case(group, text, {"features": features, "labels": labels}, fixed)


def _separability_cases(random: Random) -> Iterator[Case]:
    row = torch.tensor([[1.0], [3.0], [7.0], [9.0]], dtype=torch.float64)
    two = torch.tensor([0, 0, 1, 1])
    yield _separability_case("classes of one size", row, two, fixed=True)
    yield _separability_case("classes of many sizes", row, torch.tensor([0, 1, 1, 1]), fixed=True)
    yield _separability_case("any labels", row, torch.tensor([7, 2, 7, 2]), fixed=True)
    for group in ("classes of one size", "classes of many sizes", "any labels"):
        for number in range(4):
            kinds, size = random.randint(2, 4), random.randint(2, 4)
            each = [random.randint(2, 4)] * kinds
            if group == "classes of many sizes":
                each = random.sample(range(1, 8), kinds)
            labels = torch.repeat_interleave(torch.arange(kinds), torch.tensor(each))
            order = torch.tensor(random.sample(range(len(labels)), len(labels)))
            features = _double(random, len(labels), size) + 2 * _double(random, kinds, size)[labels]
            if group == "any labels":
                labels = torch.tensor(random.sample(range(-4, 20), kinds))[labels]
            made = features[order] * 3 + number, labels[order]
            yield _separability_case(group, *made)


class_separability = Oracle(_separability_cases, probes.separability, rtol=1e-6, atol=1e-8)


# probe-scores


def _scores(features: Tensor, labels: Tensor, others: Tensor, ridge: float) -> Tensor:
    return probes.linear_probe(features, labels, ridge).scores(others)


def _probe_case(
    group: str,
    features: Tensor,
    labels: Tensor,
    others: Tensor,
    ridge: float,
    *,
    fixed: bool = False,
) -> Case:
    sizes = f"{shape_text(features.shape)} features, {shape_text(others.shape)} others"
    sizes += " far from zero" if group == "far from zero" else ""
    inputs = {"features": features, "labels": labels, "others": others, "ridge": ridge}
    return Case(group, f"{sizes}, {int(labels.max()) + 1} classes, ridge {ridge}", inputs, fixed)


def _probe_cases(random: Random) -> Iterator[Case]:
    row = torch.tensor([[-3.0], [-1.0], [1.0], [3.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1])
    yield _probe_case("few features", row, labels, row[:2], 1.0, fixed=True)
    yield _probe_case("far from zero", row + 10, labels, row[:2] + 10, 1.0, fixed=True)
    groups = ("few features", "many features", "far from zero", "other samples")
    for group in groups:
        for number in range(4):
            kinds, size = random.randint(2, 4), random.randint(2, 5)
            count = random.randint(9, 14)
            if group == "many features":
                count, size = random.randint(5, 7), random.randint(8, 12)
            labels = torch.arange(count) % kinds
            features = _double(random, count, size) + _double(random, kinds, size)[labels]
            others = _double(random, random.randint(2, 4), size)
            if group == "far from zero":
                away = 5 + _double(random, size)
                features, others = features + away, others + away
            if group == "other samples":  # of another mean, and perhaps only one
                others = 3 * others[: 1 + number] + 2
            ridge = (0.25, 1.0, 0.5, 2.0)[number]
            yield _probe_case(group, features * 2, labels, others * 2, ridge)


probe_scores = Oracle(_probe_cases, _scores, rtol=1e-6, atol=1e-8)


# linear-cka, debiased-cka


def _pair(random: Random, count: int, size: int, other: int, noise: float) -> tuple[Tensor, Tensor]:
    """Two representations of the same samples: one a linear map of the other, and noise."""
    x = _double(random, count, size)
    y = x @ _double(random, size, other) / size**0.5 + noise * _double(random, count, other)
    return x, y


def _cka_case(group: str, x: Tensor, y: Tensor, *, fixed: bool = False) -> Case:
    text = f"{shape_text(x.shape)} and {shape_text(y.shape)}"
    text += ", far from zero" if group == "far from zero" else ""
    return Case(group, text, {"x": x, "y": y}, fixed)


_SMALL = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], dtype=torch.float64)


def _linear_cka_cases(random: Random) -> Iterator[Case]:
    yield _cka_case("the same samples", _SMALL, 5 * _SMALL.flip(1), fixed=True)
    yield _cka_case("other widths", _SMALL, _SMALL[:, :1], fixed=True)
    yield _cka_case("far from zero", _SMALL + 1, _SMALL[:, :1] + 2, fixed=True)
    for group in ("the same samples", "other widths", "far from zero", "many samples"):
        for number in range(4):
            count, size = random.randint(6, 10), random.randint(2, 5)
            other = size if group == "the same samples" else random.randint(2, 6)
            if group == "many samples":
                count, other = random.randint(100, 140), random.randint(2, 6)
            x, y = _pair(random, count, size, other, (0.2, 0.5, 1.0, 2.0)[number])
            if group == "far from zero":
                x, y = x + 3 * _double(random, size), y + 5
            yield _cka_case(group, x, y * (number + 1))


linear_cka = Oracle(
    _linear_cka_cases, lambda x, y: probes.cka(x, y, debiased=False), rtol=1e-6, atol=1e-8
)


def _debiased_cka_cases(random: Random) -> Iterator[Case]:
    five = torch.cat([_SMALL, torch.tensor([[2.0, 2.0]], dtype=torch.float64)])
    yield _cka_case("related", five, five[:, :1], fixed=True)
    yield _cka_case("far from zero", five + 1, five[:, :1] + 2, fixed=True)
    wide = [(torch.arange(40.0).double() ** 2 % number).reshape(5, 8) for number in (7, 11)]
    yield _cka_case("more features than samples", *wide, fixed=True)
    for group in ("more features than samples", "related", "far from zero"):
        for number in range(4):
            count, size, other = (random.randint(*bounds) for bounds in ((8, 12), (2, 5), (2, 6)))
            if group == "more features than samples":
                x, y = _double(random, count, 30 + size), _double(random, count, 30 + other)
            else:
                x, y = _pair(random, count, size, other, (0.2, 0.5, 1.0, 2.0)[number])
            if group == "far from zero":
                x, y = x + 3 * _double(random, size), y + 5
            yield _cka_case(group, x * (number + 1), y)


debiased_cka = Oracle(_debiased_cka_cases, probes.cka, rtol=1e-6, atol=1e-8)
