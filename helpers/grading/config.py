"""What nbgrader is told, whoever starts it: its own commands or ``layerwise grade``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ..exercises import exercises
from ..exercises.definition import BEGIN, END, STUB


def class_config(course: Path) -> Any:
    """nbgrader's config for a class: its ``nbgrader_config.py``, if any, and `configure`'s.

    The file is looked for in the course's folder, then in the one that holds it. It may set
    ``CourseDirectory.db_url``, say.
    """
    from traitlets.config import Config
    from traitlets.config.loader import PyFileConfigLoader

    name, config = "nbgrader_config.py", Config()
    for folder in (course, course.resolve().parent):
        if (folder / name).is_file():
            config = PyFileConfigLoader(name, path=str(folder)).load_config()
            break
    return configure(config, course)


def configure(config: Any, course: Path) -> Any:
    """Fill in a traitlets ``Config`` for a course's folder; returns it."""
    _find_alembic()
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
    # What learning platforms call the files of a download (nbgrader gives whole paths):
    #   Week 2_alice_attempt_2026-11-20-10-00-00_02_convolution_arithmetic.ipynb    Blackboard
    #   alicesmith_LATE_1234_56789_02_convolution_arithmetic-1.ipynb                Canvas
    #   Alice Smith_1234_assignsubmission_file_02_convolution_arithmetic.ipynb      Moodle, flat
    #   Alice Smith_1234_assignsubmission_file_/02_convolution_arithmetic.ipynb     Moodle, folders
    #   alice_02_convolution_arithmetic.ipynb                                       by hand
    chapters = "|".join(sorted({e.chapter for e in exercises()}))
    config.FileNameCollectorPlugin.named_regexp = (
        r".*/(?:[^/_]*_(?=[^/]+_attempt_))?(?P<student_id>[^/]+?)_"
        r"(?:attempt_(?P<timestamp>[0-9-]+)_|(?:LATE_)?\d+_\d+_|\d+_assignsubmission_file_/?)?"
        rf"(?P<file_id>{chapters})"
    )
    return config


def _find_alembic() -> None:
    """nbgrader runs the command ``alembic``, which is beside Python but may not be on PATH."""
    folder = str(Path(sys.executable).parent)
    paths = os.environ.get("PATH", "").split(os.pathsep)
    if folder not in paths:
        os.environ["PATH"] = os.pathsep.join([folder, *paths])
