"""The text encoder of the image world: a small transformer over the words of a sentence, trained with its backbone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.tasks.shapes.language import VOCABULARY, PromptError, words

LONGEST = 8
"""Words of the longest sentence: two things and a relation of two words."""


@dataclass(frozen=True)
class SentenceSize:
    """Width [C] of the tokens, width [D] of the pooled embedding, layers and attention heads."""

    width: int = 128
    pooled: int = 128
    layers: int = 2
    heads: int = 2


class SentenceEncoder(nn.Module):
    """From sentences to token embeddings [B, 8, C] and a pooled embedding [B, D].

    Positions behind the last word hold a learned empty token; "" is all empty tokens and stands for "no prompt".
    """

    def __init__(self, size: SentenceSize) -> None:
        """Build the layers."""
        super().__init__()
        self.size = size
        self._number = {word: i + 1 for i, word in enumerate(VOCABULARY)}
        self.word = nn.Embedding(len(VOCABULARY) + 1, size.width)
        self.position = nn.Parameter(torch.zeros(LONGEST, size.width))
        nn.init.normal_(self.word.weight, std=0.5)
        nn.init.normal_(self.position, std=0.5)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                size.width, size.heads, 4 * size.width, dropout=0.0, activation="gelu", batch_first=True,
                norm_first=True,
            )
            for _ in range(size.layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(size.width)
        self.pool = nn.Linear(size.width, size.pooled)

    def numbers(self, prompts: Sequence[str]) -> Tensor:
        """Return the word numbers [B, 8] of prompts, 0 where there is no word.

        Raises:
            PromptError: If a word is unknown or a prompt has more than 8.
        """
        rows = []
        for prompt in prompts:
            found = [self._number[word] for word in words(prompt)]
            if len(found) > LONGEST:
                raise PromptError(f"prompt {prompt!r}: expected at most {LONGEST} words, found {len(found)}")
            rows.append(found + [0] * (LONGEST - len(found)))
        return torch.tensor(rows).reshape(len(rows), LONGEST)

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return token embeddings [B, 8, C] and pooled embeddings [B, D] of word numbers [B, 8]."""
        hidden = self.word(numbers) + self.position
        for layer in self.layers:
            hidden = layer(hidden)
        hidden = self.norm(hidden)
        named = (numbers > 0).to(hidden)[..., None]
        pooled = (hidden * named).sum(1) / named.sum(1).clamp(min=1)
        return hidden, self.pool(pooled)
