"""A chapter's source: what is read, and what is refused in words."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest

from helpers.exercises import exercises, questions
from helpers.paths import course_folder
from helpers.publishing.markdown import to_plain_markdown
from helpers.publishing.source import (
    SourceError,
    chapter_files,
    read_chapter,
    secret_lines,
    without_marks,
)
from tests.conftest import small_chapter

CHAPTERS = chapter_files(course_folder("solutions"))
[CONVOLUTION] = chapter_files(course_folder("solutions"), ["02_convolution_arithmetic"])
each = pytest.mark.parametrize("file", CHAPTERS, ids=lambda f: f.stem)


def written(folder: Path, body: str) -> Path:
    file = folder / "99_test.md"
    file.write_text("# A title\n\n" + body, encoding="utf-8")
    return file


def code(source: str, options: str = "") -> str:
    return f"```{{code-cell}} python\n{options}\n{source}\n```\n\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (code("x = 1") + code("y = 2"), "no sentence between two code cells"),
        (code("x = 1", ":setup: true\n:check: a\n"), "a cell is both setup and check"),
        (code("x = 1", ":exercise: nothing\n"), "exercise 'nothing' is in the text only"),
        (code("### BEGIN SOLUTION\nx = 1\n### END SOLUTION"), "in a cell that is no exercise"),
        (code("def f():\n    return 1", ":exercise: nothing\n"), "in the text only"),
        ("### BEGIN SOLUTION\nWords.\n### END SOLUTION", "in a cell that is no exercise"),
    ],
)
def test_what_the_pipeline_cannot_use_is_refused(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_chapter(written(tmp_path, body))


ASKED = '+++ {"question": "output-padding"}'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("output-padding", "nothing", "question 'nothing' is in the text only"),
        (ASKED, "+++", "question 'output-padding' is in helpers.exercises only"),
        (ASKED, f"{ASKED}\n\nWords.\n\n{ASKED}", "'output-padding' is in the text 2 times"),
        ("### BEGIN SOLUTION\n", "", "question 'output-padding' needs a cell of ### BEGIN"),
        ("### END SOLUTION\n\n+++", "### END SOLUTION", "'output-padding' needs a cell of"),
        ("The kernel moves", "### END SOLUTION\n### BEGIN SOLUTION", "needs a cell of"),
    ],
)
def test_a_question_is_a_cell_of_its_own(tmp_path: Path, old: str, new: str, message: str) -> None:
    before, after = CONVOLUTION.read_text(encoding="utf-8").split(ASKED)
    changed = before + (ASKED + after).replace(old, new, 1)
    file = tmp_path / CONVOLUTION.name
    file.write_text(changed, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_chapter(file)


@each
def test_jupytext_gives_back_each_chapter(file: Path) -> None:
    """Opened and saved in JupyterLab, a source is the same but for Jupytext's own header."""
    text = file.read_text(encoding="utf-8")
    saved = jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst")
    assert saved.split("\n---\n", 1)[1] == text.split("\n---\n", 1)[1]


def test_a_chapter_that_is_not_there_is_named(tmp_path: Path) -> None:
    written(tmp_path, "Words.")
    with pytest.raises(SourceError, match="no chapter is called 'x'; there are 99_test"):
        chapter_files(tmp_path, ["x"])


@each
def test_each_chapter_reads(file: Path) -> None:
    chapter = read_chapter(file)
    assert chapter.title != chapter.name
    assert chapter.exercise_names == [e.name for e in exercises(chapter.name)]
    assert chapter.question_names == [q.name for q in questions(chapter.name)]


@each
def test_a_code_cell_fits_on_a_screen(file: Path) -> None:
    for cell in read_chapter(file).cells:
        if cell.is_code:
            assert len(cell.source.splitlines()) <= 40, cell.source


@each
def test_the_habits_of_the_text(file: Path) -> None:
    """A question first, a recap, more to read, an abstract in Chinese; a prediction somewhere."""
    text = file.read_text(encoding="utf-8")
    if file.stem.startswith("00"):
        return
    for heading in ("## Recap", "## Read more", "## 摘要"):
        assert f"\n{heading}\n" in text
    assert "Predict first" in text and "?" in text[: text.index("## ")]


def test_the_lines_that_only_a_solution_has() -> None:
    secrets = secret_lines(small_chapter())
    assert "self.scale = nn.Parameter(torch.ones(num_features))" in secrets
    assert "self.constant = constant" in secrets
    assert all(len(line) >= 20 for line in secrets)
    assert not any("def forward" in line for line in secrets)


@each
def test_every_line_of_a_model_answer_is_secret(file: Path) -> None:
    chapter = read_chapter(file)
    answers = [without_marks(c.source) for c in chapter.cells if c.kind == "question"]
    assert {line for answer in answers for line in answer.splitlines()} <= {
        *secret_lines(chapter),
        "",
    }


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("a {term}`kernel` here", "a kernel here"),
        ("{term}`Kernels <kernel>` slide", "Kernels slide"),
        ("{doc}`chapter 1 </chapters/01_nn_module>`", "[chapter 1](01_nn_module.ipynb)"),
        ("{doc}`the guide </book/learners>`", "the guide"),
        ("see {cite:p}`one2016`", "see (Dumoulin & Visin, 2016)"),
        ("{cite:t}`one2016,many2019`", "Dumoulin & Visin, 2016; Paszke et al., 2019"),
        ("```{note}\nMind this.\n```", "> **Note**\n>\n> Mind this."),
        ("```{admonition} Predict first\n:class: tip\nWhat?\n\nWhy?\n```",
         "> **Predict first**\n>\n> What?\n>\n> Why?"),
        (":::{tip}\nUse `x`.\n:::", "> **Tip**\n>\n> Use `x`."),
        ("a `{set}` of `x` and $x_{i}$", "a `{set}` of `x` and $x_{i}$"),
    ],
)  # fmt: skip
def test_myst_becomes_plain_markdown(tmp_path: Path, myst: str, plain: str) -> None:
    bibliography = tmp_path / "references.bib"
    bibliography.write_text(
        "@article{one2016, author={Dumoulin, Vincent and Visin, Francesco}, year={2016}}\n"
        "@article{many2019, author={Paszke, Adam and Gross, Sam and Massa, F}, year={2019}}\n"
    )
    assert to_plain_markdown(myst, bibliography) == plain


@pytest.mark.parametrize("myst", ["{eval}`x`", "```{figure} x.png\n```", "{cite:p}`nobody`"])
def test_myst_without_a_plain_form_is_refused(tmp_path: Path, myst: str) -> None:
    (tmp_path / "references.bib").write_text("")
    with pytest.raises(SourceError):
        to_plain_markdown(myst, tmp_path / "references.bib")
