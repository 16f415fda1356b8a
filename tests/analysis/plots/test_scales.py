"""Scales and the numbers along them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.plots.scales import Scale, linear_ticks, log_ticks, short_number, tick_texts, ticks_of
from tests.support.figures import value_at

ENDS = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))


@given(ENDS, st.integers(2, 8))
def test_ticks_are_evenly_spaced_few_and_between_the_ends(ends: tuple[float, float], count: int) -> None:
    low, high = ends[0], ends[0] + ends[1]
    ticks = linear_ticks(low, high, count)
    assert len(ticks) <= count + 1
    assert (ticks >= low - 1e-6 * ends[1]).all()
    assert (ticks <= high + 1e-6 * ends[1]).all()
    gaps = np.diff(ticks)
    assert np.allclose(gaps, gaps[:1] if len(gaps) else 0.0, rtol=1e-6)


@given(st.integers(0, 500), st.integers(0, 500))
def test_steps_get_whole_numbers(first: int, more: int) -> None:
    ticks = linear_ticks(first - 0.5, first + more + 0.5, 4, whole=True)
    assert (ticks == np.round(ticks)).all()
    assert len(ticks) >= 1


@given(st.floats(1e-3, 1e6), st.floats(3.0, 1e6), st.integers(3, 7))
def test_logarithmic_ticks_are_round_and_few(low: float, factor: float, count: int) -> None:
    ticks = log_ticks(low, low * factor, count)
    assert len(ticks) <= count
    assert ((ticks >= low) & (ticks <= low * factor)).all()
    leading = ticks / 10.0 ** np.floor(np.log10(ticks) + 1e-9)
    assert {round(float(digit), 6) for digit in leading} <= {1.0, 2.0, 5.0}


@given(ENDS, st.integers(2, 8))
def test_texts_tell_the_ticks_apart_and_say_what_they_are(ends: tuple[float, float], count: int) -> None:
    ticks = linear_ticks(ends[0], ends[0] + ends[1], count)
    texts = tick_texts(ticks)
    assert len({*texts}) == len(ticks)
    for tick, text in zip(ticks, texts, strict=True):
        assert float(text.replace("\N{MINUS SIGN}", "-")) == pytest.approx(tick, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_scale_holds_what_it_was_made_around(log: bool, backwards: bool) -> None:
    values = np.array([3.0, 5.0, np.nan, 40.0])
    scale = Scale.around(values, backwards=backwards, log=log)
    shares = scale.share(values[[0, 1, 3]])
    assert ((shares > 0.0) & (shares < 1.0)).all()
    assert (np.diff(shares) < 0.0 if backwards else np.diff(shares) > 0.0).all()
    np.testing.assert_allclose(value_at(scale, shares), values[[0, 1, 3]])
    assert scale.ends == (min(scale.low, scale.high), max(scale.low, scale.high))
    assert len(ticks_of(scale, 5)) > 1


@pytest.mark.parametrize("value", [0.0, -7.0, 1e9])
def test_a_single_value_stands_in_the_middle(value: float) -> None:
    assert Scale.around([value, value]).share([value]).tolist() == pytest.approx([0.5])


def test_differences_of_rounding_do_not_fill_a_panel() -> None:
    scale = Scale.around([1.0, 1.0 + 1e-15])
    assert scale.high - scale.low > 1e-3


def test_large_and_small_numbers_are_short() -> None:
    assert [short_number(number) for number in (0.0, 1.5, 999.0, 12_000.0, 2e9)] == ["0", "1.5", "999", "12k", "2G"]
    assert tick_texts([0.0, 2.5e8]) == ["0", "2.5e8"]
    assert tick_texts([1.00001, 1.00002]) == ["1.00001e0", "1.00002e0"]
    assert tick_texts([-1.0, 0.0]) == ["\N{MINUS SIGN}1", "0"]
    assert tick_texts([]) == []
