"""Cases and references of the exercises of chapter 13."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from helpers.hooks import ActivationRecorder
from helpers.topology import regularity

from ..definition import Case, Oracle
from ..inputs import integers, normal

_WIDE = torch.float64


# median-scale


def _median_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, points: Tensor, said: str, **more: bool) -> Case:
        distances = torch.cdist(points, points, p=1)
        return Case(group, said, {"distances": distances}, **more)

    def line(*places: float) -> Tensor:
        return torch.tensor(places, dtype=_WIDE)[:, None]

    yield made("odd number of pairs", line(0, 1, 3), "0, 1 and 3 on a line", fixed=True)
    yield made("even number of pairs", line(0, 1, 3, 7), "0, 1, 3 and 7 on a line", fixed=True)
    yield made("points that coincide", line(0, 0, 4), "0, 0 and 4 on a line", fixed=True)
    for _ in range(4):
        for group, counts in (("odd", (3, 6, 7, 10, 11)), ("even", (4, 5, 8, 9, 12))):
            count = random.choice(counts)
            points = random.uniform(0.5, 20) * normal(random, count, 3, dtype=_WIDE)
            yield made(f"{group} number of pairs", points, f"{count} points")
        # 7 of 21 pairs coincide or more: the median moves if those are left out
        points = normal(random, 3, 2, dtype=_WIDE)
        again = torch.tensor([0, 0, 0, 1, 1, 2, 0])[: random.choice((5, 6, 7))]
        yield made("points that coincide", points[again], f"{len(again)} points, some at one place")


median_scale = Oracle(_median_cases, regularity.scaled, rtol=1e-9, atol=1e-12)


# layer-clouds


def _clouds(model: nn.Module, names: list[str], images: Tensor) -> dict[str, Tensor]:
    modes = {part: part.training for part in model.modules()}
    model.eval()
    with torch.no_grad(), ActivationRecorder(model, names) as recorder:
        model(images)
    for part, mode in modes.items():
        part.training = mode
    rows = {name: recorder.outputs[name].flatten(1) for name in names}
    return {name: regularity.scaled(torch.cdist(row, row, p=1)) for name, row in rows.items()}


def _clouds_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, names: list[str], training: bool = False, **more: bool) -> Case:
        channels, width, count = (
            random.randint(2, 4),
            random.randint(3, 6),
            random.randint(5, 9),
        )
        shapes: dict[str, tuple[int, ...]] = {"conv.weight": (channels, 1, 2, 2)}
        shapes |= {f"{n}": (channels,) for n in ("conv.bias", "norm.weight", "norm.bias")}
        shapes |= {"linear.weight": (width, channels * 9), "linear.bias": (width,)}
        shapes |= {"head.weight": (3, width), "head.bias": (3,)}
        state = {name: normal(random, *shape, dtype=_WIDE) for name, shape in shapes.items()}
        state["norm.running_mean"] = normal(random, channels, dtype=_WIDE)
        for name in ("norm.weight", "norm.bias"):  # so that ReLU lets something through
            state[name] = state[name].abs() + 0.5
        state["norm.running_var"] = normal(random, channels, dtype=_WIDE).square() + 0.5
        state["norm.num_batches_tracked"] = torch.tensor(3)
        inputs: dict[str, Any] = {"state": state, "names": names, "training": training}
        inputs |= {"images": normal(random, count, 1, 4, 4, dtype=_WIDE), "look": group}
        mode = "training" if training else "evaluation"
        text = f"layers {', '.join(names)} of a network in {mode} mode, {count} images"
        return Case(group, text, inputs, **more)

    yield made("distances", ["flat", "head"], fixed=True)
    yield made("one run, evaluated", ["relu", "head"], True, fixed=True)
    yield made("in-place activation", ["norm", "linear"], fixed=True)
    yield made("left as it was", ["relu"], True, fixed=True)
    yield made("left as it was", ["relu"], False, fixed=True)
    for place in range(4):
        last = random.choice(("flat", "act", "head"))
        yield made("distances", random.sample(["relu", "drop", last], k=3))
        yield made("one run, evaluated", [random.choice(("drop", "flat")), "head"], True)
        yield made("in-place activation", random.sample(["norm", "linear"], k=2))
        yield made("left as it was", ["conv", random.choice(("act", "head"))], place % 2 == 0)


layer_clouds = Oracle(_clouds_cases, _clouds, rtol=1e-6, atol=1e-9)


# disjoint-subsamples


def _disjoint(count: int, size: int, number: int, generator: torch.Generator) -> Tensor:
    if number * size > count:
        raise ValueError(f"{number} subsamples of {size} need {number * size} of {count} points")
    return torch.randperm(count, generator=generator)[: number * size].reshape(number, size)


def _disjoint_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, count: int, size: int, number: int, **more: bool) -> Case:
        inputs = {"count": count, "size": size, "number": number}
        text = f"{number} subsamples of {size} from {count} points"
        return Case(group, text, inputs | {"seed": random.getrandbits(30)}, **more)

    yield made("some are left", 10, 3, 2, fixed=True)
    yield made("none is left", 6, 3, 2, fixed=True)
    for _ in range(4):
        size, number = random.sample(range(2, 9), k=2)
        yield made("some are left", size * number + random.randint(1, 9), size, number)
        yield made("none is left", size * number, size, number)


disjoint_subsamples = Oracle(_disjoint_cases, _disjoint)


# curve-irregularity


def _irregular_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, diagrams: list[Tensor], said: str, **more: bool) -> Case:
        return Case(group, said, {"diagrams": diagrams}, **more)

    def bars(count: int) -> Tensor:
        births = torch.tensor([random.randint(0, 12) / 4 for _ in range(count)], dtype=_WIDE)
        if random.random() < 0.5:  # ties among the places, and none
            births = births + 0.2 * normal(random, count, dtype=_WIDE).abs()
        lasting = [random.choice((0.25, 0.5, random.uniform(0.1, 2))) for _ in range(count)]
        return torch.stack([births, births + torch.tensor(lasting, dtype=_WIDE)], dim=1)

    two, one = torch.tensor([[1.0, 3], [2, 5]], dtype=_WIDE), torch.tensor([[4.0, 6]], dtype=_WIDE)
    none = torch.zeros(0, 2, dtype=_WIDE)
    yield made("two diagrams", [two, one], "bars 1–3 and 2–5; bar 4–6", fixed=True)
    yield made("several diagrams", [two, one, one], "the same, and 4–6 once more", fixed=True)
    text = "bars 1–3 and 2–5; bar 4–6; no bar"
    yield made("an empty diagram", [two, one, none], text, fixed=True)
    for _ in range(4):
        sizes = [random.randint(3, 9) for _ in range(random.randint(3, 5))]
        yield made("two diagrams", [bars(n) for n in sizes[:2]], f"{sizes[0]} and {sizes[1]} bars")
        text = ", ".join(map(str, sizes)) + " bars"
        yield made("several diagrams", [bars(n) for n in sizes], text)
        mixed = [*map(bars, sizes[1:]), none]
        yield made("an empty diagram", random.sample(mixed, k=len(mixed)), "one diagram is empty")


curve_irregularity = Oracle(_irregular_cases, regularity.irregularity, rtol=1e-9, atol=1e-12)


# shared-or-own


def _crops(images: Tensor, corners: Tensor, size: int, own: bool) -> Tensor:
    places = corners.tolist() if own else [corners[0].tolist()] * len(images)
    windows = zip(images, places, strict=True)
    return torch.stack([i[:, t : t + size, left : left + size] for i, (t, left) in windows])


def _crops_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, shape: tuple[int, ...], size: int, own: bool, **more: bool) -> Case:
        count, _, height, width = shape
        images = integers(random, 0, 99, *shape).float()
        rows = integers(random, 0, height - size, count)
        columns = integers(random, 0, width - size, count)
        inputs = {"images": images, "corners": torch.stack([rows, columns], dim=1), "size": size}
        text = f"{count} images of {shape[1]}×{height}×{width}, windows of {size}×{size}"
        text += ", own" if own else ", shared"
        return Case(group, text, inputs | {"own": own}, **more)

    yield made("shared", (2, 1, 3, 4), 2, False, fixed=True)
    yield made("own", (2, 1, 3, 4), 2, True, fixed=True)
    for place in range(4):
        for group in ("shared", "own", "color"):
            channels = 3 if group == "color" else 1
            own = place % 2 == 0 if group == "color" else group == "own"
            size = random.randint(2, 4)
            high, wide = random.sample(range(size + 2, size + 7), k=2)
            yield made(group, (random.randint(4, 6), channels, high, wide), size, own)


shared_or_own = Oracle(_crops_cases, _crops)


# gaussian-cloud


def _gaussian(points: Tensor, noise: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh(torch.cov(points.T))
    return points.mean(dim=0) + noise @ (axes * values.clamp(min=0).sqrt()) @ axes.T


def _gaussian_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, points: Tensor, said: str, **more: bool) -> Case:
        features = points.shape[1]
        rows = features + random.randint(0, 5)
        noise = torch.linalg.qr(normal(random, rows, features, dtype=_WIDE))[0]
        return Case(group, said, {"points": points, "noise": noise}, **more)

    cross = torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]], dtype=_WIDE)
    yield made("more points", cross, "(2, 0), (−2, 0), (0, 1), (0, −1)", fixed=True)
    wide = torch.tensor([[3.0, 0, 4], [-3, 0, -4]], dtype=_WIDE)
    yield made("more features", wide, "(3, 0, 4), (−3, 0, −4)", fixed=True)
    far = cross + torch.tensor([10.0, 5], dtype=_WIDE)
    yield made("far from zero", far, "(12, 5), (8, 5), (10, 6), (10, 4)", fixed=True)
    for _ in range(3):
        features = random.randint(2, 6)
        mix = normal(random, 9, 9, dtype=_WIDE)
        for group in ("more points", "more features", "far from zero"):
            many = features + random.randint(3, 20)
            count, width = (
                (many, features) if group != "more features" else (4, random.randint(6, 9))
            )
            points = normal(random, count, width, dtype=_WIDE) @ mix[:width, :width]
            points = points + (20 if group == "far from zero" else 0.5) * mix[0, :width]
            yield made(group, points, f"{count} points with {width} features")


gaussian_cloud = Oracle(_gaussian_cases, _gaussian, rtol=1e-6, atol=1e-6)


# choose-control

#: The claims as the chapter has them, in short, each with its group.
_CLAIMS = (
    ("the distances make it", "claims about measuring", "metric"),
    ("training lengthens bars", "claims about learning", "fresh"),
    ("the right labels shape the layer", "claims about learning", "shuffled"),
    ("digits shape it, not those learned by heart", "claims about learning", "held-out"),
    ("loops beyond mean and covariance", "claims about shape", "gaussian"),
    ("convolutions matter", "claims about shape", "random"),
    ("the shared window makes it regular", "claims about measuring", "own"),
    ("one class has fewer bars than all", "claims about measuring", "as many"),
)


_WORDS = sorted(word for _, _, word in _CLAIMS)


def _control(claim: int) -> str:
    return _CLAIMS[claim][2]


def _control_cases(random: random.Random) -> Iterator[Case]:
    def made(claim: int, **more: bool) -> Case:
        said, group, _ = _CLAIMS[claim]
        codes = random.sample(range(100, 1000), k=len(_CLAIMS))
        inputs = {"claim": claim, "codes": dict(zip(_WORDS, codes, strict=True))}
        return Case(group, f"claim {claim}, {said}", inputs, **more)

    yield made(0, fixed=True)
    for claim in random.sample(range(1, 8), k=7):
        yield made(claim)


choose_control = Oracle(_control_cases, _control)


# mend-interval


def _interval(one: Tensor, other: Tensor, factor: float) -> tuple[float, float, float]:
    differences = one.mean(dim=1) - other.mean(dim=1)
    reach = factor * differences.std().item() / math.sqrt(len(differences))
    middle = differences.mean().item()
    return middle, middle - reach, middle + reach


def _interval_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, seeds: int, many: tuple[int, int], **more: bool) -> Case:
        base = normal(random, seeds, 1, dtype=_WIDE)
        one, other = (base + 0.5 * normal(random, seeds, count, dtype=_WIDE) for count in many)
        text = f"{seeds} seeds, {many[0]} and {many[1]} subsamples in each"
        inputs = {"one": one + random.uniform(-1, 1), "other": other}
        return Case(group, text, inputs | {"factor": random.uniform(1.5, 4)}, **more)

    pair = torch.tensor([[3.0], [5.0], [7.0]], dtype=_WIDE), torch.tensor([[2.0], [5.0], [5.0]])
    inputs = {"one": pair[0], "other": pair[1].to(_WIDE), "factor": 2.0}
    yield Case("one subsample a seed", "3, 5, 7 against 2, 5, 5", inputs, fixed=True)
    yield made("several subsamples", 3, (2, 2), fixed=True)
    yield made("unequal numbers of subsamples", 3, (1, 2), fixed=True)
    for _ in range(4):
        seeds, more = random.randint(4, 12), random.randint(3, 8)
        yield made("one subsample a seed", seeds, (1, 1))
        yield made("several subsamples", seeds, (more, more))
        yield made("unequal numbers of subsamples", seeds, (more, random.choice((1, 2, more + 2))))


mend_interval = Oracle(_interval_cases, _interval, rtol=1e-6, atol=1e-9)
