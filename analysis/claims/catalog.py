"""All claims, paper by paper."""

from collections.abc import Sequence

from analysis.claims import crd, marble, nft, pareto_slider, real_scale, samplers
from analysis.claims.base import Claim
from analysis.papers.tables import nearest, table
from benchmarks.records import UsageError

CLAIMS: tuple[Claim, ...] = (
    *marble.CLAIMS,
    *pareto_slider.CLAIMS,
    *crd.CLAIMS,
    *nft.CLAIMS,
    *samplers.CLAIMS,
    *real_scale.CLAIMS,
)


def claim_by_key(key: str, claims: Sequence[Claim] = CLAIMS) -> Claim:
    """Return a claim.

    Raises:
        UsageError: If there is none of that name; the nearest ones come first.
    """
    known = {claim.key: claim for claim in claims}
    if key not in known:
        raise UsageError(f"no claim {key!r}: {nearest(key, known)}")
    return known[key]


def paper_numbers(claim: Claim) -> str:
    """Return what the paper has, row by row, or that it gives no number.

    Raises:
        UsageError: If there is no such table, row or metric.

    Example:
        >>> paper_numbers(claim_by_key("marble-sum-conflicts"))
        'Weighted sum, conflict rate: 0.8'
        >>> paper_numbers(claim_by_key("slider-smooth"))
        'none given'
    """
    found = table(claim.paper, claim.source)
    for row, metric in claim.number:
        if (row, metric) not in found.cells:
            raise UsageError(f"{found.name} has no {row!r}, {metric!r}: {nearest(row, found.rows)}")
    texts = [f"{row}, {metric}: {found.cells[row, metric].text or 'not found'}" for row, metric in claim.number]
    return "; ".join(texts) or "none given"
