"""The methods that PersonaX is compared with, all with the same `fit` and `transform`.

`METHODS` lists them. Every method gets the same encoders, data, number of epochs, optimiser and rule for the
best epoch as our model, and six trials of its own hyper-parameters. The only exception is
`official_published`, which keeps the networks and the training of the released code and is not tuned. The
docstring of each method's file gives the source, the equations, and what we had to choose ourselves.

In reading order:

baseline_config.py  the options that all baselines have
baseline.py         the base class: fit and transform of every baseline
networks.py         encoders and decoders that the methods are built from
autoencoder.py      reconstruction only
beta_vae.py         independent latents
causal_vae.py       a linear causal layer; with or without true latents as labels
mcl.py              contrastive learning of what measurements share
mmcrl.py            a sparse graph across modalities
official.py         the recipe of the released PersonaX code
methods.py          all methods by name, with the trials of their hyper-parameters
plug_in.py          a class of your own as a method of the comparison
trials.py           choosing hyper-parameters without the truth

Terms: each modality (text, image) has one or more measurements. Latents z are the hidden causes of the
measurements; the block of a modality is the set of its latents. Each measurement also has its own noise eta:
what it does not share with the other measurements.
"""

from personax.baselines.methods import METHODS, Method, tuned_settings

__all__ = ["METHODS", "Method", "tuned_settings"]
