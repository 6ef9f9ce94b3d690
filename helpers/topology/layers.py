"""The topology of every layer of a network: from the network and its data to diagrams and files."""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..batches import batches, count_samples, device_of
from ..hooks import ActivationRecorder, Layers, select
from .betti import betti_curve
from .distances import METRICS, pairwise_distances
from .persistence import BACKENDS, persistence
from .saved import LayerTopology, Store, digest

#: Where Betti curves are read, in units of the median distance.
SCALES = torch.linspace(0, 2, 401, dtype=torch.float64)

#: Bytes of outputs and of distance matrices that are kept at a time; more outputs go to files.
_OUTPUTS, _MATRICES = 2**32, 2**29

Draw = Callable[[LayerTopology, Path], object]


def layer_topology(
    model: nn.Module,
    data: Any,
    layers: Layers = None,
    size: int | None = 1000,
    metric: str = "l1",
    max_dimension: int = 1,
    seed: int = 0,
    name: str = "model",
    save_root: str | Path | None = None,
    backend: str = "auto",
    progress: Any = None,
    *,
    scales: Tensor = SCALES,
    draw: Draw | None = None,
    batch_size: int = 256,
) -> dict[str, LayerTopology]:
    """The persistent homology of what each layer gives for some of the data.

    The network runs in evaluation mode, and is left in the modes that it was in. Each layer's
    outputs, flattened, are points; their distances are computed on the network's device.

    Parameters
    ----------
    model
        Any module.
    data
        A tensor of samples, or batches of them, as for `ActivationRecorder.gather`. A loader that
        shuffles gives other samples each time.
    layers
        Which layers, as for `ActivationRecorder`; by default all modules without submodules. To
        have the data itself as a layer, put an `nn.Identity` before the model.
    size
        How many samples, drawn without replacement; None for all of them.
    metric, max_dimension, backend
        As for `pairwise_distances` and `persistence`.
    seed
        Of the choice of samples.
    name, save_root
        With ``save_root``, results are saved in the folder ``save_root/name``, one folder a layer
        within: ``topology.npz`` (all numbers) and ``bars.csv``; beside these folders
        ``layers.csv``, a line for each layer. Characters that a file system may not like are
        written as ``%2F``. What is there already, made by the same model, samples and settings, is
        read and not computed again; a damaged file is made anew. No file is ever half-written.
    progress
        ``progress(total, label)``, a context manager that gives a function to call at each layer:
        `helpers.plots.progress.progress`.
    scales
        Where the Betti curves are read, shape ``(s,)``, in units of the median distance.
    draw
        ``draw(result, folder)`` is called to put figures into a layer's folder, when its results
        are made and when they are found there without figures.
    batch_size
        Samples that run through the network at a time.

    Returns
    -------
    dict
        Name of the layer → `LayerTopology`, on the CPU, in the order in which the layers ran.

    Raises
    ------
    ValueError
        If an argument is not allowed or a layer's output is not finite, as the functions that are
        used say it.

    Notes
    -----
    Diagrams of several layers are computed at the same time, on as many threads as
    `torch.get_num_threads` says: torch and GUDHI compute without holding Python's lock.

    Examples
    --------
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU())
    >>> found = layer_topology(model, torch.randn(100, 2), size=50)
    >>> {name: (result.shape, result.diagram.points) for name, result in found.items()}
    {'0': ((8,), 50), '1': ((8,), 50)}
    """
    for said, value, allowed in (("metric", metric, METRICS), ("backend", backend, BACKENDS)):
        if value not in allowed:
            raise ValueError(f"{said} is {value!r}; allowed: {', '.join(map(repr, allowed))}")
    if draw is not None and save_root is None:
        raise ValueError("draw is given without save_root; allowed: both, as figures need a folder")
    select(model, layers)  # what is asked for wrongly is told before anything is computed
    samples = _samples(data, size, seed)
    settings = {
        "size": len(samples),
        "seed": seed,
        "metric": metric,
        "max_dimension": max_dimension,
        "backend": backend,
        "made of": digest(scales, samples, *model.state_dict().values(), str(model)),
    }
    store = Store(None if save_root is None else Path(save_root), name, settings, draw)
    results: dict[str, LayerTopology | None] = {}

    def missing(layer: str, output: Tensor) -> Tensor | None:
        """An output as points, or None if its results are there."""
        if layer not in results:
            results[layer] = store.found(layer, tuple(output.shape[1:]))
        if results[layer] is not None:
            return None
        shapes[layer] = tuple(output.shape[1:])
        flat = output.reshape(len(output), -1)
        return flat if flat.dtype == torch.float64 else flat.float()

    shapes: dict[str, tuple[int, ...]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _evaluating(model):
        recorder = ActivationRecorder(model, layers)
        outputs = recorder.gather(
            samples, batch_size, transform=missing, limit=_OUTPUTS, folder=folder
        )
        bar = progress(len(results), name) if progress else contextlib.nullcontext(_silent)
        with bar as step:
            for layer in results.keys() - outputs.keys():
                step(f"{layer} was there")
            device = device_of(model) or samples.device
            made = _made(outputs, shapes, device, metric, max_dimension, backend, scales)
            for result in made:
                store.save(result)
                results[result.name] = result
                step(result.name)
    complete = {layer: result for layer, result in results.items() if result is not None}
    store.save_table(complete)
    return complete


def _made(
    outputs: dict[str, Tensor],
    shapes: Mapping[str, tuple[int, ...]],
    device: torch.device,
    metric: str,
    max_dimension: int,
    backend: str,
    scales: Tensor,
) -> Iterator[LayerTopology]:
    """The layers' results, each as soon as it is there; uses the outputs up."""

    def compute(layer: str, distances: Tensor) -> LayerTopology:
        diagram = persistence(
            distances, metric="precomputed", max_dimension=max_dimension, backend=backend
        ).to("cpu")
        median = _median(distances)
        unit = median if 0 < median < math.inf else 1.0
        curves = [betti_curve(bars.double() / unit, scales.cpu()) for bars in diagram]
        curve = torch.stack(curves)
        return LayerTopology(layer, shapes[layer], diagram, median, scales.cpu(), curve)

    threads = torch.get_num_threads() if device.type == "cpu" else 1
    while outputs:
        matrices: dict[str, Tensor] = {}
        while outputs and sum(m.nbytes for m in matrices.values()) < _MATRICES:
            layer = next(iter(outputs))
            try:
                matrices[layer] = pairwise_distances(outputs.pop(layer).to(device), metric)
            except ValueError as error:
                raise ValueError(f"{layer}: {error}") from None
        yield from _at_once(compute, matrices, threads)


def _at_once(
    compute: Callable[[str, Tensor], LayerTopology], matrices: dict[str, Tensor], threads: int
) -> Iterator[LayerTopology]:
    """``compute`` of each matrix, on several threads with one for each computation."""
    if threads == 1 or len(matrices) == 1:
        yield from (compute(layer, matrix) for layer, matrix in matrices.items())
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        waiting = [pool.submit(compute, layer, matrix) for layer, matrix in matrices.items()]
        for ready in as_completed(waiting):
            yield ready.result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _median(distances: Tensor) -> float:
    """The median of the finite distances between different points; 0 if there is none."""
    count = len(distances)
    # without its first entry, the diagonal of an n×n matrix is a column of n + 1 entries
    apart = distances.flatten()[1:].reshape(count - 1, count + 1)[:, :-1]
    apart = apart[apart.isfinite()]
    return float(apart.median()) if apart.numel() else 0.0


def _samples(data: Any, size: int | None, seed: int) -> Tensor:
    """Samples drawn without replacement, in the order of drawing."""
    count = count_samples(data)
    if size is None:
        size = count
    if not 1 <= size <= count:
        raise ValueError(f"size is {size}; allowed: 1 to {count}, the samples of data, or None")
    drawn = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:size]
    if isinstance(data, Tensor):
        return data[drawn.to(data.device)]
    kept, begin = [], 0
    ordered, places = drawn.sort()
    for batch in batches(data, 1):
        inside = ordered[(begin <= ordered) & (ordered < begin + len(batch))]
        kept.append(batch[(inside - begin).to(batch.device)])
        begin += len(batch)
    return torch.cat(kept)[places.argsort().to(kept[0].device)]


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, and afterward each part in the mode that it was in."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _silent(note: str = "") -> None:
    pass
