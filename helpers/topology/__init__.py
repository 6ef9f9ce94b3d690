"""The shape of data: distances, persistent homology, and what to read off it.

`distances` makes distance matrices and takes samples, `persistence` makes diagrams of them, `betti`
reads numbers, curves and landscapes off a diagram and compares two, `layers` does all of it for
every layer of a network.
"""

from .betti import (
    betti_curve,
    betti_numbers,
    bottleneck,
    curve_distance,
    persistence_landscape,
    total_persistence,
    wasserstein,
)
from .distances import METRICS, furthest_points, pairwise_distances, random_subsets

__all__ = [
    "METRICS",
    "betti_curve",
    "betti_numbers",
    "bottleneck",
    "curve_distance",
    "furthest_points",
    "pairwise_distances",
    "persistence_landscape",
    "random_subsets",
    "total_persistence",
    "wasserstein",
]
