"""The verb `speed`: what it measures, what it prints, and what it refuses."""

from pathlib import Path

import pytest
import torch

from benchmarks.backbones.checkpoints import LTX2Spec, SD3Spec
from flowfront import speed
from tests.support.checkpoints import build_flux_kontext
from tests.support.records import Command

LIGHT = (
    "--rollout-steps", "2", "--prompts", "2", "--group", "6", "--micro-batch", "64", "--rounds", "1", "--device", "cpu",
    "--threads", "1",
)  # fmt: skip
SMALL = ("--random-weights", "--size", "small", "--precision", "float32", *LIGHT)
WRONG = {
    "family": (("sd3", "--random-weights"), "speed: no family 'sd3': expected one of sd35, "),
    "neither": (("sd35",), "speed sd35: expected --random-weights, or --path FOLDER with a checkpoint, found neither"),
    "both": (("sd35", "--random-weights", "--path", "x"), "found both"),
    "size": (("sd35", "--random-weights", "--size", "huge"), "no size 'huge' of sd35: expected one of "),
    "size of a checkpoint": (("sd35", "--path", "x", "--size", "small"), "--size: expected none with --path"),
    "folder": (("sd35", "--path", "./nowhere", *LIGHT), "cannot read ./nowhere: expected a folder or owner/name"),
    "method": (("sd35", *SMALL, "--method", "marbel"), "no method 'marbel': expected one of marble, "),
    "outside method": (("sd35", *SMALL, "--method", "outside_suites:TowModels"), "expected one of TwoModels, "),
    "micro-batch": (("sd35", *SMALL, "--micro-batch", "0"), "--micro-batch: expected at least 1, found 0"),
    "rollout steps": (("sd35", *SMALL, "--rollout-steps", "0"), "--rollout-steps: expected at least 1, found 0"),
    "group": (("sd35", *SMALL, "--group", "1"), "--group: expected at least 2 rollouts a prompt, found 1"),
    "precision": (("sd35", *SMALL, "--precision", "half"), "--precision: expected one of float32, bfloat16, found"),
    "device": (("sd35", *SMALL, "--device", "tpu"), "--device: expected cpu or cuda, found 'tpu'"),
    "prompts": (("sd35", *SMALL, "--prompts", "1"), "expected at least 2 prompts a step, one an update, found 1"),
    "side": (("sd35", *SMALL, "--side", "20"), "image side: expected a multiple of 8 pixels, found 20"),
    "frames": (("sd35", *SMALL, "--frames", "9"), "--frames: expected none for sd35, which makes pictures, found 9"),
    "rewards of shapes": (("shapes", "--rewards", "3"), "speed shapes: expected no --rewards, "),
    "weights of shapes": (("shapes", "--random-weights"), "speed shapes: expected no --random-weights, "),
    "shapes on a GPU": (("shapes", "--device", "cuda"), "speed shapes: expected --device cpu, found cuda"),
    "prompts of shapes": (("shapes", *LIGHT, "--prompts", "10000"), "--prompts: expected at most "),
}


def test_methods_are_compared_with_the_weighted_sum(command: Command) -> None:
    answer = command("speed", "sd35", *SMALL, "--method", "marble", "--method", "outside_suites:TwoModels", "--json")
    assert answer.code == 0, answer.err
    found = answer.json()
    assert list(found["methods"]) == ["weighted_sum", "marble", "marble, solve at every step", "two_models"]
    assert found["models"] == {"weighted_sum": 1, "marble": 1, "two_models": 6}, "the corners and the center"
    assert {key: found[key] for key in ("family", "size", "weights", "side", "precision", "rounds", "micro_batch")} == {
        "family": "sd35", "size": "small", "weights": "random", "side": 64, "precision": "float32", "rounds": 1,
        "micro_batch": 64,
    }  # fmt: skip
    for row in found["methods"].values():
        assert set(row) == {
            "speed", "rollout_speed", "seconds", "rollout_seconds", "stages", "peak_memory_bytes", "memory"
        }  # fmt: skip
    assert found["methods"]["weighted_sum"]["speed"]["ratio"] == 1


@pytest.mark.parametrize("family", ["kontext", "ltx2"])
def test_other_families_are_measured_too(command: Command, family: str) -> None:
    answer = command("speed", family, *SMALL, "--method", "weighted_sum")
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"{family} small, random weights, float32, cpu ")
    row = next(line for line in answer.out.splitlines() if line.startswith("weighted_sum"))
    assert row.split()[1:5] == ["1.000", "1.000", "to", "1.000"]


def test_the_shipped_model_is_measured_with_its_own_rewards(command: Command) -> None:
    answer = command("speed", "shapes", *LIGHT, "--group", "2", "--method", "weighted_sum", "--json")
    assert answer.code == 0, answer.err
    found = answer.json()
    assert found["weights"] == "shipped"
    assert len(found["rewards"]) == 5
    assert found["methods"]["weighted_sum"]["stages"]["rewards"] > 0


def test_a_checkpoint_is_measured_on_a_source_of_its_own(command: Command, tmp_path: Path) -> None:
    folder = build_flux_kontext(tmp_path / "model")
    words = ("--path", folder, "--side", "64", "--precision", "float32", *LIGHT, "--method", "weighted_sum", "--json")
    answer = command("speed", "kontext", *words)
    assert answer.code == 0, answer.err
    assert answer.json()["weights"] == str(folder)


def test_a_checkpoint_is_asked_for_the_samples_wanted(tmp_path: Path) -> None:
    given = {"path": "owner/name", "precision": "float32", "checkpointing": False}
    wanted = {"side": 256, "device": "cpu"} | given
    image = speed.checkpoint(speed.SpeedRequest(family="sd35", **wanted), "cpu", tmp_path)
    video = speed.checkpoint(speed.SpeedRequest(family="ltx2", frames=17, **wanted), "cpu", tmp_path)
    assert isinstance(image, SD3Spec)
    assert isinstance(video, LTX2Spec)
    assert image.side == 256
    assert (video.height, video.width, video.frames) == (256, 384, 17)
    for spec in (image, video):
        assert {name: vars(spec)[name] for name in given} == given
        assert spec.cache.is_relative_to(tmp_path)


def test_help_shows_an_example(command: Command) -> None:
    assert "Example: flowfront speed sd35 --random-weights" in " ".join(command("speed", "--help").out.split())


@pytest.mark.parametrize("case", WRONG)
def test_bad_input_is_one_clear_line(command: Command, case: str) -> None:
    words, expected = WRONG[case]
    assert expected in command("speed", *words).error_line()


def test_a_missing_gpu_is_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    line = command("speed", "sd35", "--random-weights", "--device", "cuda").error_line()
    assert line.startswith("--device cuda: expected a GPU that torch can use, found none")


def test_a_model_that_does_not_fit_is_refused_before_it_is_built(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "available", lambda device: 2**30)
    line = command("speed", "sd35", "--random-weights", *LIGHT).error_line()
    assert line.startswith("speed sd35: expected 5.")
    assert "GiB of memory on cpu for weights and what is trained, activations not counted, found 1.0 GiB" in line
