"""MyST Markdown made plain, for a notebook that is opened outside the book."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from .source import SourceError

_ROLE = re.compile(r"(?<!`)\{([a-z:]+)\}`([^`]+)`")
_SHOWN = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
_FENCE = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[a-z]+)\}[ ]*(?P<title>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
_ADMONITIONS = ("note", "tip", "warning", "important", "seealso", "admonition")


def to_plain_markdown(text: str, bibliography: Path | None = None) -> str:
    """Replace MyST's roles and admonitions by Markdown that every notebook front end shows.

    Raises
    ------
    SourceError
        For a role or directive that has no plain form here, or an unknown citation.
    """
    text = _FENCE.sub(_admonition, text)
    return _ROLE.sub(lambda found: _role(found, bibliography), text)


def _admonition(found: re.Match[str]) -> str:
    name = found["name"]
    if name not in _ADMONITIONS:
        raise SourceError(f"the directive {name!r} has no plain form; allowed: {_ADMONITIONS}")
    title = found["title"].strip() or {"seealso": "See also"}.get(name, name.capitalize())
    lines = [line for line in found["body"].strip().splitlines() if not line.startswith(":")]
    body = "\n".join(lines).strip()
    return "\n".join(f"> {line}".rstrip() for line in [f"**{title}**", "", *body.splitlines()])


def _role(found: re.Match[str], bibliography: Path | None) -> str:
    roles: dict[str, Callable[[str], str]] = {
        "term": _shown,
        "doc": _link,
        "cite:p": lambda keys: f"({_cited(keys, bibliography)})",
        "cite:t": lambda keys: _cited(keys, bibliography),
    }
    name, content = found.groups()
    if name not in roles:
        raise SourceError(f"the role {name!r} has no plain form; allowed: {sorted(roles)}")
    return roles[name](content)


def _shown(content: str) -> str:
    found = _SHOWN.fullmatch(content)
    return found.group(1) if found else content


def _link(content: str) -> str:
    found = _SHOWN.fullmatch(content)
    if found is None:
        raise SourceError(f"write {{doc}}`words <{content}>`: a notebook cannot guess the title")
    shown, target = found.groups()
    stem = target.rsplit("/", 1)[-1]
    return f"[{shown}]({stem}.ipynb)" if target.startswith("/chapters/") else shown


def _cited(keys: str, bibliography: Path | None) -> str:
    if bibliography is None:
        raise SourceError(f"no bibliography was given for the citation {keys!r}")
    return "; ".join(_citation(key.strip(), bibliography) for key in keys.split(","))


def _citation(key: str, bibliography: Path) -> str:
    entries = _entries(bibliography, bibliography.stat().st_mtime_ns)
    if key not in entries:
        raise SourceError(f"{key!r} is cited but is not in {bibliography.name}")
    return entries[key]


@cache
def _entries(bibliography: Path, _changed: int) -> dict[str, str]:
    from pybtex.database import parse_file

    found = {}
    for key, entry in parse_file(str(bibliography), bib_format="bibtex").entries.items():
        people = entry.persons.get("author", [])
        names = [(" ".join(p.last_names) or str(p)).strip("{}") for p in people]
        if len(names) > 2:
            names = [f"{names[0]} et al."]
        found[key] = f"{' & '.join(names) or key}, {entry.fields.get('year', 'n.d.')}"
    return found
