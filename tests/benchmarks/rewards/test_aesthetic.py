"""The aesthetic predictor: its head as a chain of matrices, and the files it refuses."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.base import RewardError
from benchmarks.records import UsageError
from benchmarks.rewards.aesthetic import Aesthetic, head_from
from benchmarks.rewards.clip_model import Clip
from tests.support.reward_models import CLIP_WIDTH, head_tensors, pictures, write_clip, write_head

DRAWN = pictures(3, 32, 40)
PROMPTS = ["a dog"] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"))


def test_it_is_the_head_on_embeddings_of_length_one(folder: Path, tmp_path: Path) -> None:
    reward = Aesthetic(write_head(tmp_path / "head.safetensors"), folder)
    expected = Clip(folder).pictures(DRAWN)
    tensors = head_tensors()
    for layer in (0, 2, 4, 6, 7):
        expected = expected @ tensors[f"layers.{layer}.weight"].T + tensors[f"layers.{layer}.bias"]
    found = reward(DRAWN, PROMPTS)
    torch.testing.assert_close(found, expected[:, 0], atol=1e-5, rtol=1e-5)
    assert found.std() > 1e-3
    assert reward(DRAWN, ["another", "", "prompt"]).equal(found)
    assert reward(DRAWN[:0], []).shape == (0,)


def test_the_published_sizes_fit(tmp_path: Path) -> None:
    head = head_from(write_head(tmp_path / "head.safetensors", 768))
    assert sum(parameter.numel() for parameter in head.parameters()) == 927_969  # 768-1024-128-64-16-1 with biases


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"layers.1.weight": torch.zeros(1)}, r"expected the tensors layers\.0\.bias.*found .*layers\.1\.weight"),
        ({"layers.0.bias": torch.zeros(5)}, r"expected layers\.0 of shapes \[1024, 16\] and \[1024\], found .*\[5\]"),
        ({"layers.7.weight": torch.zeros(1, 3)}, r"expected layers\.7 of shapes \[1, 16\]"),
    ],
)
def test_other_tensors_are_refused(change: dict[str, Tensor], match: str, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "head.safetensors"
    save_file({**head_tensors(), **change}, path)
    with pytest.raises(RewardError, match=match) as caught:
        Aesthetic(path, folder)(DRAWN, PROMPTS)
    assert "\n" not in str(caught.value)


def test_a_head_for_another_model_is_refused(tmp_path: Path, folder: Path) -> None:
    path = write_head(tmp_path / "head.safetensors", 768)
    with pytest.raises(RewardError, match=f"embeddings of width {CLIP_WIDTH}, .* found one for 768"):
        Aesthetic(path, folder)(DRAWN, PROMPTS)


def test_a_missing_or_damaged_head_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "head.safetensors"
    with pytest.raises(RewardError, match="reward aesthetic: cannot read"):
        Aesthetic(path, folder)(DRAWN, PROMPTS)
    with pytest.raises(UsageError, match="cannot read"):
        Aesthetic(path, folder).describe()
    path.write_bytes(b"no tensors")
    with pytest.raises(RewardError, match="reward aesthetic: cannot read"):
        Aesthetic(path, folder)(DRAWN, PROMPTS)


def test_the_definition_holds_the_head(tmp_path: Path, folder: Path) -> None:
    first = Aesthetic(write_head(tmp_path / "a", seed=0), folder).describe()
    assert first == Aesthetic(write_head(tmp_path / "b", seed=0), folder).describe()
    assert first != Aesthetic(write_head(tmp_path / "c", seed=1), folder).describe()
