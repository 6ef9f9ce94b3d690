"""The parts of our own H0 and H1: ranks, trees, neighborhoods, columns and the sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from helpers.topology import (
    cohomology,
    columns,
    memory,
    relative_neighborhood_edges,
    spanning_tree,
    sweep,
)
from helpers.topology.edges import FAR, ranked_edges
from helpers.topology.neighborhood import open_pairs
from helpers.topology.persistence import persistence
from helpers.topology.pivots import first_pivots
from helpers.topology.spanning_tree import boruvka, prim

from .test_persistence import KINDS, SEEDS, agree, cloud, ripsers

examples = settings(deadline=None, max_examples=40)


@given(st.sampled_from(KINDS), st.integers(1, 40), SEEDS, st.booleans(), st.booleans())
@examples
def test_ranks_are_an_order_by_length(
    kind: str, n: int, seed: int, double: bool, all_edges: bool
) -> None:
    distances = cloud(kind, n, seed, torch.float64 if double else torch.float32)
    limit = math.inf if all_edges else float(distances[distances.isfinite()].median())
    edges = ranked_edges(distances, limit)
    i, j = edges.places // n, edges.places % n
    assert (i < j).all() and (edges.lengths.diff() >= 0).all()
    torch.testing.assert_close(edges.lengths, distances[i, j])
    expected = torch.arange(len(edges.places), dtype=torch.int32)
    assert torch.equal(edges.ranks[i, j], expected) and torch.equal(edges.ranks, edges.ranks.mT)
    inside = (distances <= limit) & distances.isfinite()
    inside.fill_diagonal_(False)
    assert torch.equal(edges.ranks != FAR, inside)


@given(st.sampled_from(KINDS), st.integers(1, 40), SEEDS)
@examples
def test_both_trees_are_the_same(kind: str, n: int, seed: int) -> None:
    distances = cloud(kind, n, seed)
    edges, lengths = spanning_tree(distances)
    ranks = ranked_edges(distances).ranks
    trees = [torch.from_numpy(prim(ranks.numpy())), boruvka(ranks)]
    for tree in trees:
        assert tree.shape == edges.shape == (n - 1, 2)
        found = distances[tree[:, 0], tree[:, 1]].sort().values
        torch.testing.assert_close(found, lengths, rtol=0, atol=0)
    assert (lengths.diff().nan_to_num(0) >= 0).all()
    graph = np.zeros((n, n))
    graph[edges[:, 0], edges[:, 1]] = 1
    assert connected_components(graph, directed=False)[0] == 1


def by_definition(distances: Tensor) -> list[list[int]]:
    found = []
    for i in range(len(distances)):
        for j in range(i + 1, len(distances)):
            between = torch.maximum(distances[i], distances[j])
            between[[i, j]] = math.inf
            if distances[i, j] < math.inf and not (between < distances[i, j]).any():
                found.append([i, j])
    return found


@given(st.sampled_from(KINDS), st.integers(1, 40), SEEDS)
@examples
def test_neighborhoods_are_those_of_the_definition(kind: str, n: int, seed: int) -> None:
    distances = cloud(kind, n, seed)
    assert relative_neighborhood_edges(distances).tolist() == by_definition(distances)


@given(st.sampled_from(KINDS), st.integers(4, 30), SEEDS)
@examples
def test_births_are_open_edges_outside_the_tree(kind: str, n: int, seed: int) -> None:
    distances = cloud(kind, n, seed)
    edges = ranked_edges(distances)
    births = cohomology.find_births(edges)
    pairs = open_pairs(edges.ranks)
    assert len(births.ranks) + len(births.tree) == len(pairs) == int(births.open.sum())
    if kind == "normal":  # without ties every birth makes a bar
        bars = persistence(distances, metric="precomputed", backend="gudhi")[1]
        torch.testing.assert_close(edges.lengths[births.ranks], bars[:, 0])


@given(st.sampled_from(KINDS), st.integers(4, 40), SEEDS, st.integers(1, 400))
@examples
def test_first_pivots_are_those_of_the_columns(kind: str, n: int, seed: int, tile: int) -> None:
    edges = ranked_edges(cloud(kind, n, seed))
    births = cohomology.find_births(edges).ranks
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_TILE", tile)
        found = first_pivots(edges, births)
    some, last = columns.Columns(edges), len(edges.places) - 1
    known = (births, found.keys, found.added, found.apparent)
    for birth, *told in zip(*(part.tolist() for part in known), strict=True):
        column = set(some.triangles(birth, birth, last))
        added = some.apparent(min(column)) if column else None
        if added is not None:
            column ^= set(some.triangles(added, added, last))
        key = min(column, default=-1)
        more = added is not None and key >= 0 and some.apparent(key) is not None
        assert told == [key, -1 if added is None else added, more]


@given(st.sampled_from(KINDS), st.integers(3, 40), SEEDS, st.integers(1, 50))
@examples
def test_windows_share_out_the_triangles_on_an_edge(
    kind: str, n: int, seed: int, width: int
) -> None:
    edges = ranked_edges(cloud(kind, n, seed))
    some, count = columns.Columns(edges), len(edges.places)
    for edge in range(0, count, 7):
        parts = [(a, some.triangles(edge, a, a + width - 1)) for a in range(0, count, width)]
        assert all(a <= key // n < a + width for a, keys in parts for key in keys)
        i, j = divmod(int(edges.places[edge]), n)
        longest = torch.maximum(edges.ranks[i], edges.ranks[j]).clamp_min(edge)
        found = sorted(key // n for _, keys in parts for key in keys)
        assert found == sorted(longest[longest < FAR].tolist())
        assert len({key for _, keys in parts for key in keys}) == len(found)


@pytest.mark.parametrize("classes", [1, 2, 7])
@given(kind=st.sampled_from(KINDS), n=st.integers(4, 40), seed=SEEDS, block=st.integers(1, 4000))
@examples
def test_the_sweep_alone_gives_the_same_bars(
    classes: int, kind: str, n: int, seed: int, block: int
) -> None:
    """Every column that needs an addition is left to it, few classes at a time, in small blocks."""
    distances = cloud(kind, n, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohomology, "_LONG", 0)
        patch.setattr(cohomology, "_SWEEP", 10**12)
        patch.setattr(cohomology, "CLASSES", classes)
        patch.setattr(sweep, "_BLOCK", block)
        found = persistence(distances, metric="precomputed", backend="torch")
    agree(found, ripsers(distances, 1))


@given(kind=st.sampled_from(KINDS), n=st.integers(4, 40), seed=SEEDS, window=st.integers(1, 10**4))
@examples
def test_columns_alone_give_the_same_bars(kind: str, n: int, seed: int, window: int) -> None:
    """In windows of any size, put off and taken up again, few at once where all are."""
    distances = cloud(kind, n, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_TILE", 100)
        patch.setattr(cohomology, "_LONG", 150)
        patch.setattr(cohomology, "_SWEEP", 1e-9)
        patch.setattr(columns, "_WINDOW", window)
        found = persistence(distances, metric="precomputed", backend="torch")
    agree(found, ripsers(distances, 1))


@pytest.mark.parametrize("kind", ["circle", "normal", "pixels"])
def test_larger_clouds(kind: str) -> None:
    distances = cloud(kind, 64 if kind == "pixels" else 220, 1)
    for backend in ("torch", "gudhi"):
        found = persistence(distances, metric="precomputed", backend=backend)
        agree(found, ripsers(distances, 1))


@pytest.mark.parametrize("shape", [(3, 4), (3,), (2, 3, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    for function in (spanning_tree, relative_neighborhood_edges):
        with pytest.raises(ValueError, match="shape"):
            function(torch.zeros(shape))


@given(st.integers(2, 60), st.integers(1, 4))
def test_the_bound_on_simplices_is_reached_by_complete_graphs(points: int, dimension: int) -> None:
    edges = points * (points - 1) // 2
    expected = math.comb(points, dimension + 1)
    assert memory.simplices(edges, dimension) == pytest.approx(expected)
