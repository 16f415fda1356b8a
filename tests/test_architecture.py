"""The house keeps its rules: who imports whom, no state in modules, nothing too long, and it runs from its checkout."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("analysis", "benchmarks", "flowfront", "methods")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ALL_PYTHON = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))]
OURS_ALLOWED = {
    "methods": ("methods",),
    "benchmarks": ("benchmarks", "methods"),
    "analysis": ("analysis", "benchmarks.records"),
    "flowfront": PACKAGES,
}
FOREIGN_ALLOWED = {"methods": {"torch", "numpy", "scipy"}}
FOREIGN_FORBIDDEN = {"analysis": {"torch", "diffusers", "transformers"}}
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "defaultdict", "OrderedDict", "Counter", "deque"}
LITERAL_TABLE = re.compile(r"^[A-Z][A-Z_]*$|^__all__$|^_[A-Z][A-Z_]*$")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_run_one_way(path: Path) -> None:
    package = relative(path).split("/")[0]
    for name in imported(ast.parse(path.read_text())):
        top = name.split(".")[0]
        if top in PACKAGES:
            assert any(inside(name, prefix) for prefix in OURS_ALLOWED[package]), f"{relative(path)} imports {name}"
        elif top not in sys.stdlib_module_names:
            assert top in FOREIGN_ALLOWED.get(package, {top}), f"{relative(path)} imports {name}"
            assert top not in FOREIGN_FORBIDDEN.get(package, set()), f"{relative(path)} imports {name}"


def mutable_state(tree: ast.Module) -> Iterator[str]:
    # Tables in capitals are constants by convention; anything else that can change, or `global`, is state.
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        literal = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)
        called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in MUTABLE_CALLS
        for target in targets:
            if (literal or called) and not (isinstance(target, ast.Name) and LITERAL_TABLE.match(target.id)):
                yield ast.unparse(target)
    yield from (f"global {', '.join(n.names)}" for n in ast.walk(tree) if isinstance(n, ast.Global))


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_modules_hold_no_state(path: Path) -> None:
    assert list(mutable_state(ast.parse(path.read_text()))) == []


def test_state_is_recognized() -> None:
    found = list(
        mutable_state(ast.parse("cache = {}\nseen: set[int] = set()\nTABLE = {'a': 1}\ndef f():\n    global x\n"))
    )
    assert found == ["cache", "seen", "global x"]


@pytest.mark.parametrize("path", ALL_PYTHON, ids=relative)
def test_nothing_is_too_long(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{node.name} in {relative(path)}"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_defaults_are_guessed_and_nothing_is_unpickled(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert not (node.func.id == "getattr" and len(node.args) > 2), "getattr with a default hides a misspelling"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, "a bare except hides faults"
    assert not {"pickle", "torch.load", "joblib"} & set(imported(ast.parse(path.read_text())))
    assert "torch.load(" not in path.read_text()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_come_from_this_checkout(package: str) -> None:
    # The names are generic on purpose; another package of that name must not be what runs.
    found = importlib.import_module(package).__file__
    assert found is not None
    assert Path(found).resolve().is_relative_to(ROOT)


def test_report_and_help_need_no_torch() -> None:
    code = "import sys, analysis.report, flowfront.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
