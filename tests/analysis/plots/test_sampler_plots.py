"""The two pictures of the sampler study."""

from pathlib import Path

import pytest

from analysis.plots import drawing, render
from analysis.plots.samplers import CASES, PALETTE, error_figure, reward_figure
from analysis.sampler_curves import Curve, Kind
from analysis.samplers import SamplerStudy
from analysis.statistics import interval
from benchmarks.records import read_table
from benchmarks.studies.samplers import Study, sampler_study

SMALL = Study((0.3, 0.7), (1.0, 3.0), (6, 10, 1000, 2000), (0.0, 0.01, 1.0), (6, 10))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> SamplerStudy:
    exact = read_table(sampler_study(tmp_path_factory.mktemp("study"), SMALL))
    kinds = [Kind("flow_sde", 0.7), Kind("cps", 0.7), Kind("precise", 1.5), Kind("precise", 0.7), Kind("mine", 1.0)]
    return SamplerStudy(exact, {kind: curve(kind.label, 3, 0.1 * i) for i, kind in enumerate(kinds)})


def curve(name: str, seeds: int, gain: float) -> Curve:
    rewards = [
        interval({seed: 0.5 + gain * share + 0.001 * seed for seed in range(seeds)}) for share in (0.0, 0.5, 1.0)
    ]
    return Curve(name, (0, 10, 20), (0.0, 1e5, 2e5), tuple(rewards))


def test_errors_have_a_row_a_case_and_a_line_a_sampler_with_an_error(study: SamplerStudy) -> None:
    with drawing():
        figure = error_figure(study)
        assert render(figure).startswith(b"\x89PNG")
    assert len(figure.axes) == 2 * len(CASES)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[::2] == [case.title for case in CASES]
    named = [line.get_label() for line in figure.axes[0].get_lines()]
    assert named == [kind.label for kind in study.kinds]
    dirac = figure.axes[4]
    assert [line.get_label() for line in dirac.get_lines()] == ["flow_sde 0.7", "dance_sde 0.3"]
    (text,) = [text.get_text() for text in dirac.texts]
    assert all(name in text for name in ("ode", "dpm2", "cps", "precise", "dance_precise"))
    assert all(axes.get_yscale() == "log" for axes in figure.axes)


def test_rewards_have_a_line_and_a_band_a_sampler(study: SamplerStudy) -> None:
    with drawing():
        figure = reward_figure(study)
        assert figure is not None
        render(figure)
    reward, shortfall = figure.axes
    labels = [line.get_label() for line in reward.get_lines() if not str(line.get_label()).startswith("_")]
    assert sorted(map(str, labels)) == sorted(kind.label for kind in study.curves)
    assert len(reward.collections) == len(study.curves)
    assert shortfall.get_yscale() == "log"
    assert [text.get_text() for text in shortfall.texts] == ["end of cps 0.7"]


def test_one_seed_has_no_band_and_no_training_no_picture(study: SamplerStudy) -> None:
    with drawing():
        figure = reward_figure(SamplerStudy(study.exact, {Kind("precise", 1.5): curve("one", 1, 0.3)}))
        assert figure is not None
        assert len(figure.axes[0].collections) == 0
        assert reward_figure(SamplerStudy(study.exact, {})) is None


def test_samplers_have_colors_of_their_own() -> None:
    assert len(set(PALETTE.values())) == len(PALETTE)


def test_pictures_are_the_same_bytes_again(study: SamplerStudy, tmp_path: Path) -> None:
    with drawing():
        assert render(error_figure(study)) == render(error_figure(study))
