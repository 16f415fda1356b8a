"""Estimates of memory: exact counts of weights, activations against what autograd keeps, refusal before loading."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks import memory
from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import Checkpoint, SD3Spec
from benchmarks.backbones.counting import Files, numbers_of, total
from benchmarks.backbones.geometry import geometry_of
from benchmarks.backbones.loading import load_pipeline
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.memory import available, check_memory, memory_lines
from benchmarks.memory_estimate import TRAINED_COPIES, estimate
from benchmarks.records import UsageError
from benchmarks.train import Learner
from methods.base import Method
from methods.marble import Marble
from methods.pareto_slider import ParetoSlider
from tests.support.families import FAMILIES, Channel, build_family, prompts_of
from tests.support.suites import tiny_benchmark

K = 2
families = pytest.mark.parametrize("family", FAMILIES)
PARTS = ("text_encoder", "text_encoder_2", "text_encoder_3", "connectors")


@pytest.fixture(scope="module")
def spec_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    made: dict[str, Checkpoint] = {}

    def of(family: str) -> Checkpoint:
        if family not in made:
            made[family] = build_family(family, tmp_path_factory.mktemp(family))
        return made[family]

    return of


def benchmark_of(spec: Checkpoint, family: str, **recipe: Any) -> Benchmark:
    return Benchmark(
        name="small", backbone=spec, prompts=prompts_of(family), rewards=(Channel(0, "red"), Channel(2, "blue")),
        reference_point=(0.0, 0.0), bounds=((0.0, 1.0), (0.0, 1.0)), budget=Budget(10_000),
        recipe=replace(
            Recipe(prompts_per_step=2, group_size=4, rollout_steps=3, shift=None, diagnostics_every=2), **recipe
        ),
        evaluation=Evaluation(preferences=((1.0, 0.0), (0.0, 1.0)), samples=1, steps=3, shift=None),
        summary="two prompts, two color channels",
    )  # fmt: skip


def method() -> Method:
    return replace(ParetoSlider(), slots=2)


def kept_bytes(backbone: AdaptedBackbone, family: str, rows: int) -> int:
    """Bytes that autograd keeps of one pass with gradient, weights left out."""
    own = {p.untyped_storage().data_ptr() for p in [*backbone.network.parameters(), *backbone.network.buffers()]}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    x = torch.randn(rows, *backbone.latent_shape, dtype=torch.float32)
    condition = backbone.encode([prompts_of(family)[i % 2] for i in range(rows)])
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        # The graph must live until all is counted, or storages share addresses.
        velocity = backbone.velocity(x, torch.full((rows,), 0.5), condition, torch.full((rows, K), 0.5))
    found = sum(kept.values())
    assert velocity.requires_grad
    return found


@families
def test_numbers_are_those_of_the_loaded_parts(family: str, spec_of: Callable[[str], Checkpoint]) -> None:
    spec = spec_of(family)
    backbone, found = spec.build(K, 0), numbers_of(spec, K)
    assert found.trained == sum(p.numel() for p in backbone.parameters())
    weights = backbone.network.transformer.state_dict()
    assert found.transformer == sum(tensor.numel() for name, tensor in weights.items() if "lora_" not in name)
    import diffusers

    name = json.loads((Path(spec.path) / "model_index.json").read_text())["_class_name"]
    pipeline = load_pipeline(getattr(diffusers, name), spec.path, None, torch.float32, ("transformer",))
    texts = [pipeline.components[part] for part in PARTS if pipeline.components.get(part) is not None]
    assert found.text == sum(p.numel() for text in texts for p in text.parameters())
    # Statistics of latents are in its files, too.
    assert found.vae is not None
    assert 0 <= found.vae - sum(p.numel() for p in pipeline.vae.parameters()) < 100


@families
def test_latents_samples_and_embeddings_are_those_of_the_backbone(
    family: str, spec_of: Callable[[str], Checkpoint]
) -> None:
    spec = spec_of(family)
    backbone, found = spec.build(K, 0), geometry_of(spec, numbers_of(spec, K).configs)
    assert found is not None
    assert found.latent == torch.Size(backbone.latent_shape).numel()
    assert found.sample == backbone.decode(torch.zeros(1, *backbone.latent_shape)).numel()
    embedded = vars(backbone.encode(prompts_of(family)[:1]))
    assert found.embedding == sum(tensor.numel() for name, tensor in embedded.items() if name != "mask")


@families
@pytest.mark.parametrize("checkpointing", [False, True])
def test_activations_are_within_a_fifth_of_what_autograd_keeps(
    family: str, checkpointing: bool, spec_of: Callable[[str], Checkpoint]
) -> None:
    spec = replace(spec_of(family), checkpointing=checkpointing)
    backbone, found = spec.build(K, 0), geometry_of(spec, numbers_of(spec, K).configs)
    assert found is not None
    expected = 4 * found.kept(checkpointing=checkpointing)
    for rows in (1, 3):
        factor = kept_bytes(backbone, family, rows) / (rows * expected)
        assert 0.9 < factor < 1.2, (rows, factor)


def test_shapes_come_from_headers_parts_or_configurations_alike(tmp_path: Path) -> None:
    spec = build_family("sd3", tmp_path)
    folder, files = Path(spec.path), Files(spec.path)
    parts = ("transformer", "vae", "text_encoder", "text_encoder_3")
    whole = {part: files.shapes(part) for part in parts}
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(weights)
    names = sorted(tensors)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, chosen in halves.items():
        save_file({name: tensors[name] for name in chosen}, weights.parent / file)
    index = {"weight_map": {name: file for file, chosen in halves.items() for name in chosen}}
    weights.with_name(weights.name + ".index.json").write_text(json.dumps(index))
    weights.unlink()
    assert files.shapes("transformer") == whole["transformer"]
    for file in folder.rglob("*.safetensors*"):
        file.unlink()
    for part in parts:
        found, expected = files.shapes(part), whole[part]
        assert found is not None
        assert expected is not None
        assert total(found) == total(expected)
    assert files.shapes("transformer") == whole["transformer"]


def test_what_is_not_on_this_machine_is_unknown_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("reaches for the network"))
    spec = SD3Spec(path="owner/a-name-nobody-has", device="cpu")
    found = estimate(benchmark_of(spec, "sd3"), method())
    assert found is not None
    assert found.unknown == ("transformer", "trained", "vae", "text", "activations")
    assert found.total == 0
    assert memory_lines(found) == [
        "memory: unknown for transformer, trained, vae, text, activations, whose files are not on this machine"
    ]
    assert check_memory(benchmark_of(spec, "sd3"), method()) == found


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "transformer" / "config.json").write_text("{"),
        lambda folder: (folder / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"none"),
        lambda folder: (folder / "transformer" / "config.json").write_text('{"num_layers": 2}'),
    ],
)
def test_damaged_files_are_left_to_the_loader(damage: Callable[[Path], object], tmp_path: Path) -> None:
    spec = build_family("sd3", tmp_path)
    damage(Path(spec.path))
    found = check_memory(benchmark_of(spec, "sd3"), method())
    assert found is not None
    assert found.unknown


def test_text_encoders_count_until_all_prompts_are_encoded(tmp_path: Path) -> None:
    spec = build_family("sd3", tmp_path)
    benchmark = benchmark_of(spec, "sd3")
    before = estimate(benchmark, method())
    freed = estimate(replace(benchmark, backbone=replace(spec, offload=True)), method())
    assert before is not None
    assert freed is not None
    size = before.always["text encoders"]
    assert size == 4 * (numbers_of(spec, K).text or 0) > 0
    assert "text encoders" not in freed.always
    assert freed.phases["encoding"] == {"text encoders": size}
    assert freed.total <= before.total - size or freed.peak == "encoding"
    spec.build(K, 0).encode(benchmark.prompts)
    after = estimate(benchmark, method())
    assert after is not None
    assert after.always["text encoders"] == 0


def test_parts_are_counted_as_the_training_has_them(spec_of: Callable[[str], Checkpoint]) -> None:
    benchmark = benchmark_of(spec_of("sd3"), "sd3", micro_batch=4)
    found = estimate(benchmark, method())
    assert found is not None
    learner = Learner(benchmark, method(), 0)
    learner.advance()
    trained = 4 * sum(p.numel() for p in learner.parameters)
    held = sum(tensor.nbytes for tensor in learner.state().values() if tensor.ndim)
    held += sum(p.grad.nbytes for p in learner.parameters if p.grad is not None)
    assert found.always["trained weights, gradient, Adam, snapshots"] == trained * TRAINED_COPIES
    assert trained * (TRAINED_COPIES - 1) < held <= trained * TRAINED_COPIES
    sums = sum(tensor.nbytes for tensor in learner.gradients._sums.values())
    assert found.phases["losses"]["gradient sums"] == sums
    without = estimate(replace(benchmark, recipe=replace(benchmark.recipe, diagnostics_every=0)), method())
    solved = estimate(replace(benchmark, recipe=replace(benchmark.recipe, diagnostics_every=0)), Marble())
    assert without is not None
    assert solved is not None
    assert without.phases["losses"]["gradient sums"] == 0
    assert solved.phases["losses"]["gradient sums"] == K * trained


def test_two_processes_each_have_half_of_the_rollouts(spec_of: Callable[[str], Checkpoint]) -> None:
    benchmark = benchmark_of(spec_of("sd3"), "sd3", micro_batch=4)
    one, two = estimate(benchmark, method()), estimate(benchmark, method(), 2)
    assert one is not None
    assert two is not None
    assert dict(one.always) == dict(two.always)
    for phase in ("rollouts", "losses"):
        assert one.phases[phase]["latents"] == 2 * two.phases[phase]["latents"]
    assert one.phases["losses"]["activations"] == two.phases["losses"]["activations"]
    with pytest.raises(UsageError, match="3 processes cannot share 2 prompts a step evenly"):
        estimate(benchmark, method(), 3)


def test_a_training_that_does_not_fit_is_refused_in_one_line_that_says_what_helps(
    spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of("sd3")
    benchmark = benchmark_of(replace(spec, checkpointing=False, precision="float32"), "sd3", group_size=64)
    found = estimate(benchmark, method())
    assert found is not None
    assert found.peak == "losses"
    monkeypatch.setattr(memory, "available", lambda _: found.total)
    assert check_memory(benchmark, method()) == found
    monkeypatch.setattr(memory, "available", lambda _: found.total - 1)
    monkeypatch.setattr(SD3Spec, "build", lambda *_: pytest.fail("loads"))
    with pytest.raises(UsageError, match=r"^benchmark small: a process needs about ") as caught:
        check_memory(benchmark, method())
    line = str(caught.value)
    assert "\n" not in line
    for word in (
        "activations",
        "latents",
        "found",
        "backbone.checkpointing=true (",
        "recipe.micro_batch=",
        "side=32 (",
    ):
        assert word in line, word
    # Processes share the memory of a CPU.
    monkeypatch.setattr(memory, "available", lambda _: found.total + 1)
    with pytest.raises(UsageError, match="a process needs"):
        check_memory(benchmark, method(), 2)


def test_only_switches_that_help_are_named(
    spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(spec_of("sd3"), checkpointing=True, precision="bfloat16")
    monkeypatch.setattr(memory, "available", lambda _: 1)
    with pytest.raises(UsageError) as caught:
        check_memory(benchmark_of(spec, "sd3", micro_batch=1), method())
    line = str(caught.value)
    assert "checkpointing=true" not in line
    assert "precision=bfloat16" not in line
    assert "micro_batch=" not in line


def test_passes_without_gradient_take_what_a_batch_of_them_takes(spec_of: Callable[[str], Checkpoint]) -> None:
    spec = spec_of("sd3")
    found = [estimate(benchmark_of(replace(spec, batch=batch), "sd3"), method()) for batch in (1, 4, 8, 100)]
    sizes = [one.phases["rollouts"]["forward pass"] for one in found if one is not None]
    assert sizes == [sizes[0], 4 * sizes[0], 8 * sizes[0], 8 * sizes[0]]


def test_nothing_is_checked_for_other_backbones_or_where_memory_cannot_be_told(
    spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda _: None)
    assert check_memory(benchmark_of(spec_of("sd3"), "sd3"), method()) is not None
    monkeypatch.setattr(memory, "available", lambda _: 1)
    assert check_memory(tiny_benchmark(), method()) is None


def test_what_is_available_is_read_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    if Path("/proc/meminfo").exists():
        free = available("cpu")
        assert free is not None
        assert 2**20 < free < 2**50
    assert available("mps") is None
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert available("cuda") is None
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda _: (3, 8))
    assert available("cuda:0") == 3
