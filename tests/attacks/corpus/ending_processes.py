"""Cells and answers that end or stop a process: their own, its siblings, its parent."""

from __future__ import annotations

from .attack import FULL, Attack, Expect, hostile, right
from .edits import ONE, POINTS, answers, before, top

ALL_BUT_ONE = FULL - POINTS[ONE]

ATTACKS = [
    hostile("os-exit-cell", "os._exit in a cell", "import os; os._exit(0)", "lost"),
    Attack(
        "os-exit-answer",
        "os._exit(0) in one answer",
        right(answers("import os; os._exit(0)", ONE)),
        Expect(ALL_BUT_ONE, "lost", exactly=True),
        nasty=True,
    ),
    Attack(
        "os-exit-all",
        "os._exit(0) in every answer",
        right(answers("import os; os._exit(0)")),
        Expect(0, "lost"),
        nasty=True,
    ),
    hostile("sys-exit", "sys.exit, exit and quit in cells", "import sys; sys.exit(0)"),
    Attack(
        "sys-exit-answer",
        "SystemExit in one answer",
        right(answers("raise SystemExit", ONE)),
        Expect(ALL_BUT_ONE, exactly=True),
    ),
    hostile(
        "kill-others",
        "SIGKILL and SIGSTOP to itself, its siblings and everybody",
        """
        import os
        for p in (os.getpid(), -1, 2, 3, 4, 5):
            for s in (9, 19, 15):
                try: os.kill(p, s)
                except OSError: pass
        """,
    ),
    Attack(
        "kill-group",
        "SIGKILL to its process group, which its parent may be in",
        right(before(ONE, "import os\nos.kill(0, 9)")),
        Expect(FULL, exactly=True),
        nasty=True,
    ),
    Attack(
        "stop-group",
        "SIGSTOP to its process group: nobody is there to end it",
        right(before(ONE, "import os\nos.kill(os.getppid(), 19)")),
        Expect(FULL, exactly=True),
        nasty=True,
    ),
    hostile("segfault", "a null pointer", "import ctypes; ctypes.string_at(0)", "lost"),
    Attack(
        "many-exits",
        "thirty cells that each end the process",
        right(top(*["import os; os._exit(1)"] * 30)),
        Expect(FULL, "lost time"),
        nasty=True,
    ),
]
