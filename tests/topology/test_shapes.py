"""Point sets of known topology."""

from __future__ import annotations

import pytest
import torch

from helpers.topology import pairwise_distances, shapes


@pytest.mark.parametrize("seed", range(3))
def test_all_sets_have_their_true_betti_numbers(seed: int) -> None:
    def made() -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    sets = {
        "discs": (shapes.nine_discs(1600, made()), shapes.DISCS),
        "rings": (shapes.linked_rings(2, generator=made()), ([2, 2, 0], [2, 2, 0])),
        "spheres": (shapes.nested_spheres(1, generator=made()), ([2, 0, 1], [1, 0, 1])),
    }
    for name, ((points, labels), truth) in sets.items():
        assert points.dtype == torch.float32 and len(points) == len(labels)
        for label, expected in enumerate(truth):
            found = shapes.neighbor_betti(points[labels == label], len(expected) - 1)
            assert found == expected, (name, label)


def test_hops_are_those_of_the_geodesic_distance() -> None:
    points = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    hops = pairwise_distances(points.double(), "geodesic", neighbors=5, hops=True)
    for most in (1, 2, 3):
        found = shapes.neighbor_hops(points, 5, most).double()
        expected = torch.where(hops <= most, hops, torch.inf)
        torch.testing.assert_close(found, expected)


def test_few_points_and_points_that_coincide() -> None:
    assert shapes.neighbor_betti(torch.zeros(9, 2)) == [1, 0]
    assert shapes.neighbor_betti(torch.tensor([[0.0, 0], [1, 0], [0, 0]])) == [1, 0]
