"""Runs that several test files look at."""

from collections.abc import Mapping

import pytest

from benchmarks.execute import execute
from benchmarks.run import Run
from tests.support.suites import (
    tiny_benchmark,
    tiny_run,
)

OFTEN = tiny_benchmark(checkpoint_seconds=0.0)
NAMES = ("pareto_slider", "fixed_weights")
methods = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    """One run of each method that was never cut; read only."""
    runs = {name: tiny_run(tmp_path_factory.mktemp(name), name, benchmark=OFTEN) for name in NAMES}
    for run in runs.values():
        execute(run)
    return runs
