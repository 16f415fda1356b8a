"""`flowfront export`: what it writes, what it says, and input that it refuses without writing anything."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from benchmarks import export
from benchmarks.checkpoints import load_tensors
from benchmarks.restored import open_export, restore
from tests.support.records import Command
from tests.support.trained import shapes_run, store, toy_run

FILES = {"README.md", "export.json", "pytorch_lora_weights.safetensors"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of runs of the image suite, by method."""
    out = tmp_path_factory.mktemp("stored")
    return {method: store(shapes_run(out, method)) for method in ("pareto_slider", "weighted_sum")}


def test_a_model_with_a_preference_takes_its_modules_along(command: Command, stored: dict[str, Path]) -> None:
    answer = command("export", stored["pareto_slider"], "--out", "exported", "--json")
    found, folder = answer.json(), Path("exported")
    assert {path.name for path in folder.iterdir()} == FILES | {"preference.json", "preference.safetensors"}
    record = json.loads((stored["pareto_slider"] / "run.json").read_text())
    assert found.pop("folder") == "exported"
    assert found == json.loads((folder / "export.json").read_text())
    assert found["method_settings"] == record["method"]["settings"]
    assert (found["commit"], found["benchmark_hash"]) == (record["commit"], record["benchmark"]["hash"])
    assert found["rewards"] == ["compressibility", "colourfulness"]
    card = (folder / "README.md").read_text()
    assert "the weights inherit the licence of the base model" in card
    assert 'flowfront sample . --prompt "' in card
    kept = load_tensors(stored["pareto_slider"], "model0")
    modules = load_file(folder / "preference.safetensors")
    assert any(modules["embedding.first.weight"].equal(t) for n, t in kept.items() if n.startswith("evaluation."))


def test_a_model_without_one_is_a_lora_alone(command: Command, stored: dict[str, Path]) -> None:
    answer = command("export", stored["weighted_sum"], "--out", "exported")
    assert (answer.code, answer.out) == (0, "export: exported\n")
    assert {path.name for path in Path("exported").iterdir()} == FILES
    assert json.loads(Path("exported/export.json").read_text())["weights"] == [0.5, 0.5]


def test_the_factor_of_alpha_is_in_the_weights(command: Command, stored: dict[str, Path]) -> None:
    command("export", stored["weighted_sum"], "--out", "exported")
    # The image suite: rank 16, alpha 32.
    tensors = load_file("exported/pytorch_lora_weights.safetensors")
    name = "transformer.transformer_blocks.0.attn.to_q.lora_{}.weight"
    kept = load_tensors(stored["weighted_sum"], "model0")
    evaluated = [tensor for key, tensor in kept.items() if key.startswith("evaluation.")]
    assert any(tensor.equal(tensors[name.format("A")]) for tensor in evaluated)
    assert any((2 * tensor).equal(tensors[name.format("B")]) for tensor in evaluated)


@pytest.mark.parametrize(("words", "name"), [((), "evaluation"), (("--snapshot", "old"), "old")])
def test_a_snapshot_is_what_is_exported(
    command: Command, stored: dict[str, Path], words: tuple[str, ...], name: str
) -> None:
    command("export", stored["pareto_slider"], "--out", "exported", *words)
    loaded = open_export(Path("exported")).backbone
    kept = load_tensors(stored["pareto_slider"], "model0")
    for i, parameter in enumerate(loaded.parameters()):
        # The factor of alpha, 2, is in the second matrix of each pair.
        assert parameter.equal(kept[f"{name}.{i}"]) or parameter.equal(2 * kept[f"{name}.{i}"])


def test_of_several_models_one_is_taken_and_the_command_says_so(command: Command, here: Path) -> None:
    run = shapes_run(here / "out", "fixed_weights")
    store(run)
    last = len(run.models) - 1
    answer = command("export", run.folder, "--out", "exported", "--model", last)
    assert answer.out.splitlines()[1] == f"model {last} of {last + 1} (0 to {last}); --model N takes another"
    assert json.loads(Path("exported/export.json").read_text())["weights"] == list(run.models[last].preference or ())
    assert "expected a number from 0 to" in command("export", run.folder, "--out", "x", "--model", 9).error_line()


def test_nothing_is_left_where_it_fails(
    command: Command, here: Path, stored: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(here.iterdir())

    def fails(record: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "card", fails)
    line = command("export", stored["weighted_sum"], "--out", here / "exported").error_line()
    assert line == f"cannot write {here}/exported: expected a writable folder, found: No space left on device"
    assert sorted(here.iterdir()) == before


def copy_of(stored: dict[str, Path], here: Path) -> Path:
    """Return a copy that lies elsewhere, as runs are moved."""
    shutil.copytree(stored["weighted_sum"], here / "run")
    return here / "run"


def test_a_run_that_was_moved_is_found(stored: dict[str, Path], here: Path) -> None:
    assert restore(copy_of(stored, here)).run.method_name == "weighted_sum"


def change(folder: Path, **changes: object) -> None:
    content = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(content | changes))


def test_what_is_no_run_is_refused(command: Command, here: Path, stored: dict[str, Path]) -> None:
    lines = [
        (here / "nothing", "expected the folder of a run, with run.json in it, found none"),
        (stored["weighted_sum"].parents[1], f"found runs below it, such as {stored['pareto_slider']}"),
    ]
    for folder, message in lines:
        assert command("export", folder, "--out", "x").error_line().endswith(message)
    assert not (here / "x").exists()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("done", "expected checkpoints, found none, as in the reference results; train again: flowfront run --config"),
        ("failed", "expected model 0 trained to its end, found a run that failed; go on: flowfront run --config"),
        ("running", "expected model 0 trained to its end, found a run that was cut off; go on: flowfront run --config"),
    ],
)
def test_a_run_without_weights_says_what_to_do(
    command: Command, here: Path, stored: dict[str, Path], status: str, message: str
) -> None:
    folder = copy_of(stored, here)
    change(folder, status=status)
    shutil.rmtree(folder / "checkpoints")
    assert message in command("export", folder, "--out", "x").error_line()


def test_a_benchmark_that_changed_is_refused(command: Command, here: Path, stored: dict[str, Path]) -> None:
    folder = copy_of(stored, here)
    record = json.loads((folder / "run.json").read_text())["benchmark"]
    change(folder, benchmark=record | {"hash": "0" * 64})
    assert "expected benchmark plain-vs-colourful with hash" in command("export", folder, "--out", "x").error_line()


def test_weights_of_another_network_are_refused(command: Command, here: Path, stored: dict[str, Path]) -> None:
    folder = copy_of(stored, here)
    shutil.copy(folder / "checkpoints/model0.safetensors", here / "kept")
    (folder / "checkpoints/model0.safetensors").write_bytes((here / "kept").read_bytes()[:100])
    assert "model0.safetensors is damaged" in command("export", folder, "--out", "x").error_line()


def test_other_bad_input(command: Command, here: Path, stored: dict[str, Path]) -> None:
    run = stored["weighted_sum"]
    (here / "full").mkdir()
    (here / "full" / "note").write_text("mine")
    toy = store(toy_run(here / "out"))
    for words, message in [
        ((run, "--out", "full"), "full: expected a new or an empty folder, found one with files in it"),
        ((run, "--out", "x", "--snapshot", "best"), "--snapshot: expected one of current, old, sampling"),
        ((toy, "--out", "x"), "tiny/tiny: expected a model of pictures or videos with a LoRA, found one on"),
    ]:
        assert message in command("export", *words).error_line()
    assert not (here / "x").exists()


@pytest.mark.parametrize("verb", ["export", "sample", "demo"])
def test_every_verb_has_help_with_an_example_and_json(command: Command, verb: str) -> None:
    answer = command(verb, "--help")
    assert answer.code == 0
    assert f"Example: flowfront {verb}" in " ".join(answer.out.split())
    assert "--json" in answer.out
