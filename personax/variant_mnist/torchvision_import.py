"""Import torchvision, here and nowhere else. This also works with a CPU build of torch."""

import importlib
import sys
from types import ModuleType

import torch

# They are kept until the process ends, because the schemas disappear with their Library.
_schemas: list[torch.library.Library] = []


def torchvision_module(name: str) -> ModuleType:
    """The module `torchvision.<name>`, for example "datasets.mnist".

    The torchvision on PyPI is a CUDA build. Its operators do not load together with a CPU build of torch, and
    the import fails because it refers to operators (torchvision::nms) that are not defined. Datasets,
    transforms and utils do not need these operators, so it is enough to define their schemas and to import
    again.
    """
    full_name = f"torchvision.{name}"
    try:
        return importlib.import_module(full_name)
    except RuntimeError as error:
        if _schemas or "torchvision::nms does not exist" not in str(error):
            raise
    # Without this, the next import would use the incomplete modules of the failed one.
    for loaded in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
        del sys.modules[loaded]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _schemas.append(library)
    return importlib.import_module(full_name)
