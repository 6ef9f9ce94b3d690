"""Training by local errors: every layer has its own loss, and no gradient crosses its boundary.

A layer's outputs go to a readout, most often of random weights that are never trained. The loss of
the readout's logits is the layer's own; its gradient reaches this layer's weights and stops there.
`layers` holds the layers and the stack, `training` the two ways to train one. The idea and the name
are those of Mostafa, Ramesh & Cauwenberghs (2018), doi 10.3389/fnins.2018.00608.

>>> import torch
>>> stack = LocalErrorStack([784, 64, 64], num_classes=10)
>>> images, labels = torch.rand(100, 1, 28, 28), torch.arange(100) % 10
>>> history = train_layerwise(stack, images, labels, epochs=2)
>>> [(epoch.layer, epoch.epoch) for epoch in history]
[(1, 1), (1, 2), (2, 1), (2, 2)]
>>> len(accuracy(stack, images, labels))
2
"""

from .layers import (
    Backpropagated,
    FixedReadout,
    LocalErrorConv,
    LocalErrorLayer,
    LocalErrorStack,
    accuracy,
)
from .training import Epoch, train_layerwise, train_simultaneous

__all__ = [
    "Backpropagated",
    "Epoch",
    "FixedReadout",
    "LocalErrorConv",
    "LocalErrorLayer",
    "LocalErrorStack",
    "accuracy",
    "train_layerwise",
    "train_simultaneous",
]
