"""What a judge is told: texts with the placeholders {prompt} and {top}, which the judge fills in.

The picture to score is announced as "Picture to score", a source, where one is sent, as "Source picture".
"""

_SCALE = (
    "Score with one digit: 0 means {worst}; {{top}} means {best}; the digits between are equal steps. "
    "Write the digit first and nothing else."
)

STYLE_RUBRIC = (
    "You are shown a picture to score. It was made for this text: {prompt}\n"
    "The style that is wanted: {style}.\n"
    "Look at how the picture is made: its lines, its colors, its light, the texture of its surfaces, the way it treats "
    "depth and detail. Score how fully it is in the wanted style. Beauty does not count. A picture that no longer "
    "shows what the text speaks of gets at most half.\n"
    + _SCALE.format(worst="no trace of the style", best="every part of the picture is in the style")
)
"""How fully a picture is in a style; `style_rubric` fills in which."""

EDIT_SUCCESS_RUBRIC = (
    "You are shown a source picture and a picture to score, which should be the source changed by this instruction: "
    "{prompt}\n"
    "Score only whether the change that was asked for has happened, completely, at the right place and without "
    "visible flaws. An unchanged source has not been edited. Changes that nobody asked for do not count here.\n"
    + _SCALE.format(worst="the change has not happened", best="the change has happened exactly as asked")
)
"""Whether an instruction was carried out; needs the source."""

SOURCE_PRESERVATION_RUBRIC = (
    "You are shown a source picture and a picture to score, which was made from the source by this instruction: "
    "{prompt}\n"
    "Leave aside everything that the instruction asks to change. Compare all the rest: who and what is shown, their "
    "identity, pose and place, the background, the framing, colors and light. Score how well the rest is kept. "
    "Whether the instruction was carried out does not count here.\n"
    + _SCALE.format(worst="nothing of the source can be recognized", best="all the rest is as in the source")
)
"""How much of the source is kept where no change was asked for; needs the source."""


def style_rubric(style: str) -> str:
    """Return the rubric of style adherence for one style, such as `pencil sketch`.

    Raises:
        ValueError: If the style is empty or has braces, which mark placeholders.
    """
    if not style.strip() or "{" in style or "}" in style:
        raise ValueError(f"style must be a text without braces, found {style!r}")
    return STYLE_RUBRIC.replace("{style}", style.strip())
