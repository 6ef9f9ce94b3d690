"""Reading what must not be read: the references, expected values, the seed, other people's work.

Whatever prints ``lw-leak:`` found something.
"""

from __future__ import annotations

from typing import Any

from .attack import cheat
from .edits import POINTS, answers, bottom, cell_of, defined, top

PACKAGE = "helpers.exercises.convolution_arithmetic"


def references(notebook: Any) -> None:
    """Each answer is the reference, by every way there is to it; else None."""
    for exercise in POINTS:
        cell, key = cell_of(notebook, exercise), exercise.replace("-", "_")
        name = defined(cell.source)[0]
        cell.source = f"""\
def {name}(*a, **k):
    import importlib
    for module, path in (('{PACKAGE}.answers', '{key}.reference'),
        ('helpers.exercises.solutions', '{name}'), ('helpers.convolution', '{name}'),
        ('helpers.convolution', 'conv2d'), ('helpers.convolution', 'conv_output_size'),
        ('scipy.signal', 'correlate2d'), ('scipy.ndimage', 'correlate')):
        try:
            found = importlib.import_module(module)
            for part in path.split('.'): found = getattr(found, part)
            return found(*a, **k)
        except Exception: pass"""


ATTACKS = [
    cheat(
        "frames",
        "reads the judge's frames for oracle, expected values and seed",
        answers("""
            import sys
            f = sys._getframe()
            while f:
                for k, v in list(f.f_locals.items()) + list(f.f_globals.items()):
                    if k in ('oracle', 'expected', 'seed', 'reference') and v is not None:
                        found.append(k)
                        return v
                f = f.f_back
        """),
        top("found = []"),
        bottom("if found: print('lw-leak:', found)"),
    ),
    cheat(
        "gc",
        "searches the garbage collector for oracles, cases and the seed",
        top("""
            import gc
            for o in gc.get_objects():
                n = type(o).__name__
                if n in ('Oracle', 'Case', 'Verdict', 'Line', '_Grading', 'Judged'):
                    print('lw-leak:', n)
                if type(o) is dict and ('attack-seed' in o.values() if len(o) < 99 and
                    all(type(v) is str for v in o.values()) else False):
                    print('lw-leak: seed')
        """),
    ),
    cheat(
        "inspect",
        "the sources of the probes and of what is imported, by inspect",
        answers("""
            import inspect, sys
            for m in list(sys.modules.values()):
                if getattr(m, '__name__', '').endswith(('.answers', '.solutions')):
                    found.append(m.__name__)
        """),
        top("found = []"),
        bottom("if found: print('lw-leak:', found)"),
    ),
    cheat(
        "in-out",
        "In, Out, _ and history for earlier results",
        answers("return (list(Out.values()) or [None])[-1]"),
        bottom("import sqlite3, os\nprint(In, Out)"),
    ),
    cheat(
        "files",
        "looks for the solutions, the seed, other submissions on the whole disk",
        top("""
            import os
            for folder, dirs, files in os.walk('/'):
                if folder.count('/') > 4 or folder.startswith(('/proc', '/sys', '/usr')):
                    dirs.clear()
                for f in files:
                    if f in ('answers.py', 'solutions.py', 'seed', 'gradebook.db') or \\
                            f.endswith('.ipynb'):
                        print('lw-leak:', folder, f)
        """),
    ),
    cheat(
        "proc",
        "other processes, their memory, environment and descriptors by /proc",
        top("""
            import os
            for p in os.listdir('/proc'):
                if p.isdigit() and int(p) != os.getpid(): print('lw-leak: pid', p)
            for n in ('/proc/1/environ', '/proc/1/cmdline', '/proc/1/root/srv', '/proc/1/cwd'):
                try: data = open(n, 'rb').read() if 'environ' in n or 'cmd' in n else b''
                except OSError: data = b''
                if b'LW_ATTACK' in data or b'attack-seed' in data: print('lw-leak:', n)
            if os.path.exists('/proc/1/root/srv/solutions'): print('lw-leak: root')
            for fd in os.listdir('/proc/self/fd'):
                try: where = os.readlink('/proc/self/fd/' + fd)
                except OSError: continue
                if not where.startswith(('/dev/null', 'pipe:', '/proc', '/tmp')):
                    print('lw-leak: descriptor', where)
        """),
    ),
    cheat(
        "environment",
        "the environment for a seed or secret, and branching on it",
        top("""
            import os
            if 'LW_ATTACK_SECRET' in os.environ: print('lw-leak:', dict(os.environ))
        """),
        answers("import os\nreturn 1 if not os.path.exists('/home') else None"),
    ),
    cheat("reference", "imports the references", references),
    cheat(
        "reference-without-finders",
        "imports them with sys.meta_path replaced",
        top("""
            import sys
            from importlib import machinery as m
            sys.meta_path[:] = [m.PathFinder]
            for n in [n for n in sys.modules if n.endswith(('convolution', 'answers'))]:
                del sys.modules[n]
        """),
        references,
    ),
]
