"""`flowfront sample`: pictures of runs and exports, the same noise for every preference, and refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.inference import Trained, open_trained, sample
from benchmarks.strips import GAP, MARGIN, SMALLEST
from tests.support.families import build_family
from tests.support.records import Command
from tests.support.trained import SUITE_MODULE, family_run, shapes_run, store, toy_run

PROMPTS = ("--prompt", "a red circle", "--prompt", "a sign that reads A7")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of runs of the image suite, by method."""
    out = tmp_path_factory.mktemp("stored")
    return {method: store(shapes_run(out, method)) for method in ("pareto_slider", "weighted_sum")}


@pytest.fixture(scope="module")
def trained(stored: dict[str, Path]) -> Trained:
    return open_trained(stored["pareto_slider"])


def test_a_strip_of_preferences(command: Command, here: Path, stored: dict[str, Path]) -> None:
    wanted = ("--preference", "1,0", "--preference", "0.5, 0.5", "--preference", "0,1")
    answer = command("sample", stored["pareto_slider"], *PROMPTS, *wanted, "--steps", 2, "--out", here / "s.png")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[-1] == f"sample: {here / 's.png'}"
    with Image.open(here / "s.png") as found:
        assert found.width == 2 * MARGIN + 3 * SMALLEST + 2 * GAP
        assert found.height > 2 * SMALLEST


def test_one_picture_is_the_sample_itself(
    command: Command, here: Path, stored: dict[str, Path], trained: Trained
) -> None:
    answer = command("sample", stored["pareto_slider"], *PROMPTS[:2], "--seed", 3, "--json")
    assert answer.json() == {
        "file": "sample.png", "model": "pareto_slider on shapes-short/plain-vs-colourful, seed 0",
        "rewards": ["compressibility", "colourfulness"], "prompts": ["a red circle"], "preferences": [[0.5, 0.5]],
        "seed": 3, "count": 1, "steps": 10,
    }  # fmt: skip
    expected = sample(trained, ["a red circle"], [(0.5, 0.5)], seed=3)[0, 0, 0]
    with Image.open("sample.png") as found:
        assert np.array_equal(np.asarray(found), (255 * expected).round().byte().permute(1, 2, 0).numpy())


def test_an_export_makes_the_pictures_of_its_run(command: Command, here: Path, stored: dict[str, Path]) -> None:
    command("export", stored["pareto_slider"], "--out", "exported")
    for folder, name in ((stored["pareto_slider"], "one.png"), ("exported", "two.png")):
        assert command("sample", folder, *PROMPTS, "--preference", "0.2,0.8", "--out", name).code == 0
    one, two = (np.asarray(Image.open(name)).astype(int) for name in ("one.png", "two.png"))
    # The transformer runs in bfloat16, and the factor of alpha is applied elsewhere.
    assert np.abs(one - two).max() <= 6


def test_noise_depends_on_seed_prompt_and_number_alone(trained: Trained) -> None:
    alone = sample(trained, ["two blue squares"], [(1.0, 0.0)], seed=2, count=1, steps=1)
    among = sample(trained, ["a red circle", "two blue squares"], [(0.0, 1.0), (1.0, 0.0)], seed=2, count=3, steps=1)
    close = {"rtol": 0, "atol": 0.05}
    torch.testing.assert_close(among[1, 1, :1], alone[0, 0], **close)
    other = sample(trained, ["two blue squares"], [(1.0, 0.0)], seed=3, steps=1)
    for different in (other[0, 0, 0], among[1, 1, 1], among[1, 0, 0]):
        assert float((different - alone[0, 0, 0]).abs().mean()) > 0.1


@pytest.mark.parametrize(
    ("method", "words", "message"),
    [
        ("pareto_slider", ("--preference", "0.7,0.7"), "--preference must be non-negative and sum to 1, found"),
        ("pareto_slider", ("--preference", "1"), "2 entries, one a reward, found 1: [1.0]; the rewards are compress"),
        ("pareto_slider", ("--preference", "a,b"), "--preference: expected numbers such as 0.7,0.3, found 'a,b'"),
        ("pareto_slider", ("--count", "0"), "count: expected at least 1, found 0"),
        ("pareto_slider", ("--steps", "0"), "steps: expected at least 1, found 0"),
        ("pareto_slider", ("--out", "s.jpg"), "--out: expected a name that ends in .png, found .jpg"),
        ("pareto_slider", ("--prompt", "a dragon"), "expected words of the image world"),
        ("pareto_slider", ("--base", "."), "--base and --sources: expected with an exported model only"),
        ("pareto_slider", ("--snapshot", "best"), "--snapshot: expected one of"),
        ("weighted_sum", ("--preference", "1,0"), "trained for 0.5 compressibility, 0.5 colourfulness alone"),
    ],
)
def test_bad_input_is_one_line(
    command: Command, here: Path, stored: dict[str, Path], method: str, words: tuple[str, ...], message: str
) -> None:
    before = sorted(here.iterdir())
    assert message in command("sample", stored[method], "--prompt", "a red circle", *words).error_line()
    assert sorted(here.iterdir()) == before


def test_a_model_of_points_has_no_pictures(command: Command, here: Path) -> None:
    folder = store(toy_run(here / "out"))
    assert "expected a model of pictures or videos" in command("sample", folder, "--prompt", "left").error_line()


def test_videos_from_a_moved_base_model(command: Command, here: Path) -> None:
    spec = build_family("ltx2", here / "ltx2")
    (here / "trained_suite.py").write_text(SUITE_MODULE.format(spec=spec))
    folder = store(family_run(spec, here / "out", "weighted_sum"))
    assert command("export", folder, "--out", "exported").code == 0
    (here / "ltx2" / "model").rename(here / "elsewhere")
    words = ("sample", "exported", "--prompt", "two dogs bark", "--out", "s.png")
    assert "if it is elsewhere, give --base PATH" in command(*words).error_line()
    assert command(*words, "--base", "elsewhere").code == 0
    with Image.open("s.png") as found:
        assert (found.n_frames, found.size) == (9, (64, 64))  # type: ignore[attr-defined]
    line = command(*words, "--base", "elsewhere", "--steps", 1).error_line()
    assert line == "steps: expected a number that this model has noise levels for, found 1"
    config = here / "elsewhere" / "transformer" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"changed": 1}))
    line = command(*words, "--base", "elsewhere").error_line()
    assert line == (
        "exported: expected the base model that was trained on, found another transformer/config.json in elsewhere"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("export.json", b"{", "export.json is damaged: expected a JSON object"),
        ("export.json", b'{"format": "flowfront-export-2"}', "export.json: field format: Input should be"),
        ("preference.json", b"{}", "preference.json: field format: Field required"),
        ("preference.safetensors", b"0", "preference.safetensors is damaged: expected safetensors"),
        ("pytorch_lora_weights.safetensors", None, "cannot read exported/pytorch_lora_weights.safetensors: No such"),
    ],
)
def test_a_damaged_export_is_refused(
    command: Command, here: Path, exported: Path, name: str, content: bytes | None, message: str
) -> None:
    shutil.copytree(exported, here / "exported")
    (here / "exported" / name).unlink()
    if content is not None:
        (here / "exported" / name).write_bytes(content)
    assert message in command("sample", "exported", "--prompt", "a red circle").error_line()


@pytest.fixture(scope="module")
def exported(stored: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from benchmarks.export import write_export
    from benchmarks.restored import restore

    folder = tmp_path_factory.mktemp("export") / "exported"
    write_export(restore(stored["pareto_slider"]), folder)
    return folder
