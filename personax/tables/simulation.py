"""Simulated AthlePersona and CelebPersona: made-up people with known latents, graph and dependences.

What is assumed, so that a result on these tables can be weighed:

- Shared latents s are independent of each other (an edge inside s could never be scored: s is identified as
  a block only) and not Gaussian (a scaled Beta(2, 2)).
- Each latent z of a modality obeys z = f(parents) + noise: a sum of smooth increasing functions of its
  parents, and Laplace noise, whose scale a parent in s modulates by about 30 % (the "sufficient change" that
  Lemma 2 of the paper rests on). Parents explain 45-65 % of a latent's variance. Every latent has variance 1.
- The graphs have the edges that the paper published among the z's (paper §6), undirected ones
  oriented; s points into both modalities. 16 edges for athletes, 25 for celebrities. No loops, all noise
  mutually independent.
- Measurement i of modality m is x = f_{m,i}(z_m, s, eta_{m,i}) + white noise. f is a well-conditioned linear
  map into the embedding's space plus a bend, tanh of random projections into further directions, which keeps
  it smooth and injective. Every measurement has its own f, offset and nuisance eta. s enters the measurements
  of both modalities, so either reveals it. One measurement's noise is such that ridge regression from the
  embedding to a latent has a held-out R² of 0.93-0.97 at full size.
- Where a modality has several measurements, nuisance is as strong as the latents, and only agreement of the
  measurements tells them apart. The athletes' single image has weaker nuisance, for nothing else could.
- The language models read each trait off one text latent with their own noise, bias and rate of "insufficient
  information"; how well known a person is drives that rate and nothing else.
- Biography: see biography.py. Of the celebrities' second and third images a few per cent are missing.

`Truth.dependent` is exact: a trait and a feature are dependent if and only if they have a common
ancestor (each counting as its own) in the generating graph.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import networkx as nx
import numpy as np
import pandas as pd
from scipy.stats import norm

from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays
from personax.runs.seeds import numpy_rng
from personax.tables.biography import ATHLETE_BIOGRAPHY, CELEB_BIOGRAPHY, Drawn
from personax.tables.people import LoadReport, PeopleTable, Truth
from personax.tables.schema import LLMS, TRAITS, DatasetName, Kind, schema_of
from personax.tables.scores import Aggregate, aggregate_scores

FEWEST_PEOPLE = 20
Value = TypeVar("Value")
# Signal of one latent in an embedding against the variance of one coordinate's noise.
SIGNAL_TO_NOISE = 25.0
# Typical standard deviation of an embedding's coordinate, and of the coordinates' means.
COORDINATE_SCALE, COORDINATE_OFFSET = 1.0, 0.5
ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Measured:
    """How a modality is seen: the number of measurements, and the nuisance of each.

    `nuisance` coordinates of standard deviation `strength` (a latent has 1); `missing` is the share of
    people who lack measurement 1, 2, ...
    """

    nuisance: int
    strength: float
    missing: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """How one language model scores: reliability in (0, 1), shift of its scale, share of 0s."""

    reliability: float
    shift: float
    insufficient: float


@dataclass(frozen=True)
class Design:
    """Everything that tells the athlete table from the celebrity table."""

    people: int
    sizes: dict[str, int]
    edges: tuple[tuple[str, str], ...]
    measured: dict[str, Measured]
    traits: dict[str, str]
    margins: dict[str, tuple[float, float]]
    readings: dict[str, Reading]
    biography: tuple[Drawn, ...]

    @property
    def blocks(self) -> dict[str, list[str]]:
        """Block -> names of its latents, in the order s, image, text."""
        return {
            block: [f"{'s' if block == 's' else 'z' + block}{number}" for number in range(1, size + 1)]
            for block, size in self.sizes.items()
        }

    @property
    def latents(self) -> list[str]:
        return [name for names in self.blocks.values() for name in names]


def _edges(text: str) -> tuple[tuple[str, str], ...]:
    """`s1>i1 t4` means s1 -> zimage1 and s1 -> ztext4; one parent a line."""
    full = {"s": "s", "i": "zimage", "t": "ztext"}
    edges = []
    for line in text.split("\n"):
        parent, _, children = line.strip().partition(">")
        edges += [(full[parent[0]] + parent[1:], full[c[0]] + c[1:]) for c in children.split()]
    return tuple(edges)


def _by_trait(*values: Value) -> dict[str, Value]:
    return dict(zip(TRAITS, values, strict=True))


DESIGNS: dict[DatasetName, Design] = {
    "athlete": Design(
        people=4181,
        sizes={"s": 2, "image": 5, "text": 5},
        edges=_edges(
            """s1>i1 t4
            s2>i5 t1
            i1>i2 i3
            i3>i4
            i5>i2 i4
            t1>t2 t5 i4
            t3>t4 t5 i2
            t4>t5"""
        ),
        measured={"image": Measured(2, 0.4, (0.0,)), "text": Measured(3, 1.0, (0.0, 0.0, 0.0))},
        traits=_by_trait("ztext5", "ztext2", "ztext1", "ztext3", "ztext4"),
        # Shares of scores 1 and 2: athletes come out conscientious and calm.
        margins=dict(
            zip(TRAITS, ((0.3, 0.5), (0.05, 0.3), (0.2, 0.45), (0.15, 0.6), (0.5, 0.4)), strict=True)
        ),
        readings={
            "chatgpt": Reading(0.80, 0.05, 0.04),
            "gemini": Reading(0.75, -0.10, 0.07),
            "llama": Reading(0.65, 0.15, 0.02),
        },
        biography=ATHLETE_BIOGRAPHY,
    ),
    "celeb": Design(
        people=9444,
        sizes={"s": 3, "image": 10, "text": 5},
        edges=_edges(
            """s1>i1 t5
            s2>i9 t4
            s3>i5 t1
            i1>i2 i6
            i3>i2 i4
            i4>i6 i8
            i5>i4
            i6>i7
            i8>i7
            i9>i6 i10
            t1>t2 t3
            t2>t3
            t4>t2 t3
            t5>t1 t2 i10"""
        ),
        measured={"image": Measured(3, 1.0, (0.0, 0.02, 0.05)), "text": Measured(3, 1.0, (0.0, 0.0, 0.0))},
        traits=_by_trait("ztext4", "ztext1", "ztext5", "ztext3", "ztext2"),
        margins=dict(
            zip(TRAITS, ((0.1, 0.45), (0.1, 0.5), (0.1, 0.4), (0.2, 0.55), (0.35, 0.5)), strict=True)
        ),
        readings={
            "chatgpt": Reading(0.80, 0.05, 0.02),
            "gemini": Reading(0.75, -0.15, 0.05),
            "llama": Reading(0.65, 0.10, 0.01),
        },
        biography=CELEB_BIOGRAPHY,
    ),
}


def simulate_table(
    dataset: DatasetName,
    *,
    data_seed: int = 0,
    n: int | None = None,
    image_dim: int = 1024,
    text_dim: int = 3584,
    embeddings: bool = True,
    aggregate: Aggregate = "median",
) -> PeopleTable:
    """A table of made-up people with the schema and size of the published one, and its truth.

    Args:
        dataset: "athlete" (4,181 people, 12 latents) or "celeb" (9,444 people, 18 latents).
        data_seed: non-negative; the same seed and sizes give the same table (on another machine or
            with other threads up to rounding).
        n: number of people, at least 20; None for the published number.
        image_dim, text_dim: lengths of the embeddings (ImageBind 1,024, gte-Qwen2 3,584); at least the number
            of latents and nuisance coordinates that they show.
        embeddings: False leaves them out (and changes nothing else).
        aggregate: how the three models' scores are put together.

    Raises InputError for sizes that are too small.
    """
    design = DESIGNS[dataset]
    n = design.people if n is None else n
    if n < FEWEST_PEOPLE:
        raise InputError(f"n = {n}: a simulated table needs at least {FEWEST_PEOPLE} people")
    latents = _draw_latents(design, n, numpy_rng(data_seed, f"tables/{dataset}/latents"))
    columns = {name: latents[name].to_numpy() for name in design.latents}
    features = _draw_features(design.biography, columns, n, dataset, data_seed)
    scores = _draw_scores(design, columns, n, numpy_rng(data_seed, f"tables/{dataset}/scores"))
    views: dict[str, list[np.ndarray]] = {}
    observed: dict[str, np.ndarray] = {}
    if embeddings:
        for modality, dim in (("image", image_dim), ("text", text_dim)):
            views[modality], observed[modality] = _measure(
                design, latents, modality, dim, f"tables/{dataset}/{modality}", data_seed
            )
    schema = [column for column in schema_of(dataset) if column.name in features]
    features = features[[column.name for column in schema]]
    kinds: dict[str, Kind] = {column.name: column.kind for column in schema}
    all_scores = {"aggregated": aggregate_scores(scores, aggregate), **scores}
    return PeopleTable(
        name=dataset,
        ids=np.arange(1, n + 1),
        features=features,
        kinds=kinds,
        periods={column.name: column.period for column in schema if column.period},
        scores=all_scores,
        embeddings=views,
        observed=observed,
        simulated=True,
        source=f"simulated {dataset} table, {n} people, data seed {data_seed}",
        sha256=_checksum(latents, features, all_scores, views),
        revision=None,
        truth=Truth(
            latents=latents,
            blocks=design.blocks,
            graph=_adjacency(design),
            dependent=_dependences(design, list(features.columns)),
        ),
        report=LoadReport(
            recognised={
                **{name: name for name in kinds},
                **{f"{rater} scores": f"{rater} scores" for rater in all_scores},
                **{
                    f"{modality} embeddings": f"{modality} embeddings, {len(arrays)} of {arrays[0].shape[1]}"
                    for modality, arrays in views.items()
                },
            },
            warnings=("SIMULATED: these people are made up; nothing here is a finding about real ones",),
        ),
    )


def _adjacency(design: Design) -> np.ndarray:
    """(k, k) int, A[i, j] = 1 meaning latent i -> latent j."""
    place = {name: number for number, name in enumerate(design.latents)}
    adjacency = np.zeros((len(place), len(place)), dtype=int)
    for parent, child in design.edges:
        adjacency[place[parent], place[child]] = 1
    return adjacency


def _dependences(design: Design, features: Sequence[str]) -> pd.DataFrame:
    """(5, features) bool: d-connected given nothing, that is, with a common ancestor or one of the other.

    Each declared arrow carries a real effect, so that by faithfulness these are the dependent pairs.
    """
    graph = nx.DiGraph(list(design.edges))
    graph.add_nodes_from(design.latents)
    for drawn in design.biography:
        graph.add_node(drawn.name)
        graph.add_edges_from((parent, drawn.name) for parent in drawn.parents)
    graph.add_edges_from((latent, trait) for trait, latent in design.traits.items())
    lineage = {node: nx.ancestors(graph, node) | {node} for node in (*TRAITS, *features)}
    table = [[bool(lineage[trait] & lineage[feature]) for feature in features] for trait in TRAITS]
    return pd.DataFrame(table, index=list(TRAITS), columns=list(features))


def _standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def _draw_latents(design: Design, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """(n, k) float64 latents of mean 0 and variance 1, drawn along the graph (model of paper §4.1)."""
    values: dict[str, np.ndarray] = {}
    graph = nx.DiGraph(list(design.edges))
    graph.add_nodes_from(design.latents)
    for node in nx.lexicographical_topological_sort(graph, key=design.latents.index):
        parents = sorted(graph.predecessors(node), key=design.latents.index)
        if not parents:
            root = rng.beta(2, 2, n) if node.startswith("s") else rng.laplace(size=n)
            values[node] = _standardised(root)
            continue
        structural = np.zeros(n)
        for parent in parents:
            weight = rng.choice([-1.0, 1.0]) * rng.uniform(0.85, 1.15)
            # Increasing and smooth, steeper on one side of a random point than far from it.
            bent = values[parent] + 0.5 * np.tanh(2 * (values[parent] - rng.uniform(-0.8, 0.8)))
            structural += weight * _standardised(bent)
        explained = 0.35 + 0.1 * len(parents)
        noise = rng.laplace(size=n)
        for parent in parents:
            if parent.startswith("s"):
                noise = noise * np.exp(0.3 * rng.choice([-1.0, 1.0]) * values[parent])
        mixed = np.sqrt(explained) * _standardised(structural) + np.sqrt(1 - explained) * _standardised(noise)
        values[node] = _standardised(mixed)
    return pd.DataFrame({name: values[name] for name in design.latents})


def _draw_features(
    biography: Sequence[Drawn], latents: Mapping[str, np.ndarray], n: int, dataset: str, data_seed: int
) -> pd.DataFrame:
    """(n, columns) biography; every column has its own random stream, so adding one moves no other."""
    values = dict(latents)
    shown: dict[str, pd.Series] = {}
    for drawn in biography:
        rng = numpy_rng(data_seed, f"tables/{dataset}/{drawn.name}")
        column = drawn.draw({parent: values[parent] for parent in drawn.parents}, n, rng)
        values[drawn.name] = column
        if not drawn.hidden:
            shown[drawn.name] = pd.Series(column).mask(rng.random(n) < drawn.missing, np.nan)
    return pd.DataFrame(shown)


def _draw_scores(
    design: Design, latents: Mapping[str, np.ndarray], n: int, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """LLM -> (n, 5) scores 1, 2, 3 or NaN, thresholds on a noisy reading of the trait's latent."""
    obscurity = rng.standard_normal(n)
    scores = {}
    for rater, reading in design.readings.items():
        columns = {}
        for trait, latent in design.traits.items():
            low, middle = design.margins[trait]
            first, second = norm.ppf([low, low + middle])
            read = np.sqrt(reading.reliability) * latents[latent] + reading.shift
            read = read + np.sqrt(1 - reading.reliability) * rng.standard_normal(n)
            score = 1.0 + (read > first) + (read > second)
            unknown = 0.7 * obscurity + np.sqrt(1 - 0.7**2) * rng.standard_normal(n)
            columns[trait] = np.where(unknown > norm.isf(reading.insufficient), np.nan, score)
        scores[rater] = pd.DataFrame(columns)
    return {llm: scores[llm] for llm in LLMS}


def _measure(
    design: Design, latents: pd.DataFrame, modality: str, dim: int, stream: str, data_seed: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """The embeddings of one modality, list of (n, dim) float32, and (n, measurements) bool observed."""
    measured = design.measured[modality]
    names = [*design.blocks[modality], *design.blocks["s"]]
    signal = latents[names].to_numpy(np.float32)
    fewest = len(names) + measured.nuisance
    if dim < fewest:
        raise InputError(
            f"{modality}_dim = {dim}: {len(names)} latents and {measured.nuisance} nuisance coordinates "
            f"need at least {fewest} dimensions"
        )
    arrays, masks = [], []
    for number, missing in enumerate(measured.missing, start=1):
        rng = numpy_rng(data_seed, f"{stream}{number}")
        eta = measured.strength * rng.standard_normal((len(signal), measured.nuisance), dtype=np.float32)
        array = _embed(np.concatenate([signal, eta], axis=1), dim, rng)
        present = rng.random(len(signal)) >= missing
        array[~present] = 0
        arrays.append(array)
        masks.append(present)
    return arrays, np.column_stack(masks)


def _embed(inputs: np.ndarray, dim: int, rng: np.random.Generator) -> np.ndarray:
    """x = f(inputs) + noise: (n, k) float32 -> (n, dim) float32, with f drawn from `rng`.

    f is a linear map with orthonormal columns, stretched by 0.85-1.15, plus 2k bent directions tanh(C u + c)
    of about a sixth of the linear part's variance.
    """
    n, k = inputs.shape
    linear = np.linalg.qr(rng.standard_normal((dim, k)))[0] * rng.uniform(0.85, 1.15, k)
    bends = 2 * k
    directions = rng.standard_normal((k, bends)) / np.sqrt(k)
    shifts = rng.uniform(-1, 1, bends)
    outward = rng.standard_normal((bends, dim)) * (0.45 / np.sqrt(dim))
    scale = COORDINATE_SCALE / np.sqrt(k / dim + 1 / SIGNAL_TO_NOISE)
    offset = (COORDINATE_OFFSET * rng.standard_normal(dim)).astype(np.float32)
    weights = (np.concatenate([linear.T, outward]) * scale).astype(np.float32)
    out = rng.standard_normal((n, dim), dtype=np.float32)
    # Block by block, so that no second (n, dim) array is needed.
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        u = inputs[rows]
        features = np.concatenate([u, np.tanh(u @ directions + shifts)], axis=1).astype(np.float32)
        out[rows] *= np.float32(scale / np.sqrt(SIGNAL_TO_NOISE))
        out[rows] += features @ weights
        out[rows] += offset
    return out


def _checksum(
    latents: pd.DataFrame,
    features: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    embeddings: Mapping[str, list[np.ndarray]],
) -> str:
    """Hexadecimal SHA-256 of all that was drawn."""
    labels = features.astype(str).to_numpy(dtype="U")
    arrays = [array for arrays in embeddings.values() for array in arrays]
    return sha256_arrays(
        latents.to_numpy(), labels, *(frame.to_numpy(float) for frame in scores.values()), *arrays
    )
