"""MARBLE's claims (arXiv 2605.06507)."""

from analysis.claims.base import Arm, Claim
from analysis.claims.exact import SpeedRatio
from analysis.claims.experiments import images, specialists, variant
from analysis.claims.quantities import MEAN_GAIN, SHARE_GAIN
from analysis.claims.rules import Within, above, at_least, at_most, below
from analysis.claims.statistics import CompositeDifference, Difference, Level

REWARDS = ("first", "second", "third", "fourth", "fifth")
PICTURES = ("composition", "text", "alignment", "colourfulness", "compressibility")
OURS, SUM = specialists("marble"), specialists("weighted_sum")
OURS_PICTURES, SUM_PICTURES = images("five-rewards", "marble"), images("five-rewards", "weighted_sum")
AMONG = tuple(specialists(name) for name in ("marble", "weighted_sum", "sequential", "gdpo", "crd", "grpo"))
SMALL = 0.02
"""Of the rewards' bounds: what Table S2 has between N = 10 and N = 20 in GenEval."""
GENERAL = tuple(("MARBLE", name) for name in ("GenEval", "OCR", "PickScore", "HPSv2.1"))


def _gains(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(SHARE_GAIN + name for name in names)


def _weighted(name: str, field: str, value: object) -> Arm:
    return variant(OURS, name, f"marble.weighting.{field}={value}")


def _against(arm: Arm) -> Difference:
    return Difference((MEAN_GAIN,), ((OURS, arm),))


FIVE_UPDATES, TWENTY_UPDATES = _weighted("N = 5", "every", 5), _weighted("N = 20", "every", 20)
EVERY_UPDATE = _weighted("N = 1", "every", 1)
UNNORMALIZED = _weighted("no normalization", "normalize", "none")
UNIFORM_END = _weighted("uniform end", "uniform_end", 0.2)
RHOS = tuple(_weighted(f"rho = {rho}", "average", rho) for rho in (0.1, 0.3, 0.5, 0.9))

CLAIMS = (
    Claim(
        "marble-sum-conflicts", "marble", "S1",
        "The weighted sum goes against some reward's gradient on most mini-batches.",
        (("Weighted sum", "conflict rate"),),
        Level(("conflict_rate",), (SUM,)), above(0.5),
    ),
    Claim(
        "marble-sum-min-cosine", "marble", "S1",
        "The weighted sum's least cosine with a reward's gradient is negative on average.",
        (("Weighted sum", "min cos"),),
        Level(("min_cosine",), (SUM,)), below(0.0),
    ),
    Claim(
        "marble-sum-conflicts-images", "marble", "S1",
        "On pictures the weighted sum goes against some reward's gradient on most mini-batches.",
        (("Weighted sum", "conflict rate"),),
        Level(("conflict_rate",), (SUM_PICTURES,)), above(0.5),
    ),
    Claim(
        "marble-no-conflict-solved", "marble", "S1",
        "MARBLE's update never goes against a reward where it solves for its coefficients.",
        (("MARBLE", "conflict rate"),),
        Level(("conflict_rate_solved",), (OURS, OURS_PICTURES)), at_most(0.0),
        remark="holds by construction, up to the solver's tolerance",
    ),
    Claim(
        "marble-no-conflict-between", "marble", "S1",
        "With coefficients of an earlier solve MARBLE's update goes against a reward on 5 % of mini-batches at most.",
        (("MARBLE", "conflict rate"),),
        Level(("conflict_rate_between",), (OURS,)), at_most(0.05),
        remark="our reading: the paper does not tell the two kinds of step apart",
    ),
    Claim(
        "marble-mean-cosine", "marble", "S1",
        "On the same gradients MARBLE's mean cosine is about that of the weighted sum.",
        (("MARBLE", "mean cos"), ("Weighted sum", "mean cos")),
        Difference(("mean_cosine_solved",), ((OURS, OURS),), ("plain_sum_mean_cosine_solved",)), Within(0.1),
        remark="the margin is about twice the paper's difference",
    ),
    Claim(
        "marble-cosine-variance", "marble", "S1",
        "On the same gradients MARBLE's cosines vary less over rewards than the weighted sum's.",
        (("MARBLE", "var cos"), ("Weighted sum", "var cos")),
        Difference(("var_cosine_solved",), ((OURS, OURS),), ("plain_sum_var_cosine_solved",)), below(0.0),
    ),
    Claim(
        "marble-all-improve", "marble", "1",
        "One training with MARBLE improves all five rewards.", GENERAL,
        Level(_gains(REWARDS), (OURS,)), above(0.0),
    ),
    Claim(
        "marble-all-improve-images", "marble", "1",
        "One training with MARBLE improves all five rewards on pictures.", GENERAL,
        Level(_gains(PICTURES), (OURS_PICTURES,)), above(0.0),
    ),
    Claim(
        "marble-sum-hurts", "marble", "1",
        "The weakest reward gains less under the weighted sum than under MARBLE.",
        (("DiffusionNFT simultaneous (weighted sum)", "OCR"), ("MARBLE", "OCR")),
        Difference(("worst_gain",), ((OURS, SUM),)), above(0.0, margin=SMALL),
        remark="the paper sums raw rewards; here each is normalized first, which already balances them",
    ),
    Claim(
        "marble-composite", "marble", "1",
        "MARBLE's composite is above the weighted sum's.",
        (("MARBLE", "Composite"), ("DiffusionNFT simultaneous (weighted sum)", "Composite")),
        CompositeDifference(OURS, SUM, AMONG), above(0.0),
    ),
    Claim(
        "marble-beats-sequential", "marble", "1",
        "MARBLE's composite is above that of training on one reward after the other.",
        (("MARBLE", "Composite"), ("DiffusionNFT sequential", "Composite")),
        CompositeDifference(OURS, specialists("sequential"), AMONG), above(0.0),
    ),
    Claim(
        "marble-speed-amortized", "marble", "2",
        "Amortized over ten updates MARBLE costs hardly any speed.",
        (("MARBLE amortized K = 5 N = 10", "relative speed"),),
        SpeedRatio(("MARBLE, N = 10, K = 5",)), at_least(0.9),
        remark="our solve steps take two backward passes, the paper's five",
    ),
    Claim(
        "marble-speed-every-step", "marble", "2",
        "With one pass a reward, solving at every step costs a third of the speed and more.",
        (("MARBLE not amortized K = 5", "relative speed"),),
        SpeedRatio(("for comparison: K separate passes at every step, K = 5",)), below(2 / 3),
    ),
    Claim(
        "marble-memory", "marble", "2", "MARBLE takes 14 % more memory than the weighted sum.",
        (("MARBLE amortized K = 5 N = 10", "relative memory"),),
        reason="no measured memory is among the records; `flowfront speed` measures it on a GPU",
    ),
    Claim(
        "marble-no-normalization", "marble", "3",
        "Without unit gradients in the solve training fails.", (("w/o gradient normalization", "GenEval"),),
        _against(UNNORMALIZED), above(0.0, margin=SMALL),
        remark="the toy's rewards are alike in scale and advantages are normalized, so little is at stake",
    ),
    Claim(
        "marble-fixed-coefficients", "marble", "3",
        "Coefficients fixed at 1/K leave specialist rewards behind.",
        (("fixed alpha = 0.2", "GenEval"), ("MARBLE rho = 0.7", "GenEval")),
        Difference(_gains(("composition", "text")), ((OURS_PICTURES, SUM_PICTURES),)), above(0.0, margin=SMALL),
        remark="coefficients of 1/K from the first update on are the weighted sum of normalized rewards",
    ),
    Claim(
        "marble-every-step", "marble", "3",
        "Solving at every update is worse than every tenth.",
        (("solve every step", "OCR"), ("MARBLE rho = 0.7", "OCR")),
        _against(EVERY_UPDATE), above(0.0, margin=SMALL),
    ),
    Claim(
        "marble-n-5", "marble", "S2", "Whether every fifth or every tenth update solves makes no difference.",
        (("N = 5", "OCR"), ("N = 10", "OCR")), _against(FIVE_UPDATES), Within(SMALL),
    ),
    Claim(
        "marble-n-20", "marble", "S2", "Solving at every twentieth update is worse than at every tenth.",
        (("N = 20", "OCR"), ("N = 10", "OCR")), _against(TWENTY_UPDATES), above(0.0, margin=SMALL),
    ),
    Claim(
        "marble-rho", "marble", "S3", "Of five decays of the coefficients' average 0.7 is best.",
        (("rho = 0.1", "OCR"), ("rho = 0.3", "OCR"), ("rho = 0.5", "OCR"), ("rho = 0.7", "OCR"), ("rho = 0.9", "OCR")),
        Difference((MEAN_GAIN,), tuple((OURS, arm) for arm in RHOS)), above(0.0, margin=SMALL),
    ),
    Claim(
        "marble-uniform-end", "marble", "text",
        "A last stage of equal coefficients gives the better balance.", (("uniform end stage", "length"),),
        Difference(("worst_gain",), ((UNIFORM_END, OURS),)), above(0.0, margin=SMALL),
        remark="the stage is the last fifth; the paper gives no length",
    ),
    Claim(
        "marble-no-fallback", "marble", "text", "No advantage is clipped, so amortization is exact.",
        (("MARBLE", "clamp fallbacks"),),
        Level(("step_last:fallbacks",), (OURS, OURS_PICTURES)), at_most(0.0),
        remark="a group's own deviation bounds advantages of 24 rollouts below the limit of 5",
    ),
    Claim(
        "marble-reward-dropout", "marble", "S4", "Leaving rewards out at random is worse than MARBLE.",
        (("Reward dropout", "OCR"),), reason="no method here leaves rewards out at random",
    ),
    Claim(
        "marble-ratings", "marble", "S5", "People rate MARBLE's pictures highest.",
        (("MARBLE", "image quality"),), reason="it takes people",
    ),
)  # fmt: skip
