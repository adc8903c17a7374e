"""The page in a browser: headless Chromium, one session for all tests.

Marked `browser`: `make test-browser` runs these tests, and fails without Chromium and its driver.
"""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from experiments.html_report.example_runs import (
    NASTY,
    html_of_folders,
    write_level_one,
    write_level_two,
    write_other,
    write_sensitivity_run,
)
from selenium import webdriver
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from personax.runs.files import write_text

pytestmark = pytest.mark.browser

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
# Of every text on the page: the contrast of WCAG 2.2 between its colour and the colours behind it.
CONTRASTS = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255);
};
const light = (colour) => colour.slice(0, 3)
  .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
const behind = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = rgba(getComputedStyle(each).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return [1, 1, 1, 1];
};
const inGraph = (element) => {
  const box = element.closest(".node")?.querySelector("rect");
  return box ? rgba(getComputedStyle(box).fill) : behind(element);
};
const found = [];
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || element.matches(".missing, script, .skip, option") || !element.checkVisibility()) continue;
  const drawn = element.ownerSVGElement, style = getComputedStyle(element);
  const text = rgba(drawn ? style.fill : style.color), ground = drawn ? inGraph(element) : behind(element);
  const [a, b] = [light(text), light(ground)].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), element.tagName + ": " + element.textContent.trim().slice(0, 40)]);
}
return found;
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.fail("install Chromium and its driver (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1300,1200"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    session = webdriver.Chrome(options=options, service=Service(driver))
    yield session
    session.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page about a run of Level I, whose names mean harm, and two runs of Level II."""
    home = tmp_path_factory.mktemp("pages")
    level_one = write_level_one(home / "one", ("Openness", NASTY[0]), ("Height", NASTY[1], NASTY[2]))
    level_two = [write_level_two(home / f"seed-{seed}", seed=seed) for seed in (0, 1)]
    other = write_other(home / "other")
    varied = write_sensitivity_run(home / "varied")
    write_text(home / "page.html", html_of_folders(level_one, *level_two, other, varied))
    return (home / "page.html").as_uri()


@pytest.fixture
def page(browser: Chrome, address: str) -> Iterator[Chrome]:
    """The page, just opened, on a large light screen; nothing that a test does may be an error there."""
    show(browser)
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def show(browser: Chrome, *, width: int = 1200, scheme: str = "light", media: str = "screen") -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def first(page: Chrome, selector: str) -> WebElement:
    """The first element, in the middle of the screen."""
    element = page.find_element(By.CSS_SELECTOR, selector)
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
    return element


def column(table: WebElement, place: int) -> list[str]:
    cells = table.find_elements(By.CSS_SELECTOR, f"tbody tr:not([hidden]) td:nth-child({place + 1})")
    return [cell.get_attribute("textContent") or "" for cell in cells]


def pvalues(page: Chrome) -> WebElement:
    """The table that has a column `p`."""
    for holder in page.find_elements(By.CSS_SELECTOR, ".table"):
        if "p" in [button.text for button in holder.find_elements(By.TAG_NAME, "button")]:
            page.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", holder)
            return holder
    raise AssertionError("no table of p-values")


def heading(holder: WebElement, name: str) -> WebElement:
    buttons = holder.find_elements(By.CSS_SELECTOR, "th button")
    return next(button for button in buttons if button.text == name)


def tip_of(page: Chrome) -> str:
    return page.find_element(By.ID, "tip").text


def test_it_opens_without_errors_and_without_requests(page: Chrome, address: str) -> None:
    entries: Sequence[dict[str, Any]] = page.get_log("performance")
    messages = [json.loads(entry["message"])["message"] for entry in entries]
    loaded = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    sent = [each["request"]["url"] for each in loaded if each["documentURL"].startswith(address)]
    assert address in sent
    assert [url for url in sent if not url.startswith((address, "data:"))] == []
    assert page.get_log("browser") == []
    assert "broken" not in page.title
    assert page.title.startswith("SIMULATED DATA")


def test_the_pointer_shows_p_effect_and_interval(page: Chrome) -> None:
    ActionChains(page).move_to_element(first(page, "[role=gridcell]")).perform()
    shown = tip_of(page)
    assert "Openness and Height" in shown
    assert "KCI: p = 10⁻¹²·⁰, effect 0.50 [0.40, 0.60], n = 120, rejected" in shown
    ActionChains(page).move_to_element(first(page, "h1")).perform()
    assert not page.find_element(By.ID, "tip").is_displayed()


def test_the_keyboard_reaches_every_cell_and_escape_hides_the_tip(page: Chrome) -> None:
    cell = first(page, "[role=gridcell]")
    assert [
        each.get_attribute("tabindex") for each in page.find_elements(By.CSS_SELECTOR, "[role=gridcell]")
    ][:2] == [
        "0",
        "-1",
    ]
    page.execute_script("arguments[0].focus()", cell)
    ActionChains(page).send_keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT).perform()
    assert f"{NASTY[0]} and {NASTY[1]}" in tip_of(page)
    assert page.switch_to.active_element.get_attribute("aria-describedby") == "tip"
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    assert not page.find_element(By.ID, "tip").is_displayed()


def test_headings_sort_by_number_and_missing_values_stay_last(page: Chrome) -> None:
    holder = pvalues(page)
    place = [button.text for button in holder.find_elements(By.CSS_SELECTOR, "th button")].index("p")
    heading(holder, "p").send_keys(Keys.ENTER)
    ascending = column(holder, place)
    assert ascending[0] == "10⁻¹²·⁰"
    assert ascending[1:-1] == sorted(ascending[1:-1], key=float)
    assert ascending[-1] == "–"
    heading(holder, "p").click()
    assert column(holder, place) == [*ascending[-2::-1], "–"]
    assert heading(holder, "p").find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"
    heading(holder, "trait").click()
    assert column(holder, 1) == sorted(column(holder, 1))
    assert holder.find_elements(By.CSS_SELECTOR, "[aria-sort]") == [
        heading(holder, "trait").find_element(By.XPATH, "..")
    ]


def test_fields_filter_and_say_how_many_rows_are_left(page: Chrome) -> None:
    holder = pvalues(page)
    everything = len(column(holder, 0))
    holder.find_element(By.CSS_SELECTOR, "[data-search]").send_keys("openness kci")
    assert len(column(holder, 0)) == everything / 4
    assert set(column(holder, 3)) == {"KCI"}
    assert holder.find_element(By.CSS_SELECTOR, "output").text == f"{everything // 4} of {everything} rows"
    choice = holder.find_elements(By.CSS_SELECTOR, "select")[-1]
    choice.send_keys("rejected")
    assert set(column(holder, 8)) == {"rejected"}


def place_of(node: WebElement) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", node.get_attribute("transform") or "")]


def test_nodes_are_dragged_and_their_edges_follow(page: Chrome) -> None:
    node = first(page, "svg .node")
    line = page.find_element(By.CSS_SELECTOR, "svg .edge[data-from='0'] .line")
    other = page.find_element(By.CSS_SELECTOR, "svg .edge[data-from='1'] .line")
    before, curve, kept = place_of(node), line.get_attribute("d"), other.get_attribute("d")
    box = node.find_element(By.TAG_NAME, "rect")  # the driver finds no centre of a group
    ActionChains(page).click_and_hold(box).move_by_offset(40, 25).release().perform()
    assert place_of(node) != before
    assert line.get_attribute("d") != curve
    assert other.get_attribute("d") == kept
    first(page, "[data-reset]").click()
    assert place_of(node) == before
    assert line.get_attribute("d") == curve


def test_nodes_are_moved_by_arrow_keys_and_stay_in_the_picture(page: Chrome) -> None:
    node = first(page, "svg .node")
    before = place_of(node)
    page.execute_script("arguments[0].focus()", node)
    assert "s1" in tip_of(page)
    assert "depends on (effect)" in tip_of(page)
    ActionChains(page).send_keys(Keys.ARROW_RIGHT).perform()
    assert place_of(node) != before
    ActionChains(page).send_keys(*[Keys.ARROW_UP] * 60).perform()
    box = page.execute_script(
        "const b = arguments[0].getBoundingClientRect();"
        "const f = arguments[0].ownerSVGElement.getBoundingClientRect();"
        "return b.top >= f.top - 2 && b.right <= f.right + 2",
        node,
    )
    assert box is True


def test_the_slider_hides_edges_that_are_less_sure(page: Chrome) -> None:
    slider = first(page, "[data-least]")
    figure = slider.find_element(By.XPATH, "ancestor::figure")
    edges = figure.find_elements(By.CSS_SELECTOR, ".edge")
    assert all(edge.find_element(By.CSS_SELECTOR, ".line").is_displayed() for edge in edges)
    page.execute_script("arguments[0].focus()", slider)
    ActionChains(page).send_keys(*[Keys.ARROW_RIGHT] * 50).perform()
    shown = [edge.get_attribute("data-sure") for edge in edges if edge.is_displayed()]
    assert set(shown) == {"0.95"}
    assert figure.find_element(By.CSS_SELECTOR, "[data-shown]").text.startswith("0.50: 2 of 4")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(page: Chrome, scheme: str) -> None:
    show(page, scheme=scheme)
    found: list[tuple[float, str]] = page.execute_script(CONTRASTS)
    assert len(found) > 200
    assert [each for each in found if each[0] < 4.5] == []


def test_dark_and_light_differ(page: Chrome) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(ground)
    show(page, scheme="dark")
    assert page.execute_script(ground) != light


@pytest.mark.parametrize("width", [320, 390, 800, 1200])
def test_the_page_does_not_scroll_sideways(page: Chrome, width: int) -> None:
    show(page, width=width)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_captions_are_read_whole_on_a_phone(page: Chrome) -> None:
    show(page, width=390)
    found = page.execute_script(
        "const seen = document.querySelectorAll('caption:not(.unseen) span');"
        "return Array.from(seen, each => each.getBoundingClientRect().right)"
    )
    assert len(found) > 8
    assert max(found) <= 390


def test_what_is_folded_is_unfolded_for_printing(page: Chrome) -> None:
    folded = "return document.querySelectorAll('main details:not([open])').length"
    first(page, "main details > summary").click()
    assert page.execute_script(folded) == 1
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script(folded) == 0
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(folded) == 1


def test_variants_of_the_analysis_have_a_matrix_with_tips(page: Chrome) -> None:
    cells = page.find_elements(By.CSS_SELECTOR, "td[data-tip$='half 1: reversed']")
    assert [cell.text for cell in cells] == ["← (+)"]
    page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", cells[0])
    ActionChains(page).move_to_element(cells[0]).perform()
    assert tip_of(page) == "s1 → (+) z11\nhalf 1: reversed"


def test_paper_has_neither_controls_nor_a_dark_ground(page: Chrome) -> None:
    show(page, media="print", scheme="dark")
    assert (
        page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    holder = pvalues(page)
    assert not holder.find_element(By.CSS_SELECTOR, ".controls").is_displayed()
    scroll = holder.find_element(By.CSS_SELECTOR, ".scroll")
    assert page.execute_script("return getComputedStyle(arguments[0]).maxHeight", scroll) == "none"


def test_the_first_stop_of_the_keyboard_skips_to_the_content(page: Chrome) -> None:
    ActionChains(page).send_keys(Keys.TAB).perform()
    assert page.switch_to.active_element.text == "Skip to the content"
    ActionChains(page).send_keys(Keys.ENTER).perform()
    assert page.switch_to.active_element.get_attribute("id") == "content"


def test_without_motion_nothing_scrolls_smoothly(page: Chrome) -> None:
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    assert page.execute_script("return getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_all_numbers_are_there_without_the_script(browser: Chrome, address: str, tmp_path: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(address)
        assert "10⁻¹²·⁰" in browser.find_element(By.TAG_NAME, "main").text
        assert len(browser.find_elements(By.CSS_SELECTOR, "svg .edge .line[d]")) > 0
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
