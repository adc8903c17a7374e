"""All methods by name: the publication, the classes, and the trials of the hyper-parameters of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from personax.baselines.autoencoder import Autoencoder
from personax.baselines.baseline import Baseline
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.beta_vae import BetaVAE
from personax.baselines.causal_vae import CausalVAE
from personax.baselines.mcl import MCL
from personax.baselines.mmcrl import MMCRL
from personax.baselines.official import Official
from personax.baselines.plug_in import is_plug_in
from personax.runs.bounds import check_bounds
from personax.runs.errors import InputError
from personax.runs.files import read_yaml

Settings = Mapping[str, Any]
"""Field of a configuration -> value. `training.epochs` is the field `epochs` of the field `training`."""

Made = TypeVar("Made")
RATE = "training.learning_rate"


@dataclass(frozen=True)
class Method:
    """One method of the comparison."""

    title: str
    """Its name in tables."""
    citation: str
    """Authors and year of its publication."""
    estimator: type[Baseline[Any]]
    """Class with its `fit` and `transform`, and with the class of its configuration."""
    trials: tuple[Settings, ...] = ({},)
    """The settings that are tried when it is tuned. A single trial means that there is nothing to tune."""
    preset: Settings = field(default_factory=dict)
    """Settings that differ from the defaults of its class and define this variant of the method."""
    uses_truth: bool = False
    """Whether it learns from the true latents of the training and validation rows. If True, tables must mark
    its scores."""

    def configure(self, latents: Mapping[str, int], settings: Settings | None = None) -> BaselineConfig:
        """The configuration of this method.

        Args:
            latents: modality -> number of its latents.
            settings: values that differ from the defaults.

        Raises:
            InputError: the method does not have one of the settings, or a value is out of bounds.
        """
        config = with_settings(self.estimator.configuration(latents=dict(latents)), self.preset)
        config = with_settings(config, settings or {})
        check_bounds(config, "settings.")
        return config

    def make(self, config: BaselineConfig, *, seed: int = 0, device: str = "auto") -> Baseline[Any]:
        """A model of this method, ready for `fit`."""
        return self.estimator(config, seed=seed, device=device)


def with_settings(config: Made, settings: Settings) -> Made:
    """A copy of the dataclass `config` with other values; `a.b` is the field b of its field a.

    Raises:
        InputError: there is no such field.

    >>> with_settings(BaselineConfig(), {"hidden": 8, "training.epochs": 2}).training.epochs
    2
    """
    assert is_dataclass(config)
    assert not isinstance(config, type)
    known = {f.name for f in fields(config)}
    for name, value in settings.items():
        head, _, rest = name.partition(".")
        if head not in known or (rest and not is_dataclass(getattr(config, head))):
            raise InputError(f"{type(config).__name__} has no setting {name!r}; it has {sorted(known)}")
        inner = {rest: value} if rest else value
        nested = is_dataclass(getattr(config, head)) and isinstance(inner, Mapping)
        config = replace(config, **{head: with_settings(getattr(config, head), inner) if nested else value})
    return config


def _grid(**values: tuple[Any, ...]) -> tuple[Settings, ...]:
    """All combinations of the values; the name `rate` stands for the learning rate."""
    names = [RATE if name == "rate" else name for name in values]
    return tuple(dict(zip(names, chosen, strict=True)) for chosen in product(*values.values()))


_VAE_TRIALS = _grid(beta=(1.0, 4.0, 16.0), rate=(3e-3, 1e-2))

METHODS: dict[str, Method] = {
    "autoencoder": Method(
        "Autoencoder",
        "Rumelhart, Hinton & Williams 1986",
        Autoencoder,
        _grid(noise=(0, 4), rate=(1e-3, 3e-3, 1e-2)),
    ),
    "beta_vae": Method("BetaVAE", "Higgins et al. 2017", BetaVAE, _VAE_TRIALS),
    "causal_vae": Method("CausalVAE, unsupervised", "Yang et al. 2021", CausalVAE, _VAE_TRIALS),
    "causal_vae_supervised": Method(
        "CausalVAE, given the truth",
        "Yang et al. 2021",
        CausalVAE,
        _VAE_TRIALS,
        {"supervised": True},
        uses_truth=True,
    ),
    "mcl": Method("MCL", "Yao et al. 2023", MCL, _grid(temperature=(0.1, 1.0, 10.0), rate=(3e-3, 1e-2))),
    "mmcrl": Method(
        "MMCRL",
        "Sun et al. 2025",
        MMCRL,
        _grid(independence=(1.0, 4.0, 16.0), rate=(3e-3, 1e-2)),
    ),
    "official": Method(
        "official recipe, our training",
        "Li et al. 2026 (PersonaX)",
        Official,
        _grid(published_networks=(False, True), rate=(3e-4, 1e-3, 3e-3)),
        {"noise": 1},
    ),
    "official_published": Method(
        "official recipe, as released",
        "Li et al. 2026 (PersonaX)",
        Official,
        preset={"published_networks": True, "published_training": True, "training.epochs": 3000},
    ),
}


def method_names(text: str, others: Mapping[str, str] | None = None) -> list[str]:
    """The names of the methods in a text with commas between them; titles, as in the tables, are names too.

    A class of other people, package.module:Class, is its own name (plug_in.py).

    Capitals, spaces and punctuation do not matter. Raises InputError for a name that is unknown or repeated.

    others: name -> title of methods that are no baselines.

    >>> method_names("MMCRL, CausalVAE, unsupervised, beta_vae")
    ['mmcrl', 'causal_vae', 'beta_vae']
    """
    titles = dict(others or {}) | {name: method.title for name, method in METHODS.items()}
    known = {_letters(spelling): name for name, title in titles.items() for spelling in (name, title)}
    parts = [part.strip() for part in text.split(",") if part.strip()]
    found: list[str] = []
    while parts:
        if is_plug_in(parts[0]):
            found.append(parts.pop(0))
            continue
        # a title may have a comma, so two parts are tried first
        taken = next((k for k in (2, 1) if _letters("".join(parts[:k])) in known), 0)
        if not taken:
            raise InputError(
                f"method {parts[0]!r}: unknown; choose from {', '.join(titles)} or package.module:Class"
            )
        found.append(known[_letters("".join(parts[:taken]))])
        parts = parts[taken:]
    if len(set(found)) < len(found):
        raise InputError(f"methods {text}: give each once")
    return found


def _letters(text: str) -> str:
    """A text in small letters and digits only."""
    return "".join(filter(str.isalnum, text.lower()))


def find_method(name: str) -> Method:
    """The method of that name. Raises InputError if there is none."""
    if name not in METHODS:
        raise InputError(f"method {name!r}: unknown; choose from {', '.join(METHODS)}")
    return METHODS[name]


def tuned_settings(name: str, path: Path | str) -> dict[str, Any]:
    """The settings of a method in the file that tuning has written (configs/baselines.yaml).

    Raises:
        InputError: the file is missing, or it has no settings of a method that is tuned.
    """
    method, chosen = find_method(name), read_yaml(path) or {}
    if not isinstance(chosen, Mapping) or not isinstance(chosen.get(name) or {}, Mapping):
        raise InputError(f"{path}: must map methods to their settings, as in 'beta_vae: {{beta: 4.0}}'")
    if len(method.trials) > 1 and name not in chosen:
        raise InputError(f"{path}: no settings of {name}; run synthetic_experiment/tune_baselines.py")
    return dict(chosen.get(name) or {})
