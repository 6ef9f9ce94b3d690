"""What benchmarks share: rivals that take turns, threads for all libraries, a file's sections."""

from __future__ import annotations

import datetime
import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch
from threadpoolctl import threadpool_limits

from helpers.paths import write_text

#: Seconds between two runs.
_PAUSE = 0.3


def taking_turns(
    rivals: Mapping[str, Callable[[], object]], rounds: int, device: str = "cpu", most: float = 10
) -> dict[str, list[float]]:
    """Seconds of each in every round, each having run before, for libraries set themselves up.

    One that has taken ``most`` seconds in all is left out after its third. Before each there is a
    pause: the threads of some libraries go on spinning for a tenth of a second after their work,
    which would be counted as the next one's time.
    """
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            if len(times[name]) < 3 or sum(times[name]) < most:
                time.sleep(_PAUSE)
                times[name].append(seconds(run, device))
    return times


def seconds(run: Callable[[], object], device: str = "cpu") -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def told(times: list[float]) -> str:
    """The median, and how many it is of."""
    middle = median(times)
    unit = f"{middle:.2f} s" if middle >= 1 else f"{middle * 1e3:.3g} ms"
    return f"{unit} ({len(times)})"


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """So many threads for torch and for the libraries that numpy, scipy and scikit-learn use."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        torch.set_num_threads(before)


def circumstances(device: str, threads: int) -> str:
    """The machine in general words, versions and date."""
    where = f"{platform.machine()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads > 1)}"
    if device == "cuda":
        where = f"one {torch.cuda.get_device_name()}, and {threads} thread{'s' * (threads > 1)}"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__.split('+')[0]}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"{where}{load}; {versions}; {today}"


def write_section(file: Path, head: str, title: str, text: str) -> None:
    """Put a section into a file, in the place of its older self, and print it."""
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", before, flags=re.M | re.S))
    sections[title] = f"\n{text.strip()}\n\n"
    body = "".join(f"## {name}\n{kept}" for name, kept in sections.items())
    write_text(file, f"{head.strip()}\n\n{body.rstrip()}\n")
    print(f"\n## {title}\n{text}")
