"""The house, measured: sizes, names, imports, mirrors, and what no committed file may hold."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import schema

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
TOP_LEVEL = {
    *(".ci", ".dockerignore", ".editorconfig", ".gitattributes", ".gitignore", "Dockerfile", "LICENSE", "Makefile"),
    *("README.md", "gateway", "pyproject.toml", "requirements.lock", "schema", "tests"),
}
EMPTY_WORDS = {"base", "common", "data", "helper", "helpers", "info", "manager", "misc", "util", "utils"}
# Published by others, kept as it came.
VENDORED = "gateway/static/graphiql/vendor/"
# Words of GES that the contract says otherwise. Outside these two rooms nobody needs to know them.
UPSTREAM_ROOMS = ("gateway/planes/", "gateway/demo/")
UPSTREAM_SPELLINGS = {
    *("partiallyFailed", "partFailed", "jobList", "job_list", "jobCount", "job_count", "jobDetail", "job_detail"),
    *("jobName", "job_name", "jobType", "job_type", "jobProgress", "job_progress", "jobId", "beginTime", "begin_time"),
    *("errorCode", "error_code", "errorMessage", "error_msg", "errCode", "externalMessage", "failReason"),
    *("fail_reason", "relatedGraph", "related_graph", "data_total_size", "data_return_size", "data_offset"),
    *("schemaPath", "schema_path", "edgesetPath", "edgeset_path", "vertexsetPath", "vertexset_path"),
    *("total_lines", "successful_lines", "failed_lines", "totalLines", "successfulLines", "failedLines"),
    *("traffic_ip_list", "private_ip", "public_ip", "enable_https", "enable_hyg", "enable_rbac", "canStop"),
}
# Brackets inside a pattern keep it from finding itself.
NOWHERE = {
    "a place packages come from": r"pypi[.]org|pythonhosted[.]org|npmjs[.]org|yarnpkg[.]com|deb[.]debian[.]org",
    "the address of one package": r"\"resolved\":|https?://\S+[.](whl|tgz|tar[.]gz)\b",
    "an option that names an index": r"--(extra-)?index-ur[l]|--find-link[s]",
    "a path of one machine": r"(?<![\w.-])/(work|home|Users|root(?!/[.]cache/pip))/\w|\.\./share[d]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KE[Y]",
    "something left for later": r"\b(TOD[O]|FIXM[E]|XX[X])\b",
}
NOWHERE_IN_TESTS = {
    "a test that may not run": r"pytest[.](mark[.])?(skip|xfail|importorskip)|unittest[.]skip",
    "waiting for real time": r"\btime[.]sleep\(|asyncio[.]sleep\((?!0\)|0[.]0)",
}


@cache
def committed() -> list[Path]:
    """List what is committed or about to be, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [Path(name) for name in names if (ROOT / name).is_file()]


def sources(*folders: str) -> Iterator[tuple[Path, str]]:
    """Give the Python files under some folders, with their text."""
    for path in committed():
        if path.suffix == ".py" and path.parts[0] in folders:
            yield path, (ROOT / path).read_text()


def nodes(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Give every syntax node of the Python files under some folders."""
    for path, text in sources(*folders):
        for node in ast.walk(ast.parse(text)):
            yield path, node


def matches(patterns: dict[str, str], paths: list[Path]) -> list[str]:
    """Find lines that hold what they must not."""
    compiled = {why: re.compile(pattern) for why, pattern in patterns.items()}
    found = []
    for path in paths:
        try:
            lines = (ROOT / path).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{number}: {why}"
            for number, line in enumerate(lines, 1)
            for why, pattern in compiled.items()
            if pattern.search(line)
        ]
    return found


def words(name: str) -> set[str]:
    """Split a name into its words, whichever way it is written."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def imports(*folders: str) -> Iterator[tuple[Path, int, str]]:
    """Give every imported module of the Python files under some folders."""
    for path, node in nodes(*folders):
        if isinstance(node, ast.ImportFrom):
            yield path, node.lineno, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((path, node.lineno, alias.name) for alias in node.names)


def test_no_file_is_longer_than_the_cap() -> None:
    """A longer one holds two concepts: split by concept, not by number."""
    lengths = {str(path): len(text.splitlines()) for path, text in sources("gateway", "schema")}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_the_cap() -> None:
    """One function decides, others obey."""
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, node in nodes("gateway", "schema", "tests")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    """One to five lines at the top: what it is responsible for, what it must not know. An indented drawing is free."""
    wrong = []
    for path, text in sources("gateway", "schema", "tests"):
        lines = (ast.get_docstring(ast.parse(text)) or "").splitlines()
        if not 1 <= len([line for line in lines if line and not line.startswith(" ")]) <= 5:
            wrong.append(str(path))
    assert wrong == []


def test_no_name_says_nothing() -> None:
    """A file, class or function is called by what it does."""
    files = [
        str(path) for path, _ in sources("gateway", "schema", "tests") if EMPTY_WORDS & set(path.with_suffix("").parts)
    ]
    definitions = [
        f"{path}:{node.lineno} {node.name}"
        for path, node in nodes("gateway", "schema", "tests")
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and words(node.name) & {"helper", "helpers", "manager", "misc", "util", "utils"}
    ]
    assert files + definitions == []


def test_upstream_spellings_stay_in_their_rooms() -> None:
    """A string that is a word of GES belongs to planes or to the sandbox; prose may mention it."""
    strays = [
        f"{path}:{node.lineno} {node.value}"
        for path, node in nodes("gateway", "schema")
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and not str(path).startswith(UPSTREAM_ROOMS)
        and (node.value in UPSTREAM_SPELLINGS or re.search(r"^\S*ges/v1\.0/\S*$|^GES\.\d{4}$", node.value))
    ]
    assert strays == []


def test_the_contract_imports_nothing_of_the_gateway() -> None:
    """schema/ is pure, even in what it imports for types only."""
    assert [f"{path}:{line}" for path, line, name in imports("schema") if name.split(".")[0] == "gateway"] == []


def test_a_module_is_imported_by_its_own_name() -> None:
    """`from gateway import x` hides which room is entered; only the version lives in the package itself."""
    hidden = [
        f"{path}:{node.lineno}"
        for path, node in nodes("gateway")
        if isinstance(node, ast.ImportFrom)
        and node.module == "gateway"
        and [alias.name for alias in node.names] != ["VERSION"]
    ]
    assert hidden == []


def test_every_room_has_its_layer() -> None:
    """A module that the import contract does not name would be free to import anything."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    named = set(re.findall(r"gateway\.(\w+)", " ".join(layers)))
    rooms = {path.with_suffix("").parts[1] for path, _ in sources("gateway")} - {"__init__"}
    assert rooms - named == set()


def test_the_environment_is_read_in_one_place() -> None:
    """Settings are built once, in __main__, and passed on."""
    readers = [
        f"{path}:{node.lineno}"
        for path, node in nodes("gateway", "schema")
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv"}
        and path != Path("gateway/__main__.py")
    ]
    assert readers == []


def test_the_package_schema_is_ours() -> None:
    """A package of that name on the index would otherwise be taken for it."""
    assert Path(schema.__file__ or "").parent == ROOT / "schema"


def test_every_unit_test_mirrors_a_module() -> None:
    """tests/unit/gateway/planes/test_service.py is about gateway/planes/service.py."""
    orphans = []
    for path in committed():
        if path.parts[:2] == ("tests", "unit") and path.match("test_*.py"):
            folder, name = Path(*path.parts[2:-1]), path.stem.removeprefix("test_")
            subjects = [folder / f"{name}.py", folder / f"__{name}__.py", folder / name / "__init__.py"]
            if not any((ROOT / subject).exists() for subject in subjects):
                orphans.append(str(path))
    assert orphans == []


def test_the_top_of_the_repository_holds_what_belongs_there() -> None:
    """Everything else has a room."""
    assert {path.parts[0] for path in committed()} - TOP_LEVEL == set()


def test_no_file_holds_what_belongs_nowhere() -> None:
    """Addresses of registries, paths of machines, keys, promises."""
    assert matches(NOWHERE, [path for path in committed() if not str(path).startswith(VENDORED)]) == []


def test_every_test_runs_and_none_waits() -> None:
    """A skipped test proves nothing; a sleeping one proves it slowly. Benchmarks test nothing, and measure time."""
    tests = [path for path in committed() if path.parts[0] == "tests" and path.suffix == ".py"]
    tests = [path for path in tests if path.parts[1] != "benchmarks" and path.name != "test_house.py"]
    assert matches(NOWHERE_IN_TESTS, tests) == []


def test_an_exclusion_from_coverage_gives_its_reason() -> None:
    """`# pragma: no cover -- why`."""
    bare = {"an exclusion without a reason": r"pragma: no (cover|branch)(?! -- \w)"}
    assert matches(bare, [path for path, _ in sources("gateway", "schema")]) == []
