"""Betti numbers of two classes from layer to layer, after Naitzat, Zhitnikov & Lim (2020).

Three sets of known topology, in the manner of their D-I (nine discs in a square), D-II (linked
rings) and D-III (nested spheres); `helpers.topology.shapes` makes them. Networks of `DEPTH` hidden
layers of equal width, with ReLU and with tanh, are trained on all points with Adam, at a rate that
falls to 0 in `EPOCHS` epochs, or until they tell all right. They start from PyTorch's own weights,
with which outputs shrink from layer to layer, or from larger ones, with which they do not: a gain
of √2 for ReLU and of 5/3 for tanh. Betti numbers of each class are those of the complex that joins
points at most two steps apart in the graph of their 14 nearest neighbors, coefficients in Z/2.

Results, by seed, set, activation and start: ``right``, the share told right at the end; ``epochs``,
how many it took; ``betti``, for each class a row for the input and for each hidden layer.

What differs from the paper: numbers and places of points, one width for each set, the scale fixed
beforehand rather than searched, one network a seed rather than many.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from ..topology.shapes import linked_rings, neighbor_betti, nested_spheres, nine_discs

EPOCHS = 600
DEPTH = 10
#: Set → width, highest dimension of homology.
SETS = {"D-I": (15, 1), "D-II": (25, 2), "D-III": (25, 2)}
ACTIVATIONS = {"ReLU": nn.ReLU, "tanh": nn.Tanh}
GAINS = {"ReLU": math.sqrt(2), "tanh": 5 / 3}
STARTS = ("small weights", "large weights")
#: All combinations, as "D-I, ReLU, small weights".
CASES = [f"{name}, {kind}, {start}" for name in SETS for kind in ACTIVATIONS for start in STARTS]
BATCH_SIZE, RATE = 128, 3e-3


def run(state: Path, seeds: list[int], epochs: int, progress: Any) -> Iterator[dict[str, Any]]:
    """All of `CASES` under every seed; what is done is not done again."""
    results: dict[str, Any] = {}
    bar: Any = progress(len(seeds) * len(CASES), "Naitzat") if progress else None
    with bar or nullcontext(lambda note: None) as advance:
        for seed in seeds:
            for case in CASES:
                kept = state / f"{seed} {case}.json"
                if not kept.is_file():
                    beside = kept.with_suffix(".part")
                    beside.write_text(json.dumps(one(case, seed, epochs)), encoding="utf-8")
                    beside.replace(kept)
                results.setdefault(str(seed), {})[case] = json.loads(kept.read_text("utf-8"))
                advance(f"seed {seed}, {case}")
                yield results


def points_of(name: str, seed: int) -> tuple[Tensor, Tensor]:
    """The points of a set, and their classes."""
    generator = Generator().manual_seed(seed)
    if name == "D-I":
        return nine_discs(2500, generator)
    if name == "D-II":
        return linked_rings(generator=generator)
    return nested_spheres(generator=generator)


def make(
    inputs: int, width: int, depth: int, kind: str, seed: int, start: str = "small weights"
) -> nn.Sequential:
    """Hidden layers of one width, each with its activation, and a head for two classes.

    Small weights are PyTorch's own, uniform with deviation √(1/3n) for n inputs. Large ones are
    uniform with the gain g of the activation: deviation g √(2 / (n + outputs)), and no biases
    (Glorot and Bengio, 2010).
    """
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for before in (inputs, *[width] * (depth - 1)):
        layers.append(nn.Sequential(nn.Linear(before, width), ACTIVATIONS[kind]()))
    network = nn.Sequential(*layers, nn.Linear(width, 2))
    if start == "large weights":
        for linear in (part for part in network.modules() if isinstance(part, nn.Linear)):
            nn.init.xavier_uniform_(linear.weight, GAINS[kind])
            nn.init.zeros_(linear.bias)
    return network


def train(
    network: nn.Module, points: Tensor, labels: Tensor, epochs: int, seed: int, rate: float = RATE
) -> tuple[int, float]:
    """Until all points are told right, or so many epochs; gives epochs and the share right."""
    generator = Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
    inputs, share = centered(points), 0.0
    for epoch in range(1, epochs + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - (epoch - 1) / epochs)
        for batch in torch.randperm(len(inputs), generator=generator).split(BATCH_SIZE):
            optimizer.zero_grad()
            F.cross_entropy(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            share = (network(inputs).argmax(dim=1) == labels).double().mean().item()
        if share == 1.0:
            break
    return epoch, share


def centered(points: Tensor) -> Tensor:
    """Around 0 and of deviation 1, all directions scaled alike: what a network takes."""
    return (points - points.mean(dim=0)) / points.std()


@torch.no_grad()
def betti_by_layer(
    network: nn.Sequential, points: Tensor, labels: Tensor, max_dimension: int
) -> list[list[list[int]]]:
    """For each class: the input's Betti numbers, and those after every hidden layer."""
    outputs = [centered(points)]
    for layer in network[:-1]:
        outputs.append(layer(outputs[-1]))
    return [
        [neighbor_betti(output[labels == label], max_dimension) for output in outputs]
        for label in (0, 1)
    ]


def one(case: str, seed: int, epochs: int) -> dict[str, Any]:
    """One network trained, and what becomes of the classes in it."""
    name, kind, start = case.split(", ")
    width, highest = SETS[name]
    points, labels = points_of(name, seed)
    network = make(points.shape[1], width, DEPTH, kind, seed, start)
    needed, share = train(network, points, labels, epochs, seed)
    betti = betti_by_layer(network, points, labels, highest)
    return {"right": round(share, 5), "epochs": needed, "betti": betti}
