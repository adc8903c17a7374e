"""The methods that PersonaX is compared with, all behind the same fit and transform.

`METHODS` names them. Every method gets the same encoders, data, budget, optimiser and selection rule as our
model (pieces.py), and six trials of its own hyper-parameters (tuning.py). Each module's docstring gives
the source, the equations and what had to be chosen here.
"""

from personax.baselines.methods import METHODS, Method, tuned_config

__all__ = ["METHODS", "Method", "tuned_config"]
