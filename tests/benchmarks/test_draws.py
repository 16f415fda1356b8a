"""Random numbers: the same key gives the same numbers, and nothing but the key matters."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.draws import KeyedDraws, derived_seed

Keys = st.tuples(
    st.integers(0, 99), st.sampled_from(["a", "b", "initial noise"]), st.integers(0, 99), st.integers(0, 9)
)


@given(st.lists(Keys, unique=True, min_size=2, max_size=20))
def test_different_keys_give_different_seeds(keys: list[tuple[int, str, int, int]]) -> None:
    assert len({derived_seed(*key) for key in keys}) == len(keys)


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert len({derived_seed(1, 23), derived_seed(12, 3), derived_seed(123), derived_seed("1", "2", "3")}) == 4


@given(Keys)
def test_seeds_fit_a_generator(key: tuple[int, str, int, int]) -> None:
    assert 0 <= derived_seed(*key) < 2**63


def test_derived_seed_is_the_same_on_every_machine() -> None:
    # Origin: blake2b with 8 bytes of "0|initial noise|3|7", little-endian, halved, by Python 3.11's hashlib.
    assert derived_seed(0, "initial noise", 3, 7) == 4069798272038563651


def test_a_prompt_meets_the_same_noise_whatever_else_is_in_the_step() -> None:
    alone = KeyedDraws(0, [7], 3).normal("noise", 4, 2)[0]
    for others in ([7, 1], [2, 7], [9, 8, 7, 6]):
        together = KeyedDraws(0, others, 3).normal("noise", 4, 2)
        assert torch.equal(together[others.index(7)], alone)


def test_seed_purpose_prompt_and_ordinal_each_matter() -> None:
    drawn = [
        KeyedDraws(seed, [prompt], ordinal).normal(purpose, 4)
        for seed in (0, 1)
        for purpose in ("noise", "other noise")
        for prompt in (0, 1)
        for ordinal in (0, 1)
    ]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert not torch.equal(one, other)


def test_draws_can_be_repeated_and_do_not_depend_on_what_was_drawn_before() -> None:
    draws = KeyedDraws(0, [0, 1], 0)
    first = draws.normal("noise", 3)
    draws.uniform("noise", 5)
    assert torch.equal(draws.normal("noise", 3), first)


def test_shapes_and_ranges() -> None:
    draws = KeyedDraws(0, [4, 5, 6], 0)
    assert draws.n_prompts == 3
    assert draws.normal("a", 2, 5).shape == (3, 2, 5)
    uniform = draws.uniform("b", 1000)
    assert uniform.shape == (3, 1000)
    assert 0 <= float(uniform.min()) < 0.01
    assert 0.99 < float(uniform.max()) < 1


def test_normal_numbers_are_standard_and_independent_over_prompts() -> None:
    # 4 prompts x 10,000 numbers: standard errors 0.01 of means, deviations and correlations.
    drawn = KeyedDraws(0, range(4), 0).normal("noise", 10_000).double()
    assert float(drawn.mean(1).abs().max()) < 0.05
    assert float((drawn.std(1) - 1).abs().max()) < 0.05
    correlation = torch.corrcoef(drawn) - torch.eye(4).double()
    assert float(correlation.abs().max()) < 0.05


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = KeyedDraws(0, [0], 0).normal("noise", 3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(KeyedDraws(0, [0], 0).normal("noise", 3), first)


def test_generators_are_seeded_once_a_prompt() -> None:
    draws = KeyedDraws(3, [5, 2], 1)
    seeds = [generator.initial_seed() for generator in draws.generators("purpose")]
    assert seeds == [derived_seed(3, "purpose", 5, 1), derived_seed(3, "purpose", 2, 1)]
