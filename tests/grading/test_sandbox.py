"""What a learner's code can see, reach and use up: nearly nothing, and nothing outlives it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.grading import confine, sandbox
from helpers.grading.sandbox import NoSandbox
from helpers.grading.session import Ended, Nursery, Session
from helpers.paths import course_root

ROOT = course_root()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery(["helpers.convolution"]) as made:
        yield made


@pytest.fixture
def session(nursery: Nursery) -> Iterator[Session]:
    with Session(nursery) as made:
        yield made


def said(session: Session, source: str, timeout: float = 20) -> str:
    reply = session.run(source, timeout)
    return str(reply["error"] or reply["output"]).strip()


def test_the_disk_is_not_there(session: Session, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("another learner's work")
    for place in (ROOT / "solutions", ROOT / "course", tmp_path / "other", "/etc/passwd", "/home"):
        assert said(session, f"import os; print(os.path.exists({str(place)!r}))") == "False", place
    assert (
        said(session, "print(sorted(os.listdir('/course/helpers/exercises')))").count("judge") == 1
    )
    assert "answers.py" not in said(
        session, "print(os.listdir('/course/helpers/exercises/nn_module'))"
    )


@pytest.mark.parametrize(
    "module",
    ["helpers.convolution", "helpers.exercises.nn_module.answers", "helpers.exercises.solutions",
     "helpers.grading.seed", "helpers.publishing.source"],
)  # fmt: skip
def test_references_are_absent_even_if_the_importer_is_patched(
    session: Session, module: str
) -> None:
    code = "import sys\nfrom importlib import machinery as m\nsys.meta_path[:] = [m.PathFinder]\n"
    assert "No module named 'helpers." in said(session, f"{code}import {module}")


def test_only_the_scratch_folder_can_be_written_and_it_is_new_each_time(nursery: Nursery) -> None:
    with Session(nursery) as one:
        assert said(
            one, "import os; open('kept', 'w').write('x'); print(os.getcwd(), os.listdir())"
        ) == ("/tmp ['kept']")
        for place in (
            "/",
            "/usr",
            "/course",
            "/course/helpers",
            sys.prefix,
            "/dev",
            "/proc",
            "/sys",
        ):
            assert "Error" in said(one, f"open({place + '/x'!r}, 'w')"), place
    with Session(nursery) as other:
        assert said(other, "import os; print(os.listdir())") == "[]"


def test_there_is_no_network_and_nothing_listens(session: Session) -> None:
    for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"):
        assert "PermissionError" in said(session, f"import socket; socket.socket(socket.{family})")
    assert "rror" in said(session, "socket.create_connection(('localhost', 80))")
    listening = "s = socket.socket(socket.AF_UNIX); s.bind('x'); s.listen()"
    assert "PermissionError" in said(session, listening)
    assert said(session, "a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))") == "b'x'"


def test_it_sees_and_can_signal_only_its_own_processes(session: Session) -> None:
    code = "import os; print([p for p in os.listdir('/proc') if p.isdigit()], os.getpid())"
    assert said(session, code) == "['1'] 1"
    assert said(session, "print(open('/proc/self/environ').read().count('SECRET'))") == "0"


@pytest.mark.parametrize(
    "call",
    ["unshare(0x10000000)", "unshare(0x20000)", "mount(b'x', b'/tmp', b'tmpfs', 0, 0)",
     "ptrace(0, 0, 0, 0)", "setns(3, 0)", "chroot(b'/tmp')"],
)  # fmt: skip
def test_privileges_cannot_be_had_back(session: Session, call: str) -> None:
    code = "import ctypes; c = ctypes.CDLL(None, use_errno=True); "
    code += f"print(c.{call}, ctypes.get_errno())"
    assert said(session, code) == "-1 1"
    status = said(session, "print(open('/proc/self/status').read())")
    assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status


@pytest.mark.parametrize(
    ("bomb", "told"),
    [
        ("x = bytearray(8 * 2**30)", "MemoryError"),
        ("import torch; torch.zeros(4 * 2**30)", "Error"),
        ("open('big', 'wb').write(bytes(100 * 2**20))", "Error"),
        ("[open(f'f{i}', 'w').close() for i in range(10_000)]", "OSError"),
        ("files = [open('/dev/null') for _ in range(2000)]", "Too many open files"),
        ("import os, time\nwhile True:\n    if os.fork() == 0: time.sleep(60)", "BlockingIOError"),
        ("from threading import Thread as T\nfrom time import sleep as s\n"
         "while True: T(target=s, args=(60,)).start()", "can't start new thread"),
    ],
)  # fmt: skip
def test_bombs_are_limited(session: Session, bomb: str, told: str) -> None:
    assert told in said(session, bomb)


@pytest.mark.parametrize("how", ["os._exit(0)", "ctypes.string_at(0)"])
def test_an_end_is_noticed_and_the_next_notebook_runs(nursery: Nursery, how: str) -> None:
    with Session(nursery) as session, pytest.raises(Ended) as ended:
        session.run(f"import os, ctypes; {how}", 20)
    assert ended.value.kind == "lost"
    with Session(nursery) as other:
        assert said(other, "print('alive')") == "alive"


@pytest.mark.parametrize("target", ["os.getpid()", "os.getppid()", "-1", "0"])
def test_signals_reach_nobody_else(nursery: Nursery, target: str) -> None:
    """The first process of a pid namespace is deaf to its own, and sees no others."""
    with Session(nursery) as session:
        said(session, f"import os\nfor s in (2, 9, 15, 19): os.kill({target}, s)")
        assert said(session, "print('alive')") == "alive"
    with Session(nursery) as other:
        assert said(other, "print('alive')") == "alive"


LOOP = """
import signal
for number in (1, 2, 3, 15):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True: pass
    except BaseException: pass
"""


def test_a_loop_that_swallows_everything_is_ended_in_its_time(nursery: Nursery) -> None:
    start = time.monotonic()
    with Session(nursery) as session, pytest.raises(Ended) as ended:
        session.run(LOOP, 1.0)
    assert ended.value.kind == "time" and time.monotonic() - start < 5


def test_what_is_printed_is_not_kept(nursery: Nursery) -> None:
    """More than there is memory for: a forgotten print must not cost the next exercise."""
    with Session(nursery) as session:
        reply = session.run("for _ in range(40_000): print('x' * 100_000)", 60)
        assert reply["error"] == "" and "more characters" in reply["output"]


DAEMON = """
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"layerwise-test", 0, 0, 0)  # its name
        time.sleep(300)
    os._exit(0)
time.sleep(0.3)
"""


def test_no_daemon_outlives_its_notebook(nursery: Nursery) -> None:
    with Session(nursery) as session:
        said(session, DAEMON)
        assert named("layerwise-test"), "the daemon runs"
    assert not named("layerwise-test"), "and is gone"


def named(name: str) -> list[str]:
    found = []
    for status in Path("/proc").glob("[0-9]*/comm"):
        try:
            if status.read_text().strip() == name:
                found.append(status.parent.name)
        except OSError:
            continue
    return found


def test_two_at_once_do_not_see_each_other(nursery: Nursery) -> None:
    with Nursery() as second, Session(nursery) as one, Session(second) as other:
        said(one, "open('mine', 'w').write('x'); open('/dev/shm/mine', 'w').write('x')")
        assert said(other, "import os; print(os.listdir(), os.listdir('/dev/shm'))") == "[] []"


def test_the_warm_process_forks_in_milliseconds(nursery: Nursery) -> None:
    """A bound on work, not a benchmark: an import of torch would take seconds."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with Session(nursery) as session:
            said(session, "1")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.5


ORDINARY = """
from helpers.grading.session import Nursery, Session
with Nursery() as nursery, Session(nursery) as session:
    print(session.run("import os; print(os.getuid(), os.listdir('/tmp'))", 20)["output"])
    fork = "while True:\\n    if os.fork() == 0:\\n        import time; time.sleep(60)"
    print(session.run(fork, 20)["error"])
"""


def test_it_works_for_an_ordinary_user() -> None:
    if os.getuid() != 0 or not readable_by_others(Path(sys.executable).resolve()):
        pytest.skip("needs to be root, with an interpreter that others may read")
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    command = [*user, sys.executable, "-c", ORDINARY]
    environment = {"PATH": os.environ["PATH"], "HOME": "/tmp"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert "65534 []" in done.stdout and "BlockingIOError" in done.stdout, done.stderr


SYSTEM_PYTHON = Path("/usr/bin/python3")
CONFINED = """
import os, sys
sys.path.insert(0, sys.argv[1])
import confine
if inner := confine.isolate(2**20):
    sys.exit(os.waitpid(inner, 0)[1])
confine.give_up_privileges()
print(os.getuid(), os.getpid(), os.listdir("/tmp"), flush=True)
try:
    os.kill(2, 9)
except ProcessLookupError:
    print("alone")
"""


@pytest.mark.skipif(os.getuid() != 0 or not SYSTEM_PYTHON.exists(), reason="needs root")
def test_the_confinement_works_for_an_ordinary_user() -> None:
    """Without torch, for the course's interpreter may lie where only root may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(confine.__file__, folder / "confine.py")
    words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "bwrap"]
    words += ["--unshare-user", "--unshare-pid", "--cap-add", "CAP_SYS_ADMIN", "--cap-add"]
    words += ["CAP_SETPCAP", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    words += [str(SYSTEM_PYTHON), "-c", CONFINED, str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/")
    shutil.rmtree(folder)
    assert done.stdout.splitlines() == ["65534 1 []", "alone"], done.stderr


def readable_by_others(interpreter: Path) -> bool:
    parents = [p for place in (interpreter, Path(sys.prefix)) for p in place.parents]
    return all(place.stat().st_mode & 0o005 == 0o005 for place in parents)


def test_the_course_may_lie_in_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scratch folder is at /tmp in the sandbox; a virtual environment is not hidden by it."""
    monkeypatch.setattr(sandbox.sys, "prefix", "/tmp/somewhere/.venv")
    assert sandbox._inside("/tmp/somewhere/.venv/bin/python") == "/course/venv/bin/python"
    assert sandbox._inside("/usr/lib/python3") == "/usr/lib/python3"
    monkeypatch.setattr(sandbox.sys, "prefix", sys.base_prefix)
    assert sandbox._inside(sys.base_prefix) == sys.base_prefix


def test_without_bubblewrap_grading_refuses_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(NoSandbox, match="apt-get install bubblewrap"):
        Nursery()
