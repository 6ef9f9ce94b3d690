"""One training step of the layers that learn, and the same step as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

#: Takes inputs and labels, changes the layers, gives each layer's loss.
Step = Callable[[Tensor, Tensor], Tensor]

#: Steps that run as they are before one is recorded: torch's libraries set themselves up in them.
_WARM_UP = 3


def step_of(frozen: Sequence[Any], layers: Sequence[Any], optimizer: torch.optim.Optimizer) -> Step:
    """A step that trains ``layers`` on what ``frozen`` make of the inputs.

    Each layer gets the one below's output detached, so each loss reaches its own layer alone: the
    sum of the losses has, for every weight, the gradient of that weight's own loss.
    """

    def step(inputs: Tensor, labels: Tensor) -> Tensor:
        # First of all, so that the gradients to come find the memory of the last ones free.
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for layer in frozen:
                inputs = layer(inputs)
        losses = []
        for layer in layers:
            output = layer(inputs.detach())
            losses.append(F.cross_entropy(layer.logits(output), labels))
            inputs = output
        together = torch.stack(losses)
        together.sum().backward()
        optimizer.step()
        return together.detach()

    return step


class GraphedStep:
    """A step that is recorded once and replayed: one launch where there were dozens.

    The first steps run as they are, on the stream that the recording needs; so does a last batch
    of another size. Nothing waits for the GPU.
    """

    def __init__(self, step: Step, optimizer: torch.optim.Optimizer) -> None:
        self.step, self.optimizer = step, optimizer
        self.graph: torch.cuda.CUDAGraph | None = None
        self.stream = torch.cuda.Stream()
        self.warm = 0

    def __call__(self, inputs: Tensor, labels: Tensor) -> Tensor:
        if self.graph is None and self.warm < _WARM_UP:
            self.warm += 1
            return self._aside(inputs, labels)
        if self.graph is None:
            self._record(inputs, labels)
        if inputs.shape != self.inputs.shape:
            return self.step(inputs, labels)
        assert self.graph is not None
        self.inputs.copy_(inputs)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.losses.clone()

    def _aside(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """A step as it is, on a stream of its own."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            losses = self.step(inputs, labels)
        torch.cuda.current_stream().wait_stream(self.stream)
        return losses

    def _record(self, inputs: Tensor, labels: Tensor) -> None:
        """Record a step; recording computes nothing, so the weights stay as they are."""
        self.inputs, self.labels = inputs.clone(), labels.clone()
        self.optimizer.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.losses = self.step(self.inputs, self.labels)
