import dataclasses
import math
from typing import Any

import pytest
import torch

import methods
from methods import METHODS, OBJECTIVES, SAMPLERS, WEIGHTINGS
from methods.base import Method, Rollout
from methods.fixed_weights import FixedWeights
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.samplers.ode import ODE
from tests.methods.stubs import make_batch, random_points, random_preferences
from tests.support.properties import assert_frozen


def test_points_rows_pick_every_field() -> None:
    points = random_points(4, 2, 3, random_preferences(4, 2))
    index = torch.tensor([5, 0, 5])
    picked = points.rows(index)
    assert len(points) == 8
    assert len(picked) == 3
    for name in ("rollout", "step", "sigma", "x", "target", "preferences"):
        assert torch.equal(getattr(picked, name), getattr(points, name)[index]), name
    assert torch.equal(picked.condition.index, points.condition.index[index])  # type: ignore[attr-defined]


def test_points_without_preferences_have_none_in_their_rows() -> None:
    assert random_points(4, 1, 3, None).rows(torch.tensor([1])).preferences is None


def test_values_are_frozen() -> None:
    batch = make_batch(torch.zeros(4, 3))
    assert batch.n_objectives == 3
    for value in (batch, batch.rollout, Rollout(torch.zeros(1), torch.zeros(1)), random_points(2, 1, 2, None)):
        assert_frozen(value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"anchor": -1e-9}, "anchor"),
        ({"anchor": math.inf}, "anchor"),
        ({"anchor": math.nan}, "anchor"),
        ({"budget_share": 0.0}, "budget_share"),
        ({"budget_share": 1.1}, "budget_share"),
        ({"budget_share": math.nan}, "budget_share"),
        ({"slots": 0}, "slots must be >= 1"),
        ({"preferences": None}, "slots must be 1 for a method without preferences, found 3"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(ParetoSlider(), **changes)


@pytest.mark.parametrize("part", ["objective", "weighting", "advantages", "preferences", "snapshots", "sampler"])
def test_a_part_of_another_kind_is_refused_by_name(part: str) -> None:
    with pytest.raises(TypeError, match=f"^{part} must be .*, found float"):
        dataclasses.replace(ParetoSlider(), **{part: 0.5})
    other = NFT() if part != "objective" else ODE()
    with pytest.raises(TypeError, match=f"^{part} must be "):
        dataclasses.replace(ParetoSlider(), **{part: other})


@pytest.mark.parametrize(("slots", "group_size"), [(3, 8), (5, 24), (24, 24), (3, 3), (1, 1)])
def test_slots_must_divide_the_group_and_leave_two_each(slots: int, group_size: int) -> None:
    with pytest.raises(ValueError, match=f"found {slots} slots for {group_size} rollouts"):
        ParetoSlider(slots=slots).validate(2, group_size)


@pytest.mark.parametrize(("slots", "group_size"), [(3, 24), (12, 24), (1, 2)])
def test_slots_that_fit_are_accepted(slots: int, group_size: int) -> None:
    ParetoSlider(slots=slots).validate(2, group_size)


@pytest.mark.parametrize("k", [2, 4])
def test_a_method_is_one_model_unless_it_says_otherwise(k: int) -> None:
    conditioned = ParetoSlider()
    (model,) = conditioned.models(k)
    assert model.method == conditioned
    assert model.preference is None
    plain = dataclasses.replace(FixedWeights(), anchor=0.5)
    (model,) = Method.models(plain, k)
    assert model.method == plain
    assert model.preference == (1 / k,) * k


@pytest.mark.parametrize(
    "table", [METHODS, OBJECTIVES, WEIGHTINGS, SAMPLERS], ids=["methods", "objectives", "weightings", "samplers"]
)
def test_the_tables_name_frozen_classes_of_this_package(table: dict[str, type]) -> None:
    assert table
    assert len(set(table.values())) == len(table)
    for name, kind in table.items():
        assert name == name.lower()
        assert kind.__module__.startswith(f"{methods.__name__}.")
        assert_frozen(kind())
