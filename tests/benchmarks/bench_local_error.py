"""Training by local errors against the plain way, in one run: `make bench`.

The plain way is what one finds in scripts: a DataLoader with an image at a time through ToTensor
and Normalize, the frozen layers run again for every batch of every epoch, torch's default Adam. The
network, the batches and their order, the epochs and the starting weights are the same. MNIST from
LAYERWISE_DATA, or, where there is none, random images of its size, which time the same but tell
nothing about accuracy; LAYERWISE_BENCH_IMAGES takes fewer images, LAYERWISE_BENCH_PLAIN_EPOCHS=1
times one epoch a layer of the plain way and doubles it; LAYERWISE_BENCH_THREADS=1 leaves out the
row for all cores, which says little on a busy machine. Writes results/local_error.md.
"""

from __future__ import annotations

import copy
import datetime
import os
import platform
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from helpers.data import torchvision_data
from helpers.local_error import LocalErrorStack, accuracy, train_layerwise

RESULTS = Path(__file__).parent / "results" / "local_error.md"
SIZES, EPOCHS, BATCH_SIZE = [784, 1000, 1000, 1000, 1000, 1000], 2, 64
IMAGES = int(os.environ.get("LAYERWISE_BENCH_IMAGES", 60_000))
THREADS = os.environ.get("LAYERWISE_BENCH_THREADS") or f"1,{os.cpu_count()}"
#: Devices and threads, in the order of the file's sections.
PLACES = [("cpu", int(threads)) for threads in dict.fromkeys(THREADS.split(","))]
PLACES += [("cuda", 1)] if torch.cuda.is_available() else []
#: What is asked for: times as fast as the plain way.
ASKED = {"cpu": 5.0, "cuda": 50.0}


class _Images(Dataset[Any]):
    """Images in memory; each becomes a PIL image and a tensor when it is asked for."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        from torchvision import transforms

        self.pixels, self.labels = pixels, labels
        steps = [transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
        self.transform = transforms.Compose(steps)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        from PIL import Image

        return self.transform(Image.fromarray(self.pixels[index].numpy())), int(self.labels[index])


def loaded() -> tuple[Tensor, Tensor, Tensor, Tensor, str]:
    """Pixels and labels of both parts, and where they are from."""
    try:
        if not os.environ.get("LAYERWISE_DATA"):
            raise FileNotFoundError
        parts = [torchvision_data("mnist", train=train) for train in (True, False)]
        pixels = [part.data for part in parts]
        labels = [part.targets for part in parts]
        source = f"MNIST, {min(IMAGES, 60_000):,} training images"
    except FileNotFoundError:
        pixels = [torch.randint(256, (n, 28, 28), dtype=torch.uint8) for n in (IMAGES, 1000)]
        labels = [torch.randint(10, (len(part),)) for part in pixels]
        source = f"{IMAGES:,} random images of MNIST's size: LAYERWISE_DATA is not set"
    return pixels[0][:IMAGES], labels[0][:IMAGES], pixels[1], labels[1], source


def normalized(pixels: Tensor) -> Tensor:
    return (pixels.unsqueeze(1).to(torch.float32) / 255 - 0.5) / 0.5


def plain_way(stack: LocalErrorStack, pixels: Tensor, labels: Tensor, epochs: int) -> None:
    device = next(stack.parameters()).device
    shown = _Images(pixels, labels)
    for place, layer in enumerate(stack):
        optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
        for epoch in range(1, epochs + 1):
            order = same_order(place, epoch, len(pixels))
            for images, truth in DataLoader(shown, BATCH_SIZE, sampler=order):
                images, truth = images.to(device), truth.to(device)
                with torch.no_grad():
                    for below in list(stack)[:place]:
                        images = below(images)
                loss = F.cross_entropy(layer.logits(layer(images)), truth)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


def same_order(stage: int, epoch: int, count: int) -> list[int]:
    """The order that `train_layerwise` has under seed 0, so that only the way is compared."""
    generator = torch.Generator().manual_seed(stage * 1_000_003 + epoch)
    order: list[int] = torch.randperm(count, generator=generator).tolist()
    return order


def seconds(run: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def multiply_adds(images: int) -> float:
    """What the training cannot do without: a layer's outputs and its weights' gradients in every
    epoch, and its outputs once for the next layer."""
    pairs = list(pairwise(SIZES))
    learning = sum(2 * inside * out for inside, out in pairs) * EPOCHS
    return images * (learning + sum(inside * out for inside, out in pairs[:-1]))


def rate(device: str, inside: int, out: int, rows: int) -> float:
    """Multiply-adds a second of one matrix product of this size, the best of several."""
    one, other = torch.randn(rows, inside, device=device), torch.randn(inside, out, device=device)
    count = 20 if device == "cpu" else 200

    def products() -> None:
        for _ in range(count):
            one @ other

    products()
    return count * rows * inside * out / min(seconds(products, device) for _ in range(5))


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize(("device", "threads"), PLACES, indirect=["threads"])
def test_training_against_the_plain_way(device: str, threads: int) -> None:
    pixels, labels, test_pixels, test_labels, source = loaded()
    torch.manual_seed(0)
    start = LocalErrorStack(SIZES, 10).to(device)
    variants: dict[str, dict[str, Any]] = {"cached features, fused Adam": {}}
    if device == "cuda":
        variants["the same as a CUDA graph"] = {"cuda_graphs": True}
    for stack in (copy.deepcopy(start), copy.deepcopy(start)):  # libraries set themselves up
        plain_way(stack, pixels[:256], labels[:256], 1)
        train_layerwise(stack, normalized(pixels[:512]), labels[:512], epochs=1)
    rows, shares = [], {}
    for name, options in variants.items():
        stack = copy.deepcopy(start)

        def ours(stack: LocalErrorStack = stack, options: dict[str, Any] = options) -> None:
            train_layerwise(stack, normalized(pixels), labels, epochs=EPOCHS, **options)

        rows.append((name, seconds(ours, device)))
        shares[name] = accuracy(stack, normalized(test_pixels), test_labels)
    stack = copy.deepcopy(start)
    plain_epochs = int(os.environ.get("LAYERWISE_BENCH_PLAIN_EPOCHS", EPOCHS))
    plain = seconds(lambda: plain_way(stack, pixels, labels, plain_epochs), device)
    plain *= EPOCHS / plain_epochs
    shares["plain"] = accuracy(stack, normalized(test_pixels), test_labels)
    floors = {
        f"batches of {n}": multiply_adds(len(pixels)) / rate(device, 1000, 1000, n)
        for n in (BATCH_SIZE, 4096)
    }
    text = table(device, source, rows, plain, plain_epochs, shares, floors)
    print(f"\n{text}")
    new = (device, threads) == PLACES[0] or not RESULTS.is_file()
    before = HEAD if new else RESULTS.read_text(encoding="utf-8")
    RESULTS.write_text(f"{before}\n{text}", encoding="utf-8")
    if "MNIST," in source and plain_epochs == EPOCHS:
        for name, _ in rows:
            assert abs(shares[name][-1] - shares["plain"][-1]) < (
                0.002 if IMAGES > 50_000 else 0.02
            )
    best = min(took for _, took in rows)
    if best * ASKED[device] > plain:
        print(f"asked for: {ASKED[device]:g} times as fast")


HEAD = """# Training by local errors, measured

784–1000×5, two epochs a layer, batches of 64, against the plain way: a DataLoader with ToTensor and
Normalize for an image at a time, the frozen layers run again for every batch, torch's default Adam.
`make bench` writes this file; read the ratios. The floor is the multiply–adds that the training
cannot do without, at the rate that this machine reached in matrix products of that many rows.
"""


def table(
    device: str,
    source: str,
    rows: list[tuple[str, float]],
    plain: float,
    plain_epochs: int,
    shares: dict[str, list[float]],
    floors: dict[str, float],
) -> str:
    threads = torch.get_num_threads()
    machine = f"{os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''}"
    if device == "cuda":
        machine = f"one {torch.cuda.get_device_name()}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    half = "" if plain_epochs == EPOCHS else f" (from {plain_epochs} epoch a layer)"
    lines = [
        f"## {device}: {machine}{load}\n",
        f"{source}; {versions}; {today}.\n",
        "| | seconds | times as fast | accuracy after layers 1 and 5 |",
        "|---|---|---|---|",
        f"| the plain way{half} | {plain:.1f} | 1 | {_two(shares['plain'])} |",
    ]
    for name, took in rows:
        lines.append(f"| {name} | {took:.1f} | {plain / took:.1f} | {_two(shares[name])} |")
    for name, floor in floors.items():
        lines.append(f"| the floor, {name} | {floor:.1f} | {plain / floor:.1f} | |")
    return "\n".join(lines) + "\n"


def _two(shares: list[float]) -> str:
    return f"{shares[0]:.4f}, {shares[-1]:.4f}"
