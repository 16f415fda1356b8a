"""Quantiles and probabilities of the distributions that intervals and tests rest on.

scipy is loaded at the first call: it takes longer to load than everything else that the numbers of a report need.
"""


def t_quantile(degrees: float, probability: float) -> float:
    """Return the quantile of Student's t distribution.

    Args:
        degrees: Degrees of freedom, > 0.
        probability: In (0, 1).

    Example:
        >>> round(t_quantile(2, 0.975), 3)
        4.303
    """
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def t_probability(degrees: float, value: float) -> float:
    """Return the probability that Student's t is at most a value.

    Args:
        degrees: Degrees of freedom, > 0.
        value: Any number.

    Example:
        >>> t_probability(4, 0.0)
        0.5
    """
    from scipy.special import stdtr

    return float(stdtr(degrees, value))


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution.

    Args:
        probability: In (0, 1).

    Example:
        >>> round(normal_quantile(0.975), 3)
        1.96
    """
    from scipy.special import ndtri

    return float(ndtri(probability))
