"""The catalog: names, sources, experiments that resolve, and committed records that are what claims ask for."""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from analysis.claims.base import Claim, Experiment
from analysis.claims.catalog import CLAIMS, claim_by_key, paper_numbers
from analysis.claims.evidence import Evidence
from analysis.claims.exact import STUDY, ClosestShare, LargestRatio, LeftoverNoise, MissingVariance, Order, SpeedRatio
from analysis.claims.judging import judge
from analysis.papers.tables import PAPERS, table
from benchmarks.planner import resolve
from benchmarks.records import RecordError, UsageError
from benchmarks.run import Run, stored_status
from flowfront.claims import request_of

REFERENCE = Path(__file__).parents[3] / "results" / "reference"
EXPERIMENTS = sorted({one for claim in CLAIMS for one in claim.experiments}, key=lambda one: one.command())


def key_of(claim: Claim) -> str:
    return claim.key


@cache
def runs_of(experiment: Experiment) -> list[Run]:
    return resolve(request_of(experiment, REFERENCE))


def test_names_are_unique_and_can_be_typed() -> None:
    keys = [claim.key for claim in CLAIMS]
    assert len(set(keys)) == len(keys)
    assert all(key.replace("-", "").isalnum() and key.islower() for key in keys)
    assert claim_by_key(keys[3]) is CLAIMS[3]
    with pytest.raises(UsageError, match="no claim 'marble-sum-conflict': expected one of marble-sum-conflicts, "):
        claim_by_key("marble-sum-conflict")


@pytest.mark.parametrize("claim", CLAIMS, ids=key_of)
def test_sources_and_numbers_exist(claim: Claim) -> None:
    assert claim.paper in PAPERS
    assert table(claim.paper, claim.source).numbers
    assert paper_numbers(claim)
    assert claim.statement.endswith((".", ")."))


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: f"{one.suite} {one.folder} {one.methods[0]}")
def test_experiments_resolve_and_committed_records_are_theirs(experiment: Experiment) -> None:
    runs = runs_of(experiment)
    assert len(runs) == len(experiment.seeds) * len(experiment.methods)
    for run in runs:
        # Raises where a folder holds a run with other settings.
        assert stored_status(run) in ("new", "done")


def test_a_folder_holds_one_experiment() -> None:
    changes: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for one in EXPERIMENTS:
        for method in one.methods:
            changes[one.folder, one.suite, one.benchmark, method].add(one.changes)
    assert all(len(found) == 1 for found in changes.values())


@pytest.mark.parametrize("claim", [claim for claim in CLAIMS if claim.arms], ids=key_of)
def test_toy_claims_have_five_seeds_and_real_ones_real_suites(claim: Claim) -> None:
    for one in claim.experiments:
        assert one.suite.startswith("sd35-") == claim.at_real_scale
        assert len(one.seeds) >= (5 if one.suite in ("toy", "sampler-study") else 3)


def test_variants_differ_from_what_they_vary() -> None:
    # Two folders of one setting would compare a method with itself.
    folders: dict[str, set[str]] = {}
    for one in EXPERIMENTS:
        if not one.suite.startswith("sd35-"):
            for run in runs_of(one):
                folders.setdefault(json.dumps(run.settings(), sort_keys=True), set()).add(one.folder)
    assert all(len(found) == 1 for found in folders.values())


def test_everything_exact_is_decided_by_the_committed_study() -> None:
    evidence = Evidence((REFERENCE,))
    exact = (ClosestShare, LargestRatio, LeftoverNoise, MissingVariance, Order, SpeedRatio)
    decided = {claim.key: judge(claim, evidence).verdict for claim in CLAIMS if isinstance(claim.statistic, exact)}
    assert decided == {
        "marble-speed-amortized": "supported",
        "marble-speed-every-step": "supported",
        "sde-excess-noise": "supported",
        "precise-no-excess-noise": "supported",
        "cps-does-not-converge": "supported",
        "precise-first-order": "supported",
        "precise-robust": "supported",
        "precise-closest": "not supported",
    }


def test_closed_forms_of_the_samplers() -> None:
    evidence = Evidence((REFERENCE,))
    # cos^2(eta pi / 4) of the variance is left under CPS, and 0.228 is what Euler steps leave (closed forms).
    (missing,) = MissingVariance("cps", (1.0,))(evidence)
    assert missing.mean == pytest.approx(0.5, abs=1e-3)
    (left,) = LeftoverNoise(("flow_sde",))(evidence)
    assert left.mean == pytest.approx(0.228, abs=5e-4)
    with pytest.raises(RecordError, match=r"expected cps at eta 0\.05, found none"):
        MissingVariance("cps", (0.05,))(evidence)
    with pytest.raises(RecordError, match=f"expected {STUDY.path} in nowhere, found none"):
        LeftoverNoise(("flow_sde",))(Evidence((Path("nowhere"),)))
    with pytest.raises(RecordError, match=r"speed\.json: expected 'nothing', found MARBLE"):
        SpeedRatio(("nothing",))(evidence)
