"""Topology of point clouds and of layers: distances, persistence diagrams, what they say."""

from .diagram import Diagram
from .neighborhood import relative_neighborhood_edges
from .persistence import persistence
from .spanning_tree import spanning_tree

__all__ = ["Diagram", "persistence", "relative_neighborhood_edges", "spanning_tree"]
