"""How many latents pictures and short vectors show, before a model with so many is trained.

Where every measurement shows a style of its own, phase 1 is trained with more coordinates than latents. The
spare ones hold functions of the latents, or nothing. So around one person the codes vary in as many
directions as there are latents, however many coordinates they have. These directions are counted in what two
measurements have in common, since the noise of a code is in its own measurement only.

Where a style is seen in one version only, the latents are read one after another (styled_pictures.py). The
first one counts; the other one counts if the first explains enough of it. So there a latent that hardly
depends on the first one is not seen, and at most two are.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree

from personax.crl.model_config import CRLConfig
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.picture_readings import ATTEMPTS, PictureReading, find_readings
from personax.crl.prior import CausalPrior
from personax.crl.representation import train_representation
from personax.crl.scalar_codes import seen_in_all
from personax.crl.styled_pictures import LATENTS_EACH, STYLED_ROWS, can_be_styled, seen_in_one_style
from personax.learning.batches import Batch
from personax.runs.errors import InputError
from personax.runs.seeds import derived_seed, numpy_rng, torch_rng
from personax.views import SHARED

WIDTH = 8  # coordinates of a block, which must be more than latents
NEIGHBOURS, CENTRES = 200, 400  # rows around a person, and persons
# A direction counts if the codes vary in it by this share of the variance in their widest direction, median
# over persons. On seeds 1000 and 1001 the least share of a latent was 0.12, the largest of others 0.012.
NEGLIGIBLE = 0.03
# Eigenvalue (companions.py) from which there is a second latent. On seeds 1000 to 1002 it was 0.31 to 0.47
# with one, and 0.10 to 0.15 without one. (If there is one, SYMMETRIC of picture_readings.py says whether it
# is found in this way.)
FAINT = 0.2
LEAST_NOISE = 1e-9  # variance of the noise of a code whose own variance is 1


def count_in_measurements(train: Batch, validation: Batch, config: CRLConfig, *, seed: int) -> dict[str, int]:
    """Modality -> the number of its latents.

    Args:
        train, validation: rows.
        config: the model, whose numbers of latents are not used. Shared latents (`config.shared`) are given.
        seed: of all networks, batches and persons.

    Raises InputError for a modality whose number cannot be found.
    """
    usual = dict.fromkeys(train.x, LATENTS_EACH)  # as many epochs as for these
    config = replace(config, latents=usual, nuisance={}).for_people(len(train))
    once = seen_in_one_style(train)
    apart = [modality for modality in train.x if modality not in once]
    counts: dict[str, int] = {}
    if apart:
        counts |= _count_directions(_only(train, apart), _only(validation, apart), config, seed)
    if once:
        found = _count_readings(train, validation, config, once, seed)
        counts |= {modality: found[modality] for modality in once}
    return {modality: counts[modality] for modality in train.x}


def _only(people: Batch, modalities: Sequence[str]) -> Batch:
    """The measurements of these modalities."""
    return Batch(
        {m: people.x[m] for m in modalities}, {m: people.observed[m] for m in modalities}, people.complete
    )


def _count_directions(train: Batch, validation: Batch, config: CRLConfig, seed: int) -> dict[str, int]:
    """Modality -> directions in which codes of more coordinates than latents vary, less the shared ones."""
    for modality, mask in train.observed.items():
        if (complete := int(mask.all(1).sum())) < NEIGHBOURS:
            raise InputError(
                f"{modality}: counting needs {NEIGHBOURS} training rows with all its measurements, not "
                f"{complete}; say how many latents it has"
            )
    shapes = {m: [list(x.shape[1:]) for x in views] for m, views in train.x.items()}
    device = train.device
    wide = replace(config, latents=dict.fromkeys(shapes, WIDTH))
    blocks = {SHARED: wide.shared} if wide.shared else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae = MultiViewVAE(shapes, wide).to(device)
    draft = CausalPrior(
        blocks | wide.latents, 1, torch_rng(seed, "prior"), flexible=wide.flexible, causal=wide.causal
    )
    train_representation(vae, draft.to(device), train, validation, config.phase1, seed=seed)
    return {
        modality: _checked_count(modality, varying_directions(codes, numpy_rng(seed, modality)), wide.shared)
        for modality, codes in _codes_of_all(vae.eval(), train).items()
    }


def _checked_count(modality: str, directions: int, shared: int) -> int:
    """The latents among these directions. Raises InputError if there may be more of them."""
    if directions >= WIDTH + shared:
        raise InputError(
            f"{modality}: shows {WIDTH} latents or more, which cannot be counted; say how many it has"
        )
    return max(1, directions - shared)


@torch.no_grad()
def _codes_of_all(vae: MultiViewVAE, people: Batch) -> dict[str, list[Float[np.ndarray, "n width"]]]:
    """Modality -> codes by each of its measurements, of the people who have all of them."""
    parts = [vae.encode(chunk) for chunk in people.in_chunks()]
    codes: dict[str, list[Float[np.ndarray, "n width"]]] = {}
    for modality, mask in people.observed.items():
        everything = mask.all(1).cpu().numpy()
        views = zip(*(part[modality] for part in parts), strict=True)
        codes[modality] = [
            torch.cat([code.content for code in of_view]).cpu().double().numpy()[everything]
            for of_view in views
        ]
    return codes


def varying_directions(views: Sequence[Float[np.ndarray, "n width"]], rng: np.random.Generator) -> int:
    """In how many directions around a person the codes vary that two or more measurements have in common.

    Args:
        views: for each measurement the codes of the same people, at least NEIGHBOURS; bent images of few
            latents, each with noise of its own.
        rng: chooses the persons.

    The unit is the noise of the codes. Neighbours are those of one measurement; with three, the variation is
    the covariance of the others, which the choice of neighbours does not narrow.
    """
    codes = _in_noise_units(views)
    variances = []
    for near, those in enumerate(codes):
        people = rng.permutation(len(those))[: CENTRES // len(codes)]
        around = np.asarray(cKDTree(those).query(those[people], k=NEIGHBOURS)[1])
        pairs = list(permutations([k for k in range(len(codes)) if k != near or len(codes) == 2], 2))
        for rows in around:
            shared = np.mean([_covariance(codes[i][rows], codes[j][rows]) for i, j in pairs], 0)
            variances.append(np.linalg.eigvalsh(shared)[::-1])
    typical = np.median(variances, 0)
    return int((typical > NEGLIGIBLE * typical[0]).sum())


def _covariance(a: Float[np.ndarray, "n p"], b: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "p q"]:
    covariance: Float[np.ndarray, "p q"] = (a - a.mean(0)).T @ (b - b.mean(0)) / (len(a) - 1)
    return covariance


def _in_noise_units(
    views: Sequence[Float[np.ndarray, "n width"]],
) -> list[Float[np.ndarray, "n width"]]:
    """The codes, turned and scaled so that what a measurement does not share has variance 1."""
    spread = np.maximum(np.sqrt(np.mean([view.var(0) for view in views], 0)), 1e-12)
    views = [view / spread for view in views]
    total = np.mean([_covariance(view, view) for view in views], 0)
    shared = np.mean([_covariance(a, b) for a, b in permutations(views, 2)], 0)
    variance, axes = np.linalg.eigh(total - shared)  # symmetric, as pairs come both ways
    return [view @ (axes / np.sqrt(np.maximum(variance, LEAST_NOISE))) for view in views]


def _count_readings(
    train: Batch, validation: Batch, config: CRLConfig, once: Sequence[str], seed: int
) -> dict[str, int]:
    """Modality -> 1, or 2 if a companion of the first latent is found. Raises InputError if it is unclear."""
    shapes = {m: [list(x.shape[1:]) for x in views] for m, views in train.x.items()}
    unknown = f"{once[0]}: its style is seen in one version only, and "
    if not can_be_styled(shapes, config):
        raise InputError(f"{unknown}its latents can be counted only in pictures; say how many it has")
    complete = int(seen_in_all(train).sum())
    if complete < STYLED_ROWS:
        raise InputError(
            f"{unknown}counting needs {STYLED_ROWS} training rows with both modalities, not {complete}; "
            "say how many it has"
        )
    for attempt in range(ATTEMPTS):
        again = derived_seed(seed, f"readings {attempt + 1}") if attempt else seed
        readings = find_readings(train, validation, config, seed=again)
        counts = {m: _latents_of(reading) for m, reading in (readings or {}).items()}
        if counts and all(counts.values()):
            return counts
    raise InputError(f"{unknown}several numbers of latents fit; say how many it has")


def _latents_of(reading: PictureReading) -> int:
    """1 or 2; 0 if several companions fit, or if what was read is no coordinate of the pictures."""
    if reading.is_coordinate and reading.eigenvalues[0] < FAINT and not reading.explains_f:
        return 1
    return LATENTS_EACH if reading.is_clear else 0
