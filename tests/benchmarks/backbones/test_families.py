"""Real families on small checkpoints: preference modules by hooks, recomputed blocks, the cache, every method."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.checkpoints import Checkpoint, LTX2Spec
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.base import Benchmark, Budget, Evaluation, Recipe
from benchmarks.records import UsageError
from benchmarks.train import Learner
from methods import METHODS
from methods.base import Method
from tests.support.families import FAMILIES, SIDE, Channel, build_family, prompts_of
from tests.support.sd3 import moved

K = 2
families = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def spec_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    made: dict[str, Checkpoint] = {}

    def of(family: str) -> Checkpoint:
        if family not in made:
            made[family] = build_family(family, tmp_path_factory.mktemp(family))
        return made[family]

    return of


def inputs(backbone: AdaptedBackbone, family: str) -> tuple[Tensor, Tensor, Any]:
    x = torch.randn(2, *backbone.latent_shape, generator=torch.Generator().manual_seed(3))
    return x, torch.tensor([0.3, 0.9]), backbone.encode(prompts_of(family))


PREFERENCES = torch.tensor([[1.0, 0.0], [0.3, 0.7]])


@families
def test_passes_without_gradient_are_taken_in_parts(family: str, spec_of: Callable[[str], Checkpoint]) -> None:
    parts, whole = (replace(spec_of(family), batch=batch).build(K, 0) for batch in (2, 5))
    moved(parts.network)
    whole.snapshots.load(parts.snapshots.state())
    names = prompts_of(family)
    sizes: list[int] = []
    x = torch.randn(5, *parts.latent_shape, generator=torch.Generator().manual_seed(3))
    given = (x, torch.linspace(0.2, 0.9, 5), parts.encode([names[i % 2] for i in range(5)]))
    wanted = torch.linspace(0, 1, 5)
    preferences = torch.stack((wanted, 1 - wanted), 1)
    with torch.no_grad():
        expected = whole.velocity(*given, preferences)
        with parts.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0]))):
            torch.testing.assert_close(parts.velocity(*given, preferences), expected, rtol=1e-4, atol=1e-5)
    assert sizes == [2, 2, 1]
    with parts.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0]))):
        parts.velocity(*given, preferences)
    assert sizes[3:] == [5]


@families
def test_a_preference_changes_nothing_at_the_start(family: str, spec_of: Callable[[str], Checkpoint]) -> None:
    size = PreferenceSize(hidden=8, projector_std=0.0, embedding_std=0.0)
    backbone = replace(spec_of(family), preference=size).build(K, 0)
    without = replace(spec_of(family), preference=None).build(K, 0)
    given = inputs(backbone, family)
    with torch.no_grad():
        plain = backbone.velocity(*given)
        assert torch.equal(backbone.velocity(*given, PREFERENCES), plain)
        assert torch.equal(without.velocity(*given), plain)
    assert float(plain.std()) > 0.1


@families
def test_each_row_has_its_own_preference(family: str, spec_of: Callable[[str], Checkpoint]) -> None:
    backbone = spec_of(family).build(K, 0)
    given = inputs(backbone, family)
    with torch.no_grad():
        moved(backbone.network)
        plain, found = backbone.velocity(*given), backbone.velocity(*given, PREFERENCES)
        turned = backbone.velocity(*given, PREFERENCES.flip(0))
        changed = backbone.velocity(*given, torch.stack((PREFERENCES[0], PREFERENCES[0])))
    assert float((found - plain).abs().max()) > 1e-3
    assert bool(((turned - found).flatten(1).abs().amax(1) > 1e-4).all())
    torch.testing.assert_close(changed[0], found[0])
    assert float((changed[1] - found[1]).abs().max()) > 1e-4


@families
def test_the_modulation_reaches_image_tokens_alone(family: str, spec_of: Callable[[str], Checkpoint]) -> None:
    # With an embedding that adds nothing, the first block's other outputs cannot hear of the preference.
    size = PreferenceSize(hidden=8, projector_std=1.0, embedding_std=0.0)
    backbone = replace(spec_of(family), preference=size).build(K, 0)
    transformer = backbone.network.transformer
    blocks = [transformer.transformer_blocks[0]]
    if family == "flux-kontext":
        blocks.append(transformer.single_transformer_blocks[0])
    for block in blocks:
        seen: list[tuple[tuple[Any, ...], dict[str, Any], tuple[Tensor, Tensor]]] = []
        hook = block.register_forward_hook(lambda m, a, k, out, seen=seen: seen.append((a, k, out)), with_kwargs=True)
        given = inputs(backbone, family)
        with torch.no_grad():
            backbone.velocity(*given)
            backbone.velocity(*given, PREFERENCES)
            hook.remove()
            (_, _, _), (_, arguments, found) = seen
            # The block alone on the same inputs, of which hooks have taken the modulation off.
            plain = block(**arguments)
        image, other = (0, 1) if family == "ltx2" else (1, 0)
        assert torch.equal(plain[other], found[other])
        change = (found[image] - plain[image]).abs().amax((0, 2))
        assert bool((change > 1e-4).all())


@families
def test_recomputed_blocks_meet_the_preference_of_their_own_pass(
    family: str, spec_of: Callable[[str], Checkpoint]
) -> None:
    gradients = []
    for checkpointing in (False, True):
        backbone = replace(spec_of(family), checkpointing=checkpointing).build(K, 0)
        moved(backbone.network)
        given = inputs(backbone, family)
        passes = [backbone.velocity(*given, wanted) for wanted in (PREFERENCES, PREFERENCES.flip(1), None)]
        sum(found.square().mean() for found in passes).backward()
        gradients.append([p.grad.clone() for p in backbone.parameters() if p.grad is not None])
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(recomputed, plain, rtol=1e-4, atol=1e-6)


@families
def test_text_is_encoded_once_for_all_runs(
    family: str, spec_of: Callable[[str], Checkpoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = replace(spec_of(family), cache=tmp_path)
    loads: list[Any] = []
    from benchmarks.backbones import pipelines

    load = pipelines.load_pipeline

    def counted(kind: Any, *rest: Any) -> Any:
        loads.append(rest[-1])
        return load(kind, *rest)

    monkeypatch.setattr(pipelines, "load_pipeline", counted)
    first = spec.build(K, 0).encode(prompts_of(family))
    n_loads = len(loads)
    assert n_loads == 2
    again = spec.build(K, 1).encode(prompts_of(family)[::-1])
    assert len(loads) == n_loads + 1
    for one, other in zip(vars(first).values(), vars(again).values(), strict=True):
        assert torch.equal(one, other.flip(0))


def benchmark_of(spec: Checkpoint, family: str) -> Benchmark:
    return Benchmark(
        name="small",
        backbone=spec,
        prompts=prompts_of(family),
        rewards=(Channel(0, "red"), Channel(2, "blue")),
        reference_point=(0.0, 0.0),
        bounds=((0.0, 1.0), (0.0, 1.0)),
        budget=Budget(10_000),
        recipe=Recipe(
            prompts_per_step=2, group_size=4, rollout_steps=3, shift=None, learning_rate=1e-3, diagnostics_every=2
        ),
        evaluation=Evaluation(preferences=((1.0, 0.0), (0.0, 1.0)), samples=1, steps=3, shift=None),
        summary="two prompts, two color channels",
    )


def trainable(name: str) -> Method:
    method = METHODS[name]()
    return replace(method, slots=2 if method.slots > 1 else 1).models(K)[0].method


@families
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_two_steps(family: str, name: str, spec_of: Callable[[str], Checkpoint]) -> None:
    learner = Learner(benchmark_of(spec_of(family), family), trainable(name), 0)
    before = [p.detach().clone() for p in learner.parameters]
    for _ in range(2):
        step = learner.advance()
        assert torch.isfinite(step.weights).all()
    changed = [not torch.equal(p, old) for p, old in zip(learner.parameters, before, strict=True)]
    assert any(changed)


def test_a_checkpoint_of_another_family_is_refused(spec_of: Callable[[str], Checkpoint]) -> None:
    spec = LTX2Spec(path=spec_of("sd3").path, device="cpu", precision="float32", height=SIDE, width=SIDE, frames=9)
    with pytest.raises(UsageError, match="expected a checkpoint of LTX2Pipeline, found StableDiff"):
        spec.build(K, 0)


@pytest.mark.parametrize(
    ("family", "change", "message"),
    [
        ("sd3", {"side": 60}, "image side: expected a multiple of 8 pixels, found 60"),
        ("sd3", {"side": 1024}, "latent side: expected a multiple of 2 up to 32, found 128"),
        ("flux-kontext", {"side": 72}, "image side: expected a multiple of 16 pixels, found 72"),
        ("ltx2", {"frames": 10}, "video length: expected a multiple of 8 frames and one more, found 10"),
        ("ltx2", {"width": 100}, "video size: expected height and width in multiples of 32, found 64 x 100"),
    ],
)
def test_sizes_that_do_not_fit_are_one_line(
    family: str, change: dict[str, Any], message: str, spec_of: Callable[[str], Checkpoint]
) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        replace(spec_of(family), **change).build(K, 0)


def test_a_source_of_another_size_is_refused(spec_of: Callable[[str], Checkpoint]) -> None:
    backbone = replace(spec_of("flux-kontext"), side=SIDE + 16).build(K, 0)
    with pytest.raises(UsageError, match="expected 80 x 80 pixels"):
        backbone.encode(prompts_of("flux-kontext"))
