"""What the site needs beside its pages: a folder for their code, notebooks of two tutorials, formulas.

Formulas become MathML, which browsers draw themselves: no script, and nothing from another server.
"""

import html
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient

NOTEBOOKS = ("level_one", "level_two")
SHOWN_SVG = re.compile(r'print\(Path\("(?P<file>[^"]+\.svg)"\)\.read_text\(encoding="utf-8"\)\)')
# what pymdownx.arithmatex makes of $ ... $ and $$ ... $$
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)

_before: list[str] = []


def on_pre_build(config: MkDocsConfig) -> None:
    """The pages' code writes its files into a scratch folder, and finds the environment's commands."""
    _before.append(str(Path.cwd()))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    os.chdir(tempfile.mkdtemp())


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks, each run from top to bottom; an error in a cell ends the build."""
    for name in NOTEBOOKS:
        page = Path(config.docs_dir, "tutorials", f"{name}.md").read_text(encoding="utf-8")
        notebook = notebook_of(page)
        NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
        content = nbformat.writes(notebook)
        files.append(File.generated(config, f"tutorials/{name}.ipynb", content=content))
    return files


def on_page_content(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write the formulas of a page as MathML."""
    return FORMULA.sub(_as_mathml, text)


def _as_mathml(formula: re.Match[str]) -> str:
    tag, latex = formula[1], html.unescape(formula[2])
    return f"<{tag}>{convert(latex, display='block' if tag == 'div' else 'inline')}</{tag}>"


def on_post_build(config: MkDocsConfig) -> None:
    """Return to where the build began."""
    os.chdir(_before.pop())


def notebook_of(page: str) -> nbformat.NotebookNode:
    """A tutorial as a notebook: text and code blocks are cells, and a block that prints an SVG shows it."""
    plain = re.sub(r"^```python .*$", "```python", page, flags=re.MULTILINE)
    shown = SHOWN_SVG.sub(r'from IPython.display import SVG\n\nSVG("\g<file>")', plain)
    return jupytext.reads(shown, fmt="md")
