"""Getting out of the sandbox: daemons, the network, links, privileges, the course's own files."""

from __future__ import annotations

from .attack import FULL, MARKER, Attack, Expect, cheat, hostile, right
from .edits import ONE, sources, top

DAEMON = f"""
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"{MARKER}", 0, 0, 0)  # its name
        open("/tmp/{MARKER}", "w").write("x")
        while True:
            time.sleep(1)
    os._exit(0)
time.sleep(0.2)
"""

ATTACKS = [
    hostile("daemon", "a daemon that outlives its cell", DAEMON),
    Attack(
        "daemon-in-answer",
        "a daemon started by an answer, then a right one",
        right(sources(lambda s: DAEMON + s, ONE)),
        Expect(FULL, exactly=True),
        nasty=True,
    ),
    hostile(
        "network",
        "sockets, DNS, listening",
        """
        import socket
        def s(*a): return socket.socket(*a)
        for how in (
            lambda: s(socket.AF_INET, socket.SOCK_STREAM),
            lambda: s(socket.AF_INET6),
            lambda: s(socket.AF_INET, socket.SOCK_DGRAM),
            lambda: s(socket.AF_NETLINK),
            lambda: s(socket.AF_VSOCK),
            lambda: socket.getaddrinfo('example.com', 80),
            lambda: socket.create_connection(('127.0.0.1', 22), 1),
            lambda: socket.create_server(('127.0.0.1', 0)),
            lambda: _unix(),
        ):
            try: print('lw-leak: network', how())
            except OSError: pass
        def _unix():
            u = s(socket.AF_UNIX); u.bind('\\0lw'); u.listen(); return u
        """,
    ),
    hostile(
        "links-out",
        "symlinks, hard links and paths that lead out",
        """
        import os, sys
        for n, to in enumerate((
            '/etc/passwd', '/etc/shadow', '/root', '/srv', '/proc/1/root/etc/passwd',
            '../../../../srv/solutions', '/home', '/dev/sda', '/proc/kcore',
        )):
            try:
                os.symlink(to, f'/tmp/link{n}')
                got = os.listdir(f'/tmp/link{n}') if os.path.isdir(f'/tmp/link{n}') \\
                    else open(f'/tmp/link{n}', 'rb').read(9)
            except OSError: continue
            if got and not (type(got) is list and set(got) <= set(sys.prefix.split('/')) |
                            set(sys.base_prefix.split('/'))): print('lw-leak:', to, got)
        """,
    ),
    hostile(
        "escalate",
        "namespaces, mounts, tracing and devices",
        """
        import ctypes, os
        c = ctypes.CDLL(None, use_errno=True)
        for name, a in (
            ('unshare', (0x10000000,)),
            ('setns', (3, 0)),
            ('chroot', (b'/tmp',)),
            ('mount', (b'x', b'/tmp', b'tmpfs', 0, 0)),
            ('ptrace', (16, 1, 0, 0)),
            ('mknod', (b'/tmp/sda', 0o60666, 0x800)),
            ('sethostname', (b'x', 1)),
            ('umount2', (b'/proc', 2)),
            ('setuid', (12345,)),
        ):
            if getattr(c, name)(*a) == 0: print('lw-leak:', name)
        """,
    ),
    cheat(
        "writes-the-course",
        "writes over the course's and Python's own files",
        top("""
            import os, sys, glob
            for p in glob.glob('/course/**/*.py', recursive=True) + [os.__file__, sys.executable]:
                for how in (lambda: os.chmod(p, 0o777), lambda: open(p, 'a').write('x = 1'),
                            lambda: os.remove(p)):
                    try: how()
                    except OSError: continue
                    print('lw-leak: wrote', p)
        """),
        nasty=True,
        outcome="graded time",
    ),
]
