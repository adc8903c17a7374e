"""A page as HTML: Jinja2's templates fill in the blocks, and escape every text.

The file needs no other: style and script are inside, pictures are data. A content security policy forbids all
requests and every script but ours, so that a name that gets past the escaping would still do nothing.
"""

import re
from base64 import b64encode
from hashlib import sha256
from itertools import count
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from personax import __version__
from personax.experiments.html_report.blocks import Page
from personax.runs.files import read_text

TEMPLATES = Path(__file__).parent / "templates"
UNUSED_MARKDOWN = ["image", "link", "autolink", "reference"]
LEVELS_ABOVE = 3  # headings of the report above those of a page of a command
# Characters that HTML forbids, and those that turn the direction of the text around them.
UNSUITABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def html_of(page: Page) -> str:
    """The page as a complete HTML document."""
    script = read_text(TEMPLATES / "behaviour.js")
    text = (
        _templates()
        .get_template("page.html")
        .render(
            page=page,
            style=read_text(TEMPLATES / "style.css"),
            script=script,
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            version=__version__,
            new_id=count(1).__next__,
        )
    )
    return UNSUITABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _templates() -> Environment:
    """The templates; a name that they do not get is an error, and texts are escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = data_uri
    environment.filters["slug"] = slug
    environment.filters["markdown"] = html_of_markdown
    return environment


def data_uri(png: bytes) -> str:
    """A PNG as an address that holds the picture itself."""
    return f"data:image/png;base64,{b64encode(png).decode()}"


def html_of_markdown(text: str, mark: str = "") -> Markup:
    """A page in Markdown as HTML. HTML within it is escaped, and links and pictures stay as they are typed.

    Its headings are below those of the report. A table scrolls by itself, and for those who do not see it, it
    has the heading above it as its caption, which begins with `mark`.
    """
    parser = (
        MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable("table").disable(UNUSED_MARKDOWN)
    )
    tokens = parser.parse(text)
    heading = "table"
    html = []
    for number, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            heading = _words_of(tokens[number + 1]) if token.type == "heading_open" else heading
            token.tag = f"h{min(6, int(token.tag[1]) + LEVELS_ABOVE)}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "table_open":
            html.append(
                f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(mark + heading)}">'
            )
        html.append(parser.renderer.render([token], parser.options, {}))
        if token.type == "table_open":
            html.append(f'<caption class="unseen">{escape(mark + heading)}</caption>')
        elif token.type == "table_close":
            html.append("</div>")
    return Markup("".join(html))  # safe: all texts are escaped


def _words_of(inline: Token) -> str:
    """The text of a heading without marks of emphasis and escapes."""
    return "".join(child.content for child in inline.children or ())


def slug(text: str) -> str:
    """A text as part of an id.

    >>> slug("What was run, on what data")
    'what-was-run-on-what-data'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
