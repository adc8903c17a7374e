"""Phase 1 as a whole: its beginnings, its training, and further trainings where codes lose latents."""

import logging
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple

from personax.crl.beginnings import BEGINNING_EPOCHS, best_beginning
from personax.crl.data_parallel import Training, train_in_all_processes
from personax.crl.lost_share import LITTLE_LOST, MOST_LOST, largest_share, lost_shares
from personax.crl.model_config import Phase1Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import train_representation
from personax.crl.styled_pictures import seen_in_one_style
from personax.crl.untwist import start_without_twist
from personax.learning.base import OnProgress
from personax.learning.batches import Batch
from personax.learning.training import Checkpoint, History
from personax.runs.errors import TrainingDiverged
from personax.runs.files import sha256_arrays
from personax.runs.process_group import process_count
from personax.runs.seeds import derived_seed, torch_rng

log = logging.getLogger(__name__)

AGAIN = ("second training", "third training")


class Represented(NamedTuple):
    """What phase 1 ends with.

    Attributes:
        vae: the trained networks.
        history: one row per epoch of their training.
        lost: share of what measurements have in common that their codes lose; 0 where it cannot be known.
    """

    vae: MultiViewVAE
    history: History
    lost: float


@dataclass(frozen=True)
class FirstPhase:
    """What all trainings of one model's phase 1 share.

    Attributes:
        train: rows to learn from.
        validation: rows that choose the epoch.
        sample: rows of `train` in memory, on which codes are judged.
        held_out: rows of `validation` in memory, by which networks are chosen.
        config: weights, epochs and number of beginnings.
        seed: of the model; each training has the random numbers of its name.
        build: makes networks with the random numbers of a name.
        draft: makes a draft of the prior. Phase 2 makes the prior anew.
        on_progress: called with the history after every epoch of a whole training.
    """

    train: Batch
    validation: Batch
    sample: Batch
    held_out: Batch
    config: Phase1Config
    seed: int
    build: Callable[[str], MultiViewVAE]
    draft: Callable[[], CausalPrior]
    on_progress: OnProgress | None = None

    def run(self, vae: MultiViewVAE, checkpoint: Checkpoint | None, *, encoders_learn: bool) -> Represented:
        """All trainings of phase 1, from these networks or from others that begin better.

        Args:
            vae: networks, which are trained or left.
            checkpoint: where a training goes on that was interrupted; it has the networks that were chosen.
            encoders_learn: False for encoders that read already; only decoders are trained then, once.

        Raises TrainingDiverged if every beginning or the training that follows diverges.
        """
        begins = checkpoint is None or not checkpoint.path.exists()
        start = self.best_start(vae) if begins and encoders_learn else vae
        history = self.train_networks(start, "representation", checkpoint)
        if not encoders_learn:
            return Represented(start, history, lost=0.0)
        return self.train_again_if_lost(start, history, checkpoint)

    def best_start(self, vae: MultiViewVAE) -> MultiViewVAE:
        """The networks to begin with: `vae`, or the best of as many short trainings as `config` asks for.

        A short training that diverges is dropped. Raises TrainingDiverged if all do; and, with several
        processes, which are in the middle of it together, if one does.
        """
        if self.config.beginnings == 1:
            return vae
        short = replace(self, config=replace(self.config, epochs=BEGINNING_EPOCHS), on_progress=None)
        found: list[MultiViewVAE] = []
        for number in range(self.config.beginnings):
            name = f"beginning {number}"
            networks = self.build(f"networks of {name}")
            log.info("beginning %d of %d", number + 1, self.config.beginnings)
            try:
                short.train_networks(networks, name, None)
            except TrainingDiverged as error:
                if process_count() > 1 or (not found and number == self.config.beginnings - 1):
                    raise
                log.warning("%s: %s", name, error)
                continue
            found.append(networks)
        return best_beginning(found, self.held_out)

    def train_networks(self, vae: MultiViewVAE, name: str, checkpoint: Checkpoint | None) -> History:
        """Train these networks, with the random numbers of this name; return one row per epoch.

        Raises TrainingDiverged.
        """
        training = (vae, self.draft(), self.train, self.validation, self.config)
        seed = derived_seed(self.seed, name)
        if process_count() > 1:
            return train_in_all_processes(Training(*training, seed), checkpoint, self.on_progress)
        return train_representation(*training, seed=seed, checkpoint=checkpoint, on_epoch=self.on_progress)

    def train_again_if_lost(
        self, vae: MultiViewVAE, history: History, checkpoint: Checkpoint | None
    ) -> Represented:
        """Train again if the codes of trained networks lose latents (lost_share.py), at most twice.

        Returns the training whose codes lose least. What they lose cannot be known for a modality whose style
        is in common, too; and a model that is not to be aligned is not chosen by what measurements have in
        common. A further training that diverges is dropped; raises TrainingDiverged for it only with several
        processes.
        """
        lost = self._shares_lost(vae)
        for again in AGAIN:
            try:
                networks = self._other_start(vae, lost, again)
                if networks is None:
                    break
                kept = checkpoint and checkpoint.beside(again, _weights_checksum(networks))
                history_again = self.train_networks(networks, again, kept)
                lost_again = self._shares_lost(networks)
            except TrainingDiverged as error:
                if process_count() > 1:
                    raise
                log.warning("%s: %s", again, error)
                continue
            if largest_share(lost_again) < largest_share(lost):
                vae, history, lost = networks, history_again, lost_again
        return Represented(vae, history, largest_share(lost))

    def _other_start(self, vae: MultiViewVAE, lost: Mapping[str, float], name: str) -> MultiViewVAE | None:
        """Networks to train again from, None if that is not needed.

        They are the present ones without their twist or, if there is none, new ones.
        """
        if name == AGAIN[0]:
            suspicious = [modality for modality, share in lost.items() if share > LITTLE_LOST]
            mirrored, seed = deepcopy(vae), derived_seed(self.seed, "mirror")
            if start_without_twist(mirrored, self.sample, self.held_out, suspicious, seed=seed):
                log.info("training phase 1 again from mirrored codes: they lose %.3f", largest_share(lost))
                return mirrored
        if largest_share(lost) <= (LITTLE_LOST if name == AGAIN[0] else MOST_LOST):
            return None
        log.info("training phase 1 again from new weights: codes lose %.3f", largest_share(lost))
        return self.build(f"networks of {name}")

    def _shares_lost(self, vae: MultiViewVAE) -> Mapping[str, float]:
        """Modality -> share of what its measurements have in common that codes lose, where this is known."""
        if self.config.align == 0:
            return {}
        shares = lost_shares(vae.eval(), self.sample, torch_rng(self.seed, "lost share"))
        if largest_share(shares) > LITTLE_LOST:
            once = seen_in_one_style(self.sample)
            return {modality: share for modality, share in shares.items() if modality not in once}
        return shares


def _weights_checksum(vae: MultiViewVAE) -> str:
    return sha256_arrays(*(tensor.cpu().numpy() for tensor in vae.state_dict().values()))
