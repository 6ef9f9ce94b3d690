"""The reduction written out small, against ripser, known spaces and plain linear algebra."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.topology.reduction import (
    betti_of_complex,
    boundary_matrix,
    diagram_by_reduction,
    rank_mod_2,
    reduce_boundary,
    rips_simplices,
    with_faces,
)

TORUS = [(i, (i + 1) % 7, (i + 3) % 7) for i in range(7)]
TORUS += [(i, (i + 2) % 7, (i + 3) % 7) for i in range(7)]
PLANE = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5), (0, 1, 5)]
PLANE += [(1, 2, 4), (2, 3, 5), (1, 3, 4), (2, 4, 5), (1, 3, 5)]
SPACES = {
    "a point": ([(0,)], [1]),
    "two points": ([(0,), (5,)], [2]),
    "a square": ([(0, 1), (1, 2), (2, 3), (0, 3)], [1, 1]),
    "a full triangle": ([(0, 1, 2)], [1, 0, 0]),
    "two circles": ([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)], [2, 2]),
    "a sphere": (list(combinations(range(4), 3)), [1, 0, 1]),
    "a sphere of three dimensions": (list(combinations(range(5), 4)), [1, 0, 0, 1]),
    "a torus": (TORUS, [1, 2, 1]),
    "the projective plane": (PLANE, [1, 1, 1]),  # over the real numbers 1, 0, 0
}


@pytest.mark.parametrize("name", SPACES)
def test_betti_numbers_of_spaces(name: str) -> None:
    simplices, numbers = SPACES[name]
    assert betti_of_complex(simplices) == numbers


def clouds(points: int = 9) -> st.SearchStrategy[torch.Tensor]:
    """Points of float64, some with whole coordinates, so that distances tie and points repeat."""
    size = st.tuples(
        st.integers(1, points), st.integers(1, 3), st.integers(0, 2**31), st.booleans()
    )
    return size.map(_cloud)


def _cloud(drawn: tuple[int, int, int, bool]) -> torch.Tensor:
    n, d, seed, whole = drawn
    points = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (2 * points).round() if whole else points


def distance(points: torch.Tensor) -> torch.Tensor:
    return (points[:, None] - points[None]).abs().sum(dim=2)


@settings(deadline=None, max_examples=40)
@given(points=clouds(), dimension=st.integers(0, 2), scale=st.sampled_from([1.5, 3.0, math.inf]))
def test_diagrams_are_ripser_s(points: torch.Tensor, dimension: int, scale: float) -> None:
    ripser = pytest.importorskip("ripser").ripser
    distances = distance(points)
    ours = diagram_by_reduction(distances, dimension, scale)
    dense = distances.numpy()
    theirs = ripser(dense, maxdim=dimension, thresh=scale, distance_matrix=True)["dgms"]
    assert len(ours) == dimension + 1
    for one, other in zip(ours, theirs, strict=True):
        longer = sorted(tuple(bar) for bar in np.asarray(other).tolist() if bar[0] < bar[1])
        assert one.dtype == torch.float64
        np.testing.assert_allclose(one.numpy(), np.array(longer).reshape(-1, 2), rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(points=clouds(7), scale=st.floats(0, 4))
def test_bars_alive_are_the_complex_s_betti_numbers(points: torch.Tensor, scale: float) -> None:
    distances = distance(points)
    complex_ = [simplex for simplex, _ in rips_simplices(distances, 2, scale)]
    counted = betti_of_complex(complex_)
    for bars, number in zip(diagram_by_reduction(distances, 1), counted[:2], strict=False):
        assert int(((bars[:, 0] <= scale) & (scale < bars[:, 1])).sum()) == number


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(0, 7), columns=st.integers(0, 7), seed=st.integers(0, 2**31))
def test_rank_counts_sums_of_columns(rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randint(0, 2, (rows, columns), generator=generator)
    before = matrix.clone()
    subsets = torch.tensor(list(product((0, 1), repeat=columns))).long()
    sums = (subsets @ matrix.T) % 2
    different = len({tuple(row) for row in sums.tolist()})
    assert 2 ** rank_mod_2(matrix) == different
    assert torch.equal(matrix, before)


def test_boundary_of_a_boundary_is_zero() -> None:
    matrix = boundary_matrix(with_faces([(0, 1, 2, 3), (3, 4, 5)])).long()
    assert not ((matrix @ matrix) % 2).any()


def test_reduction_of_a_triangle() -> None:
    matrix = boundary_matrix([(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)])
    before = matrix.clone()
    reduced, pairs = reduce_boundary(matrix)
    assert pairs == [(1, 3), (2, 4), (5, 6)]
    assert torch.equal(matrix, before) and reduced.dtype == matrix.dtype
    assert not reduced[:, 5].any() and reduced[:, 6].nonzero().flatten().tolist() == [3, 4, 5]


def test_filtration_order() -> None:
    distances = torch.tensor([[0.0, 1, 3], [1, 0, 1], [3, 1, 0]])
    order = [simplex for simplex, _ in rips_simplices(distances)]
    assert order == [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]
    assert len(rips_simplices(distances, 2, 1.0)) == 5
    distances[0, 1:] = distances[1:, 0] = math.inf
    bars = diagram_by_reduction(distances)[0]
    assert bars.tolist() == [[0, 1], [0, math.inf], [0, math.inf]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: rips_simplices(torch.zeros(2, 3)),
        lambda: rips_simplices(torch.zeros(0, 0)),
        lambda: rips_simplices(torch.zeros(2, 2, dtype=torch.int64)),
        lambda: rips_simplices(torch.tensor([[0.0, math.nan], [math.nan, 0.0]])),
        lambda: rips_simplices(torch.tensor([[0.0, -1.0], [-1.0, 0.0]])),
        lambda: rips_simplices(torch.tensor([[0.0, 1.0], [2.0, 0.0]])),
        lambda: rips_simplices(torch.eye(2)),
        lambda: rips_simplices(torch.zeros(2, 2), -1),
        lambda: rips_simplices(torch.zeros(60, 60), 2),
        lambda: with_faces([(0, 0)]),
        lambda: with_faces([()]),
        lambda: boundary_matrix([(0,), (0, 1)]),
        lambda: boundary_matrix([(0,), (0,)]),
        lambda: betti_of_complex([]),
        lambda: rank_mod_2(torch.zeros(2, 2)),
        lambda: rank_mod_2(torch.zeros(2, dtype=torch.int64)),
        lambda: reduce_boundary(torch.zeros(2, 3, dtype=torch.int64)),
    ],
)
def test_what_is_refused(call) -> None:
    with pytest.raises(ValueError, match="allowed"):
        call()
