"""How the library is built: what imports what, names that occur once, listed sources, one version."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import version
from importlib.util import resolve_name
from operator import attrgetter
from pathlib import Path

import jaxtyping
import pytest

import personax
from personax.crl import CRLConfig, objective
from personax.runs import errors
from personax.runs.run_folder import ROOT

LIBRARY = ROOT / "personax"
FILES = sorted(LIBRARY.rglob("*.py"))
MODULES = [path for path in FILES if path.name != "__init__.py"]
# A folder imports only from lines above its own, as the docstring of the library says.
LAYERS = (
    {"runs"},
    {"views"},
    {"independence"},
    {"tables", "variant_mnist", "numerical", "graphs", "learning"},
    {"streaming", "light_tunnel"},
    {"crl", "baselines", "traits", "embeddings"},
    {"experiments"},
)
SAME_IN_EVERY_COMMAND = {"main", "log"}


def module_of(path: Path) -> str:
    """The name by which a file is imported: personax.crl.prior; personax.crl is its __init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_of(path) for path in FILES}


def imported_modules(source: str, package: str) -> set[str]:
    """The files of the library that a file in `package` imports, as names of modules.

    Imports in functions and those for types alone count, too. `from personax.crl import CRL` names the file
    personax/crl/__init__.py. That Python also runs the __init__.py of every folder on the way does not count.
    """
    named = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            named |= {f"{origin}.{alias.name}" for alias in node.names}
    return {module for module in map(longest_module, named) if module}


def longest_module(name: str) -> str:
    """The longest beginning of a dotted name that is a module of the library; "" if none is."""
    parts = name.split(".")
    beginnings = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((beginning for beginning in beginnings if beginning in NAMES), "")


def imports_of(path: Path) -> set[str]:
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    return imported_modules(path.read_text(encoding="utf-8"), package)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from personax.crl.prior import Prior", "personax.crl.prior"),
        ("from personax.crl import prior", "personax.crl.prior"),
        ("from personax.crl import CRL", "personax.crl"),
        ("from personax import views", "personax.views"),
        ("import personax.crl.prior as model", "personax.crl.prior"),
        ("from ..crl.prior import Prior", "personax.crl.prior"),
        ("from . import seeds", "personax.runs.seeds"),
        ("def f():\n    import personax.views", "personax.views"),
        ("if TYPE_CHECKING:\n    from personax.views import Split", "personax.views"),
    ],
)
def test_every_form_of_an_import_is_seen(source: str, found: str) -> None:
    assert imported_modules(source, package="personax.runs") == {found}


def test_other_libraries_are_no_part_of_this_one() -> None:
    assert imported_modules("import numpy as np\nfrom pathlib import Path", package="personax.runs") == set()


def folder_of(module: str) -> str:
    """The folder (or file) of personax/ that a module lies in; "" for personax/__init__.py itself."""
    return module.partition(".")[2].partition(".")[0]


def is_of_a_command(path: Path) -> bool:
    """Whether a file lies in the folder of a command."""
    parts = path.relative_to(LIBRARY).parts
    return parts[0] == "experiments" and len(parts) == 3


def test_the_layers_are_those_of_the_docstring() -> None:
    assert personax.__doc__
    lines = [line.strip() for line in personax.__doc__.splitlines() if line.startswith("    ")]
    assert [set(re.split(r",\s*", line.split("  ")[0])) for line in lines] == list(LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_folder_imports_only_from_layers_above(path: Path) -> None:
    layer_of = {folder: number for number, layer in enumerate(LAYERS) for folder in layer}
    layer_of[""] = -1  # personax/__init__.py, which has the version and imports nothing
    own = folder_of(module_of(path))
    for module in imports_of(path):
        other = folder_of(module)
        assert other == own or layer_of[other] < layer_of[own], module


def test_no_files_import_each_other_in_a_circle() -> None:
    """Nor for types alone: what two files need lies in a third one."""
    TopologicalSorter({module_of(path): imports_of(path) for path in FILES}).prepare()  # or CycleError


@pytest.mark.parametrize(
    "path", [*filter(is_of_a_command, MODULES)], ids=lambda path: str(path.relative_to(LIBRARY))
)
def test_a_command_imports_from_no_other_but_three(path: Path) -> None:
    """Some do again what `mnist`, `people` or `independence` do; what all share lies beside the folders."""
    commands = {file.parent.name for file in FILES if is_of_a_command(file)}
    found = {module.split(".")[2] for module in imports_of(path) if folder_of(module) == "experiments"}
    assert commands & found <= {path.parent.name, "mnist", "people", "independence"}


def test_the_tree_of_errors_is_complete() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    bases = {node.name: set(map(ast.unparse, node.bases)) for node in nodes if isinstance(node, ast.ClassDef)}
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    assert sorted(drawn) == sorted(name for name, parents in bases.items() if "PersonaxError" in parents)
    signals = {name for name, parents in bases.items() if "Exception" in parents} - {"PersonaxError"}
    handlers = [node.type for node in nodes if isinstance(node, ast.ExceptHandler) and node.type]
    assert "DeterminedByCondition" in signals
    assert signals <= set(re.findall(r"\w+", " ".join(map(ast.unparse, handlers))))  # all are caught


def listed_files(docstring: str) -> set[str]:
    """The files that a docstring lists, one or several on a line, before what is said of them."""
    lines = [re.match(r"((?:\w+\.py,? +)+)\S", line) for line in docstring.splitlines()]
    listed = {name for found in lines if found for name in re.findall(r"\w+\.py", found[1])}
    return listed if len(listed) > 1 else set()


PACKAGES = {
    path.parent: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    for path in FILES
    if path not in MODULES
}
OF_EVERY_COMMAND = {"config.py", "command.py", "run.py", "report.py"}


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_a_docstring_that_lists_files_lists_all(folder: Path) -> None:
    listed, files = listed_files(PACKAGES[folder]), {path.name for path in MODULES if path.parent == folder}
    usual = {*OF_EVERY_COMMAND, "figures.py"} if folder.parent.name == "experiments" else set()
    assert not listed or files - usual <= listed <= files


def test_the_reading_order_leads_to_every_file_outside_of_commands() -> None:
    page = (ROOT / "docs" / "reading_order.md").read_text(encoding="utf-8")
    paths = page.partition("## From a command to its code")[0]
    named = {Path(name).name for name in re.findall(r"`([\w/]+\.py)`", paths)}
    for path in MODULES:
        if folder_of(module_of(path)) != "experiments":
            assert path.name in named | listed_files(PACKAGES[path.parent]), path
    assert named <= {path.name for path in FILES}


def test_every_command_has_the_usual_files() -> None:
    commands = {path.parent for path in FILES if is_of_a_command(path)}
    assert len(commands) > 20
    for folder in commands:
        assert {path.name for path in folder.glob("*.py")} >= OF_EVERY_COMMAND


def test_file_names_occur_once_but_for_commands() -> None:
    places = defaultdict(list)
    for path in MODULES:
        if not is_of_a_command(path):
            places[path.name].append(path)
    assert [found for found in places.values() if len(found) > 1] == []


def top_level_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_names_are_defined_once() -> None:
    places = defaultdict(list)
    for path in MODULES:
        for name in top_level_names(path) - SAME_IN_EVERY_COMMAND:
            places[name].append(str(path.relative_to(LIBRARY)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


# "Zhang et al. 2011", "Szekely & Rizzo (2013)", "Holm 1979"
SOURCE = re.compile(
    r"\b([A-Z][\w\-]+(?:,?\s+[A-Z][\w\-]+)*(?:\s+et\s+al\.|\s+(?:&|and)\s+[A-Z][\w\-]+)*),?\s+\(?((?:19|20)\d\d)\b"
)
CONFERENCES = {"ICLR", "NeurIPS", "CVPR"}


def sources_named(text: str) -> list[str]:
    """The sources that a text names, as the references are headed: "Szekely & Rizzo 2013".

    Left out are conferences, and the name of a method before the first author ("CCA, Bach & Jordan 2005").
    """
    named = []
    for match in SOURCE.finditer(re.sub(r"\s+", " ", text)):
        authors = re.sub(r"^(?:[A-Z]+,\s+)+", "", match[1]).replace(" and ", " & ")
        if not CONFERENCES.intersection(authors.split()):
            named.append(f"{authors} {match[2]}")
    return named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("see Holm 1979, and ICLR 2026", ["Holm 1979"]),
        ("Szekely and\nRizzo (2013)", ["Szekely & Rizzo 2013"]),
        ("(MAXVAR, Kettenring 1971; Zhang et al. 2011)", ["Kettenring 1971", "Zhang et al. 2011"]),
        ("Rumelhart, Hinton & Williams 1986", ["Rumelhart, Hinton & Williams 1986"]),
    ],
)
def test_sources_are_found(text: str, named: list[str]) -> None:
    assert sources_named(text) == named


def test_every_source_is_in_the_references() -> None:
    """With the same first author, the same others and the same year."""
    references = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^- \*\*([^*]+)\*\*", references, re.M))
    named = [source for path in MODULES for source in sources_named(path.read_text(encoding="utf-8"))]
    assert len(named) > 60
    assert sorted(set(named) - listed) == []


ALIASED = ast.Name | ast.Attribute | ast.Subscript | ast.BinOp
# Float, Bool, Shaped and so on: Float[Tensor, "n d"] names the axes
WITH_SHAPES = {
    name
    for name, thing in vars(jaxtyping).items()
    if isinstance(thing, type) and issubclass(thing, jaxtyping.AbstractDtype)
}
# Small steps of the layout, taken thousands of times a picture, over points in arrays of any shape.
WITHOUT_SHAPES = {"_coordinates", "_on_two_sides", "_turn"}


def annotations(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What a module annotates, each with the name of its function, class or alias: no local variables.

    An alias is a name at the top level of a module that stands for a type, such as `A = np.ndarray | None`.
    """
    for line in tree.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ALIASED):
            yield ast.unparse(line.targets[0]), line.value
        elif isinstance(line, ast.AnnAssign):
            yield from ((ast.unparse(line.target), hint) for hint in (line.annotation, line.value) if hint)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            given += [each for each in (node.args.vararg, node.args.kwarg) if each]
            hints = [each.annotation for each in given]
            yield from ((node.name, hint) for hint in (*hints, node.returns) if hint)
        elif isinstance(node, ast.ClassDef):
            yield from ((node.name, each.annotation) for each in node.body if isinstance(each, ast.AnnAssign))


def has_bare_array(hint: ast.AST) -> bool:
    """Whether a type names an array outside of brackets with a shape, such as Float[Tensor, "n d"]."""
    if isinstance(hint, ast.Subscript) and getattr(hint.value, "id", "") in WITH_SHAPES:
        return False
    if isinstance(hint, ast.Constant) and isinstance(hint.value, str):  # a type in quotation marks
        return re.search(r"\b(Tensor|ndarray)\b", hint.value) is not None
    name = hint.id if isinstance(hint, ast.Name) else hint.attr if isinstance(hint, ast.Attribute) else ""
    return name in ("Tensor", "ndarray") or any(map(has_bare_array, ast.iter_child_nodes(hint)))


@pytest.mark.parametrize(
    ("hint", "bare"),
    [
        ("dict[str, Tensor] | None", True),
        ("np.ndarray", True),
        ("Callable[[np.ndarray], int]", True),
        ("Union[np.ndarray, int]", True),
        ("'np.ndarray'", True),
        ('Float[torch.Tensor, "n d"] | None', False),
        ('Sequence[Int[np.ndarray, " n"]]', False),
        ("Sequence[int]", False),
    ],
)
def test_bare_arrays_are_found(hint: str, bare: bool) -> None:
    assert has_bare_array(ast.parse(hint, mode="eval").body) is bare


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("A = np.ndarray", True),
        ("A = np.ndarray | pd.DataFrame", True),
        ("A: TypeAlias = np.ndarray | None", True),
        ("A = Callable[[Tensor], int]", True),
        ("async def f(a: Tensor) -> None: ...", True),
        ('A = Shaped[np.ndarray, "n ..."] | pd.DataFrame', False),
        ("def f() -> None:\n    a: np.ndarray | None = None", False),
    ],
)
def test_bare_arrays_are_found_in_aliases_and_signatures(line: str, bare: bool) -> None:
    assert any(has_bare_array(hint) for _, hint in annotations(ast.parse(line))) is bare


def test_all_arrays_in_signatures_have_a_shape() -> None:
    bare = {
        f"{path.relative_to(LIBRARY)}: {name}"
        for path in MODULES
        for name, hint in annotations(ast.parse(path.read_text(encoding="utf-8")))
        if name not in WITHOUT_SHAPES and has_bare_array(hint)
    }
    assert bare == set()


def test_the_page_of_the_objective_names_what_there_is() -> None:
    page = (ROOT / "docs" / "objective.md").read_text(encoding="utf-8")
    numbers = re.findall(r"\\qquad \((\d)\) \$\$", page)
    assert numbers == re.findall(r"^    \((\d)\)  ", str(objective.__doc__), re.M)
    named = re.findall(r"`(\w+)`\s+in\s+`(personax/\S+\.py)`", page)
    assert len(named) > len(numbers)
    for function, file in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    config = CRLConfig()
    for option in re.findall(r"`model\.([\w.]+)`", page):
        attrgetter(option)(config)


def test_the_version_is_the_same_everywhere() -> None:
    assert version("personax") == personax.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    newest = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[0]
    assert personax.__version__.startswith(newest)
