"""A PostgreSQL server of the tests' own: on a socket in a temporary folder, gone afterward."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Where Debian keeps the server's programs, which are not on PATH.
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Server:
    """A running server. Only its owner and root can reach its folder, so it trusts who does."""

    programs: Path
    folder: Path
    owner: str | None

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's owner; a failure shows what it said."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            user=self.owner,
            group=pwd.getpwnam(self.owner).pw_gid if self.owner else None,
            extra_groups=[] if self.owner else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"

    def database(self, name: str) -> str:
        """Make an empty database; gives the URL to write into ``nbgrader_config.py``."""
        self.run("createdb", "-h", str(self.folder), "-U", "postgres", name)
        # SQLAlchemy 2.1 takes plain postgresql:// for another driver.
        return f"postgresql+psycopg2://postgres@/{name}?host={self.folder}"


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop and remove it however the tests end; skips where there is none."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path has at most 107 bytes
    owner = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    try:
        if owner:
            shutil.chown(folder, owner)
        made = Server(programs, folder, owner)
        data = str(folder / "data")
        made.run(
            "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
            "--encoding=UTF8", "--no-locale",
        )  # fmt: skip
        options = f"-F -h '' -k {shlex.quote(str(folder))}"  # no fsync, no TCP
        try:
            made.run("pg_ctl", "start", "-w", "-D", data, "-l", f"{data}/log", "-o", options)
            yield made
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                made.run("pg_ctl", "stop", "-w", "-D", data, "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = _find()
    asked = {"CI", "LAYERWISE_INSTALL_POSTGRES"} & os.environ.keys()
    if not found and asked and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "postgresql"], check=True, env=quiet)
        found = _find()
    if not found:
        pytest.skip("PostgreSQL's server is not installed: apt-get install postgresql")
    return found


def _find() -> Path | None:
    """The folder that has all programs: the newest of Debian's, or the one on PATH."""
    folders = sorted(DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name))
    if on_path := shutil.which("initdb"):
        folders.append(Path(on_path).resolve().parent)
    whole = [f for f in folders if all((f / p).exists() for p in ("initdb", "pg_ctl", "createdb"))]
    return whole[-1] if whole else None
