"""The command downstream: how well latents predict traits and features, beside raw embeddings and baselines.

representations.py   what each method makes of the people of a fold
scores.py            means over the folds, with intervals
run.py               every method on every fold, in a folder that can be continued
"""
