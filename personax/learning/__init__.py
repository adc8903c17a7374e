"""What our model and the methods that it is compared with share, none of it about causes.

In reading order:

inputs.py         what the measurements of a fit looked like, to which those of other people are matched
batches.py        rows of people as tensors
encoders.py       networks between a measurement and its code, for images and for embeddings
gaussians.py      normal distributions of codes, and how those of several measurements become one
losses.py         loss terms that several methods use, each a pure function of tensors
optimisation.py   the options of training and the schedule of the learning rate
training.py       the training loop `minimise`: one model or several side by side, with checkpoints
tensor_files.py   weights and checkpoints on disk
latent_names.py   what latents are called and where a block stands among them
checks.py         data and options that no model can be fitted with, named before training starts
standardisation.py   embeddings in units of their own, whatever their scale and axes
base.py           Estimator: fit, transform, seeds and batches of every method
metrics.py        how well recovered latents match the true ones
ceiling.py        what the same encoders reach when they are given the true latents
criteria.py       how well a fit is judged without the truth: it predicts a measurement that was hidden
compression.py    embeddings of people as a few numbers each, before anything is learned
"""
