"""Answers that nobody worked out: forbidden operators, tables, guesses, replays, the input."""

from __future__ import annotations

from typing import Any

from helpers.exercises import exercises
from helpers.exercises.judge import PUBLIC_SEED, expected_value

from .attack import cheat
from .edits import CHAPTER, answers, cell_of, defined, sources


def torchs_own(source: str) -> str:
    name = defined(source)[0]
    return f"""\
def {name}(input, weight=None, bias=None, *a, **k):
    import torch.nn.functional as F
    return F.conv2d(input, weight, bias, *a, **k)"""


def cached(source: str) -> str:
    """An answer that gives the result of its first call from then on."""
    name = defined(source)[0]
    return f"""\
{source}
def {name}(*a, real={name}, c=[], **k):
    if not c: c.append(real(*a, **k))
    return c[0]"""


def echo(source: str) -> str:
    return f"def {defined(source)[0]}(*a, **k): return [*a, *k.values()][0]"


def mutating(source: str) -> str:
    name = defined(source)[0]
    return f"""\
def {name}(*a, **k):
    for t in [*a, *k.values()]:
        if hasattr(t, 'zero_'): t.zero_()
    return [*a, *k.values()][0]"""


def tables(notebook: Any) -> None:
    """Each answer a table of the public cases' inputs and values, as a learner could print it."""
    for asked in exercises(CHAPTER):
        values = {repr(list(c.inputs.values())): expected_value(asked, c)
                  for c in asked.cases(PUBLIC_SEED)}  # fmt: skip
        plain = {key: value for key, value in values.items() if type(value) in (int, tuple)}
        cell = cell_of(notebook, asked.name)
        cell.source = (
            f"def {defined(cell.source)[0]}(*a, **k):\n"
            f"    return {plain!r}.get(repr([*a, *k.values()]))"
        )


ATTACKS = [
    cheat("torchs-own", "the operators that the exercise forbids", sources(torchs_own)),
    cheat(
        "public-seed",
        "right for the public seed's cases alone, by a table made with them",
        tables,
    ),
    cheat(
        "seed-guess",
        "reseeds every generator and returns the next numbers",
        answers("""
            import random, torch
            random.seed('layerwise')
            torch.manual_seed(0)
            return random.randint(0, 9)
        """),
    ),
    cheat("cached", "replays the result of the first call", sources(cached)),
    cheat("echo", "gives its input back", sources(echo)),
    cheat(
        "mutates",
        "writes into its input so that the expected value is computed from it",
        sources(mutating),
    ),
]
