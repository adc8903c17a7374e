"""The same message for many runs."""

import io
import logging

from personax.runs.said_once import each_said_once


def test_a_message_reaches_the_screen_once_and_the_log_of_a_run_each_time() -> None:
    root, screen, run_log = logging.getLogger(), io.StringIO(), io.StringIO()
    shown, kept = logging.StreamHandler(screen), logging.StreamHandler(run_log)
    root.addHandler(shown)
    try:
        with each_said_once():
            root.addHandler(kept)
            for people in (3, 3, 4):
                logging.getLogger("personax").warning("%d people", people)
        logging.getLogger("personax").warning("%d people", 3)
    finally:
        root.removeHandler(shown)
        root.removeHandler(kept)
    assert screen.getvalue().splitlines() == ["3 people", "4 people", "3 people"]
    assert run_log.getvalue().splitlines() == ["3 people", "3 people", "4 people", "3 people"]
