"""Level II: a variational autoencoder that recovers shared and modality latents and their causal graph.

encoders.py        networks for images and embeddings
model.py           the autoencoder: pooled posterior, measurement noise, one decoder per measurement
prior.py           the structural causal model as a prior: mechanisms, graph, order
coordinates.py     the invertible map of each block that identification looks for
objective.py       every loss term, a pure function with its equation
representation.py  phase 1: the loss of a batch
training.py        phase 1: the loop; checkpoints and resumption
together.py        phase 1 of several models in one pass
identification.py  phase 2: coordinates and graph, from many starts
estimator.py       CRL: fit, transform, save, load
metrics.py         held-out R2, MCC; ceiling.py: what a supervised encoder reaches
"""

from personax.crl.estimator import CRL
from personax.crl.model_config import CRLConfig

__all__ = ["CRL", "CRLConfig"]
