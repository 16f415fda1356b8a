"""The image-text model of the image world: one embedding for pictures and prompts, trained to agree on pairs.

It is to this world what CLIP is to photographs. The training is in `benchmarks.pretraining.alignment`.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.backbones.sentences import SentenceEncoder, SentenceSize
from benchmarks.records import UsageError, write_bytes
from benchmarks.tasks.shapes.language import parse, sentence
from benchmarks.tasks.shapes.render import SIZE
from benchmarks.weights import SUMS_FILE, check_hashes, listed_hashes, write_hashes

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
LARGEST_SCALE = 15.0
"""Upper end of the inverse temperature; a low one keeps wrong captions far away in cosine, not only in softmax."""


class ContrastiveSize(BaseModel):
    """Size of the model.

    Attributes:
        channels: Channels at 16 x 16, 16 x 16, 8 x 8 and 4 x 4 pixels; the third are the features of a picture.
        hidden: Width of the layer before the embedding of a picture.
        embedding: Width of the shared embedding.
        text_width: Width of the text tower.
        text_layers: Layers of the text tower.
        text_heads: Attention heads of each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    channels: tuple[int, int, int, int] = (32, 64, 64, 128)
    hidden: int = 128
    embedding: int = 64
    text_width: int = 64
    text_layers: int = 2
    text_heads: int = 4

    @property
    def features(self) -> int:
        """Number of features of a picture."""
        return self.channels[2]


class PictureTower(nn.Module):
    """A small convolutional network that keeps places: its last map is read whole, not averaged."""

    def __init__(self, size: ContrastiveSize) -> None:
        """Build the layers."""
        super().__init__()
        fine, wide, middle, coarse = size.channels
        self.early = nn.Sequential(
            *_convolution(3, fine, kernel=4, stride=2),
            *_convolution(fine, wide),
            *_convolution(wide, middle, stride=2),
        )
        self.late = nn.Sequential(
            *_convolution(middle, middle),
            *_convolution(middle, middle),
            *_convolution(middle, middle),
            *_convolution(middle, coarse, stride=2),
            nn.Flatten(),
        )
        self.embed = nn.Sequential(
            nn.Linear(coarse * (SIZE // 8) ** 2, size.hidden, bias=False),
            nn.BatchNorm1d(size.hidden),
            nn.ReLU(inplace=True),
            nn.Linear(size.hidden, size.embedding),
        )

    def map(self, pictures: Tensor) -> Tensor:
        """Return the first map [B, F, 8, 8] at a quarter of the resolution, of pictures [B, 3, 32, 32] in [0, 1]."""
        # Deviations of pictures are about a quarter.
        found: Tensor = self.early((pictures - 0.5) * 4)
        return found

    def forward(self, pictures: Tensor) -> Tensor:
        """Return embeddings [B, E] of length 1."""
        return F.normalize(self.embed(self.late(self.map(pictures))), dim=1)


def _convolution(channels_in: int, channels_out: int, *, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(channels_in, channels_out, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]


class ContrastiveModel(nn.Module):
    """Both towers and the learned inverse temperature."""

    def __init__(self, size: ContrastiveSize) -> None:
        """Build the towers in single precision at random weights."""
        super().__init__()
        self.size = size
        self.pictures = PictureTower(size)
        self.text = SentenceEncoder(
            SentenceSize(width=size.text_width, pooled=size.embedding, layers=size.text_layers, heads=size.text_heads)
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.float()

    @property
    def scale(self) -> Tensor:
        """Inverse temperature, at most `LARGEST_SCALE`."""
        return self.log_scale.exp().clamp(max=LARGEST_SCALE)

    def embed_prompts(self, prompts: Sequence[str]) -> Tensor:
        """Return embeddings [B, E] of length 1 of prompts; equal scenes have one, as "one circle" and "a circle".

        Raises:
            PromptError: If a prompt describes no scene.
        """
        numbers = self.text.numbers([sentence(parse(prompt)) for prompt in prompts])
        pooled: Tensor = self.text(numbers.to(self.log_scale.device))[1]
        return F.normalize(pooled, dim=1)

    def embed_pictures(self, pictures: Tensor) -> Tensor:
        """Return embeddings [B, E] of length 1 of pictures [B, 3, 32, 32] in [0, 1]."""
        embedded: Tensor = self.pictures(self._ready(pictures))
        return embedded

    def features(self, pictures: Tensor) -> Tensor:
        """Return features [B, F] of pictures [B, 3, 32, 32] in [0, 1].

        They are means over the picture of an early map. Later layers are trained to forget whatever a caption leaves
        open, such as background, sharpness and noise, which a distance between pictures has to see.
        """
        return self.pictures.map(self._ready(pictures)).mean((2, 3))

    def _ready(self, pictures: Tensor) -> Tensor:
        # The layout that convolutions on a CPU are fastest in.
        return pictures.to(self.log_scale).contiguous(memory_format=torch.channels_last)


def save_contrastive(model: ContrastiveModel, folder: Path) -> None:
    """Write size, weights in half precision and their hashes into a folder.

    Raises:
        RecordError: If it cannot be written to.
    """
    halves = {
        name: tensor.detach().cpu().half().contiguous() if tensor.is_floating_point() else tensor.detach().cpu()
        for name, tensor in model.state_dict().items()
    }
    write_bytes(folder / WEIGHTS_FILE, save(halves))
    write_bytes(folder / CONFIG_FILE, (json.dumps(model.size.model_dump(mode="json"), indent=1) + "\n").encode())
    write_hashes(folder, (CONFIG_FILE, WEIGHTS_FILE))


def load_contrastive(folder: Path) -> ContrastiveModel:
    """Return the model of a folder, ready for use: in single precision, on the CPU, not to be trained.

    Raises:
        UsageError: If a file is missing, is not the one listed in `SHA256SUMS`, or does not hold such a model.
    """
    check_hashes(folder)
    if not {CONFIG_FILE, WEIGHTS_FILE} <= (listed := listed_hashes(folder)).keys():
        raise UsageError(f"{folder / SUMS_FILE}: expected {CONFIG_FILE} and {WEIGHTS_FILE}, found {', '.join(listed)}")
    path = folder / CONFIG_FILE
    try:
        size = ContrastiveSize.model_validate_json(path.read_bytes())
        # Nothing is drawn on this device, so loading leaves the global generator as it was.
        with torch.device("meta"):
            model = ContrastiveModel(size)
        path = folder / WEIGHTS_FILE
        model.load_state_dict(load(path.read_bytes()), assign=True)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValidationError, SafetensorError, RuntimeError) as error:
        found = " ".join(str(error).split())
        raise UsageError(f"{path} is damaged: expected the image-text model of shapes, found: {found:.200}") from error
    return model.float().eval().requires_grad_(False)
