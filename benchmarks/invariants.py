"""Is the method on? Checks that every run makes of itself and writes to its record."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from benchmarks.base import Benchmark
from benchmarks.collect import device_of
from benchmarks.draws import KeyedDraws
from benchmarks.records import InvariantRecord
from methods.base import Backbone
from methods.preferences import lattice

IDENTITY_TOLERANCE = 1e-6


PROBED = 8
"""Evaluated prompts, the first ones, at which a run is probed."""


class Probe:
    """Fixed inputs at which velocities are compared: two latents a prompt, halfway between noise and data."""

    def __init__(self, benchmark: Benchmark, backbone: Backbone, seed: int) -> None:
        """Draw the inputs."""
        device, prompts = device_of(backbone), benchmark.evaluated[:PROBED]
        draws = KeyedDraws(seed, range(len(prompts)), 0, device)
        self._backbone = backbone
        self._x = draws.normal("probe", 2, *backbone.latent_shape).flatten(0, 1)
        rows = torch.arange(len(prompts), device=device).repeat_interleave(2)
        self._condition = backbone.encode(prompts).rows(rows)
        self._sigma = torch.full((len(self._x),), 0.5).to(self._x)
        self._corners = torch.from_numpy(lattice(benchmark.n_objectives, 1)).to(self._x)

    @torch.no_grad()
    def velocity(self, snapshot: str, preference: Tensor | None) -> Tensor:
        """Return the velocity of a snapshot under one preference [K] for all rows."""
        rows = None if preference is None else preference.expand(len(self._x), -1)
        with self._backbone.snapshots.using(snapshot):
            return self._backbone.velocity(self._x, self._sigma, self._condition, rows)

    def contrast(self) -> float:
        """Return the largest difference of the trained and the old velocity, which the NFT loss lives on."""
        corner = self._corners[0]
        return float((self.velocity("current", corner) - self.velocity("old", corner)).abs().max())

    def preference_effect(self) -> float:
        """Return the largest difference that exchanging one corner preference for another makes."""
        first = self.velocity("current", self._corners[0])
        return max(float((self.velocity("current", other) - first).abs().max()) for other in self._corners[1:])

    def identity_error(self) -> float:
        """Return the largest difference that any corner preference makes to the model without a preference."""
        plain = self.velocity("current", None)
        return max(float((self.velocity("current", corner) - plain).abs().max()) for corner in self._corners)


def checks_at_start(probe: Probe, *, conditional: bool) -> list[InvariantRecord]:
    """Return the checks of an untrained model: no contrast to its own copy, and a slider that changes nothing."""
    contrast = probe.contrast()
    found = [InvariantRecord(name="no_contrast_at_start", passed=contrast == 0, value=contrast, requirement="== 0")]
    if conditional:
        error = probe.identity_error()
        found.append(
            InvariantRecord(
                name="slider_is_identity_at_start",
                passed=error <= IDENTITY_TOLERANCE,
                value=error,
                requirement=f"<= {IDENTITY_TOLERANCE:g}",
            )
        )
    return found


def checks_at_end(
    probe: Probe, columns: Mapping[str, np.ndarray], *, conditional: bool, on_policy: bool
) -> list[InvariantRecord]:
    """Return the checks of a trained model and of all its raw rewards.

    A method whose old weights are the trained ones has no contrast by intention, so that check is left out for it.
    """
    found = []
    if not on_policy:
        contrast = probe.contrast()
        found.append(
            InvariantRecord(name="contrast_after_training", passed=contrast > 0, value=contrast, requirement="> 0")
        )
    if conditional:
        effect = probe.preference_effect()
        found.append(
            InvariantRecord(
                name="preference_changes_output",
                passed=effect > IDENTITY_TOLERANCE,
                value=effect,
                requirement=f"> {IDENTITY_TOLERANCE:g}",
            )
        )
    missing = float(sum(_unexpected(columns, name) for name in columns if name.startswith("reward_")))
    found.append(InvariantRecord(name="rewards_finite", passed=missing == 0, value=missing, requirement="== 0"))
    return found


def _unexpected(columns: Mapping[str, np.ndarray], name: str) -> int:
    # Scores of the trained models that are not finite though the reward scored that prompt for the base model.
    finite, base = np.isfinite(columns[name]), columns["step"] == 0
    applies = np.unique(columns["prompt_id"][base & finite])
    return int((~finite & np.isin(columns["prompt_id"], applies)).sum())
