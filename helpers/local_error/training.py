"""Training a stack by local errors: one layer after another, or all layers at once.

Both are the same loop. It goes through *stages*, each with the layers that learn in it and the
frozen ones below: one layer a stage, or all layers in one stage. Within a stage each layer sees the
output of the one below without its history, so nothing that is learned crosses a boundary.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .layers import LocalErrorStack, checked, shares_right
from .stepping import GraphedStep, step_of
from .storage import Memory, load_checkpoint, save_checkpoint

#: How many samples at a time go through frozen layers.
_CHUNK = 1000

#: A learning rate, or what gives it for an epoch (from 1).
Rate = float | Callable[[int], float]


class Epoch(NamedTuple):
    """An epoch of a layer's training: both numbers are counted from 1.

    ``loss`` is the mean over the epoch's images, each as the layer was when it saw it; ``accuracy``
    the share of the validation images told right at the end, None without any.
    """

    layer: int
    epoch: int
    loss: float
    accuracy: float | None


def train_layerwise(
    stack: LocalErrorStack,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    batch_size: int = 64,
    lr: Rate = 1e-3,
    seed: int = 0,
    validation: tuple[Tensor, Tensor] | None = None,
    augment: Callable[[Tensor], Tensor] | None = None,
    cache: bool = True,
    memory_limit: int | None = None,
    cuda_graphs: bool = False,
    checkpoint: str | Path | None = None,
    writer: Any = None,
    progress: Any = None,
) -> list[Epoch]:
    """Train one layer after another, each on the frozen ones below, on the stack's device.

    Every layer has its own loss (the cross-entropy of its readout's logits) and its own Adam.
    Parameters that do not ask for gradients stay as they are.

    Parameters
    ----------
    stack
        Is changed in place. The layers below the one that learns are in evaluation mode.
    images, labels
        Shape (N, …) as the first layer takes it, and (N,); on any device.
    epochs, batch_size
        Epochs a layer, each in a new order; the last batch of an epoch may be smaller.
    lr
        Adam's learning rate, or a function of the epoch (from 1).
    seed
        Of the order of the images, of dropout and of ``augment``. The starting weights are those
        that the stack has.
    validation
        Images and labels on which to measure the accuracy after each epoch.
    augment
        Changes each batch of images (a random shift, say). The frozen layers' outputs are then
        another each time, and are not cached.
    cache
        Compute the frozen layers' outputs once and keep them, instead of for each batch anew. They
        are the same up to rounding.
    memory_limit
        How many bytes of images and cached outputs may lie on the device; by default half of a
        GPU's free memory, 4 GiB on a CPU. What exceeds it lies in a temporary file that is mapped
        into memory, and is streamed from there.
    cuda_graphs
        On a CUDA device: record a step once and replay it.
    checkpoint
        A file that is written after each epoch. If it is there, training goes on where it stopped,
        and ends as if it had never stopped. Remove it to begin anew.
    writer
        A TensorBoard `SummaryWriter` for the losses and accuracies.
    progress
        ``progress(total, label)``, a context manager that gives a function to call after each
        epoch: `helpers.plots.progress.progress`.

    Returns
    -------
    list of Epoch
        The first layer's epochs first.

    Raises
    ------
    ValueError
        If a number is out of range, images and labels do not go together, a layer has nothing to
        train, or the checkpoint is of another training.
    """
    given = {**locals(), "stages": [[place] for place in range(len(stack))]}
    return _train(_Plan(**given))


def train_simultaneous(
    stack: LocalErrorStack,
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    batch_size: int = 64,
    lr: Rate = 1e-3,
    seed: int = 0,
    validation: tuple[Tensor, Tensor] | None = None,
    augment: Callable[[Tensor], Tensor] | None = None,
    memory_limit: int | None = None,
    cuda_graphs: bool = False,
    checkpoint: str | Path | None = None,
    writer: Any = None,
    progress: Any = None,
) -> list[Epoch]:
    """Train all layers at once, each by its own loss.

    A layer learns from what the layer below gives at that moment, which goes on changing. The
    arguments are those of `train_layerwise`; all layers have the same ``epochs``.

    Returns
    -------
    list of Epoch
        The first epoch of all layers first.
    """
    return _train(_Plan(**locals(), cache=False, stages=[list(range(len(stack)))]))


@dataclass
class _Plan:
    """A training, as it was asked for."""

    stack: LocalErrorStack
    images: Tensor
    labels: Tensor
    stages: list[list[int]]
    epochs: int
    batch_size: int
    lr: Rate
    seed: int
    validation: tuple[Tensor, Tensor] | None
    augment: Callable[[Tensor], Tensor] | None
    cache: bool
    memory_limit: int | None
    cuda_graphs: bool
    checkpoint: str | Path | None
    writer: Any
    progress: Any

    def __post_init__(self) -> None:
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if value < 1:
                raise ValueError(f"{name} is {value}; allowed: 1 or more")
        for images, labels in ((self.images, self.labels), self.validation or (self.images,) * 2):
            checked(images, labels)
        for number, layer in enumerate(self.stack, start=1):
            if not trainable([layer]):
                raise ValueError(f"layer {number} has no parameter that asks for gradients")
        self.cache = self.cache and self.augment is None
        self.rates = [self.lr(n) if callable(self.lr) else self.lr for n in self.numbers]

    @property
    def numbers(self) -> range:
        return range(1, self.epochs + 1)

    @property
    def device(self) -> torch.device:
        return trainable([self.stack[0]])[0].device

    def told(self) -> dict[str, Any]:
        """What a checkpoint has to agree with."""
        same = {name: getattr(self, name) for name in ("stages", "epochs", "batch_size", "seed")}
        return same | {"rates": self.rates, "images": list(self.images.shape)}


def trainable(layers: Sequence[Any]) -> list[Tensor]:
    return [p for layer in layers for p in layer.parameters() if p.requires_grad]


def _train(plan: _Plan) -> list[Epoch]:
    """All stages; those that a checkpoint says are done only pass their outputs on."""
    saved = load_checkpoint(plan.checkpoint, plan.told(), plan.device)
    if saved:
        plan.stack.load_state_dict(saved["stack"])
    history = [Epoch(*row) for row in saved.get("history", [])]
    done = saved.get("stage", 0), saved.get("epoch", 0)
    total = len(plan.stages) * plan.epochs
    bar = plan.progress(total, "training") if plan.progress else contextlib.nullcontext(_silent)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, bar as advance:
        memory = Memory(plan.device, plan.memory_limit, folder)
        data = _Data(plan, memory)
        for number, places in enumerate(plan.stages):
            first = done[1] if number == done[0] else plan.epochs if number < done[0] else 0
            for _ in range(first):
                advance("")
            if first < plan.epochs:
                state = saved.get("optimizer") if first else None
                for rows, note in _stage(plan, number, data, first, state, history):
                    history += rows
                    advance(note)
            if number + 1 < len(plan.stages) and plan.cache:
                data.pass_through(plan.stack[places[-1]])
    plan.stack.eval()
    return history


def _silent(note: str = "") -> None:
    pass


class _Data:
    """What the layers that learn are given: images, or the cached outputs of those below."""

    def __init__(self, plan: _Plan, memory: Memory) -> None:
        self.memory, self.device = memory, plan.device
        self.features = memory.hold(plan.images)
        self.labels = plan.labels.to(self.device)
        held_out = plan.validation
        self.held_out = held_out and (memory.hold(held_out[0]), held_out[1].to(self.device))

    def pass_through(self, layer: Any) -> None:
        """Put a frozen layer's outputs in the place of its inputs."""
        self.features = self._outputs(layer, self.features)
        if self.held_out:
            self.held_out = self._outputs(layer, self.held_out[0]), self.held_out[1]

    @torch.no_grad()
    def _outputs(self, layer: Any, inputs: Tensor) -> Tensor:
        layer.eval()
        outputs: Tensor | None = None
        begin = 0
        for part in inputs.split(_CHUNK):
            output = layer(part.to(self.device))
            if outputs is None:
                shape = (len(inputs), *output.shape[1:])
                outputs = self.memory.empty(shape, output.dtype)
            outputs[begin : begin + len(part)] = output
            begin += len(part)
        assert outputs is not None
        self.memory.free(inputs)
        return outputs


def _stage(
    plan: _Plan,
    number: int,
    data: _Data,
    first: int,
    state: Any,
    history: list[Epoch],
) -> Iterator[tuple[list[Epoch], str]]:
    """The epochs of one stage after the first ``first`` ones: their rows, and a note to show."""
    places = plan.stages[number]
    layers = [plan.stack[place] for place in places]
    frozen = [] if plan.cache else [plan.stack[place] for place in range(places[0])]
    plan.stack.eval()
    optimizer = _adam(trainable(layers), plan)
    if state:
        optimizer.load_state_dict(state)
    step = step_of(frozen, layers, optimizer)
    if plan.cuda_graphs and plan.device.type == "cuda":
        step = GraphedStep(step, optimizer)
    for epoch in plan.numbers[first:]:
        for group in optimizer.param_groups:
            _set_rate(group, plan.rates[epoch - 1])
        for layer in layers:
            layer.train()
        with _seeded(plan, number, epoch):
            losses = _one_epoch(plan, step, data).tolist()
        right: Sequence[float | None] = [None] * len(layers)
        if data.held_out:
            right = shares_right(frozen, layers, *data.held_out)
        rows = [
            Epoch(place + 1, epoch, loss, share)
            for place, loss, share in zip(places, losses, right, strict=True)
        ]
        _write(plan.writer, rows)
        if plan.checkpoint:
            save_checkpoint(
                plan.checkpoint,
                told=plan.told(),
                stage=number,
                epoch=epoch,
                history=[tuple(row) for row in (*history, *rows)],
                stack=plan.stack.state_dict(),
                optimizer=optimizer.state_dict(),
            )
        yield rows, f"layer {places[-1] + 1}, epoch {epoch}, loss {losses[-1]:.3f}"


def _one_epoch(plan: _Plan, step: Any, data: _Data) -> Tensor:
    """The mean loss of each layer; the GPU is not waited for."""
    here = torch.randperm(len(data.labels))
    there = here.to(data.device, non_blocking=True)
    total = torch.zeros((), device=data.device)
    at_home = data.features.device == data.device
    batches = zip(here.split(plan.batch_size), there.split(plan.batch_size), strict=True)
    for rows, rows_there in batches:
        inputs = data.features[rows_there if at_home else rows]
        if not at_home:
            inputs = _sent(inputs, data.device)
        if plan.augment:
            inputs = plan.augment(inputs)
        total = total + step(inputs, data.labels[rows_there]) * len(rows)
    return total / len(here)


def _sent(inputs: Tensor, device: torch.device) -> Tensor:
    """To the device; to a GPU from pinned memory, so that nobody waits."""
    if device.type == "cuda":
        inputs = inputs.pin_memory()
    return inputs.to(device, non_blocking=True)


@contextlib.contextmanager
def _seeded(plan: _Plan, stage: int, epoch: int) -> Iterator[None]:
    """Random numbers of this epoch alone, so that a training can stop and go on anywhere."""
    devices = [plan.device] if plan.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(((plan.seed * 1_000_003 + stage) * 1_000_003 + epoch) % 2**63)
        yield


def _adam(parameters: list[Tensor], plan: _Plan) -> torch.optim.Adam:
    """Fused: one pass over the weights in place of a dozen."""
    kind = plan.device.type
    graphed = plan.cuda_graphs and kind == "cuda"
    rate: Any = torch.tensor(plan.rates[0], device=plan.device) if graphed else plan.rates[0]
    return torch.optim.Adam(parameters, rate, fused=kind in ("cpu", "cuda"), capturable=graphed)


def _set_rate(group: dict[str, Any], rate: float) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def _write(writer: Any, rows: Sequence[Epoch]) -> None:
    for row in rows if writer else ():
        writer.add_scalar(f"layer {row.layer}/loss", row.loss, row.epoch)
        if row.accuracy is not None:
            writer.add_scalar(f"layer {row.layer}/accuracy", row.accuracy, row.epoch)
