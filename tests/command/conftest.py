"""The command in this process, in a folder of its own, and records that it made with real worker processes."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowfront.cli import main
from tests.support.records import Answer, Command

MODULE = """
from dataclasses import dataclass

from methods.fixed_weights import FixedWeights
from tests.support.suites import faulty_suite, tiny_benchmark, tiny_suite

TINY = tiny_suite(tiny_benchmark(), tiny_benchmark("second", steps=4))
FAULTY = faulty_suite()
NUMBER = 3


@dataclass(frozen=True, kw_only=True)
class TwoModels(FixedWeights):
    \"\"\"Two models, from outside of the project.\"\"\"

    n_models: int = 2
"""


def call(words: tuple[object, ...]) -> int:
    """Call `flowfront` with words and return its exit code."""
    before = sys.argv
    sys.argv = ["flowfront", *map(str, words)]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.argv = before
    return 0


def forget_modules_of(folder: Path) -> None:
    """Forget what was imported from a folder, so that the next test's module of that name is read."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory: empty but for a module of suites."""
    (tmp_path / "outside_suites.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # worker processes too
    yield tmp_path
    forget_modules_of(tmp_path)


@pytest.fixture
def command(here: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call `flowfront` with words and get its answer."""

    def answer(*words: object) -> Answer:
        capsys.readouterr()
        code = call(words)
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return answer


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of records of the tiny suite, by `run --jobs 2`, and the command's exit code; read only."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "outside_suites.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", list(sys.path))
        methods = ("--method", "pareto_slider", "--method", "outside_suites:TwoModels")
        code = call(("run", "outside_suites:TINY", *methods, "--out", "results", "--jobs", 2))
    forget_modules_of(folder)
    return folder / "results", code


@pytest.fixture
def records(here: Path, made: tuple[Path, int]) -> Path:
    """A copy of those records, which a test may damage."""
    shutil.copytree(made[0], here / "results")
    return here / "results"
