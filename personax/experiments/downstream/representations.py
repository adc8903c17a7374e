"""What each method makes of the people of a fold: numbers by which traits and features are predicted.

Everything is learned from the training people of the fold, and choices are made on its validation people.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA

from personax.baselines.methods import find_method
from personax.baselines.plug_in import is_plug_in, run_plug_in
from personax.crl import CRL, CRLConfig
from personax.experiments.people.predictions import principal_components
from personax.experiments.recovery import baseline_settings
from personax.experiments.run_options import OURS
from personax.learning.compression import Compression
from personax.views import MultiViewData, Split

RAW, COMPONENTS = "raw", "pca"
# Ridge on the raw vectors themselves would need seconds to minutes for every column. Beyond the leading
# components there is hardly anything but noise.
MOST_RAW_COMPONENTS = 512
BASELINE_PATIENCE = 20  # epochs without improvement after which a baseline stops


@dataclass(frozen=True, eq=False)
class FoldData:
    """The people of a fold.

    Attributes:
        raw: embeddings as they are.
        compressed: the same by the compression of the training people, in units of noise.
        split: training, validation and test people; the latter are the fold.
    """

    raw: MultiViewData
    compressed: MultiViewData
    split: Split


@dataclass(frozen=True)
class Budget:
    """What a method may use.

    Attributes:
        model: our model; its latents are known.
        epochs: of a baseline.
        seed: of everything.
        device: where it is trained.
    """

    model: CRLConfig
    epochs: int
    seed: int
    device: str


def fold_data(data: MultiViewData, split: Split, model: CRLConfig, seed: int) -> FoldData:
    """Compress the embeddings with the training people. Truth is taken away: no method is given any."""
    blind = replace(data, truth=None)
    least = {modality: model.latents[modality] + model.shared for modality in data.modalities}
    compression = Compression.fit(blind, split.train, least=least, seed=seed)
    return FoldData(blind, compression(blind), split)


def represent(method: str, fold: FoldData, budget: Budget) -> Float[np.ndarray, "n d"]:
    """(n, d) what the method makes of all people. Raises InputError for an unknown method."""
    if method == RAW:
        return raw_components(fold)
    if method == COMPONENTS:
        size = sum(budget.model.latents.values()) + budget.model.shared
        return principal_components(joined(fold.compressed), fold.split, size)
    if method == OURS:
        model = CRL(budget.model, seed=budget.seed, device=budget.device).fit(fold.compressed, fold.split)
        return model.transform(fold.compressed).to_numpy()
    return latents_of_baseline(method, fold, budget)


def latents_of_baseline(method: str, fold: FoldData, budget: Budget) -> Float[np.ndarray, "n d"]:
    """(n, d) latents of a baseline or of a class of other people, from the compressed embeddings.

    Baselines have no shared latents, so each modality gets as many more. They get the embeddings without the
    units of noise, which only our model uses, so that they standardise them.
    """
    counts = {modality: k + budget.model.shared for modality, k in budget.model.latents.items()}
    data = replace(fold.compressed, known_units=False)
    if is_plug_in(method):
        found = run_plug_in(method, counts, data, fold.split, seed=budget.seed, settings={})
        return found.latents.to_numpy()
    settings = baseline_settings(method, budget.model)
    settings |= {"training.epochs": budget.epochs, "training.patience": BASELINE_PATIENCE}
    chosen = find_method(method)
    model = chosen.make(chosen.configure(counts, settings), seed=budget.seed, device=budget.device)
    return model.fit(data, fold.split).transform(data).to_numpy()


def joined(data: MultiViewData) -> Float[np.ndarray, "n d"]:
    """(n, d) all measurements beside each other; a missing one is zeros."""
    return np.concatenate([array for arrays in data.measurements.values() for array in arrays], axis=1)


def raw_components(fold: FoldData) -> Float[np.ndarray, "n r"]:
    """(n, r) leading principal components of all raw embeddings together, fitted on training people.

    Every measurement is centred and divided by the standard deviation of all its coordinates together, both
    over the training people who have it. A missing one counts as average.
    """
    train, parts = fold.split.train, []
    for modality, arrays in fold.raw.measurements.items():
        for array, seen in zip(arrays, fold.raw.observed[modality].T, strict=True):
            known = array[train][seen[train]]
            scaled = (array - known.mean(0)) / max(float(known.std(0).mean()), 1e-12)
            parts.append(np.where(seen[:, None], scaled, 0).astype(np.float32))
    inputs = np.concatenate(parts, axis=1)
    number = min(MOST_RAW_COMPONENTS, len(train) - 1, inputs.shape[1])
    pca = PCA(number, svd_solver="randomized", random_state=0).fit(inputs[train])
    return np.asarray(pca.transform(inputs), dtype=float)
