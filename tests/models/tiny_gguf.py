"""A language model of a few kilobytes, drawn from a seed: it knows bytes, and says nothing much."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HIDDEN, CONTEXT = 32, 64, 512
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
Value = int | float | str | list[str] | list[int]


def write_tiny(path: Path, *, seed: int = 0) -> Path:
    """Write a transformer of one block in the GGUF format, and give its path."""
    vocabulary = [*_byte_marks(), "th", "<|end|>"]
    fields: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.block_count": 1,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.token_type": [1] * 257 + [3],
        "tokenizer.ggml.merges": ["t h"],
        "tokenizer.ggml.eos_token_id": 257,
        "tokenizer.ggml.bos_token_id": 257,
        "tokenizer.chat_template": TEMPLATE,
    }
    rng = np.random.default_rng(seed)
    shapes = {
        "token_embd": (len(vocabulary), WIDTH),
        "output": (len(vocabulary), WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (HIDDEN, WIDTH),
        "blk.0.ffn_up": (HIDDEN, WIDTH),
        "blk.0.ffn_down": (WIDTH, HIDDEN),
    }
    tensors = {
        f"{name}.weight": rng.normal(1.0 if "norm" in name else 0.0, 0.3, shape).astype("<f4")
        for name, shape in shapes.items()
    }
    path.write_bytes(_gguf(fields, tensors))
    return path


def _byte_marks() -> list[str]:
    """The 256 bytes as GPT-2's vocabulary writes them: printable, each one character."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def _gguf(fields: dict[str, Value], tensors: dict[str, NDArray[np.float32]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    head += b"".join(_text(key) + _value(value) for key, value in fields.items())
    data = b""
    for name, tensor in tensors.items():
        sizes = struct.pack(f"<{tensor.ndim}Q", *reversed(tensor.shape))
        head += _text(name) + struct.pack("<I", tensor.ndim) + sizes
        head += struct.pack("<IQ", 0, len(data))  # 32-bit floats.
        data += _padded(tensor.tobytes())
    return _padded(head) + data


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 32)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    kind = 8 if isinstance(value[0], str) else 5
    items = [_text(v) if isinstance(v, str) else struct.pack("<i", v) for v in value]
    return struct.pack("<IIQ", 9, kind, len(value)) + b"".join(items)
