"""H0 and H1 against ripser.py, giotto-ph and GUDHI, called directly on the same distance matrix.

`make bench` writes results/persistence.md. Each run is a process of its own, forked after all
libraries are loaded, so that its peak of memory is its own; the tools take turns, and each runs on
one thread. All diagrams must agree to 1e-6. The time of the distances is not in it.

LAYERWISE_BENCH_SIZES (500,1000,2000) says how many points, LAYERWISE_BENCH_ROUNDS (7) how often,
LAYERWISE_BENCH_SECONDS (60) from when on a tool other than ours and GUDHI is left out, by its time
at half the points, times 8. With LAYERWISE_DATA, layers see MNIST, otherwise the embedded digits.
giotto-ph (AGPL) is timed where it is installed, and nothing depends on it.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform
from torch import Tensor, nn

from helpers.data import digits, torchvision_data
from helpers.hooks import ActivationRecorder
from helpers.models import LeNet
from helpers.paths import write_text
from helpers.topology import persistence, relative_neighborhood_edges

RESULTS = Path(__file__).parent / "results" / "persistence.md"
SIZES = [int(n) for n in os.environ.get("LAYERWISE_BENCH_SIZES", "500,1000,2000").split(",")]
ROUNDS = int(os.environ.get("LAYERWISE_BENCH_ROUNDS", "7"))
SECONDS = float(os.environ.get("LAYERWISE_BENCH_SECONDS", "60"))
#: Slower than this, a tool runs three times; slower than four times this, once.
_SLOW = 5.0
Bars = list[np.ndarray]


def ours(matrix: np.ndarray, dimension: int) -> Bars:
    found = persistence(
        torch.from_numpy(matrix), metric="precomputed", max_dimension=dimension, backend="auto"
    )
    return [bars.numpy() for bars in found]


def gudhi(matrix: np.ndarray, dimension: int) -> Bars:
    from gudhi.sklearn.rips_persistence import RipsPersistence

    method = RipsPersistence(
        list(range(dimension + 1)), input_type="full distance matrix", homology_coeff_field=2
    )
    (found,) = method.fit_transform([matrix])
    return list(found)


def ripser(matrix: np.ndarray, dimension: int) -> Bars:
    from ripser import ripser as run

    return list(run(matrix, dimension, distance_matrix=True)["dgms"])


def giotto(matrix: np.ndarray, dimension: int) -> Bars:
    from gph import ripser_parallel

    found = ripser_parallel(matrix, dimension, metric="precomputed", n_threads=1)
    return list(found["dgms"])


TOOLS: dict[str, Callable[[np.ndarray, int], Bars]] = {
    "ours (auto)": ours,
    "GUDHI": gudhi,
    "ripser.py": ripser,
}
try:
    import gph  # noqa: F401

    TOOLS["giotto-ph"] = giotto
except ImportError:
    pass


def clouds(n: int) -> Iterator[tuple[str, Tensor]]:
    """Points; the same at each call."""
    generator = torch.Generator().manual_seed(n)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    for d in (84, 1024):
        center = torch.randint(10, (n,), generator=generator)
        yield f"Gaussian mixture in R^{d}", normal(n, d) + 3 * normal(10, d)[center]
    one, other = 2 * math.pi * torch.rand(2, n, generator=generator)
    torus = torch.zeros(n, 1024)
    around = 2 + other.cos()
    torus[:, :3] = torch.stack([around * one.cos(), around * one.sin(), other.sin()], dim=1)
    yield "noisy torus in R^1024", torus + 0.01 * normal(n, 1024)
    circle = torch.zeros(n, 84)
    circle[:, :2] = torch.stack([one.cos(), one.sin()], dim=1)
    yield "noisy circle in R^84", circle + 0.02 * normal(n, 84)


def _images() -> tuple[Tensor, Tensor, str]:
    if os.environ.get("LAYERWISE_DATA"):
        try:
            data = torchvision_data("mnist")
            return data.data[:4000, None].float() / 255, data.targets[:4000], "MNIST"
        except (FileNotFoundError, RuntimeError):
            pass
    parts = [digits(split) for split in ("train", "validation", "measurement")]
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), "digits"


def layers(n: int) -> Iterator[tuple[str, Tensor]]:
    """Outputs of networks that were trained for a moment; at most as many as there are images."""
    images, labels, source = _images()
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256),
                        nn.ReLU(), nn.Linear(256, 10))  # fmt: skip
    for name, model, wanted in (("LeNet", LeNet(), ["conv1", "linear1"]), ("MLP", mlp, ["2", "4"])):
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        for _ in range(3):
            for batch in torch.randperm(len(images)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
                optimizer.step()
        recorder = ActivationRecorder(model.eval(), wanted)
        for layer, outputs in recorder.gather(images[:n]).items():
            yield f"{name} on {source}, {layer}", outputs.flatten(1)


def matrix_of(points: Tensor, metric: str) -> np.ndarray:
    found = squareform(pdist(points.double().numpy(), metric))
    return found.astype(np.float32)


def _used(field: str) -> float:
    """MiB; not ru_maxrss, which a process inherits from the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(field)[1].split()[0]) / 1024


def _child(pipe: Any, tool: str, matrix: np.ndarray, dimension: int, warm: bool) -> None:
    if warm:  # a fork copies each page when it is first written to
        TOOLS[tool](_warming(), dimension)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins here
    before = _used("VmRSS:")
    begun = time.perf_counter()
    bars = TOOLS[tool](matrix, dimension)
    taken = time.perf_counter() - begun
    pipe.send((taken, _used("VmHWM:") - before, [_sorted(table) for table in bars]))


def _sorted(bars: np.ndarray) -> np.ndarray:
    """In one order, without bars of no length, which some tools give."""
    bars = np.asarray(bars, np.float64).reshape(-1, 2)
    bars = bars[bars[:, 0] < bars[:, 1]]
    return bars[np.lexsort((bars[:, 1], bars[:, 0]))]


@cache
def _warming() -> np.ndarray:
    return matrix_of(torch.randn(500, 84, generator=torch.Generator().manual_seed(0)), "euclidean")


def run(tool: str, matrix: np.ndarray, dimension: int, warm: bool) -> tuple[float, float, Bars]:
    """Seconds, MiB at the peak beyond what was there, and the bars, of a process of its own."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, tool, matrix, dimension, warm))
    child.start()
    there.close()
    try:
        answer: tuple[float, float, Bars] = here.recv()
    finally:
        child.join()
    return answer


class Case:
    """All tools on one matrix, in turns."""

    def __init__(self, matrix: np.ndarray, dimension: int, tools: list[str]) -> None:
        self.times: dict[str, list[float]] = {tool: [] for tool in tools}
        self.memory = dict.fromkeys(tools, 0.0)
        expected: Bars | None = None
        first: dict[str, float] = {}
        for turn in range(ROUNDS + 1):  # the first run tells the memory
            for tool in tools:
                before = first.get(tool, 0.0)
                if (turn and before > 4 * _SLOW) or (turn > 3 and before > _SLOW):
                    continue
                taken, peak, bars = run(tool, matrix, dimension, warm=turn > 0)
                first.setdefault(tool, taken)
                if turn or taken > 4 * _SLOW:
                    self.times[tool].append(taken)
                self.memory[tool] = self.memory[tool] if turn else peak
                expected = bars if expected is None else expected
                for one, other in zip(bars, expected, strict=True):
                    assert one.shape == other.shape, tool
                    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6, err_msg=tool)

    def seconds(self, tool: str) -> float:
        return median(self.times[tool]) if tool in self.times else math.inf

    def row(self, name: str, n: int) -> str:
        cells = []
        for tool in TOOLS:
            if tool not in self.times:
                cells.append("left out")
                continue
            few = "" if len(self.times[tool]) == ROUNDS else f" ({len(self.times[tool])} run"
            few += ("s)" if len(self.times[tool]) > 1 else ")") if few else ""
            cells.append(f"{self.seconds(tool):.3f} s{few}, {self.memory[tool]:,.0f} MiB")
        own, *others = (self.seconds(tool) for tool in list(TOOLS)[:3])
        line = f"| {name} | {n} | {' | '.join(cells)} | {min(others) / own:.1f} |"
        print(line, flush=True)
        return line


def _prepared() -> None:
    torch.set_num_threads(1)
    for tool in TOOLS.values():  # loaded here once, for all that are forked
        tool(_warming(), 1)


HEAD = (
    f"| Points | n | {' | '.join(TOOLS)} | best other / ours |\n|---|---|{'---|' * len(TOOLS)}---|"
)


def test_h0_and_h1() -> None:
    _prepared()
    parts = [_introduction(), "## H0", "", HEAD]
    for n in sorted({1000, 2000, 4000} if max(SIZES) >= 1000 else set(SIZES)):
        points = torch.randn(n, 16, generator=torch.Generator().manual_seed(n))
        case = Case(matrix_of(points, "euclidean"), 0, list(TOOLS))
        parts.append(case.row("Gaussian in R^16", n))
        print(f"ripser.py / ours: {case.seconds('ripser.py') / case.seconds('ours (auto)'):.0f}")
    parts += ["", "## H0 and H1", "", HEAD]
    before: dict[tuple[str, str], float] = {}
    for n in SIZES:
        cases = [(name, points, "euclidean") for name, points in clouds(n)]
        cases += [(f"{name}, L1", points, "cityblock") for name, points in layers(n)]
        for name, points, metric in cases:
            slow = {t for t in list(TOOLS)[2:] if 8 * before.get((name, t), 0.0) > SECONDS}
            case = Case(matrix_of(points, metric), 1, [t for t in TOOLS if t not in slow])
            parts.append(case.row(name, len(points)))
            before |= {(name, tool): case.seconds(tool) for tool in TOOLS}
    parts += ["", *_parallel_step()]
    if torch.cuda.is_available():
        parts += ["", *_on_the_device()]
    write_text(RESULTS, "\n".join(parts) + "\n")


def _introduction() -> str:
    return f"""# Persistent homology, measured

Seconds and the peak of memory beyond the libraries and the matrix, one thread each, float32;
medians of {ROUNDS} runs that take turns (3 where one takes more than {_SLOW:g} s, 1 where more than
{4 * _SLOW:g} s), after one more that tells the memory. All bars agree to 1e-6. "left out": by its time at half the points it would take more than {SECONDS:g} s. The last column
compares ours with the better of GUDHI and ripser.py, the libraries that the project may depend on.
`make bench`, Python {platform.python_version()}, torch {torch.__version__.split("+")[0]}, {time.strftime("%Y-%m-%d")}, {os.cpu_count()} cores,
load {os.getloadavg()[0]:.1f}.
"""  # noqa: E501


def _best(run: Callable[[], object], device: str = "cpu", rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        if device == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return median(times)


def plain_neighborhood(distances: Tensor) -> Tensor:
    """The min–max product in tiles, without bounds, symmetry or early exits."""
    count = len(distances)
    own = distances.clone().fill_diagonal_(math.inf)
    rows = max(1, 2**22 // count**2)
    least = [
        torch.maximum(part[:, None, :], own).amin(dim=2)
        for part in own.split(rows)
    ]  # fmt: skip
    return (torch.cat(least) >= distances).triu_(1).nonzero()


def _parallel_step(device: str = "cpu", sizes: tuple[int, ...] = (1000, 2000)) -> list[str]:
    """The relative neighborhood graph, against the plain product and what no way can undercut."""
    lines = [
        f"## The parallel step on {device}",
        "",
        "The relative neighborhood graph of a Gaussian mixture in R^84. Plain: the whole min–max "
        "product in tiles. Arithmetic: its n³ / 2 maxima and minima at the rate of maxima of "
        "numbers in the cache. Memory: the matrix read and written once.",
        "",
        "| n | ours | plain | plain / ours | arithmetic | memory |",
        "|---|---|---|---|---|---|",
    ]
    for n in [n for n in sizes if n <= max(SIZES)]:
        points = next(clouds(n))[1]
        distances = torch.from_numpy(matrix_of(points, "euclidean")).to(device)
        many, cached = 200, torch.rand(2**16 if device == "cpu" else 2**22, device=device)
        other = torch.rand_like(cached)

        def operations(many: int = many, cached: Tensor = cached, other: Tensor = other) -> None:
            for _ in range(many):
                torch.maximum(cached, other, out=other)

        rate = many * len(cached) / _best(operations, device)
        own = _best(lambda d=distances: relative_neighborhood_edges(d), device)  # type: ignore[misc]
        plain = _best(lambda d=distances: plain_neighborhood(d), device, 1)  # type: ignore[misc]
        copied = _best(lambda d=distances: d.clone(), device)  # type: ignore[misc]
        assert torch.equal(relative_neighborhood_edges(distances), plain_neighborhood(distances))
        lines.append(
            f"| {n} | {own * 1e3:.1f} ms | {plain * 1e3:,.0f} ms | {plain / own:.0f} | "
            f"{n**3 / rate * 1e3:,.1f} ms | {copied * 1e3:.2f} ms |"
        )
        print(lines[-1], flush=True)
    return lines


def _on_the_device() -> list[str]:
    """One layer, and all of them as a batch, on the GPU, against GUDHI on this machine's CPU."""
    lines = [
        f"## {torch.cuda.get_device_name()}",
        "",
        "| Layers | n | ours, on the device | GUDHI, one core | GUDHI / ours |",
        "|---|---|---|---|---|",
    ]
    for n in (1000, 2000, 4000):
        found = list(layers(n))
        found = [(name, points) for name, points in found if len(points) == n]
        if not found:
            lines.append(f"| too few images: set LAYERWISE_DATA | {n} | | | |")
            continue
        matrices = [matrix_of(points, "cityblock") for _, points in found]
        for name, part in ((found[-1][0], matrices[-1:]), (f"{len(found)} layers", matrices)):
            batch = torch.from_numpy(np.stack(part)).cuda()
            diagrams = persistence(batch, metric="precomputed", backend="torch")
            own = _best(
                lambda b=batch: persistence(b, metric="precomputed", backend="torch"),  # type: ignore[misc]
                "cuda",
                3,
            )
            begun = time.perf_counter()
            theirs = [gudhi(matrix, 1) for matrix in part]
            other = time.perf_counter() - begun
            for one, bars in zip(diagrams, theirs, strict=True):
                for ours_, gudhis in zip(one, bars, strict=True):
                    expected = _sorted(gudhis)
                    np.testing.assert_allclose(ours_.cpu(), expected, rtol=1e-6, atol=1e-6)
            lines.append(f"| {name} | {n} | {own:.3f} s | {other:.3f} s | {other / own:.1f} |")
            print(lines[-1], flush=True)
    return [*lines, "", *_parallel_step("cuda", (1000, 2000, 4000))]
