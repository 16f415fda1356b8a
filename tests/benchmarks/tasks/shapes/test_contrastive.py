"""The image-text model: what its towers promise at any weights, and its folder of files."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.records import UsageError
from benchmarks.tasks.shapes.contrastive import (
    CONFIG_FILE,
    LARGEST_SCALE,
    WEIGHTS_FILE,
    ContrastiveModel,
    ContrastiveSize,
    load_contrastive,
    save_contrastive,
)
from benchmarks.tasks.shapes.language import PromptError
from benchmarks.weights import write_hashes

SMALL = ContrastiveSize(channels=(4, 4, 8, 8), hidden=8, embedding=16, text_width=16, text_heads=2)
PROMPTS = [
    "a red circle left of a blue square",
    "a blue square left of a red circle",
    "two red circles",
    "a sign that reads A7",
]


def model(size: ContrastiveSize = SMALL) -> ContrastiveModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found = ContrastiveModel(size)
        # Running statistics as after a training, so that evaluation does more than rescale.
        found.embed_pictures(pictures(16))
    return found.eval().requires_grad_(False)


def pictures(n: int) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(n), dtype=torch.float32)


def test_it_stays_small() -> None:
    assert sum(parameter.numel() for parameter in ContrastiveModel(ContrastiveSize()).parameters()) <= 1_500_000


def test_embeddings_have_length_one_and_one_width() -> None:
    one = model()
    for found in (one.embed_pictures(pictures(5)), one.embed_prompts(PROMPTS)):
        assert found.shape[1] == SMALL.embedding
        torch.testing.assert_close(found.norm(dim=1), torch.ones(len(found), dtype=torch.float32))
    assert one.features(pictures(5)).shape == (5, SMALL.features)


def test_rows_do_not_depend_on_their_neighbors() -> None:
    one, given = model(), pictures(5)
    for function in (one.embed_pictures, one.features):
        alone = torch.cat([function(given[i : i + 1]) for i in range(5)])
        torch.testing.assert_close(function(given), alone, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        one.embed_prompts(PROMPTS), torch.cat([one.embed_prompts([p]) for p in PROMPTS]), atol=1e-5, rtol=1e-5
    )


def test_the_order_of_words_matters_and_their_choice_for_one_scene_does_not() -> None:
    one = model()
    left, mirrored, *_ = one.embed_prompts(PROMPTS)
    assert (left - mirrored).norm() > 1e-3
    assert torch.equal(one.embed_prompts(["a red circle"]), one.embed_prompts(["one red circle"]))


def test_pictures_of_any_type_are_read_in_single_precision() -> None:
    one, given = model(), pictures(3)
    assert torch.equal(one.embed_pictures(given.double()), one.embed_pictures(given))
    assert one.embed_pictures(given.double()).dtype == torch.float32


def test_the_temperature_has_a_floor() -> None:
    one = model()
    assert one.scale.item() == pytest.approx(10.0)
    one.log_scale.fill_(20.0)
    assert one.scale.item() == LARGEST_SCALE


def test_a_prompt_without_a_scene_is_refused() -> None:
    with pytest.raises(PromptError, match="left"):
        model().embed_prompts(["left of a red circle"])


def test_what_is_saved_comes_back_in_half_precision(tmp_path: Path) -> None:
    one = model()
    save_contrastive(one, tmp_path)
    found = load_contrastive(tmp_path)
    assert found.size == one.size
    assert not found.training
    state = one.state_dict()
    for name, tensor in found.state_dict().items():
        expected = state[name].half().float() if tensor.is_floating_point() else state[name]
        assert torch.equal(tensor, expected), name
        assert not tensor.requires_grad
    torch.testing.assert_close(found.embed_pictures(pictures(4)), one.embed_pictures(pictures(4)), atol=0.02, rtol=0)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_contrastive(model(), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["SHA256SUMS", CONFIG_FILE, WEIGHTS_FILE]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_loading_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    save_contrastive(model(), tmp_path)
    before = torch.get_rng_state()
    load_contrastive(tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_changed_or_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    save_contrastive(model(), tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UsageError, match=f"{name} is damaged: expected SHA-256"):
        load_contrastive(tmp_path)
    path.unlink()
    with pytest.raises(UsageError, match=f"cannot read .*{name}"):
        load_contrastive(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (CONFIG_FILE, b"no json"),
        (CONFIG_FILE, json.dumps({"layers": 3}).encode()),
        (CONFIG_FILE, json.dumps(SMALL.model_dump() | {"embedding": 32}).encode()),
        (WEIGHTS_FILE, b"no tensors"),
    ],
)
def test_files_that_hold_something_else_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    save_contrastive(model(), tmp_path)
    (tmp_path / name).write_bytes(content)
    write_hashes(tmp_path, (CONFIG_FILE, WEIGHTS_FILE))
    with pytest.raises(UsageError, match="is damaged: expected the image-text model") as caught:
        load_contrastive(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_listed_are_missed(tmp_path: Path) -> None:
    save_contrastive(model(), tmp_path)
    write_hashes(tmp_path, (CONFIG_FILE,))
    with pytest.raises(UsageError, match=f"SHA256SUMS: expected .*{WEIGHTS_FILE}"):
        load_contrastive(tmp_path)
