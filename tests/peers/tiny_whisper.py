"""A Whisper of random weights: 1 MB, made in a moment, and heard by the real faster-whisper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ctranslate2
import numpy
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

WIDTH, LAYERS, HEADS, INNER = 64, 2, 4, 128
MELS, SOURCE, TARGET = 80, 1500, 448
WORDS = ("the", "Ġthe", "yes", "Ġno", "Ġprice", "Ġsearch", "Ġlist", "and", "Ġit")


def make(folder: Path, seed: int = 1) -> Path:
    """Words come of it, and none that mean anything."""
    tokenizer = _tokenizer()
    tokens = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    dice = numpy.random.default_rng(seed)
    spec = ctranslate2.specs.WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)

    def random(*shape: int) -> Any:
        return dice.normal(0, 0.3, shape).astype(numpy.float32)

    def norm(one: Any) -> None:
        one.gamma = numpy.ones(WIDTH, numpy.float32)
        one.beta = numpy.zeros(WIDTH, numpy.float32)

    def linear(one: Any, *shape: int) -> None:
        one.weight, one.bias = random(*shape), random(shape[0])

    def layer(one: Any, *, hears: bool) -> None:
        linear(one.self_attention.linear[0], 3 * WIDTH, WIDTH)
        linear(one.self_attention.linear[1], WIDTH, WIDTH)
        norm(one.self_attention.layer_norm)
        if hears:
            for number, rows in enumerate((WIDTH, 2 * WIDTH, WIDTH)):
                linear(one.attention.linear[number], rows, WIDTH)
            norm(one.attention.layer_norm)
        linear(one.ffn.linear_0, INNER, WIDTH)
        linear(one.ffn.linear_1, WIDTH, INNER)
        norm(one.ffn.layer_norm)

    linear(spec.encoder.conv1, WIDTH, MELS, 3)
    linear(spec.encoder.conv2, WIDTH, WIDTH, 3)
    spec.encoder.position_encodings.encodings = random(SOURCE, WIDTH)
    norm(spec.encoder.layer_norm)
    spec.decoder.embeddings.weight = random(len(tokens), WIDTH)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    spec.decoder.position_encodings.encodings = random(TARGET, WIDTH)
    norm(spec.decoder.layer_norm)
    for one in spec.encoder.layer:
        layer(one, hears=False)
    for one in spec.decoder.layer:
        layer(one, hears=True)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [tokenizer.token_to_id("<|endoftext|>")]
    spec.config.lang_ids = [tokenizer.token_to_id(f"<|{code}|>") for code in _LANGUAGE_CODES]
    spec.config.alignment_heads = [[1, 0], [1, 2]]
    spec.validate()
    spec.optimize("int8")
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {"feature_size": MELS, "sampling_rate": 16000, "hop_length": 160}
    features |= {"chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))
    return folder


def _tokenizer() -> Tokenizer:
    """Bytes, a few words out of them, and Whisper's own signs in Whisper's order."""
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        made = word[0]
        for sign in word[1:]:
            if made + sign not in pieces:
                pieces.append(made + sign)
                merges.append((made, sign))
            made += sign
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    signs = ["<|endoftext|>", "<|startoftranscript|>"]
    signs += [f"<|{code}|>" for code in _LANGUAGE_CODES]
    signs += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    signs += ["<|nospeech|>", "<|notimestamps|>"]
    tokenizer.add_special_tokens([AddedToken(sign, special=True) for sign in signs])
    times = [AddedToken(f"<|{number / 50:.2f}|>", special=False) for number in range(1501)]
    tokenizer.add_tokens(times)
    return tokenizer
