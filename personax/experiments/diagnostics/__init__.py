"""Evidence for or against the assumptions of the model, measured on test rows of a finished run.

Terms: z are the latents; a block is the latents of one modality, or those that all modalities share (s);
eps is the exogenous noise of a latent in the causal model (the part that its causes do not explain), eta the
noise of a single measurement (what it shows and no other measurement does). Proposition 2 of the paper says
when two measurements are independent given the latents.

dependence.py        tests of independence between vectors, marginal and conditional
findings.py          what a check returns, and how a number becomes a verdict
noises.py            checks of eps and eta, and Proposition 2
observations.py      the observable side of Proposition 2: two measurements given z
alignment.py         do measurements of one person have similar encodings?
coordinate_shape.py  are the coordinates of a block orthogonal and even?
variability.py       do the blocks depend on each other strongly enough to identify the latents?
reliability.py       are the recovered latents good enough for a finding to count against the assumptions?
graph_facts.py       is the recovered graph acyclic, sparse and decided?
run.py               what the model makes of the data, and all checks
report.py, figures.py, command.py   the page, the figure, the command
"""
