"""The book: staged, built cold, checked, and only then put where readers find it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html import unescape
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from .exercise_index import exercise_index

_BUILD = "from jupyter_book.cli.main import main; main()"  # jupyter_book has no __main__
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"\b(?:WARNING|ERROR|CRITICAL)\b")
#: How MyST-NB says where in a notebook a warning comes from: 20003 is the second cell, line 3.
_PLACE = re.compile(r"\.ipynb:(\d+):")
#: The one file of MathJax that the pages load; it asks for fonts and extensions beside it.
_MATHJAX = "tex-chtml.js"


class BookError(RuntimeError):
    """The book could not be built, or may not be shown; the message says why."""


def build_book(
    root: Path,
    pages: Path,
    out: Path,
    *,
    secrets: Iterable[str] = (),
    on_line: Callable[[str], None] | None = None,
) -> Path:
    """Build the book from nothing, check it, and put it in place of the one before.

    Parameters
    ----------
    root
        The course's folder, with ``_config.yml`` and ``book/``. The download button of a page
        gives the learner's notebook from its ``chapters/``, if it is there.
    pages
        The folder of the chapters' page notebooks, ``NN_name.ipynb``.
    out
        The folder of the built site. A book there is replaced only by a book that is right.
    secrets
        Lines that may not be found anywhere in it; see `leaks`.
    on_line
        Called with each line that the build prints, to show progress.

    Returns
    -------
    Path
        The page to open, ``out/index.html``.

    Raises
    ------
    BookError
        If there is nothing to build from, the build gave a warning, the site loads something from
        another host or holds a secret, or ``out`` has files in it that are not a book.
    """
    out = out.resolve()
    if out.exists() and not _replaceable(out):
        raise BookError(f"{out} holds something that is not a built book: give another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside `out`, so that the finished site needs only a new name.
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as folder:
        work = Path(folder)
        _stage(root, pages, work / "stage")
        site = _build(work, on_line or (lambda line: None))
        _finish(site, root / "chapters")
        _demand_clean(site, secrets)
        _replace(site, out, work / "previous")
    return out / "index.html"


def _replaceable(out: Path) -> bool:
    return out.is_dir() and ((out / ".buildinfo").is_file() or not any(out.iterdir()))


def _stage(root: Path, pages: Path, stage: Path) -> None:
    """Copy what the build may see, and nothing else, to where the table of contents has it."""
    config, book, notebooks = root / "_config.yml", root / "book", sorted(pages.glob("*.ipynb"))
    for needed in (config, book / "_toc.yml"):
        if not needed.is_file():
            raise BookError(f"{needed} is missing: is {root} the course's folder?")
    if not notebooks:
        raise BookError(f"no page notebooks in {pages}: run `layerwise publish` first")
    shutil.copytree(book, stage / "book")
    (stage / "book" / "exercises.md").write_text(exercise_index(), encoding="utf-8")
    shutil.copy(config, stage)
    (stage / "chapters").mkdir()
    for notebook in notebooks:
        shutil.copy(notebook, stage / "chapters")


def _build(work: Path, on_line: Callable[[str], None]) -> Path:
    """Run Jupyter Book on ``work/stage`` in a process of its own; a warning is an error."""
    stage, site = work / "stage", work / "_build" / "html"
    command = [sys.executable, "-P", "-c", _BUILD, "build", str(stage)]
    command += ["--toc", str(stage / "book" / "_toc.yml"), "--path-output", str(work)]
    command += ["-W", "--keep-going"]
    with (work / "errors").open("w+", encoding="utf-8") as errors:
        with subprocess.Popen(
            command,
            cwd=stage,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                on_line(_COLOR.sub("", line).rstrip())
        errors.seek(0)
        said = _COLOR.sub("", errors.read()).replace(f"{stage}/", "")
    if process.returncode != 0 or not (site / "index.html").is_file():
        raise BookError(f"the book was not built:\n{_warnings(said)}")
    return site


def _warnings(said: str) -> str:
    """The warnings among what the build wrote to stderr, or its last lines if there are none."""
    lines = _PLACE.sub(_place, said).splitlines()
    warnings = [line for line in lines if _WARNING.search(line)]
    return "\n".join(warnings or lines[-20:])


def _place(match: re.Match[str]) -> str:
    cell, line = divmod(int(match[1]), 10_000)
    return f".ipynb, cell {cell}, line {line}:"


def _finish(site: Path, chapters: Path) -> None:
    """Make the site smaller, and let a page's download button give the learner's notebook."""
    for bundle in (site / "_static" / "mathjax").glob("*.js"):
        if bundle.name != _MATHJAX:
            bundle.unlink()  # 15 MB in all, and no page asks for them
    for download in (site / "_sources" / "chapters").glob("*.ipynb"):
        notebook = chapters / download.name
        if notebook.is_file():
            shutil.copy(notebook, download)


def _demand_clean(site: Path, secrets: Iterable[str]) -> None:
    found = [f"{page} loads {url}" for page, url in foreign(site)]
    found += [f"{page} holds a solution's line: {line}" for page, line in leaks(site, secrets)]
    if found:
        raise BookError("\n".join(["the book was built, but may not be shown:", *found]))


def _replace(site: Path, out: Path, previous: Path) -> None:
    if out.exists():
        out.rename(previous)
    try:
        site.rename(out)
    except OSError:
        if previous.exists():
            previous.rename(out)
        raise


# What a page loads ------------------------------------------------------------------------------

_FOREIGN = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_CSS_URL = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
_JS_URL = re.compile(r"""["'`]((?:https?:)?//[\w-]+\.[^"'`\s]+)""", re.IGNORECASE)
_LOADING = {"src", "srcset", "href", "xlink:href", "data", "poster"}
#: Relations of a <link> that a browser does not fetch.
_UNFETCHED = {"canonical", "license", "author", "help", "me"}
#: An address that is a name: nothing is fetched from it.
_NAMESPACE = re.compile(r"https?://www\.w3\.org/")


def foreign(site: Path) -> list[tuple[Path, str]]:
    """What the site would load from another host: scripts, styles, fonts, images, frames.

    Links to click are not loads. In scripts, every quoted address on another host counts.

    Returns
    -------
    list of (Path, str)
        The file, relative to ``site``, and the address.
    """
    found: list[tuple[Path, str]] = []
    for path in _files(site):
        page = path.relative_to(site)
        if path.suffix in (".html", ".svg"):
            loads = _Loads()
            loads.feed(path.read_text(encoding="utf-8"))
            urls = loads.urls
        elif path.suffix == ".css":
            urls = _css_urls(path.read_text(encoding="utf-8"))
        elif path.suffix == ".js":
            urls = _JS_URL.findall(path.read_text(encoding="utf-8"))
        else:
            continue
        found += [(page, u) for u in urls if _FOREIGN.match(u) and not _NAMESPACE.match(u)]
    return found


def _css_urls(text: str) -> list[str]:
    return [one or other for one, other in _CSS_URL.findall(text)]


class _Loads(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        given = {name: value for name, value in attrs if value}
        clicked = tag in ("a", "area")
        unfetched = tag == "link" and set(given.get("rel", "").split()) <= _UNFETCHED
        for name, value in given.items():
            if name == "srcset":
                self.urls += [part.split()[0] for part in value.split(",") if part.strip()]
            elif name in _LOADING and not clicked and not unfetched:
                self.urls.append(value)
            else:
                self.urls += _css_urls(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._inside = ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.urls += _JS_URL.findall(data)
        elif self._inside == "style":
            self.urls += _css_urls(data)


# What a page must not tell ------------------------------------------------------------------------

_TAG = re.compile(r"<[^<>]*>")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")


def leaks(site: Path, secrets: Iterable[str]) -> list[tuple[Path, str]]:
    """Where lines that are not to be told occur in the site.

    Every text file is read: pages, ``_sources``, notebooks to download, the search index. Tags,
    entities and escapes are undone, and white space does not count, so that a line is found
    however it is colored, indented or wrapped.

    Parameters
    ----------
    site
        The folder of the built site.
    secrets
        The lines. Empty ones are passed over.

    Returns
    -------
    list of (Path, str)
        The file, relative to ``site``, and the line.
    """
    wanted = {line: "".join(line.split()) for line in secrets if line.strip()}
    found: list[tuple[Path, str]] = []
    for path in _files(site) if wanted else ():
        data = path.read_bytes()
        if b"\0" in data:
            continue  # an image or a font
        views = list(_views(data.decode("utf-8", errors="replace")))
        found += [
            (path.relative_to(site), line)
            for line, squeezed in wanted.items()
            if any(squeezed in view for view in views)
        ]
    return found


def _views(text: str) -> Iterator[str]:
    """A file's text as it stands, without a string's escapes, and each of these without markup."""
    for one in (text, _ESCAPE.sub(_unescaped, text)):
        yield "".join(one.split())
        yield "".join(unescape(_TAG.sub("", one)).split())


def _unescaped(match: re.Match[str]) -> str:
    code, character = match.groups()
    if code:
        return chr(int(code, 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(character, character)


def _files(site: Path) -> list[Path]:
    """The files to check: all but MathJax's own.

    Those are large, hold nothing of the course, and name a content delivery network only for
    Internet Explorer and for use outside of a browser.
    """
    mathjax = site / "_static" / "mathjax"
    return sorted(p for p in site.rglob("*") if p.is_file() and mathjax not in p.parents)


# Reading it -------------------------------------------------------------------------------------


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line a request tells a reader nothing."""


def serve(out: Path, port: int = 8000, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve a built book to this machine alone, until interrupted.

    Parameters
    ----------
    out
        The folder of the built site.
    port
        The port to listen at; 0 takes any free one.
    on_ready
        Called with the book's address once it can be opened.

    Raises
    ------
    BookError
        If there is no book in ``out``, or the port is taken.
    """
    if not (out / "index.html").is_file():
        raise BookError(f"no book in {out}: build it first, with `layerwise book`")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(out)))
    except OSError as error:
        raise BookError(f"port {port} cannot be used ({error.strerror}): give another") from error
    with server:
        if on_ready is not None:
            on_ready(f"http://127.0.0.1:{server.server_port}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
