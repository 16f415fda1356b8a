"""Backbones with random weights are the published networks in all but the numbers."""

import pytest
import torch
from diffusers import AutoencoderKL, SD3Transformer2DModel

from benchmarks.backbones.lora import LoraSize
from benchmarks.backbones.preference import PreferenceSize
from benchmarks.backbones.published_sizes import SIZES, find_size
from benchmarks.backbones.random_models import STD, frozen_random, made_of
from benchmarks.backbones.random_weights import PARTS, RandomWeightsSpec, count
from benchmarks.records import UsageError

SAMPLES = {"sd35": (3, 64, 64), "kontext": (3, 64, 64), "ltx2": (9, 3, 64, 96)}
LIGHT = {"size": "small", "device": "cpu", "lora": LoraSize(2), "preference": PreferenceSize(hidden=8)}


@pytest.mark.parametrize(
    ("family", "size"), [("sd35", "medium"), ("sd35", "large"), ("kontext", "full"), ("ltx2", "full")]
)
def test_published_sizes_fit_their_latents_texts_and_decoders(family: str, size: str) -> None:
    # Without numbers and with few of the blocks: shapes alone pass through the network.
    spec = RandomWeightsSpec(family=family, size=size, precision="float32", device="meta")
    parts = PARTS[family](spec)
    with torch.device("meta"), torch.no_grad():
        few = {"num_layers": 2} | ({"num_single_layers": 1} if family == "kontext" else {})
        network = parts.network(parts.kind(**{**spec.published.transformer, **few}), None)
        vae = parts.autoencoder(**spec.published.autoencoder)
    condition = parts.text.encode(["one"]).to(torch.device("meta"))
    x, sigma = torch.empty(1, *parts.latent_shape, device="meta"), torch.empty(1, device="meta")
    with torch.no_grad():
        assert network(x, sigma, condition).shape == x.shape
        assert parts.decoder(vae)(x).shape[-2:] == ((512, 768) if family == "ltx2" else (512, 512))


@pytest.mark.parametrize(
    ("family", "size", "published"),
    [("sd35", "medium", 2.24e9), ("sd35", "large", 8.06e9), ("kontext", "full", 11.9e9), ("ltx2", "full", 18.9e9)],
)
def test_transformers_have_the_published_number_of_weights(family: str, size: str, published: float) -> None:
    found = count(RandomWeightsSpec(family=family, size=size))
    assert found.transformer == pytest.approx(published, rel=0.005)
    if family != "ltx2":
        assert found.autoencoder == 83_819_683


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", SIZES)
def test_a_backbone_computes_and_has_the_weights_that_were_counted(family: str, precision: str) -> None:
    spec = RandomWeightsSpec(family=family, precision=precision, **LIGHT)  # type: ignore[arg-type]
    backbone = spec.build(2, 0)
    weights = dict(backbone.network.named_parameters())
    lora = [p for name, p in weights.items() if p.requires_grad and "lora" in name]
    frozen = [p for p in weights.values() if not p.requires_grad]
    assert count(spec).lora == sum(p.numel() for p in lora)
    assert count(spec).transformer == sum(p.numel() for p in frozen)
    assert {p.dtype for p in lora} == {torch.float32}
    assert {p.dtype for p in frozen} == {spec.dtype}
    condition, x = backbone.encode(["one", "two"]), torch.randn(2, *backbone.latent_shape, dtype=torch.float32)
    preference = torch.tensor([[0.3, 0.7], [1.0, 0.0]])
    velocity = backbone.velocity(x, torch.tensor([0.5, 0.2], dtype=torch.float32), condition, preference)
    samples = backbone.decode(x)
    assert velocity.shape == x.shape
    assert velocity.isfinite().all()
    assert samples.shape == (2, *SAMPLES[family])
    assert samples.isfinite().all()
    assert samples.std() > 0
    assert (samples[0] != samples[1]).any()


def test_weights_depend_on_the_seed_alone() -> None:
    first, again, other = (RandomWeightsSpec(**LIGHT).build(2, seed) for seed in (0, 0, 1))  # type: ignore[arg-type]
    states = [backbone.network.state_dict() for backbone in (first, again, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_a_random_model_draws_matrices_and_keeps_what_its_class_computes() -> None:
    spec = RandomWeightsSpec(precision="float32", **LIGHT)  # type: ignore[arg-type]
    before = torch.get_default_dtype()
    model = frozen_random(SD3Transformer2DModel, spec.published.transformer, "cpu", torch.float32, 3)
    assert torch.get_default_dtype() == before
    plain = SD3Transformer2DModel(**spec.published.transformer)
    buffers = dict(plain.named_buffers())
    assert buffers
    assert all(torch.equal(value.to(buffers[name]), buffers[name]) for name, value in model.named_buffers())
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            assert parameter.std() == pytest.approx(STD, rel=0.2), name
        else:
            assert (parameter == float(name.endswith("weight"))).all(), name


def test_making_a_model_draws_nothing() -> None:
    # Billions of draws that are thrown away would take minutes.
    size = find_size("sd35", "small")[1]
    before = torch.get_rng_state()
    with made_of("cpu", torch.float32):
        SD3Transformer2DModel(**size.transformer)
        AutoencoderKL(**size.autoencoder)
    assert torch.equal(torch.get_rng_state(), before)


def test_embeddings_are_those_of_the_prompt_whatever_stands_beside_it() -> None:
    text = RandomWeightsSpec(family="ltx2", **LIGHT).build(2, 0)  # type: ignore[arg-type]
    one, two = text.encode(["a", "b"]), text.encode(["b"])
    assert torch.equal(vars(one)["video"][1], vars(two)["video"][0])
    assert not torch.equal(vars(one)["video"][0], vars(one)["video"][1])
    assert vars(one)["mask"].all()


def test_what_does_not_exist_or_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="no family 'sd3': expected one of sd35"):
        find_size("sd3", None)
    with pytest.raises(UsageError, match="no size 'tiny' of kontext: expected one of "):
        RandomWeightsSpec(family="kontext", size="tiny")
    with pytest.raises(UsageError, match="multiple of 16 pixels, found 40"):
        count(RandomWeightsSpec(family="kontext", side=40))
    with pytest.raises(UsageError, match="latent side: expected a multiple of 2 up to 32, found 64"):
        count(RandomWeightsSpec(size="small", side=512))
    with pytest.raises(UsageError, match="multiple of 8 frames and one more, found 10"):
        count(RandomWeightsSpec(family="ltx2", size="small", frames=10))
