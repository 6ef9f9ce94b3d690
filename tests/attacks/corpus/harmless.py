"""Honest notebooks: right or untouched work, with its warnings, its own cells, its editors."""

from __future__ import annotations

from typing import Any

from .attack import Attack, Expect, dumped, harmless
from .edits import ONE, Edit, before, bottom, sources, top


def inside(statement: str, name: str = ONE) -> Edit:
    """A statement before the sum in the answer to an exercise."""
    return sources(lambda s: s.replace("    total = ", f"    {statement}\n    total = "), name)


def warned(source: str) -> str:
    return (
        "import sys, warnings\nwarnings.warn('deprecated')\n"
        f"print('careful', file=sys.stderr)\n{source}"
    )


def stripped(notebook: Any) -> None:
    """As an editor saves that knows neither ids nor metadata."""
    notebook.metadata = {}
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        cell.metadata = {}
        cell.pop("id", None)


def colab(notebook: Any) -> None:
    notebook.nbformat_minor = 0
    notebook.metadata.colab = {"provenance": [], "toc_visible": True}
    for number, cell in enumerate(notebook.cells):
        cell.pop("id", None)
        cell.metadata = {"id": f"Xy{number}", "colab": {"base_uri": "https://example.invalid"}}


def vscode(notebook: Any) -> None:
    notebook.metadata.vscode = {"interpreter": {"hash": "0" * 64}}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{number:08x}"
        cell.metadata.vscode = {"languageId": "python"}
        cell.metadata.pop("nbgrader", None)
        cell.source = cell.source.replace("\n", "\r\n")


def lines(notebook: Any) -> None:
    for cell in notebook.cells:
        cell.source = cell.source.splitlines(keepends=True)


ATTACKS = [
    harmless("right", "right work"),
    Attack("untouched", "nothing done", lambda le, so: dumped(le), Expect(0.0, exactly=True)),
    harmless("warns", "right work that warns on stderr", sources(warned)),
    harmless(
        "prints",
        "right work that prints a lot in cells",
        top("for n in range(20_000): print('line', n)"),
    ),
    harmless(
        "prints-in-answers",
        "right answers that print 5,000 lines each call",
        inside("for n in range(5000): print('line', n)"),
    ),
    harmless(
        "slow",
        "right work, slow but within budget",
        before("cross-correlation", "import time; time.sleep(1.2)"),
        inside("import time; time.sleep(0.05)"),
    ),
    harmless("stripped", "saved by an editor that keeps no ids and no metadata", stripped),
    harmless("source-lines", "each source a list of lines, as Jupyter saves it", lines),
    harmless("colab", "saved by Colab", colab),
    harmless("vscode", "saved by VS Code, with Windows line ends", vscode),
    harmless(
        "own-cells",
        "right work with own cells, magics, plots and an error",
        bottom(
            "%time 1 + 1",
            "1 / 0",
            "%%bash\necho hi",
            "!ls",
            "import matplotlib.pyplot as plt; plt.plot([1]); plt.show()",
        ),
        outcome="graded time",  # a busy machine may take its two seconds to import pyplot
    ),
    harmless(
        "changes-state",
        "right work that changes torch's defaults",
        top("""
            import torch
            torch.set_default_dtype(torch.float64)
            torch.use_deterministic_algorithms(True)
            torch.manual_seed(7)
        """),
    ),
]
