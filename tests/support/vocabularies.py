"""Tokenizers of the real classes with vocabularies of single characters and frequent pairs, for any text."""

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer, GemmaTokenizer, T5Tokenizer

FREQUENT = (
    "th he in er an re on at en ed or es ar te st al nd to it is ea ti ou ng ha le ve co me de ro li ri io ic ne el la "
    "ra ce ta ma om ur ch ho il ot ut ow ee ll ss oo gr bl pe ph si qu un"
)
PAIRS = FREQUENT.split()
"""Frequent pairs of English letters: with them a sentence has little more than half as many tokens as characters."""

MARKS = (0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x20AC)
CHARACTERS = [chr(code) for code in (*range(33, 127), *range(161, 256), *MARKS)]
"""Printable Latin-1; dashes, quotation marks, ellipsis and euro."""

IMAGE_TOKENS = ("<start_of_image>", "<end_of_image>", "<image_soft_token>")
"""What Gemma 3 marks pictures with; their ids follow the five special tokens of its tokenizer."""


def clip_tokenizer() -> CLIPTokenizer:
    """Return a byte-level tokenizer of at most 77 tokens; the end of a text has the highest id, as it must."""
    end, alphabet = "</w>", sorted(ByteLevel.alphabet())
    tokens = [letter + suffix for suffix in ("", end) for letter in (*alphabet, *PAIRS)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    merges = [(first, second + suffix) for first, second in PAIRS for suffix in ("", end)]
    return CLIPTokenizer({token: i for i, token in enumerate(tokens)}, merges, model_max_length=77)


def t5_tokenizer() -> T5Tokenizer:
    """Return a tokenizer by likelihood, of at most 512 tokens; to it a character beyond `CHARACTERS` is unknown."""
    scores = {"<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0, "▁": -2.0}
    scores |= dict.fromkeys(CHARACTERS, -4.0) | dict.fromkeys(PAIRS, -6.0)
    return T5Tokenizer(list(scores.items()), extra_ids=0, model_max_length=512)


def gemma_tokenizer() -> GemmaTokenizer:
    """Return a tokenizer that falls back to bytes; a text begins with a token of its own and is padded before that."""
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *IMAGE_TOKENS]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)] + ["▁", *CHARACTERS, *PAIRS]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    return GemmaTokenizer(vocabulary, [tuple(pair) for pair in PAIRS], add_bos_token=True, model_max_length=1024)
