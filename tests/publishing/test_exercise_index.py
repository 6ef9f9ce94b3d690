"""The page of all exercises."""

from __future__ import annotations

from helpers.exercises import exercises, questions
from helpers.publishing.exercise_index import exercise_index


def test_every_exercise_has_one_row_below_its_chapter() -> None:
    page = exercise_index()
    sections = page.split("## {doc}`/chapters/")[1:]
    chapters = list(dict.fromkeys(e.chapter for e in exercises()))
    assert [section.split("`")[0] for section in sections] == chapters
    for section, chapter in zip(sections, chapters, strict=True):
        asked = [e.statement for e in exercises(chapter)]
        rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
        assert len(rows) == len(asked) + len(list(questions(chapter)))
        for row, one in zip(rows, asked, strict=False):
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            assert cells[:3] == [one.title, f"`{one.name}`", str(one.points)]
            assert cells[3].count("●") == one.difficulty and cells[4] == str(one.minutes)
    total = sum(e.statement.points for e in exercises())
    assert f"{total} points" in page
