"""Trees of synthetic records for the tests of `analysis`."""

from pathlib import Path

import pytest

from analysis.summary import Summary, summarize
from tests.analysis.synthetic_records import GRADIENT_RECIPES, RECIPES, TASKS, write_tree


@pytest.fixture(scope="session")
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole suite, 4 benchmarks x 3 methods x 3 seeds; tests must not write into it, except the report."""
    return write_tree(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="session")
def suite_summary(suite_folder: Path) -> Summary:
    """The summary of that suite, made once: reading it takes most of a test's time."""
    return summarize(suite_folder)


@pytest.fixture(scope="session")
def gradient_summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """Two and three rewards, methods with and without measured gradients, 3 seeds."""
    return summarize(write_tree(tmp_path_factory.mktemp("gradients"), (TASKS[0], TASKS[2]), GRADIENT_RECIPES))


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """One benchmark, two methods, two seeds; a test may damage it."""
    return write_tree(tmp_path, TASKS[:1], (RECIPES[0], RECIPES[2]), (0, 1))
