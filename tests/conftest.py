"""Shared fixtures. One thread each: many workers with many threads are slower, not faster."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import settings

from helpers.publishing.learner import learner_notebook, solved_notebook, source_notebook
from helpers.publishing.source import Cell, Chapter

torch.set_num_threads(1)
settings.register_profile("course", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("course")

#: Whether learners' code can be run in a sandbox here; tests of grading run with it or without.
SANDBOX = shutil.which("bwrap") is not None


@pytest.fixture(autouse=True)
def main_module_can_be_spawned_from() -> None:
    """IPython puts another ``__main__`` in place, from which multiprocessing cannot start."""
    main = sys.modules["__main__"]
    if not hasattr(main, "__spec__"):
        main.__spec__ = None


SETUP = "import torch\nfrom torch import nn"
SOLUTIONS = {
    "add-constant": '''\
class AddConstant(nn.Module):
    """Adds a constant."""

    def __init__(self, constant):
        super().__init__()
        ### BEGIN SOLUTION
        self.constant = constant
        ### END SOLUTION

    def forward(self, input):
        ### BEGIN SOLUTION
        return input + self.constant
        ### END SOLUTION
''',
    "scale-shift": '''\
class ScaleShift(nn.Module):
    """Scales and shifts."""

    def __init__(self, num_features):
        super().__init__()
        ### BEGIN SOLUTION
        self.scale = nn.Parameter(torch.ones(num_features))
        self.shift = nn.Parameter(torch.zeros(num_features))
        ### END SOLUTION

    def forward(self, input):
        ### BEGIN SOLUTION
        return input * self.scale + self.shift
        ### END SOLUTION
''',
}


def small_chapter() -> Chapter:
    """A chapter with two of chapter 1's exercises and a demonstration that grading leaves out."""
    cells = [Cell("text", "# A small chapter"), Cell("setup", SETUP), Cell("text", "Words.")]
    for name, source in SOLUTIONS.items():
        cells += [
            Cell("text", f"### Exercise: {name}"),
            Cell("exercise", source.rstrip(), name),
            Cell("text", "Check it."),
            Cell("check", f'check("{name}")', name),
            Cell("text", "See it."),
            Cell("demo", f"print('a demonstration after {name}')"),
        ]
    return Chapter("01_nn_module", tuple(cells))


@pytest.fixture(scope="session")
def source() -> Any:
    """The small chapter's source notebook."""
    return source_notebook(small_chapter())


@pytest.fixture
def learner(source: Any) -> Any:
    """Its notebook as handed out."""
    return learner_notebook(source)


@pytest.fixture
def solved(source: Any) -> Any:
    """Its notebook with the solutions filled in."""
    return solved_notebook(source)
