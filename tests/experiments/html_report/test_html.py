"""The page as HTML: valid, in one file without requests, escaped, marked where simulated, below 5 MB."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from experiments.html_report.example_runs import (
    NASTY,
    html_of_folders,
    write_level_one,
    write_level_two,
    write_other,
)

from personax.experiments.html_report.report import html_of_markdown
from personax.runs.errors import InputError


def parsed(html: str) -> Element:
    """The document; a fault in the HTML is an error."""
    parser: Any = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    document: Element = parser.parse(html)
    return document


def text_of(element: Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


def tags(document: Element) -> list[tuple[str, Element]]:
    return [(str(each.tag).rpartition("}")[2], each) for each in document.iter()]


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("runs")
    people = [write_level_two(home / "people" / f"seed-{seed}", seed=seed) for seed in (0, 1)]
    return html_of_folders(write_level_one(home / "one"), *people, write_other(home / "other"))


def test_the_page_is_valid_html(html: str) -> None:
    document = parsed(html)
    assert document.find("body/main") is not None


def test_every_section_of_the_folders_is_there(html: str) -> None:
    headings = {text_of(each) for tag, each in tags(parsed(html)) if tag == "h3"}
    assert headings >= {
        "What was run, on what data",
        "Level I: which traits depend on which features",
        "Scores of the language models",
        "Level I against the truth",
        "Causal graph",
        "What the latents depend on",
        "Scores against the truth",
        "Diagnostics: do the assumptions hold?",
        "Results",
        "Figures",
        "How to make it again",
        "Metrics side by side",
        "Edges that change",
        "Diagnostics side by side",
    }


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    addresses = [
        (name, value)
        for _, each in tags(parsed(html))
        for name, value in each.attrib.items()
        if str(name).rpartition("}")[2] in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert addresses
    assert all(value.startswith(("#", "data:")) for _, value in addresses)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not re.search(r"https?://", html)


def test_ids_occur_once_and_references_lead_to_them(html: str) -> None:
    found = [each for _, each in tags(parsed(html))]
    ids = Counter(each.get("id") for each in found if each.get("id"))
    assert max(ids.values()) == 1
    named = {value[1:] for each in found if (value := each.get("href", "")).startswith("#")}
    for attribute in ("aria-labelledby", "aria-describedby", "for"):
        named |= {word for each in found for word in each.get(attribute, "").split()}
    assert named <= set(ids)


def test_what_is_seen_has_words_for_those_who_do_not_see(html: str) -> None:
    for tag, each in tags(parsed(html)):
        if tag == "img":
            assert "agreement of raters for each trait as a radar chart" in each.get("alt", "")
        if tag == "table":
            assert each.find("caption") is not None
            assert all(head.get("scope") for _, head in tags(each) if head.tag == "th")
        if tag == "svg":
            assert "nodes" in each.get("aria-label", "")
        if tag in ("button", "summary"):
            assert text_of(each)


def test_headings_skip_no_level(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in tags(parsed(html)) if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_names_are_text_wherever_they_stand(tmp_path: Path) -> None:
    page = html_of_folders(
        write_level_one(tmp_path / "one", NASTY, NASTY),
        write_level_two(tmp_path / "two", NASTY[:3], NASTY[3:]),
        write_other(tmp_path / "three", NASTY[1]),
        title=NASTY[4],
    )
    document = parsed(page)
    found = tags(document)
    assert [str(each.text) for tag, each in found if tag == "script"] == [script_of(tmp_path / "plain")]
    assert [key for _, each in found for key in each.attrib if key.startswith("on")] == []
    assert all(each.get("src", "").startswith("data:image/png") for tag, each in found if tag == "img")
    shown = text_of(document)
    for name in NASTY:
        assert shown.count(re.sub(r"\s+", " ", name)) > 10
    assert text_of(next(each for tag, each in found if tag == "h1")) == NASTY[4]


def test_pages_of_other_commands_are_shown_with_their_tables() -> None:
    text = (
        "# Found\n\n## <script>Harm</script>\n\n| a | b |\n| --- | --- |\n| <b>1</b> | [x](javascript:1) |\n"
    )
    html = html_of_markdown(
        f"{text}\n![p](http://a.b/c.png) <http://a.b>\n\n[1]: http://x.y\n", "SIMULATED: "
    )
    found = tags(parsed(f"<!DOCTYPE html><title>x</title>{html}"))
    assert [(tag, text_of(each)) for tag, each in found if tag in ("h4", "h5")] == [
        ("h4", "Found"),
        ("h5", "<script>Harm</script>"),
    ]
    assert [text_of(each) for tag, each in found if tag == "caption"] == ["SIMULATED: <script>Harm</script>"]
    assert [text_of(each) for tag, each in found if tag in ("th", "td")] == [
        "a",
        "b",
        "<b>1</b>",
        "[x](javascript:1)",
    ]
    assert not {"script", "img", "a", "b"} & {tag for tag, _ in found}
    assert [text_of(each) for tag, each in found if tag == "p"][-1] == "[1]: http://x.y"  # nothing vanishes


def script_of(folder: Path) -> str:
    """The script of a page about harmless names."""
    page = parsed(html_of_folders(write_level_one(folder)))
    return str(next(each.text for tag, each in tags(page) if tag == "script"))


def test_a_policy_forbids_requests_and_every_other_script(html: str) -> None:
    policy = next(
        each.get("content", "")
        for tag, each in tags(parsed(html))
        if tag == "meta" and each.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/]+=*';", policy)


def test_simulated_people_are_marked_in_the_banner_and_every_title(tmp_path: Path) -> None:
    document = parsed(html_of_folders(write_level_one(tmp_path / "a"), write_level_two(tmp_path / "b")))
    banner = next(each for _, each in tags(document) if each.get("class") == "banner")
    assert "SIMULATED DATA" in text_of(banner)
    titles = [text_of(each) for tag, each in tags(document) if tag in ("caption", "title")]
    titles += [
        text_of(each) for _, each in tags(document) if each.get("class") == "view" for each in each.iter("h4")
    ]
    assert len(titles) > 8
    assert all(title.startswith("SIMULATED") for title in titles)


def test_real_people_are_not_marked_as_simulated(tmp_path: Path) -> None:
    folders = [write_level_one(tmp_path / "a", simulated=False), write_other(tmp_path / "b")]
    assert "SIMULATED" not in html_of_folders(*folders)


def test_characters_that_html_forbids_are_replaced(tmp_path: Path) -> None:
    html = html_of_folders(write_level_one(tmp_path / "a"), title="a\x00b\ud800c\u202ed")
    assert "a\ufffdb\ufffdc\ufffdd" in html
    parsed(html)
    html.encode()


def test_pictures_without_room_are_named_and_not_shown(tmp_path: Path) -> None:
    html = html_of_folders(write_other(tmp_path / "a", figures=4, side=800))  # 1.9 MB each, as random pixels
    assert len(html.encode()) < 5_000_000
    assert 0 < html.count("data:image/png") < 4
    assert "Without room on this page" in html


def test_long_tables_are_cut_and_say_so(tmp_path: Path) -> None:
    features = tuple(f"feature {number}" for number in range(40))
    html = html_of_folders(write_level_one(tmp_path / "a", features=features), most_rows=100)
    assert (
        "60 more rows are in the run&#39;s folder" in html or "60 more rows are in the run's folder" in html
    )


def test_a_page_that_cannot_be_small_enough_is_refused(tmp_path: Path) -> None:
    write_other(tmp_path / "a", "x" * 5_000_000)
    with pytest.raises(InputError, match="more than 5 MB; give fewer folders"):
        html_of_folders(tmp_path / "a")
