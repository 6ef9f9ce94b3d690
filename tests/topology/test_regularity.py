"""Irregularity, clouds to compare with, intervals."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist, squareform
from torch import Tensor

from helpers.topology import betti_curve, curve_distance, regularity

seeds = st.integers(0, 2**31)


def bars(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    births = (5 * torch.rand(count, generator=generator, dtype=torch.float64)).round(decimals=1)
    length = 0.1 + (2 * torch.rand(count, generator=generator, dtype=torch.float64)).round(
        decimals=1
    )
    return torch.stack([births, births + length], dim=1)


@given(seeds, st.integers(2, 12), st.booleans())
@settings(deadline=None, max_examples=30)
def test_distances_over_the_median_of_all_pairs(seed: int, count: int, batched: bool) -> None:
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)).double().numpy()
    pairs = pdist(points, "cityblock")
    expected = torch.from_numpy(squareform(pairs) / stats.scoreatpercentile(pairs, 50))
    matrix = torch.from_numpy(squareform(pairs))
    if batched:
        found = regularity.scaled(torch.stack([matrix, 7 * matrix]))
        torch.testing.assert_close(found[1], expected)
        matrix = found[0]
    torch.testing.assert_close(regularity.scaled(matrix), expected)


@pytest.mark.parametrize("bad", [torch.zeros(3, 3), torch.zeros(1, 1), torch.zeros(2, 3)])
def test_a_matrix_without_a_median_is_refused(bad: Tensor) -> None:
    with pytest.raises(ValueError, match="allowed"):
        regularity.scaled(bad)


@given(seeds, st.integers(0, 9), st.integers(0, 9))
@settings(deadline=None, max_examples=40)
def test_areas_are_those_of_a_grid_that_meets_every_place(seed: int, one: int, other: int) -> None:
    a, b = bars(seed, one), bars(seed + 1, other)
    scales = torch.arange(0, 9, 0.05, dtype=torch.float64) + 0.025
    steps = (betti_curve(a, scales) - betti_curve(b, scales)).abs().sum().item() * 0.05
    assert regularity.area_between(a, b) == pytest.approx(steps, abs=1e-6)
    area = betti_curve(a, scales).sum().item() * 0.05
    assert regularity.total_area(a) == pytest.approx(area, abs=1e-6)
    fine = torch.linspace(0, 9, 9001, dtype=torch.float64)
    trapezoids = float(curve_distance(betti_curve(a, fine), betti_curve(b, fine), fine))
    assert regularity.area_between(a, b) == pytest.approx(trapezoids, abs=0.05)


def test_irregularity_by_hand_and_at_its_ends() -> None:
    two, one = torch.tensor([[1.0, 3], [2, 5]]), torch.tensor([[2.0, 4]])
    assert regularity.irregularity([two, one]) == pytest.approx(6 / 7)
    assert regularity.irregularity([two, two.flip(0), two]) == 0
    assert regularity.irregularity([one, one + 10]) == 2
    assert math.isnan(regularity.irregularity([one[:0], one[:0]]))
    with pytest.raises(ValueError, match="1 entries"):
        regularity.irregularity([one])
    with pytest.raises(ValueError, match="finite"):
        regularity.total_area(torch.tensor([[0.0, torch.inf]]))


def test_a_gaussian_cloud_has_the_mean_and_covariance() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(6, 3, generator=generator, dtype=torch.float64) + 5
    cloud = regularity.gaussian_like(points, 200_000, generator)
    torch.testing.assert_close(cloud.mean(dim=0), points.mean(dim=0), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(cloud.T), torch.cov(points.T), atol=0.05, rtol=0)


def test_random_layers_keep_lengths_about_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(50, 400, generator=generator)
    for relu in (True, False):
        outputs = regularity.random_layers(points, [500, 600], relu, generator)
        assert [tuple(o.shape) for o in outputs] == [(50, 500), (50, 600)]
        assert (outputs[0] < 0).any().item() is not relu
        per_number = outputs[1].square().mean().item()
        assert per_number == pytest.approx(1.0, rel=0.1)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.integers(1, 8))
@settings(deadline=None, max_examples=30)
def test_intervals_are_those_of_scipy(values: list[float], family: int) -> None:
    mean, low, high = regularity.paired_interval(values, family)
    expected = stats.ttest_1samp(values, 0) if len(set(values)) > 1 else None
    if expected is not None:
        ends = expected.confidence_interval(1 - 0.05 / family)
        assert (low, high) == pytest.approx((ends.low, ends.high), abs=1e-6)
    assert low <= mean <= high


def test_verdicts() -> None:
    said = {(-0.3, -0.1): "lower", (0.01, 0.05): "higher, small", (-0.05, 0.02): "small"}
    said |= {(-0.3, 0.05): "undecided", (0.2, 0.4): "higher", (-0.09, -0.01): "lower, small"}
    for ends, word in said.items():
        assert regularity.verdict(*ends) == word
