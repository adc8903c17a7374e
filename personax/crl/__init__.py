"""Level II: a variational autoencoder that recovers latents and their causal graph.

Latents are the hidden causes of the measurements. A block is the set of latents of one modality, or the set
"s" that all modalities share. Codes u of a block are numbers that carry the same information as its latents,
but mix them. Phase 1 learns the codes from the measurements. Phase 2 learns the map from codes to latents z,
and their graph.

In reading order:

objective.py        every loss term, a pure function with its equation
model_config.py     every option, with the reason for its default, or that it was not tuned
multiview_vae.py    the autoencoder: pooled posteriors, noise of each measurement, one decoder per measurement
prior.py            the structural causal model as the prior of the latents: graph, order, mechanisms
representation.py   phase 1: the terms of a batch, and their training
beginnings.py       the best of several short trainings; made for vectors that are measured once
lost_share.py       whether the codes of phase 1 lose latents; then phase 1 is made again
untwist.py          where it begins then: at codes without the twist
first_phase.py      phase 1 as a whole: beginnings, training, further trainings
ensemble.py         phase 1 of several models in one batch
data_parallel.py    phase 1 of one model in several processes
coordinates.py      the invertible map from a block's codes to its latents
regression.py       smooth regression with derivatives, which the next two files use
geometry.py         how fast the pictures change with the codes; this defines right angles in a block
starts.py           where phase 2 begins: coordinates that depend on few coordinates of other blocks
graph_choice.py     the graph that explains latents best in the coordinates that they have
latent_columns.py   which coordinates of a block with style are the latents
identification.py   phase 2: trains many models (coordinates and graph) and keeps the best one

For embeddings, closed_form.py finds latents and graph without training. The files after it are its parts:

closed_form.py      latents and graph of compressed embeddings
joint_sources.py    shared latents from correlations of modalities; independent sources of the other latents
mechanism_cost.py   how well additive mechanisms explain latents
order_search.py     the causal order of the sources
turn_polish.py      the rotations of coordinates that explain most
latent_counts.py    how many latents there are
settled_prior.py    the result as networks, so that the model transforms and is saved like any other

Pictures whose style all measurements share have encoders of their own, in the place of those of phase 1:

styled_pictures.py  when a style is shared, and the encoders
picture_readings.py how their latents are found, in three steps:
scalar_codes.py     step 1: in each modality, the latent that tells most about the other modality
unfolding.py        if that is folded: the latent it was folded from
picture_codes.py    step 2: codes of single pictures, and how much a change of the codes changes the picture
code_functions.py   smooth functions of the codes, of which eigenproblems find the best
companions.py       step 3: the other latent of the modality, in closed form
pursuit.py          if its effect is symmetric: the other latent by projection pursuit

For vectors of modalities that are measured once:

paired_codes.py     what the modalities tell of each other, latent by latent; phase 2 begins there

If the number of latents is to be found:

picture_counts.py   how many latents pictures and short vectors show (embeddings: latent_counts.py)

All of it is behind one class:

routes.py           which of these ways a model takes
trust.py            what a model says of itself without the truth, and how far to trust it then
estimator.py        CRL: fit, transform, encode, save, load
"""

from typing import TYPE_CHECKING, Any

from personax.crl.model_config import CRLConfig

if TYPE_CHECKING:
    from personax.crl.estimator import CRL

__all__ = ["CRL", "CRLConfig"]


def __getattr__(name: str) -> Any:
    """Import `CRL` when it is asked for: it needs torch, and the options of a command do not."""
    if name != "CRL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from personax.crl.estimator import CRL

    return CRL
