"""PCA against scikit-learn's, and what t-SNE promises."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA as Theirs
from sklearn.manifold import TSNE, trustworthiness

from helpers.embedding import pca, tsne

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)


def _features(seed: int, n: int, d: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Of plainly different variances in directions of chance, away from zero."""
    generator = torch.Generator().manual_seed(seed)
    made = torch.randn(n, d, generator=generator, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    return ((made * 1.5 ** -torch.arange(d, dtype=torch.float64)) @ turn + 3).to(dtype)


@given(st.integers(2, 30), st.integers(1, 12), st.data(), st.booleans(), SEEDS)
@examples
def test_pca_is_scikit_learns(n: int, d: int, data: st.DataObject, turn: bool, seed: int) -> None:
    k = data.draw(st.integers(1, max(1, min(n - 1, d))))
    features = _features(seed, n, d)
    features = features.mT.contiguous().mT if turn else features
    found, theirs = pca(features, k), Theirs(k, svd_solver="full").fit(features.numpy())
    torch.testing.assert_close(found.mean, torch.from_numpy(theirs.mean_))
    variances = torch.from_numpy(theirs.explained_variance_)
    torch.testing.assert_close(found.variances, variances)
    torch.testing.assert_close(found.shares, torch.from_numpy(theirs.explained_variance_ratio_))
    ours, other = found(features), torch.from_numpy(theirs.transform(features.numpy()))
    signs = torch.where((ours * other).sum(dim=0) < 0, -1.0, 1.0)
    torch.testing.assert_close(ours, other * signs, rtol=1e-5, atol=1e-6)


@given(st.integers(3, 20), st.integers(1, 8), SEEDS)
@examples
def test_pca_with_all_components_loses_nothing(n: int, d: int, seed: int) -> None:
    features = _features(seed, n, d)
    found = pca(features, min(n, d))
    torch.testing.assert_close(found.inverse(found(features)), features)
    products = found.directions @ found.directions.mT
    torch.testing.assert_close(products, torch.eye(min(n, d), dtype=torch.float64))


def test_signs_are_settled() -> None:
    features = _features(1, 20, 5)
    greatest = pca(features, 3).directions
    largest = greatest.gather(1, greatest.abs().argmax(dim=1, keepdim=True))
    assert (largest > 0).all()
    torch.testing.assert_close(pca(features.flip(0), 3).directions, greatest)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_pca_keeps_the_dtype(dtype: torch.dtype) -> None:
    found = pca(_features(0, 12, 4, dtype), 2)
    for part in (found.mean, found.directions, found.variances, found.shares):
        assert part.dtype == dtype


def test_pca_of_what_does_not_vary() -> None:
    found = pca(torch.ones(4, 3), 2)
    assert found.variances.tolist() == found.shares.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("features", "components"),
    [
        (torch.zeros(3), 1),
        (torch.zeros(1, 3), 1),
        (torch.zeros(4, 0), 1),
        (torch.zeros(4, 3), 0),
        (torch.zeros(4, 3), 4),
        (torch.zeros(2, 3), 3),
        (torch.zeros(4, 3, dtype=torch.int64), 1),
    ],
)
def test_pca_refuses(features: torch.Tensor, components: int) -> None:
    with pytest.raises(ValueError, match="allowed"):
        pca(features, components)


def test_tsne_keeps_neighbors() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(90, 60, generator=generator)
    features[:30, 0] += 30
    features[30:60, 1] += 30
    places = tsne(features, perplexity=10)
    assert places.shape == (90, 2) and places.dtype == features.dtype
    assert trustworthiness(features.numpy(), places.numpy(), n_neighbors=5) > 0.7
    whose = torch.arange(3).repeat_interleave(30)
    distances = torch.cdist(places, places).fill_diagonal_(torch.inf)
    assert (whose[distances.argmin(dim=1)] == whose).all()
    torch.testing.assert_close(tsne(features, perplexity=10), places)


def test_tsne_without_reducing_is_scikit_learns() -> None:
    features = _features(3, 40, 6, torch.float32)
    theirs = TSNE(2, perplexity=8, init="pca", random_state=5).fit_transform(features.numpy())
    ours = tsne(features, perplexity=8, seed=5, reduce_to=None)
    torch.testing.assert_close(ours, torch.from_numpy(theirs))


@pytest.mark.parametrize(
    ("features", "options"),
    [
        (torch.zeros(3, 3), {}),
        (torch.zeros(40), {}),
        (torch.zeros(40, 3, dtype=torch.int64), {}),
        (torch.zeros(20, 3), {"perplexity": 20}),
        (torch.zeros(20, 3), {"perplexity": 0}),
        (torch.zeros(40, 3), {"components": 4}),
        (torch.zeros(40, 1), {"components": 2}),
        (torch.zeros(40, 3), {"reduce_to": 1}),
    ],
)
def test_tsne_refuses(features: torch.Tensor, options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        tsne(features, **options)  # type: ignore[arg-type]
