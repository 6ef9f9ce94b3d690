"""Layerwise: PyTorch networks, seen layer by layer.

The package that the book, the learners' notebooks and the gradebook share.
Importing it is cheap: torch is imported by the modules that compute.
"""

__version__ = "0.1.0"

#: Says that this package called ``helpers`` is the course's, and not a file of the same name.
__layerwise__ = True
