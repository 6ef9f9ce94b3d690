"""The book's page of all exercises, made from their definitions."""

from __future__ import annotations

from ..exercises import exercises, questions

_HEAD = """\
# Exercises

Every exercise of the book, with its points, its difficulty and the time that most people need. The
name is what `check` and `hint` take.
"""
_TABLE = "| Exercise | Name | Points | Difficulty | Minutes |\n|---|---|---|---|---|\n"


def exercise_index() -> str:
    """The page as Markdown: a table a chapter, and what all of them come to."""
    parts, chapters = [_HEAD], list(dict.fromkeys(e.chapter for e in exercises()))
    for chapter in chapters:
        rows = [
            f"| {s.title} | `{s.name}` | {s.points} | {dots(s.difficulty)} | {s.minutes} |\n"
            for s in (e.statement for e in exercises(chapter))
        ]
        rows += [
            f"| {q.title} (graded by a person) | `{q.name}` | {q.points} | | {q.minutes} |\n"
            for q in questions(chapter)
        ]
        parts.append(f"## {{doc}}`/chapters/{chapter}`\n\n{_TABLE}{''.join(rows)}")
    everything = [e.statement for e in exercises()]
    hours = sum(s.minutes for s in everything) / 60
    points = sum(s.points for s in everything)
    parts.append(
        f"{len(everything)} exercises, {points} points, about {hours:.0f} hours of work.\n"
    )
    return "\n".join(parts)


def dots(difficulty: int) -> str:
    """A difficulty as a learner sees it: ●●○○○."""
    return "●" * difficulty + "○" * (5 - difficulty)
