"""What nbgrader is told, whoever starts it: its own commands or ``layerwise grade``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..exercises import exercises
from ..exercises.definition import BEGIN, END, STUB


def configure(config: Any, course: Path) -> Any:
    """Fill in a traitlets ``Config`` for a course's folder; returns it."""
    config.CourseDirectory.root = str(course.resolve())
    config.CourseDirectory.course_id = "layerwise"
    config.ClearSolutions.code_stub = {"python": STUB}
    config.ClearSolutions.begin_solution_delimeter = BEGIN
    config.ClearSolutions.end_solution_delimeter = END
    config.Autograde.sanitize_preprocessors = [
        "helpers.grading.plugin.Repair",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    config.Autograde.autograde_preprocessors = [
        "helpers.grading.plugin.Judge",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    # What a learning platform calls the files of a download: student first, chapter last,
    # as in  alice_attempt_2026-11-20-10-00-00_02_convolution_arithmetic.ipynb
    chapters = "|".join(sorted({e.chapter for e in exercises()}))
    config.FileNameCollectorPlugin.named_regexp = (
        r".*?(?P<student_id>[A-Za-z0-9.@-]+)_(?:.*_)?"
        rf"(?:attempt_(?P<timestamp>[0-9\-]+)_)?(?P<file_id>{chapters})"
    )
    return config
