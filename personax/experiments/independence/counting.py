"""Level I on files that are counted part by part: tests, report and figures as for a table in memory."""

import logging
from collections.abc import Sequence
from pathlib import Path

from personax.experiments.independence.choices import chosen_scores
from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.facts import facts_of_counts
from personax.experiments.independence.run import TestedData, write_results
from personax.independence import TESTS
from personax.independence.procedure import MIN_ROWS, with_null
from personax.runs.errors import InputError
from personax.runs.files import remove_path
from personax.runs.run_folder import PARTIAL_SUMS, open_run, typed_path
from personax.runs.seeds import numpy_rng
from personax.streaming.local_engine import LocalEngine
from personax.streaming.partial_sums import Engine
from personax.streaming.parts import name_of_files, open_parts
from personax.streaming.streamed_table import StreamedTable, StreamingRequest, grid_of_counts, stream_table

log = logging.getLogger(__name__)


def check_engine(config: IndependenceConfig) -> None:
    """Raise InputError for options that contradict --engine, or that only it has."""
    if config.engine is None:
        if config.scheduler is not None or config.resume:
            option = "--scheduler" if config.scheduler is not None else "--resume"
            raise InputError(f"{option}: belongs to --engine, which reads a table part by part")
        return
    if config.table is None:
        raise InputError(f"--engine {config.engine}: give the files with --table, as 'people/*.parquet'")
    if config.implementation == "reference":
        raise InputError("--implementation reference: other libraries need the table in memory; leave it out")
    if config.n is not None:
        raise InputError(f"--n {config.n}: with --engine all rows are read; leave it out")
    if (config.engine == "dask") != (config.scheduler is not None):
        raise InputError(
            "--engine dask needs --scheduler, the address that `dask scheduler` prints (tcp://host:8786); "
            "other engines have none"
        )


def engine_of(config: IndependenceConfig) -> Engine:
    """The engine that the options name. Raises InputError if its package is not installed."""
    if config.scheduler is None:
        return LocalEngine(config.jobs)
    try:
        from personax.streaming.dask_engine import DaskEngine
    except ModuleNotFoundError as error:
        raise InputError(f"--engine dask: {error.name} is missing; pip install 'personax[dask]'") from error
    return DaskEngine(config.scheduler)


def count_and_test(config: IndependenceConfig, tests: Sequence[str], path: Path) -> TestedData:
    """Count the files, test, decide and write everything to the run folder `path`."""
    assert config.table is not None
    pattern = typed_path(config.table)
    table, engine = open_parts(pattern), engine_of(config)
    log.info("%s: %s rows in %d parts", pattern, f"{table.n:,}", len(table.parts))
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        data_source=table.label,
        data_sha256=table.checksum,
        people=table.n,
    ) as folder:
        request = StreamingRequest(
            pattern,
            config.dataset,
            None if config.columns is None else typed_path(config.columns),
            config.aggregate,
            config.given,
            folder / PARTIAL_SUMS,
        )
        streamed = stream_table(request, engine, table)
        folder.manifest["simulated"] = streamed.simulated
        sources = chosen_scores(config.scores, streamed.sources())
        _refuse_too_few_rows(streamed, sources)
        chosen = with_null(TESTS, config.null)
        grid = grid_of_counts(
            streamed,
            sources,
            {name: (chosen[name], chosen[name].choose_null(None)) for name in tests},
            numpy_rng(config.seed, "independence"),
            config.resamples,
        )
        grid["data"] = "simulated" if streamed.simulated else "real"
        name = config.dataset or name_of_files(pattern)
        decided = write_results(folder, config, facts_of_counts(config, streamed, name), grid)
        remove_path(folder / PARTIAL_SUMS)
    return TestedData(name, streamed.simulated, sources, decided)


def _refuse_too_few_rows(streamed: StreamedTable, sources: Sequence[str]) -> None:
    """InputError if no trait or target shares 5 complete rows with a feature."""
    pairs = (
        (trait.where, feature.where)
        for source in sources
        for trait in streamed.side(source)
        for feature in streamed.features()
    )
    if all(sum(int(table.counts.sum()) for table in streamed.tables(*pair)) < MIN_ROWS for pair in pairs):
        raise InputError(
            f"{streamed.table.label}: no trait and feature share {MIN_ROWS} complete rows; "
            "a test needs that many"
        )
