"""Distances beside other libraries', and a network's layers beside the plain way: `make bench`.

Ratios in one run, on one thread and on two, on a GPU where there is one. ``LAYERWISE_BENCH_ROUNDS``
asks for fewer rounds, ``LAYERWISE_BENCH_THREADS=1`` for one section. Images are MNIST's, from
LAYERWISE_DATA, or scikit-learn's digits where there is none. Writes results/topology.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.data import digits, torchvision_data
from helpers.models import LeNet
from helpers.topology import layer_topology, pairwise_distances, persistence

from .timing import circumstances, limited, taking_turns, told, write_section

RESULTS = Path(__file__).parent / "results" / "topology.md"
ROUNDS = int(os.environ.get("LAYERWISE_BENCH_ROUNDS", "7"))
THREADS = [int(t) for t in os.environ.get("LAYERWISE_BENCH_THREADS", "1,2").split(",")]
PLACES = [("cpu", threads) for threads in THREADS]
PLACES += [("cuda", 2)] if torch.cuda.is_available() else []

HEAD = """# Topology: distances and layers, measured

`make bench` writes this file. Those in a table take turns; times are medians, of as many rounds as
stands behind them. Read the ratios: more than 1 is slower than ours.
"""

# distances

COUNT, FEATURES = 2000, 1024
#: The relative error up to which a distance counts as exact.
EXACT = 1e-6


def clouds(device: str) -> dict[str, Tensor]:
    """Normal numbers around 0; and the same around 100, with a twin 0.01 away for ten of them."""
    torch.manual_seed(0)
    plain = torch.randn(COUNT, FEATURES)
    far = plain + 100
    far[1000:1010] = far[:10]
    far[1000:1010, 0] += 0.01
    return {"plain": plain.to(device), "far": far.to(device)}


def rivals(metric: str, device: str) -> dict[str, Callable[[Tensor], Tensor]]:
    """Ours first. What gives one triangle only is spared the making of a matrix."""
    p = {"l1": 1.0, "l2": 2.0}[metric]
    found: dict[str, Callable[[Tensor], Tensor]] = {
        "`pairwise_distances`": lambda x: pairwise_distances(x, metric),
        "`torch.cdist`": lambda x: torch.cdist(x, x, p=p),
    }
    if metric == "l2":
        found["`torch.cdist`, no product"] = lambda x: torch.cdist(
            x, x, compute_mode="donot_use_mm_for_euclid_dist"
        )
        found["product in float64, by hand"] = by_hand
    found["`torch.nn.functional.pdist`, a triangle"] = lambda x: F.pdist(x, p)
    if device == "cpu":
        from scipy.spatial.distance import pdist
        from sklearn.metrics import pairwise_distances as scikit_learns

        name = {"l1": "cityblock", "l2": "euclidean"}[metric]
        found["scipy `pdist`, a triangle"] = lambda x: torch.from_numpy(pdist(x.numpy(), name))
        found["scikit-learn"] = lambda x: torch.from_numpy(scikit_learns(x.numpy(), metric=metric))
    return found


def by_hand(points: Tensor) -> Tensor:
    """The formula as one writes it: centered, in float64, no more."""
    wide = points.double()
    wide -= wide.mean(dim=0)
    norms = wide.square().sum(dim=1)
    squares = norms.unsqueeze(1) + norms - 2 * (wide @ wide.mT)
    return squares.clamp_(min=0).sqrt_().to(points.dtype)


def true(points: Tensor, metric: str) -> Tensor:
    """In float64 and by differences, as a triangle."""
    return F.pdist(points.cpu().double(), {"l1": 1.0, "l2": 2.0}[metric])


def error(found: Tensor, exact: Tensor) -> tuple[float, bool]:
    """The largest relative error; and whether it is symmetric with a diagonal of zeros."""
    found = found.cpu().double()
    whole = True
    if found.ndim == 2:
        whole = bool((found.diagonal() == 0).all()) and torch.equal(found, found.mT)
        upper = torch.ones(found.shape, dtype=torch.bool).triu(1)
        found = found[upper]
    return float(((found - exact) / exact).abs().max()), whole


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize(("device", "threads"), PLACES)
def test_distances(device: str, threads: int, metric: str) -> None:
    with limited(threads):
        points = clouds(device)
        runs = rivals(metric, device)
        exact = {name: true(cloud, metric) for name, cloud in points.items()}
        rows, good = [], []
        errors = {
            name: {where: error(run(points[where]), exact[where]) for where in points}
            for name, run in runs.items()
        }
        timed = {name: (lambda run=run: run(points["plain"])) for name, run in runs.items()}
        times = taking_turns(timed, ROUNDS, device)
        ours = median(times["`pairwise_distances`"])
        for name, taken in times.items():
            (plain, whole), (far, whole_far) = errors[name]["plain"], errors[name]["far"]
            if plain < EXACT and whole and not name.startswith("`torch.nn"):
                good.append((median(taken), name))
            both = "yes" if whole and whole_far else "no"
            ratio = f"{median(taken) / ours:.2f}"
            rows.append(f"| {name} | {told(taken)} | {ratio} | {plain:.0e} | {far:.0e} | {both} |")
        about = circumstances(device, threads)
    text = f"""{about}.

{COUNT} points, {FEATURES} features, float32. The largest relative error is that on normal numbers,
and on the same around 100 where ten points have a twin 0.01 away; up to {EXACT:g} counts as exact.

| | time | over ours | error | error around 100 | symmetric, diagonal zero |
|---|---|---|---|---|---|
""" + "\n".join(rows)
    write_section(RESULTS, HEAD, f"{metric.upper()} distances, {_place(device, threads)}", text)
    for where in points:
        found, whole = errors["`pairwise_distances`"][where]
        assert found < EXACT and whole
    if min(good)[1] != "`pairwise_distances`":
        print(f"asked for: as fast as {min(good)[1]}")


# layers


def images(count: int = 1000) -> tuple[Tensor, Tensor, str]:
    if os.environ.get("LAYERWISE_DATA"):
        data = torchvision_data("mnist", train=False)
        pixels, labels = data.data[:count].unsqueeze(1).float() / 255, data.targets[:count]
        return pixels, labels, "MNIST's test set"
    pixels, labels = digits("train")
    return pixels[:count], labels[:count], "scikit-learn's digits"


def networks() -> dict[str, nn.Module]:
    torch.manual_seed(0)
    sizes = [784, 256, 256, 256, 256]
    layers: list[nn.Module] = [nn.Flatten()]
    for inside, out in pairwise(sizes):
        layers += [nn.Linear(inside, out), nn.ReLU()]
    return {"LeNet": LeNet(), "MLP": nn.Sequential(*layers, nn.Linear(256, 10))}


def train(model: nn.Module, pixels: Tensor, labels: Tensor) -> None:
    """A few steps, so that the layers are not those of chance."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step in range(60):
        chosen = torch.arange(64) + 64 * (step % (len(pixels) // 64))
        loss = F.cross_entropy(model(pixels[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def plain_way(model: nn.Module, pixels: Tensor) -> dict[str, Any]:
    """Hooks, one `torch.cdist` a layer, one call of ripser.py a layer."""
    from ripser import ripser

    outputs: dict[str, Tensor] = {}
    handles = []
    for name, layer in model.named_modules():
        if not list(layer.children()):

            def keep(module: nn.Module, args: object, output: Tensor, name: str = name) -> None:
                while name in outputs:
                    name += "#"
                outputs[name] = output.detach().flatten(1).clone()

            handles.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        model(pixels)
    for handle in handles:
        handle.remove()
    distances = {name: torch.cdist(output, output, p=1) for name, output in outputs.items()}
    return {
        name: ripser(matrix.cpu().numpy(), distance_matrix=True)["dgms"]
        for name, matrix in distances.items()
    }


@pytest.mark.parametrize(("device", "threads"), PLACES)
def test_layers_of_networks(device: str, threads: int, tmp_path: Path) -> None:
    rows = []
    rounds = min(ROUNDS, 3)
    with limited(threads):
        pixels, labels, source = images()
        for name, model in networks().items():
            train(model, pixels, labels)
            model, moved = model.to(device).eval(), pixels.to(device)
            number = 0

            def ours(model: nn.Module = model, moved: Tensor = moved, name: str = name) -> Any:
                nonlocal number
                number += 1  # a new folder each time: nothing is resumed
                return layer_topology(
                    model, moved, size=None, name=f"{name} {number}", save_root=tmp_path
                )

            def plain(model: nn.Module = model, moved: Tensor = moved) -> Any:
                return plain_way(model, moved)

            found = ours()
            plain_way(model, moved[:50])
            times = taking_turns({"ours": ours, "plain": plain}, rounds, device)
            check(model, moved, found)
            slower = median(times["plain"]) / median(times["ours"])
            rows.append(
                f"| {name} | {len(found)} | {told(times['plain'])} | {told(times['ours'])} | "
                f"{slower:.1f} |"
            )
        about = circumstances(device, threads)
    text = f"""{about}.

`layer_topology`, H0 and H1 of L1 distances, with its files written, beside the
plain way: hooks, one `torch.cdist` a layer, one call of ripser.py a layer, nothing written.
{len(pixels):,} images, {source}; networks trained for 60 steps.

| | layers | plain | ours | times as fast |
|---|---|---|---|---|
""" + "\n".join(rows)
    write_section(RESULTS, HEAD, f"Layers of networks, {_place(device, threads)}", text)


def check(model: nn.Module, pixels: Tensor, found: Any) -> None:
    """The diagrams are ripser.py's of the same distances."""
    from helpers.hooks import ActivationRecorder

    for name, output in ActivationRecorder(model).gather(pixels).items():
        distances = pairwise_distances(output.flatten(1), "l1")
        theirs = persistence(distances, metric="precomputed", backend="ripser")
        for bars, expected in zip(found[name].diagram, theirs, strict=True):
            torch.testing.assert_close(bars, expected.cpu(), rtol=1e-6, atol=0)


def _place(device: str, threads: int) -> str:
    return "GPU" if device == "cuda" else f"{threads} thread{'s' * (threads > 1)}"
