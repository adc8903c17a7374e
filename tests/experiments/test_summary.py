"""The table of several seeds."""

from pathlib import Path

from personax.experiments.summary import summarise, verdict_lines, write_summary


def test_rows_keep_their_order_if_a_seed_lacks_a_metric() -> None:
    """A run that was killed has no duration; the table of its seeds has the order of the others."""
    whole = {"r2": 0.9, "mcc": 0.8, "ceiling": 0.95, "seconds": 3.0}
    killed = {name: value for name, value in whole.items() if name != "seconds"}
    assert list(summarise({0: whole, 1: killed}).index) == list(whole)
    assert list(summarise({0: killed, 1: whole}).index) == list(whole)


def test_what_a_killed_process_has_left_of_a_summary_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".summary.partial-0123abcd.csv").write_text("metr")
    write_summary(tmp_path, summarise({0: {"r2": 0.9}, 1: {"r2": 0.8}}), "title")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["summary.csv", "summary.md"]


def test_every_model_says_what_it_says_of_itself() -> None:
    results = {0: {"verdict": "identified"}, 1: {"verdict": "latents uncertain: why"}, 2: {}}
    assert verdict_lines(results) == [
        "seed 0: trust (identified)",
        "seed 1: doubt (latents uncertain: why)",
    ]
