"""The command sensitivity: which conclusions of a run on people hold when the choices behind it are changed.

changes.py     the changes: without a language model, with other seeds, with half of the people, ...
plan.py        which changes a table and the options allow
run.py         the analysis with each change, in a folder that can be continued
level_one.py   the tests of traits against features, with the direction of each dependence
matching.py    the latents of a variant beside those of the base run, and what it says about their edges
verdicts.py    the rule: robust, depends on X, not robust
claims.py      the table: every claim of the base run, its state in every variant, its verdict
"""
