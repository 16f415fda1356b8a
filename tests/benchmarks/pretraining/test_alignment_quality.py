"""The figures of an image-text model, told apart: all-knowing, ignorant, and blind to one thing."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.draws import derived_seed
from benchmarks.pretraining import alignment_quality
from benchmarks.pretraining.alignment_quality import quality
from benchmarks.pretraining.contrasts import meaning
from benchmarks.tasks.shapes.language import Pair, Scene, Several, parse

Sense = Callable[[Scene], str]


def vectors(senses: Sequence[str]) -> Tensor:
    """Return a direction [N, 32] for each sense, equal ones for equal senses."""
    raw = [torch.randn(32, generator=torch.Generator().manual_seed(derived_seed(sense))) for sense in senses]
    return torch.nn.functional.normalize(torch.stack(raw), dim=1)


class FakeModel:
    """Knows of a caption what `sense` says; pictures are already vectors."""

    def __init__(self, sense: Sense) -> None:
        self._sense = sense

    def embed_pictures(self, pictures: Tensor) -> Tensor:
        return pictures

    def embed_prompts(self, prompts: Sequence[str]) -> Tensor:
        return vectors([self._sense(parse(prompt)) for prompt in prompts])


def figures(monkeypatch: pytest.MonkeyPatch, seen: Sense, read: Sense) -> dict[str, float]:
    """Return the figures of a model that sees `seen` of a picture and reads `read` of a caption."""

    class FakeRenderer:
        def __call__(self, scenes: Sequence[Scene], generator: np.random.Generator) -> Tensor:
            return vectors([seen(scene) for scene in scenes])

    monkeypatch.setattr(alignment_quality, "Renderer", FakeRenderer)
    return quality(FakeModel(read), pictures=24)  # type: ignore[arg-type]


def things(scene: Scene) -> str:
    return str(sorted(map(str, (scene.first, scene.second)))) if isinstance(scene, Pair) else str(scene)


def everything(scene: Scene) -> str:
    return f"{things(scene)} {meaning(scene)[1]}"


def without_count(scene: Scene) -> str:
    return f"some {scene.thing}" if isinstance(scene, Several) else everything(scene)


def test_a_model_that_knows_everything_is_always_right(monkeypatch: pytest.MonkeyPatch) -> None:
    found = figures(monkeypatch, everything, everything)
    assert set(found.values()) == {1.0}
    changes = {
        "several": ("count", "color", "shape"),
        "pair": ("color", "shape", "swap"),
        "placed": ("color", "shape", "swap", "relation"),
        "sign": ("character", "order", "length"),
    }
    expected = {f"{kind}_over_{change}" for kind, names in changes.items() for change in names}
    assert {name for name in found if "_over_" in name and not name.endswith("_in_test")} == expected


@pytest.mark.parametrize(
    ("blind", "lost"), [(things, {"placed_over_relation"}), (without_count, {"several_over_count"})]
)
def test_what_a_model_is_blind_to_shows_in_its_own_figure_alone(
    monkeypatch: pytest.MonkeyPatch, blind: Sense, lost: set[str]
) -> None:
    found = figures(monkeypatch, blind, blind)
    never = {name for name, value in found.items() if value == 0.0 and not name.endswith("_in_test")}
    assert never == lost
    # Equal shapes make some swaps a matter of place alone.
    mixed = {"placed_over_swap"} if blind is things else set[str]()
    whole = [name for name in found if "_over_" in name and not name.startswith(tuple(lost | mixed))]
    assert all(found[name] == 1.0 for name in whole)
    assert all(0.5 < found[name] < 1.0 for name in mixed)


def test_a_model_that_knows_nothing_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    found = figures(monkeypatch, lambda scene: f"picture {scene}", lambda scene: f"caption {scene}")
    shares = [value for name, value in found.items() if "_over_" in name and not name.endswith("_in_test")]
    assert 0.4 < np.mean(shares) < 0.6
    assert found["retrieval_of_captions"] < 0.1
    assert found["retrieval_of_pictures"] < 0.1
    assert all(abs(value) < 0.2 for name, value in found.items() if name.endswith("_cosine"))


def test_figures_depend_on_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ignorant: tuple[Sense, Sense] = (lambda scene: f"picture {scene}", lambda scene: f"caption {scene}")
    assert figures(monkeypatch, *ignorant) == figures(monkeypatch, *ignorant)


def test_a_pair_of_equal_things_is_not_among_the_scenes() -> None:
    # `meaning` keeps things as a set, which would drop one of two alike.
    with pytest.raises(ValueError, match="found another sentence"):
        parse("a red circle and a red circle")
    assert isinstance(parse("a red circle and a red square"), Pair)
