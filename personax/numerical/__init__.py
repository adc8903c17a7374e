"""Numerical data of other papers, drawn anew: latents with a known graph, mixed into vectors of numbers.

A case of `numerical_cases.py` draws latents over a random graph (latent_graphs.py, latent_draws.py) and mixes
those of each modality into its measurement (mixings.py). The definitions are those of the papers; what a
paper leaves open is our choice, and the docstrings say so.
"""
