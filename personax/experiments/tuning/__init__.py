"""Tune the hyper-parameters of the baselines without the truth."""
