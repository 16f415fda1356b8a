"""What is known of a single run."""

from pathlib import Path

import pytest

from analysis.quantities import quantities_of
from analysis.reading import read_suite
from analysis.yardstick import best_known_set, yardstick_of
from tests.analysis.synthetic_records import RECIPES, Task, write_synthetic_run


def test_names_follow_from_what_is_known(tmp_path: Path) -> None:
    write_synthetic_run(tmp_path, Task("open", 2, known_front=False), RECIPES[0], 0)
    one = read_suite(tmp_path)[0][0]
    yardstick = yardstick_of(one.run.record.benchmark)
    targets, _ = best_known_set(yardstick, list(one.fronts.values()))
    found = quantities_of(one, one.trained[-1], yardstick, targets)
    assert list(found) == [
        "hypervolume",
        "igd_plus",
        "epsilon_plus",
        "expected_utility",
        "gain_r0",
        "gain_r1",
        "balanced_gain_r0",
        "balanced_gain_r1",
        "worst_gain",
        "velocity_evaluations",
        "velocity_evaluations_per_model",
        "reward_calls",
        "seconds",
    ]


def test_gains_are_means_over_the_points_minus_the_base(tmp_path: Path) -> None:
    write_synthetic_run(tmp_path, Task("costs", 2, minimized=(1,)), RECIPES[0], 0)
    one = read_suite(tmp_path)[0][0]
    yardstick = yardstick_of(one.run.record.benchmark)
    targets, _ = best_known_set(yardstick, [])
    last = one.trained[-1]
    found = quantities_of(one, last, yardstick, targets)
    means = one.fronts[last.step].points.mean(axis=0)
    assert found["gain_r0"] == pytest.approx(means[0] - 0.75, abs=1e-12)
    assert found["gain_r1"] == pytest.approx(means[1] - 0.75, abs=1e-12)
