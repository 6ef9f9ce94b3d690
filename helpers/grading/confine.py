"""What a process does to itself before it runs a learner's code. Linux only; standard library.

It is forked inside bubblewrap, which has already taken the disk away; here it leaves its siblings
too. In order: its own mount, pid, ipc, net and uts namespaces (no new user namespace, so the
capabilities that bubblewrap kept are still there), a scratch folder and a /proc of its own, limits,
no capabilities, no new privileges, a filter of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
from collections.abc import Mapping

_libc = ctypes.CDLL(None, use_errno=True)

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 1 << 14, 1 << 18
_PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 22, 24, 38

SCRATCH = "/tmp"


def isolate(scratch_bytes: int) -> int:
    """Enter namespaces of one's own. Returns as `os.fork` does: the new process continues in them.

    The caller gets the new process's id, and is the only one that can end it from outside: ending
    it, the first process of its pid namespace, ends everything that it started.
    """
    _call(_libc.unshare, _NEWNS | _NEWPID | _NEWIPC | _NEWNET | _NEWUTS)
    child = os.fork()
    if child:
        return child
    _mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE)
    flags = _MS_NOSUID | _MS_NODEV
    _mount(
        b"tmpfs",
        SCRATCH.encode(),
        b"tmpfs",
        flags,
        b"mode=700,nr_inodes=4k,size=%d" % scratch_bytes,
    )
    _mount(b"tmpfs", b"/dev/shm", b"tmpfs", flags, b"mode=700,nr_inodes=256,size=16m")
    _mount(b"proc", b"/proc", b"proc", flags | _MS_NOEXEC)
    os.chdir(SCRATCH)
    return 0


def limit(limits: Mapping[str, int]) -> None:
    """Set resource limits by name: ``AS``, ``NPROC``, ``FSIZE``, ``NOFILE``, ``CPU``, ``CORE``."""
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def give_up_privileges() -> None:
    """Drop every capability for good, forbid gaining any, and filter system calls."""
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)
    _call(_libc.capset, header, bytes(24))
    _call(_libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _filter_system_calls()


def virtual_memory() -> int:
    """Bytes of address space that this process has mapped."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  before pathlib's imports
        return int(file.read().split()[0]) * resource.getpagesize()


def _call(function: object, *arguments: object) -> None:
    if function(*arguments) != 0:  # type: ignore[operator]
        number = ctypes.get_errno()
        raise OSError(number, f"{function.__name__}: {os.strerror(number)}")  # type: ignore[attr-defined]


def _mount(
    source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes | None = None
) -> None:
    _call(_libc.mount, source, target, kind, ctypes.c_ulong(flags), data)


# A filter of system calls, in the kernel's classic BPF --------------------------------------------

_LD, _JEQ, _JSET, _JGE, _RET = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_AF_UNIX = 1

# fmt: off
#: The numbers of the calls that are filtered, for each machine, and its audit number.
_CALLS = {
    "x86_64": {
        "socket": 41, "listen": 50, "clone": 56, "clone3": 435, "unshare": 272, "setns": 308,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "perf_event_open": 298,
        "keyctl": 250, "add_key": 248, "request_key": 249, "userfaultfd": 323,
        "io_uring_setup": 425, "open_by_handle_at": 304, "kexec_load": 246, "init_module": 175,
        "fsopen": 430, "move_mount": 429, "open_tree": 428,
    },
    "aarch64": {
        "socket": 198, "listen": 201, "clone": 220, "clone3": 435, "unshare": 97, "setns": 268,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "perf_event_open": 241,
        "keyctl": 219, "add_key": 217, "request_key": 218, "userfaultfd": 282,
        "io_uring_setup": 425, "open_by_handle_at": 265, "kexec_load": 104, "init_module": 105,
        "fsopen": 430, "move_mount": 429, "open_tree": 428,
    },
}
# fmt: on
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def _filter_system_calls() -> None:
    """No sockets but Unix ones, nothing that listens, no namespaces, no mounts, no tracing."""
    if platform.machine() not in _CALLS:
        return  # the namespaces hold without it
    arch, numbers = _AUDIT[platform.machine()], _CALLS[platform.machine()]
    program: list[tuple[int, int, int, int]] = []

    def deny(number: int, error: int) -> None:
        program.extend([(_JEQ, 0, 1, number), (_RET, 0, 0, _ERRNO | error)])

    def deny_if(number: int, test: tuple[int, int, int, int], error: int) -> None:
        """``test`` looks at the first argument and jumps over the denial where it is harmless."""
        program.extend([
            (_JEQ, 0, 4, number), (_LD, 0, 0, _FIRST_ARGUMENT), test,
            (_RET, 0, 0, _ERRNO | error), (_RET, 0, 0, _ALLOW),
        ])  # fmt: skip

    program += [(_LD, 0, 0, _ARCH), (_JEQ, 1, 0, arch), (_RET, 0, 0, _KILL), (_LD, 0, 0, _NUMBER)]
    if platform.machine() == "x86_64":  # the x32 calls have numbers of their own
        program += [(_JGE, 0, 1, 0x40000000), (_RET, 0, 0, _ERRNO | errno.ENOSYS)]
    deny_if(numbers["socket"], (_JEQ, 1, 0, _AF_UNIX), errno.EACCES)
    deny_if(numbers["clone"], (_JSET, 0, 1, _NEWUSER), errno.EPERM)
    deny(numbers["clone3"], errno.ENOSYS)  # its flags are behind a pointer; libc falls back
    for name, number in numbers.items():
        if name not in ("socket", "clone", "clone3"):
            deny(number, errno.EPERM)
    program.append((_RET, 0, 0, _ALLOW))
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    pointer = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    _call(_libc.prctl, _PR_SET_SECCOMP, 2, pointer, 0, 0)
