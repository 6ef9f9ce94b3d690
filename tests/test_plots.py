"""The pictures: what is drawn, in the page's ink, with alt text, the same each time."""

from __future__ import annotations

import base64
import re
from xml.etree import ElementTree

import pytest
import torch
from matplotlib.figure import Figure

from helpers import plots

SVG = "{http://www.w3.org/2000/svg}"
INPUT = torch.tensor([[1, 2, 0], [0, -1, 2]])


@pytest.fixture
def page(monkeypatch) -> list[str]:
    """What a notebook would be shown."""
    shown: list[str] = []
    monkeypatch.setattr(plots, "_display", lambda picture: shown.append(picture._repr_html_()))
    return shown


def drawing() -> Figure:
    with plots.style():
        figure = Figure()
        left, right = figure.subplots(1, 2)
        left.plot([1, 3, 2], label="a & b", color="black")
        left.legend()
        right.imshow([[0, 1], [2, 3]])
    return figure


def test_a_figure_takes_the_page_s_ink_and_ids_of_its_own(page):
    plots.show(drawing(), alt='Loss < 1 & "falling"')
    root = ElementTree.fromstring(page[0])
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'Loss < 1 & "falling"'
    assert root.get("fill") == "currentColor"
    assert "max-width:100%" in root.get("style", "")
    assert "#000000" not in page[0]
    assert "#ffffff" not in page[0]
    assert "<style" not in page[0]
    assert "a &amp; b" in page[0]
    ids = re.findall(r' id="([^"]+)"', page[0])
    referred = set(re.findall(r'(?:url\(|href=")#([^)"]+)', page[0]))
    assert set(ids) == referred
    assert len(ids) == len(set(ids))
    assert not re.search(r'(?:href="|url\()(?!#|data:)', page[0])


def test_two_figures_do_not_share_an_id_and_one_is_drawn_the_same_twice(page):
    plots.show(drawing(), alt="one")
    plots.show(drawing(), alt="one")
    plots.curves({"loss": [3, 2, 1]}, "epoch", "loss", alt="two")
    assert page[0] == page[1]
    first, second = (set(re.findall(r' id="([^"]+)"', page[k])) for k in (0, 2))
    assert first and second
    assert not first & second


def test_show_closes_a_figure_of_pyplot(page):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    figure = pyplot.figure()
    plots.show(figure, alt="an empty figure")
    assert not pyplot.fignum_exists(figure.number)


def test_outside_a_notebook_the_alt_text_is_printed(capsys):
    plots.numbers({"input": INPUT}, alt="six numbers")
    plots.show(drawing(), alt="two panels")
    assert capsys.readouterr().out == "six numbers\ntwo panels\n"
    assert repr(plots.Picture("<svg/>", "said")) == "said"


@pytest.mark.parametrize("alt", ["", "  "])
def test_no_picture_without_alt_text(alt):
    for make in (
        lambda: plots.show(drawing(), alt),
        lambda: plots.numbers({"input": INPUT}, alt),
        lambda: plots.images({"input": INPUT}, alt),
        lambda: plots.curves({"loss": [1.0]}, "epoch", "loss", alt),
    ):
        with pytest.raises(ValueError, match=r"alt is .*allowed"):
            make()


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", plots.COLORS)
@pytest.mark.parametrize("page_color", ["#ffffff", "#14181e", "#111111"])
def test_colors_are_seen_on_light_and_dark(color, page_color):
    dark, light = sorted((luminance(color), luminance(page_color)))
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_style_leaves_nothing_behind():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with plots.style():
        assert matplotlib.rcParams["legend.frameon"] is False
    assert dict(matplotlib.rcParams) == before


def cells(html: str) -> list[list[str]]:
    """The texts of each grid: its title, then its numbers row by row."""
    root = ElementTree.fromstring(html)
    return [[text.text or "" for text in svg.iter(f"{SVG}text")] for svg in root]


def test_numbers_are_written_row_by_row(page):
    floats = torch.tensor([[0.5, -1 / 3], [12345.6, 2.0]], requires_grad=True)
    plots.numbers({"in < 3": INPUT, "floats": floats, "flags": INPUT > 0}, alt="grids")
    assert cells(page[0]) == [
        ["in < 3", "1", "2", "0", "0", "−1", "2"],
        ["floats", "0.5", "−0.333", "12346", "2"],
        ["flags", "True", "True", "False", "False", "False", "True"],
    ]
    root = ElementTree.fromstring(page[0])
    assert (root.get("role"), root.get("aria-label")) == ("img", "grids")


@pytest.mark.parametrize(
    ("part", "x", "y", "width", "height"),
    [
        ((0, 0), 0, 0, 34, 34),
        ((-1, -1), 68, 34, 34, 34),
        ((slice(None), 1), 34, 0, 34, 68),
        ((1, slice(1, 3)), 34, 34, 68, 34),
    ],
)
def test_highlight_frames_a_part(page, part, x, y, width, height):
    plots.numbers({"input": INPUT, "other": INPUT}, alt="one framed", highlight={"input": [part]})
    (frame,) = ElementTree.fromstring(page[0]).iter(f"{SVG}rect")
    assert [float(frame.get(k, "")) for k in ("x", "y", "width", "height")] == [x, y, width, height]
    assert frame.get("stroke-width") == "4"


@pytest.mark.parametrize("part", [(2, 0), (0, -4), (slice(2, 2), 0), (slice(0, 2, 2), 0)])
def test_highlight_outside_the_matrix(part):
    with pytest.raises(ValueError, match=r"highlight\['input'\] has the part .*allowed"):
        plots.numbers({"input": INPUT}, alt="none", highlight={"input": [part]})


def test_bad_matrices_are_told_in_words():
    for matrices, said in (
        ({}, "matrices is empty; allowed"),
        ({"x": torch.zeros(2, 2, 2)}, r"matrices\['x'\] has shape \(2, 2, 2\); allowed"),
        ({"x": torch.zeros(0, 2)}, r"matrices\['x'\] has shape \(0, 2\)"),
        ({"x": torch.zeros(33, 2)}, r"matrices\['x'\] has shape \(33, 2\)"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.numbers(matrices, alt="none")
    with pytest.raises(ValueError, match="highlight names 'y'; allowed: x"):
        plots.numbers({"x": INPUT}, alt="none", highlight={"y": [(0, 0)]})


def test_images_are_pictured_with_their_range(page):
    pictures = {
        "gray": torch.tensor([[-1.0, 0.0], [1.0, 3.0]]),
        "one": torch.rand(1, 4, 4),
        "color": torch.zeros(3, 2, 2),
        "bytes": torch.full((3, 2, 2), 255, dtype=torch.uint8),
        "normalized": torch.tensor([-2.0, 0.0, 2.5]).reshape(3, 1, 1).expand(3, 2, 2),
        "flat": torch.full((2, 2), 7.0),
    }
    plots.images(pictures, alt="six images", columns=4)
    root = ElementTree.fromstring(page[0])
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {*pictures, "black −1, white 3", "from −2 to 2.5", "all 7"} <= set(texts)
    assert len(texts) == 6 + 4
    drawn = list(root.iter(f"{SVG}image"))
    assert len(drawn) == 6
    shades = torch.tensor(pixels(drawn[0].get("href", "")))
    assert (shades - torch.tensor([[0, 64], [128, 255]])).abs().max() <= 1


def pixels(link: str) -> list[list[int]]:
    """The red channel of an image in a data: address."""
    import io

    from matplotlib.image import imread

    data = base64.b64decode(link.split(",", 1)[1])
    return (imread(io.BytesIO(data))[..., 0] * 255).astype(int).tolist()


def test_bad_images_are_told_in_words():
    for pictures, options, said in (
        ({}, {}, "pictures is empty; allowed"),
        ({"x": INPUT}, {"columns": 0}, "columns is 0; allowed: 1 or more"),
        ({"x": torch.zeros(2, 4, 4)}, {}, r"pictures\['x'\] has shape \(2, 4, 4\); allowed"),
        ({"x": torch.zeros(0, 4)}, {}, r"pictures\['x'\] has shape \(0, 4\); allowed"),
        ({"x": torch.tensor([[float("nan")]])}, {}, r"pictures\['x'\] has values .*allowed"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.images(pictures, alt="none", **options)


def test_curves_differ_by_more_than_color(page):
    plots.curves({"train": torch.tensor([3.0, 2, 1]), "test": [4, 3, 3]}, "epoch", "loss", alt="a")
    assert all(f">{word}<" in page[0] for word in ("train", "test", "epoch", "loss"))
    assert "stroke-dasharray" in page[0]
    plots.curves({"train": [3, 2, 1]}, "epoch", "loss", alt="no legend", x=[10, 20, 30])
    assert ">train<" not in page[1]
    assert ">30<" in page[1]
    assert ">12.5<" not in page[1]


def test_bad_series_are_told_in_words():
    for series, x, said in (
        ({}, None, "series is empty; allowed"),
        ({"a": []}, None, r"series\['a'\] has 0 values; allowed: 1 or more"),
        ({"a": [1, 2]}, [1], r"series\['a'\] has 2 values; allowed: 1, as many as x"),
    ):
        with pytest.raises(ValueError, match=said):
            plots.curves(series, "x", "y", alt="none", x=x)
