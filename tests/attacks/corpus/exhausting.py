"""Using things up: time, processes, threads, memory, disk, output, what the judge keeps."""

from __future__ import annotations

from .attack import FULL, Attack, Expect, cheat, hostile, right
from .edits import ONE, POINTS, answers

TIME = [
    hostile("endless-cell", "an endless cell", "while True: pass", "time"),
    hostile(
        "swallowing-cell",
        "an endless cell that swallows every signal and exception",
        """
        import signal
        for number in (1, 2, 3, 14, 15):
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
        "time",
    ),
    Attack(
        "endless-answer",
        "an endless answer",
        right(answers("while True: pass", ONE)),
        Expect(FULL - POINTS[ONE], "time", exactly=True),
        nasty=True,
    ),
    Attack(
        "endless-everything",
        "every answer is endless",
        right(answers("while True: pass")),
        Expect(0, "time"),
        nasty=True,
    ),
    hostile(
        "deadlock",
        "a lock taken twice",
        """
        from threading import Lock
        lock = Lock()
        lock.acquire(); lock.acquire()
        """,
        "time",
    ),
    hostile(
        "holds-the-gil",
        "a regular expression that never ends, in C",
        "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
        "time",
    ),
]

PROCESSES = [
    hostile(
        "fork-bomb",
        "a fork bomb",
        """
        import os, time
        while True:
            try:
                if os.fork() == 0:
                    time.sleep(300)
            except OSError: break
        """,
        outcome="graded time",
    ),
    hostile(
        "busy-fork-bomb",
        "forks that fork until the end",
        """
        import os
        while True:
            try: os.fork()
            except OSError: pass
        """,
        "time lost",
    ),
    hostile(
        "thread-bomb",
        "threads without end",
        """
        import threading, time
        try:
            while True: threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
        except RuntimeError: pass
        """,
    ),
]

MEMORY = [
    hostile(
        "memory-bomb",
        "a list of arrays without end",
        """
        try:
            x = []
            while True: x.append(bytearray(2**28))
        except MemoryError: del x
        """,
        "graded time",
    ),
    hostile(
        "memory-bomb-kept",
        "memory without end, kept, in processes of its own",
        """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                x = []
                try:
                    while len(x) < 6: x.append(bytearray(b'x') * 2**26)
                finally:
                    time.sleep(300)
        time.sleep(0.5)
        """,
        "graded lost time",
    ),
    cheat(
        "large-reply",
        "an answer of 300 MB, once",
        answers("import torch\nreturn torch.zeros(75 * 2**20)", ONE),
        outcome="graded time",
        nasty=True,
    ),
    cheat(
        "large-answers",
        "answers of 120 MB, as many as there are cases, kept by the judge",
        answers("import torch\nreturn torch.zeros(30 * 2**20)", ONE),
        outcome="graded time",
        nasty=True,
    ),
]

DISK = [
    hostile(
        "disk-bomb",
        "files without end",
        """
        n = 0
        try:
            while True:
                n += 1
                open(f'/tmp/big{n}', 'wb').write(bytes(2**24))
        except OSError: pass
        """,
    ),
    hostile(
        "file-bomb",
        "files by the thousand, and folders deep",
        """
        import os
        try:
            for n in range(100_000): open(f'/tmp/f{n}', 'w').close()
        except OSError: pass
        for n in range(100_000):
            os.remove(f'/tmp/f{n}')
            if n > 50: break
        for _ in range(45):
            os.mkdir('d'); os.chdir('d')
        """,
    ),
]

OUTPUT = [
    hostile("output-flood", "output without end", "while True: print('x' * 100_000)", "time"),
    hostile(
        "output-gigabyte",
        "a gigabyte of output",
        "import sys\nfor _ in range(100): sys.stdout.write('x' * 10_000_000)",
    ),
    hostile(
        "output-descriptor",
        "a flood past Python's streams",
        "import os\nfor _ in range(1000): os.write(1, b'x' * 100_000); os.write(2, b'x')",
    ),
]

ATTACKS = [*TIME, *PROCESSES, *MEMORY, *DISK, *OUTPUT]
