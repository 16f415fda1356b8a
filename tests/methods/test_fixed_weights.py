import math
from typing import Any

import pytest

from methods.advantages import GroupNormalized
from methods.fixed_weights import FixedWeights
from methods.preferences import CornerMix
from methods.weightings.fixed import FixedWeighting
from methods.weightings.preference import PreferenceWeighting
from tests.support.oracles import naive_lattice


@pytest.mark.parametrize(("k", "divisions", "added"), [(2, 4, 0), (3, 2, 1), (3, 3, 0), (5, 1, 1)])
def test_models_are_the_coarsest_lattice_with_five_points_and_its_center(k: int, divisions: int, added: int) -> None:
    models = FixedWeights(n_models=7 if divisions == 3 else 5).models(k)
    weights = [model.preference for model in models]
    on_lattice = weights[: len(weights) - added]
    assert {tuple(round(w * divisions) for w in vector or ()) for vector in on_lattice} == naive_lattice(k, divisions)
    assert len(set(weights)) == len(models) >= 5
    assert any(vector == pytest.approx([1 / k] * k) for vector in weights)
    for model in models:
        assert isinstance(model.method, FixedWeights)
        assert model.method.weighting == FixedWeighting(model.preference)
        assert model.method.weights == model.preference
        assert sum(model.preference or ()) == pytest.approx(1)


@pytest.mark.parametrize("n_models", [1, 3, 8])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_models_share_one_budget(n_models: int, share: float) -> None:
    models = FixedWeights(n_models=n_models, budget_share=share).models(2)
    assert math.fsum(model.method.budget_share for model in models) == pytest.approx(share)
    assert len({model.method.budget_share for model in models}) == 1


def test_budget_per_model_is_given_to_each() -> None:
    models = FixedWeights(budget_per_model=0.7).models(3)
    assert [model.method.budget_share for model in models] == [0.7] * 7


def test_models_of_a_model_are_itself() -> None:
    for model in FixedWeights(anchor=0.3).models(3):
        (again,) = model.method.models(3)
        assert again == model


def test_given_weights_make_one_model_with_everything_else_kept() -> None:
    method = FixedWeights(weights=(0.3, 0.7), anchor=0.3, advantages=GroupNormalized(over_batch=True))
    (model,) = method.models(2)
    assert model.preference == (0.3, 0.7)
    assert model.method.weighting == FixedWeighting((0.3, 0.7))
    assert (model.method.anchor, model.method.advantages) == (0.3, GroupNormalized(over_batch=True))
    assert model.method.budget_share == 1


def test_one_reward_has_one_model() -> None:
    (model,) = FixedWeights().models(1)
    assert model.preference == (1.0,)
    model.method.validate(1, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_models": 0}, "n_models"),
        ({"budget_per_model": 0.0}, "budget_per_model"),
        ({"budget_per_model": 1.5}, "budget_per_model"),
        ({"weights": (0.5, 0.6)}, "weights must"),
        ({"slots": 2}, "slots must be 1"),
        ({"anchor": -1.0}, "anchor"),
        ({"weighting": FixedWeighting((0.3, 0.7))}, "weighting follows from weights"),
        ({"weighting": PreferenceWeighting()}, "weighting follows from weights"),
        ({"preferences": CornerMix()}, "preferences must be None"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FixedWeights(**changes)


def test_weights_must_fit_the_rewards_and_a_group_hold_two() -> None:
    with pytest.raises(ValueError, match="weights must have 3 entries"):
        FixedWeights(weights=(0.3, 0.7)).validate(3, 8)
    with pytest.raises(ValueError, match="at least 2 rollouts"):
        FixedWeights().validate(2, 1)
    FixedWeights(weights=(0.3, 0.7)).validate(2, 2)
