"""3×1024 on MNIST with jitter: fixed readouts, trained readouts, backpropagation, random features.

All four methods have the same network, images, order, batches and epochs: 784–1024×3, batch
normalization, ReLU, dropout 0.1; images moved by up to 2 pixels a side each time, normalized by
0.1307 and 0.3081; all layers at once, batches of 128, Adam with 5e-4, a quarter of that after
epochs 50, 75, 89 and 94 of 100. These are the settings of Nøkland & Eidnes' published command for
their network. What differs from theirs: the last hidden layer has no output layer behind it but a
readout like the others; there are no biases in the fixed readouts.

Results, by seed and method: ``accuracy`` on the test images after each layer's readout (of
backpropagation, the only one); ``loss``, the mean training losses of the last readout by epoch;
``minutes``, None if the run was stopped in between. The test images are looked at once, at the end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..local_error import (
    Backpropagated,
    FixedReadout,
    LocalErrorStack,
    accuracy,
    train_simultaneous,
)
from .local_errors import mnist

EPOCHS = 100
SIZES = [784, 1024, 1024, 1024]
BATCH_SIZE, RATE, DECAY = 128, 5e-4, 0.25
#: The epochs, as shares of all, after which the learning rate falls.
MILESTONES = (0.5, 0.75, 0.89, 0.94)
JITTER = 2
METHODS = ("fixed readouts", "trained readouts", "backpropagation", "random features")


def run(state: Path, seeds: list[int], epochs: int, progress: Any) -> Iterator[dict[str, Any]]:
    """Every method under every seed; each goes on where it was stopped."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    results: dict[str, Any] = {}
    normal = {"mean": 0.1307, "deviation": 0.3081}
    images, labels = mnist(train=True, **normal)
    black = float((0 - normal["mean"]) / normal["deviation"])
    for seed in seeds:
        for method in METHODS:
            kept = state / f"{seed} {method}.json"
            if not kept.is_file():
                stack = make(method, seed).to(device)
                begun, anew = time.perf_counter(), not (state / f"{seed} {method}.pt").is_file()
                history = train_simultaneous(
                    stack,
                    images,
                    labels,
                    epochs=epochs,
                    batch_size=BATCH_SIZE,
                    lr=rate(epochs),
                    seed=seed,
                    augment=jitter(black),
                    cuda_graphs=device == "cuda",
                    checkpoint=state / f"{seed} {method}.pt",
                    progress=progress,
                )
                shares = accuracy(stack, *mnist(train=False, **normal))
                last = [round(row.loss, 5) for row in history if row.layer == len(stack)]
                found = {
                    "accuracy": [round(share, 5) for share in shares],
                    "loss": last,
                    "minutes": round((time.perf_counter() - begun) / 60, 1) if anew else None,
                }
                kept.write_text(json.dumps(found), encoding="utf-8")
            results.setdefault(str(seed), {})[method] = json.loads(kept.read_text("utf-8"))
            yield results


def make(method: str, seed: int) -> LocalErrorStack:
    """The network of a method before it is trained; the layers begin alike in all four."""
    torch.manual_seed(seed)
    stack = LocalErrorStack(SIZES, 10, trained_readout=True, batch_norm=True, dropout=0.1)
    if method == "fixed readouts":
        for layer in stack:
            layer.readout = FixedReadout(layer.linear.out_features, 10)
    if method == "random features":
        for layer in stack:
            layer.linear.requires_grad_(False)
            layer.norm.requires_grad_(False)
    if method == "backpropagation":
        return LocalErrorStack.of([Backpropagated(stack, nn.Linear(SIZES[-1], 10))])
    return stack


def rate(epochs: int) -> Callable[[int], float]:
    """The learning rate of an epoch (from 1)."""
    falls = [int(share * epochs) for share in MILESTONES]
    return lambda epoch: RATE * DECAY ** sum(epoch > fall for fall in falls)


def jitter(black: float) -> Callable[[Tensor], Tensor]:
    """Moves each image of a batch by up to `JITTER` pixels a side, with black behind it."""

    def moved(images: Tensor) -> Tensor:
        count, _, height, width = images.shape
        wide = F.pad(images, [JITTER] * 4, value=black)
        down, right = torch.randint(2 * JITTER + 1, (2, count, 1, 1), device=images.device)
        rows = down + torch.arange(height, device=images.device)[:, None]
        columns = right + torch.arange(width, device=images.device)
        sample = torch.arange(count, device=images.device)[:, None, None]
        return wide[sample, 0, rows, columns].unsqueeze(1)

    return moved
