"""Messages to the judge that are not the probe's: forged, cut short, too long, none at all."""

from __future__ import annotations

from .attack import cheat
from .edits import top

FORGE = """
import json, os, struct
def message(value):
    text = json.dumps(value).encode()
    return struct.pack("!II", len(text), 0) + text
def everywhere(data):
    for d in range(3, 64):
        try: os.set_blocking(d, False); os.write(d, data)
        except OSError: pass
"""

ATTACKS = [
    cheat(
        "forged-none",
        "replies without failure to every descriptor",
        top(FORGE + "everywhere(message({'value': 1, 'failure': None, 'message': ''}) * 50)"),
    ),
    cheat(
        "forged-points",
        "replies that speak of points, right and verdict",
        top(FORGE + "everywhere(message({'right': True, 'points': 18, 'verdict': 'right'}) * 50)"),
    ),
    cheat(
        "forged-garbage",
        "random bytes to every descriptor",
        top(FORGE + "everywhere(os.urandom(65536))"),
        outcome="lost",
        nasty=True,
    ),
    cheat(
        "forged-length",
        "a reply that announces four gigabytes",
        top(FORGE + "everywhere(b'\\xff' * 8)"),
        outcome="lost",
        nasty=True,
    ),
    cheat(
        "forged-deep",
        "a reply nested 100,000 deep",
        top(FORGE + "t = b'[' * 100_000\neverywhere(struct.pack('!II', len(t), 0) + t)"),
        outcome="lost time",
        nasty=True,
    ),
    cheat(
        "forged-types",
        "replies whose fields have odd types",
        top(
            FORGE
            + "everywhere(b''.join(message(v) for v in ({'failure': ['list', 1]}, "
            + "{'failure': {'a': 1}}, {'error': 7, 'output': None}, {'value': {'x': 1e999}}, 5)))"
        ),
        outcome="lost",
    ),
    cheat(
        "forged-slow",
        "half a reply, and then nothing",
        top(FORGE + "import time\neverywhere(message({'error': ''})[:9])\ntime.sleep(60)"),
        outcome="time",
    ),
    cheat(
        "patched-wire",
        "the child's own send is replaced to send equal-to-everything values",
        top("""
            from helpers.grading import wire
            real = wire.send
            wire.send = lambda d, v, *a: real(
                d, {'value': ['list'], 'failure': None, 'message': '', 'points': 18})
        """),
    ),
    cheat(
        "descriptors-closed",
        "every descriptor is closed",
        top("import os; os.closerange(0, 256)"),
        outcome="lost",
        nasty=True,
    ),
]
