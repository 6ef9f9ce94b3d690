"""Files that are no notebooks, or odd ones: formats, encodings, JSON, too deep, too large."""

from __future__ import annotations

import copy
import json
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from .attack import FULL, Attack, Expect, Make, dumped, raw, right, wrong
from .edits import bottom, tagged

EMPTY_CELL = b'{"cell_type": "markdown", "metadata": {}, "source": "", "id": "x"}, '
MANY_CELLS = b'"cells": [' + 20_000 * EMPTY_CELL


def holds(content: bytes) -> Make:
    """The same file whatever the notebook."""
    return lambda learner, solved: content


def replaced(old: bytes, new: bytes) -> Make:
    """The solved notebook's file with some bytes replaced, once."""
    return lambda learner, solved: dumped(solved).replace(old, new, 1)


def encoded(encoding: str) -> Make:
    """The solved notebook in another encoding."""
    return lambda learner, solved: dumped(solved).decode().encode(encoding)


def latin_1(learner: Any, solved: Any) -> bytes:
    made = copy.deepcopy(solved)
    made.cells.append(new_markdown_cell("é"))
    return json.dumps(made, ensure_ascii=False).encode("latin-1", "replace")


def number_sources(learner: Any, solved: Any) -> bytes:
    return dumped({**solved, "cells": [{**cell, "source": 5} for cell in solved.cells]})


def number_lines(learner: Any, solved: Any) -> bytes:
    return dumped({**solved, "cells": [{**c, "source": [c.source, 5]} for c in solved.cells]})


def surrogates(notebook: Any) -> None:
    """Halves of UTF-16 pairs wherever there is text, but in code."""
    notebook.metadata["\udfff"] = "\ud800"
    for cell in notebook.cells:
        cell.id = cell.metadata["title"] = "\ud800"
        if cell.cell_type == "code":
            cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "\udfff"}]
        else:
            cell.source += "\ud800"


def surrogate_bytes(learner: Any, solved: Any) -> bytes:
    made = copy.deepcopy(solved)
    made.cells.append(new_markdown_cell("\ud800"))
    return json.dumps(made, ensure_ascii=False).encode("utf-8", "surrogatepass")


def odd_numbers(learner: Any, solved: Any) -> bytes:
    """NaN, Infinity and 1e999, none of them JSON's, where numbers are and are not expected."""
    made = copy.deepcopy(solved)
    made.metadata["large"] = "@"
    for cell in made.cells:
        cell.metadata["numbers"] = [float("nan"), float("inf"), float("-inf")]
        if cell.cell_type == "code":
            cell.execution_count = float("nan")
    return dumped(made).replace(b'"@"', b"1e999")


def two_of_cells(first: Make, last: Make) -> Make:
    """A notebook that has ``cells`` twice, of which JSON's readers in Python take the last."""

    def make(learner: Any, solved: Any) -> bytes:
        cells = json.loads(first(learner, solved))["cells"]
        return b'{"cells": ' + json.dumps(cells).encode() + b", " + last(learner, solved)[1:]

    return make


def deep_metadata(depth: int) -> Make:
    def make(learner: Any, solved: Any) -> bytes:
        made = copy.deepcopy(solved)
        made.metadata["deep"] = "@"
        return dumped(made).replace(b'"@"', b"[" * depth + b"]" * depth)

    return make


def version_3(learner: Any, solved: Any) -> bytes:
    from nbformat import v3

    return str(v3.writes_json(nbformat.convert(copy.deepcopy(solved), 3))).encode()


def many_cells(notebook: Any) -> None:
    notebook.cells += [new_markdown_cell("x") for _ in range(3000)]
    notebook.cells[:0] = [new_code_cell(f"x = {n}") for n in range(1000)]


OTHER_FORMATS = [
    raw("truncated", "half a file", lambda le, so: dumped(so)[: len(dumped(so)) // 2]),
    raw("empty", "no bytes", holds(b"")),
    raw("blank", "blanks and newlines", holds(b" \n\n")),
    raw("pdf", "a PDF with the notebook's name", holds(b"%PDF-1.7\n\x00\xff\xfe")),
    raw("zip", "a zip with the notebook's name", holds(b"PK\x03\x04" + bytes(1000))),
    raw("html", "an HTML page", holds(b"<!doctype html><title>Jupyter</title>")),
    raw("script", "a Python script", holds(b"import torch\nprint(1)\n")),
]

ENCODINGS = [
    raw("latin-1", "saved as Latin-1", latin_1),
    raw("utf-16", "saved as UTF-16", encoded("utf-16")),
    raw("utf-32", "saved as UTF-32", encoded("utf-32")),
    Attack("bom", "saved with a byte order mark", encoded("utf-8-sig"), Expect(FULL, exactly=True)),
    Attack(
        "surrogate-tags",
        "tags, ids and sources that are no Unicode",
        right(tagged("\ud800"), bottom("# \ud800", "'\ud800'")),
        Expect(FULL, "graded unreadable"),
    ),
    Attack(
        "surrogate-strings",
        "text, ids, outputs and metadata that are no Unicode, though all code is",
        right(surrogates),
        Expect(FULL, exactly=True),
    ),
    raw("surrogate-bytes", "halves of UTF-16 pairs, saved as if they were UTF-8", surrogate_bytes),
    Attack(
        "null-bytes",
        "NUL and control characters in sources",
        right(bottom("x = '\x00\x1b[2J'")),
        Expect(FULL, exactly=True),
    ),
]

NOT_NOTEBOOKS = [
    raw("json-number", "JSON, but a number", holds(b"18")),
    raw("json-list", "JSON, but a list", holds(b'[{"cells": []}]')),
    raw("json-null", "JSON null", holds(b"null")),
    raw("json-object", "JSON, but no notebook", holds(b'{"points": 18}')),
    raw("nan-version", "a format of 1e999", replaced(b'"nbformat": 4', b'"nbformat": 1e999')),
    raw("nan-minor", "a minor of NaN", replaced(b'"nbformat_minor": 5', b'"nbformat_minor": NaN')),
    raw("future-version", "format 99", replaced(b'"nbformat": 4', b'"nbformat": 99')),
    raw(
        "cells-object",
        "cells is an object",
        holds(b'{"cells": {"a": 1}, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    ),
    raw(
        "cells-of-null",
        "cells are null",
        holds(b'{"cells": [null, 1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    ),
    raw(
        "no-cells",
        "a notebook without cells",
        holds(b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'),
    ),
    raw("sources-of-numbers", "cells whose source is a number", number_sources),
    raw("sources-of-lists", "cells whose source is a list with a number in it", number_lines),
    raw(
        "other-chapter",
        "a notebook of no chapter",
        lambda le, so: dumped(nbformat.v4.new_notebook(cells=[new_code_cell("print(1)")])),
    ),
]

TOO_LARGE = [
    raw("huge", "60 MB of right work and blanks", lambda le, so: dumped(so) + b" " * (60 * 2**20)),
    raw(
        "very-many-cells",
        "20,000 empty cells: a file of 1 MB that takes seconds to read",
        replaced(b'"cells": [', MANY_CELLS),
    ),
    Attack(
        "many-cells",
        "4,000 cells more",
        right(many_cells),
        Expect(FULL, "graded", exactly=True),
    ),
    Attack(
        "huge-cell",
        "a cell of 20 MB",
        right(bottom("x = '" + "x" * 20_000_000 + "'")),
        Expect(FULL, "graded lost"),
        nasty=True,
    ),
    raw(
        "huge-number",
        "a number of a million digits",
        replaced(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 1_000_000),
    ),
    raw("nested", "JSON nested 100,000 deep", holds(b"[" * 100_000)),
    raw(
        "nested-cells",
        "a cell nested 100,000 deep",
        replaced(b'"cells": [', b'"cells": [' + b"[" * 100_000 + b"]" * 100_000 + b", "),
    ),
    raw("nested-metadata", "a notebook with metadata nested 50,000 deep", deep_metadata(50_000)),
    Attack(
        "deep-metadata",
        "a notebook with metadata nested 300 deep",
        deep_metadata(300),
        Expect(FULL, "graded unreadable"),
    ),
]

ODD_NOTEBOOKS = [
    Attack("version-3", "notebook format 3", version_3, Expect(FULL, exactly=True)),
    Attack("nan-numbers", "NaN, Infinity and 1e999", odd_numbers, Expect(FULL, exactly=True)),
    Attack(
        "cells-twice",
        "cells is there twice: wrong answers, then right ones",
        two_of_cells(wrong(), right()),
        Expect(FULL, exactly=True),
    ),
    Attack(
        "cells-twice-wrong",
        "cells is there twice: right answers, then wrong ones",
        two_of_cells(right(), wrong()),
    ),
    raw(
        "cells-twice-many",
        "cells is there twice: none, then 20,000",
        two_of_cells(holds(b'{"cells": []}'), replaced(b'"cells": [', MANY_CELLS)),
    ),
]

ATTACKS = [*OTHER_FORMATS, *ENCODINGS, *NOT_NOTEBOOKS, *TOO_LARGE, *ODD_NOTEBOOKS]
