"""The one place that imports torchvision. It works next to a CPU build of torch, too."""

import importlib
import sys
from types import ModuleType

import torch

# They stay here until the process ends, because the schemas disappear with their Library.
_schemas: list[torch.library.Library] = []


def torchvision_module(name: str) -> ModuleType:
    """The module `torchvision.<name>`, for example "datasets.mnist".

    The torchvision on PyPI is a CUDA build. Its operators do not load next to a CPU build of torch, and the
    import fails because operators (torchvision::nms) are described that are not defined. Datasets, transforms
    and utils do not need them, so it is enough to define their schemas and to import again.
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
