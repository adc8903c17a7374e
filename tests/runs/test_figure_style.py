"""Fonts of figures: characters that the usual font lacks are found in others, or there is a warning."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from pictures import overlapping_tick_labels

from personax.runs.figure_style import (
    EFFECT_COLOURS,
    EVIDENCE_COLOURS,
    SCORE_COLOURS,
    SHARE_COLOURS,
    fallback_fonts,
    fonts_for,
    keep_tick_labels_apart,
    new_figure,
    save_figure,
    shown_ticks,
    take_texts_as_written,
    width_beyond,
)

USUAL = ("sans-serif",)
# Three characters for private use at the very end of Unicode, which no installed font has.
FIRST, SECOND, THIRD = "\U0010ff01", "\U0010ff02", "\U0010ff03"


def write_font(folder: Path, family: str, characters: str) -> str:
    """Write a font in which each of the characters is a square; return its path."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    names = [f"u{ord(character):X}" for character in characters]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names])
    builder.setupCharacterMap(dict(zip(map(ord, characters), names, strict=True)))
    builder.setupGlyf({".notdef": empty} | dict.fromkeys(names, square))
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path = folder / f"{family.replace(' ', '')}.ttf"
    builder.save(path)
    return str(path)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two fonts that were installed after matplotlib made its list of fonts."""
    files = [
        write_font(tmp_path, "Squares A Serif", FIRST + SECOND),
        write_font(tmp_path, "Squares B Sans", FIRST + SECOND),
        write_font(tmp_path, "Squares C", SECOND),
    ]
    listed = list(font_manager.fontManager.ttflist)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: files)
    fallback_fonts.cache_clear()
    yield
    font_manager.fontManager.ttflist[:] = listed
    fallback_fonts.cache_clear()


@pytest.mark.usefixtures("installed")
def test_an_installed_font_with_the_characters_is_found() -> None:
    assert fallback_fonts(frozenset("height" + FIRST), USUAL) == (("Squares B Sans",), ())
    assert fallback_fonts(frozenset(FIRST + SECOND + THIRD), USUAL) == (("Squares B Sans",), (THIRD,))


def test_nothing_is_searched_if_the_usual_font_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(font_manager, "findSystemFonts")
    fallback_fonts.cache_clear()
    assert fallback_fonts(frozenset("height, Größe\n\tΩ −0.5"), USUAL) == ((), ())


@pytest.mark.usefixtures("installed")
def test_a_picture_shows_the_glyphs_of_the_font_that_was_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with fonts_for([FIRST]):
        figure = new_figure(1, 1)
        figure.text(0.5, 0.5, FIRST, fontsize=40)
        (png,) = save_figure(figure, tmp_path / "square", ["png"])
    assert not caplog.records
    pixels = matplotlib.image.imread(png)[..., 0]
    assert (pixels < 0.5).sum() > 0.8 * (40 * 0.7 / 72 * 180) ** 2  # a full square of 0.7 em
    assert tuple(matplotlib.rcParams["font.family"]) == USUAL


@pytest.mark.usefixtures("installed")
def test_characters_that_no_font_has_are_named_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with caplog.at_level(logging.WARNING), fonts_for(["abc", THIRD + FIRST]):
            figure = new_figure(1, 1)
            figure.text(0.5, 0.5, THIRD)
            save_figure(figure, tmp_path / "box", ["png", "svg", "pdf"])
    (record,) = caplog.records
    assert record.message.startswith(f"no installed font has {THIRD} (U+10FF03): boxes are drawn")


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    formats = ("png", "svg", "pdf")
    for name in "ab":
        figure = new_figure(3, 2)
        figure.add_subplot().scatter([0, 1], [1, 0], label="points", clip_on=True)
        save_figure(figure, tmp_path / name, formats)
    for suffix in formats:
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize("words", [r"$\frac{$", "$a$ and $b$", "$x_{$$", "5 $", "a\0b", "$z_{1}$ $q$"])
def test_a_picture_shows_whatever_words_a_person_has_written(tmp_path: Path, words: str) -> None:
    figure = new_figure(2, 2)
    panel = figure.add_subplot()
    panel.set_title(words)
    panel.set_xlabel(words)
    panel.set_xticks([0, 1], [f"{words}\ud800", "b"])
    panel.plot([0, 1], label=words)
    panel.legend()
    figure.suptitle(f"{words}\ud800")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no font has a glyph for NUL
        assert all(path.exists() for path in save_figure(figure, tmp_path / "picture"))


def test_numbers_of_crowded_ticks_are_left_out_evenly() -> None:
    figure = new_figure(2, 1)
    panel = figure.add_subplot()
    panel.set_xlim(0, 6)
    panel.set_xticks(range(7), [f"{10**6 + k}" for k in range(7)])
    figure.draw_without_rendering()
    keep_tick_labels_apart(figure)
    figure.draw_without_rendering()
    shown = [place for place, _ in shown_ticks(panel.xaxis)]
    assert 2 <= len(shown) < 7
    assert len(set(np.diff(shown))) == 1
    assert overlapping_tick_labels(panel.xaxis) == []


def test_a_tick_label_that_the_layout_did_not_know_of_is_not_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An axis can choose other ticks when the layout has made it longer."""
    figure = new_figure(2.0, 1.5)
    panel = figure.subplots()
    panel.set(xlim=(0, 1), xticks=[1], xticklabels=["1"], yticks=[])
    lay_out = ConstrainedLayoutEngine.execute

    def then_other_ticks(engine: ConstrainedLayoutEngine, drawn: Figure) -> None:
        lay_out(engine, drawn)
        panel.set_xticks([1], ["1.000000"])

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", then_other_ticks)
    save_figure(figure, tmp_path / "figure", formats=("png",))
    assert [label.get_text() for label in panel.get_xticklabels()] == ["1.000000"]
    assert width_beyond(figure) == 0


def test_dark_is_more_in_every_colour_map() -> None:
    for colours in (SHARE_COLOURS, EVIDENCE_COLOURS, EFFECT_COLOURS, SCORE_COLOURS):
        light = [np.dot(colours(share)[:3], (0.2126, 0.7152, 0.0722)) for share in np.linspace(0, 1, 50)]
        assert (np.diff(light) < 1e-3).all(), colours.name


@pytest.mark.parametrize(
    ("words", "is_formula"),
    [
        ("$z_{1{,}2}$", True),
        ("$s_{1}$\nskin", True),
        (r"5 \$ or less", True),
        ("$a$", False),
        ("$s_{1}$ $a$", False),
    ],
)
def test_only_the_names_of_latents_are_formulas(words: str, is_formula: bool) -> None:
    figure = new_figure(1, 1)
    text = figure.text(0, 0, words)
    take_texts_as_written(figure)
    assert text.get_parse_math() is is_formula
