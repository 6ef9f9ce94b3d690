"""How regular Betti curves are, clouds to compare with, and intervals over seeds.

Bars are a tensor (m, 2) of births and deaths, all finite, of one dimension of homology. Their Betti
curve is piecewise constant: it goes up by 1 at a birth and down by 1 at a death.

>>> two = torch.tensor([[1.0, 3.0], [2.0, 5.0]])
>>> one = torch.tensor([[2.0, 4.0]])
>>> total_area(two), area_between(two, one)
(5.0, 3.0)
>>> irregularity([two, one])
0.8571...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Generator, Tensor


def scaled(distances: Tensor) -> Tensor:
    """Distances in units of their median, the diagonal not counted.

    Parameters
    ----------
    distances
        Shape (n, n) or (b, n, n), symmetric; each matrix has a median of its own.

    Raises
    ------
    ValueError
        If there is no pair of points, or the median is 0 or not finite.
    """
    if distances.ndim not in (2, 3) or distances.shape[-1] != distances.shape[-2]:
        raise ValueError(f"distances has shape {tuple(distances.shape)}; allowed: (n, n)")
    count = distances.shape[-1]
    if count < 2:
        raise ValueError(f"distances is of {count} point; allowed: 2 points or more")
    above = torch.triu_indices(count, count, offset=1, device=distances.device)
    pairs = distances[..., above[0], above[1]].sort(dim=-1).values
    places = pairs.shape[-1]
    median = (pairs[..., (places - 1) // 2] + pairs[..., places // 2]) / 2
    if not bool((median.isfinite() & (median > 0)).all()):
        raise ValueError(f"the median distance is {median.tolist()}; allowed: above 0 and finite")
    return distances / median[..., None, None]


def total_area(bars: Tensor) -> float:
    """The area under a Betti curve, which is the bars' total persistence."""
    return _checked(bars).diff(dim=1).sum().item()


def area_between(one: Tensor, other: Tensor) -> float:
    """The L1 distance of two Betti curves: the area between them, without a grid."""
    one, other = _checked(one), _checked(other)
    places = torch.cat([one[:, 0], other[:, 1], one[:, 1], other[:, 0]])
    steps = torch.ones_like(places)
    steps[len(one) + len(other) :] = -1
    places, order = places.sort()
    heights = steps[order].cumsum(0)
    return (heights[:-1].abs() * places.diff()).sum().item()


def irregularity(diagrams: Sequence[Tensor]) -> float:
    """The mean distance between two Betti curves, over the mean area under one.

    Parameters
    ----------
    diagrams
        The bars of two clouds or more, as a rule of disjoint subsamples of one.

    Returns
    -------
    float
        0 for equal curves; 2 at most. Not a number if there are no bars at all.

    Raises
    ------
    ValueError
        If there are fewer than two, or a bar is not finite.
    """
    if len(diagrams) < 2:
        raise ValueError(f"diagrams has {len(diagrams)} entries; allowed: 2 or more")
    between = [area_between(one, other) for one, other in combinations(diagrams, 2)]
    under = sum(map(total_area, diagrams)) / len(diagrams)
    return sum(between) / len(between) / under if under else math.nan


def gaussian_like(points: Tensor, count: int, generator: Generator | None = None) -> Tensor:
    """Points of a normal distribution with the mean and the covariance of ``points``.

    A random mixture of the centered points has their covariance, so that the d×d matrix is never
    made.

    Parameters
    ----------
    points
        Shape (n, d), n at least 2.
    count
        How many to draw.
    """
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f"points has shape {tuple(points.shape)}; allowed: (n, d), n from 2 on")
    mean = points.mean(dim=0)
    mixture = torch.randn(count, len(points), generator=generator, dtype=points.dtype)
    return mean + mixture.to(points.device) @ (points - mean) / math.sqrt(len(points) - 1)


def random_layers(
    points: Tensor, widths: Sequence[int], relu: bool, generator: Generator | None = None
) -> list[Tensor]:
    """What layers of random weights give, one behind the other, that never learned anything.

    Weights are normal, without biases, of variance 2 over the width before with ReLU and 1 over it
    without: so lengths stay about the same.
    """
    outputs = []
    for width in widths:
        before = points.shape[1]
        deviation = math.sqrt((2 if relu else 1) / before)
        weight = torch.randn(before, width, generator=generator, dtype=points.dtype)
        points = points @ (deviation * weight).to(points.device)
        points = points.relu() if relu else points
        outputs.append(points)
    return outputs


def paired_interval(differences: Sequence[float], family: int = 1) -> tuple[float, float, float]:
    """The mean of differences, one a seed, and Student's interval for it.

    Parameters
    ----------
    differences
        At least two, independent of one another.
    family
        How many such intervals shall all hold together with 95%: each is made at 1 − 0.05/family.

    Returns
    -------
    mean, low, high
    """
    from scipy.stats import t

    count = len(differences)
    if count < 2 or family < 1:
        raise ValueError(f"{count} differences, family {family}; allowed: 2 or more, 1 or more")
    values = torch.tensor(differences, dtype=torch.float64)
    mean, error = values.mean().item(), values.std().item() / math.sqrt(count)
    reach = float(t.ppf(1 - 0.05 / family / 2, count - 1)) * error
    return mean, mean - reach, mean + reach


def verdict(low: float, high: float, small: float = 0.1) -> str:
    """An interval in words: lower, higher, small, or undecided."""
    words = ["lower"] if high < 0 else ["higher"] if low > 0 else []
    words += ["small"] if -small <= low and high <= small else []
    return ", ".join(words) or "undecided"


def _checked(bars: Tensor) -> Tensor:
    if bars.ndim != 2 or bars.shape[1] != 2:
        raise ValueError(f"bars has shape {tuple(bars.shape)}; allowed: (m, 2)")
    if not bool(bars.isfinite().all()):
        raise ValueError("bars has an infinite one; allowed: finite bars")
    return bars.to(torch.float64)
