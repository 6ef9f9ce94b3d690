"""Diagrams against ripser.py and GUDHI, on clouds with and without ties; bad input refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from torch import Tensor

from helpers.topology import Diagram, pairwise_distances, persistence

examples = settings(deadline=None, max_examples=40)
SEEDS = st.integers(0, 10_000)
BACKENDS = ["torch", "gudhi", "ripser"]
KINDS = ["normal", "pixels", "grid", "relu", "circle", "geodesic", "arbitrary"]


def cloud(kind: str, n: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A distance matrix: exactly symmetric, zero on the diagonal."""
    draw = np.random.default_rng(seed)
    if kind == "arbitrary":  # no triangle inequality, many ties, some pairs never joined
        found = draw.integers(1, 9, (n, n)).astype(float)
        found[draw.random((n, n)) < 0.1] = np.inf
        found = np.triu(found, 1) + np.triu(found, 1).T
    else:
        points = _points(kind, n, draw)
        power = 1 if kind in ("pixels", "grid") else 2
        found = (np.abs(points[:, None] - points) ** power).sum(-1) ** (1 / power)
    if kind == "geodesic":
        far = np.partition(found, min(3, n - 1), axis=1)[:, min(3, n - 1), None]
        found = _shortest(np.where(found <= np.maximum(far, far.T), found, np.inf))
    return torch.from_numpy(found).to(dtype)


def _points(kind: str, n: int, draw: np.random.Generator) -> np.ndarray:
    if kind == "pixels":
        return draw.integers(0, 4, (n, 3)).astype(float)
    if kind == "grid":
        return np.stack(np.unravel_index(draw.permutation(64)[:n], (8, 8)), 1).astype(float)
    if kind == "relu":  # many samples where no unit is active
        return np.maximum(draw.normal(size=(n, 2)), 0)
    if kind == "circle":
        angle = draw.random(n) * 2 * np.pi
        return np.stack([np.cos(angle), np.sin(angle)], 1) + draw.normal(size=(n, 2)) * 0.1
    return draw.normal(size=(n, 4))


def _shortest(found: np.ndarray) -> np.ndarray:
    for k in range(len(found)):
        found = np.minimum(found, found[:, k, None] + found[None, k])
    return np.minimum(found, found.T)


def ripsers(distances: Tensor, max_dimension: int, threshold: float = math.inf) -> list[np.ndarray]:
    """What ripser.py says of the same matrix, sorted."""
    from ripser import ripser

    matrix = distances.numpy().astype(np.float32)
    finite = matrix[np.isfinite(matrix)]
    limit = min(threshold, float(finite.max()))
    found = ripser(matrix, max_dimension, limit, 2, distance_matrix=True)["dgms"]
    return [table[np.lexsort((table[:, 1], table[:, 0]))] for table in found]


def agree(diagram: Diagram, expected: list[np.ndarray]) -> None:
    assert len(diagram) == len(expected)
    for ours, theirs in zip(diagram, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6, atol=1e-6)


@given(st.sampled_from(KINDS), st.integers(1, 40), SEEDS, st.sampled_from(BACKENDS), st.booleans())
@examples
def test_diagrams_are_ripsers(kind: str, n: int, seed: int, backend: str, double: bool) -> None:
    distances = cloud(kind, n, seed, torch.float64 if double else torch.float32)
    found = persistence(distances, metric="precomputed", backend=backend)
    agree(found, ripsers(distances, 1))
    assert found.points == n and found[0].dtype == distances.dtype


@given(st.sampled_from(KINDS), st.integers(2, 30), SEEDS, st.sampled_from(BACKENDS), st.data())
@examples
def test_threshold(kind: str, n: int, seed: int, backend: str, data: st.DataObject) -> None:
    distances = cloud(kind, n, seed)
    lengths = distances[distances.isfinite()].unique()
    place = data.draw(st.integers(0, len(lengths) - 1))
    threshold = float(lengths[place])
    found = persistence(distances, metric="precomputed", backend=backend, threshold=threshold)
    agree(found, ripsers(distances, 1, threshold))


@given(st.sampled_from(KINDS), st.integers(1, 16), SEEDS, st.sampled_from(["gudhi", "ripser"]))
@examples
def test_dimension_two(kind: str, n: int, seed: int, backend: str) -> None:
    distances = cloud(kind, n, seed)
    found = persistence(distances, metric="precomputed", backend=backend, max_dimension=2)
    agree(found, ripsers(distances, 2))


@given(st.sampled_from(KINDS), st.integers(1, 60), SEEDS)
@examples
def test_h0_is_the_spanning_tree(kind: str, n: int, seed: int) -> None:
    distances = cloud(kind, n, seed, torch.float64)
    found = persistence(distances, metric="precomputed", max_dimension=0)
    agree(found, ripsers(distances.float(), 0))
    if kind == "normal":
        theirs = np.sort(minimum_spanning_tree(distances.numpy()).data)
        np.testing.assert_array_equal(found[0][:-1, 1].numpy(), theirs)


@pytest.mark.parametrize("backend", BACKENDS)
def test_float64_is_not_rounded(backend: str) -> None:
    distances = cloud("normal", 30, 3, torch.float64)
    found = persistence(distances, metric="precomputed", backend=backend)
    lengths = set(distances.reshape(-1).tolist()) | {math.inf}
    assert all(number in lengths for bars in found for number in bars.reshape(-1).tolist())


def test_a_square_has_one_loop() -> None:
    side, across = 1.0, math.sqrt(2)
    square = torch.tensor(
        [[0, side, across, side], [side, 0, side, across], [across, side, 0, side],
         [side, across, side, 0]]
    )  # fmt: skip
    for backend in BACKENDS:
        found = persistence(square, metric="precomputed", backend=backend)
        assert found[0].tolist() == [[0, 1], [0, 1], [0, 1], [0, math.inf]]
        torch.testing.assert_close(found[1], torch.tensor([[side, across]]))


def test_a_batch_is_a_list() -> None:
    batch = torch.stack([cloud("normal", 12, seed) for seed in range(3)])
    found = persistence(batch, metric="precomputed")
    assert len(found) == 3
    for one, distances in zip(found, batch, strict=True):
        agree(one, ripsers(distances, 1))


def test_a_diagram_is_a_sequence_that_moves() -> None:
    found = persistence(cloud("circle", 25, 0), metric="precomputed")
    assert len(list(found)) == len(found) == 2
    assert found.to(torch.float64)[1].dtype == torch.float64
    assert "H0: 25 bars" in repr(found)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (torch.zeros(3, 4), "shape"),
        (torch.zeros(0, 0), "shape"),
        (torch.zeros(4), "shape"),
        (torch.tensor([[0.0, math.nan], [math.nan, 0.0]]), "nan"),
        (torch.tensor([[0.0, -1.0], [-1.0, 0.0]]), "-1"),
        (torch.tensor([[0.0, 1.0], [1.5, 0.0]]), "0.5"),
        (torch.tensor([[0.25, 1.0], [1.0, 0.0]]), "diagonal"),
        (torch.zeros(2, 2, dtype=torch.complex64), "complex"),
    ],
)
def test_what_is_no_distance_matrix_is_refused(broken: Tensor, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        persistence(broken, metric="precomputed")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"backend": "javaplex"}, "backend is 'javaplex'"),
        ({"max_dimension": -1}, "max_dimension is -1"),
        ({"max_dimension": 2, "backend": "torch"}, "backend='torch'"),
        ({"threshold": -1.0}, "threshold is -1"),
        ({"threshold": math.nan}, "threshold is nan"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        persistence(cloud("normal", 5, 0), metric="precomputed", **options)


@pytest.mark.parametrize("max_dimension", [0, 1, 2])
def test_too_much_memory_is_refused_beforehand(max_dimension: int) -> None:
    distances = cloud("normal", 60, 0)
    with pytest.raises(MemoryError, match="furthest_points"):
        persistence(
            distances, metric="precomputed", max_dimension=max_dimension, memory_limit=10_000
        )


@given(st.integers(2, 20), st.integers(1, 6), SEEDS, st.sampled_from(["l1", "l2", "cosine"]))
@examples
def test_points_are_measured_first(n: int, d: int, seed: int, metric: str) -> None:
    points = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d))).float()
    found = persistence(points, metric=metric)
    agree(found, ripsers(pairwise_distances(points, metric), 1))


def test_a_batch_of_points_and_half_precision() -> None:
    points = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(0))
    found = persistence(points.half())
    assert [one.points for one in found] == [9, 9] and found[0][0].dtype == torch.float32
    agree(found[1], ripsers(pairwise_distances(points[1].half().float(), "l2"), 1))


def test_points_must_be_finite() -> None:
    with pytest.raises(ValueError, match="nan"):
        persistence(torch.tensor([[0.0], [math.nan]]))


def test_whole_numbers_are_distances() -> None:
    distances = cloud("pixels", 20, 0, torch.float64)
    found = persistence(distances.long(), metric="precomputed")
    assert found[0].dtype == torch.float64
    agree(found, ripsers(distances, 1))


def test_the_choice_is_the_measured_one() -> None:
    small, large = cloud("normal", 30, 0), cloud("normal", 460, 0)
    assert persistence(small, metric="precomputed", max_dimension=0).backend == "torch"
    assert persistence(small, metric="precomputed").backend == "gudhi"
    assert persistence(large, metric="precomputed").backend == "torch"
    assert persistence(small, metric="precomputed", max_dimension=2).backend == "gudhi"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_dimension", [0, 1])
def test_on_a_gpu(kind: str, max_dimension: int) -> None:
    distances = cloud(kind, 50, 0)
    found = persistence(distances.cuda(), metric="precomputed", max_dimension=max_dimension)
    assert found[0].is_cuda and found.backend == "torch"
    agree(found.to("cpu"), ripsers(distances, max_dimension))


def test_the_memory_of_our_own_loops_is_estimated() -> None:
    distances = cloud("normal", 60, 0)
    options = {"metric": "precomputed", "backend": "torch"}
    assert len(persistence(distances, memory_limit=60**2 * 41, **options)) == 2
    with pytest.raises(MemoryError, match="about 42 points"):
        persistence(distances, memory_limit=60**2 * 20, **options)
