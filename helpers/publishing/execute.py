"""One execution of a chapter: its proof, the book's outputs, what learners aim at. Cached."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat

from ..exercises import exercise
from ..paths import course_root

#: A chapter is to need less than this on one core; a cell that hangs is stopped.
CELL_TIMEOUT = 120
#: Installed packages whose version an output may depend on.
_LOCKED = ("torch", "torchvision", "torchinfo", "tensorboard", "numpy", "matplotlib",
           "scikit-learn", "ipython", "ipykernel")  # fmt: skip
_THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


class ExecutionError(RuntimeError):
    """A chapter does not run as it must. The message names the cell and what to mend."""


Progress = Callable[[int, int], None]


def executed_notebook(source: Any, cache: Path, on_cell: Progress = lambda done, of: None) -> Any:
    """The source with its outputs: from the cache, or by running it in a new kernel.

    The run is repeated with the demonstrations left out, for grading runs without them.

    Parameters
    ----------
    source
        A chapter's source notebook, with its solutions.
    cache
        The folder of executed notebooks.
    on_cell
        Called with the number of cells done and the number of all.

    Raises
    ------
    ExecutionError
        If a cell fails, an exercise does not earn full marks, or an output is not clean.
    """
    chapter = source.metadata["layerwise"]["chapter"]
    kept = cache / f"{chapter}-{cache_key(source)}.ipynb"
    if kept.is_file():
        return nbformat.read(kept, as_version=4)
    graded = [c for c in source.cells if c.cell_type == "code" and "nbgrader" in c.metadata]
    if not any(cell.metadata["nbgrader"]["grade"] for cell in graded):
        graded = []
    total = sum(c.cell_type == "code" for c in source.cells) + len(graded)
    notebook = _run(source, source.cells, lambda done: on_cell(done, total))
    _demand_full_marks(chapter, notebook, "")
    if graded:
        alone = _run(source, graded, lambda done: on_cell(total - len(graded) + done, total))
        _demand_full_marks(chapter, alone, " when the demonstrations are left out")
    _demand_clean(chapter, notebook)
    cache.mkdir(parents=True, exist_ok=True)
    for old in cache.glob(f"{chapter}-*.ipynb"):
        old.unlink()
    beside = kept.with_suffix(".new")
    nbformat.write(notebook, beside)
    beside.replace(kept)
    return notebook


def cache_key(source: Any) -> str:
    """A hash of all that an output may depend on: the cells, ``helpers/**``, the versions."""
    digest = hashlib.sha256()
    for cell in source.cells:
        digest.update(json.dumps([cell.cell_type, cell.source]).encode())
    package = Path(__file__).parent.parent
    files = sorted(p for p in package.rglob("*") if p.is_file() and p.suffix not in (".pyc",))
    for file in files:
        digest.update(str(file.relative_to(package)).encode() + file.read_bytes())
    versions = [platform.python_version(), *map(importlib.metadata.version, _LOCKED)]
    root = course_root()
    if root is not None and (root / "constraints.txt").is_file():
        versions.append((root / "constraints.txt").read_text(encoding="utf-8"))
    digest.update(json.dumps(versions).encode())
    return digest.hexdigest()[:16]


def _run(source: Any, cells: Iterable[Any], on_code_cell: Callable[[int], None]) -> Any:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = nbformat.from_dict(json.loads(json.dumps({**source, "cells": list(cells)})))
    chapter = source.metadata["layerwise"]["chapter"]
    count = 0

    def executed(**_: Any) -> None:
        nonlocal count
        count += 1
        on_code_cell(count)

    with tempfile.TemporaryDirectory(prefix="layerwise-") as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=40"],
            coalesce_streams=True,
            resources={"metadata": {"path": folder}},
            on_cell_executed=executed,
        )
        try:
            client.execute(env={**os.environ, **_THREADS})
        except (CellExecutionError, CellTimeoutError) as error:
            raise ExecutionError(f"{chapter}: a cell failed.\n{_plain(str(error))}") from None
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times, different each time
    return notebook


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _demand_full_marks(chapter: str, notebook: Any, when: str) -> None:
    for cell in notebook.cells:
        fields = cell.metadata.get("nbgrader", {})
        if not fields.get("grade") or fields.get("solution"):  # a person grades a question
            continue
        name = fields["grade_id"].removeprefix("check-")
        points = float(exercise(name).statement.points)
        results = [o for o in cell.outputs if o.output_type == "execute_result"]
        earned = float(results[0]["data"]["text/plain"]) if results else 0.0
        if earned != points:
            said = "\n".join(_texts(cell.outputs))
            raise ExecutionError(
                f"{chapter}: the solution of {name!r} earns {earned:g} of {points:g} points{when}."
                f"\n{said}"
            )


def _texts(outputs: Iterable[Any]) -> list[str]:
    found = []
    for output in outputs:
        found.append(output.get("text", ""))
        data = output.get("data", {})
        found += [v for k, v in data.items() if isinstance(v, str) and not k.startswith("image/p")]
    return found


def _demand_clean(chapter: str, notebook: Any) -> None:
    """No error, no stderr, no path of this machine: readers see every output."""
    private = {
        str(Path.home()),
        str(Path.cwd()),
        sys.prefix,
        sys.base_prefix,
        tempfile.gettempdir(),
    }
    private = {path for path in private if len(path) > 1} | {"site-packages"}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            problem = ""
            if output.output_type == "error":
                problem = f"raised {output.ename}"
            elif output.output_type == "stream" and output.name == "stderr":
                problem = f"wrote to stderr: {output.text.strip()[:300]}"
            else:
                text = "\n".join(_texts([output]))
                shown = sorted(path for path in private if path in text)
                problem = f"shows {shown[0]!r}" if shown else ""
            if problem:
                raise ExecutionError(f"{chapter}: a cell {problem}\nThe cell: {cell.source[:300]}")
