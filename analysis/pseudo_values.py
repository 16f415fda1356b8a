"""What each prompt contributes to a quantity that is no mean over prompts.

A hypervolume belongs to a whole front, yet the jackknife gives every prompt its share: how much is lost or won if the
prompt is left out. For a mean over prompts with equal counts the shares are the prompts' own values, so intervals and
tests that are made for means apply to both.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analysis.front import Array

Statistic = Callable[[Array], Array]


def pseudo_values(sums: npt.ArrayLike, counts: npt.ArrayLike, statistic: Statistic) -> Array:
    """Return the jackknife pseudo-value of each prompt, shifted so that their mean is the quantity itself.

    Args:
        sums: Sum over the samples of each prompt [P, ...], finite; 0 where an entry does not apply to a prompt.
        counts: Numbers of these samples, of the same shape; at least two prompts have samples of every entry.
        statistic: From means [M, ...] to the quantity of each [M] or [M, ...].

    Returns:
        One value a prompt, [P] or [P, ...].

    Raises:
        ValueError: If the shapes differ, there is one prompt, or an entry applies to fewer than two.

    Source:
        Tukey, "Bias and confidence in not-quite large samples", 1958. The shift leaves out the correction of the
        bias: what is tested is what a table shows.

    Example:
        >>> counts = np.ones((3, 1))
        >>> pseudo_values([[1.0], [2.0], [6.0]], counts, lambda means: means[:, 0]).tolist()
        [1.0, 2.0, 6.0]
        >>> pseudo_values([[1.0], [2.0], [6.0]], counts, lambda means: means[:, 0] ** 2).round(3).tolist()
        [-2.667, 4.833, 24.833]
    """
    parts, numbers = np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    if parts.shape != numbers.shape or parts.ndim < 2:
        raise ValueError(f"sums and counts must share a shape [P, ...], found {parts.shape} and {numbers.shape}")
    left = numbers.sum(axis=0) - numbers
    if not (left > 0.0).all():
        raise ValueError("every entry must apply to two prompts at least, found one or none")
    n_prompts = len(parts)
    without = statistic((parts.sum(axis=0) - parts) / left)
    whole = statistic((parts.sum(axis=0) / numbers.sum(axis=0))[None])
    shares: Array = whole + (n_prompts - 1.0) * (without.mean(axis=0) - without)
    return shares
