"""What makes the Betti curves of layers regular: augmentation, learning, or the map itself? MNIST.

The protocol. It was written down, and committed, before any of it was run. It was amended once,
after a trial of one seed and one epoch, which is not counted: eight subsamples of 2,000 images in
place of four of 1,000, since the measure scattered too much. Nothing else was changed.

**Observation to explain.** Betti numbers of a network's layers looked more regular than those of
the data. The networks were freshly built, and the loader gave all images the same augmentation.
Three explanations, which do not exclude one another: (1) the shared augmentation; (2) structure
that a network learns; (3) the map itself, before it learns: its architecture, width or activation.

**Networks.** LeNet (28×28 in; blocks of 6×14×14, 16×5×5, 120, 84; tanh, average pooling) and an
MLP (784–256–256–256, ReLU). A layer is a block's output, behind its activation. Under each seed
and for each network all of these begin with the same weights:

- *fresh*: never trained.
- *backpropagation*: 10,000 images, Adam 0.001, batches of 64, `EPOCHS` epochs, a linear head.
- *local errors*: the same images and epochs for each layer, one layer after another, each with a
  fixed random readout of deviation 1/√n. Matched in accuracy: its partner *matched* is that state
  of the backpropagation run, kept four times an epoch, whose accuracy on 2,000 validation images
  is nearest to the local-error network's (last readout). Both accuracies are reported.
- *shuffled*: labels of the first 2,000 images permuted, as many steps as backpropagation; its
  partner *true 2000* has the same images and steps, and the right labels. Its accuracy on these
  images, by the wrong labels, says whether it learned them.
- *trained on shared crops*, *trained on own crops*: backpropagation for the second table only.
  All others are trained without augmentation.

**Augmentation, when measuring.** None; *flip*, *crop* (a 22×22 window enlarged to 28×28) and *blur*
(Gaussian, deviation 0.5 to 2.5 pixels), each once *shared* by all images (one window, one deviation
a seed, drawn at random; all flipped) and once with an *own* draw for each (flipped with probability
1/2). A shared flip is an isometry of pixels, crop and blur are not. Networks see [-1, 1].

**Cloud and subsamples.** 2,000 test images a seed, which no network has seen; their outputs at a
layer, flattened. Split at random into eight disjoint subsamples of 250, drawn without replacement,
the same split for everything under one seed.

**Primary measure: irregularity.** L1 distances over their median, within each subsample. H1 of the
Vietoris–Rips filtration, coefficients in Z/2, scale an edge's length, no threshold. β1 curve of
each subsample. Mean over the 28 pairs of the L1 distance between two curves (the area between
them, integrated exactly), over the mean area under the eight. A small number is a regular curve.
Analyzed as its logarithm; 0.1 is about ten percent.

**Named layer.** The last hidden one of each network: LeNet's 84, the MLP's third 256.

**Replicates.** The seed: its initialisation, order, training images, test images, splits and
augmentations. At least ten. Subsamples are nested inside a seed and are never counted as
replicates: a seed gives one number. Differences are paired within a seed.

**Primary contrasts**, at the named layer, differences of log irregularity; three in each of two
networks:

- A1: fresh, shared crop − fresh, none.
- B1: backpropagation − fresh, both without augmentation.
- C1: fresh − raw pixels, both without augmentation.

**Supporting contrasts**, four in each network:

- A2: fresh, shared crop − fresh, own crop.
- B2: true 2000 − shuffled.
- C2: random projection and ReLU of the same widths − raw pixels.
- C3: fresh − a Gaussian cloud with the mean and covariance of the fresh layer's outputs.

**Intervals.** Student's t over seeds, for the mean difference, at 1 − 0.05/k for a family of k:
k = 6 for the primary ones, k = 8 for the supporting ones, and for every other table the number of
its rows. No contrast is added to a family after the results are seen.

**Verdicts.** *Lower*: the whole interval is below 0. *Higher*: above. *Small*: the whole interval
lies within ±0.1 (it may be lower or higher, too). Else *undecided*. In each network by itself:

- The observation is reproduced if C1 is lower. If it is not, there is nothing to explain there.
- Explanation 1 is supported if A1 is lower, and A2 is not higher; it fails if A1 is higher or
  small.
- Explanation 2 is supported if B1 and B2 are lower; it fails if B1 is higher or small.
- Explanation 3 is supported if C1 is lower; if C2 is lower, too, random weights with ReLU are
  enough; if C3 is small, the cloud's covariance is enough, and no other structure is needed.
- Everything else is undecided. How much each contributes is told by the three primary differences.

**Secondary.** Finite total persistence in H1 (the area under the curve, scale in medians) and H0;
number of bars; all other layers; L2 in place of L1, cosine distance (which breaks the triangle
inequality; Rips needs none), at the named layer; local errors − matched, with the augmentations
other than crop. Second table: trained on none, shared crops, own crops × measured on the same
three.

**Controls.** Raw pixels under each augmentation. Gaussian clouds with the mean and covariance of
every layer, fresh and backpropagation. Random projections of the same widths, with and without
ReLU. The first 2,000 training images in place of test images. Each class alone, eight subsamples of
80, beside pooled subsamples of 80. Eight subsamples of 125 and of 500 points (of 4,000 test
images). The concentration of distances: their standard deviation over their mean.

**Smaller form.** The chapter runs a smaller form on the embedded digits. It has its own numbers
and decides nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from ..topology.regularity import (
    gaussian_like,
    irregularity,
    random_layers,
    scaled,
    total_area,
)
from . import _layer_contrasts as contrasts
from ._layer_networks import AUGMENTED, Draw, augmented, draw, trained

__all__ = ["EPOCHS", "SCALES", "contrasts", "measure", "run"]

EPOCHS = 5
NETWORKS = ("LeNet", "MLP")
MEASURED, SUBSAMPLES, SIZE, SIZE_OF_CLASS, OTHER_SIZES = 2_000, 8, 250, 80, (125, 500)
#: What stands in a row of ``measured``; areas and lengths in units of the median distance.
COLUMNS = ("irregularity", "area of H1", "bars of H1", "length of H0", "spread of distances")
#: Where the mean β1 curves are kept.
SCALES = [round(0.3 + 0.0125 * step, 4) for step in range(81)]


def run(state: Path, seeds: list[int], epochs: int, progress: Any) -> Iterator[dict[str, Any]]:
    """Each seed in three parts; a part that is done is not done again."""
    results: dict[str, Any] = {}
    parts: dict[str, Callable[[Draw, int, int], dict[str, Any]]] = {
        "pixels": lambda data, seed, epochs: pixels(data, seed),
        "LeNet": lambda data, seed, epochs: network("LeNet", data, seed, epochs),
        "MLP": lambda data, seed, epochs: network("MLP", data, seed, epochs),
    }
    bar: Any = progress(3 * len(seeds), "layers") if progress else nullcontext(lambda note: None)
    with bar as advance:
        for seed in seeds:
            for part, work in parts.items():
                kept = state / f"{seed} {part}.json"
                if not kept.is_file():
                    begun = time.perf_counter()
                    found = work(draw(seed), seed, epochs)
                    found["minutes"] = round((time.perf_counter() - begun) / 60, 1)
                    beside = kept.with_suffix(".part")
                    beside.write_text(json.dumps(found), encoding="utf-8")
                    beside.replace(kept)
                results.setdefault(str(seed), {})[part] = json.loads(kept.read_text("utf-8"))
                advance(f"seed {seed}, {part}")
                yield results


def measure(points: Tensor, size: int, seed: int, metric: str = "l1") -> tuple[list[float], Any]:
    """The `COLUMNS` for a cloud, and the mean β1 curve on `SCALES`."""
    generator = Generator().manual_seed(seed)
    order = torch.randperm(len(points), generator=generator)[: SUBSAMPLES * size]
    flat = points.flatten(1).double()
    loops, areas, bars, lengths, spreads, curves = [], [], [], [], [], []
    for chosen in order.reshape(SUBSAMPLES, size):
        distances = scaled(distance_matrix(flat[chosen], metric))
        components, holes = diagrams(distances)
        loops.append(holes)
        areas.append(total_area(holes))
        bars.append(float(len(holes)))
        lengths.append(total_area(components))
        apart = distances[torch.ones_like(distances).triu(1).bool()]
        spreads.append((apart.std() / apart.mean()).item())
        curves.append([((holes[:, 0] <= s) & (s < holes[:, 1])).sum().item() for s in SCALES])
    rows = [sum(column) / SUBSAMPLES for column in (areas, bars, lengths, spreads)]
    mean = [round(sum(column) / SUBSAMPLES, 2) for column in zip(*curves, strict=True)]
    return [float(f"{value:.5g}") for value in (irregularity(loops), *rows)], mean


def distance_matrix(points: Tensor, metric: str) -> Tensor:
    """All distances, exact, in float64."""
    from scipy.spatial.distance import pdist, squareform

    kind = {"l1": "cityblock", "l2": "euclidean", "cosine": "cosine"}[metric]
    return torch.from_numpy(squareform(pdist(points.numpy(), kind)))


def diagrams(distances: Tensor) -> tuple[Tensor, Tensor]:
    """The finite bars in H0 and H1, coefficients in Z/2; as the distances not by our own code."""
    from gudhi.sklearn.rips_persistence import RipsPersistence

    rips = RipsPersistence(
        homology_dimensions=[0, 1],
        input_type="full distance matrix",
        homology_coeff_field=2,
    )
    ((components, holes),) = rips.fit_transform([distances.numpy()])
    bars = torch.as_tensor(components).reshape(-1, 2), torch.as_tensor(holes).reshape(-1, 2)
    return bars[0][bars[0][:, 1].isfinite()], bars[1]


class _Table:
    """Rows of `measure` under their names; all clouds of a seed are split alike."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.measured: dict[str, list[float]] = {}
        self.curves: dict[str, list[float]] = {}

    def add(
        self, name: str, points: Tensor, size: int = SIZE, metric: str = "l1", curve: bool = False
    ) -> None:
        if name not in self.measured:
            self.measured[name], mean = measure(points, size, self.seed, metric)
            if curve:
                self.curves[name] = mean

    def add_classes(self, name: str, clouds: Tensor, pooled: Tensor) -> None:
        """Each class alone, their mean over the classes; and as many points of all of them."""
        rows = [measure(cloud, SIZE_OF_CLASS, self.seed)[0] for cloud in clouds]
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        self.measured[f"{name} | classes alone"] = [float(f"{mean:.5g}") for mean in means]
        self.add(f"{name} | classes pooled", pooled, SIZE_OF_CLASS)

    def told(self) -> dict[str, Any]:
        return {"measured": self.measured, "curves": self.curves}


def pixels(data: Draw, seed: int) -> dict[str, Any]:
    """The controls that need no network; names are ``pixels | what``."""
    table, tested = _Table(seed), data.tested[:MEASURED]
    for look in AUGMENTED:
        table.add(f"pixels | {look}", augmented(tested, look, seed), curve=look == "none")
    for metric in ("l2", "cosine"):
        table.add(f"pixels | {metric}", tested, metric=metric)
    for size in OTHER_SIZES:
        table.add(f"pixels | {size} points", data.tested, size)
    generator = Generator().manual_seed(seed)
    flat = tested.flatten(1).double()
    table.add("pixels | Gaussian", gaussian_like(flat, MEASURED, generator))
    table.add("pixels | training images", data.images[:MEASURED])
    table.add_classes("pixels", data.classes, data.pooled)
    return table.told()


@torch.no_grad()
def network(name: str, data: Draw, seed: int, epochs: int) -> dict[str, Any]:
    """All that is measured of one network; names are ``state | layer | what``."""
    with torch.enable_grad():
        states, shares = trained(name, data, seed, epochs)
    table, tested = _Table(seed), data.tested[:MEASURED]
    last = len(states["fresh"])

    def outputs(state: str, images: Tensor) -> list[Tensor]:
        return [output.flatten(1) for output in states[state].outputs(2 * images - 1)]

    crops = ("none", "shared crop", "own crop")
    for state in states:
        both = state in ("fresh", "backpropagation")
        looks = AUGMENTED if both else crops if state.startswith("on ") else ["none"]
        for look in looks:
            found = outputs(state, augmented(tested, look, seed))
            for layer, points in enumerate(found, start=1):
                if layer == last or not state.startswith("on "):
                    row = f"{state} | {layer} | {look}"
                    table.add(row, points, curve=layer == last and look == "none")
        table.add(f"{state} | {last} | training images", outputs(state, data.images[:MEASURED])[-1])
        if both:
            _controls(table, state, outputs, data, seed)
    widths = [points.shape[1] for points in outputs("fresh", tested[:1])]
    for word, relu in (("random ReLU", True), ("random linear", False)):
        generator = Generator().manual_seed(seed)
        found = random_layers(2 * tested.flatten(1) - 1, widths, relu, generator)
        for layer, points in enumerate(found, start=1):
            table.add(f"{word} | {layer} | none", points, curve=layer == last)
    return {"right": {state: round(share, 4) for state, share in shares.items()}} | table.told()


def _controls(
    table: _Table, state: str, outputs: Callable[[str, Tensor], list[Tensor]], data: Draw, seed: int
) -> None:
    """Gaussian clouds of every layer; metrics, sizes and classes at the last."""
    generator = Generator().manual_seed(seed)
    found = outputs(state, data.tested[:MEASURED])
    for layer, points in enumerate(found, start=1):
        cloud = gaussian_like(points.double(), MEASURED, generator)
        table.add(f"{state} | {layer} | Gaussian", cloud, curve=layer == len(found))
    named = f"{state} | {len(found)}"
    for metric in ("l2", "cosine"):
        table.add(f"{named} | {metric}", found[-1], metric=metric)
    for size in OTHER_SIZES:
        table.add(f"{named} | {size} points", outputs(state, data.tested)[-1], size)
    classes = torch.stack([outputs(state, images)[-1] for images in data.classes])
    table.add_classes(named, classes, outputs(state, data.pooled)[-1])
