import numpy as np
import pytest

from personax.tables.equal_vectors import describe_equal, first_equal


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dim", [1, 3, 8, 30])
def test_the_first_equal_row_is_that_of_a_comparison_of_all_pairs(seed: int, dim: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((60, dim)).astype(np.float32)
    x[rng.integers(0, 60, 25)] = x[rng.integers(0, 60, 25)]
    x[rng.integers(0, 60, 30), :8] = x[0, :8]  # equal beginnings, different ends
    x[3], x[4] = 0, -0.0
    present = rng.random(60) < 0.8
    expected = [
        next(other for other in range(60) if present[other] and (x[other] == x[row]).all())
        if present[row]
        else -1
        for row in range(60)
    ]
    assert first_equal(x, present).tolist() == expected


def test_people_are_the_same_if_they_share_every_vector() -> None:
    rng = np.random.default_rng(0)
    image, text = (rng.standard_normal((8, dim)).astype(np.float32) for dim in (10, 12))
    seen, lacks = np.ones(8, dtype=bool), np.ones(8, dtype=bool)
    found = [("image embedding 1", image, seen), ("text embedding 1", text, lacks)]
    ids = np.array(list("abcdefgh"))
    assert describe_equal(found, ids) is None
    assert describe_equal([], ids) is None
    image[4], text[4] = image[1], text[1]  # b and e
    image[6], lacks[6] = image[3], False  # g lacks the text of d
    sentence = describe_equal(found, ids)
    assert sentence is not None
    assert "for 1 of 8 people (first: IDs b and e)" in sentence
    assert "for 1 of 8 people (first: IDs d and g, image embedding 1)" in sentence
    seen[6] = False  # g has no vectors, so it is not equal to anybody
    assert "IDs d and g" not in str(describe_equal(found, ids))
