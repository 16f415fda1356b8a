"""Pretraining repeats itself, goes on exactly where it was cut off, learns, and ships what it learned."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.backbones.shapes import ShapesSpec
from benchmarks.pretraining.export import export_shapes
from benchmarks.pretraining.quality import quality, unseen_prompts
from benchmarks.pretraining.shapes import Pretraining, Scenes, ShapesPretraining, pretrain_shapes
from benchmarks.records import UsageError
from benchmarks.rewards.colorfulness import Colorfulness
from benchmarks.tasks.shapes.language import Sign, parse
from benchmarks.tasks.shapes.scenes import in_test

TINY = ShapesPretraining(steps=6, batch=8, layers=1, heads=1, warmup=2)


def run(out: Path, settings: ShapesPretraining = TINY, every: int = 2) -> Pretraining:
    return pretrain_shapes(out, settings, "cpu", lambda training, row: None, every=every)


def weights(training: Pretraining) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in training.model.named_parameters()} | {
        f"average {name}": tensor for name, tensor in training.average.tensors.items()
    }


def assert_same(one: Pretraining, other: Pretraining) -> None:
    assert one.step == other.step
    for name, tensor in weights(one).items():
        assert torch.equal(tensor, weights(other)[name]), name


def test_only_scenes_of_the_training_split_are_shown() -> None:
    scenes = Scenes(replace(TINY, batch=64))
    prompts = [prompt for step in range(5) for prompt in scenes.batch(step)[1]]
    shown = [parse(prompt) for prompt in prompts if prompt]
    assert not any(in_test(scene) for scene in shown)
    # A tenth without its prompt, and signs of all lengths.
    assert 0.03 < prompts.count("") / len(prompts) < 0.2
    assert {len(scene.text) for scene in shown if isinstance(scene, Sign)} == {1, 2, 3}


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    one, other = Scenes(TINY), Scenes(TINY)
    other.batch(0)
    assert torch.equal(one.batch(3)[0], other.batch(3)[0])
    assert one.batch(3)[1] == other.batch(3)[1]
    assert one.batch(3)[1] != one.batch(4)[1]
    assert one.batch(3)[1] != Scenes(replace(TINY, seed=1)).batch(3)[1]


def test_the_same_command_gives_the_same_weights(tmp_path: Path) -> None:
    assert_same(run(tmp_path / "one"), run(tmp_path / "other"))


def test_a_training_that_was_cut_off_goes_on_exactly(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", replace(TINY, steps=16))  # longer, so that the learning rate has not begun to fall
    cut = tmp_path / "cut"

    class CutError(Exception):
        pass

    def stop(training: Pretraining, row: dict[str, float]) -> None:
        if training.step == 4:
            raise CutError

    with pytest.raises(CutError):
        pretrain_shapes(cut, TINY, "cpu", stop, every=2)
    assert_same(run(cut), whole)
    steps = [json.loads(line)["step"] for line in (cut / "training.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] == 6


def test_another_training_in_the_folder_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="expected the settings"):
        run(tmp_path, replace(TINY, peak=1e-4))
    (tmp_path / "checkpoint.safetensors").write_bytes(before["checkpoint.safetensors"][:1000])
    with pytest.raises(UsageError, match="damaged"):
        run(tmp_path, replace(TINY, steps=8))
    assert (tmp_path / "training.jsonl").read_bytes() == before["training.jsonl"]


def test_the_loss_falls() -> None:
    training = Pretraining(replace(TINY, steps=60, batch=16, warmup=5))
    losses = [training.advance() for _ in range(40)]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_what_ships_is_the_average_in_half_precision(tmp_path: Path) -> None:
    training = run(tmp_path / "run")
    folder = tmp_path / "weights"
    export_shapes(training, tmp_path / "run" / "training.jsonl", folder, "flowfront pretrain shapes --steps 6")
    assert "flowfront pretrain shapes --steps 6" in (folder / "README.md").read_text()
    assert json.loads((folder / "settings.json").read_text())["steps"] == 6
    backbone = ShapesSpec(folder=folder, precision="float32").build(2, 0)
    model = training.averaged().half().float()
    prompts = ["a red circle", "a sign that reads A7"]
    x, sigma = torch.randn(2, 3, 32, 32), torch.tensor([0.3, 0.9])
    with torch.no_grad():
        expected = model(x, sigma, model.text_encoder.numbers(prompts))
        found = backbone.velocity(x, sigma, backbone.encode(prompts))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_exporting_again_replaces_the_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    training = run(tmp_path / "run")
    folder = tmp_path / "weights"
    for _ in range(2):
        export_shapes(training, tmp_path / "run" / "training.jsonl", folder, "command")
        (folder / "stray").write_text("")
    export_shapes(training, tmp_path / "run" / "training.jsonl", folder, "command")
    assert not (folder / "stray").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "weights"]


def test_quality_is_measured_on_unseen_prompts_and_repeats_itself(tmp_path: Path) -> None:
    training = run(tmp_path)
    prompts = unseen_prompts(1)
    assert len(prompts) == 4
    assert all(in_test(parse(prompt)) for prompt in unseen_prompts(5))
    one = quality(training, (Colorfulness(),), prompts, per_prompt=1, steps=2)
    assert one == quality(training, (Colorfulness(),), prompts, per_prompt=1, steps=2)
    assert one["colourfulness"] >= 0
