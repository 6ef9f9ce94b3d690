"""What to read off a persistence diagram: Betti numbers and curves, landscapes, distances."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

#: How many numbers a table of bars times scales may hold.
_TABLE = 2**24


def betti_numbers(diagram: Iterable[Tensor], scale: float) -> list[int]:
    """How many holes of each dimension there are at one scale.

    Parameters
    ----------
    diagram
        A `Diagram`, or the bars of each dimension, ``(m, 2)``.
    scale
        The length up to which edges are in; a bar counts if birth ≤ scale < death.

    Returns
    -------
    list of int
        Components, loops, voids, …

    Examples
    --------
    >>> square = [torch.tensor([[0.0, 1.0]] * 3 + [[0.0, torch.inf]]), torch.tensor([[1.0, 1.414]])]
    >>> betti_numbers(square, 0.5), betti_numbers(square, 1.0), betti_numbers(square, 2.0)
    ([4, 0], [1, 1], [1, 0])
    """
    if math.isnan(scale):
        raise ValueError("scale is nan; allowed: a number")
    counts = []
    for bars in diagram:
        _check_bars("diagram", bars)
        counts.append(int(((bars[:, 0] <= scale) & (scale < bars[:, 1])).sum()))
    return counts


def betti_curve(bars: Tensor, scales: Tensor) -> Tensor:
    """How many bars are alive at each scale.

    Parameters
    ----------
    bars
        Shape ``(m, 2)``, births and deaths in any order of rows; or ``(b, m, 2)`` for b diagrams.
        Bars of no length count nowhere, and so may fill up the shorter ones.
    scales
        Shape ``(s,)``, in any order.

    Returns
    -------
    Tensor
        int64, shape ``(s,)`` or ``(b, s)``, on the bars' device: bars with birth ≤ scale < death.

    Raises
    ------
    ValueError
        If a shape is another, a birth or a scale is not a number, or a bar ends before it begins.

    Notes
    -----
    Born by then, less dead by then. Each is a search in sorted numbers: no table of all bars at
    all scales is made.

    Examples
    --------
    >>> betti_curve(torch.tensor([[0.0, 2.0], [1.0, 3.0]]), torch.tensor([0.0, 1.0, 2.0, 3.0]))
    tensor([1, 2, 1, 0])
    """
    _check_bars("bars", bars, dimensions=(2, 3))
    at = _scales(scales, bars)
    dtype = torch.promote_types(bars.dtype, at.dtype)
    ends = bars.to(dtype).mT.contiguous().sort(dim=-1).values  # births and deaths, each sorted
    wanted = at.to(dtype).expand(*ends.shape[:-1], -1).contiguous()
    passed = torch.searchsorted(ends, wanted, right=True)
    return passed[..., 0, :] - passed[..., 1, :]


def total_persistence(bars: Tensor) -> Tensor:
    """The lengths of the bars that end, added up.

    Parameters
    ----------
    bars
        Shape ``(…, m, 2)``.

    Returns
    -------
    Tensor
        Shape ``(…)``, of the bars' dtype: a number for one diagram.
    """
    _check_bars("bars", bars, dimensions=None)
    lengths = bars[..., 1] - bars[..., 0]
    return lengths.masked_fill(bars[..., 1].isinf(), 0).sum(dim=-1)


def persistence_landscape(bars: Tensor, scales: Tensor, levels: int = 1) -> Tensor:
    """A diagram as functions: at each scale the largest, second largest, … height of its bars.

    A bar's height is a tent: at a scale between birth and death, how far the nearer of the two is;
    elsewhere 0. The tent of a bar that never ends goes on rising. Functions can be averaged, which
    diagrams cannot.

    Parameters
    ----------
    bars
        Shape ``(m, 2)``.
    scales
        Shape ``(s,)``.
    levels
        How many functions, at least 1.

    Returns
    -------
    Tensor
        Shape ``(levels, s)``, of the bars' dtype; zeros where there are fewer bars.

    Raises
    ------
    ValueError
        As `betti_curve`, or if ``levels`` is not positive.

    References
    ----------
    P. Bubenik, *Statistical topological data analysis using persistence landscapes*, Journal of
    Machine Learning Research 16 (2015).

    Examples
    --------
    >>> bars = torch.tensor([[0.0, 4.0], [1.0, 3.0]])
    >>> persistence_landscape(bars, torch.tensor([0.0, 1.0, 2.0, 3.0]), levels=2)
    tensor([[0., 1., 2., 1.],
            [0., 0., 1., 0.]])
    """
    _check_bars("bars", bars)
    if levels < 1:
        raise ValueError(f"levels is {levels}; allowed: 1 or more")
    at = _scales(scales, bars).to(bars.dtype)
    landscape = bars.new_zeros(levels, len(at))
    kept = min(levels, len(bars))
    if kept:
        births, deaths = bars.unsqueeze(1).unbind(dim=2)
        parts = at.split(max(1, _TABLE // len(bars)))
        heights = (torch.minimum(part - births, deaths - part).clamp_(min=0) for part in parts)
        landscape[:kept] = torch.cat([h.topk(kept, dim=0).values for h in heights], dim=1)
    return landscape


def curve_distance(one: Tensor, other: Tensor, scales: Tensor) -> Tensor:
    """The area between two curves: the integral of their absolute difference.

    Parameters
    ----------
    one, other
        Shape ``(…, s)``: the curves' values at the scales.
    scales
        Shape ``(s,)``, rising.

    Returns
    -------
    Tensor
        Shape ``(…)``, by the trapezoidal rule, of the scales' dtype or float64 if they are
        integers.

    Raises
    ------
    ValueError
        If the scales do not rise or are not as many as the curves' values.
    """
    if scales.ndim != 1 or not bool((scales.diff() > 0).all()):
        raise ValueError("scales does not rise; allowed: shape (s,), from small to large")
    for name, curve in (("one", one), ("other", other)):
        if curve.ndim < 1 or curve.shape[-1] != len(scales):
            raise ValueError(
                f"{name} has shape {tuple(curve.shape)}; allowed: (…, {len(scales)}), a value for "
                "each scale"
            )
    at = scales if scales.is_floating_point() else scales.double()
    at = at.to(one.device)
    return torch.trapezoid((one.to(at) - other.to(at)).abs(), at, dim=-1)


def bottleneck(one: Tensor, other: Tensor) -> float:
    """How far the worst of the bars has to move if one diagram is to become the other.

    Bars are matched with bars, or with bars of no length; the cost of a match is the larger change
    of birth and of death.

    Parameters
    ----------
    one, other
        Bars of shape ``(m, 2)`` and ``(k, 2)``.

    Returns
    -------
    float
        The smallest cost that the worst match can have. Bars that never end are matched with each
        other; if there are more of them in one diagram, the distance is infinite.

    References
    ----------
    Computed by persim. That a diagram moves by no more than the distances do is the theorem of
    D. Cohen-Steiner, H. Edelsbrunner and J. Harer, *Stability of persistence diagrams*, Discrete &
    Computational Geometry 37 (2007).
    """
    finite, endless = _split(one, other)
    if endless is None:
        return math.inf
    import persim

    worst = float(endless.max()) if len(endless) else 0.0
    return max(worst, float(persim.bottleneck(*finite)) if _any(finite) else 0.0)


def wasserstein(one: Tensor, other: Tensor) -> float:
    """How far all bars together have to move if one diagram is to become the other.

    As `bottleneck`, but the costs of the matches are added up, and a bar moves in a straight line:
    the cost of a match is its length in the plane of births and deaths.

    Returns
    -------
    float
        The smallest sum, by persim. (The 1-Wasserstein distance with the L2 metric in the plane.)
    """
    finite, endless = _split(one, other)
    if endless is None:
        return math.inf
    import persim

    return float(endless.sum()) + (float(persim.wasserstein(*finite)) if _any(finite) else 0.0)


def _split(one: Tensor, other: Tensor) -> tuple[list[Any], Tensor | None]:
    """The bars that end, for persim; and by how much the births of the others differ."""
    for name, bars in (("one", one), ("other", other)):
        _check_bars(name, bars)
    both = [bars.detach().to("cpu", torch.float64) for bars in (one, other)]
    ends = [bars[:, 1].isfinite() for bars in both]
    finite = [
        bars[e & (bars[:, 0] < bars[:, 1])].numpy() for bars, e in zip(both, ends, strict=True)
    ]
    births = [bars[~e, 0].sort().values for bars, e in zip(both, ends, strict=True)]
    if len(births[0]) != len(births[1]):
        return finite, None
    return finite, (births[0] - births[1]).abs()


def _any(finite: list[Any]) -> bool:
    return any(len(bars) for bars in finite)


def _check_bars(name: str, bars: Tensor, dimensions: tuple[int, ...] | None = (2,)) -> None:
    wanted = bars.ndim >= 2 if dimensions is None else bars.ndim in dimensions
    if not wanted or bars.shape[-1] != 2:
        raise ValueError(
            f"{name} has shape {tuple(bars.shape)}; allowed: (m, 2), births and deaths"
        )
    if not bars.is_floating_point():
        raise ValueError(f"{name} is {bars.dtype}; allowed: a floating-point dtype")
    if not bool((bars[..., 0] <= bars[..., 1]).all()) or bool(bars[..., 0].isinf().any()):
        raise ValueError(
            f"{name} has a bar that does not end after it begins; allowed: birth ≤ death"
        )


def _scales(scales: Tensor, bars: Tensor) -> Tensor:
    if scales.ndim != 1:
        raise ValueError(f"scales has shape {tuple(scales.shape)}; allowed: (s,)")
    if bool(scales.isnan().any()):
        raise ValueError("scales has nan; allowed: numbers")
    return scales.to(bars.device)
