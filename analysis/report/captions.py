"""What a picture of a report shows, in words: its caption, and what is read aloud where it cannot be seen."""

from dataclasses import dataclass

KINDS = {
    "overview": ("Overview", "How much each method's front fills, with 95 % t intervals over seeds; right is better."),
    "fronts": (
        "Fronts",
        "What each method reaches; better is right and up. Four rewards and more are axes side by side; better is up.",
    ),
    "attainment": (
        "Attainment",
        "What half of the seeds attain, and where the two best differ; of three rewards in cuts.",
    ),
    "pairwise": (
        "Rewards in pairs",
        "Below the diagonal all points, above it the mean of each method with 95 % t intervals; better: right, up.",
    ),
    "anytime": ("Hypervolume for what was spent", "Hypervolume against each cost of training."),
    "sensitivity": ("Reference point", "Rank of each method when the reference point moves; hollow: below the best."),
    "hacking": ("Reward hacking", "What points gained where asked to, and what they paid; flagged points are hollow."),
    "control": (
        "Control",
        "Each reward against how much of it was asked for; a cross marks a wasted preference, and an interval without "
        "an end goes on beyond the frame.",
    ),
    "strip": ("Along the slider", "Same prompt and same noise in each row, only the preference differs."),
    "grid": ("Methods side by side", "Same prompt and same noise in each row, only the method differs."),
    "thumbnails": ("Fronts with pictures", "What the points of each front paint for one prompt and one noise."),
    "gradients": (
        "Gradients",
        "Cosine of the update with each reward's gradient, beneath by layer and noise level. A cell is a mean over "
        "seeds and over a method's models, so a conflict in some of them need not show as red.",
    ),
    "gradient-parts": (
        "Gradients by part",
        "The same cosine by layer group and noise level, the mean over training too.",
    ),
    "coefficients": ("Coefficients", "Which rewards the update is made of, over training."),
    "samplers-errors": ("Exact errors of samplers", "Errors against the number of steps and against eta."),
    "samplers-rewards": ("Rewards under samplers", "What GRPO reaches with each sampler in its rollouts."),
}


@dataclass(frozen=True)
class Caption:
    """A picture in words: its title with the benchmark it is of, and what it shows."""

    title: str
    text: str

    @property
    def alt(self) -> str:
        """What stands for the picture."""
        return f"{self.title}. {self.text}".strip()


def caption_of(name: str) -> Caption:
    """Return what a picture shows, from its name: a kind, and a benchmark behind it.

    Example:
        >>> caption_of("gradient-parts-two-targets").title
        'Gradients by part: two-targets'
        >>> caption_of("overview").title, caption_of("new-view").title
        ('Overview', 'New view')
    """
    kinds = [kind for kind in KINDS if name == kind or name.startswith(f"{kind}-")]
    if not kinds:
        return Caption(name.replace("-", " ").capitalize(), "")
    kind = max(kinds, key=len)
    title, text = KINDS[kind]
    benchmark = name.removeprefix(kind).removeprefix("-")
    return Caption(f"{title}: {benchmark}" if benchmark else title, text)
