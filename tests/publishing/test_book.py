"""The book: built cold and offline, warnings are errors, and nothing foreign or secret is in it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import NamedTuple
from urllib.request import urlopen

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.publishing import book
from helpers.publishing.book import BookError, build_book, foreign, leaks, serve

ROOT = Path(__file__).parents[2]
SECRET = "return [size // 2 for size in sizes if size < 10]"
MARKED = SECRET.replace("<", "&lt;").replace(" in ", " <b>in</b> ")
CHAPTER = "02_convolution_arithmetic"

TEXT = r"""# Chapter {name}

A {{term}}`kernel` with {{term}}`strides <stride>`; see {{cite:t}}`dumoulin2016guide`, and
{{doc}}`modules </chapters/01_nn_module>`. In a line, $i + 2p$, and displayed:

$$o = \left\lfloor \frac{{i + 2p - k}}{{s}} \right\rfloor + 1$$

| input | output |
|---|---|
| 5 | 3 |

```{{admonition}} Predict first
:class: tip
How large is it?
```"""

#: Imported by the process that builds, before anything else: whoever asks for the network fails.
NO_NETWORK = """
import socket

def refuse(*args, **kwargs):
    raise OSError("the build asked for the network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def page(name: str) -> nbformat.NotebookNode:
    """A chapter's page as `layerwise publish` writes it, in small."""
    svg = '<svg viewBox="0 0 9 9" role="img" aria-label="a dot"><circle r="3"/></svg>'
    stub = 'def halve(sizes):\n    raise NotImplementedError("your code here")'
    drawn = new_output("execute_result", {"text/html": svg, "text/plain": "dot"}, execution_count=1)
    right = new_output("execute_result", {"text/plain": "3.0"}, execution_count=2)
    cells = [
        new_markdown_cell(TEXT.format(name=name)),
        new_code_cell("dot", outputs=[drawn]),
        new_markdown_cell("## Exercise: halve"),
        new_code_cell(stub),
        new_markdown_cell("Check it."),
        new_code_cell('check("halve")', outputs=[right], metadata={"tags": ["expected"]}),
        new_markdown_cell("## 摘要\n\n卷积核在输入上滑动。"),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})


class Built(NamedTuple):
    root: Path
    pages: Path
    site: Path
    lines: list[str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The project's own configuration and pages, with small chapters, built with no network."""
    folder = tmp_path_factory.mktemp("book")
    root, pages, site = folder / "root", folder / "pages", folder / "site"
    shutil.copytree(ROOT / "book", root / "book")
    shutil.copy(ROOT / "_config.yml", root)
    pages.mkdir()
    toc = yaml.safe_load((root / "book" / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        for entry in part["chapters"]:
            parent, _, name = entry["file"].partition("/")
            if parent == "chapters":
                nbformat.write(page(name), pages / f"{name}.ipynb")
    (root / "chapters").mkdir()
    (root / "chapters" / f"{CHAPTER}.ipynb").write_text('{"the learner": "\'s own"}')
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        opened = build_book(root, pages, site, secrets=[SECRET], on_line=lines.append)
    assert opened == site / "index.html"
    yield Built(root, pages, site, lines)


def texts(site: Path) -> str:
    """Everything to read in the site, MathJax's own files excepted."""
    kinds = {".html", ".js", ".css", ".md", ".ipynb"}
    files = [p for p in site.rglob("*") if p.suffix in kinds and "mathjax" not in p.parts]
    return "\n".join(p.read_text(encoding="utf-8") for p in files)


@pytest.mark.slow
def test_pages_are_there(built: Built) -> None:
    html = (built.site / "chapters" / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert 'lang="en"' in html
    assert "tag_expected" in html
    assert 'aria-label="a dot"' in html
    assert "../book/glossary.html#term-kernel" in html
    assert "Dumoulin and Visin" in html
    assert "01_nn_module.html" in html
    assert "layerwise.css" in html
    assert (built.site / "search.html").is_file()
    assert any("build succeeded" in line for line in built.lines)


@pytest.mark.slow
def test_mathjax_comes_from_the_site(built: Built) -> None:
    html = (built.site / "chapters" / f"{CHAPTER}.html").read_text(encoding="utf-8")
    [source] = re.findall(r'<script[^>]* src="([^"?]*mathjax[^"?]*)', html)
    script = (built.site / "chapters" / source).resolve()
    assert script.is_file()
    assert script.is_relative_to(built.site)
    assert list(script.parent.glob("output/chtml/fonts/woff-v2/*.woff"))
    assert [bundle.name for bundle in script.parent.glob("*.js")] == [script.name]


@pytest.mark.slow
def test_nothing_comes_from_another_host(built: Built) -> None:
    assert foreign(built.site) == []
    assert not re.search(r"unpkg|jsdelivr|cdnjs|THEBE_JS_URL", texts(built.site))


@pytest.mark.slow
def test_no_path_of_this_machine(built: Built) -> None:
    assert str(built.root.parent) not in texts(built.site)


@pytest.mark.slow
def test_a_page_gives_the_learners_notebook_to_download(built: Built) -> None:
    html = (built.site / "chapters" / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert f'href="../_sources/chapters/{CHAPTER}.ipynb"' in html
    given = built.site / "_sources" / "chapters" / f"{CHAPTER}.ipynb"
    assert json.loads(given.read_text()) == {"the learner": "'s own"}


@pytest.mark.slow
def test_no_secret_is_in_the_site_unless_planted(built: Built, tmp_path: Path) -> None:
    assert leaks(built.site, [SECRET]) == []
    # What is shown is found, as it is colored, in the page and in the download.
    shown = 'raise NotImplementedError("your code here")'
    places = {path.as_posix() for path, _ in leaks(built.site, [shown])}
    assert {"chapters/01_nn_module.html", "_sources/chapters/01_nn_module.ipynb"} <= places


@pytest.mark.slow
def test_a_warning_fails_and_the_site_before_stays(built: Built, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    shutil.copytree(built.pages, pages)
    broken = page("broken")
    broken.cells[0].source += "\n\nSee {term}`a word that no glossary has`."
    nbformat.write(broken, pages / f"{CHAPTER}.ipynb")
    before = {p: p.stat().st_mtime_ns for p in built.site.rglob("*")}
    with pytest.raises(BookError, match="a word that no glossary has") as caught:
        build_book(built.root, pages, built.site)
    assert f"chapters/{CHAPTER}.ipynb, cell 1, line 18: WARNING" in str(caught.value)
    assert str(built.root.parent) not in str(caught.value)
    assert {p: p.stat().st_mtime_ns for p in built.site.rglob("*")} == before
    assert [p.name for p in built.site.parent.iterdir() if p.name.startswith(".")] == []


# Without building --------------------------------------------------------------------------------


def made_site(work: Path, body: str = "new") -> Path:
    site = work / "_build" / "html"
    site.mkdir(parents=True)
    (site / ".buildinfo").touch()
    (site / "index.html").write_text(body)
    return site


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course whose build takes no time."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "_toc.yml").touch()
    (tmp_path / "_config.yml").touch()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "01_a.ipynb").write_text("{}")
    monkeypatch.setattr(book, "_build", lambda work, on_line: made_site(work))
    return tmp_path


def test_a_built_book_replaces_the_one_before(course: Path) -> None:
    out = course / "site"
    for _ in range(2):
        assert build_book(course, course / "pages", out).read_text() == "new"
        (out / "index.html").write_text("old")
    assert sorted(p.name for p in course.iterdir() if "site" in p.name) == ["site"]


def test_a_folder_that_is_no_book_is_not_replaced(course: Path) -> None:
    (course / "site").mkdir()
    (course / "site" / "thesis.txt").write_text("mine")
    with pytest.raises(BookError, match="not a built book"):
        build_book(course, course / "pages", course / "site")
    assert (course / "site" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("_config.yml", "course's folder"),
        ("book/_toc.yml", "course's folder"),
        ("pages/01_a.ipynb", "layerwise publish"),
    ],
)
def test_nothing_to_build_from(course: Path, missing: str, said: str) -> None:
    (course / missing).unlink()
    with pytest.raises(BookError, match=said):
        build_book(course, course / "pages", course / "site")
    assert not (course / "site").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"<p>{SECRET}</p>".replace(" < ", " &lt; "), "a solution's line"),
        ('<img src="//a.b/c.png">', "//a.b/c.png"),
    ],
)
def test_a_book_that_tells_too_much_is_not_shown(
    course: Path, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    monkeypatch.setattr(book, "_build", lambda work, on_line: made_site(work, body))
    with pytest.raises(BookError, match=f"index.html .*{re.escape(said)}"):
        build_book(course, course / "pages", course / "site", secrets=[SECRET])
    assert not (course / "site").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", '<script src="https://unpkg.com/x.js"></script>'),
        ("a.html", '<script>const THEBE_JS_URL = "https://unpkg.com/thebe/index.js"</script>'),
        ("a.html", '<link rel="stylesheet" href="//fonts.example.org/f.css">'),
        ("a.html", '<link rel="preload" as="font" href="https://example.org/f.woff2">'),
        ("a.html", "<img src='http://example.org/a.png'/>"),
        ("a.html", '<img srcset="a.png 1x, https://example.org/b.png 2x">'),
        ("a.html", '<iframe src="https://example.org/"></iframe>'),
        ("a.html", '<svg><image xlink:href="https://example.org/a.png"/></svg>'),
        ("a.html", '<p style="background: url(https://example.org/a.png)">x</p>'),
        ("a.html", "<style>@import 'https://example.org/a.css';</style>"),
        ("a.svg", "<svg><style>text { src: url( https://example.org/f.woff) }</style></svg>"),
        ("_static/a.css", '@font-face { src: url("https://example.org/f.woff2") }'),
        ("_static/a.js", "import('https://esm.example.org/a.mjs')"),
    ],
)
def test_what_another_host_would_serve_is_seen(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    assert [page for page, _ in foreign(tmp_path)] == [Path(name)]


def test_links_and_names_are_no_loads(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="https://example.org/">out</a> <img src="data:image/png;base64,//8=">'
        '<link rel="license" href="https://example.org/"><img src="b.png">'
        '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/></svg>'
        '<script>e.createElementNS("http://www.w3.org/2000/svg", "g") // https://example.org</script>'
    )
    (tmp_path / "a.css").write_text("/* https://example.org */ p { background: url(#a) }")
    assert foreign(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.html",
            '<pre><span class="k">return</span> <span class="p">[</span><span>size</span>'
            " <span>//</span> 2 for size in sizes if size <span>&lt;</span> 10]</pre>",
        ),
        ("_sources/a.md", f"        {SECRET}\n"),
        ("_sources/a.ipynb", json.dumps({"cells": [{"source": ["x\n", f"    {SECRET}\n"]}]})),
        (
            "a.ipynb",
            json.dumps({"text/html": SECRET.replace("<", "&lt;").replace("in", "<b>in</b>")}),
        ),
        (
            "searchindex.js",
            'Search.setIndex({"titles":["' + SECRET.replace(" ", "\\u0020") + '"]})',
        ),
        ("a.txt", SECRET.replace(" ", "\n  ")),
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    (tmp_path / "image.png").write_bytes(b"\0" + SECRET.encode())
    assert leaks(tmp_path, ["", "  ", "another line", SECRET]) == [(Path(name), SECRET)]


def test_serve_to_this_machine_alone(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="build it first"):
        serve(tmp_path)
    (tmp_path / "index.html").write_text("the book")
    ready: Queue[str] = Queue()
    thread = threading.Thread(
        target=serve, args=(tmp_path, 0), kwargs={"on_ready": ready.put}, daemon=True
    )
    thread.start()
    address = ready.get(timeout=10)
    assert address.startswith("http://127.0.0.1:")
    with urlopen(address, timeout=10) as answer:
        assert answer.read() == b"the book"
    with pytest.raises(BookError, match="give another"):
        serve(tmp_path, int(address.rsplit(":", 1)[1].strip("/")))


def test_every_term_has_a_definition_and_a_chinese_name() -> None:
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(\S.*)\n((?:  .+\n)+)", text.split("```{glossary}")[1], re.MULTILINE)
    terms = [term for term, _ in entries]
    assert len(terms) > 40
    assert terms == sorted(set(terms), key=lambda term: term.strip("'").lower())
    for term, definition in entries:
        assert re.search(r"\.\s+\(Chinese:\s.*[\u4e00-\u9fff].*\)\n$", definition, re.DOTALL), term
