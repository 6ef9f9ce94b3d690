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
from .diagram import Diagram
from .distances import METRICS, furthest_points, pairwise_distances, random_subsets
from .layers import SCALES, layer_topology
from .neighborhood import relative_neighborhood_edges
from .persistence import persistence
from .reduction import (
    betti_of_complex,
    boundary_matrix,
    diagram_by_reduction,
    rank_mod_2,
    reduce_boundary,
    rips_simplices,
    with_faces,
)
from .saved import LayerTopology
from .spanning_tree import spanning_tree

__all__ = [
    "METRICS",
    "SCALES",
    "Diagram",
    "LayerTopology",
    "betti_curve",
    "betti_numbers",
    "betti_of_complex",
    "bottleneck",
    "boundary_matrix",
    "curve_distance",
    "diagram_by_reduction",
    "furthest_points",
    "layer_topology",
    "pairwise_distances",
    "persistence",
    "persistence_landscape",
    "random_subsets",
    "rank_mod_2",
    "reduce_boundary",
    "relative_neighborhood_edges",
    "rips_simplices",
    "spanning_tree",
    "total_persistence",
    "wasserstein",
    "with_faces",
]
