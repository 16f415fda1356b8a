"""How good a text-to-image model in pretraining is: rewards of its samples on prompts it was not trained on."""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from benchmarks.base import Reward
from benchmarks.draws import derived_seed
from benchmarks.pretraining.shapes import Pretraining
from benchmarks.scoring import score
from benchmarks.tasks.shapes.language import sentence
from benchmarks.tasks.shapes.render import SIZE
from benchmarks.tasks.shapes.scenes import KINDS, pick, split
from methods.samplers.loop import denoise
from methods.samplers.ode import ODE
from methods.samplers.schedules import shifted_sigmas


def unseen_prompts(per_kind: int) -> list[str]:
    """Return prompts of the test split, equally many of each kind.

    Example:
        >>> unseen_prompts(1)[0].split()[-1] in ("circle", "circles", "square", "squares", "triangle", "triangles")
        True
    """
    return [sentence(scene) for kind in KINDS for scene in pick(split(kind, test=True), per_kind, "quality")]


@torch.no_grad()
def quality(
    training: Pretraining, rewards: Sequence[Reward], prompts: Sequence[str], per_prompt: int = 2, steps: int = 10
) -> dict[str, float]:
    """Return each reward's mean over samples of the averaged weights, without guidance.

    Args:
        training: Whose averaged weights are measured.
        rewards: What is measured; NaN is left out of the mean.
        prompts: What is sampled.
        per_prompt: Samples a prompt, from noise that is always the same.
        steps: Steps of the Euler ODE.
    """
    model = training.averaged()
    repeated = [prompt for prompt in prompts for _ in range(per_prompt)]
    numbers = model.text_encoder.numbers(repeated)
    generator = Generator().manual_seed(derived_seed("quality"))
    noise = torch.randn(len(repeated), 3, SIZE, SIZE, generator=generator)

    def velocity(x: Tensor, sigma: Tensor) -> Tensor:
        found: Tensor = model(x, sigma, numbers)
        return found

    clean = denoise(velocity, ODE(), noise, shifted_sigmas(steps, 1.0)).clean
    scores = score(rewards, (clean / 2 + 0.5).clamp(0, 1), repeated)
    return {reward.name: float(scores[:, k].nanmean()) for k, reward in enumerate(rewards)}
