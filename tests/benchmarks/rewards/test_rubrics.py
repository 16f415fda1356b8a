"""The rubrics say what a judge needs to know and leave open what it is told per picture."""

import re

import pytest

from benchmarks.rewards.judge import JudgeReward
from benchmarks.rewards.rubrics import EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC, STYLE_RUBRIC, style_rubric

RUBRICS = [STYLE_RUBRIC, EDIT_SUCCESS_RUBRIC, SOURCE_PRESERVATION_RUBRIC]


@pytest.mark.parametrize("rubric", RUBRICS)
def test_each_names_the_prompt_the_scale_and_asks_for_the_digit_first(rubric: str) -> None:
    assert set(re.findall(r"{\w+}", rubric)) - {"{style}"} == {"{prompt}", "{top}"}
    assert "0 means" in rubric
    assert "{top} means" in rubric
    assert rubric.endswith("Write the digit first and nothing else.")
    assert not re.search(r"{[^\w]|[^\w]}", rubric), "no stray braces"


def test_they_are_different() -> None:
    assert len(set(RUBRICS)) == len(RUBRICS)
    assert ["source picture" in rubric for rubric in RUBRICS] == [False, True, True]


def test_a_style_is_filled_in_and_makes_a_rubric_for_a_judge() -> None:
    rubric = style_rubric(" pencil sketch ")
    assert rubric == STYLE_RUBRIC.replace("{style}", "pencil sketch")
    assert "The style that is wanted: pencil sketch.\n" in rubric
    assert JudgeReward("http://a", "m", rubric, "sketch").rubric == rubric


@pytest.mark.parametrize("style", ["", "  ", "{prompt}", "a}"])
def test_what_is_no_style_is_refused(style: str) -> None:
    with pytest.raises(ValueError, match="style must be a text without braces"):
        style_rubric(style)
