"""The command ``layerwise``. Starts without torch: each command imports what it needs."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from . import __version__
from .paths import course_folder, course_root

if TYPE_CHECKING:
    from .grading.results import Result
    from .publishing.publish import Places

app = typer.Typer(
    name="layerwise",
    help="The Layerwise course: notebooks for learners, the book, grading for a class.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# A pipe or a file has no width: tables and paths are not to be cut there.
_WIDTH = None if sys.stdout.isatty() else 160
out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False)

_Chapter = Annotated[
    str, typer.Argument(help="A chapter: the stem of its file, 02_convolution_arithmetic.")
]
_Chapters = Annotated[
    list[str] | None, typer.Argument(help="Chapters, by their files' stems. Default: all.")
]
_Course = Annotated[
    Path, typer.Option("--course", help="The class's folder: submitted/, gradebook.db, feedback/.")
]


def main() -> None:
    """Run a command; an error that has advice in it is shown without a traceback."""
    try:
        app()
    except (ValueError, RuntimeError, FileNotFoundError, FileExistsError) as error:
        if isinstance(error, NotImplementedError) or not str(error):
            raise
        err.print(f"layerwise: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        out.print(f"layerwise {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@contextmanager
def _bars() -> Any:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as progress:
        yield progress


def _places() -> Places:
    from .publishing.publish import Places

    root = course_root()
    if root is None:
        raise RuntimeError(
            "this needs a checkout of the course with an editable install: "
            "run `pip install -e '.[teach]'` in the course's folder"
        )
    return Places(root)


@app.command()
def start(
    chapter: _Chapter,
    to: Annotated[Path, typer.Option("--to", help="The folder for your copy.")] = Path(),
) -> None:
    """Begin a chapter: a copy of its notebook for you to work in. Never overwrites."""
    source = course_folder("chapters") / f"{chapter}.ipynb"
    if not source.is_file():
        names = ", ".join(sorted(p.stem for p in source.parent.glob("*.ipynb")))
        raise FileNotFoundError(f"no chapter is called {chapter!r}; there are {names}")
    to.mkdir(parents=True, exist_ok=True)
    copy = to / source.name
    try:
        with copy.open("xb") as opened:
            opened.write(source.read_bytes())
    except FileExistsError:
        raise FileExistsError(
            f"{copy} is there already and is kept as it is: go on with it, or choose another --to"
        ) from None
    out.print(f"Your copy: {copy}\nOpen it:   jupyter lab {copy}", markup=False, soft_wrap=True)


@app.command()
def exercises(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for other tools.")] = False,
) -> None:
    """List every exercise: chapter, name, points, difficulty (of 5), minutes."""
    from .exercises import exercises as all_exercises

    listed = [
        {
            "name": e.name,
            "chapter": e.chapter,
            "title": e.statement.title,
            "points": e.statement.points,
            "difficulty": e.statement.difficulty,
            "minutes": e.statement.minutes,
        }
        for e in all_exercises()
    ]
    if as_json:
        print(json.dumps(listed, indent=1, ensure_ascii=False))
        return
    table = Table("chapter", "name", "title", "points", "difficulty", "minutes")
    for row in listed:
        table.add_row(*(str(row[column.header]) for column in table.columns))  # type: ignore[index]
    out.print(table)


@app.command()
def check(
    notebook: Annotated[Path, typer.Argument(help="Your notebook, NN_name.ipynb.")],
) -> None:
    """Run a notebook from nothing and check all of its exercises, as in the notebook itself."""
    import nbformat

    from .exercises.display import as_text
    from .exercises.judge import PUBLIC_SEED
    from .grading.marking import forbidden_modules, judge_notebook
    from .grading.repair import realign
    from .grading.session import Nursery
    from .grading.submission import chapter_of, read_notebook

    theirs = read_notebook(notebook)
    chapter = chapter_of(theirs)
    if not chapter:
        raise ValueError(f"{notebook} has no exercise of this course in it")
    release = nbformat.read(course_folder("chapters") / f"{chapter}.ipynb", as_version=4)
    with Nursery(forbidden_modules(chapter), sandbox=False) as nursery:  # it is your own work
        judged = judge_notebook(
            realign(theirs, release).notebook,
            release,
            seed=PUBLIC_SEED,
            nursery=nursery,
            on_verdict=lambda verdict: out.print(as_text(verdict), markup=False, soft_wrap=True),
        )
    for note in judged.notes:
        out.print(f"! {note}", markup=False)
    out.print(f"{chapter}: {judged.points:g} of {judged.max_points:g} points", markup=False)
    if judged.points < judged.max_points:
        raise typer.Exit(1)


@app.command()
def publish(
    chapters: _Chapters = None,
    checking: Annotated[
        bool, typer.Option("--check", help="Only say what has drifted; execute nothing.")
    ] = False,
    solved: Annotated[
        Path | None, typer.Option(help="Only write the notebooks with solutions to this folder.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Chapters executed at a time.", min=1)] = 2,
    force: Annotated[
        bool, typer.Option("--force", help="Replace notebooks in chapters/ edited by hand.")
    ] = False,
) -> None:
    """Make learners' notebooks and book pages from solutions/, executing each solution once."""
    from .publishing import publish as publishing

    places = _places()
    if checking:
        found = publishing.drift(places, chapters)
        for line in found:
            out.print(line, markup=False, soft_wrap=True)
        if found:
            raise RuntimeError("chapters/ has drifted from solutions/: run `layerwise publish`")
        out.print("chapters/ is what solutions/ gives")
        return
    if solved is not None:
        written = publishing.write_solved(places, solved, chapters)
    else:
        with _bars() as bars:
            tasks: dict[str, Any] = {}

            def progress(chapter: str, done: int, total: int) -> None:
                if chapter not in tasks:
                    tasks[chapter] = bars.add_task(chapter)
                bars.update(tasks[chapter], completed=done, total=total)

            written = publishing.publish(
                places, chapters, workers=workers, force=force, progress=progress
            )
    for file in written:
        out.print(str(file), markup=False, soft_wrap=True)


@app.command()
def book(
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the book on localhost when it is built.")
    ] = False,
    port: Annotated[int, typer.Option(help="The port to serve on.")] = 8000,
) -> None:
    """Build the book from the published pages: cold, offline, a warning is an error."""
    from .publishing import book as building
    from .publishing.publish import editions
    from .publishing.source import secret_lines

    places = _places()
    made = list(editions(places))
    missing = [c.name for c, _, _ in made if not (places.pages / f"{c.name}.ipynb").is_file()]
    if missing:
        raise RuntimeError(f"no page yet of {', '.join(missing)}: run `layerwise publish` first")
    with err.status("building the book") as status:
        index = building.build_book(
            places.root,
            places.pages,
            places.root / "_build" / "book",
            secrets=[line for chapter, _, _ in made for line in secret_lines(chapter)],
            on_line=lambda line: status.update(f"building the book: {escape(line[:60])}"),
        )
    out.print(f"The book: {index}", markup=False, soft_wrap=True)
    if serve:
        building.serve(index.parent, port, on_ready=lambda url: out.print(f"Serving {url}"))


@app.command()
def grade(
    chapter: _Chapter,
    course: _Course = Path("course"),
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student; may be given again.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Grade again what was graded and has not changed.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Notebooks graded at a time. Default: one a core.", min=1)
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler that grades instead: tcp://host:8786.")
    ] = None,
    cell_timeout: Annotated[float, typer.Option(help="Seconds for one cell.", min=1)] = 20.0,
    notebook_timeout: Annotated[float, typer.Option(help="Seconds for a notebook.", min=1)] = 240.0,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run learners' code unconfined: only if trusted.")
    ] = False,
) -> None:
    """Grade a class: submitted/STUDENT/CHAPTER/CHAPTER.ipynb into the gradebook and scores.csv.

    What was graded before and has not changed is not graded again, so a run that was stopped is
    gone on with by the same command.
    """
    from .grading.assignment import Budget
    from .grading.classroom import grade_class, submissions
    from .publishing.publish import write_course

    if not write_course(_places(), course, [chapter]):
        raise ValueError(f"{chapter} has no exercises, so there is nothing to grade")
    if no_sandbox:
        err.print(
            "Grading without a sandbox: learners' code runs in a process of its own, with time "
            "limits, but it can read and write this disk. Grade only work of people you trust."
        )
    with _bars() as bars:
        task = bars.add_task(chapter, total=len(student or submissions(chapter, course)))
        results = grade_class(
            chapter,
            course,
            budget=Budget(cell_timeout, cell_timeout, notebook_timeout),
            sandbox=not no_sandbox,
            students=student or None,
            force=force,
            workers=workers,
            scheduler=scheduler,
            on_result=lambda result: bars.advance(task),
        )
    _print_results(results)
    _say_where(course)


@app.command()
def report(course: _Course = Path("course")) -> None:
    """Write report.html and scores.csv: the class as it stands, with marks given by hand."""
    from .grading.classroom import write_results

    if not write_results(course):
        raise ValueError(f"nothing was graded in {course}: run `layerwise grade CHAPTER` first")
    _say_where(course)


@app.command()
def feedback(course: _Course = Path("course")) -> None:
    """Write all feedback anew: after you have given marks or comments by hand."""
    from .grading.classroom import recorders

    with _bars() as bars:
        for recorder in recorders(course):
            task = bars.add_task(recorder.chapter, total=len(recorder.ledger.read()))
            for _ in recorder.feedback():
                bars.advance(task)
    _say_where(course)


def _say_where(course: Path) -> None:
    for what, name in (
        ("Report", "report.html"),
        ("Marks", "scores.csv"),
        ("Feedback", "feedback"),
    ):
        out.print(f"{what + ':':9} {course / name}", soft_wrap=True, markup=False)


#: A longer class is told by its report; the terminal shows what is out of the ordinary.
_MOST_ROWS = 60


def _print_results(results: list[Result]) -> None:
    many = len(results) > _MOST_ROWS
    shown = [r for r in results if not many or r.status != "graded"][:_MOST_ROWS]
    table = Table("student", "score", "of", "status", "note")
    for r in shown:
        table.add_row(
            *map(escape, (r.student, f"{r.score:g}", f"{r.max_score:g}", r.status, r.note))
        )
    if many:
        out.print(f"{len(results)} graded; {len(shown)} of those not graded whole:")
    out.print(table)


@app.command("sample-class")
def sample(course: _Course = Path("course")) -> None:
    """Write a class of eight made-up learners, right, wrong and broken, to try grading with."""
    from .exercises import exercises as all_exercises
    from .grading.sample import write_sample_class
    from .publishing.learner import learner_notebook, solved_notebook
    from .publishing.publish import editions

    chapters = sorted({e.chapter for e in all_exercises()})
    for chapter, source, _ in editions(_places(), chapters):
        solved = solved_notebook(source)
        written = write_sample_class(chapter.name, learner_notebook(source), solved, course)
        out.print(f"{chapter.name}: {len(written)} submissions in {course / 'submitted'}")


@app.command()
def record(
    name: Annotated[str | None, typer.Argument(help="An experiment. Default: list them.")] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="A seed; may be given again. Default: 0.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Fewer, for a trial; needs --to.")] = None,
    state: Annotated[Path | None, typer.Option(help="A folder to go on from.")] = None,
    to: Annotated[Path | None, typer.Option(help="A folder for the results.")] = None,
) -> None:
    """Run an experiment at full size and keep its results; stopped, it goes on where it was."""
    from . import recorded
    from .plots.progress import progress

    if name is None:
        for each in recorded.names():
            out.print(f"{each:22} {recorded.about(each)}", markup=False, soft_wrap=True)
        return
    written = recorded.record(name, seed or [0], epochs, state, to, progress)
    out.print(str(written), markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
