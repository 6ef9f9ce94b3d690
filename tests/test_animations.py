"""The animations against torch: how many steps, where, and with which numbers."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from helpers.animations import Animation, conv_transpose, convolution

SVG = "{http://www.w3.org/2000/svg}"
INPUT = torch.tensor(
    [[1, 2, 0, 3, 1], [0, 1, 2, 3, 1], [1, 2, 1, 0, 0], [5, 2, 3, 1, 1], [2, 1, 0, 1, 1]]
)
KERNEL = torch.tensor([[1, 2, 1], [0, 1, 0], [2, 1, 0]])


def windows(animation: Animation) -> list[list[tuple[int, int]]]:
    """Where the window on the left and that on the right go, in pixels (x, y)."""
    found = re.findall(r"@keyframes \w+-m\d+\{(.*?\})\}", animation.svg)
    return [
        [(int(x), int(y)) for x, y in re.findall(r"translate\((\d+)px,(\d+)px\)", frames)]
        for frames in found
    ]


def numbers(animation: Animation) -> tuple[list[str], list[str]]:
    """The numbers that stand in the cells at the last step, left and right, row by row."""
    border = windows(animation)[1][0][0]
    texts = [
        text
        for text in ElementTree.fromstring(animation.svg).iter(f"{SVG}text")
        if text.get("class") and text.get("opacity") != "0"
    ]
    texts.sort(key=lambda text: (int(text.get("y", "")), float(text.get("x", ""))))
    sides: tuple[list[str], list[str]] = ([], [])
    for text in texts:
        sides[float(text.get("x", "")) > border].append((text.text or "").replace("−", "-"))
    return sides


def as_text(values: torch.Tensor) -> list[str]:
    return [f"{value:.3g}" for value in (values.double() + 0.0).flatten().tolist()]


def steps(places: list[tuple[int, int]], rows: int, columns: int, down: int, across: int) -> None:
    """The places are a grid, visited row by row, with the given strides in cells of 34 pixels."""
    x, y = places[0]
    assert places == [
        (x + 34 * across * j, y + 34 * down * i) for i in range(rows) for j in range(columns)
    ]


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.integers(1, 2),
)
def test_windows_of_a_convolution_are_torch_s(size, kernel, stride, padding, dilation):
    try:
        result = F.conv2d(
            torch.zeros(1, 1, *size), torch.zeros(1, 1, *kernel), None, stride, padding, dilation
        )
    except RuntimeError:
        with pytest.raises(ValueError, match=r"kernel_size is .*; allowed: at most"):
            convolution(size, kernel, stride, padding, dilation)
        return
    rows, columns = result.shape[-2:]
    animation = convolution(size, kernel, stride, padding, dilation)
    left, right = windows(animation)
    steps(left, rows, columns, *stride)
    steps(right, rows, columns, 1, 1)
    assert animation.alt.endswith(f"output {rows}×{columns}.")


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    output_padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_stamps_of_a_transposed_convolution_are_torch_s(
    size, kernel, stride, padding, output_padding, dilation
):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}
    options["dilation"] = dilation
    generator = torch.Generator().manual_seed(0)
    input = torch.randint(-4, 5, size, generator=generator).double()
    weight = torch.randint(-4, 5, (kernel, kernel), generator=generator).double()
    try:
        expected = F.conv_transpose2d(input[None, None], weight[None, None], **options)[0, 0]
    except RuntimeError:
        with pytest.raises(ValueError, match=r"padding is .*; allowed: less than"):
            conv_transpose(size, kernel, **options)
        return
    assume(max(expected.shape) + 2 * padding <= 12)
    animation = conv_transpose(size, kernel, **options)
    left, right = windows(animation)
    steps(left, *size, 1, 1)
    steps(right, *size, stride, stride)
    rows, columns = expected.shape
    assert animation.alt.endswith(f"output {rows}×{columns}.")

    shown = numbers(conv_transpose(input=input, weight=weight, **options))
    assert shown[0] == as_text(input)
    whole = F.conv_transpose2d(
        input[None, None], weight[None, None], None, stride, 0, 0, 1, dilation
    )
    width = max(whole.shape[-1], padding + columns)
    grid = [shown[1][i : i + width] for i in range(0, len(shown[1]), width)]
    kept = [row[padding : padding + columns] for row in grid[padding : padding + rows]]
    assert [text for row in kept for text in row] == as_text(expected)


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("stride", [1, 2])
def test_numbers_of_a_convolution_are_torch_s(stride, padding):
    for input, weight in ((INPUT, KERNEL), (INPUT / 3, KERNEL - 1.5)):
        shown = numbers(convolution(stride=stride, padding=padding, input=input, weight=weight))
        result = F.conv2d(
            input[None, None].double(), weight[None, None].double(), None, stride, padding
        )
        assert shown[0] == as_text(F.pad(input, [padding] * 4))
        assert shown[1] == as_text(result)


def test_worked_example():
    assert numbers(convolution(input=INPUT, weight=KERNEL, stride=2))[1] == ["10", "12", "13", "3"]


def test_sums_grow_stamp_by_stamp():
    one = torch.ones(1, 2)
    svg = conv_transpose(input=one, weight=one).svg
    hidden = re.findall(r'opacity="0" style="animation:(\w+-0-1) [^>]*>(\d+)<', svg)
    assert [text for _, text in hidden] == ["1"]
    assert numbers(conv_transpose(input=one, weight=one))[1] == ["1", "2", "1"]


@pytest.mark.parametrize(
    ("animation", "alt"),
    [
        (convolution(), "A 3×3 kernel slides over a 5×5 input; output 3×3."),
        (
            convolution(stride=2, padding=1),
            "A 3×3 kernel slides over a 5×5 input with stride 2 and padding 1; output 3×3.",
        ),
        (
            convolution(8, 3, (1, 2), 1, 2),
            "A 3×3 kernel slides over an 8×8 input with stride 1×2, padding 1 and dilation 2; "
            "output 6×3.",
        ),
        (
            conv_transpose(stride=2, padding=1, output_padding=1),
            "Each cell of a 3×3 input stamps a 3×3 kernel into the output with stride 2, "
            "padding 1 and output padding 1; output 6×6.",
        ),
    ],
)
def test_alt_text_says_what_the_parameters_say(animation, alt):
    assert repr(animation) == animation.alt == alt
    root = ElementTree.fromstring(animation.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == alt


ALL = [
    convolution(),
    convolution(padding=1),
    convolution(stride=2),
    convolution(7, dilation=2),
    convolution(input=INPUT, weight=KERNEL),
    convolution(input=INPUT, weight=KERNEL + 1),
    conv_transpose(),
    conv_transpose(stride=2, padding=1),
    conv_transpose(input=INPUT[:3, :3], weight=KERNEL),
]


def test_one_page_can_hold_them_all():
    names: set[str] = set()
    for animation in ALL:
        assert animation._repr_html_() == animation.svg
        assert " id=" not in animation.svg
        own = re.findall(r"@keyframes ([\w-]+)", animation.svg)
        own.append(ElementTree.fromstring(animation.svg).get("class") or "")
        assert len(set(own)) == len(own)
        assert not names & set(own)
        names |= set(own)
        used = set(re.findall(r"animation:(lw[\w-]+)", animation.svg))
        assert used == set(own[:-1])


def test_they_are_small_still_where_asked_and_stand_alone():
    for animation in ALL:
        assert len(animation.svg.encode()) < 20_000
        assert "@media (prefers-reduced-motion: reduce)" in animation.svg
        assert "currentColor" in animation.svg
        assert not re.search(r"href|url\(|<script|@import", animation.svg)
    assert len(convolution(12, 3).svg.encode()) < 40_000


def test_they_are_deterministic():
    again = convolution(input=INPUT.clone(), weight=KERNEL.clone())
    assert again == convolution(input=INPUT, weight=KERNEL)
    assert conv_transpose(3).svg == conv_transpose((3, 3)).svg


def test_no_color_is_needed():
    plain, padded, dilated = convolution(), convolution(padding=1), convolution(7, dilation=2)
    assert all('stroke-width="4"' in animation.svg for animation in (plain, padded, dilated))
    assert re.search(r'd="M[^"]+" stroke-dasharray="4 3"', padded.svg)
    assert not re.search(r'd="M[^"]+" stroke-dasharray="4 3"', plain.svg)
    assert 'stroke-dasharray="1 5"' in dilated.svg
    assert 'stroke-dasharray="1 5"' not in plain.svg


def test_save_writes_a_file_that_stands_alone(tmp_path: Path):
    animation = convolution()
    written = animation.save(tmp_path / "slide.svg")
    root = ElementTree.parse(written).getroot()
    assert root.findtext(f"{SVG}title") == animation.alt
    assert "prefers-color-scheme: dark" in written.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["slide.svg"]
    with pytest.raises(ValueError, match=r"path is .*slide.png.*allowed"):
        animation.save(tmp_path / "slide.png")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: convolution(3, 5), "kernel_size is 5×5 .*allowed: at most 3×3"),
        (lambda: convolution(stride=0), "stride is 0; allowed: an int of 1 or more"),
        (lambda: convolution(padding=-1), "padding is -1; allowed: an int of 0 or more"),
        (lambda: convolution(padding=(1, 1, 1)), r"padding is \(1, 1, 1\); allowed"),
        (lambda: convolution(kernel_size=2.5), r"kernel_size is 2\.5; allowed"),
        (lambda: convolution(dilation=True), "dilation is True; allowed"),
        (lambda: convolution(40), "input_size gives grids of 40×40.*allowed: at most 12"),
        (lambda: convolution(input=INPUT), "weight is None; allowed"),
        (lambda: convolution(weight=KERNEL), "input is None; allowed"),
        (lambda: convolution(input=INPUT[None], weight=KERNEL), r"input is of shape \(1, 5, 5\)"),
        (lambda: conv_transpose(padding=3), "padding is 3×3 and leaves no output; allowed"),
        (lambda: conv_transpose(output_padding=1), "output_padding is 1×1; allowed: less than"),
        (lambda: conv_transpose(9, stride=2), "input_size gives grids.*allowed"),
    ],
)
def test_bad_input_is_told_in_words(make, said):
    with pytest.raises(ValueError, match=said):
        make()
