"""Neighbors, classes, probes and CKA against scikit-learn and against the formulas as printed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from helpers import probes
from helpers.probes import cka, knn_purity, linear_probe, separability

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _normal(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def _labels(seed: int, n: int, classes: int) -> Tensor:
    return torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))


# purity


@given(st.integers(3, 60), st.integers(1, 6), st.data(), SEEDS)
@examples
def test_purity_is_that_of_scikit_learns_neighbors(
    n: int, d: int, data: st.DataObject, seed: int
) -> None:
    k = data.draw(st.integers(1, n - 1))
    features, labels = _normal(seed, n, d), _labels(seed, n, 3)
    found = NearestNeighbors(n_neighbors=k).fit(features.numpy())
    near = torch.from_numpy(found.kneighbors(return_distance=False))  # without the sample itself
    expected = (labels[near] == labels[:, None]).double().mean(dim=1)
    torch.testing.assert_close(knn_purity(features, labels, k), expected)


def test_purity_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _normal(0, 50, 3), _labels(0, 50, 4)
    whole = knn_purity(features, labels, 5)
    monkeypatch.setattr(probes, "_ROWS", 7)
    torch.testing.assert_close(knn_purity(features, labels, 5), whole)


def test_a_twin_is_a_neighbor_and_oneself_is_not() -> None:
    features = torch.tensor([[0.0], [5.0], [0.0], [5.0]])
    assert knn_purity(features, torch.tensor([0, 1, 0, 2]), 1).tolist() == [1, 0, 1, 0]


def test_purity_far_from_zero() -> None:
    features, labels = _normal(4, 200, 3, dtype=torch.float32), _labels(4, 200, 3)
    near = knn_purity(features, labels, 5)
    torch.testing.assert_close(knn_purity(features + 512, labels, 5).mean(), near.mean(), atol=0.02,
                               rtol=0)  # fmt: skip


# separability


@given(st.integers(2, 40), st.integers(1, 5), st.integers(1, 5), SEEDS)
@examples
def test_between_and_within_make_the_whole(n: int, d: int, classes: int, seed: int) -> None:
    features, labels = _normal(seed, n, d) + 4, 3 * _labels(seed, n, classes) - 2
    within = sum(
        (features[labels == c] - features[labels == c].mean(0)).square().sum()
        for c in labels.unique()
    )
    expected = 1 - within / (features - features.mean(0)).square().sum()
    torch.testing.assert_close(separability(features, labels), expected)


def test_the_ends_of_separability() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    assert separability(torch.tensor([[1.0], [3.0], [7.0], [9.0]]), labels).item() == pytest.approx(
        0.9
    )
    assert separability(torch.tensor([[1.0], [1.0], [7.0], [7.0]]), labels).item() == 1
    assert separability(torch.tensor([[1.0], [3.0], [1.0], [3.0]]), labels).item() == 0
    assert separability(torch.ones(4, 2), labels).item() == 0


# linear probe


@given(st.integers(3, 30), st.integers(1, 30), st.integers(1, 4), st.floats(0.01, 10), SEEDS)
@examples
def test_the_probe_is_scikit_learns_ridge(
    n: int, d: int, classes: int, ridge: float, seed: int
) -> None:
    features, labels = _normal(seed, n, d) + 2, _labels(seed, n, classes)
    targets = torch.nn.functional.one_hot(labels).double()
    alpha = ridge * (features - features.mean(0)).square().sum().item() / d
    theirs = Ridge(alpha=alpha).fit(features.numpy(), targets.numpy())
    probe, others = linear_probe(features, labels, ridge), _normal(seed + 1, 5, d)
    expected = torch.from_numpy(theirs.predict(others.numpy())).reshape(5, -1)
    torch.testing.assert_close(probe.scores(others), expected, rtol=1e-6, atol=1e-8)


def test_scores_do_not_depend_on_scale_place_or_rotation() -> None:
    features, labels = _normal(0, 30, 4), _labels(0, 30, 3)
    turn = torch.linalg.qr(_normal(1, 4, 4)).Q
    moved = 50 * features @ turn + 7
    plain, other = linear_probe(features, labels), linear_probe(moved, labels)
    torch.testing.assert_close(plain.scores(features), other.scores(moved))


def test_accuracy_counts() -> None:
    probe = linear_probe(
        torch.tensor([[-3.0], [-1.0], [1.0], [3.0]]), torch.tensor([0, 0, 1, 1]), 1.0
    )
    torch.testing.assert_close(probe.scores(torch.tensor([[-3.0]])), torch.tensor([[0.8, 0.2]]))
    others = torch.tensor([[-2.0], [2.0], [4.0], [5.0]])
    assert probe.accuracy(others, torch.tensor([0, 1, 1, 0])) == 0.75


# CKA


def _naive(x: Tensor, y: Tensor) -> Tensor:
    """As first defined: with the matrices of all pairs and the centering matrix."""
    n = len(x)
    h = torch.eye(n, dtype=x.dtype) - 1 / n
    k, m = h @ x @ x.T @ h, h @ y @ y.T @ h
    return (k * m).sum() / (k.norm() * m.norm())


def _naive_debiased(x: Tensor, y: Tensor) -> Tensor:
    """Song et al., their equation with vectors of ones."""
    n, one = len(x), torch.ones(len(x), dtype=x.dtype)

    def hsic(a: Tensor, b: Tensor) -> Any:
        first = torch.trace(a @ b)
        second = (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
        return (first + second - 2 / (n - 2) * (one @ a @ b @ one)) / (n * (n - 3))

    k, m = (a @ a.T * (1 - torch.eye(n, dtype=x.dtype)) for a in (x, y))
    return hsic(k, m) / (hsic(k, k) * hsic(m, m)) ** 0.5


@given(st.integers(5, 20), st.integers(1, 30), st.integers(1, 30), st.booleans(), SEEDS)
@examples
def test_cka_is_the_naive_one(n: int, d: int, e: int, debiased: bool, seed: int) -> None:
    x, y = _normal(seed, n, d) + 1, _normal(seed + 1, n, e) - 2
    y[:, 0] += x[:, 0]
    expected = _naive_debiased(x, y) if debiased else _naive(x, y)
    torch.testing.assert_close(cka(x, y, debiased=debiased), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_of_a_batch(debiased: bool) -> None:
    x, y = _normal(0, 2, 3, 9, 4), _normal(1, 2, 3, 9, 20)
    expected = [[cka(a, b, debiased=debiased) for a, b in zip(*two, strict=True)]
                for two in zip(x, y, strict=True)]  # fmt: skip
    torch.testing.assert_close(cka(x, y, debiased=debiased), torch.tensor(expected).double())


@pytest.mark.parametrize("debiased", [True, False])
def test_cka_ignores_rotation_place_and_scale(debiased: bool) -> None:
    x = _normal(0, 40, 6)
    turn = torch.linalg.qr(_normal(1, 6, 6)).Q
    moved = 1e-6 * x @ turn + 3
    assert cka(x, moved, debiased=debiased).item() == pytest.approx(1, abs=1e-6)


def test_noise() -> None:
    x, y = _normal(0, 200, 1000), _normal(1, 200, 1000)
    assert cka(x, y, debiased=False).item() == pytest.approx(0.83, abs=0.01)
    assert abs(cka(x, y).item()) < 0.02


@pytest.mark.parametrize("debiased", [True, False])
def test_many_samples_need_no_table_of_pairs(debiased: bool) -> None:
    x = _normal(0, 200_000, 3, dtype=torch.float32)  # a table of pairs would be 160 GB
    assert 0 < cka(x, x[:, :1] + 1, debiased=debiased).item() < 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_kept(dtype: torch.dtype) -> None:
    x, labels = _normal(0, 20, 6, dtype=dtype), _labels(0, 20, 3)
    assert knn_purity(x, labels, 3).dtype == dtype
    assert separability(x, labels).dtype == dtype
    assert linear_probe(x, labels).scores(x).dtype == dtype
    assert cka(x, x).dtype == cka(x, x, debiased=False).dtype == dtype
    assert cka(x, x).item() == pytest.approx(1, abs=1e-2)


X, Y = torch.zeros(6, 3), torch.zeros(6, dtype=torch.int64)


@pytest.mark.parametrize(
    "call",
    [
        lambda: knn_purity(X, Y, 0),
        lambda: knn_purity(X, Y, 6),
        lambda: knn_purity(X[0], Y, 1),
        lambda: knn_purity(X, Y[:5], 1),
        lambda: knn_purity(X.long(), Y, 1),
        lambda: separability(X, Y[:5]),
        lambda: separability(X[:0], Y[:0]),
        lambda: linear_probe(X, Y, 0),
        lambda: linear_probe(X, Y - 1),
        lambda: linear_probe(X, Y.float()),
        lambda: cka(X, X[:5]),
        lambda: cka(X[:3], X[:3]),
        lambda: cka(X[:1], X[:1], debiased=False),
        lambda: cka(X, X.double()),
        lambda: cka(X.long(), X.long()),
        lambda: cka(X[0], X[0]),
    ],
)
def test_bad_input(call: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        call()
