"""Limits on a whole tree of processes, by control groups, where this user may make them.

They hold what resource limits cannot: the processes of root (whom the kernel exempts), and the
memory of a tree rather than of each process. Where no group can be made, resource limits remain.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_count = itertools.count()
#: Joins the groups named before ``--``, then becomes the command after it.
_JOIN = (
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"'
)


class Groups:
    """Control groups for one tree of processes: one in version 2, one a controller in version 1.

    Parameters
    ----------
    limits
        ``pids`` (processes and threads) and ``memory`` (bytes).
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.folders: list[Path] = []
        name = f"layerwise-{os.getpid()}-{next(_count)}"
        for parents, files in ((_version_2(), _FILES_2), (_version_1(), _FILES_1)):
            for controller, parent in parents.items():
                if controller in limits:
                    _sweep(parent)
                    with contextlib.suppress(OSError):
                        self._make(parent / name, files[controller], limits[controller])
            if self.folders:
                return

    def _make(self, folder: Path, file: str, limit: int) -> None:
        folder.mkdir(exist_ok=True)
        if folder not in self.folders:
            self.folders.append(folder)
        (folder / file).write_text(str(limit))

    def joined(self, command: Sequence[str]) -> list[str]:
        """The command, as a process of these groups from its first instruction on."""
        if not self.folders:
            return list(command)
        return ["/bin/sh", "-c", _JOIN, "sh", *map(str, self.folders), "--", *command]

    def close(self) -> None:
        """Remove the groups; their processes must have ended."""
        for folder in self.folders:
            for _ in range(50):
                try:
                    folder.rmdir()
                    break
                except OSError:  # the kernel may take a moment over the last process
                    time.sleep(0.02)
        self.folders = []


def _sweep(parent: Path) -> None:
    """Remove groups whose maker was killed before it could."""
    for folder in parent.glob("layerwise-*-*"):
        maker = folder.name.split("-")[1]
        if not Path("/proc", maker).exists():
            with contextlib.suppress(OSError):  # one with processes in it stays
                folder.rmdir()


_FILES_1 = {"pids": "pids.max", "memory": "memory.limit_in_bytes"}
_FILES_2 = {"pids": "pids.max", "memory": "memory.max"}


def _own() -> dict[str, str]:
    """This process's place in each hierarchy, by controller; that of version 2 has no name."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    places: dict[str, str] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        places |= dict.fromkeys(controllers.split(","), path)
    return places


def _version_1() -> dict[str, Path]:
    own = _own()
    return {c: _ROOT / c / own[c].lstrip("/") for c in _FILES_1 if c in own}


def _version_2() -> dict[str, Path]:
    """A group beside this process's own, for a group with processes in it has no children."""
    if not (_ROOT / "cgroup.controllers").is_file():
        return {}
    place = (_ROOT / _own().get("", "/").lstrip("/")).parent
    parent = place if _ROOT in [place, *place.parents] else _ROOT
    try:
        offered = (parent / "cgroup.subtree_control").read_text(encoding="ascii").split()
    except OSError:
        return {}
    return dict.fromkeys(set(_FILES_2) & set(offered), parent)
