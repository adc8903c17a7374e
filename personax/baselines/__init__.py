"""The methods that PersonaX is compared with, all behind the same fit and transform.

`METHODS` names them. Every method gets the same encoders, data, number of epochs, optimiser and rule for the
best epoch as our model, and six trials of its own hyper-parameters. The docstring of each method's file gives
the source, the equations, and what we had to choose ourselves.

In reading order:

baseline_config.py  the options that all baselines have
baseline.py         the base class: fit and transform of every baseline
networks.py         encoders and decoders that the methods are built from
autoencoder.py      reconstruction only
beta_vae.py         independent latents
causal_vae.py       a linear causal layer; with or without true latents as labels
mcl.py              what measurements share, by contrast
mmcrl.py            a sparse graph across modalities
official.py         the recipe of the released PersonaX code
methods.py          all methods by name, with the trials of their hyper-parameters
trials.py           choosing hyper-parameters without the truth

Words: a modality (text, image) is seen through one or more measurements. Its block is the set of its latents
z. Each measurement also has noise of its own, eta: what it does not share with the other measurements.
"""

from personax.baselines.methods import METHODS, Method, tuned_config

__all__ = ["METHODS", "Method", "tuned_config"]
