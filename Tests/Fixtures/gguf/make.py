"""GGUF files, and what the gguf package and transformers make of them.

- `blocks.safetensors`: for each type of blocks `<type>.blocks`, random bytes with finite scales, and `<type>.values`, what
  `gguf.quants.dequantize` makes of them.
- `<model>.gguf`: the models of ../models as llama.cpp's converter would write them (rows of queries and keys in pairs for the
  architecture llama, frequencies of llama3 in a tensor), some of them quantized, written by gguf's own writer. This script
  checks that transformers reads back the weights that went in (but for qwen3, where it cannot).
- `<model>.safetensors`: where it is quantized, the matrices as gguf's reader and `dequantize` give them, with the rows where
  they belong.
- `metadata.gguf`: every type of value, and no tensors.

Needs gguf, numpy, torch 2.15.0, transformers 5.24.0, safetensors. Run: python make.py (in this folder).
"""

import pathlib
import warnings

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent / "models"

NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}

# Model of ../models: architecture, type of the matrices whose rows are whole blocks, type of the others.
FILES = {"llama-linear": ("llama", T.F16, T.F16), "llama3": ("llama", T.Q4_1, T.BF16), "mistral-full": ("llama", T.Q8_0, T.F16),
         "qwen2": ("qwen2", T.Q4_0, T.F32), "qwen3": ("qwen3", T.Q8_0, T.BF16)}


def blocks(generator):
    tensors = {}
    for kind in [T.Q8_0, T.Q4_0, T.Q4_1, T.Q4_K, T.Q6_K]:
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        rows = generator.integers(0, 256, (3, 512 // elements * size), dtype=np.uint8)
        whole = rows.reshape(-1, size)
        for place in {T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q4_K: [0, 2], T.Q6_K: [208]}[kind]:
            scales = generator.normal(0, 0.1, len(whole)).astype(np.float16)
            scales[0] = 6e-8  # below the normal halves
            scales[-1] = -60000
            whole[:, place:place + 2] = scales.view(np.uint8).reshape(-1, 2)
        tensors[f"{kind.name}.blocks"] = rows
        tensors[f"{kind.name}.values"] = gguf.quants.dequantize(rows, kind)
    save_file(tensors, HERE / "blocks.safetensors")


def paired(rows, heads):
    """As convert_hf_to_gguf.py permutes the rows of queries and keys."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def unpaired(rows, heads):
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def llama3_factors(rope, width):
    """The tensor rope_freqs of convert_hf_to_gguf.py."""
    frequencies = 1.0 / (rope["rope_theta"] ** (np.arange(0, width, 2, dtype=np.float32) / width))
    low, high, length = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
    factors = []
    for frequency in frequencies:
        wave = 2 * np.pi / frequency
        if wave < length / high:
            factors.append(1)
        elif wave > length / low:
            factors.append(rope["factor"])
        else:
            smooth = (length / wave - low) / (high - low)
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def convert(name, architecture, kind, other):
    model = AutoModelForCausalLM.from_pretrained(MODELS / name, dtype=torch.float32)
    config = model.config
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", architecture)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    rope = config.rope_parameters
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_key_length(width)
    writer.add_value_length(width)
    if architecture == "llama":
        writer.add_rope_dimension_count(width)
        writer.add_vocab_size(config.vocab_size)
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_factors(rope, width))
    writer.add_token_list([f"<{token}>" for token in range(config.vocab_size)])

    oracle = {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.numpy()
        heads = 0
        if ".q_proj." in key:
            heads = config.num_attention_heads
        elif ".k_proj." in key:
            heads = config.num_key_value_heads
        if architecture != "llama":
            heads = 0
        to = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
              "lm_head.weight": "output.weight"}.get(key)
        if to is None:
            _, _, layer, rest = key.split(".", 3)
            part, end = rest.rsplit(".", 1)
            to = f"blk.{layer}.{NAMES[part]}.{end}"
        if heads:
            values = paired(values, heads)
        if values.ndim == 1:
            writer.add_tensor(to, values)
            continue
        here = kind if values.shape[1] % gguf.GGML_QUANT_SIZES[kind][0] == 0 else other
        if here == T.F32:
            writer.add_tensor(to, values)
            continue
        rows = gguf.quants.quantize(values, here)
        writer.add_tensor(to, rows, raw_dtype=here)
        if kind not in (T.F16, T.F32, T.BF16):
            wide = gguf.quants.dequantize(rows, here)
            oracle[key] = np.ascontiguousarray(unpaired(wide, heads) if heads else wide)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    if oracle:
        save_file(oracle, HERE / f"{name}.safetensors")

    if architecture == "qwen3":
        return  # transformers takes heads of 128 whatever the file says
    read = AutoModelForCausalLM.from_pretrained(HERE, gguf_file=f"{name}.gguf", dtype=torch.float32).state_dict()
    for key, tensor in model.state_dict().items():
        if key.endswith("bias") and architecture == "llama":
            continue  # transformers leaves out the biases of this architecture
        tied = key == "lm_head.weight" and config.tie_word_embeddings
        place = "model.embed_tokens.weight" if tied else key
        want = torch.from_numpy(oracle[place]) if place in oracle else tensor
        assert torch.equal(read[key], want), key
    print(name, "as transformers reads it")


def metadata():
    writer = gguf.GGUFWriter(HERE / "metadata.gguf", "llama")
    writer.add_uint8("of.uint8", 255)
    writer.add_int8("of.int8", -128)
    writer.add_uint16("of.uint16", 65535)
    writer.add_int16("of.int16", -32768)
    writer.add_uint32("of.uint32", 4294967295)
    writer.add_int32("of.int32", -2147483648)
    writer.add_uint64("of.uint64", 18446744073709551615)
    writer.add_int64("of.int64", -9223372036854775808)
    writer.add_float32("of.float32", 0.1)
    writer.add_float64("of.float64", 0.1)
    writer.add_bool("of.bool", True)
    writer.add_string("of.text", "Ġa — 語 🙂")
    writer.add_array("of.texts", ["", "é", "<s>"])
    writer.add_array("of.numbers", [1, -2, 3])
    writer.add_array("of.floats", [0.5, 1.5])
    writer.add_array("of.lists", [[1, 2], [3]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    blocks(np.random.default_rng(7))
    metadata()
    for name, (architecture, kind, other) in FILES.items():
        convert(name, architecture, kind, other)
