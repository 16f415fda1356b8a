"""Preference modules on their own and on a stub transformer: encoding, sizes, initial weights, hooks, faults."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from benchmarks.backbones.preference import PreferenceModules, PreferenceSize, Reader, positional_encoding
from benchmarks.records import UsageError
from tests.support.networks import drawn_from

D, N, K = 6, 4, 2


class Layer(nn.Module):
    """A gated residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.ff = nn.Linear(D, D), nn.Linear(D, D)

    def forward(self, hidden: Tensor, *, embedding: Tensor) -> Tensor:
        found: Tensor = hidden + self.gate(embedding).unsqueeze(1) * self.ff(hidden).tanh()
        return found


class Last(nn.Module):
    """A module behind the blocks that reads the embedding by position."""

    def forward(self, hidden: Tensor, embedding: Tensor) -> Tensor:
        return hidden * embedding.unsqueeze(1)


class Stub(nn.Module):
    """Tokens [B, T, D] conditioned on [B, D]; blocks get the embedding by keyword."""

    def __init__(self, layers: int = 3, size: PreferenceSize | None = None, *, listed: bool = True) -> None:
        super().__init__()
        self.time, self.last = nn.Linear(D, D), Last()
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.recompute = False
        self.requires_grad_(False)
        self.preference = PreferenceModules(K, D, size or PreferenceSize(hidden=5))
        blocks = [Reader(layer, 1, "embedding", layer.ff) for layer in self.layers if isinstance(layer, Layer)]
        self.preference.attach(self.time, [*blocks, Reader(self.last, 1, "embedding")] if listed else blocks)

    def forward(self, hidden: Tensor, condition: Tensor) -> Tensor:
        embedding = self.time(condition)
        for layer in self.layers:
            if self.recompute:
                hidden = checkpoint(layer, hidden, embedding=embedding, use_reentrant=False)
            else:
                hidden = layer(hidden, embedding=embedding)
        found: Tensor = self.last(hidden, embedding)
        return found


def under(network: Stub, preference: Tensor | None, inputs: tuple[Tensor, Tensor]) -> Tensor:
    with network.preference.using(preference):
        found: Tensor = network(*inputs)
    return found


def by_hand(network: Stub, preference: Tensor, inputs: tuple[Tensor, Tensor], active: int) -> Tensor:
    hidden, condition = inputs
    added, modulation = network.preference(preference)
    embedding = nn.functional.linear(condition, network.time.weight, network.time.bias) + added
    for i, layer in enumerate(network.layers):
        assert isinstance(layer, Layer)
        output = nn.functional.linear(hidden, layer.ff.weight, layer.ff.bias)
        if i < active:
            output = output + modulation[:, None]
        hidden = hidden + layer.gate(embedding)[:, None] * output.tanh()
    return hidden * embedding[:, None]


def stub(layers: int = 3, size: PreferenceSize | None = None, *, listed: bool = True) -> Stub:
    with drawn_from(0, torch.float64):
        network = Stub(layers, size, listed=listed)
        for parameter in network.preference.parameters():
            nn.init.normal_(parameter)
    return network


def stub_inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(N, 3, D, generator=generator, dtype=torch.float64),
        torch.randn(N, D, generator=generator, dtype=torch.float64),
    )


def some(seed: int = 0) -> Tensor:
    return torch.rand(N, K, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).softmax(1)


@pytest.mark.parametrize(
    ("preference", "expected"),
    [
        ((1, 0), (0, -1, 0, 1)),
        ((0, 1), (0, 1, 0, -1)),
        ((0.5, 0.5), (1, 0, 1, 0)),
        ((0.7, 0.3), (0.809017, -0.587785, 0.809017, 0.587785)),
    ],
)
def test_encoding_of_two_objectives_has_the_known_numbers(
    preference: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    found = positional_encoding(torch.tensor([preference], dtype=torch.float64), 1)
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6)


def test_encoding_lists_for_each_entry_its_sines_then_its_cosines() -> None:
    rows = [[0.1, 0.2, 0.7], [0.5, 0.5, 0.0]]
    expected = [
        [f(math.pi * 2**band * entry) for entry in row for f in (math.sin, math.cos) for band in range(4)]
        for row in rows
    ]
    found = positional_encoding(torch.tensor(rows, dtype=torch.float64), 4)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_published_size_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        modules = PreferenceModules(2, 1536, PreferenceSize(projector_std=None))
    assert sum(p.numel() for p in modules.embedding.parameters()) == 2_365_440
    assert sum(p.numel() for p in modules.projector.parameters()) == 8_267_520


def test_layers_are_those_of_the_paper() -> None:
    modules = stub().preference
    weights = {name: (p.T if p.ndim == 2 else p) for name, p in modules.named_parameters()}

    def layer(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

    preference = some()
    first = layer("embedding.first", preference)
    added = layer("embedding.last", first * first.sigmoid())
    hidden = layer("projector.first", layer("projector.read", positional_encoding(preference, 1)))
    for name in ("second", "third", "last"):
        hidden = layer(f"projector.{name}", hidden.clamp_min(0))
    found = modules(preference)
    torch.testing.assert_close(found[0], added)
    torch.testing.assert_close(found[1], hidden)


@pytest.mark.parametrize(
    ("std", "size", "spread"), [(None, 5.9e-2, 2.2e-2), (1e-3, 6.4e-4, 4.2e-4)], ids=["published", "small"]
)
def test_only_the_small_projector_starts_near_the_identity(std: float | None, size: float, spread: float) -> None:
    found = []
    for seed in range(3):
        with drawn_from(seed, torch.float64), torch.no_grad():
            modulation = PreferenceModules(2, 128, PreferenceSize(projector_std=std))(torch.eye(2))[1]
        found.append((modulation.square().mean().sqrt(), modulation.diff(dim=0).square().mean().sqrt()))
    assert torch.tensor(found).mean(0).tolist() == pytest.approx([size, spread], rel=0.15)


def test_initial_weights_are_as_named() -> None:
    with drawn_from(0, torch.float64):
        modules = PreferenceModules(K, 64, PreferenceSize(projector_std=0.5, embedding_std=0.25))
    for stack, std in ((modules.embedding, 0.25), (modules.projector, 0.5)):
        assert isinstance(stack[-1], nn.Linear)
        assert float(stack[-1].weight.detach().std()) == pytest.approx(std, rel=0.05)
        assert not stack[-1].bias.any()
    assert all(type(m) is nn.Linear for m in modules.modules() if list(m.parameters(recurse=False)))
    with drawn_from(0, torch.float64):
        published = PreferenceModules(K, 64, PreferenceSize(projector_std=None)).projector[-1]
    assert isinstance(published, nn.Linear)
    assert published.bias.any()


@pytest.mark.parametrize(("fraction", "active"), [(1.0, 5), (0.5, 2), (0.6, 3), (0.1, 1)])
def test_the_first_blocks_are_modulated(fraction: float, active: int) -> None:
    network, inputs = stub(5, PreferenceSize(hidden=5, fraction=fraction)), stub_inputs()
    torch.testing.assert_close(under(network, some(), inputs), by_hand(network, some(), inputs, active))


def test_without_a_preference_nothing_changes() -> None:
    network, inputs = stub(), stub_inputs()
    with drawn_from(0, torch.float64):
        bare = Stub()
    for module in bare.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    expected = bare(*inputs)
    under(network, some(), inputs)
    assert torch.equal(under(network, None, inputs), expected)
    assert torch.equal(network(*inputs), expected)
    assert not torch.allclose(under(network, some(), inputs), expected)


def test_the_inner_preference_counts_and_the_outer_one_returns() -> None:
    network, inputs = stub(), stub_inputs()
    one, two = under(network, some(0), inputs), under(network, some(1), inputs)
    assert not torch.allclose(one, two)
    with network.preference.using(some(0)):
        assert torch.equal(under(network, some(1), inputs), two)
        with pytest.raises(RuntimeError, match="within"), network.preference.using(some(1)):
            raise RuntimeError("within")
        assert torch.equal(network(*inputs), one)


def test_recomputed_blocks_meet_the_preference_of_their_forward_pass() -> None:
    network, inputs = stub(), stub_inputs()
    found = []
    for network.recompute in (False, True):
        loss = sum(
            (i + 1) * under(network, preference, inputs).square().sum()
            for i, preference in enumerate((some(0), None, some(1)))
        )
        with network.preference.using(some(2)):
            found.append(torch.autograd.grad(loss, list(network.preference.parameters())))  # type: ignore[arg-type]
    for usual, recomputed in zip(*found, strict=True):
        assert usual.any()
        torch.testing.assert_close(recomputed, usual, rtol=1e-10, atol=1e-12)


def test_a_copy_of_the_network_uses_its_own_modules() -> None:
    network, inputs = stub(), stub_inputs()
    expected = under(network, some(), inputs)
    twin = copy.deepcopy(network)
    assert torch.equal(under(twin, some(), inputs), expected)
    with torch.no_grad():
        for parameter in network.preference.parameters():
            parameter.zero_()
    assert torch.equal(under(twin, some(), inputs), expected)


def test_nothing_of_a_pass_is_kept_even_if_it_fails() -> None:
    # What belongs to a graph cannot be copied, and would keep the whole graph alive.
    network, inputs = stub(), stub_inputs()
    expected = network(*inputs)
    handle = network.layers[1].register_forward_pre_hook(lambda *args: {}["fault"])
    with pytest.raises(KeyError):
        under(network, some(), inputs)
    handle.remove()
    copy.deepcopy(network)
    assert torch.equal(network(*inputs), expected)


def test_a_module_that_reads_the_embedding_must_be_listed() -> None:
    network = stub(listed=False)
    with pytest.raises(RuntimeError, match="size of tensor"):
        under(network, some(), stub_inputs())


@pytest.mark.parametrize(
    ("preference", "message"),
    [
        (torch.ones(N, 3), r"^preference: expected K=2 weights in each of B rows, found K=3$"),
        (torch.ones(N, 1), r"^preference: expected K=2 weights in each of B rows, found K=1$"),
        (torch.ones(2), r"^preference: expected K=2 weights in each of B rows, found shape \[2\]$"),
        (torch.ones(1, 2), r"^preference: expected one row a sample, 4 rows, found 1$"),
    ],
)
def test_preferences_of_another_shape_are_refused(preference: Tensor, message: str) -> None:
    network, inputs = stub(), stub_inputs()
    before = network(*inputs)
    with pytest.raises(UsageError, match=message):
        under(network, preference, inputs)
    assert torch.equal(network(*inputs), before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 0}, "hidden must be at least 1, found 0"),
        ({"bands": 0}, "bands must be at least 1, found 0"),
        ({"fraction": 0.0}, r"fraction must be in \(0, 1\], found 0.0"),
        ({"fraction": 1.5}, r"fraction must be in \(0, 1\], found 1.5"),
        ({"projector_std": -1.0}, "projector_std must be finite and not negative, found -1.0"),
        ({"embedding_std": math.inf}, "embedding_std must be finite and not negative, found inf"),
        ({"embedding_std": math.nan}, "embedding_std must be finite and not negative, found nan"),
    ],
)
def test_sizes_out_of_range_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PreferenceSize(**changes)  # type: ignore[arg-type]


def test_there_is_at_least_one_objective() -> None:
    with pytest.raises(ValueError, match="n_objectives must be at least 1, found 0"):
        PreferenceModules(0, D, PreferenceSize())
