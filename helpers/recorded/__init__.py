"""Results at full size that a chapter shows but does not compute.

An experiment is a module here with a function ``run``, and its results are the JSON file of the
same name beside it: what was found, and the command, the seeds, the versions, the machine and the
date that it was found with. ``layerwise record NAME`` makes it; a run that was stopped is gone on
with by the same command.

``run(state, seeds, epochs, progress)`` is a generator. It yields all results so far, as plain data
with the seeds as keys, each time that something is finished; ``state`` is a folder for what it
needs to go on later. The module's ``EPOCHS`` says how many are the full size.

>>> "local_errors" in names()
True
"""

from __future__ import annotations

import datetime
import importlib
import json
import os
import pkgutil
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..paths import write_text

_HERE = Path(__file__).parent


def names() -> list[str]:
    """The experiments that can be recorded; what begins with an underscore is a part of one."""
    found = (module.name for module in pkgutil.iter_modules([str(_HERE)]))
    return sorted(name for name in found if not name.startswith("_"))


def about(name: str) -> str:
    """What an experiment is, in a line."""
    module = importlib.import_module(f"{__name__}.{_checked(name)}")
    return str(module.__doc__).split("\n")[0]


def load(name: str) -> dict[str, Any]:
    """What was recorded under a name.

    Returns
    -------
    dict
        ``results`` as the experiment's module describes them, by seed; ``made``, by seed the
        versions, the machine and the date; beside them ``command``, ``seeds`` and ``epochs``.

    Raises
    ------
    ValueError
        If there is no such experiment.
    FileNotFoundError
        If it was not recorded yet; the message says which command records it.
    """
    file = _HERE / f"{_checked(name)}.json"
    if not file.is_file():
        raise FileNotFoundError(f"{name} was not recorded yet: run `layerwise record {name}`")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def record(
    name: str,
    seeds: Iterable[int] = (0,),
    epochs: int | None = None,
    state: Path | None = None,
    to: Path | None = None,
    progress: Any = None,
) -> Path:
    """Run an experiment and write its results, each time that a part of them is there.

    Parameters
    ----------
    name
        One of `names`.
    seeds
        Results of other seeds that the file holds already are kept.
    epochs
        Fewer than the experiment's own, to try it; then ``to`` has to be another folder.
    state
        Where a run keeps what it needs to go on later; by default in the user's cache folder.
    to
        The folder for the results, by default this package's own.
    progress
        ``progress(total, label)``, a context manager that gives a function to call at each step.

    Raises
    ------
    ValueError
        If there is no such experiment, or a trial would be written among the full results.
    """
    module = importlib.import_module(f"{__name__}.{_checked(name)}")
    if epochs is not None and to is None:
        raise ValueError(f"epochs is {epochs}; allowed: only with another folder for the results")
    full = module.EPOCHS if epochs is None else epochs
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "layerwise"
    state = (state or cache / "recorded") / f"{name}-{full}"
    state.mkdir(parents=True, exist_ok=True)
    file = (to or _HERE) / f"{name}.json"
    before: dict[str, Any] = {}
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
    if before.get("epochs") != full:
        before = {"results": {}, "made": {}}
    for results in module.run(state, list(seeds), full, progress):
        together = _merged(before["results"], results)
        made = {**before["made"], **dict.fromkeys(results, _circumstances())}
        shown = {
            "about": about(name),
            "command": f"layerwise record {name} " + " ".join(f"--seed {s}" for s in together),
            "seeds": [int(seed) for seed in together],
            "epochs": full,
            "made": {seed: made[seed] for seed in together},
            "results": together,
        }
        text = json.dumps(shown, indent=1, ensure_ascii=False)
        write_text(file, _rows_in_one_line(text) + "\n")
    return file


def _merged(kept: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """Both, by seed and within a seed by part, in the order of the seeds."""
    together = {
        seed: {**kept.get(seed, {}), **results.get(seed, {})} for seed in {**kept, **results}
    }
    return dict(sorted(together.items(), key=lambda item: int(item[0])))


def _rows_in_one_line(text: str) -> str:
    """JSON in which a list of numbers stands in one line."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)


def _circumstances() -> dict[str, Any]:
    """What a result was found with."""
    import torch

    versions = {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]}
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"versions": versions, "machine": _machine(), "date": today}


def _machine() -> str:
    """In general words: no names, no paths."""
    import torch

    if torch.cuda.is_available():
        return f"one {torch.cuda.get_device_name()}"
    threads = torch.get_num_threads()
    used = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {used}, no GPU"


def _checked(name: str) -> str:
    if name not in names():
        raise ValueError(f"name is {name!r}; allowed: {', '.join(map(repr, names()))}")
    return name
