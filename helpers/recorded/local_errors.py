"""784–1000×5 on MNIST, one layer after another, by fixed random readouts of deviation 0.01.

Results, by seed: ``accuracy`` on the test images after each layer's readout, all layers trained;
``deviation``, the standard deviation of each layer's outputs for these images; ``loss``, a list of
the mean training losses by epoch for each layer; ``minutes``, None if the run was stopped in
between.

The test images are looked at once, at the end: nothing is chosen by them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..data import torchvision_data
from ..local_error import LocalErrorStack, accuracy, train_layerwise

EPOCHS = 30
SIZES = [784, 1000, 1000, 1000, 1000, 1000]
STD = 0.01
BATCH_SIZE = 64


def mnist(train: bool, mean: float = 0.5, deviation: float = 0.5) -> tuple[Tensor, Tensor]:
    """MNIST as tensors of shape (N, 1, 28, 28) and (N,), normalized."""
    found = torchvision_data("mnist", train=train)
    pixels = found.data.unsqueeze(1).to(torch.float32) / 255
    return (pixels - mean) / deviation, found.targets.to(torch.int64)


def run(state: Path, seeds: list[int], epochs: int, progress: Any) -> Iterator[dict[str, Any]]:
    """One training a seed, which goes on where it was stopped."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    results: dict[str, Any] = {}
    images, labels = mnist(train=True)
    for seed in seeds:
        kept = state / f"{seed}.json"
        if not kept.is_file():
            stack = make(seed).to(device)
            begun, anew = time.perf_counter(), not (state / f"{seed}.pt").is_file()
            history = train_layerwise(
                stack,
                images,
                labels,
                epochs=epochs,
                batch_size=BATCH_SIZE,
                seed=seed,
                cuda_graphs=device == "cuda",
                checkpoint=state / f"{seed}.pt",
                progress=progress,
            )
            losses: list[list[float]] = [[] for _ in stack]
            for row in history:
                losses[row.layer - 1].append(round(row.loss, 5))
            tested = mnist(train=False)
            with torch.no_grad():
                outputs = stack.cpu().outputs(tested[0])
            found = {
                "accuracy": [round(share, 5) for share in accuracy(stack, *tested)],
                "deviation": [round(output.std().item(), 2) for output in outputs],
                "loss": losses,
                "minutes": round((time.perf_counter() - begun) / 60, 1) if anew else None,
            }
            kept.write_text(json.dumps(found), encoding="utf-8")
        results[str(seed)] = json.loads(kept.read_text(encoding="utf-8"))
        yield results


def make(seed: int) -> LocalErrorStack:
    """The network before it is trained."""
    torch.manual_seed(seed)
    return LocalErrorStack(SIZES, 10, STD)
