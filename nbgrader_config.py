"""So that nbgrader's own commands work from the course's root: the class is in course/."""

from pathlib import Path

from helpers.grading.config import configure

c = configure(get_config(), Path(__file__).parent / "course")  # noqa: F821  nbgrader's own
