"""Names and shapes of the measurements of a fit, so that other measurements are not used by mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Shaped

from personax.runs.errors import InputError
from personax.views import MultiViewData


@dataclass(frozen=True)
class Inputs:
    """Names, numbers and shapes of the measurements that a model is fitted to.

    Attributes:
        shapes: modality -> shape of each measurement of one person.
        columns: modality -> names of each measurement's columns, or None; see `MultiViewData.columns`.
    """

    shapes: Mapping[str, Sequence[Sequence[int]]]
    columns: Mapping[str, Sequence[Sequence[str] | None]]

    @classmethod
    def of(cls, data: MultiViewData) -> "Inputs":
        """Names, numbers and shapes of the measurements of `data`."""
        shapes = {m: [list(array.shape[1:]) for array in arrays] for m, arrays in data.measurements.items()}
        names = {m: [each and list(each) for each in of_modality] for m, of_modality in data.columns.items()}
        return cls(shapes, names)

    def described(self) -> dict[str, Any]:
        """The same as plain values; `Inputs(**values)` builds the object again."""
        return asdict(self)

    def matched(self, data: MultiViewData) -> MultiViewData:
        """The same people, with modalities and named columns in the order of the fit.

        Where both sides have names, columns are found by name; else they are taken by position. Raises
        InputError if modalities, number of measurements, shapes or names differ from those of the fit.
        """
        if set(data.modalities) != set(self.shapes):
            raise InputError(
                f"modalities {data.modalities}, but the model was fitted to {list(self.shapes)}; "
                "mark a modality that nobody has as not observed"
            )
        for modality, shapes in self.shapes.items():
            if len(data.measurements[modality]) != len(shapes):
                raise InputError(
                    f"{modality}: {len(data.measurements[modality])} measurements, but the model was fitted "
                    f"to {len(shapes)}; give as many, and mark one that nobody has as not observed"
                )
        measurements = {
            modality: [self._in_order(data, modality, number) for number in range(len(shapes))]
            for modality, shapes in self.shapes.items()
        }
        return replace(data, measurements=measurements, columns=self.columns)

    def _in_order(self, data: MultiViewData, modality: str, number: int) -> Shaped[np.ndarray, "n ..."]:
        """One measurement (n, ...), its columns in the order of the fit."""
        where = f"{modality}, measurement {number + 1}"
        array, shape = data.measurements[modality][number], list(self.shapes[modality][number])
        fitted = self.columns[modality][number] if modality in self.columns else None
        given = data.columns[modality][number] if modality in data.columns else None
        if fitted and given:
            for name in fitted:
                if name not in given:
                    raise InputError(f"{where}: no column {name!r}, which the model was fitted to")
            for name in given:
                if name not in fitted:
                    raise InputError(f"{where}: column {name!r} was not there at the fit; leave it out")
            order = [list(given).index(name) for name in fitted]
            return array if order == list(range(len(order))) else array[:, order]
        if list(array.shape[1:]) != shape:
            raise InputError(
                f"{where}: shape {tuple(array.shape[1:])} for each person, but the model was fitted to "
                f"{tuple(shape)}"
            )
        return array
