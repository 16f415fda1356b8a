"""The reward of alignment: what the shipped model tells apart, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.draws import derived_seed
from benchmarks.pretraining.alignment_batches import degraded
from benchmarks.pretraining.alignment_quality import quality
from benchmarks.pretraining.contrasts import edits
from benchmarks.records import UsageError
from benchmarks.rewards.alignment import WEIGHTS, Alignment
from benchmarks.tasks.shapes.contrastive import WEIGHTS_FILE, load_contrastive
from benchmarks.tasks.shapes.language import parse, sentence
from benchmarks.tasks.shapes.render import Renderer
from benchmarks.tasks.shapes.scenes import KINDS, pick, split
from benchmarks.weights import listed_hashes

SCENES = [scene for kind in KINDS for scene in pick(split(kind, test=True), 9, "alignment")]
PROMPTS = [sentence(scene) for scene in SCENES]


# Of a red disc on gray, made by the weights that ship; others mean another model or another way to read pictures.
GOLDEN = {"a red circle": 0.967, "two red circles": 0.470, "a blue circle": 0.596, "a sign that reads A7": -0.270}


@pytest.fixture(scope="module")
def reward() -> Alignment:
    return Alignment()


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return Renderer()(SCENES, np.random.default_rng(0))


def test_what_ships_is_small_and_as_listed() -> None:
    found = {path.name: path.stat().st_size for path in WEIGHTS.iterdir()}
    assert set(found) == {
        "README.md", "SHA256SUMS", "config.json", WEIGHTS_FILE, "quality.json", "training.jsonl",
    }  # fmt: skip
    assert sum(found.values()) <= 3_000_000
    model = load_contrastive(WEIGHTS)
    assert sum(parameter.numel() for parameter in model.parameters()) <= 1_500_000
    assert all(tensor.isfinite().all() for tensor in model.state_dict().values())


def test_the_right_prompt_scores_higher_than_wrong_ones(reward: Alignment, pictures: Tensor) -> None:
    own = reward(pictures, PROMPTS)
    assert (own > 0.5).double().mean().item() > 0.9
    shifted = reward(pictures, PROMPTS[7:] + PROMPTS[:7])
    assert (own > shifted).all()
    generator = np.random.default_rng(1)
    for change in ("count", "color", "shape", "swap", "relation", "character", "order", "length"):
        rows = [i for i, scene in enumerate(SCENES) if change in edits(scene)]
        options = [edits(SCENES[i])[change] for i in rows]
        wrong = [sentence(others[generator.integers(len(others))]) for others in options]
        assert (own[rows] > reward(pictures[rows], wrong)).double().mean().item() > 0.85, change


def test_it_stays_meaningful_on_blurred_and_noisy_pictures(reward: Alignment, pictures: Tensor) -> None:
    worse = degraded(degraded(pictures, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(1))
    own = reward(worse, PROMPTS)
    assert (own > reward(worse, PROMPTS[7:] + PROMPTS[:7])).double().mean().item() > 0.95
    assert (own > 0.5).double().mean().item() > 0.85
    noise = torch.rand(len(PROMPTS), 3, 32, 32, generator=torch.Generator().manual_seed(2), dtype=torch.float32)
    assert reward(noise, PROMPTS).mean() < own.mean() - 0.4


def test_figures_of_the_shipped_model_are_near_those_on_file() -> None:
    on_file = json.loads((WEIGHTS / "quality.json").read_text())
    found = quality(load_contrastive(WEIGHTS), pictures=16)
    # Fewer pictures than the figures on file were made with; few of the wrong captions are then of the test split.
    common = [name for name in on_file if not name.endswith("_in_test")]
    assert all(abs(found[name] - on_file[name]) < 0.1 for name in common)
    assert found["retrieval_of_captions"] > 0.95
    assert found["retrieval_of_pictures"] > 0.95
    shares = {name: value for name, value in found.items() if "_over_" in name and not name.endswith("_in_test")}
    assert min(shares.values()) > 0.9, shares


def red_disc() -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(32, dtype=torch.float32) + 0.5,) * 2, indexing="ij")
    inside = ((x - 16).square() + (y - 16).square() <= 49).float()
    gray, red = torch.full((3, 1, 1), 0.5), torch.tensor([0.86, 0.10, 0.12]).reshape(3, 1, 1)
    return (gray + inside * (red - gray)).float()[None]


def test_golden_values_of_a_red_disc_on_gray(reward: Alignment) -> None:
    assert {prompt: reward(red_disc(), [prompt]).item() for prompt in GOLDEN} == pytest.approx(GOLDEN, abs=1e-3)


def test_rows_keep_their_order_however_often_prompts_repeat(reward: Alignment, pictures: Tensor) -> None:
    prompts = [PROMPTS[i % 3] for i in range(len(pictures))]
    alone = torch.cat([reward(pictures[i : i + 1], [prompt]) for i, prompt in enumerate(prompts)])
    torch.testing.assert_close(reward(pictures, prompts), alone, atol=1e-5, rtol=0)


def test_scores_lie_in_the_range_and_have_the_type_of_the_samples(reward: Alignment, pictures: Tensor) -> None:
    for dtype in (torch.float32, torch.float64):
        scores = reward(pictures.to(dtype), PROMPTS)
        assert scores.dtype == dtype
        assert scores.shape == (len(PROMPTS),)
        assert ((scores >= -1) & (scores <= 1)).all()
    assert not scores.requires_grad


def test_samples_and_global_generator_are_left_alone(pictures: Tensor) -> None:
    before, state = pictures.clone(), torch.get_rng_state()
    Alignment()(pictures, PROMPTS)
    assert torch.equal(pictures, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_two_names_of_one_scene_score_the_same(reward: Alignment) -> None:
    assert parse("one red circle") == parse("a red circle")
    assert torch.equal(reward(red_disc(), ["one red circle"]), reward(red_disc(), ["a red circle"]))


def test_nothing_is_loaded_before_the_first_score(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_bytes((WEIGHTS / "SHA256SUMS").read_bytes())
    assert Alignment(tmp_path).describe() == Alignment().describe()
    assert Alignment().describe()["sha256"] == listed_hashes(WEIGHTS)
    assert Alignment() == Alignment(WEIGHTS)


def copy(folder: Path) -> Path:
    return Path(shutil.copytree(WEIGHTS, folder / "copy"))


def test_damaged_weights_end_the_score_in_one_line(tmp_path: Path) -> None:
    path = copy(tmp_path) / WEIGHTS_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RewardError, match=r"reward alignment: .*is damaged: expected SHA-256 .* found") as caught:
        Alignment(path.parent)(red_disc(), ["a red circle"])
    assert "\n" not in str(caught.value)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / WEIGHTS_FILE).unlink()
    with pytest.raises(RewardError, match=f"cannot read .*{WEIGHTS_FILE}"):
        Alignment(folder)(red_disc(), ["a red circle"])
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(UsageError, match="SHA256SUMS"):
        Alignment(folder).describe()


@pytest.mark.parametrize("prompt", ["a red dog", "red circle", "", "a sign that reads A7X9"])
def test_a_prompt_outside_the_language_is_refused(reward: Alignment, prompt: str) -> None:
    with pytest.raises(RewardError, match="reward alignment: prompt"):
        reward(red_disc(), [prompt])


@pytest.mark.parametrize("samples", [torch.zeros(1, 3, 16, 16), torch.full((1, 3, 32, 32), 1.5), torch.zeros(1, 2)])
def test_what_is_no_picture_is_refused(reward: Alignment, samples: Tensor) -> None:
    with pytest.raises(RewardError, match="reward alignment: expected pictures"):
        reward(samples, ["a red circle"])


def test_pictures_of_a_scene_differ_less_in_score_than_scenes(reward: Alignment) -> None:
    scenes = [scene for scene in SCENES[::4] for _ in range(6)]
    generator = np.random.default_rng(derived_seed("several pictures"))
    drawn = Renderer()(scenes, generator)
    own = reward(drawn, [sentence(scene) for scene in scenes]).reshape(-1, 6)
    other = reward(drawn, [sentence(SCENES[1])] * len(scenes)).reshape(-1, 6)
    assert own.std(1).mean() < (own - other).mean()
