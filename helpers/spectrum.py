"""Spectra of a layer's outputs: their eigenvalues, a power law through them, their dimension.

A layer's outputs for n samples are n points in a space of d features. The eigenvalues of their
covariance say how far the points spread in each direction. All functions take any floating-point
dtype on any device; estimates of one number come back as Python floats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PowerLaw:
    """A fitted power law, ``scale * x ** -exponent``, through ``count`` values.

    The error and the interval from ``low`` to ``high`` are nominal: right if the assumptions of the
    fit hold.
    """

    exponent: float
    error: float
    low: float
    high: float
    scale: float
    count: int

    def at(self, x: Tensor) -> Tensor:
        """The fitted law at ``x``, of any shape."""
        return self.scale * x**-self.exponent


def eigenspectrum(outputs: Tensor) -> Tensor:
    """The eigenvalues of the outputs' covariance, from the largest to the smallest.

    Parameters
    ----------
    outputs
        Shape ``(…, n, d)``: n samples, at least 2, of d features. Flatten feature maps first.

    Returns
    -------
    torch.Tensor
        Shape ``(…, min(n, d))``, in the square of the outputs' unit, none below 0. If n ≤ d, the
        d − n that are left out are 0. (So is the smallest of those that are given: n points lie
        in n − 1 dimensions around their mean.)

    Raises
    ------
    ValueError
        If the outputs have another shape or are not floating-point numbers.

    Notes
    -----
    The smaller of two matrices is decomposed: the covariance, d×d, or the samples' inner products,
    n×n, whose eigenvalues are the same apart from zeros. Half precision is computed in float32.
    Rounding leaves an error of about the dtype's epsilon times the *largest* eigenvalue, so give
    float64 if the small ones matter.

    Examples
    --------
    >>> eigenspectrum(torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    tensor([2.6667, 0.6667])
    """
    _check_points("outputs", outputs, 2)
    wide = _widened(outputs)
    centered = wide - wide.mean(dim=-2, keepdim=True)
    samples, features = centered.shape[-2:]
    product = centered.mT @ centered if features <= samples else centered @ centered.mT
    values = torch.linalg.eigvalsh(product / (samples - 1))  # ascending
    return values.flip(-1).clamp(min=0)


def power_law_rank(
    eigenvalues: Tensor, first: int = 1, last: int | None = None, *, confidence: float = 0.95
) -> PowerLaw:
    """The exponent α of eigenvalues that fall as rank^−α: a straight line in log–log.

    Parameters
    ----------
    eigenvalues
        Shape ``(d,)``, from the largest to the smallest.
    first, last
        The ranks to fit, counted from 1, both included; by default all of them.
    confidence
        Of the nominal interval.

    Returns
    -------
    PowerLaw
        ``exponent`` is α, and ``at(rank)`` the fitted line. Error and interval are those of a
        regression on independent points, which sorted sample eigenvalues are not: the true
        uncertainty can be several times larger.

    Raises
    ------
    ValueError
        If there are fewer than 2 ranks, or an eigenvalue among them is not positive or is larger
        than the one before it.
    """
    if eigenvalues.ndim != 1 or not eigenvalues.is_floating_point():
        raise ValueError(f"eigenvalues is {_told(eigenvalues)}; allowed: (d,), floating-point")
    last = len(eigenvalues) if last is None else last
    if not 1 <= first < last <= len(eigenvalues):
        raise ValueError(
            f"first, last is {first}, {last}; allowed: 1 ≤ first < last ≤ {len(eigenvalues)}"
        )
    values = eigenvalues[first - 1 : last].double()
    if not bool((values > 0).all()):
        raise ValueError(
            f"eigenvalues has {values.min().item():g} between ranks {first} and {last}; allowed: "
            "positive numbers, whose logarithm exists"
        )
    if bool((values.diff() > 0).any()):
        raise ValueError("eigenvalues rises; allowed: from the largest to the smallest")
    ranks = torch.arange(first, last + 1, device=values.device).double()
    x, y = ranks.log(), values.log()
    around = x - x.mean()
    spread = around.square().sum()
    slope = (around * y).sum() / spread
    rest = y - y.mean() - slope * around
    count = len(values)
    error = (rest.square().sum() / (count - 2) / spread).sqrt().item() if count > 2 else math.nan
    scale = (y.mean() - slope * x.mean()).exp().item()
    return _law(-slope.item(), error, scale, count, confidence)


def power_law_likelihood(
    values: Tensor, x_min: float | None = None, *, confidence: float = 0.95
) -> PowerLaw:
    """The exponent γ of values whose density is proportional to x^−γ from x_min on.

    Parameters
    ----------
    values
        Any shape; those below ``x_min`` are left out.
    x_min
        Where the power law begins, positive; by default at the smallest value.
    confidence
        Of the nominal interval.

    Returns
    -------
    PowerLaw
        ``exponent`` is γ = 1 + n / Σ ln(x / x_min), its error (γ − 1) / √n, and ``at(x)`` the
        density. **Of eigenvalues that fall as rank^−α it estimates 1 + 1/α, not α.** Error and
        interval hold for independent values, which eigenvalues are not.

    Raises
    ------
    ValueError
        If ``x_min`` is not positive, or there are not two values from ``x_min`` on, one above it.

    Notes
    -----
    Clauset, Shalizi & Newman (2009), "Power-law distributions in empirical data", equation 3.1.
    """
    logs, start = _logs(values, x_min)
    count = len(logs)
    less = 1 / logs.mean().item()  # γ − 1
    return _law(1 + less, less / count**0.5, less * start**less, count, confidence)


def goodness_of_fit(
    values: Tensor,
    x_min: float | None = None,
    *,
    samples: int = 500,
    generator: torch.Generator | None = None,
) -> tuple[float, float]:
    """How far values are from the power law fitted to them, and how often chance is as far.

    Parameters
    ----------
    values, x_min
        As for `power_law_likelihood`.
    samples
        How many data sets are drawn from the fitted law, at least 1.
    generator
        Where the chance comes from, a generator on the CPU; by default torch's own.

    Returns
    -------
    distance
        The largest difference between the values' distribution function and the fitted one
        (Kolmogorov–Smirnov), from 0 to 1.
    p
        The share of drawn data sets that are as far from the law fitted to *them*, or farther. A
        small one speaks against the power law; a large one does not prove it.

    Raises
    ------
    ValueError
        As `power_law_likelihood`; if ``samples`` is not positive.

    Notes
    -----
    Clauset, Shalizi & Newman (2009), section 4.1, for a given x_min. The logarithm of x / x_min is
    exponential, and the distance does not depend on its scale; so it is enough to draw that.
    """
    if samples < 1:
        raise ValueError(f"samples is {samples}; allowed: 1 or more")
    logs, _ = _logs(values, x_min)
    distance = _distance(logs)
    uniform = torch.rand(samples, len(logs), generator=generator, dtype=torch.float64)
    drawn = _distance(-torch.log1p(-uniform)).to(distance.device)
    return distance.item(), (drawn >= distance).double().mean().item()


def best_x_min(values: Tensor, *, least: int = 10) -> float:
    """Where to let the power law begin: where it fits best from there on.

    Parameters
    ----------
    values
        Any shape. Every positive one is tried that leaves ``least`` values or more.
    least
        At least 2.

    Returns
    -------
    float
        The value with the smallest Kolmogorov–Smirnov distance to its fit.

    Raises
    ------
    ValueError
        If fewer than ``least`` values are positive, or all of them are equal. (Source: section 3.3
        of the same paper.)
    """
    if least < 2:
        raise ValueError(f"least is {least}; allowed: 2 or more")
    ordered = values.flatten().double().sort().values
    ordered = ordered[ordered > 0]
    if len(ordered) < least or bool(ordered[0] == ordered[-1]):
        raise ValueError(
            f"values has {len(ordered)} positive numbers; allowed: {least} or more, not all equal"
        )
    starts = ordered[: len(ordered) - least + 1].unique()
    starts = starts[starts < ordered[-1]]
    distances = [_distance((ordered[ordered >= start] / start).log()) for start in starts]
    return starts[torch.stack(distances).argmin()].item()


def participation_ratio(eigenvalues: Tensor) -> Tensor:
    """How many directions take part: (Σ λ)² / Σ λ².

    Parameters
    ----------
    eigenvalues
        Shape ``(…, d)``, none negative, in any order.

    Returns
    -------
    torch.Tensor
        Shape ``(…)``, from 1 (one direction has everything) to d (all have the same).

    Raises
    ------
    ValueError
        If an eigenvalue is negative, or all of a spectrum are 0.
    """
    wide = _widened(eigenvalues)
    if wide.ndim < 1 or not wide.numel() or bool((wide < 0).any()):
        raise ValueError(f"eigenvalues is {_told(wide)}; allowed: (…, d), none negative")
    total = wide.sum(dim=-1)
    if not bool((total > 0).all()):
        raise ValueError("eigenvalues are all 0; allowed: one above 0 or more")
    shares = wide / total.unsqueeze(-1)
    return 1 / shares.square().sum(dim=-1)


def neighbor_ratios(points: Tensor, *, chunk: int = 256) -> Tensor:
    """For each point the distance of its second neighbor over that of its first.

    Parameters
    ----------
    points
        Shape ``(n, d)``. Points that occur more than once are counted once.
    chunk
        How many points are compared with all others at a time: a bound on memory.

    Returns
    -------
    torch.Tensor
        float64, one ratio a point, 1 or more.

    Raises
    ------
    ValueError
        If there are not three different points.
    """
    _check_points("points", points, 3)
    if points.ndim != 2:
        raise ValueError(f"points has shape {tuple(points.shape)}; allowed: (n, d)")
    different = points.unique(dim=0).double()
    if len(different) < 3:
        raise ValueError(f"points has {len(different)} different points; allowed: 3 or more")
    different = different - different.mean(dim=0)
    ratios = []
    for part in different.split(chunk):
        # A matrix product finds a few candidates fast; their distances are then taken exactly.
        near = torch.cdist(part, different).topk(min(5, len(different)), largest=False).indices
        exact = (different[near] - part.unsqueeze(1)).norm(dim=-1).sort(dim=1).values
        ratios.append(exact[:, 2] / exact[:, 1])  # the first is the point itself
    return torch.cat(ratios)


def two_nn(points: Tensor, *, discard: float = 0.1) -> float:
    """The intrinsic dimension of points, from the distances of two neighbors.

    Parameters
    ----------
    points
        Shape ``(n, d)``, from a manifold, sampled at random and not too unevenly.
    discard
        The share of the largest ratios that is left out, from 0 to less than 1.

    Returns
    -------
    float
        The dimension: on a D-dimensional manifold the ratio of the distances has the distribution
        function 1 − ratio^−D; D is the slope of a line through the origin.

    Raises
    ------
    ValueError
        If there are not three different points, or ``discard`` is out of bounds.

    Notes
    -----
    Facco, d'Errico, Rodriguez & Laio (2017), "Estimating the intrinsic dimension of datasets by a
    minimal neighborhood information", the algorithm in "Methods".
    """
    if not 0 <= discard < 1:
        raise ValueError(f"discard is {discard}; allowed: 0 to less than 1")
    logs = neighbor_ratios(points).log().sort().values
    count = len(logs)
    kept = min(max(1, int(count * (1 - discard))), count - 1)  # the last has 1 − F = 0
    share = torch.arange(1, kept + 1, device=logs.device, dtype=logs.dtype) / count
    x, y = logs[:kept], -torch.log1p(-share)
    return ((x * y).sum() / x.square().sum()).item()


def _law(exponent: float, error: float, scale: float, count: int, confidence: float) -> PowerLaw:
    """A power law with its interval: so many errors to each side as a normal number needs."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; allowed: between 0 and 1")
    wide = torch.special.ndtri(torch.tensor((1 + confidence) / 2, dtype=torch.float64)).item()
    half = wide * error
    return PowerLaw(exponent, error, exponent - half, exponent + half, scale, count)


def _logs(values: Tensor, x_min: float | None) -> tuple[Tensor, float]:
    """The logarithms of values over x_min, for those from x_min on; and x_min."""
    wide = values.flatten().double()
    if not wide.numel():
        raise ValueError("values is empty; allowed: two values or more")
    start = wide.min().item() if x_min is None else float(x_min)
    if not start > 0:
        raise ValueError(f"x_min is {start:g}; allowed: more than 0")
    logs = (wide[wide >= start] / start).log()
    if len(logs) < 2 or not bool((logs > 0).any()):
        raise ValueError(
            f"values has {len(logs)} from x_min = {start:g} on; allowed: two or more, one above it"
        )
    return logs, start


def _distance(logs: Tensor) -> Tensor:
    """Kolmogorov–Smirnov distance of exponential numbers, ``(…, n)``, from their own fit."""
    ordered = (logs / logs.mean(dim=-1, keepdim=True)).sort(dim=-1).values
    fitted = -torch.expm1(-ordered)
    count = logs.shape[-1]
    steps = torch.arange(count + 1, device=logs.device, dtype=logs.dtype) / count
    return torch.maximum(fitted - steps[:-1], steps[1:] - fitted).amax(dim=-1)


def _widened(tensor: Tensor) -> Tensor:
    """Half precision as float32, for sums of squares need more digits than that."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _check_points(name: str, points: Tensor, least: int) -> None:
    if points.ndim < 2 or points.shape[-2] < least or points.shape[-1] < 1:
        raise ValueError(
            f"{name} has shape {tuple(points.shape)}; allowed: (…, n, d) with n at least {least}"
        )
    if not points.is_floating_point():
        raise ValueError(f"{name} is {points.dtype}; allowed: a floating-point dtype")


def _told(tensor: Tensor) -> str:
    low = f", down to {tensor.min().item():g}" if tensor.numel() else ""
    return f"{tensor.dtype} of shape {tuple(tensor.shape)}{low}"
