"""Methods to JSON and back, and changes of single fields by name."""

import json
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.records import UsageError
from benchmarks.settings import build, describe, field_paths, load_attribute, nearest, override
from methods import METHODS
from methods.base import Method
from methods.fixed_weights import FixedWeights
from methods.objectives.nft import NFT
from methods.pareto_slider import ParetoSlider
from methods.preferences import CornerMix, Dirichlet
from methods.samplers.ode import ODE
from methods.snapshots import LinearDecay, OnPolicy, SnapshotSchedule, WarmupAverage

BUNDLES: tuple[Method, ...] = (
    ParetoSlider(),
    ParetoSlider(preferences=Dirichlet(0.5), slots=2, sampler=ODE(), objective=NFT(beta=0.1)),
    FixedWeights(weights=(0.25, 0.75)),
    FixedWeights(snapshots=SnapshotSchedule(OnPolicy(), WarmupAverage(0.5)), budget_per_model=0.5),
    *(kind() for kind in METHODS.values()),  # type: ignore[call-arg]
)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: type(bundle).__name__)
def test_a_bundle_survives_json(bundle: Method) -> None:
    text = json.dumps(describe(bundle))
    again = build(json.loads(text))
    assert again == bundle
    assert type(again) is type(bundle)
    assert json.dumps(describe(again)) == text


def test_a_description_names_every_field_that_could_differ() -> None:
    described = describe(ParetoSlider())
    assert described["class"] == "methods.pareto_slider:ParetoSlider"
    assert set(described["fields"]) == set(vars(ParetoSlider()))
    assert described["fields"]["objective"]["fields"]["beta"] == 1.0


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("anchor", "0.5", {"anchor": 0.5}),
        ("anchor", "0", {"anchor": 0.0}),
        ("slots", "6", {"slots": 6}),
        ("objective.beta", "0.1", {"objective": NFT(beta=0.1)}),
        ("snapshots.old.rate", "0.002", {"snapshots": SnapshotSchedule(LinearDecay(rate=0.002))}),
        ("snapshots.evaluation.limit", "0.99", {"snapshots": SnapshotSchedule(evaluation=WarmupAverage(0.99))}),
        ("preferences.vertices", "0.25", {"preferences": CornerMix(vertices=0.25)}),
        ("sampler", '{"class": "methods.samplers.ode:ODE", "fields": {}}', {"sampler": ODE()}),
    ],
)
def test_one_field_is_changed_and_nothing_else(path: str, text: str, expected: dict[str, Any]) -> None:
    before = ParetoSlider()
    assert override(before, path, text, "pareto_slider") == replace(before, **expected)
    assert before == ParetoSlider()


@pytest.mark.parametrize(("text", "expected"), [("[0.25, 0.75]", (0.25, 0.75)), ("[1, 0]", (1.0, 0.0)), ("null", None)])
def test_vectors_and_nothing_can_be_set(text: str, expected: tuple[float, ...] | None) -> None:
    assert override(FixedWeights(), "weights", text, "fixed_weights").weights == expected


def test_a_part_can_be_left_out() -> None:
    assert override(FixedWeights(), "preferences", "null", "fixed_weights").preferences is None
    with pytest.raises(UsageError, match="sampler: expected"):
        override(FixedWeights(), "sampler", "null", "fixed_weights")


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("beta", "3", "pareto_slider has no field 'beta': did you mean objective.beta?"),
        ("anchr", "3", "pareto_slider has no field 'anchr': expected one of anchor, "),
        ("rate", "3", "did you mean snapshots.old.rate?"),
        ("limit", "3", "did you mean snapshots.old.limit or snapshots.evaluation.limit?"),
        ("objective.bata", "3", "pareto_slider.objective has no field 'bata': expected one of beta, "),
        ("anchor.x", "3", "pareto_slider.anchor has no fields, found 'anchor.x'"),
        ("anchor", "much", "pareto_slider.anchor: expected <class 'float'>, found 'much'"),
        ("anchor", "[1]", "pareto_slider.anchor: expected <class 'float'>, found '[1]'"),
        ("slots", "2.5", "pareto_slider.slots: expected <class 'int'>, found '2.5'"),
        ("slots", "null", "pareto_slider.slots: expected <class 'int'>, found 'null'"),
        ("anchor", "-1", "found -1.0"),
        ("anchor", "nan", "found nan"),
        ("anchor", "inf", "found inf"),
        ("budget_share", "0", "budget_share must be in (0, 1], found 0.0"),
        ("objective.beta", "0", "pareto_slider.objective.beta: NFT needs beta > 0"),
        ("objective", "5", 'pareto_slider.objective: expected {"class": "module:Class", "fields": {...}}'),
        ("objective", '{"class": "methods.snapshots:OnPolicy", "fields": {}}', "must be Objective, found OnPolicy"),
        ("objective", '{"class": "json:loads", "fields": {}}', "expected a dataclass, found json:loads"),
        ("objective", '{"class": "nowhere:NFT", "fields": {}}', "cannot import nowhere"),
        ("objective", '{"class": "methods.objectives.nft:NTF", "fields": {}}', "expected one of NFT, "),
        ("objective", '{"class": "methods.objectives.nft:NFT"}', "expected the keys class and fields, found ['class']"),
        ("objective", '{"class": 5, "fields": {}}', "expected class to be a text"),
        ("objective", '{"class": "methods.objectives.nft:NFT", "fields": []}', "fields an object"),
        (
            "objective",
            '{"class": "methods.objectives.nft:NFT", "fields": {"bate": 1}}',
            "NFT has no field 'bate', expected one of beta, ",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(path: str, text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        override(ParetoSlider(), path, text, "pareto_slider")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_build_names_the_place_of_a_fault() -> None:
    described = describe(ParetoSlider())
    described["fields"]["snapshots"]["fields"]["old"]["fields"]["rat"] = 1
    with pytest.raises(UsageError, match=r"method\.snapshots\.old: LinearDecay has no field .rat., expected"):
        build(described)


def test_build_refuses_values_that_the_class_refuses() -> None:
    described = describe(ParetoSlider())
    described["fields"]["slots"] = 0
    with pytest.raises(UsageError, match="method: slots must be >= 1, found 0"):
        build(described)


def test_field_paths_reach_into_the_parts() -> None:
    paths = field_paths(ParetoSlider())
    assert {"objective", "objective.beta", "snapshots.old.rate", "preferences.corners", "anchor"} <= set(paths)
    assert len(set(paths)) == len(paths)


def test_nearest_names_the_most_similar_first_and_all_of_them() -> None:
    assert nearest("paretoslider", ["marble", "fixed_weights", "pareto_slider"]).startswith(
        "expected one of pareto_slider, "
    )
    assert set(nearest("x", ["b", "a"]).removeprefix("expected one of ").split(", ")) == {"a", "b"}


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("plain", "suite: expected module:Name, found 'plain'"),
        (":NAME", "suite: expected module:Name, found ':NAME'"),
        ("module:", "suite: expected module:Name, found 'module:'"),
        ("no_such_module:NAME", "suite no_such_module:NAME: cannot import no_such_module"),
        (".relative:NAME", "suite .relative:NAME: cannot import .relative"),
        ("json:laods", "expected one of loads"),
    ],
)
def test_references_that_lead_nowhere_are_refused(reference: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_attribute(reference, "suite")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_references_may_be_nested() -> None:
    assert load_attribute("json:decoder.JSONDecodeError", "suite") is json.JSONDecodeError
