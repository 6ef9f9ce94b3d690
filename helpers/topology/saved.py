"""A layer's topology as a result and as files, which are whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch
from torch import Tensor

from ..paths import write_text
from .betti import total_persistence
from .diagram import Diagram

#: A layer's files. The first is written last: where it is, the others are.
ARRAYS, BARS, TABLE = "topology.npz", "bars.csv", "layers.csv"
#: Names of folders are no longer than this.
_LONGEST = 120


@dataclass(frozen=True, eq=False)
class LayerTopology:
    """What `layer_topology` found for one layer; on the CPU.

    Attributes
    ----------
    name
        Of the layer, as `ActivationRecorder` calls it.
    shape
        Of the layer's output for one sample.
    diagram
        The bars, in the unit of the distances.
    median
        The median distance of two different samples.
    scales
        Shape ``(s,)``: where the Betti curves are read, in units of the median distance (or of 1,
        where that is 0).
    curves
        Shape ``(max_dimension + 1, s)``: the Betti curve of each dimension.
    """

    name: str
    shape: tuple[int, ...]
    diagram: Diagram
    median: float
    scales: Tensor
    curves: Tensor


class Store:
    """The folder of one model's results; without a root, none.

    Parameters
    ----------
    root, name
        Results are in ``root/name``, as far as the name can be a folder's.
    settings
        What results must have been made with to count as found.
    draw
        Puts figures into a layer's folder.
    """

    def __init__(
        self,
        root: Path | None,
        name: str,
        settings: Mapping[str, Any],
        draw: Callable[[LayerTopology, Path], object] | None,
    ) -> None:
        self.folder = None if root is None else root / folder_name(name)
        self.settings, self.draw = settings, draw

    def found(self, layer: str, shape: tuple[int, ...]) -> LayerTopology | None:
        """A layer's results, if they are there, whole, and made with the same settings."""
        if self.folder is None:
            return None
        folder = self.folder / folder_name(layer)
        try:
            result = _read(folder / ARRAYS, self._told(layer))
        except Exception:  # whatever is wrong with the file, it is made anew
            return None
        if result is None or result.shape != shape or not (folder / BARS).is_file():
            return None
        own = {ARRAYS, BARS}
        if self.draw and not any(file.name not in own for file in folder.iterdir()):
            self.draw(result, folder)
        return result

    def save(self, result: LayerTopology) -> None:
        """Write a layer's files; an older result is gone before any is written."""
        if self.folder is None:
            return
        folder = self.folder / folder_name(result.name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARRAYS).unlink(missing_ok=True)
        rows = [(k, *bar) for k, bars in enumerate(result.diagram) for bar in bars.tolist()]
        write_text(folder / BARS, _table(("dimension", "birth", "death"), rows))
        if self.draw:
            self.draw(result, folder)
        _write(folder / ARRAYS, result, self._told(result.name))

    def save_table(self, results: Mapping[str, LayerTopology]) -> None:
        """Write a line for each layer."""
        if self.folder is None or not results:
            return
        dimensions = range(len(next(iter(results.values())).diagram))
        head = ["layer", "shape", "points", "median distance"]
        head += [f"{what} H{k}" for k in dimensions for what in ("bars", "total persistence")]
        rows = []
        for name, result in results.items():
            row = [name, "×".join(map(str, result.shape)), result.diagram.points, result.median]
            for bars in result.diagram:
                row += [len(bars), float(total_persistence(bars))]
            rows.append(row)
        write_text(self.folder / TABLE, _table(head, rows))

    def _told(self, layer: str) -> str:
        return json.dumps({"layer": layer, **self.settings}, sort_keys=True)


def folder_name(name: str) -> str:
    """A folder's name that only this name has, without separators and without leading upward.

    >>> folder_name("features/block 1"), folder_name("relu#2"), folder_name("..")
    ('features%2Fblock%201', 'relu#2', '%2E%2E')
    """
    safe = quote(name, safe="#[]'")
    if not safe.strip("."):  # none, this folder, the one above
        safe = safe.replace(".", "%2E") or "%"
    if len(safe) > _LONGEST:
        safe = f"{safe[: _LONGEST - 17]}-{digest(name)[:16]}"
    return safe


def digest(*things: Any) -> str:
    """A number in hexadecimal digits that tells tensors and texts from any others."""
    told = hashlib.blake2b(digest_size=16)
    for thing in things:
        if isinstance(thing, Tensor):
            flat = thing.detach().cpu().contiguous()
            told.update(f"{flat.dtype}{tuple(flat.shape)};".encode())
            told.update(flat.reshape(-1).view(torch.uint8).numpy().data)
        else:
            told.update(f"{len(str(thing))};{thing}".encode())
    return told.hexdigest()


def _write(file: Path, result: LayerTopology, settings: str) -> None:
    diagram = result.diagram
    about = {"points": diagram.points, "threshold": diagram.threshold, "backend": diagram.backend}
    about |= {"name": result.name, "shape": result.shape, "median": result.median}
    arrays: dict[str, Any] = {f"bars{k}": bars.numpy() for k, bars in enumerate(diagram)}
    arrays |= {"scales": result.scales.numpy(), "curves": result.curves.numpy()}
    arrays |= {"settings": np.array(settings), "about": np.array(json.dumps(about))}
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("wb") as opened:
            np.savez_compressed(opened, **arrays)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _read(file: Path, settings: str) -> LayerTopology | None:
    """What the file holds, or None if it was made with other settings."""
    with np.load(file, allow_pickle=False) as arrays:
        if str(arrays["settings"]) != settings:
            return None
        about = json.loads(str(arrays["about"]))
        curves, scales = (torch.from_numpy(arrays[name]) for name in ("curves", "scales"))
        bars = tuple(torch.from_numpy(arrays[f"bars{k}"]) for k in range(len(curves)))
    diagram = Diagram(bars, about["points"], about["threshold"], about["backend"])
    shape = tuple(about["shape"])
    return LayerTopology(about["name"], shape, diagram, about["median"], scales, curves)


def _table(head: Any, rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()
