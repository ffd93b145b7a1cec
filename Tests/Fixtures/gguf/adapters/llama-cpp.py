"""How far llama.cpp with an adapter that Clues wrote is from PEFT with the same adapter.

Prints, for the base model and for the adapted one, the largest difference among the 20 likeliest next words' logarithms of
probabilities, for three prompts; and, as a scale, how much the adapter changes them. llama.cpp computes in float32 here.

Needs xllamacpp, gguf, torch, transformers, peft. Run:

    clues convert ADAPTER --base BASE.gguf -o adapter.gguf
    python llama-cpp.py BASE.gguf adapter.gguf ADAPTER (a folder that PEFT loads)
"""

import pathlib
import random
import sys
import tempfile

import gguf
import numpy as np
import torch
import xllamacpp
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, converted, folder = map(pathlib.Path, sys.argv[1:])
draw = random.Random(1)
PROMPTS = [[draw.randrange(100, 40000) for _ in range(length)] for length in (5, 9, 17)]


def in_float32(source, target):
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key not in ("general.architecture", "general.file_type"):
            kind = field.types[0]
            part = field.types[1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), kind, part)
    writer.add_file_type(0)
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def of_llama_cpp(model, adapter):
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model)
    settings.n_ctx, settings.n_parallel, settings.warmup = 512, 1, False
    settings.cache_type_k = settings.cache_type_v = 0  # float32
    settings.flash_attn_type = 0
    if adapter:
        info = xllamacpp.CommonAdapterLoraInfo()
        info.path, info.scale = str(adapter), 1.0
        settings.lora_adapters = [info]
    server = xllamacpp.Server(settings)
    words = []
    for prompt in PROMPTS:
        answer = server.handle_completions({"prompt": prompt, "n_predict": 1, "n_probs": 20, "temperature": 0.0})
        words.append({word["id"]: word["logprob"]
                      for word in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]})
    return words


@torch.no_grad()
def of_torch(model):
    return [torch.log_softmax(model(torch.tensor([prompt])).logits[0, -1].double(), -1) for prompt in PROMPTS]


def largest(words, logits):
    return max(abs(value - float(row[word])) for found, row in zip(words, logits) for word, value in found.items())


with tempfile.TemporaryDirectory() as temporary:
    wide = pathlib.Path(temporary) / "base.gguf"
    in_float32(base, wide)
    plain, adapted = of_llama_cpp(wide, None), of_llama_cpp(wide, converted)
model = AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name, dtype=torch.float32).eval()
before = of_torch(model)
after = of_torch(PeftModel.from_pretrained(model, folder).eval())
print(f"base model     {largest(plain, before):.1e}")
print(f"with adapter   {largest(adapted, after):.1e}")
print(f"adapter itself {largest(adapted, before):.1e}")
