"""What gathering every layer's output costs: beside torchvision's extractor and a loop by hand.

Ratios in one run: `make bench`. One thread on the CPU; the same on a GPU where there is one. The
table is printed and kept in ``results/``. ``LAYERWISE_BENCH_IMAGES=64`` asks for fewer images.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from helpers.hooks import ActivationRecorder
from helpers.paths import write_text

RESULTS = Path(__file__).parent / "results"
IMAGES = int(os.environ.get("LAYERWISE_BENCH_IMAGES", "512"))
SIDE, BATCH, ROUNDS = 64, 64, 5
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
Gathered = dict[str, Tensor]


def ours(model: nn.Module, images: Tensor) -> Gathered:
    return ActivationRecorder(model).gather(images, BATCH)


def by_hand(model: nn.Module, images: Tensor) -> Gathered:
    """Hooks that append to lists, joined at the end: what people write, with the clone it needs."""
    lists: dict[str, list[Tensor]] = {}
    handles = []
    for name, layer in model.named_modules():
        if not list(layer.children()):

            def keep(module: nn.Module, args: object, output: Tensor, name: str = name) -> None:
                lists.setdefault(name, []).append(output.detach().clone())

            handles.append(layer.register_forward_hook(keep))
    with torch.no_grad():
        for batch in images.split(BATCH):
            model(batch)
    for handle in handles:
        handle.remove()
    return {name: torch.cat(parts) for name, parts in lists.items()}


def extracted(model: nn.Module, images: Tensor) -> Gathered:
    """torchvision's extractor. In-place layers write over what it gives; it is not slower so."""
    from torchvision.models.feature_extraction import (
        create_feature_extractor,
        get_graph_node_names,
    )

    names = [n for n in get_graph_node_names(model)[1] if n not in ("x", "flatten")]
    names = [name for name in names if not name.split(".")[-1].startswith("add")]
    extractor = create_feature_extractor(model, names)
    lists: dict[str, list[Tensor]] = {name: [] for name in names}
    with torch.no_grad():
        for batch in images.split(BATCH):
            for name, output in extractor(batch).items():
                lists[name].append(output)
    return {name: torch.cat(parts) for name, parts in lists.items()}


METHODS: dict[str, Callable[[nn.Module, Tensor], Gathered]] = {
    "ActivationRecorder.gather": ours,
    "hooks by hand, lists and cat": by_hand,
    "create_feature_extractor, lists and cat": extracted,
}


def made(device: str, count: int = IMAGES) -> tuple[nn.Module, Tensor]:
    import torchvision

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torchvision.models.resnet18(weights=None).eval().to(device)
    return model, torch.randn(count, 3, SIDE, SIDE, device=device)


def peak(method: str, device: str) -> dict[str, float]:
    """MiB at the peak beyond what model and images take; and what was kept. Of a fresh process."""
    model, images = made(device)
    model(images[:1])  # whatever is loaded at a first run
    before = _used(device)
    gathered = METHODS[method](model, images)
    kept = sum(tensor.nbytes for tensor in gathered.values()) / 2**20
    return {"peak": _used(device, at_most=True) - before, "kept": kept, "layers": len(gathered)}


def _used(device: str, at_most: bool = False) -> float:
    if device == "cuda":
        used = torch.cuda.max_memory_allocated() if at_most else torch.cuda.memory_allocated()
        return used / 2**20
    # not ru_maxrss, which a process inherits from the one that started it
    field = "VmHWM:" if at_most else "VmRSS:"
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(field)[1].split()[0]) / 1024


def told(method: str, device: str) -> dict[str, float]:
    code = "import json; from tests.benchmarks.bench_hooks import peak; "
    code += f"print(json.dumps(peak({method!r}, {device!r})))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return dict(json.loads(run.stdout))


def seconds(method: str, model: nn.Module, images: Tensor) -> float:
    if images.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    gathered = METHODS[method](model, images)
    if images.is_cuda:
        torch.cuda.synchronize()
    taken = time.perf_counter() - start
    del gathered
    return taken


def _where(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, one thread"


def test_all_layers_of_resnet18() -> None:
    lines = []
    for device in DEVICES:
        model, images = made(device)
        same = ours(model, images[:8]), by_hand(model, images[:8])
        for name, tensor in same[1].items():
            if not name.endswith(".relu"):  # a list has both runs of it, one after the other
                torch.testing.assert_close(same[0][name], tensor)
        times: dict[str, list[float]] = {name: [] for name in METHODS}
        for _ in range(ROUNDS):
            for name in METHODS:
                times[name].append(seconds(name, model, images))
        del model, images, same
        batch = None
        for name in METHODS:
            memory = told(name, device)
            batch = batch or memory["kept"] * BATCH / IMAGES
            against = median(t / o for t, o in zip(times[name], times[next(iter(METHODS))]))  # noqa: B905
            beyond = memory["peak"] - memory["kept"]
            lines.append(
                f"| {_where(device)} | {name} | {median(times[name]):.2f} s | {against:.2f} | "
                f"{memory['kept']:,.0f} MiB | {memory['peak']:,.0f} MiB | {beyond:,.0f} MiB | "
                f"{batch:,.0f} MiB |"
            )
            print(lines[-1])
    head = [
        "# Gathering every layer's output, measured",
        "",
        f"ResNet-18 (random weights), all 60 runs of its layers, {IMAGES} images of "
        f"{SIDE}×{SIDE}, batches of {BATCH}; `make bench`, Python {platform.python_version()}, "
        f"torch {torch.__version__}, {time.strftime('%Y-%m-%d')}; load of the machine "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. Medians of {ROUNDS} rounds in "
        "which the three take turns; read the ratios. Memory: the peak of a fresh process beyond "
        "its model and images, what was asked for, the difference, and for comparison all "
        "outputs of one batch.",
        "",
        "| Where | What | Time | Over ours | Kept | Peak | Beyond | One batch |",
        "|---|---|---|---|---|---|---|---|",
    ]
    write_text(RESULTS / "hooks.md", "\n".join([*head, *lines]) + "\n")
