"""bubblewrap around the processes that run learners' code: what they may see of this machine."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from .confine import SCRATCH

#: All of the environment that a learner's process gets; the rest is set below.
_ENVIRONMENT = ("LANG", "LC_ALL")
#: Where, in the sandbox, the parts of ``helpers`` that a learner's process may import are found,
#: and the virtual environment that it runs in.
_COURSE, _VENV = "/course", "/course/venv"
_SYSTEM = ("/usr", "/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives",
           "/sys/devices/system/cpu")  # fmt: skip
_PACKAGE = Path(__file__).parents[1]
INSTALL = "sudo apt-get install bubblewrap"


class NoSandbox(RuntimeError):
    """No sandbox can be had here. The message says how to get one."""


def bubblewrap() -> str:
    """The path of bubblewrap's command.

    Raises
    ------
    NoSandbox
        If it is not installed, or this is not Linux.
    """
    if sys.platform != "linux":
        raise NoSandbox("the sandbox needs Linux (on Windows: WSL); elsewhere, use --no-sandbox")
    command = shutil.which("bwrap")
    if command is None:
        raise NoSandbox(
            f"learners' code runs in a sandbox, and bubblewrap is not installed: {INSTALL} "
            "(or, for work of people you trust: --no-sandbox)"
        )
    return command


def environment(home: str, course: str, programs: str) -> dict[str, str]:
    """The whole environment of a process that runs learners' code."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": course,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }


def wrapped(arguments: Sequence[str], absent: Sequence[str]) -> list[str]:
    """Python with these arguments, where it sees itself, its packages and a part of ``helpers``.

    Parameters
    ----------
    absent
        Modules of ``helpers`` that are not even on the disk there.
    """
    words = [bubblewrap(), "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net"]
    words += ["--unshare-uts", "--die-with-parent", "--new-session", "--clearenv"]
    # kept only until a fork has entered namespaces of its own
    words += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETPCAP"]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", SCRATCH]
    for place in _SYSTEM:
        words += ["--ro-bind-try", place, place]
    for link in ("/bin", "/lib", "/lib64", "/sbin"):
        if Path(link).is_symlink():
            words += ["--symlink", str(Path(link).readlink()), link]
        elif Path(link).is_dir():
            words += ["--ro-bind", link, link]
    for place in _interpreter():
        words += ["--ro-bind", place, _inside(place)]
    if _PACKAGE.parent == Path(sysconfig.get_path("purelib")):  # an installed course
        words += ["--tmpfs", _inside(str(_PACKAGE))]
    for file in visible(absent):
        words += ["--ro-bind", str(file), f"{_COURSE}/{file.relative_to(_PACKAGE.parent)}"]
    python = _inside(sys.executable)
    for name, value in environment(SCRATCH, _COURSE, str(Path(python).parent)).items():
        words += ["--setenv", name, value]
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", SCRATCH]
    return [*words, python, *arguments]


def _interpreter() -> list[str]:
    """The interpreter's folders and those of its packages, without those inside another."""
    found = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
    folders = sorted({Path(p) for p in found if Path(p).is_dir()})
    inner = {a for a in folders for b in folders if b in a.parents}
    places = [str(p) for p in folders if p not in inner and p not in (Path("/usr"), Path("/"))]
    for place in places:
        if _inside(place).startswith(f"{SCRATCH}/"):
            raise NoSandbox(f"Python lies in {place}: in the sandbox {SCRATCH} is a scratch folder")
    return places


def _inside(place: str) -> str:
    """Where a place is found in the sandbox: a virtual environment, wherever it lies, in one."""
    if sys.prefix != sys.base_prefix and place.startswith(sys.prefix):
        return _VENV + place.removeprefix(sys.prefix)
    return place


def visible(absent: Sequence[str]) -> list[Path]:
    """The files of ``helpers`` that a learner's process may see: all but those absent."""
    hidden = [_PACKAGE.parent.joinpath(*name.split(".")) for name in absent]
    files = sorted(_PACKAGE.rglob("*.py"))
    return [f for f in files if not any(f.with_suffix("") == h or h in f.parents for h in hidden)]
