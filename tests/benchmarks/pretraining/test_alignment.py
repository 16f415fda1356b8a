"""The training of the image-text model: its loss against a naive twin, and that a cut changes nothing."""

import json
import math
from pathlib import Path

import pytest
import torch

from benchmarks.pretraining import alignment
from benchmarks.pretraining.alignment import (
    CHECKPOINT_FILE,
    LOG_FILE,
    QUALITY_FILE,
    AlignmentRecipe,
    contrastive_loss,
    pretrain_alignment,
    train,
)
from benchmarks.records import UsageError, read_steps
from benchmarks.tasks.shapes.contrastive import ContrastiveModel, ContrastiveSize, load_contrastive

TINY = AlignmentRecipe(
    steps=6, families=3, members=2, wrong=2, every=2, warmup=2,
    size=ContrastiveSize(channels=(4, 4, 8, 8), hidden=8, embedding=8, text_width=8, text_layers=1, text_heads=2),
)  # fmt: skip


class CutError(Exception):
    """What ends a training in the middle."""


def silent(row: dict[str, float]) -> None:
    pass


def directions(n: int, seed: int) -> torch.Tensor:
    raw = torch.randn(n, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(raw, dim=1)


def naive_loss(pictures: torch.Tensor, captions: torch.Tensor, scale: float, negative: torch.Tensor) -> float:
    """Return the two cross entropies as sums of exponentials."""
    n, total = len(pictures), 0.0
    for i in range(n):
        right = math.exp(scale * float(pictures[i] @ captions[i]))
        row = [math.exp(scale * float(pictures[i] @ captions[j])) for j in range(len(captions)) if negative[i, j]]
        column = [math.exp(scale * float(pictures[j] @ captions[i])) for j in range(n) if negative[j, i]]
        total -= math.log(right / (right + sum(row))) + math.log(right / (right + sum(column)))
    return total / (2 * n)


def example() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    negative = torch.rand(4, 7, generator=torch.Generator().manual_seed(2)) < 0.7
    negative[:, :4] &= negative[:, :4].T.clone()
    return directions(4, 0), directions(7, 1), negative.fill_diagonal_(fill_value=False)


def test_the_loss_agrees_with_its_definition() -> None:
    pictures, captions, negative = example()
    loss, share = contrastive_loss(pictures, captions, torch.tensor(3.0, dtype=torch.float64), negative)
    assert loss.item() == pytest.approx(naive_loss(pictures, captions, 3.0, negative), rel=1e-12)
    scores = (pictures @ captions.T).masked_fill(~negative, -2.0)
    assert share.item() == ((pictures * captions[:4]).sum(1) > scores.amax(1)).double().mean().item()


def test_pairs_that_may_be_right_pull_at_nothing() -> None:
    pictures, captions, negative = example()
    negative[:, 5] = False
    captions.requires_grad_()
    contrastive_loss(pictures, captions, torch.tensor(3.0, dtype=torch.float64), negative)[0].backward()
    assert captions.grad is not None
    assert (captions.grad != 0).any(1).tolist() == [True] * 5 + [False, True]


def test_a_perfect_match_costs_little_and_a_wrong_one_much() -> None:
    same, nothing = torch.eye(5), ~torch.eye(5, dtype=torch.bool)
    scale = torch.tensor(30.0)
    assert contrastive_loss(same, same, scale, nothing)[0].item() < 1e-6
    loss, share = contrastive_loss(same, same.roll(1, 0), scale, nothing)
    assert loss.item() == pytest.approx(30.0, abs=1e-3)
    assert share.item() == 0.0


def states_equal(first: ContrastiveModel, second: ContrastiveModel) -> bool:
    other = second.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in first.state_dict().items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[ContrastiveModel, Path]:
    folder = tmp_path_factory.mktemp("whole")
    return train(folder, TINY, "cpu", silent), folder


def test_the_log_has_a_row_for_every_so_many_steps(whole: tuple[ContrastiveModel, Path]) -> None:
    rows = read_steps(whole[1] / LOG_FILE)
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert all(set(row) == {"step", "loss", "right", "scale", "seconds"} for row in rows)
    assert all(0 <= row["right"] <= 1 and row["loss"] > 0 for row in rows)


def test_weights_depend_on_the_seed_alone(whole: tuple[ContrastiveModel, Path], tmp_path: Path) -> None:
    torch.rand(3)
    before = torch.get_rng_state()
    assert states_equal(train(tmp_path / "again", TINY, "cpu", silent), whole[0])
    assert torch.equal(torch.get_rng_state(), before)
    other = AlignmentRecipe(**{**vars(TINY), "seed": 1})
    assert not states_equal(train(tmp_path / "other", other, "cpu", silent), whole[0])


@pytest.mark.parametrize("at", [2, 4])
def test_a_training_that_was_cut_off_goes_on_as_if_nothing_had_happened(
    whole: tuple[ContrastiveModel, Path], tmp_path: Path, at: int
) -> None:
    def cut(row: dict[str, float]) -> None:
        if row["step"] == at:
            raise CutError

    with pytest.raises(CutError):
        train(tmp_path, TINY, "cpu", cut)
    with (tmp_path / LOG_FILE).open("a") as log:
        log.write('{"step": 99}\n')
    later: list[float] = []
    model = train(tmp_path, TINY, "cpu", lambda row: later.append(row["step"]))
    assert later == [step for step in (2, 4, 6) if step > at]
    assert states_equal(model, whole[0])
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in read_steps(tmp_path / LOG_FILE)]
    assert rows == [{k: v for k, v in row.items() if k != "seconds"} for row in read_steps(whole[1] / LOG_FILE)]


def test_a_checkpoint_of_another_recipe_or_a_damaged_one_is_refused(
    whole: tuple[ContrastiveModel, Path], tmp_path: Path
) -> None:
    content = (whole[1] / CHECKPOINT_FILE).read_bytes()
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    with pytest.raises(UsageError, match=r"expected the recipe .*found"):
        train(tmp_path, AlignmentRecipe(**{**vars(TINY), "steps": 7}), "cpu", silent)
    (tmp_path / CHECKPOINT_FILE).write_bytes(content[:-10])
    with pytest.raises(UsageError, match="is damaged: expected a training to resume"):
        train(tmp_path, TINY, "cpu", silent)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    recipe = AlignmentRecipe(**{**vars(TINY), "steps": 30, "every": 10, "warmup": 5, "peak": 1e-2})
    train(tmp_path, recipe, "cpu", silent)
    losses = [row["loss"] for row in read_steps(tmp_path / LOG_FILE)]
    assert losses[-1] < losses[0] - 0.2


@pytest.mark.parametrize("name", ["steps", "families", "members", "every"])
def test_counts_below_one_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"expected {name} of at least 1, found 0"):
        AlignmentRecipe(**{name: 0})


def test_the_folder_that_ships_is_complete_and_made_again_from_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alignment, "quality", lambda model: {"retrieval_of_captions": 0.5})
    told: list[dict[str, float]] = []
    pretrain_alignment(tmp_path, steps=1, seed=3, device="cpu", report=told.append)
    folder = tmp_path / "weights"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"README.md", "SHA256SUMS", "config.json", "model.safetensors", QUALITY_FILE, LOG_FILE}
    assert load_contrastive(folder).size == ContrastiveSize()
    assert json.loads(first[QUALITY_FILE]) == {"retrieval_of_captions": 0.5} == told[-1]
    assert [row.get("step") for row in told] == [1, None]
    assert b"flowfront pretrain shapes-alignment --threads 1 --steps 1\n\nwith seed 3." in first["README.md"]
    pretrain_alignment(tmp_path, steps=1, seed=3, device="cpu", report=told.append)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert [row.get("step") for row in told] == [1, None, None]
