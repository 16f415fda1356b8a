"""What `ObjectiveGradients` does with parameters outside linear layers, with graphs that live on, and with faults."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from methods.gradients import ObjectiveGradients, layer_group
from tests.support.networks import (
    MLP,
    Transformer,
    drawn_from,
    found_gradients,
    naive_gradients,
    relative_error,
    trainable,
)
from tests.support.oracles import flat_gradient

N = 6


class Mixed(nn.Module):
    """All kinds of parameters that are not in a linear layer, and two that are."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 5)
        self.into = nn.Linear(3, 5)
        self.norm = nn.LayerNorm(5)
        self.gain = nn.Parameter(torch.randn(5))
        self.output = nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        index = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
        found: Tensor = self.output(torch.tanh(self.norm(self.into(x) + self.table(index)) * self.gain))
        return found.square()


class Attended(nn.Module):
    """An attention whose output projection is a linear layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.output = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens, _ = self.attention(x, x, x, need_weights=False)
        found: Tensor = self.output(tokens).mean(1)
        return found.square()


class Flattened(nn.Module):
    """A linear layer that gets tokens as rows, one that gets a single row for all samples, and one as usual."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.shared, self.output = nn.Linear(3, 4), nn.Linear(2, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.rows(x.flatten(0, 1)).view(*x.shape[:2], 4)
        shift = self.shared(torch.ones(1, 2).to(x))
        found: Tensor = self.output(torch.tanh(tokens + shift)).mean(1)
        return found.square()


class Vectors(nn.Module):
    """A linear layer that gets one vector without a sample dimension, and a number as a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.output = nn.Linear(N, 3), nn.Linear(3, 2)
        self.scale = nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.output(self.scale * torch.tanh(x + self.shared(torch.ones(N).to(x))))
        return found.square()


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], set[str], set[str]]] = {
    # class, input, named when built, named when run
    "mixed": (Mixed, (N, 3), {"table.weight", "norm.weight", "norm.bias", "gain"}, set()),
    "attention": (
        Attended,
        (N, 5, 4),
        {"attention.in_proj_weight", "attention.in_proj_bias", "attention.out_proj.weight", "attention.out_proj.bias"},
        set(),
    ),
    "flattened": (Flattened, (N, 4, 3), set(), {"rows.weight", "rows.bias", "shared.weight", "shared.bias"}),
    "vectors": (Vectors, (N, 3), {"scale"}, {"shared.weight", "shared.bias"}),
}


def named_in(messages: list[warnings.WarningMessage]) -> list[str]:
    """The parameters that warnings named, in order."""
    texts = [str(message.message) for message in messages]
    assert all("not in a linear layer that is fed one row a sample" in text for text in texts), texts
    return [name for text in texts for name in text.split(":")[0].split(", ")]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("k", [1, 3])
def test_what_is_not_linear_is_named_once_and_still_exact(name: str, k: int) -> None:
    kind, shape, built, run = CASES[name]
    with drawn_from(0, torch.float64):
        network, x, coefficients = kind(), torch.randn(*shape), torch.randn(N, k, 2)
    expected = naive_gradients(network(x), coefficients, network)
    with warnings.catch_warnings(record=True) as at_first:
        warnings.simplefilter("always")
        gradients = ObjectiveGradients(network)
    assert sorted(named_in(at_first)) == sorted(built)
    for repeat in range(3):
        gradients.reset(k)
        with warnings.catch_warnings(record=True) as found, gradients.watching(N):
            warnings.simplefilter("always")
            gradients.add(network(x), coefficients)
        assert sorted(named_in(found)) == (sorted(run) if repeat == 0 else [])
        assert gradients.general == built | run
        assert relative_error(gradients.flat(), expected) <= 1e-12
    total = torch.stack(list(gradients.products(layer_group).values())).sum(0)[0, :, 0]
    torch.testing.assert_close(total, expected @ expected.T, rtol=1e-9, atol=1e-12)


def test_linear_networks_warn_of_nothing() -> None:
    with drawn_from(0, torch.float64), warnings.catch_warnings():
        warnings.simplefilter("error")
        found_gradients(Transformer(), torch.randn(N, 4, 3), torch.randn(N, 2, 2))


def test_general_parameters_take_bins_and_micro_batches_too() -> None:
    with drawn_from(1, torch.float64):
        network, x, coefficients = Mixed(), torch.randn(N, 3), torch.randn(N, 2, 2)
    bins = torch.tensor([0, 2, 2, 0, 2, 0])
    with pytest.warns(UserWarning, match="not in a linear layer"):
        gradients = ObjectiveGradients(network)
    gradients.reset(2, 3)
    for part in torch.arange(N).split(4):
        with gradients.watching(len(part)):
            gradients.add(network(x[part]), coefficients[part], bins[part])
    masked = [naive_gradients(network(x), coefficients * (bins == b)[:, None, None], network) for b in range(3)]
    rows = torch.cat(masked)
    total = torch.stack(list(gradients.products(layer_group).values())).sum(0)
    torch.testing.assert_close(total.reshape(6, 6), rows @ rows.T, rtol=1e-9, atol=1e-10)


def test_a_layer_that_turns_out_not_to_be_fed_samples_keeps_what_it_had() -> None:
    # The first micro-batch has one point only, so the row that all samples share looks like the point's own.
    with drawn_from(2, torch.float64):
        network, x, coefficients = Flattened(), torch.randn(N, 1, 3), torch.randn(N, 3, 2)
    expected = naive_gradients(network(x), coefficients, network)
    with pytest.warns(UserWarning, match="shared"):
        found = found_gradients(network, x, coefficients, sizes=(1, 5))
    assert found.general == {"shared.weight", "shared.bias"}
    assert relative_error(found.flat(), expected) <= 1e-12


class Outside(nn.Module):
    """A linear layer whose weight is also used by hand."""

    def __init__(self, *, tied: bool) -> None:
        super().__init__()
        self.layer, self.output = nn.Linear(3, 3), nn.Linear(3, 2)
        self.tied = tied

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.layer(x)
        hidden = hidden @ self.layer.weight if self.tied else nn.functional.linear(hidden, self.layer.weight)
        found: Tensor = self.output(hidden)
        return found.square()


@pytest.mark.parametrize("tied", [False, True])
def test_a_weight_used_outside_its_layer_is_refused(tied: bool) -> None:
    with drawn_from(3, torch.float64):
        network, x = Outside(tied=tied), torch.randn(N, 3)
    with pytest.raises(ValueError, match=r"layer\.weight: expected a weight used by its own linear layer alone"):
        found_gradients(network, x, torch.ones(N, 2, 2))
    assert network.layer.forward.__func__ is nn.Linear.forward  # type: ignore[attr-defined]


def test_the_graph_is_kept_if_asked_for_and_freed_if_not() -> None:
    with drawn_from(4, torch.float64):
        network, x, coefficients = MLP(), torch.randn(N, 3), torch.randn(N, 3, 2)
    gradients = ObjectiveGradients(network)
    gradients.reset(3)
    with gradients.watching(N):
        branches = network(x)
        gradients.add(branches, coefficients, keep=True)
        gradients.add(branches, coefficients)
        with pytest.raises(RuntimeError, match="second time"):
            gradients.add(branches, coefficients)
    assert relative_error(gradients.flat(), 2 * naive_gradients(network(x), coefficients, network)) <= 1e-12


def test_the_graph_is_kept_beside_general_parameters() -> None:
    with drawn_from(4, torch.float64):
        network, x, coefficients = Mixed(), torch.randn(N, 3), torch.randn(N, 3, 2)
    with pytest.warns(UserWarning, match="not in a linear layer"):
        gradients = ObjectiveGradients(network)
    gradients.reset(3)
    with gradients.watching(N):
        branches = network(x)
        gradients.add(branches, coefficients, keep=True)
        gradients.add(branches, coefficients)
        with pytest.raises(RuntimeError, match="second time"):
            branches.sum().backward()  # type: ignore[no-untyped-call]
    assert relative_error(gradients.flat(), 2 * naive_gradients(network(x), coefficients, network)) <= 1e-12


@pytest.mark.parametrize("reentrant", [False, None])
def test_an_ordinary_backward_pass_in_the_same_graph_gives_the_ordinary_gradient(reentrant: bool | None) -> None:
    with drawn_from(5, torch.float64):
        network = Transformer(2, reentrant=reentrant)
        x, coefficients, weights = torch.randn(N, 4, 3), torch.randn(N, 3, 2), torch.randn(N, 2)
    loss = (weights * network(x)).sum()
    expected = flat_gradient(loss, trainable(network))
    gradients = ObjectiveGradients(network)
    gradients.reset(3)
    with gradients.watching(N):
        branches = network(x)
        gradients.add(branches, coefficients, keep=True)
        before = gradients.flat()
        (weights * branches).sum().backward()
    found = torch.cat([p.grad.flatten() for p in trainable(network) if p.grad is not None])
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(gradients.flat(), before), "only `add` adds"
    assert all(p.grad is None for p in network.parameters() if not p.requires_grad)


def test_layers_run_as_before_once_nothing_watches() -> None:
    network = MLP()
    gradients = ObjectiveGradients(network)
    gradients.reset(1)
    layers = (network.first, network.second, network.output)
    with gradients.watching(N):
        assert all("forward" in vars(layer) for layer in layers)
    assert not any("forward" in vars(layer) for layer in layers)
    with pytest.raises(RuntimeError, match="within"), gradients.watching(N):
        raise RuntimeError("within")
    assert not any("forward" in vars(layer) for layer in layers)


def test_values_are_those_of_the_bare_network() -> None:
    with drawn_from(6, torch.float32):
        network, x = Transformer(), torch.randn(N, 4, 3)
    gradients = ObjectiveGradients(network)
    gradients.reset(1)
    expected = network(x)
    with gradients.watching(N):
        assert torch.equal(network(x), expected)
        with torch.no_grad():
            assert torch.equal(network(x), expected)


def test_passes_without_a_gradient_are_not_recorded() -> None:
    # They may have any number of rows, as a doubled batch for guidance, and leave no trace.
    with drawn_from(7, torch.float64):
        network, x, coefficients = MLP(), torch.randn(N, 3), torch.randn(N, 2, 2)
    gradients = ObjectiveGradients(network)
    gradients.reset(2)
    with gradients.watching(N):
        with torch.no_grad():
            other = network(torch.cat((x, x, x)))
        assert not other.requires_grad
        gradients.add(network(x) + other[:N], coefficients)
    assert gradients.general == set()
    found = gradients.flat()
    with torch.no_grad():
        constant = network(x)
    assert relative_error(found, naive_gradients(network(x) + constant, coefficients, network)) <= 1e-12


def test_hooks_of_layers_still_run() -> None:
    with drawn_from(8, torch.float64):
        network, x, coefficients = MLP(), torch.randn(N, 3), torch.randn(N, 2, 2)
    network.second.register_forward_hook(lambda layer, args, output: 3 * output)
    expected = naive_gradients(network(x), coefficients, network)
    assert relative_error(found_gradients(network, x, coefficients).flat(), expected) <= 1e-12


def test_reentrant_recomputation_is_refused_by_torch_and_leaves_nothing_behind() -> None:
    # Checkpoints of the old kind cannot be asked for single gradients. They fail loudly, not wrongly.
    with drawn_from(9, torch.float64):
        network, x = MLP(1), torch.randn(N, 3)
    gradients = ObjectiveGradients(network)
    gradients.reset(1)
    with gradients.watching(N):
        branches = checkpoint(network.output, network.first(x), use_reentrant=True)
        with pytest.raises(RuntimeError, match="use_reentrant"):
            gradients.add(branches, torch.ones(N, 1, 1))
    assert not any("forward" in vars(layer) for layer in (network.first, network.output))
    with gradients.watching(N):
        gradients.reset(1)
        gradients.add(network(x), torch.ones(N, 1, 1).double())
    assert relative_error(gradients.flat(), naive_gradients(network(x), torch.ones(N, 1, 1).double(), network)) <= 1e-12


def test_a_network_in_half_precision_is_summed_in_float32() -> None:
    with drawn_from(10, torch.float32):
        network, x, coefficients = MLP(), torch.randn(N, 3), torch.rand(N, 2, 2)
    exact = naive_gradients(network(x), coefficients, network)
    half = network.to(torch.bfloat16)
    found = found_gradients(half, x.bfloat16(), coefficients).flat()
    assert found.dtype == torch.float32
    assert relative_error(found, exact) < 0.1
