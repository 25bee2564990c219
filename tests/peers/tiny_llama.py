"""A Llama of random weights: made in a moment, and run by the real llama.cpp.

A program of its own, since whoever has llama-cpp-python may be another Python than the tests':
`python tiny_llama.py MODEL.gguf`. It needs `gguf` and `numpy`, and nothing of Qualz.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gguf
import numpy

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 16_384
UNKNOWN, CONTROL, BYTE, NORMAL = 2, 3, 6, 1
WORDS = ("▁", "a", "e", "o", "s", "t", "he", "▁the", "▁it", "▁why", "?", '"', "{", "}", ",", ":")


def make(path: Path, seed: int = 1) -> Path:
    """Letters come of it, and none that mean anything."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    _tell_tokens(writer)
    for name, tensor in _tensors(numpy.random.default_rng(seed)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tell_tokens(writer: Any) -> None:
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *WORDS]
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256, *[NORMAL] * len(WORDS)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(number) for number in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_vocab_size(len(tokens))


def _tensors(dice: Any) -> dict[str, Any]:
    def random(*shape: int) -> Any:
        return dice.normal(0, 0.3, shape).astype(numpy.float32)

    ones = numpy.ones(WIDTH, numpy.float32)
    count = 3 + 256 + len(WORDS)
    found = {
        "token_embd.weight": random(count, WIDTH),
        "output_norm.weight": ones,
        "output.weight": random(count, WIDTH),
    }
    for number in range(LAYERS):
        layer = {f"attn_{part}": random(WIDTH, WIDTH) for part in ("q", "k", "v", "output")}
        layer |= {"ffn_gate": random(INNER, WIDTH), "ffn_up": random(INNER, WIDTH)}
        layer |= {"ffn_down": random(WIDTH, INNER), "attn_norm": ones, "ffn_norm": ones}
        found |= {f"blk.{number}.{name}.weight": tensor for name, tensor in layer.items()}
    return found


if __name__ == "__main__":
    make(Path(sys.argv[1]))
