"""KCI in linear time as a test of causal-learn, under the name "personax_kci".

Importing this module is enough; then PC and FCI of causal-learn find the test by its name:

    from causallearn.search.ConstraintBased.PC import pc
    import personax.graphs.causal_learn_tests

    graph = pc(data, 0.05, "personax_kci")
    graph = pc(data, 0.05, "personax_kci", kinds=["continuous", "nominal", "ordinal"])
"""

from typing import Any, SupportsIndex

import numpy as np
from causallearn.utils.cit import CIT_Base, register_ci_test
from jaxtyping import Float

from personax.independence.conditional_cache import ManyKci
from personax.independence.conditional_columns import Kinds, Periods

PERSONAX_KCI = "personax_kci"


class PersonaxKCI(CIT_Base):  # type: ignore[misc]  # causal-learn has no types
    """KCI of a table (n, d), called as p = test(X, Y, condition_set) with column numbers.

    Args:
        data: (n, d) complete table.
        kinds: "continuous", "ordinal", "nominal" or "circular": one for all columns, or one for each.
        periods: length of a turn of circular columns, one for all or one for each; None is 2 pi.
        options: those of causal-learn's tests, such as cache_path.

    Raises InputError for missing values and kinds that do not match the columns.
    """

    def __init__(
        self,
        data: Float[np.ndarray, "n d"],
        kinds: Kinds = "continuous",
        periods: Periods = None,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.check_cache_method_consistent(PERSONAX_KCI, str((kinds, periods)))
        self._test = ManyKci(data, kinds, periods)

    def __call__(self, X: SupportsIndex, Y: SupportsIndex, condition_set: Any = None) -> float:
        """The p-value of columns X and Y given those of `condition_set`; each is computed once."""
        (x,), (y,), given, key = self.get_formatted_XYZ_and_cachekey(X, Y, condition_set)
        if key not in self.pvalue_cache:
            self.pvalue_cache[key] = self._test.pvalue(x, y, given)
        return float(self.pvalue_cache[key])


register_ci_test(PERSONAX_KCI, PersonaxKCI)
