"""The shapes and types in the library's signatures are checked while the tests run."""

from jaxtyping import install_import_hook

# Before any test imports the library. Listed are the modules that promise shapes and are cheap to check;
# all of personax.crl would make its tests a third slower. The hook decorates each method by itself, so it
# cannot take modules with methods that return `typing.Self` or with protocols that are not
# runtime_checkable (learning/base.py, learning/training.py). Closures of a decorated module cannot be sent
# to another process (independence/kernels.py, registry.py). views.py checks its own
# arrays, and takes more than its attributes then are.
CHECKED = [
    "personax.crl.coordinates",
    "personax.crl.geometry",
    "personax.crl.objective",
    "personax.crl.prior",
    "personax.crl.regression",
    "personax.graphs",
    "personax.independence.columns",
    "personax.independence.distances",
    "personax.independence.grams",
    "personax.independence.linear",
    "personax.independence.multiple",
    "personax.independence.nulls",
    "personax.independence.resampling",
    "personax.independence.results",
    "personax.independence.tails",
    "personax.learning.batches",
    "personax.learning.compression",
    "personax.learning.gaussians",
    "personax.learning.losses",
    "personax.learning.metrics",
    "personax.tables",
    "personax.variant_mnist",
]
install_import_hook(CHECKED, "shape_check.check")
