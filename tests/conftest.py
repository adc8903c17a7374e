"""The shapes and types in the library's signatures are checked while the tests run."""

from jaxtyping import install_import_hook

# before any test imports the library
CHECKED = [
    "personax.graphs",
    "personax.learning.compression",
    "personax.learning.gaussians",
    "personax.learning.losses",
    "personax.learning.metrics",
    "personax.tables",
    "personax.variant_mnist",
    "personax.views",
]
install_import_hook(CHECKED, "shape_check.check")
