"""What is read off diagrams, against counting bar by bar, scipy and GUDHI."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from helpers.topology.betti import (
    betti_curve,
    betti_numbers,
    bottleneck,
    curve_distance,
    persistence_landscape,
    total_persistence,
    wasserstein,
)

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@st.composite
def bars_of(draw: Any, most: int = 12, endless: bool = True, least: int = 0) -> Tensor:
    """Births and deaths on a coarse grid, so that many are equal to each other and to scales."""
    count = draw(st.integers(least, most))
    births = [draw(st.integers(-4, 12)) / 4 for _ in range(count)]
    lengths = [draw(st.integers(0, 8)) / 4 for _ in range(count)]
    ends = [draw(st.booleans()) and endless for _ in range(count)]
    rows = [[b, math.inf if e else b + n] for b, n, e in zip(births, lengths, ends, strict=True)]
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    return torch.tensor(rows, dtype=dtype).reshape(-1, 2)


SCALES = st.lists(st.integers(-6, 24).map(lambda n: n / 4), min_size=1, max_size=9)


def _alive(bars: Tensor, scale: float) -> int:
    return sum(birth <= scale < death for birth, death in bars.tolist())


# Betti numbers and curves


@pytest.mark.parametrize("device", DEVICES)
@given(bars=bars_of(), scales=SCALES)
@examples
def test_a_curve_counts_bar_by_bar(device: str, bars: Tensor, scales: list[float]) -> None:
    for dtype in (torch.float32, torch.float64):
        found = betti_curve(bars.to(device), torch.tensor(scales, dtype=dtype))
        assert found.dtype == torch.int64 and found.device.type == device
        assert found.tolist() == [_alive(bars, scale) for scale in scales]
    for scale in scales:
        assert betti_numbers([bars.to(device), bars[:1]], scale) == [
            _alive(bars, scale),
            _alive(bars[:1], scale),
        ]


@given(batch=st.lists(bars_of(most=6), min_size=1, max_size=4), scales=SCALES)
@examples
def test_a_batch_is_filled_up_with_bars_of_no_length(
    batch: list[Tensor], scales: list[float]
) -> None:
    longest = max(len(bars) for bars in batch)
    filled = torch.zeros(len(batch), longest, 2)
    for place, bars in zip(filled, batch, strict=True):
        place[: len(bars)] = bars
    at = torch.tensor(scales)
    found = betti_curve(filled, at)
    assert torch.equal(found, torch.stack([betti_curve(bars, at) for bars in batch]))
    totals = total_persistence(filled)
    torch.testing.assert_close(totals, torch.stack([total_persistence(b.float()) for b in batch]))


def test_infinite_and_whole_scales() -> None:
    bars = torch.tensor([[0.0, math.inf], [1.0, 2.0]])
    scales = torch.tensor([-math.inf, 0, 1, math.inf])
    assert betti_curve(bars, scales).tolist() == [0, 1, 2, 0]
    assert betti_curve(bars, torch.arange(4)).tolist() == [1, 2, 1, 1]
    assert betti_curve(bars[:0], scales).tolist() == [0, 0, 0, 0]
    assert betti_curve(bars.bfloat16(), torch.arange(4)).tolist() == [1, 2, 1, 1]


@given(bars=bars_of())
@examples
def test_total_persistence_is_the_finite_lengths(bars: Tensor) -> None:
    lengths = [death - birth for birth, death in bars.tolist() if death < math.inf]
    assert float(total_persistence(bars)) == pytest.approx(sum(lengths))


def test_total_persistence_has_a_gradient() -> None:
    bars = torch.tensor([[0.0, 2.0], [1.0, math.inf]], requires_grad=True)
    total_persistence(bars).backward()
    assert bars.grad is not None and bars.grad.tolist() == [[-1, 1], [0, 0]]


# landscapes


@pytest.mark.parametrize("table", [1, 2**24])
@given(bars=bars_of(), scales=SCALES, levels=st.integers(1, 5))
@examples
def test_landscape_by_sorting_heights(
    table: int, bars: Tensor, scales: list[float], levels: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helpers.topology.betti._TABLE", table)
        found = persistence_landscape(bars, torch.tensor(scales), levels)
    for column, scale in enumerate(scales):
        heights = [max(0.0, min(scale - b, d - scale)) for b, d in bars.tolist()]
        expected = (sorted(heights, reverse=True) + [0.0] * levels)[:levels]
        assert found[:, column].tolist() == pytest.approx(expected)


def test_landscape_is_gudhis() -> None:
    landscape = pytest.importorskip("gudhi.representations").Landscape
    births = torch.rand(50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    bars = torch.stack([births, births + births.flip(0)], dim=1)
    scales = torch.linspace(0, 2, 41, dtype=torch.float64)
    theirs = landscape(num_landscapes=4, resolution=41, sample_range=[0, 2]).fit_transform(
        [bars.numpy()]
    )
    ours = persistence_landscape(bars, scales, 4)
    torch.testing.assert_close(ours * 2**0.5, torch.from_numpy(theirs.reshape(4, 41)))


# distances


@given(one=bars_of(), other=bars_of(), scales=SCALES)
@examples
def test_curve_distance_is_numpys_trapezoid(
    one: Tensor, other: Tensor, scales: list[float]
) -> None:
    at = torch.tensor(sorted(set(scales)), dtype=torch.float64)
    curves = betti_curve(one, at), betti_curve(other, at)
    gap = np.abs(curves[0].numpy() - curves[1].numpy()).astype(float)
    expected = float(np.sum((gap[1:] + gap[:-1]) / 2 * np.diff(at.numpy())))
    assert float(curve_distance(*curves, at)) == pytest.approx(expected)
    assert float(curve_distance(curves[0], curves[0], at)) == 0
    whole = torch.arange(len(at))
    assert curve_distance(curves[0].unsqueeze(0), curves[1], whole).shape == (1,)


def _matchings(one: Tensor, other: Tensor, worst: bool) -> float:
    """The best of all matchings, tried out one after the other."""
    a, b = one.double().numpy(), other.double().numpy()
    best = math.inf
    for size in range(min(len(a), len(b)) + 1):
        for left in itertools.combinations(range(len(a)), size):
            for right in itertools.permutations(range(len(b)), size):
                moves = [a[i] - b[j] for i, j in zip(left, right, strict=True)]
                rest = [a[i] for i in range(len(a)) if i not in left]
                rest += [b[j] for j in range(len(b)) if j not in right]
                if worst:
                    costs = [np.abs(m).max() for m in moves] + [(d - x) / 2 for x, d in rest]
                else:
                    costs = [np.hypot(*m) for m in moves] + [(d - x) / 2**0.5 for x, d in rest]
                best = min(best, (max(costs, default=0.0) if worst else sum(costs)))
    return float(best)


@given(one=bars_of(most=3, endless=False), other=bars_of(most=4, endless=False))
@settings(deadline=None, max_examples=30)
def test_bottleneck_and_wasserstein_are_the_best_matching(one: Tensor, other: Tensor) -> None:
    assert bottleneck(one, other) == pytest.approx(_matchings(one, other, True), abs=1e-6)
    assert wasserstein(one, other) == pytest.approx(_matchings(one, other, False), abs=1e-6)
    assert bottleneck(other, one) == pytest.approx(bottleneck(one, other))
    assert wasserstein(one, one) == pytest.approx(0, abs=1e-6) and bottleneck(one, one) == 0


def test_bars_that_never_end_are_matched_with_each_other() -> None:
    one = torch.tensor([[0.0, math.inf], [3.0, math.inf], [1.0, 2.0]])
    other = torch.tensor([[3.5, math.inf], [0.25, math.inf]])
    assert bottleneck(one, other) == 0.5
    assert wasserstein(one, other) == pytest.approx(0.75 + 1 / 2**0.5)
    assert bottleneck(one, other[:1]) == math.inf == wasserstein(other[:1], one)
    assert bottleneck(one[:0], one[:0]) == 0 == wasserstein(one[:0], one[:0])


# what is refused


GOOD, AT = torch.tensor([[0.0, 1.0]]), torch.tensor([0.0, 1.0])


@pytest.mark.parametrize(
    "bars",
    [
        torch.zeros(2),
        torch.zeros(2, 3),
        torch.zeros(2, 2, dtype=torch.int64),
        torch.tensor([[1.0, 0.0]]),
        torch.tensor([[0.0, math.nan]]),
        torch.tensor([[math.nan, 0.0]]),
        torch.tensor([[-math.inf, 0.0]]),
    ],
)
def test_what_is_no_bar_is_told(bars: Tensor) -> None:
    calls = [
        lambda: betti_numbers([bars], 1.0),
        lambda: betti_curve(bars, AT),
        lambda: total_persistence(bars),
        lambda: persistence_landscape(bars, AT),
        lambda: bottleneck(GOOD, bars),
        lambda: wasserstein(bars, GOOD),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="allowed"):
            call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: betti_numbers([GOOD], math.nan), "scale is nan"),
        (lambda: betti_curve(GOOD, torch.zeros(2, 2)), r"scales has shape \(2, 2\)"),
        (lambda: betti_curve(GOOD, torch.tensor([math.nan])), "scales has nan"),
        (lambda: persistence_landscape(GOOD, AT, 0), "levels is 0"),
        (lambda: curve_distance(AT, AT, AT.flip(0)), "scales does not rise"),
        (lambda: curve_distance(AT, AT[:1], AT), r"other has shape \(1,\)"),
    ],
)
def test_bad_arguments_are_told(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
