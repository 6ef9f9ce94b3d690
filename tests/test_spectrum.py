"""Spectra and estimators against NumPy, SciPy, scikit-learn and known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from helpers import plots
from helpers.plots.spectra import points as shown_points
from helpers.spectrum import (
    best_x_min,
    eigenspectrum,
    goodness_of_fit,
    neighbor_ratios,
    participation_ratio,
    power_law_likelihood,
    power_law_rank,
    two_nn,
)

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)
FLOATS = st.sampled_from([torch.float32, torch.float64])


def _normal(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def _pareto(seed: int, count: int, exponent: float) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(count, generator=generator, dtype=torch.float64)
    return (1 - uniform) ** (-1 / (exponent - 1))


# eigenspectrum


@given(st.lists(st.integers(1, 3), max_size=2), st.integers(2, 9), st.integers(1, 9), FLOATS, SEEDS)
@examples
def test_the_spectrum_is_numpys_by_covariance_and_by_singular_values(
    batch: list[int], samples: int, features: int, dtype: torch.dtype, seed: int
) -> None:
    outputs = _normal(seed, *batch, samples, features, dtype=dtype) + 3
    found = eigenspectrum(outputs)
    least = min(samples, features)
    assert found.shape == (*batch, least) and found.dtype == dtype
    assert bool((found.diff(dim=-1) <= 0).all()) and bool((found >= 0).all())
    close = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-8, "atol": 1e-9}
    for one, values in zip(
        outputs.reshape(-1, samples, features).double().numpy(),
        found.reshape(-1, least),
        strict=True,
    ):
        covariance = np.atleast_2d(np.cov(one, rowvar=False))
        by_numpy = np.linalg.eigvalsh(covariance)[::-1][:least].copy()
        torch.testing.assert_close(values.double(), torch.from_numpy(by_numpy), **close)
        by_svd = np.linalg.svd(one - one.mean(0), compute_uv=False) ** 2 / (samples - 1)
        torch.testing.assert_close(values.double(), torch.from_numpy(by_svd), **close)


def test_the_spectrum_of_many_samples_needs_no_large_matrix() -> None:
    outputs = _normal(0, 200_000, 3)  # 320 GB as n×n
    assert eigenspectrum(outputs).shape == (3,)
    assert eigenspectrum(outputs.T).shape == (3,)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    found = eigenspectrum(_normal(0, 50, 4, dtype=dtype))
    assert found.dtype == torch.float32


def test_the_spectrum_has_a_gradient() -> None:
    outputs = _normal(0, 7, 3).requires_grad_()
    assert torch.autograd.gradcheck(eigenspectrum, outputs)


# power laws


@given(SEEDS, st.integers(3, 40), st.floats(0.2, 3), st.floats(0.1, 10), st.data())
@examples
def test_the_rank_fit_is_scipys_regression(
    seed: int, count: int, alpha: float, scale: float, data: st.DataObject
) -> None:
    noise = (0.2 * _normal(seed, count)).exp()
    values = scale * torch.arange(1, count + 1).double() ** -alpha * noise
    values = values.sort(descending=True).values
    first = data.draw(st.integers(1, count - 2))
    last = data.draw(st.integers(first + 2, count))
    law = power_law_rank(values, first, last)
    x = np.log(np.arange(first, last + 1))
    by_scipy = stats.linregress(x, np.log(values[first - 1 : last].numpy()))
    assert law.exponent == pytest.approx(-by_scipy.slope)
    assert law.error == pytest.approx(by_scipy.stderr, rel=1e-5, abs=1e-9)
    assert law.scale == pytest.approx(math.exp(by_scipy.intercept))
    assert law.count == last - first + 1
    assert law.high - law.low == pytest.approx(2 * 1.959964 * law.error, rel=1e-5)


@pytest.mark.parametrize("alpha", [0.8, 1.0, 1.5, 2.0])
def test_exact_spectra_by_rank_and_by_likelihood(alpha: float) -> None:
    values = 3 * torch.arange(1, 1001).double() ** -alpha
    law = power_law_rank(values)
    assert law.exponent == pytest.approx(alpha) and law.scale == pytest.approx(3)
    torch.testing.assert_close(law.at(torch.arange(1, 1001).double()), values)
    gamma = power_law_likelihood(values).exponent
    assert gamma == pytest.approx(1 + 1 / alpha, abs=0.006)
    stirling = math.log(1000) - math.lgamma(1001) / 1000
    assert gamma == pytest.approx(1 + 1 / (alpha * stirling))


@given(SEEDS, st.integers(5, 200), st.floats(1.3, 4), st.floats(0.1, 10))
@examples
def test_the_likelihood_is_greatest_at_the_estimate_and_is_scipys(
    seed: int, count: int, exponent: float, x_min: float
) -> None:
    values = x_min * _pareto(seed, count, exponent)
    law = power_law_likelihood(values, x_min)
    shape, _, _ = stats.pareto.fit(values.numpy(), floc=0, fscale=x_min)
    assert law.exponent == pytest.approx(1 + shape, rel=1e-6)
    assert law.error == pytest.approx((law.exponent - 1) / count**0.5)
    x = torch.tensor([x_min, 2 * x_min, 9 * x_min], dtype=torch.float64)
    by_scipy = stats.pareto.pdf(x.numpy(), law.exponent - 1, scale=x_min)
    torch.testing.assert_close(law.at(x), torch.from_numpy(by_scipy))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    laws = [power_law_likelihood(_pareto(seed, 300, 2.5), 1.0) for seed in range(400)]
    assert 0.92 < sum(law.low <= 2.5 <= law.high for law in laws) / 400 < 0.98
    narrow = [power_law_likelihood(_pareto(s, 300, 2.5), 1.0, confidence=0.5) for s in range(400)]
    assert 0.42 < sum(law.low <= 2.5 <= law.high for law in narrow) / 400 < 0.58


def test_values_below_x_min_do_not_count() -> None:
    values = torch.tensor([0.1, 1.0, 2.0, 4.0, 8.0, -3.0])
    law = power_law_likelihood(values, 1.0)
    assert (law.count, round(law.exponent, 3), round(law.error, 3)) == (4, 1.962, 0.481)


@given(SEEDS, st.integers(5, 60))
@examples
def test_the_distance_is_scipys(seed: int, count: int) -> None:
    values = _pareto(seed, count, 2.0)
    law = power_law_likelihood(values, 1.0)
    distance, _ = goodness_of_fit(values, 1.0, samples=1)
    by_scipy = stats.kstest(values.numpy(), stats.pareto(law.exponent - 1).cdf).statistic
    assert distance == pytest.approx(by_scipy)


def test_p_values_are_even_for_power_laws_and_small_for_others() -> None:
    generator = torch.Generator().manual_seed(0)
    ps = [
        goodness_of_fit(_pareto(seed, 100, 2.5), 1.0, samples=200, generator=generator)[1]
        for seed in range(200)
    ]
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    other = 1 + _normal(0, 500).abs()
    assert goodness_of_fit(other, 1.0, generator=generator)[1] < 0.01


def test_the_best_beginning_is_near_the_true_one() -> None:
    generator = torch.Generator().manual_seed(1)
    below = torch.rand(800, generator=generator, dtype=torch.float64)
    found = best_x_min(torch.cat([_pareto(2, 800, 2.5), below, -below]))
    assert 0.8 < found < 2


# dimension


@given(SEEDS, st.integers(1, 8), FLOATS)
@examples
def test_the_participation_ratio_counts_equal_directions(
    seed: int, count: int, dtype: torch.dtype
) -> None:
    values = torch.cat([torch.full((count,), 3.0), torch.zeros(4)]).to(dtype)
    values = values[torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))]
    found = participation_ratio(values)
    assert found.dtype == dtype and found.item() == pytest.approx(count)
    outputs = _normal(seed, 4, 9, count)
    both = participation_ratio(eigenspectrum(outputs))
    assert both.shape == (4,)
    for one, ratio in zip(outputs, both, strict=True):
        covariance = np.atleast_2d(np.cov(one.numpy(), rowvar=False))
        assert ratio.item() == pytest.approx(np.trace(covariance) ** 2 / (covariance**2).sum())


@given(
    SEEDS, st.integers(12, 60), st.integers(1, 6), st.integers(1, 100), st.floats(0, 1e4), FLOATS
)
@examples
def test_the_ratios_are_scikit_learns_neighbors(
    seed: int, count: int, features: int, chunk: int, offset: float, dtype: torch.dtype
) -> None:
    points = (_normal(seed, count, features) + offset).to(dtype)
    points = torch.cat([points, points[:3]])  # repeated
    different = np.unique(points.double().numpy(), axis=0)
    near, _ = NearestNeighbors(n_neighbors=3, algorithm="brute").fit(different).kneighbors()
    if offset > 10:  # scikit-learn's brute force uses matrix products as well
        near, _ = NearestNeighbors(n_neighbors=3, algorithm="kd_tree").fit(different).kneighbors()
    found = neighbor_ratios(points, chunk=chunk)
    expected = torch.from_numpy(near[:, 1] / near[:, 0])
    torch.testing.assert_close(found.sort().values, expected.sort().values, rtol=1e-5, atol=1e-8)
    kept = min(int(0.9 * len(expected)), len(expected) - 1)
    x = np.sort(np.log(expected.numpy()))[:kept]
    y = -np.log(1 - np.arange(1, kept + 1) / len(expected))
    assert two_nn(points) == pytest.approx(
        np.linalg.lstsq(x[:, None], y, rcond=None)[0][0], rel=1e-4
    )


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_two_nn_finds_the_dimension_of_known_manifolds(dimension: int) -> None:
    flat = torch.rand(2000, dimension, generator=torch.Generator().manual_seed(0)).double()
    turned = flat @ _normal(1, dimension, 30)
    assert two_nn(turned) == pytest.approx(dimension, rel=0.12)
    assert 1 / neighbor_ratios(turned).log().mean().item() == pytest.approx(dimension, rel=0.12)


def test_two_nn_finds_the_sphere_and_does_not_mind_an_offset() -> None:
    sphere = torch.nn.functional.normalize(_normal(0, 2000, 3))
    assert two_nn(sphere) == pytest.approx(2, rel=0.1)
    assert two_nn(sphere + 1e4) == pytest.approx(two_nn(sphere), rel=1e-4)


# bad input, other devices, pictures


def test_bad_input_is_named() -> None:
    values = torch.tensor([3.0, 2.0, 1.0])
    for call, said in {
        lambda: eigenspectrum(torch.zeros(1, 4)): r"outputs has shape \(1, 4\)",
        lambda: eigenspectrum(torch.zeros(3, 4, dtype=torch.int64)): "outputs is torch.int64",
        lambda: power_law_rank(values.flip(0)): "eigenvalues rises",
        lambda: power_law_rank(values - 1): "eigenvalues has 0 between",
        lambda: power_law_rank(values, 3, 3): "first, last is 3, 3",
        lambda: power_law_rank(values, 0): "first, last is 0, 3",
        lambda: power_law_rank(values[None]): "eigenvalues is torch.float32 of shape",
        lambda: power_law_rank(values, confidence=95): "confidence is 95",
        lambda: power_law_likelihood(values, 0): "x_min is 0",
        lambda: power_law_likelihood(values - 1): "x_min is 0",
        lambda: power_law_likelihood(values, 3): "values has 1 from x_min = 3",
        lambda: power_law_likelihood(torch.ones(4)): "one above it",
        lambda: power_law_likelihood(torch.zeros(0)): "values is empty",
        lambda: goodness_of_fit(values, samples=0): "samples is 0",
        lambda: best_x_min(values): "values has 3 positive numbers",
        lambda: best_x_min(values, least=1): "least is 1",
        lambda: participation_ratio(-values): "eigenvalues is torch.float32",
        lambda: participation_ratio(0 * values): "all 0",
        lambda: neighbor_ratios(torch.ones(5, 2)): "1 different points",
        lambda: two_nn(torch.ones(5, 2), discard=1): "discard is 1",
    }.items():
        with pytest.raises(ValueError, match=said):
            call()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    outputs = _normal(0, 300, 20) * torch.arange(1, 21) ** -0.5
    here, there = eigenspectrum(outputs), eigenspectrum(outputs.cuda())
    assert there.is_cuda
    torch.testing.assert_close(there.cpu(), here)
    assert power_law_rank(there).exponent == pytest.approx(power_law_rank(here).exponent)
    assert power_law_likelihood(there).exponent == pytest.approx(
        power_law_likelihood(here).exponent
    )
    assert goodness_of_fit(there, samples=5)[0] == pytest.approx(
        goodness_of_fit(here, samples=5)[0]
    )
    assert two_nn(outputs.cuda()) == pytest.approx(two_nn(outputs))


def test_points_are_drawn_with_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []
    monkeypatch.setattr(plots, "_display", lambda picture: pages.append(picture._repr_html_()))
    series = {"plain": ([1, 2, 3], [1.0, 0.5, 0.1]), "spread": ([1, 2], [1, 2], [0.5, 1], [2, 3])}
    shown_points(
        series, xlabel="rank", ylabel="eigenvalue", alt="Points.", log="xy",
        lines={"law": ([1, 2], [1, 0.5])},
    )  # fmt: skip
    [page] = pages
    assert all(f">{place}<" in page for place in (1, 2, 3))  # a short axis is marked at its points
    for text in ("plain", "spread", "law", "rank", "eigenvalue"):
        assert f">{text}<" in page
    assert "#000000" not in page and 'aria-label="Points."' in page
    for wrong, said in (
        ({}, "series is empty"),
        ({"a": ([0, 1], [1, 1])}, "logarithmic"),
        ({"a": ([1, 1], [1])}, "columns"),
    ):
        with pytest.raises(ValueError, match=said):
            shown_points(wrong, xlabel="x", ylabel="y", alt="Nothing.", log="x")
