"""The golden set: shipped scores hold, the pictures are those that the script draws, and damage gets one line.

The scores are compared within their own tolerances, which other versions of Pillow, of a font and of a processor's
sums keep to; whatever else moves a score is drift, and this is where it shows.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.base import Reward
from benchmarks.records import UsageError
from benchmarks.rewards import golden
from benchmarks.rewards.alignment import Alignment
from benchmarks.rewards.clip_score import ClipScore
from benchmarks.rewards.golden import (
    FOLDER,
    SCORES,
    Kind,
    built_in,
    known_scores,
    pixels_of,
    read_scores,
    samples_of,
    write_scores,
)
from benchmarks.rewards.golden_fit import fitted, kind_of
from benchmarks.rewards.golden_pictures import drawn, listed
from benchmarks.rewards.isolated import IsolatedReward
from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.mean import Mean, Part
from benchmarks.rewards.ocr import asked_text
from benchmarks.rewards.preservation import Preservation
from benchmarks.rewards.remote import RemoteReward
from benchmarks.rewards.serve import definition_version
from benchmarks.rewards.sharpness import Sharpness
from benchmarks.rewards.video import FrameWise
from benchmarks.scoring import score
from benchmarks.tasks.edits import Sources
from benchmarks.tasks.geneval_prompts import TASKS
from benchmarks.tasks.geneval_prompts import parse as parse_geneval
from benchmarks.tasks.shapes.language import parse

KINDS: tuple[Kind, ...] = ("world", "pictures", "edits", "videos")
BUILT_IN = built_in()


@pytest.mark.parametrize(
    ("reward", "kind", "absolute", "relative"), BUILT_IN, ids=[entry[0].name for entry in BUILT_IN]
)
def test_shipped_scores_hold(reward: Reward, kind: Kind, absolute: float, relative: float) -> None:
    if reward.name == "ocr":
        pytest.importorskip("rapidocr")
    samples = samples_of(kind)
    known = read_scores(SCORES)[definition_version(reward)]
    assert (known.reward, known.kind, known.absolute, known.relative) == (reward.name, kind, absolute, relative)
    found = score([reward], pixels_of(samples), [sample.prompt for sample in samples])[:, 0]
    expected = [known.scores[sample.name] for sample in samples]
    for sample, value, shipped in zip(samples, found.tolist(), expected, strict=True):
        if shipped is None:
            assert np.isnan(value), sample.name
        else:
            assert abs(value - shipped) <= absolute + relative * abs(shipped), (sample.name, value, shipped)
    # A golden set on which a reward is constant could not show that it drifts.
    assert len({shipped for shipped in expected if shipped is not None}) > 1


def test_no_scores_ship_for_what_is_not_there() -> None:
    assert set(read_scores(SCORES)) == {definition_version(reward) for reward, *_ in BUILT_IN}


def test_the_pictures_are_those_that_the_script_draws() -> None:
    pictures = drawn()
    assert {f"{name}.png" for name in pictures} == {path.name for path in FOLDER.glob("*.png")}
    assert len(pictures) >= 12
    assert json.loads(golden.LIST.read_text()) == listed()
    for name, picture in pictures.items():
        with Image.open(FOLDER / f"{name}.png") as shipped:
            assert shipped.size == picture.size
            difference = np.asarray(shipped.convert("RGB"), dtype=float) - np.asarray(picture, dtype=float)
        # Fonts and filters of other versions move edges by a hair; another picture differs by tens of levels.
        assert abs(difference).mean() < 2, name
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000


def test_every_kind_of_reward_has_something_to_score() -> None:
    prompts = {kind: [sample.prompt for sample in samples_of(kind)] for kind in KINDS}
    asked = [parse_geneval(p).task for p in prompts["pictures"] if p.startswith("a photo of")]
    assert set(asked) >= {"single_object", "counting", "colors", "position"} <= set(TASKS)
    assert sum(asked_text(prompt) is not None for prompt in prompts["pictures"]) >= 3
    assert len({type(parse(prompt)) for prompt in prompts["world"]}) == 3
    assert {Sources(FOLDER).image(prompt).shape for prompt in prompts["edits"]} == {(3, 256, 256)}
    for kind in KINDS:
        samples, pixels = samples_of(kind), pixels_of(samples_of(kind))
        assert pixels.ndim == (5 if kind == "videos" else 4)
        assert pixels.dtype == torch.float32
        assert 0 <= pixels.min() < pixels.max() <= 1
        assert torch.equal((255 * pixels).round() / 255, pixels), "8 bits, so that nothing changes on the way elsewhere"
        assert len({sample.name for sample in samples}) == len(samples)
        assert all(sample.prompt != sample.wrong for sample in samples)


def test_scores_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "below" / "scores.json"
    assert read_scores(path) == {}
    written = known_scores(Sharpness(), "videos", [0.5, float("nan"), 2.0, 1 / 3], 0.25, 0.5)
    write_scores(path, [written])
    assert read_scores(path) == {definition_version(Sharpness()): written}
    assert list(written.scores.values()) == [0.5, None, 2.0, 0.3333333]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "the file: Invalid JSON"),
        ('{"schema_version": 2, "rewards": []}', "schema_version: "),
        ('{"schema_version": 1, "rewards": [{"reward": "a"}]}', "rewards.0.definition: Field required"),
    ],
)
def test_a_damaged_file_of_scores_gets_one_line(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "scores.json"
    path.write_text(content)
    with pytest.raises(UsageError) as refused:
        read_scores(path)
    assert str(refused.value).startswith(f"{path} is damaged: expected golden scores, found: {says}")
    assert "\n" not in str(refused.value)


def test_missing_pictures_get_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = samples_of("world")
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    with pytest.raises(UsageError, match=r"golden picture .*world-one-circle.png: expected a PNG, found"):
        pixels_of(samples)
    monkeypatch.setattr(golden, "LIST", tmp_path / "pictures.json")
    with pytest.raises(UsageError, match=r"cannot read .*pictures.json: expected the list of golden pictures"):
        samples_of("world")


ISOLATED = IsolatedReward("/python", "module:Class", "lpips", "1", higher_is_better=False, where={"folder": "/mine"})
REMOTE = RemoteReward("http://127.0.0.1:9", "remote", "1")
EDIT_JUDGE = JudgeReward("http://127.0.0.1:9", "judge", "Rate {prompt}", "edit", sources=Path("/mine"))


@pytest.mark.parametrize(
    ("reward", "kind"),
    [
        (Alignment(), "world"),
        (ClipScore(), "pictures"),
        (FrameWise(Sharpness()), "videos"),
        (Preservation(Path("/mine")), "edits"),
        (ISOLATED, "edits"),
        (EDIT_JUDGE, "edits"),
        (Mean((Part(Sharpness()), Part(ISOLATED, -1.0, 1.0)), "mean"), "edits"),
        (Mean((Part(Sharpness()),), "mean"), "pictures"),
        (REMOTE, None),
        (REMOTE, "videos"),
    ],
)
def test_each_reward_is_given_the_samples_that_it_takes(reward: Reward, kind: Kind | None) -> None:
    assert kind_of(reward, kind if reward is REMOTE else "world") == kind


def test_sources_are_the_golden_pictures_and_nobody_is_asked_twice() -> None:
    mean = fitted(Mean((Part(Preservation(Path("/mine"))), Part(ISOLATED, -1.0, 1.0)), "mean"))
    assert isinstance(mean, Mean)
    preservation, isolated = (part.reward for part in mean.parts)
    assert preservation == Preservation(FOLDER)
    assert isinstance(isolated, IsolatedReward)
    assert isolated.where == {"folder": str(FOLDER)}
    judge, remote = fitted(EDIT_JUDGE), fitted(REMOTE)
    assert isinstance(judge, JudgeReward)
    assert judge.sources == FOLDER
    assert isinstance(remote, RemoteReward)
    assert {isolated.retries.times, judge.retries.times, remote.retries.times} == {0}
    for before, after in ((ISOLATED, isolated), (EDIT_JUDGE, judge), (REMOTE, remote)):
        assert definition_version(before) == definition_version(after), "what was recorded is found again"
    assert fitted(Sharpness()) == Sharpness()
