"""The shapes and types in the library's signatures are checked while the tests run."""

from jaxtyping import install_import_hook

install_import_hook("personax", "shape_check.check")
