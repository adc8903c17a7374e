"""What our model shares with the methods that it is compared with. Nothing here is about causes.

In reading order:

inputs.py         names and shapes of the measurements of a fit; later measurements are matched to them
batches.py        rows of people as tensors
encoders.py       networks between a measurement and its code, for images and for embeddings
gaussians.py      normal distributions of codes, and how those of several measurements become one
losses.py         loss terms that several methods use, each a pure function of tensors
optimisation.py   the options of training and the schedule of the learning rate
training.py       the training loop `minimise`: one model or several side by side, with checkpoints
saved_progress.py whether a training can go on from what a checkpoint holds
tensor_files.py   weights and checkpoints on disk
latent_names.py   what latents are called and where a block stands among them
checks.py         refuses data and options that no model can be fitted with, before training starts
standardisation.py   puts embeddings of any scale and any axes into the same units
mapped_people.py  people in files: batches are read when they are needed
base.py           Estimator: fit, transform, seeds and batches of every method
metrics.py        how well recovered latents match the true ones
ceiling.py        what the same encoders reach when they are given the true latents
criteria.py       judges a fit without the truth: how well it predicts a measurement that was hidden
compression.py    reduces the embeddings of each person to a few numbers, before anything is learned
"""
