"""Cases and references of the exercises of chapter 11."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from helpers import adversarial, spectrum

from ..definition import Case, Oracle
from ..inputs import integers, normal

_WIDE = torch.float64


def _cloud(random: random.Random, samples: int, features: int, offset: float = 0.0) -> Tensor:
    """Points that spread unevenly, in directions that are no axes."""
    mix = normal(random, features, features, dtype=_WIDE)
    scale = torch.arange(1, features + 1).to(_WIDE) ** -0.7
    points = normal(random, samples, features, dtype=_WIDE) * scale @ mix
    return points + offset * normal(random, features, dtype=_WIDE)


def _cloud_cases(random: random.Random) -> Iterator[Case]:
    """Cases of the two exercises that take a table of outputs."""

    def made(group: str, samples: int, features: int, **more: bool) -> Case:
        offset = 10.0 if group == "far from zero" else 0.0
        text = f"{samples} samples of {features} features"
        return Case(group, text, {"outputs": _cloud(random, samples, features, offset)}, **more)

    cross = torch.tensor([[2.0, 0], [-2, 0], [0, 1], [0, -1]], dtype=_WIDE)
    text = "(2, 0), (−2, 0), (0, 1), (0, −1)"
    yield Case("more samples", text, {"outputs": cross}, fixed=True)
    wide = torch.tensor([[3.0, 0, 4], [-3, 0, -4]], dtype=_WIDE)
    yield Case("more features", "(3, 0, 4), (−3, 0, −4)", {"outputs": wide}, fixed=True)
    text = "(12, 5), (8, 5), (10, 6), (10, 4)"
    moved = cross + torch.tensor([10.0, 5], dtype=_WIDE)
    yield Case("far from zero", text, {"outputs": moved}, fixed=True)
    for _ in range(4):
        features = random.randint(2, 8)
        yield made("more samples", features + random.randint(2, 30), features)
        samples = random.randint(3, 8)
        yield made("more features", samples, samples + random.randint(2, 12))
        yield made("far from zero", random.randint(10, 30), random.randint(2, 8))


# covariance-spectrum

covariance_spectrum = Oracle(_cloud_cases, spectrum.eigenspectrum, rtol=1e-6, atol=1e-9)


# rank-exponent


def _rank(eigenvalues: Tensor, first: int, last: int) -> float:
    return spectrum.power_law_rank(eigenvalues, first, last).exponent


def _rank_cases(random: random.Random) -> Iterator[Case]:
    def law(count: int, alpha: float, scale: float) -> Tensor:
        return scale * torch.arange(1, count + 1).to(_WIDE) ** -alpha

    def made(group: str, values: Tensor, first: int, last: int, said: str, **more: bool) -> Case:
        text = f"{said}, {len(values)} eigenvalues, ranks {first} to {last}"
        return Case(group, text, {"eigenvalues": values, "first": first, "last": last}, **more)

    yield made("exact spectra", law(4, 1.0, 1.0), 1, 4, "1, 1/2, 1/3, 1/4", fixed=True)
    uneven = torch.tensor([8.0, 3.0, 1.0], dtype=_WIDE)
    yield made("noisy spectra", uneven, 1, 3, "8, 3, 1", fixed=True)
    bent = torch.tensor([9.0, 4.0, 16 / 9, 1.0, 0.01], dtype=_WIDE)
    yield made("a range of ranks", bent, 2, 4, "9, 4, 16/9, 1, 0.01", fixed=True)
    for _ in range(4):
        alpha, scale, count = (
            random.uniform(0.4, 2.5),
            random.uniform(0.2, 20),
            random.randint(5, 60),
        )
        yield made("exact spectra", law(count, alpha, scale), 1, count, "a power law")
        factors = (0.3 * normal(random, count, dtype=_WIDE)).exp()
        noisy = (law(count, alpha, scale) * factors).sort(descending=True).values
        yield made("noisy spectra", noisy, 1, count, "a power law with noise")
        first, last = random.randint(2, 5), count + 4
        longer = torch.cat(
            [noisy[:1] * 9, noisy[:1] * 4, noisy, noisy[-1:] * 1e-3, noisy[-1:] * 1e-5]
        )
        yield made("a range of ranks", longer, first, last - 3, "ends that bend")


rank_exponent = Oracle(_rank_cases, _rank, rtol=1e-6, atol=1e-9)


# participation-ratio


def _ratio(outputs: Tensor) -> float:
    return spectrum.participation_ratio(spectrum.eigenspectrum(outputs)).item()


participation_ratio = Oracle(_cloud_cases, _ratio, rtol=1e-6, atol=1e-9)


# likelihood-exponent


def _likelihood(values: Tensor, x_min: float) -> tuple[float, float]:
    found = spectrum.power_law_likelihood(values, x_min)
    return found.exponent, found.error


def _likelihood_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, values: Tensor, x_min: float, said: str, **more: bool) -> Case:
        inputs: dict[str, Any] = {"values": values, "x_min": x_min, "look": group}
        return Case(group, f"{said}, x_min {x_min:g}", inputs, **more)

    def pareto(count: int, exponent: float, x_min: float) -> Tensor:
        places = torch.tensor([random.random() for _ in range(count)], dtype=_WIDE)
        values = x_min * (1 - places) ** (-1 / (exponent - 1))
        values[random.randrange(count)] = x_min  # a value at x_min itself counts
        return values

    four = torch.tensor([1.0, 2, 4, 8], dtype=_WIDE)
    yield made("estimate", four, 1.0, "the estimate of 1, 2, 4, 8", fixed=True)
    yield made("standard error", four, 1.0, "the standard error of 1, 2, 4, 8", fixed=True)
    yield made("x_min", four, 2.0, "both of 1, 2, 4, 8", fixed=True)
    for _ in range(4):
        for group in ("estimate", "standard error", "x_min"):
            x_min = random.choice((0.5, 1.0, 2.0, 3.0))
            values = pareto(random.randint(5, 60), random.uniform(1.5, 3.5), x_min)
            if group == "x_min":
                below = x_min * torch.tensor([random.random() for _ in range(9)], dtype=_WIDE)
                values = torch.cat([below, values])
                values = values[torch.tensor(random.sample(range(len(values)), len(values)))]
            yield made(group, values, x_min, f"{len(values)} values")


likelihood_exponent = Oracle(_likelihood_cases, _likelihood, rtol=1e-6, atol=1e-9)


# mend-likelihood


def _alpha(eigenvalues: Tensor, count: int) -> float:
    largest = eigenvalues.sort(descending=True).values[:count]
    return 1 / (spectrum.power_law_likelihood(largest).exponent - 1)


def _mend_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, values: Tensor, count: int, said: str, **more: bool) -> Case:
        text = f"{said}, {len(values)} eigenvalues, the {count} largest"
        return Case(group, text, {"eigenvalues": values.flip(0), "count": count}, **more)

    halves = torch.tensor([8.0, 4, 2, 1], dtype=_WIDE)
    yield made("all eigenvalues", halves, 4, "1, 2, 4, 8", fixed=True)
    yield made("the largest", halves, 3, "1, 2, 4, 8", fixed=True)
    zeros = torch.cat([halves, torch.zeros(2, dtype=_WIDE)])
    yield made("with zeros", zeros, 4, "0, 0, 1, 2, 4, 8", fixed=True)
    for _ in range(4):
        alpha, size = random.uniform(0.5, 2.5), random.randint(20, 60)
        factors = (0.2 * normal(random, size, dtype=_WIDE)).exp()
        values = torch.arange(1, size + 1).to(_WIDE) ** -alpha * factors
        values = random.uniform(0.2, 20) * values.sort(descending=True).values
        yield made("all eigenvalues", values, size, "a power law with noise")
        yield made("the largest", values, random.randint(5, size - 5), "a power law with noise")
        tail = (
            1e-17 * normal(random, random.randint(2, 9), dtype=_WIDE).sort(descending=True).values
        )
        count = random.randint(5, size)
        yield made("with zeros", torch.cat([values, tail]), count, "the rest only rounding")


mend_likelihood = Oracle(_mend_cases, _alpha, rtol=1e-6, atol=1e-9)


# two-nn


def _two_nn(points: Tensor) -> float:
    return 1 / spectrum.neighbor_ratios(points).log().mean().item()


def _two_nn_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, points: Tensor, said: str, **more: bool) -> Case:
        return Case(group, said, {"points": points}, **more)

    four = torch.tensor([[0.0], [1.0], [3.0], [7.0]], dtype=_WIDE)
    yield made("points", four, "0, 1, 3 and 7 on a line", fixed=True)
    yield made("repeated points", torch.cat([four, four[:2]]), "0, 1, 3, 7, 0 and 1", fixed=True)
    yield made("far from zero", four + 1e7, "0, 1, 3 and 7, each plus 10,000,000", fixed=True)
    for _ in range(4):
        for group in ("points", "repeated points", "far from zero"):
            inside, around = random.randint(1, 4), random.randint(4, 8)
            count = random.randint(30, 60)
            flat = normal(random, count, inside, dtype=_WIDE)
            points = flat @ normal(random, inside, around, dtype=_WIDE)
            said = f"{count} points of {inside} dimensions in {around}"
            if group == "repeated points":
                again = torch.tensor(random.choices(range(count), k=random.randint(3, 12)))
                points = torch.cat([points, points[again]])
                said += f", {len(again)} of them repeated"
            if group == "far from zero":
                points = points + 1e7 * (1 + normal(random, around, dtype=_WIDE).abs())
            yield made(group, points, said)


two_nn = Oracle(_two_nn_cases, _two_nn, rtol=1e-6, atol=1e-9)


# sign-attack


def _attack_cases(random: random.Random) -> Iterator[Case]:
    def made(group: str, shape: list[int], classes: int, epsilon: float, **more: bool) -> Case:
        count, *size = shape
        pixels, hidden = size[0] * size[1], 6
        shapes = {"1.weight": (hidden, pixels), "1.bias": (hidden,)}
        shapes |= {"3.weight": (classes, hidden), "3.bias": (classes,)}
        state = {name: normal(random, *s, dtype=_WIDE) / 2 for name, s in shapes.items()}
        images = normal(random, count, 1, *size, dtype=_WIDE).sigmoid()
        if group != "clipping":  # so that nothing has to be clipped
            images = 0.4 + 0.2 * images
        said = f"{count} image{'s' if count > 1 else ''} of {size[0]}×{size[1]}, {classes} classes"
        look = ": gradients afterward" if group == "left as it was" else ": pixels"
        inputs: dict[str, Any] = {"state": state, "images": images, "epsilon": epsilon}
        inputs |= {"labels": integers(random, 0, classes - 1, count), "look": group}
        return Case(group, f"{said}, epsilon {epsilon:g}{look}", inputs, **more)

    yield made("step", [1, 2, 2], 2, 0.1, fixed=True)
    yield made("clipping", [1, 2, 2], 2, 0.5, fixed=True)
    yield made("left as it was", [1, 2, 2], 2, 0.1, fixed=True)
    for _ in range(4):
        for group in ("step", "clipping", "left as it was"):
            shape = [random.randint(2, 5), random.randint(2, 5), random.randint(2, 5)]
            epsilon = (
                random.choice((0.3, 0.5)) if group == "clipping" else random.choice((0.05, 0.2))
            )
            yield made(group, shape, random.randint(2, 5), epsilon)


sign_attack = Oracle(_attack_cases, adversarial.fgsm, rtol=1e-6, atol=1e-9)
