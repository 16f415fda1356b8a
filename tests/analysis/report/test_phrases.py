"""Numbers as people write them: rounded to what is known of them, and never a wrong plural."""

import re

import pytest

from analysis.report.phrases import (
    alike,
    amount,
    amounts,
    counted,
    decimals_of,
    durations,
    fixed,
    listed,
    measured,
    scaled,
)
from analysis.statistics import Interval, interval


@pytest.mark.parametrize("scale", [1e-6, 1e-2, 1.0, 37.0, 1e5])
@pytest.mark.parametrize("spread", [0.0, 1e-7, 0.01, 0.5, 20.0])
def test_a_shown_mean_lies_within_a_tenth_of_the_interval_or_has_four_digits(scale: float, spread: float) -> None:
    found = interval({0: scale * (1.0 - spread), 1: scale * (1.0 + spread)})
    shown = float(fixed(found.mean, decimals_of(found)).replace(",", ""))
    half = found.half_width or 0.0
    assert abs(shown - found.mean) <= max(0.06 * half, 0.0006 * abs(found.mean))


def test_an_interval_keeps_its_order_when_turned_around() -> None:
    found = interval({0: 1.0, 1: 2.0, 2: 4.0})
    turned = scaled(found, -1.0)
    assert turned.low is not None
    assert turned.high is not None
    assert turned.low < turned.mean < turned.high
    assert scaled(turned, -1.0) == found


def test_one_seed_has_no_interval_and_no_words_of_one() -> None:
    assert measured(interval({3: 0.123456}), named=True) == "0.1235"
    assert measured(Interval(2.0, 2.0, 2.0, 2, {0: 2.0, 1: 2.0}), unit=" %") == "2.000 %"


def test_zero_is_never_negative_and_needs_no_digits() -> None:
    assert measured(interval({0: 0.0, 1: -0.0})) == "0"
    assert fixed(-1e-9, 3) == "0.000"


def test_signs_of_intervals_survive() -> None:
    assert re.fullmatch(r"-0\.\d+ \(-\d+\.\d+ to \d+\.\d+\)", measured(interval({0: -0.5, 1: 0.1})))


@pytest.mark.parametrize("number", [0, 1, 2, 11])
def test_only_one_is_singular(number: int) -> None:
    assert counted(number, "seed").endswith("s") == (number != 1)


def test_a_list_names_everyone_unless_two_or_more_are_left_over() -> None:
    names = list("abcde")
    assert listed(names) == listed(names, most=4) == "a, b, c, d and e"
    assert listed(names, most=3) == "a, b, c and 2 others"


def test_amounts_and_times_share_a_unit() -> None:
    assert amounts(9_000, 1_200_000) == "9,000 to 1.20 million"
    assert amount(123_456_789) == "123 million"
    assert (amount(999_499), amount(999_500)) == ("999 thousand", "1.00 million")
    assert durations(0.01, 0.5) == "0.01 to 0.5 seconds"
    assert durations(100.0, 119.0) == "100.0 to 119.0 seconds"
    assert durations(3600.0, 9000.0) == "1.0 to 2.5 hours"


def test_costs_are_alike_within_five_percent() -> None:
    assert alike([100.0, 95.0])
    assert not alike([100.0, 94.9])
