"""Made-up people whose true traits are known, and the answers of made-up annotators."""

from typing import Any

import numpy as np
import pandas as pd

from personax.traits.answer_cubes import AnswerCube, answer_cubes
from personax.traits.simulated_answers import SimulatedAnnotator, SimulatedAnswers, simulate_answers


def answers_of(*annotators: SimulatedAnnotator, n: int = 60, **options: Any) -> SimulatedAnswers:
    """The answers of these annotators on n people."""
    latents = np.random.default_rng(n).standard_normal((n, 5))
    return simulate_answers(latents, [f"p{k}" for k in range(n)], annotators=annotators, **options)


def cube_of(
    annotator: SimulatedAnnotator, prompt_format: str = "number-l3-inc", **options: Any
) -> AnswerCube:
    """The answers of one annotator in one format."""
    (cube,) = answer_cubes(answers_of(annotator, formats=[prompt_format], **options).answers)
    return cube


def of_model(frame: pd.DataFrame, model: str) -> pd.DataFrame:
    """The rows of one model."""
    return frame[frame["model"] == model]
