"""Changes in words: what they change, what follows from them, and the one line where they do not fit."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.base import Benchmark
from benchmarks.changes import changed_benchmarks, changed_methods, expanded
from benchmarks.pictures import Gallery
from benchmarks.records import UsageError
from benchmarks.rewards.hps import HPSv21
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.mean import Mean, Part
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.remote import RemoteReward
from benchmarks.suites.toy import TOY, TWO_TARGETS
from methods.base import Method
from tests.support.families import Channel

SOURCES = Path("edits")
PROMPTS = ("one", "two", "three", "four")
METHODS_OF_RUN: dict[str, Method] = {name: TOY.methods[name] for name in ("pareto_slider", "fixed_weights")}


@dataclass(frozen=True)
class Spec:
    """A backbone that is only described."""

    path: str = "here"
    sources: Path = SOURCES
    inner: Channel = field(default_factory=lambda: Channel(0, "inner"))

    def build(self, n_objectives: int, seed: int) -> Any:
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        return {"path": self.path}


def benchmark(**changes: Any) -> Benchmark:
    lpips = IsolatedReward("python", "m:C", "lpips", "1", where={"folder": str(SOURCES)}, higher_is_better=False)
    kept = Mean((Part(lpips, scale=-1.0), Part(Preservation(SOURCES))), "kept")
    content: dict[str, Any] = {
        **vars(TWO_TARGETS), "backbone": Spec(), "prompts": PROMPTS,
        "rewards": (Channel(0, "red"), HPSv21(Path("hps"), name="hps_v2.1")), "held_out": (Channel(1, "green"), kept),
        "recipe": replace(TWO_TARGETS.recipe, prompts_per_step=2), "gallery": Gallery(("two", "four"), 2),
    }  # fmt: skip
    return Benchmark(**{**content, **changes})


def changed(*changes: str, own: Benchmark | None = None) -> Any:
    return changed_benchmarks([own or benchmark()], changes, METHODS_OF_RUN)[0]


def test_nothing_changes_without_words() -> None:
    assert changed().benchmark == benchmark()
    assert changed().changes == ()
    assert changed(own=TWO_TARGETS).benchmark == TWO_TARGETS


def test_every_part_is_reached_by_its_name() -> None:
    found = changed(
        "backbone.path=there", "backbone.inner.index=2", "evaluation.samples=3", "recipe.group_size=12",
        "hps_v2.1.model=there/hps", "green.index=2", "pareto_slider.anchor=0.5", "benchmark.reference_point=[-1, 0]",
        "benchmark.bounds=[[0, 1], [0, 2]]",
    )  # fmt: skip
    assert found.benchmark.backbone == Spec("there", inner=Channel(2, "inner"))
    assert found.benchmark.evaluation.samples == 3
    assert found.benchmark.recipe.group_size == 12
    assert found.benchmark.rewards[1].model == "there/hps"
    assert found.benchmark.held_out[0].index == 2
    assert found.benchmark.reference_point == (-1, 0)
    assert found.benchmark.bounds == ((0, 1), (0, 2))
    assert len(found.changes) == 7
    assert not any(text.startswith(("recipe", "pareto_slider")) for text in found.changes)


def test_methods_are_changed_and_nothing_else() -> None:
    found = changed_methods(METHODS_OF_RUN, ("pareto_slider.anchor=0.5", "recipe.group_size=12", "red.index=1"))
    assert found["pareto_slider"].anchor == 0.5
    assert found["fixed_weights"] is METHODS_OF_RUN["fixed_weights"]


def test_a_reward_is_put_elsewhere_under_its_name() -> None:
    fields = {"url": "http://gpu:9000", "version": "1"}
    text = json.dumps({"class": "benchmarks.rewards.remote:RemoteReward", "fields": fields})
    found = changed(f"hps_v2.1={text}").benchmark.rewards[1]
    assert found == RemoteReward("http://gpu:9000", "hps_v2.1", "1")
    moved = changed(f"hps_v2.1={text}", "hps_v2.1.version=2").benchmark.rewards[1]
    assert moved.version == "2"


def test_json_objects_and_paths_reach_fields_that_want_them() -> None:
    fields = {"python": "p", "factory": "m:C", "version": "1", "arguments": {"a": 1}, "folder": "away"}
    text = json.dumps({"class": "benchmarks.rewards.isolated:IsolatedReward", "fields": fields})
    found = changed(f"red={text}", 'red.where={"b": "c"}').benchmark.rewards[0]
    assert found == IsolatedReward("p", "m:C", "red", "1", arguments={"a": 1}, where={"b": "c"}, folder=Path("away"))


def test_the_last_word_counts_and_files_speak_first(tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text("# places\nbackbone.path=file\n\n  evaluation.samples=5\n")
    words = ("backbone.path=line", f"@{tmp_path / 'settings.txt'}")
    assert expanded(words) == ["backbone.path=file", "evaluation.samples=5", "backbone.path=line"]
    found = changed(*words)
    assert found.benchmark.backbone.path == "line"
    assert found.changes == tuple(expanded(words))


def test_prompts_come_from_files_and_join_the_own_ones(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("five\none\n")
    found = changed(f"benchmark.prompts={path}", "benchmark.n_prompts=2").benchmark
    assert found.prompts == ("five", "one") == found.evaluated
    both = changed(f'benchmark.prompts=["default", "{path}"]').benchmark
    assert both.prompts == (*PROMPTS, "five")
    assert changed(f"benchmark.evaluation_prompts={path}").benchmark.evaluated == ("five", "one")


def test_the_order_of_count_and_file_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("a\nb\nc\n")
    words = (f"benchmark.prompts={path}", "benchmark.n_prompts=2", "recipe.prompts_per_step=1")
    assert changed(*words).benchmark == changed(*words[::-1]).benchmark


def test_parts_need_to_fit_only_when_all_have_changed() -> None:
    own = benchmark(recipe=replace(TWO_TARGETS.recipe, prompts_per_step=4))
    assert len(changed("benchmark.n_prompts=2", "recipe.prompts_per_step=2", own=own).benchmark.prompts) == 2
    with pytest.raises(UsageError, match=r"expected prompts_per_step in 1\.\.2, found 4"):
        changed("benchmark.n_prompts=2", own=own)


def test_the_gallery_follows_prompts_and_samples() -> None:
    assert changed("benchmark.n_evaluation_prompts=2").benchmark.gallery == Gallery(("one", "two"), 2)
    assert changed("evaluation.samples=1").benchmark.gallery == Gallery(("two", "four"), 1)
    assert changed("backbone.path=there").benchmark.gallery == benchmark().gallery


def test_held_out_rewards_are_kept_by_name() -> None:
    assert changed("benchmark.held_out=[]").benchmark.held_out == ()
    assert [reward.name for reward in changed('benchmark.held_out=["kept"]').benchmark.held_out] == ["kept"]


def test_what_reads_the_sources_follows_them_however_deep() -> None:
    after = Path("mine")
    mean = changed("backbone.sources=mine").benchmark.held_out[1]
    assert mean.parts[0].reward.where == {"folder": "mine"}
    assert mean.parts[1].reward.folder == after
    assert changed("backbone.path=there").benchmark.held_out == benchmark().held_out


@pytest.mark.parametrize(
    ("change", "front", "hypervolume"),
    [
        ("evaluation.samples=3", True, True),
        ("benchmark.held_out=[]", True, True),
        ("benchmark.reference_point=[-9, -9]", True, False),
        ("benchmark.n_evaluation_prompts=4", False, False),
        ("backbone.std=0.2", False, False),
        ("first.scale=2.0", False, False),
    ],
)
def test_a_true_front_is_known_only_of_what_it_was_derived_for(change: str, front: bool, hypervolume: bool) -> None:
    found = changed(change, own=TWO_TARGETS).benchmark
    assert found.fingerprint != TWO_TARGETS.fingerprint
    assert (found.true_front is not None, found.true_hypervolume is not None) == (front, hypervolume)
    assert (found.tilted_optimum is not None) == front


def test_a_budget_in_steps_pays_for_every_model() -> None:
    from benchmarks.train import steps_within

    found = changed("budget.steps=3").benchmark
    steps = [
        steps_within(found, model.method, model.method.budget_share)
        for method in METHODS_OF_RUN.values()
        for model in method.models(2)
    ]
    assert min(steps) == 3
    assert changed("budget.steps=3", "budget.velocity_evaluations=77").benchmark.budget.velocity_evaluations == 77


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("rad.index=1", "--set: no 'rad' in this run: expected one of red, "),
        ("hps_v2.2.model=x", "--set: no 'hps_v2' in this run: expected one of hps_v2.1, "),
        ("red", "--set: expected name.field=value, found 'red'"),
        ("red=1", "--set: expected name.field=value, found 'red=1'"),
        ("benchmark={}", "--set: expected name.field=value"),
        ("recipe={}", "--set: expected name.field=value"),
        ("red.indx=1", "red has no field 'indx': expected one of index, "),
        ("red.name=blue", "red: expected the reward to keep its name, found 'blue'"),
        ('red={"class": "tests.support.families:Channel", "fields": {"name": "x", "index": 1}}', "keep its name"),
        ('red={"class": "methods.snapshots:OnPolicy", "fields": {}}', "red: expected a reward, found OnPolicy, which"),
        ('red={"class": "nowhere:Reward", "fields": {}}', "red nowhere:Reward: cannot import nowhere"),
        ("backbone.pth=x", "backbone has no field 'pth': expected one of path, "),
        ('backbone={"class": "methods.snapshots:OnPolicy", "fields": {}}', "backbone: expected a class of that kind"),
        (
            'evaluation={"class": "methods.snapshots:OnPolicy", "fields": {}}',
            "evaluation: expected a class of that kind",
        ),
        ("evaluation.samples=many", "evaluation.samples: expected <class 'int'>, found 'many'"),
        ("benchmark.prompt=x", "benchmark has no field 'prompt' to set: expected one of prompts, "),
        ("benchmark.prompts=missing.txt", "prompts missing.txt: expected a file, found none"),
        ("benchmark.prompts=[1]", "benchmark.prompts: expected a file or a list of files, found '[1]'"),
        ("benchmark.n_prompts=9", "benchmark.n_prompts: expected at most the 4 there are, found 9"),
        ("benchmark.n_prompts=0", "benchmark.n_prompts: expected at least 1, found 0"),
        ("benchmark.held_out=[gren]", "benchmark.held_out: expected tuple"),
        ('benchmark.held_out=["gren"]', "no held-out reward 'gren': expected one of green, kept"),
        ("benchmark.reference_point=[1]", "expected 2 entries of reference_point and bounds, one a reward, found 1"),
        ("budget.steps=0", "budget.steps: expected at least 1, found 0"),
        ("@missing.txt", "--set @missing.txt: expected a file of NAME.FIELD=VALUE lines, found: "),
    ],
)
def test_words_that_do_not_fit_are_refused_in_one_line(change: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        changed(change)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
