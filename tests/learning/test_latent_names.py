"""Names of latents."""

from personax.learning.latent_names import latent_names


def test_names_of_many_latents() -> None:
    names = latent_names({"s": 2, "image": 10, "text": 1})
    assert names["s"] == ["s1", "s2"]
    assert names["text"] == ["z21"]
    assert names["image"][8:] == ["z19", "z1_10"]
