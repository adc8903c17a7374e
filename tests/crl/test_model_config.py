"""What a configuration says about the sizes of a block."""

import dataclasses

from personax.crl import CRLConfig


def test_a_modality_seen_once_keeps_its_style_in_the_block() -> None:
    config = CRLConfig(latents={"a": 2, "b": 1}, noise=3)
    once = config.for_measurements({"a": [[6], [6]], "b": [[6]]})
    assert (once.width("a"), once.eta("a"), once.width("b"), once.eta("b")) == (2, 3, 4, 0)
    told = dataclasses.replace(config, nuisance={"b": 0}).for_measurements({"a": [[6], [6]], "b": [[6]]})
    assert (told.width("b"), told.eta("b")) == (1, 3)
