"""Simulated AthlePersona and CelebPersona: made-up people with known latents, graph and dependences.

Terms: latents are hidden causes of what is observed. A block is a set of latents: the shared latents s, or
the latents z of one modality (image or text).

To judge a result on these tables, one must know what they assume:

- The shared latents s are independent of each other (s can be identified only as a block, so an edge inside s
  could not be scored). They are not Gaussian (a scaled Beta(2, 2)).
- Each latent z of a modality is z = f(parents) + noise. f is a sum of smooth functions of the parents, each
  increasing or decreasing. The noise is Laplace noise, and a parent in s changes its scale by about 30 % (the
  "sufficient change" that Lemma 2 of the paper needs). Parents explain 45-65 % of the variance of a latent.
  Every latent has variance 1.
- The graphs have the edges among the z's that the paper published (paper §6); edges without a direction there
  have a direction here. s has edges into both modalities. There are 16 edges for athletes and 25 for
  celebrities. There are no cycles, and all noises are independent.
- Measurement i of modality m is x = f_{m,i}(z_m, s, eta_{m,i}) + white noise. The nuisance eta is what only
  this measurement shows. f is a well-conditioned linear map into the space of the embedding, plus a nonlinear
  part (tanh of random projections into additional directions); it is smooth and injective. Every measurement
  has its own f, offset and eta. s is part of the measurements of both modalities, so each modality shows it.
  At full size, ridge regression from one embedding to a latent has an R² of 0.93-0.97 on held-out people.
- If a modality has several measurements, eta is as strong as the latents, and the latents can be
  distinguished from eta only because the measurements agree on them. The single image of the athletes has a
  weaker eta, because there is no second measurement.
- Each language model reads each trait from one text latent, with its own noise, bias and rate of
  "insufficient information". How well known a person is influences this rate and nothing else.
- Biography: see biography.py. 2 % of the celebrities' second images and 5 % of their third are missing.

`Assumptions` changes some of this, to see what a method needs (benchmarks/hard_people.py).

`PeopleTable.dependent` is exact: a trait and a feature are dependent if and only if one of them is an
ancestor of the other, or both have a common ancestor, in the graph that the table was drawn from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import networkx as nx
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from personax.independence.columns import Kind
from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays
from personax.runs.seeds import numpy_rng
from personax.tables.biography import ATHLETE_BIOGRAPHY, CELEB_BIOGRAPHY, ColumnInputs, Drawn
from personax.tables.people_table import LoadReport, PeopleTable
from personax.tables.schema import LLMS, TRAITS, DatasetName, schema_of
from personax.tables.trait_scores import Aggregate, aggregate_scores
from personax.views import Truth

SIMULATED_WARNING = "SIMULATED: these people are made up; nothing here is a finding about real ones"
FEWEST_PEOPLE = 20
Value = TypeVar("Value")
# Variance of an embedding that comes from one latent, divided by the noise variance of one coordinate.
SIGNAL_TO_NOISE = 25.0
# Typical standard deviation of a coordinate of an embedding, and of the means of the coordinates.
COORDINATE_SCALE, COORDINATE_OFFSET = 1.0, 0.5
ROWS_PER_CHUNK = 512


@dataclass(frozen=True)
class Measured:
    """How the measurements of a modality are made.

    Attributes:
        nuisance: number of nuisance coordinates eta in each measurement.
        strength: standard deviation of a nuisance coordinate. (A latent has 1.)
        missing: share of people who lack measurement 1, 2, ...; its length is the number of measurements.
    """

    nuisance: int
    strength: float
    missing: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """How a language model scores.

    Attributes:
        reliability: share of the variance of its reading that comes from the latent, in (0, 1).
        shift: bias that is added to its reading, in standard deviations of the reading.
        insufficient: share of the answers "insufficient information", in (0, 1).
    """

    reliability: float
    shift: float
    insufficient: float


@dataclass(frozen=True)
class Design:
    """All that differs between the athlete table and the celebrity table.

    Attributes:
        people: published number of people.
        sizes: block -> number of its latents.
        edges: (parent, child) pairs of latents.
        measured: modality -> how its measurements are made.
        traits: trait -> the text latent that it is read from.
        margins: trait -> shares of the scores 1 and 2.
        readings: language model -> how it scores.
        biography: the columns of the biography, parents first.
    """

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
        """All latents, block by block."""
        return [name for names in self.blocks.values() for name in names]


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of simulated people; the defaults are what is said at the top of this file.

    Attributes:
        noise: distribution of the noise of the latents z.
        bend: how far effects of latents on latents are bent; 0 makes them straight lines.
        curve: how far embeddings are bent; 0 makes them linear in latents and eta.
        edges: (parent, child) pairs of latents in the place of the published graph. A latent can have at most
            five parents.
    """

    noise: Literal["laplace", "normal", "uniform"] = "laplace"
    bend: float = 1.0
    curve: float = 1.0
    edges: tuple[tuple[str, str], ...] | None = None

    def draw(self, rng: np.random.Generator, n: int) -> Float[np.ndarray, " n"]:
        """(n,) noise of one latent; its scale does not matter."""
        if self.noise == "laplace":
            return rng.laplace(size=n)
        return rng.standard_normal(n) if self.noise == "normal" else rng.uniform(-1, 1, n)


AS_ASSUMED = Assumptions()


def _parse_edges(text: str) -> tuple[tuple[str, str], ...]:
    """Edges from lines such as `s1>i1 t4`, which means s1 -> zimage1 and s1 -> ztext4."""
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
        edges=_parse_edges(
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
        # Most athletes are conscientious and calm.
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
        edges=_parse_edges(
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
    assumptions: Assumptions = AS_ASSUMED,
) -> PeopleTable:
    """Simulate a table of people with the schema and size of the published one, and its truth.

    Args:
        dataset: "athlete" (4,181 people, 12 latents) or "celeb" (9,444 people, 18 latents).
        data_seed: seed, at least 0. The same seed and sizes give the same table (up to rounding if the
            machine or the number of threads differs).
        n: number of people, at least 20; None for the published number.
        image_dim, text_dim: lengths of the embeddings (ImageBind has 1,024, gte-Qwen2 3,584). Each must be at
            least the number of latents and nuisance coordinates that are in the embedding.
        embeddings: False leaves the embeddings out and changes nothing else.
        aggregate: how the scores of the three models become one score.
        assumptions: in the place of those that this file begins with.

    Raises:
        InputError: a size is too small.

    Examples:
        >>> table = simulate_table("athlete", n=50, image_dim=16, text_dim=16)
        >>> [array.shape for array in table.embeddings["text"]]
        [(50, 16), (50, 16), (50, 16)]
        >>> table.truth.blocks["s"]
        ['s1', 's2']
    """
    design = DESIGNS[dataset]
    if assumptions.edges is not None:
        design = replace(design, edges=assumptions.edges)
    n = design.people if n is None else n
    if n < FEWEST_PEOPLE:
        raise InputError(f"n = {n}: a simulated table needs at least {FEWEST_PEOPLE} people")
    latents = _draw_latents(design, n, numpy_rng(data_seed, f"tables/{dataset}/latents"), assumptions)
    columns = {name: latents[name].to_numpy() for name in design.latents}
    features = _draw_features(design.biography, columns, n, dataset, data_seed)
    scores = _draw_scores(design, columns, n, numpy_rng(data_seed, f"tables/{dataset}/scores"))
    views: dict[str, list[np.ndarray]] = {}
    observed: dict[str, np.ndarray] = {}
    if embeddings:
        for modality, dim in (("image", image_dim), ("text", text_dim)):
            views[modality], observed[modality] = _measure(
                design, latents, modality, dim, f"tables/{dataset}/{modality}", data_seed, assumptions.curve
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
        sha256=_table_checksum(latents, features, all_scores, views),
        revision=None,
        truth=Truth(latents, design.blocks, _adjacency(design)),
        dependent=_dependences(design, list(features.columns)),
        report=LoadReport(_columns_drawn(kinds, all_scores, views), warnings=(SIMULATED_WARNING,)),
    )


def true_traits(table: PeopleTable) -> Float[np.ndarray, "n traits"]:
    """(n, 5) the latents that the scores of a simulated table are readings of, in the order of `TRAITS`."""
    if table.truth is None or table.name not in DESIGNS:
        raise InputError(f"{table.source}: the true traits are known of simulated tables only")
    names = [DESIGNS[table.name].traits[trait] for trait in TRAITS]
    latents: np.ndarray = table.truth.latents[names].to_numpy(float)
    return latents


def _columns_drawn(
    features: Iterable[str], raters: Iterable[str], embeddings: Mapping[str, list[Float[np.ndarray, "n dim"]]]
) -> dict[str, str]:
    """What the report says about the columns."""
    columns = {name: name for name in features} | {f"{rater} scores": f"{rater} scores" for rater in raters}
    for modality, arrays in embeddings.items():
        meaning = f"{modality} embeddings, {len(arrays)} of {arrays[0].shape[1]}"
        columns[f"{modality} embeddings"] = meaning
    return columns


def _adjacency(design: Design) -> Int[np.ndarray, "k k"]:
    """(k, k) int; A[i, j] = 1 means latent i -> latent j."""
    place = {name: number for number, name in enumerate(design.latents)}
    adjacency = np.zeros((len(place), len(place)), dtype=int)
    for parent, child in design.edges:
        adjacency[place[parent], place[child]] = 1
    return adjacency


def _dependences(design: Design, features: Sequence[str]) -> pd.DataFrame:
    """(5, features) bool: True where trait and feature are d-connected, given no other variable.

    They are d-connected if one is an ancestor of the other or if they have a common ancestor. Each declared
    arrow has a real effect, so these are the dependent pairs (faithfulness).
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


def _standardised(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    standard: np.ndarray = (values - values.mean()) / values.std()
    return standard


def _draw_latents(design: Design, n: int, rng: np.random.Generator, assumptions: Assumptions) -> pd.DataFrame:
    """(n, k) float64 latents of mean 0 and variance 1, drawn along the graph (model of paper §4.1)."""
    values: dict[str, np.ndarray] = {}
    graph = nx.DiGraph(list(design.edges))
    graph.add_nodes_from(design.latents)
    for node in nx.lexicographical_topological_sort(graph, key=design.latents.index):
        parents = sorted(graph.predecessors(node), key=design.latents.index)
        if not parents:
            root = rng.beta(2, 2, n) if node.startswith("s") else assumptions.draw(rng, n)
            values[node] = _standardised(root)
            continue
        structural = np.zeros(n)
        for parent in parents:
            weight = rng.choice([-1.0, 1.0]) * rng.uniform(0.85, 1.15)
            # A smooth increasing function, steepest at a random point.
            step = np.tanh(2 * (values[parent] - rng.uniform(-0.8, 0.8)))
            bent = values[parent] + 0.5 * assumptions.bend * step
            structural += weight * _standardised(bent)
        explained = 0.35 + 0.1 * len(parents)
        noise = assumptions.draw(rng, n)
        for parent in parents:
            if parent.startswith("s"):
                noise = noise * np.exp(0.3 * rng.choice([-1.0, 1.0]) * values[parent])
        mixed = np.sqrt(explained) * _standardised(structural) + np.sqrt(1 - explained) * _standardised(noise)
        values[node] = _standardised(mixed)
    return pd.DataFrame({name: values[name] for name in design.latents})


def _draw_features(
    biography: Sequence[Drawn],
    latents: Mapping[str, Float[np.ndarray, " n"]],
    n: int,
    dataset: str,
    data_seed: int,
) -> pd.DataFrame:
    """(n, columns) biography. Every column has its own random stream, so a new column changes no other."""
    values = dict(latents)
    shown: dict[str, pd.Series] = {}
    for drawn in biography:
        rng = numpy_rng(data_seed, f"tables/{dataset}/{drawn.name}")
        column = drawn.draw(ColumnInputs({parent: values[parent] for parent in drawn.parents}, n, rng))
        values[drawn.name] = column
        if not drawn.hidden:
            shown[drawn.name] = pd.Series(column).mask(rng.random(n) < drawn.missing, np.nan)
    return pd.DataFrame(shown)


def _draw_scores(
    design: Design, latents: Mapping[str, Float[np.ndarray, " n"]], n: int, rng: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Language model -> (n, 5) scores 1, 2, 3 or NaN: a noisy reading of the latent with two thresholds."""
    obscurity = rng.standard_normal(n)
    scores = {}
    for rater, reading in design.readings.items():
        columns = {}
        for trait, latent in design.traits.items():
            low, middle = design.margins[trait]
            first, second = norm.ppf(low), norm.ppf(low + middle)
            read = np.sqrt(reading.reliability) * latents[latent] + reading.shift
            read = read + np.sqrt(1 - reading.reliability) * rng.standard_normal(n)
            score = 1.0 + (read > first) + (read > second)
            unknown = 0.7 * obscurity + np.sqrt(1 - 0.7**2) * rng.standard_normal(n)
            columns[trait] = np.where(unknown > norm.isf(reading.insufficient), np.nan, score)
        scores[rater] = pd.DataFrame(columns)
    return {llm: scores[llm] for llm in LLMS}


def _measure(
    design: Design,
    latents: pd.DataFrame,
    modality: str,
    dim: int,
    stream: str,
    data_seed: int,
    curve: float,
) -> tuple[list[Float[np.ndarray, "n dim"]], Bool[np.ndarray, "n measurements"]]:
    """The embeddings of a modality, each (n, dim) float32, and their mask (n, measurements) bool."""
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
        array = _embed(np.concatenate([signal, eta], axis=1), dim, rng, curve)
        present = rng.random(len(signal)) >= missing
        array[~present] = 0
        arrays.append(array)
        masks.append(present)
    return arrays, np.column_stack(masks)


def _embed(
    inputs: Float[np.ndarray, "n k"], dim: int, rng: np.random.Generator, curve: float
) -> Float[np.ndarray, "n dim"]:
    """Measurements x = f(inputs) + noise: (n, k) float32 -> (n, dim) float32, with f drawn from `rng`.

    f is a linear map with orthonormal columns, stretched by 0.85-1.15, plus 2k bent directions tanh(C u + c).
    With `curve` 1 the bent part has about a sixth of the variance of the linear part; its size is
    proportional to `curve`.
    """
    n, k = inputs.shape
    linear = np.linalg.qr(rng.standard_normal((dim, k)))[0] * rng.uniform(0.85, 1.15, k)
    bends = 2 * k
    directions = rng.standard_normal((k, bends)) / np.sqrt(k)
    shifts = rng.uniform(-1, 1, bends)
    outward = rng.standard_normal((bends, dim)) * (0.45 * curve / np.sqrt(dim))
    scale = COORDINATE_SCALE / np.sqrt(k / dim + 1 / SIGNAL_TO_NOISE)
    offset = (COORDINATE_OFFSET * rng.standard_normal(dim)).astype(np.float32)
    weights = (np.concatenate([linear.T, outward]) * scale).astype(np.float32)
    out = rng.standard_normal((n, dim), dtype=np.float32)
    # Some rows at a time, so that no second (n, dim) array is needed.
    for start in range(0, n, ROWS_PER_CHUNK):
        rows = slice(start, start + ROWS_PER_CHUNK)
        u = inputs[rows]
        features = np.concatenate([u, np.tanh(u @ directions + shifts)], axis=1).astype(np.float32)
        out[rows] *= np.float32(scale / np.sqrt(SIGNAL_TO_NOISE))
        out[rows] += features @ weights
        out[rows] += offset
    return out


def _table_checksum(
    latents: pd.DataFrame,
    features: pd.DataFrame,
    scores: Mapping[str, pd.DataFrame],
    embeddings: Mapping[str, list[Float[np.ndarray, "n dim"]]],
) -> str:
    """SHA-256, in hexadecimal, of everything that was drawn."""
    labels = features.astype(str).to_numpy(dtype="U")
    arrays = [array for arrays in embeddings.values() for array in arrays]
    return sha256_arrays(
        latents.to_numpy(), labels, *(frame.to_numpy(float) for frame in scores.values()), *arrays
    )
