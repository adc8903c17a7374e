"""What all figures share: widths, sizes of text, colours, an empty figure, fonts, and how a figure is saved.

A figure is as wide as a column or a page of a paper, so that it is printed as large as it is drawn, and its
text keeps its size. In every colour map dark means more, and a quantity has the same map in all figures.
"""

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib import colormaps, font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator
from matplotlib.transforms import Bbox

from personax.runs.documents import is_unicode
from personax.runs.files import atomic_path

log = logging.getLogger(__name__)

BLUE, ORANGE, GREY = "#2b6ca3", "#d9822b", "#8a8f98"
MODALITY_COLOURS = (BLUE, "#3d8f5f", "#8e5ea2", "#b5793a", "#147a7a", "#7a4a22")

OUR_FORMULA = re.compile(r"\$[sz]_\{[0-9]+(?:\{,\}[0-9]+)?\}\$")  # the name of a latent, see graphs/panels.py
UNESCAPED_DOLLAR = re.compile(r"(?<!\\)\$")

COLUMN_WIDTH, PAGE_WIDTH = 3.5, 7.2  # inches; a wider figure is shrunk when it is printed, with its text
PAGE_HEIGHT = 9.5  # inches; there is room for a short caption
TEXT_SIZE = 9.0  # points
CELL_TEXT_SIZE = 8.0  # points of numbers within heatmaps, scatter matrices, bars, and on the edges of graphs

# What a colour shows -> its map. Dark is more, everywhere.
SHARE_COLOURS, EVIDENCE_COLOURS = colormaps["YlGnBu"], colormaps["YlGnBu"]
EFFECT_COLOURS, SCORE_COLOURS = colormaps["magma_r"], colormaps["cividis_r"]

RGBA = tuple[float, float, float, float]

PAPER_STYLE: dict[Any, Any] = {
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), TEXT_SIZE),
    **dict.fromkeys(
        ("xtick.labelsize", "ytick.labelsize", "figure.titlesize", "figure.labelsize"), TEXT_SIZE
    ),
    **dict.fromkeys(("legend.fontsize", "legend.title_fontsize"), TEXT_SIZE),
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
}

# Equal figures are equal files: no date of creation is written, and names within an SVG are not drawn anew.
SALT = "personax"
UNDATED: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


@contextmanager
def paper_style() -> Iterator[None]:
    """Inside the with statement, or in a function with this decorator, all text has the size of a paper's."""
    with matplotlib.rc_context(PAPER_STYLE):
        yield


def ink_on(colour: RGBA) -> str:
    """The colour of a text on this colour: black on light ones, white on dark ones."""
    red, green, blue = colour[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, drawn without a screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def tidy_axes(panels: Iterable[Axes]) -> None:
    """No lines at the top and at the right."""
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write the figure atomically to `stem`.png and `stem`.svg, or in other formats; returns the paths.

    The files are as large as the figure. Its layout is computed once, not for each file.
    """
    take_texts_as_written(figure)
    layout = figure.get_layout_engine()
    if isinstance(layout, ConstrainedLayoutEngine) and figure.axes:
        layout.execute(figure)
        if beyond := width_beyond(figure):  # a layout leaves no place for the last tick label of a panel
            layout.set(rect=(0, 0, 1 - beyond, 1))
            layout.execute(figure)
        figure.set_layout_engine("none")
    keep_tick_labels_apart(figure)
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
    for path in paths:
        with atomic_path(path) as temporary, matplotlib.rc_context({"svg.hashsalt": SALT}):
            figure.savefig(temporary, dpi=180, metadata=UNDATED.get(path.suffix))
    return paths


def take_texts_as_written(figure: Figure) -> None:
    r"""Switch mathematics off in texts with a `$` that is a person's, and replace what no font can hold.

    matplotlib would read a column that is called `$a$` as a formula, and stop at one called `$\frac{$`. Only
    the names of latents, such as `$z_{1{,}2}$`, are formulas here.
    """
    for axis in _axes_of(figure):
        places = [float(place) for place in axis.get_majorticklocs()]
        labels = axis.get_major_formatter().format_ticks(places)
        if not all(map(is_unicode, labels)):  # the formatter would write them anew when they are drawn
            axis.set_major_locator(FixedLocator(places))
            axis.set_major_formatter(FixedFormatter([_encodable(label) for label in labels]))
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        written = text.get_text()
        if UNESCAPED_DOLLAR.search(OUR_FORMULA.sub("", written)):
            text.set_parse_math(False)
        text.set_text(_encodable(written))


def _encodable(text: str) -> str:
    """The text with "?" in place of halves of characters (lone surrogates), which no file can hold."""
    return text if is_unicode(text) else text.encode(errors="replace").decode()


def _axes_of(figure: Figure) -> list[Axis]:
    return [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]


def keep_tick_labels_apart(figure: Figure) -> None:
    """Where tick labels of an axis overlap, write only every second one, or every third, and so on.

    This is for numbers, whose neighbours say what is missing. Names are wrapped or cut, see text_sizes.
    """
    for axis in _axes_of(figure):
        ticks = shown_ticks(axis)
        boxes = [label.get_window_extent() for _, label in ticks]
        step = next(step for step in range(1, len(boxes) + 2) if not _overlap_anywhere(boxes[::step]))
        if step > 1:
            texts = ["" if i % step else label.get_text() for i, (_, label) in enumerate(ticks)]
            axis.set_major_locator(FixedLocator([place for place, _ in ticks]))
            axis.set_major_formatter(FixedFormatter(texts))


def width_beyond(figure: Figure) -> float:
    """How far the widest tick label lies beyond the right edge, as a share of the width; 0 if none does."""
    boxes = [label.get_window_extent() for axis in _axes_of(figure) for _, label in shown_ticks(axis)]
    return max([0.0, *(float(box.x1 / figure.bbox.width) - 1.0 for box in boxes)])


def shown_ticks(axis: Axis) -> list[tuple[float, Text]]:
    """Places and labels of the ticks that are written; an axis may have others, beyond its limits."""
    axis.get_ticklabels()  # brings them up to date
    low, high = sorted(axis.get_view_interval())
    slack = 1e-6 * (high - low)
    ticks = [tick for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]
    labels = [(float(tick.get_loc()), label) for tick in ticks for label in (tick.label1, tick.label2)]
    return [(place, label) for place, label in labels if label.get_visible() and label.get_text()]


def _overlap_anywhere(boxes: Sequence[Bbox]) -> bool:
    """Whether a box has an area in common with the next one."""
    return any(left.overlaps(right) for left, right in pairwise(boxes))


class Fallback(NamedTuple):
    """Fonts for characters that the usual font lacks.

    Attributes:
        families: font families to use after the usual ones.
        missing: characters that no installed font has.
    """

    families: tuple[str, ...]
    missing: tuple[str, ...]


@contextmanager
def fonts_for(texts: Iterable[str]) -> Iterator[None]:
    """Inside the with statement, texts are written with fonts that have their characters.

    The usual font stays the first choice; other installed fonts are used only for characters that it lacks,
    such as Chinese or Korean. If no installed font has a character, one warning is logged, and the picture
    shows a box. How letters are joined depends on matplotlib: Arabic letters are joined and run from right to
    left only from matplotlib 3.11 on.
    """
    usual = tuple(matplotlib.rcParams["font.family"])
    fallback = fallback_fonts(frozenset("".join(texts)), usual)
    if fallback.missing:
        log.warning("%s", _missing_text(fallback.missing))
    with matplotlib.rc_context({"font.family": [*usual, *fallback.families]}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # said by the warning above
        yield


@lru_cache(maxsize=64)
def fallback_fonts(characters: frozenset[str], usual: tuple[str, ...]) -> Fallback:
    """Find fonts for the characters that the families `usual` lack; if they lack none, there is no search.

    All installed fonts are searched, also those that were installed after matplotlib made its list. The font
    with most of the lacking characters is chosen, then the one with most of the remaining ones, and so on.
    If several are equal, a sans serif font is preferred, then the first by name; so the same fonts give the
    same picture.
    """
    lacking = {c for c in characters if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf", "Cs")}
    for family in usual:
        lacking -= _covered(font_manager.findfont(FontProperties(family=[family])), lacking)
    covered = _covering_families(lacking) if lacking else {}
    families: list[str] = []
    while lacking and covered:
        best = min(covered, key=lambda name: (-len(covered[name] & lacking), "Sans" not in name, name))
        if not covered[best] & lacking:
            break
        families.append(best)
        lacking -= covered[best]
    return Fallback(tuple(families), tuple(sorted(lacking)))


def _covering_families(characters: set[str]) -> dict[str, set[str]]:
    """Installed family -> the characters that its regular font has; families without any are left out."""
    manager = font_manager.fontManager
    listed = {entry.fname for entry in manager.ttflist}
    files = {file for file in listed | set(font_manager.findSystemFonts()) if _may_have(file, characters)}
    for file in sorted(files - listed):
        manager.addfont(file)
    names = sorted({entry.name for entry in manager.ttflist if entry.fname in files})
    regular = {name: font_manager.findfont(FontProperties(family=[name])) for name in names}
    covered = {name: _covered(file, characters) for name, file in regular.items()}
    return {name: found for name, found in covered.items() if found}


def _may_have(file: str, characters: set[str]) -> bool:
    """True if this is a font with outlines that has one of the characters.

    The font Last Resort is refused: its glyph for every character is only a box with the name of the script.
    """
    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):  # removed since it was listed, or not a font that matplotlib can read
        return False
    is_box = "lastresort" in font.family_name.lower().replace(" ", "").replace(".", "")
    return font.scalable and not is_box and any(font.get_char_index(ord(c)) for c in characters)


def _covered(file: str, characters: set[str]) -> set[str]:
    """Those of the characters for which the font in this file has a glyph."""
    glyphs = font_manager.get_font(file).get_charmap()
    return {character for character in characters if ord(character) in glyphs}


def _missing_text(missing: Sequence[str]) -> str:
    """One line that names the characters that no font has, the first ten of them, and their scripts."""
    shown = ", ".join(f"{character} (U+{ord(character):04X})" for character in missing[:10])
    more = f" and {len(missing) - 10} others" if len(missing) > 10 else ""
    scripts = sorted({name.split()[0] for c in missing if (name := unicodedata.name(c, ""))})
    kind = f", {' and '.join(scripts)}" if scripts else ""
    return f"no installed font has {shown}{more}{kind}: boxes are drawn; install a font with these characters"
