"""A bare training loop on the image benchmark, for `benchmarks.overhead`: one method by hand, and nothing else."""

import copy

import torch
from torch import Tensor

from benchmarks.backbones.adapted import AdaptedBackbone
from benchmarks.backbones.sd3 import PromptEmbedding, SD3Network, pixels
from benchmarks.base import Benchmark
from benchmarks.compilation import compile_blocks
from methods.base import Method
from methods.objectives.nft import NFT


class BareImageLoop:
    """The weighted sum on the DiffusionNFT loss: rollouts of the old weights, pixel rewards, anchor, AdamW."""

    def __init__(self, benchmark: Benchmark, method: Method) -> None:
        """Build the networks and encode the prompts."""
        assert isinstance(method.objective, NFT)
        self.benchmark, self.recipe, self.anchor = benchmark, benchmark.recipe, method.anchor
        backbone = benchmark.backbone.build(benchmark.n_objectives, 0)
        assert isinstance(backbone, AdaptedBackbone)
        assert isinstance(backbone.network, SD3Network)
        self.trained = backbone.network
        self.old, self.average, self.reference = (copy.deepcopy(self.trained) for _ in range(3))
        self.parameters = [p for p in self.trained.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=self.recipe.learning_rate)
        condition = backbone.encode(benchmark.prompts)
        assert isinstance(condition, PromptEmbedding)
        self.condition = condition
        self.shape = backbone.latent_shape
        self.sigmas = torch.linspace(1, 0, self.recipe.rollout_steps + 1)
        self.n_points = method.objective.points_per_rollout(self.recipe.rollout_steps)

    def velocity(self, network: SD3Network, x: Tensor, sigma: Tensor, condition: PromptEmbedding) -> Tensor:
        """Return a network's velocity in bfloat16 precision."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found: Tensor = network(x, sigma, condition)
        return found.float()

    @torch.no_grad()
    def rollout(self, condition: PromptEmbedding) -> Tensor:
        """Return clean samples of the old weights by second-order multistep DPM-Solver++."""
        n = len(condition.pooled)
        x, previous, steps = torch.randn(n, *self.shape), None, self.sigmas.tolist()
        for i in range(len(steps) - 1):
            here, there = steps[i], steps[i + 1]
            clean = x - here * self.velocity(self.old, x, torch.full((n,), here), condition)
            direction = clean
            if previous is not None and i >= 2 and there > 0:
                log_snr = [torch.log(torch.tensor((1 - s) / s)).item() for s in (steps[i - 1], here, there)]
                direction = clean + (log_snr[2] - log_snr[1]) / (2 * (log_snr[1] - log_snr[0])) * (clean - previous)
            x, previous = there / here * x + (1 - there / here) * direction, clean
        return x

    def step(self) -> None:
        """Do one training step."""
        group = self.recipe.group_size
        drawn = torch.randperm(len(self.benchmark.prompts))[: self.recipe.prompts_per_step]
        rows = drawn.repeat_interleave(group)
        clean = self.rollout(self.condition.rows(rows))
        prompts = [self.benchmark.prompts[i] for i in rows.tolist()]
        rewards = torch.stack([reward(pixels(clean), prompts) for reward in self.benchmark.rewards], 1)
        grouped = rewards.view(len(drawn), group, -1)
        spread = grouped.std(1, keepdim=True, correction=0) + 1e-4
        advantages = ((grouped - grouped.mean(1, keepdim=True)) / spread).view(rewards.shape)
        optimality = (0.5 + advantages.clamp(-5, 5) / 10).mean(1)
        order = torch.rand(len(clean), len(self.sigmas) - 1).argsort(1)[:, : self.n_points].flatten()
        which = torch.arange(len(clean)).repeat_interleave(self.n_points)
        self.optimizer.zero_grad()
        for part in torch.split(torch.arange(len(which)), self.recipe.micro_batch or len(which)):
            share = len(part) / len(which)
            self.add_gradient(clean, optimality, rows, which[part], self.sigmas[order[part]], share)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        with torch.no_grad():
            for copied, weight in ((self.old, 0.9), (self.average, 0.1)):
                torch._foreach_lerp_([p for p in copied.parameters() if p.requires_grad], self._current(), weight)

    def _current(self) -> list[Tensor]:
        return list(self.parameters)

    def add_gradient(
        self, clean: Tensor, optimality: Tensor, rows: Tensor, which: Tensor, sigma: Tensor, share: float
    ) -> None:
        """Add the gradient of some points, a share of all, to `.grad`."""
        condition, target, level = self.condition.rows(rows[which]), clean[which], sigma[:, None, None, None]
        x = torch.lerp(target, torch.randn_like(target), level)
        with torch.no_grad():
            old = self.velocity(self.old, x, sigma, condition)
            reference = self.velocity(self.reference, x, sigma, condition)
        velocity = self.velocity(self.trained, x, sigma, condition)
        errors = [x - level * v - target for v in (velocity, 2 * old - velocity)]
        losses = [e.square().mean((1, 2, 3)) / e.detach().abs().mean((1, 2, 3)).clamp_min(1e-5) for e in errors]
        good = optimality[which]
        loss = 5 * (good * losses[0] + (1 - good) * losses[1]).mean()
        loss = share * (loss + self.anchor * (velocity - reference).square().mean())
        loss.backward()  # type: ignore[no-untyped-call]


class CompiledImageLoop(BareImageLoop):
    """The same with compiled networks."""

    def __init__(self, benchmark: Benchmark, method: Method) -> None:
        """Build and compile the networks."""
        super().__init__(benchmark, method)
        for network in (self.trained, self.old, self.average, self.reference):
            compile_blocks(network)
