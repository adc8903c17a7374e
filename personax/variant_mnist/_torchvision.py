"""The one place that imports torchvision, whichever builds of it and of torch are installed."""

import importlib
import sys
from types import ModuleType

import torch

# Held for the life of the process: the schemas disappear with their Library.
_schemas: list[torch.library.Library] = []


def torchvision_module(name: str) -> ModuleType:
    """`torchvision.<name>`, such as "datasets.mnist".

    The registry's torchvision is a CUDA build. Next to a CPU build of torch its operators do not load, and
    the import stops because it describes operators (torchvision::nms) that nobody has defined. Datasets,
    transforms and utils need none of them, so that defining their schemas is enough to go on.
    """
    full_name = f"torchvision.{name}"
    try:
        return importlib.import_module(full_name)
    except RuntimeError as error:
        if _schemas or "torchvision::nms does not exist" not in str(error):
            raise
    # What the failed import has left behind would be taken for the whole package.
    for loaded in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
        del sys.modules[loaded]
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _schemas.append(library)
    return importlib.import_module(full_name)
