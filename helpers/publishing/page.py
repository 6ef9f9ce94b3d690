"""A page of the book: the stub's code beside the solution's outputs. No solution is in it."""

from __future__ import annotations

from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .learner import badge
from .source import Chapter

#: The tag of a cell whose output is what a right answer gives; the book's stylesheet labels it.
EXPECTED = "expected"


def page_notebook(chapter: Chapter, learner: Any, executed: Any) -> Any:
    """The notebook that the book shows for a chapter. Nobody answers a question there.

    Parameters
    ----------
    chapter
        The source, whose Markdown keeps the book's roles and directives.
    learner, executed
        The learner's notebook and the executed source: the same code cells, in the same order.
    """
    stubs = [c for c in learner.cells if c.cell_type == "code"][1:]  # without the preamble
    runs = [c for c in executed.cells if c.cell_type == "code"][1:]
    pairs = iter(zip(stubs, runs, strict=True))
    cells = []
    for cell in chapter.cells:
        if cell.kind in ("exercise", "question"):
            cells.append(new_markdown_cell(badge(cell)))
        if cell.kind == "text":
            cells.append(new_markdown_cell(cell.source))
        if not cell.is_code:
            continue
        stub, run = next(pairs)
        shown = new_code_cell(stub.source, outputs=run.outputs, metadata=dict(cell.metadata or {}))
        if cell.kind == "check":
            shown.metadata["tags"] = [*shown.metadata.get("tags", []), EXPECTED]
            # The table says the points; the bare number that nbgrader reads would only puzzle.
            shown.outputs = [o for o in run.outputs if o.output_type != "execute_result"]
        cells.append(shown)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    page = new_notebook(cells=cells)
    page.metadata.update({k: v for k, v in learner.metadata.items() if k != "layerwise"})
    return page
