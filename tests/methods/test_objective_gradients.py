"""K gradients from M backward passes: the numbers of K separate passes, where all parameters are linear layers'."""

import pytest
import torch
from torch import Tensor, nn

from methods.gradients import ObjectiveGradients, layer_group
from methods.linear_rows import contract_bias, contract_weight
from tests.support.networks import (
    MLP,
    Transformer,
    drawn_from,
    found_gradients,
    naive_gradients,
    relative_error,
    trainable,
)
from tests.support.properties import unchanged

ROOM = {torch.float32: 1e-5, torch.float64: 1e-12}
precisions = pytest.mark.parametrize("dtype", ROOM, ids=["float32", "float64"])
N, TOKENS = 12, 5


def setting(kind: str, k: int, m: int, dtype: torch.dtype, seed: int = 0) -> tuple[nn.Module, Tensor, Tensor]:
    """A network, its inputs [N, ...] and coefficients [N, K, M]."""
    with drawn_from(seed, dtype):
        network = MLP(m) if kind == "mlp" else Transformer(m)
        x = torch.randn(N, 3) if kind == "mlp" else torch.randn(N, TOKENS, 3)
        return network, x, torch.randn(N, k, m)


@precisions
@pytest.mark.parametrize("k", [1, 2, 5, 16])
@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_k_gradients_equal_k_separate_passes(kind: str, m: int, k: int, dtype: torch.dtype) -> None:
    network, x, coefficients = setting(kind, k, m, dtype)
    expected = naive_gradients(network(x), coefficients, network)
    with unchanged(x, coefficients, list(network.parameters())):
        gradients = found_gradients(network, x, coefficients)
    found = gradients.flat()
    assert gradients.general == set()
    assert found.dtype == dtype
    assert found.shape == (k, sum(p.numel() for p in trainable(network)))
    assert relative_error(found, expected) <= ROOM[dtype]
    assert all(p.grad is None for p in network.parameters())


@precisions
@pytest.mark.parametrize("sizes", [(12,), (5, 7), (1,) * 12, (4, 4, 3, 1)])
@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_micro_batches_add_up(kind: str, sizes: tuple[int, ...], dtype: torch.dtype) -> None:
    network, x, coefficients = setting(kind, 3, 2, dtype, seed=1)
    expected = naive_gradients(network(x), coefficients, network)
    assert relative_error(found_gradients(network, x, coefficients, sizes=sizes).flat(), expected) <= ROOM[dtype]


@pytest.mark.parametrize("shared", [0, 1, None])
@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_a_branch_that_all_losses_weigh_alike_takes_a_short_cut_to_the_same_numbers(
    kind: str, shared: int | None
) -> None:
    network, x, coefficients = setting(kind, 4, 2, torch.float64, seed=2)
    for m in range(2) if shared is None else [shared]:
        coefficients[:, :, m] = coefficients[:, :1, m]
    expected = naive_gradients(network(x), coefficients, network)
    found = found_gradients(network, x, coefficients).flat()
    assert relative_error(found, expected) <= 1e-12
    if shared is None:
        assert torch.equal(found, found[:1].expand_as(found))


def test_losses_without_coefficients_have_no_gradient_and_the_others_keep_theirs() -> None:
    network, x, coefficients = setting("transformer", 3, 2, torch.float64)
    coefficients[:, 1] = 0
    found = found_gradients(network, x, coefficients).flat()
    assert found[1].count_nonzero() == 0
    expected = naive_gradients(network(x), coefficients, network)
    assert relative_error(found[[0, 2]], expected[[0, 2]]) <= 1e-12
    nothing = found_gradients(network, x, torch.zeros_like(coefficients)).flat()
    assert nothing.count_nonzero() == 0


@precisions
@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_bins_are_the_gradients_of_their_points_and_add_up(kind: str, dtype: torch.dtype) -> None:
    k, n_bins = 3, 4
    network, x, coefficients = setting(kind, k, 2, dtype, seed=3)
    bins = torch.tensor([0, 1, 1, 3, 0, 0, 1, 3, 3, 0, 1, 1])  # nothing in bin 2
    gradients = ObjectiveGradients(network)
    gradients.reset(k, n_bins)
    for part in torch.arange(N).split(5):
        with gradients.watching(len(part)):
            gradients.add(network(x[part]), coefficients[part], bins[part])
    branches = network(x)
    masked = [naive_gradients(branches, coefficients * (bins == b)[:, None, None], network) for b in range(n_bins)]
    rows = torch.cat(masked).double()
    products = gradients.products(layer_group)
    assert len(products) == {"mlp": 3, "transformer": 5}[kind]
    total = torch.stack(list(products.values())).sum(0)
    assert total.shape == (n_bins, k, n_bins, k)
    scale = float((rows @ rows.T).abs().max())
    expected = (rows @ rows.T).reshape(n_bins, k, n_bins, k)
    torch.testing.assert_close(total, expected, rtol=0, atol=4 * ROOM[dtype] * scale)
    assert total[2].count_nonzero() == total[:, :, 2].count_nonzero() == 0
    whole = naive_gradients(branches, coefficients, network)
    assert relative_error(gradients.flat(), whole) <= 2 * ROOM[dtype]
    torch.testing.assert_close(
        total.sum((0, 2)), whole.double() @ whole.double().T, rtol=0, atol=9 * ROOM[dtype] * scale
    )


def test_products_are_those_of_each_group_and_in_float64() -> None:
    network, x, coefficients = setting("transformer", 3, 2, torch.float32, seed=4)
    gradients = found_gradients(network, x, coefficients)
    flat = gradients.flat().double()
    products = gradients.products(layer_group)
    assert list(products) == ["into", "modulation", "blocks.0", "blocks.1", "output"]
    names = [name for name, p in network.named_parameters() if p.requires_grad]
    sizes = [p.numel() for p in trainable(network)]
    pieces = dict(zip(names, flat.split(sizes, 1), strict=True))
    for group, product in products.items():
        rows = torch.cat([piece for name, piece in pieces.items() if layer_group(name) == group], 1)
        assert product.dtype == torch.float64
        torch.testing.assert_close(product[0, :, 0], rows @ rows.T, rtol=1e-9, atol=0)
    (single,) = gradients.products(lambda name: "all").values()
    torch.testing.assert_close(torch.stack(list(products.values())).sum(0), single, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("frozen", [("first.bias",), ("first.weight",), ("second.weight", "output.weight"), ("first",)])
def test_frozen_parameters_are_left_out(frozen: tuple[str, ...]) -> None:
    network, x, coefficients = setting("mlp", 3, 2, torch.float64, seed=5)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(frozen))
    gradients = found_gradients(network, x, coefficients)
    assert gradients.general == set()
    assert relative_error(gradients.flat(), naive_gradients(network(x), coefficients, network)) <= 1e-12


def test_two_layers_may_share_one_weight() -> None:
    with drawn_from(6, torch.float64):
        network, x, coefficients = MLP(1), torch.randn(N, 3), torch.randn(N, 3, 1)
        network.third = nn.Linear(7, 7, bias=False)
    network.third.weight = network.second.weight
    run = nn.Sequential(network.first, nn.Tanh(), network.second, nn.Tanh(), network.third, network.output)
    gradients = ObjectiveGradients(network)
    gradients.reset(3)
    with gradients.watching(N):
        gradients.add(run(x), coefficients)
    assert relative_error(gradients.flat(), naive_gradients(run(x), coefficients, network)) <= 1e-12


@pytest.mark.parametrize("reentrant", [False, None])
def test_recomputed_activations_change_nothing(reentrant: bool | None) -> None:
    with drawn_from(7, torch.float64):
        network = Transformer(2, reentrant=reentrant)
        x, coefficients = torch.randn(N, TOKENS, 3), torch.randn(N, 5, 2)
    expected = naive_gradients(network(x), coefficients, network)
    found = found_gradients(network, x, coefficients, sizes=(7, 5)).flat()
    assert relative_error(found, expected) <= 1e-12


@pytest.mark.parametrize("reentrant", [False, None])
def test_under_autocast_the_gradients_are_those_of_autocast(reentrant: bool | None) -> None:
    # In bfloat16 all passes round: the error is held against that of separate passes under the same autocast.
    with drawn_from(8, torch.float32):
        network = Transformer(2, reentrant=reentrant)
        x, coefficients = torch.randn(N, TOKENS, 3), torch.rand(N, 3, 2)

    def run(tokens: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            branches: Tensor = network(tokens)
        assert branches.dtype == torch.bfloat16
        return branches.float()

    exact = naive_gradients(network(x), coefficients, network)
    separate = naive_gradients(run(x), coefficients, network)
    found = found_gradients(network, x, coefficients, run=run).flat()
    assert found.dtype == torch.float32
    assert relative_error(separate, exact) > 1e-4, "autocast must matter here"
    assert relative_error(found, separate) < 0.05
    assert relative_error(found, exact) < 2 * relative_error(separate, exact) + 0.01


@pytest.mark.parametrize("tokens", [(), (4,), (2, 3)])
@pytest.mark.parametrize("j", [1, 3])
def test_contractions_are_sums_over_samples(tokens: tuple[int, ...], j: int) -> None:
    with drawn_from(9, torch.float64):
        x, delta, rows = torch.randn(5, *tokens, 3), torch.randn(5, *tokens, 2), torch.randn(5, j)
    weight = torch.einsum("ij,ito,itf->jof", rows, delta.reshape(5, -1, 2), x.reshape(5, -1, 3))
    torch.testing.assert_close(contract_weight(x, delta, rows), weight, rtol=1e-12, atol=1e-12)
    bias = torch.einsum("ij,ito->jo", rows, delta.reshape(5, -1, 2))
    torch.testing.assert_close(contract_bias(delta, rows), bias, rtol=1e-12, atol=1e-12)


def test_samples_are_contracted_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    with drawn_from(10, torch.float64):
        x, delta, rows = torch.randn(7, 4, 3), torch.randn(7, 4, 2), torch.randn(7, 3)
    whole = contract_weight(x, delta, rows)
    for size in (1, 6, 13, 10**6):  # 6 entries a sample: chunks of 1, 1, 2, 7
        monkeypatch.setattr("methods.linear_rows.CHUNK", size)
        torch.testing.assert_close(contract_weight(x, delta, rows), whole, rtol=1e-12, atol=1e-12)


def test_reset_begins_anew() -> None:
    network, x, coefficients = setting("mlp", 3, 2, torch.float64)
    gradients = found_gradients(network, x, coefficients)
    before = gradients.flat()
    gradients.reset(2)
    assert gradients.flat().tolist() == torch.zeros(2, before.shape[1]).tolist()
    with gradients.watching(N):
        gradients.add(network(x), coefficients[:, :2])
    assert torch.equal(gradients.flat(), before[:2])


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("blocks.3.attn.to_q.lora_A.weight", "blocks.3"),
        ("transformer.blocks.12.ff.0.weight", "transformer.blocks.12"),
        ("output.bias", "output"),
        ("weight", "weight"),
        ("0.weight", "0"),
    ],
)
def test_groups_of_parameters(name: str, group: str) -> None:
    assert layer_group(name) == group
