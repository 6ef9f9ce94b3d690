"""Distances against scipy's and against exact arithmetic; what symmetric and zero mean, exactly."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import shortest_path
from scipy.spatial.distance import cdist
from sklearn.neighbors import kneighbors_graph
from torch import Tensor

from helpers.topology import distances, tiles
from helpers.topology.distances import furthest_points, pairwise_distances, random_subsets

examples = settings(deadline=None, max_examples=60)
SEEDS = st.integers(0, 10_000)
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
THEIRS = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}


def _points(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def _exact(points: Tensor, metric: str) -> Tensor:
    wide = points.double().cpu().numpy()
    if metric == "cosine":
        wide = wide / np.linalg.norm(wide, axis=1, keepdims=True)
        return torch.from_numpy(cdist(wide, wide, "sqeuclidean") / 2)
    return torch.from_numpy(cdist(wide, wide, THEIRS[metric]))


def _right(found: Tensor, points: Tensor, metric: str, rtol: float = 1e-6) -> None:
    count = points.shape[-2]
    assert found.dtype == points.dtype and found.device == points.device
    assert torch.equal(found, found.mT), "symmetric"
    assert not found.diagonal(dim1=-2, dim2=-1).any(), "zero on the diagonal"
    exact = _exact(points, metric)
    assert found.shape == (count, count)
    torch.testing.assert_close(found.double().cpu(), exact, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("device", DEVICES)
@given(
    n=st.integers(1, 40),
    d=st.integers(1, 60),
    offset=st.sampled_from([0.0, 3.0, 100.0]),
    spread=st.sampled_from([1.0, 0.01, 1e-3]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    turned=st.booleans(),
    seed=SEEDS,
)
@examples
def test_l1_and_l2_are_exact(
    device: str,
    n: int,
    d: int,
    offset: float,
    spread: float,
    dtype: torch.dtype,
    turned: bool,
    seed: int,
) -> None:
    points = (_points(seed, n, d, dtype=torch.float64) * spread + offset).to(dtype).to(device)
    points = points.mT.contiguous().mT if turned else points
    for metric in ("l1", "l2"):
        _right(pairwise_distances(points, metric), points, metric)


@given(n=st.integers(1, 30), d=st.integers(2, 40), seed=SEEDS, scale=st.booleans())
@examples
def test_cosine(n: int, d: int, seed: int, scale: bool) -> None:
    points = _points(seed, n, d, dtype=torch.float64) + 0.1
    if scale:
        points = points * torch.logspace(-3, 3, n, dtype=torch.float64).unsqueeze(1)
    for dtype in (torch.float32, torch.float64):
        found = pairwise_distances(points.to(dtype), "cosine")
        _right(found, points.to(dtype), "cosine")


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_rounded_once(metric: str, dtype: torch.dtype) -> None:
    points = _points(1, 20, 30, dtype=dtype)
    found = pairwise_distances(points, metric)
    assert found.dtype == dtype
    again = pairwise_distances(points.float(), metric).to(dtype)
    torch.testing.assert_close(found, again, rtol=float(torch.finfo(dtype).eps), atol=0)


# tiles


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine"])
@given(
    n=st.integers(1, 33),
    d=st.integers(1, 20),
    memory=st.sampled_from([3_000, 5_000, 8_000, 20_000, 100_000]),
    twins=st.booleans(),
    seed=SEEDS,
)
@examples
def test_tiles_of_any_size_give_the_same(
    metric: str, n: int, d: int, memory: int, twins: bool, seed: int
) -> None:
    points = _points(seed, n, d) + 5
    if twins:
        points[n // 2 :] = points[: n - n // 2].clone()
    found = pairwise_distances(points, metric, memory_limit=memory)
    _right(found, points, metric, rtol=2e-6)
    assert not found[(points.unsqueeze(1) == points).all(dim=2)].any()


@pytest.mark.parametrize("metric", ["l1", "l2"])
def test_more_than_a_tile_in_each_direction(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "_CPU", (16, 40, 8))
    monkeypatch.setattr(tiles, "_SUM", 8)
    points = _points(0, 150, 30) + 3
    points[70:90] = points[10:30]
    points[100] = points[20] + 1e-5
    _right(pairwise_distances(points, metric), points, metric)


def test_a_gpus_ways_on_the_cpu() -> None:
    points = _points(0, 70, 30, dtype=torch.float64)
    out = torch.empty(70, 70, dtype=torch.float64)
    tiles._fill(out, 16, 40, partial(tiles._l1_block, points, torch.float64, 8))
    _right(out, points, "l1")
    expected = pairwise_distances(points, "geodesic", neighbors=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            distances, "_by_dijkstra", lambda e, w, d, *rest: distances._by_relaxing(e, w, d)
        )
        found = pairwise_distances(points, "geodesic", neighbors=4)
    assert torch.equal(found, found.mT)
    torch.testing.assert_close(found, expected)


def test_memory_is_bounded() -> None:
    points = _points(0, 400, 50)
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            nonlocal largest
            made = func(*args, **(kwargs or {}))
            if isinstance(made, Tensor) and made.shape != (400, 400):
                largest = max(largest, made.untyped_storage().nbytes() % (400 * 400 * 4))
            return made

    for metric in ("l1", "l2", "cosine"):
        with Watch():
            found = pairwise_distances(points, metric, memory_limit=100_000)
        _right(found, points, metric)
        assert largest < 100_000


# what is near, what is the same


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
def test_small_distances_are_not_lost(offset: float) -> None:
    points = _points(0, 60, 512, dtype=torch.float64)
    points[1] = points[0] + 1e-2 / 512**0.5
    points[40] = points[3] + 1e-4
    points = (points + offset).float()
    _right(pairwise_distances(points, "l2"), points, "l2")
    loose = torch.cdist(points, points, compute_mode="use_mm_for_euclid_dist")
    if offset >= 100:
        assert not torch.allclose(loose, pairwise_distances(points, "l2"), rtol=0.1)


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine"])
@pytest.mark.parametrize("dead", [2, 30, 58, 60])
def test_dead_units_and_duplicates(metric: str, dead: int) -> None:
    points = _points(0, 60, 33).relu()
    points[:dead] = 0
    found = pairwise_distances(points, metric)
    assert not found[:dead, :dead].any() and torch.equal(found, found.mT)
    if metric == "cosine":
        assert bool((found[:dead, dead:] == 1).all())
    else:
        _right(found, points, metric)


def test_very_small_and_very_large_numbers() -> None:
    for size in (1e-25, 1e-18, 1e15, 1e18):
        points = _points(0, 10, 5) * size
        for metric in ("l1", "l2", "cosine"):
            found = pairwise_distances(points, metric)
            exact = _exact(points, metric)
            torch.testing.assert_close(found.double(), exact, rtol=1e-6, atol=0)
    with pytest.raises(ValueError, match="squares are not finite"):
        pairwise_distances(_points(0, 4, 4, dtype=torch.float64) * 1e200, "l2")


@pytest.mark.parametrize("metric", ["l1", "l2", "cosine", "geodesic"])
def test_a_batch_is_its_clouds(metric: str) -> None:
    points = _points(3, 4, 25, 6)
    found = pairwise_distances(points, metric, neighbors=5)
    for cloud, matrix in zip(points, found, strict=True):
        assert torch.equal(pairwise_distances(cloud, metric, neighbors=5), matrix)


# geodesic


@pytest.mark.parametrize("device", DEVICES)
@given(n=st.integers(3, 40), data=st.data(), hops=st.booleans(), seed=SEEDS)
@examples
def test_geodesic_is_scipys_shortest_path(
    device: str, n: int, data: st.DataObject, hops: bool, seed: int
) -> None:
    neighbors = data.draw(st.integers(1, min(6, n - 1)))
    points = _points(seed, n, 3, dtype=torch.float64).to(device)
    found = pairwise_distances(points, "geodesic", neighbors=neighbors, hops=hops)
    assert torch.equal(found, found.mT) and not found.diagonal().any()
    graph = kneighbors_graph(points.cpu().numpy(), neighbors, mode="distance")
    expected = shortest_path(graph.maximum(graph.T), directed=False, unweighted=hops)
    torch.testing.assert_close(found.cpu(), torch.from_numpy(expected))


def test_geodesic_between_components_is_infinite_and_twins_are_neighbors() -> None:
    line = torch.arange(5.0).unsqueeze(1)
    points = torch.cat([line, line + 100, line[:1]])
    found = pairwise_distances(points, "geodesic", neighbors=2)
    assert bool(found[:5, 5:10].isinf().all()) and found[0, 10] == 0 and found[0, 4] == 4
    hops = pairwise_distances(points, "geodesic", neighbors=2, hops=True)
    assert hops[0, 10] == 1 and hops[1, 3] in (1, 2)
    part = pairwise_distances(points, "geodesic", neighbors=2, memory_limit=2_000)
    assert torch.equal(part, found)


def test_geodesic_goes_round_a_circle() -> None:
    angles = torch.linspace(0, 2 * torch.pi, 201, dtype=torch.float64)[:-1]
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)
    found = pairwise_distances(circle, "geodesic", neighbors=4)
    torch.testing.assert_close(float(found[0, 100]), torch.pi, rtol=1e-3, atol=0)
    assert pairwise_distances(circle, "geodesic", neighbors=4, hops=True)[0, 100] == 50


# subsets


@given(n=st.integers(1, 40), data=st.data(), seed=SEEDS)
@examples
def test_furthest_points_by_hand(n: int, data: st.DataObject, seed: int) -> None:
    size, start = data.draw(st.integers(1, n)), data.draw(st.integers(0, n - 1))
    points = _points(seed, n, 2)
    points[n // 2 :] = points[: n - n // 2].clone()  # duplicates
    distances = pairwise_distances(points, "l2")
    chosen = furthest_points(distances, size, start).tolist()
    assert chosen[0] == start and len(set(chosen)) == size
    for place in range(1, size):
        gaps = distances[:, chosen[:place]].min(dim=1).values
        assert gaps[chosen[place]] == gaps.max()


@given(size=st.integers(1, 10), number=st.integers(1, 6), more=st.integers(0, 20), seed=SEEDS)
@examples
def test_random_subsets_are_disjoint(size: int, number: int, more: int, seed: int) -> None:
    count = size * number + more
    found = random_subsets(count, size, number, seed)
    flat = found.flatten().tolist()
    assert found.shape == (number, size) and len(set(flat)) == size * number
    assert min(flat) >= 0 and max(flat) < count
    assert torch.equal(found, random_subsets(count, size, number, seed))
    assert torch.equal(found[:1], random_subsets(count, size, 1, seed))


# what is refused


@pytest.mark.parametrize(
    ("points", "options", "said"),
    [
        (torch.zeros(3), {}, r"shape \(3,\)"),
        (torch.zeros(0, 3), {}, r"shape \(0, 3\)"),
        (torch.zeros(2, 0), {}, r"shape \(2, 0\)"),
        (torch.zeros(2, 2, 2, 2), {}, "allowed"),
        (torch.zeros(3, 2, dtype=torch.int64), {}, "torch.int64"),
        (torch.tensor([[0.0], [torch.nan]]), {}, "not a number"),
        (torch.tensor([[0.0], [torch.inf]]), {}, "infinite"),
        (torch.zeros(3, 2), {"metric": "L1"}, "'L1'; allowed: 'l1'"),
        (torch.zeros(3, 2), {"metric": "geodesic"}, "neighbors is 14; allowed: 1 to 2"),
        (torch.zeros(3, 2), {"metric": "geodesic", "neighbors": 0}, "neighbors is 0"),
        (torch.zeros(3, 2), {"memory_limit": 10}, "memory_limit is 10; allowed: .* bytes or more"),
        (torch.zeros(3, 2), {"metric": "l2", "memory_limit": 10}, "memory_limit is 10"),
    ],
)
def test_bad_input_is_told(points: Tensor, options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pairwise_distances(points, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: furthest_points(torch.zeros(2, 3), 1), r"shape \(2, 3\)"),
        (lambda: furthest_points(torch.zeros(3, 3), 4), "size is 4; allowed: 1 to 3"),
        (lambda: furthest_points(torch.zeros(3, 3), 0), "size is 0"),
        (lambda: furthest_points(torch.zeros(3, 3), 1, 3), "start is 3"),
        (lambda: random_subsets(10, 4, 3), "together 12; allowed: at most 10"),
        (lambda: random_subsets(10, 0, 3), "size is 0"),
        (lambda: random_subsets(10, 3, 0), "number is 0"),
    ],
)
def test_bad_subsets_are_told(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]
