"""Small random models of every family that we read, with what transformers and PEFT make of them.

Each folder holds a model as `save_pretrained` writes it, `adapter/` as PEFT writes it (all seven linear layers), and the
oracle in float32 on one thread:

- `oracle.json`: per sample `input_ids`, `labels` (-100 where nothing is learned), `loss` with the adapter, and of the
  untuned model `base_loss` and `base_loss_without_prompt`. A loss is the mean over the labels, each predicted from what
  stands before it. Without the prompt the answer stands alone, so that its first token is predicted from nothing and does
  not count (null where nothing is left); `base_loss_after_first` is that of the whole answer behind the sample's first token.
- `oracle.safetensors`: `gradients.<sample>.<module>.lora_A.weight` and `lora_B`, of the loss above; `logits`, with the
  adapter, which predict the answer of sample 1, one row for each of its tokens.

`rope.json` holds the frequencies of many more configs, as the bits of float32.

Needs torch 2.15.0, transformers 5.24.0, peft 0.21.2, safetensors. Run: python make.py (in this folder).
"""

import json
import pathlib
import shutil
import struct

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

HERE = pathlib.Path(__file__).parent
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
VOCABULARY = 61
SHAPE = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)

# Lengths of samples and of their answers.
SAMPLES = [(7, 3), (19, 8), (12, 11), (9, 1)]

ADAPTERS = {
    "plain": dict(r=3, lora_alpha=6),
    "patterns": dict(r=3, lora_alpha=6, rank_pattern={"q_proj": 2, "layers.1.mlp.down_proj": 5},
                     alpha_pattern={"v_proj": 3, "layers.0.self_attn.q_proj": 8}),
    "rslora": dict(r=2, lora_alpha=3, use_rslora=True),
}

LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)

# name: family, config, dtype, adapter, what else
#   old: config.json as transformers 4 spells it; "type" names the kind of scaling as its first versions did
#   shards: a small shard size; bare: saved from LlamaModel, so that names lack their prefix
MODELS = {
    "llama2": ("llama", dict(num_key_value_heads=4, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
               torch.float32, "plain", dict(old="rope_type")),
    "llama3": ("llama", dict(tie_word_embeddings=True, head_dim=16, rope_parameters=LLAMA3), torch.bfloat16,
               "patterns", {}),
    "llama-linear": ("llama", dict(attention_bias=True, mlp_bias=True,
                                   rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0)),
                     torch.float16, "plain", dict(old="type")),
    "llama-yarn": ("llama", dict(head_dim=16, rope_parameters=dict(
        rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16)),
        torch.bfloat16, "rslora", dict(old="rope_type", shards="20KB")),
    "llama-bare": ("llama", dict(tie_word_embeddings=True), torch.bfloat16, "plain", dict(bare=True)),
    "mistral": ("mistral", dict(sliding_window=5, head_dim=16), torch.bfloat16, "patterns", dict(shards="20KB")),
    "mistral-full": ("mistral", dict(sliding_window=None, rope_parameters=dict(rope_type="default", rope_theta=1e6)),
                     torch.float16, "rslora", dict(old="rope_type")),
    "qwen2": ("qwen2", dict(tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1e6)),
              torch.float32, "plain", dict(old="rope_type")),
    "qwen2-window": ("qwen2", dict(use_sliding_window=True, sliding_window=4, max_window_layers=1, rope_parameters=dict(
        rope_type="yarn", rope_theta=1000.0, factor=4.0, original_max_position_embeddings=16, mscale=1.5,
        mscale_all_dim=0.5, beta_fast=16.0, beta_slow=2.0)), torch.bfloat16, "patterns", {}),
    "qwen3": ("qwen3", dict(head_dim=16, tie_word_embeddings=True), torch.float32, "rslora", {}),
    "qwen3-window": ("qwen3", dict(
        head_dim=16, attention_bias=True, use_sliding_window=True, sliding_window=6,
        layer_types=["sliding_attention", "full_attention"], rope_parameters=dict(
            rope_type="yarn", rope_theta=10000.0, factor=2.0, original_max_position_embeddings=32,
            attention_factor=1.25, truncate=False)), torch.float16, "patterns", {}),
}


def random_weights(model, generator):
    """Norms near 1, biases that matter, matrices that keep the size of what goes through them."""
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            values = 1 + 0.2 * values
        elif name.endswith("bias"):
            values = 0.3 * values
        elif "embed_tokens" in name or "lm_head" in name:
            values = 0.4 * values
        else:
            values = values * parameter.shape[1] ** -0.5
        parameter.data.copy_(values)


def spelled_as_of_old(config, kind):
    """The config as transformers 4 wrote it; `kind` is the key that names the type of scaling."""
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    name = rope.pop("rope_type")
    config["rope_scaling"] = None if name == "default" else {kind: name, **rope}
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.46.3"
    config.pop("layer_types", None)
    return config


def made_samples(generator):
    samples = []
    for length, answer in SAMPLES:
        ids = [1] + torch.randint(3, VOCABULARY, (length - 1,), generator=generator).tolist()
        samples.append(dict(input_ids=ids, labels=[-100] * (length - answer) + ids[length - answer:]))
    return samples


def loss(model, ids, labels):
    logits = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].float()
    return F.cross_entropy(logits[:-1], torch.tensor(labels[1:]), ignore_index=-100), logits


def make(place, name, family, settings, dtype, adapter, extra):
    generator = torch.Generator().manual_seed(100 + place)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    config = CONFIG_MAPPING[family](**{**SHAPE, **settings})
    model = AutoModelForCausalLM.from_config(config)
    random_weights(model, generator)
    model.to(dtype)
    saved = model.model if extra.get("bare") else model
    saved.save_pretrained(folder, max_shard_size=extra.get("shards", "1GB"))
    (folder / "generation_config.json").unlink(missing_ok=True)
    if kind := extra.get("old"):
        text = spelled_as_of_old(json.loads((folder / "config.json").read_text()), kind)
        (folder / "config.json").write_text(json.dumps(text, indent=2, sort_keys=True) + "\n")

    # From here on only what was saved counts.
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    samples = made_samples(generator)
    for sample in samples:
        answer = [token for token in sample["labels"] if token >= 0]
        with torch.no_grad():
            sample["base_loss"] = loss(model, sample["input_ids"], sample["labels"])[0].item()
            alone = loss(model, answer, answer)[0].item() if len(answer) > 1 else None
            sample["base_loss_without_prompt"] = alone
            behind = sample["input_ids"][:1] + answer
            sample["base_loss_after_first"] = loss(model, behind, [-100] + answer)[0].item()

    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", target_modules=LINEAR, lora_dropout=0.0,
                                             **ADAPTERS[adapter]))
    for key, parameter in tuned.named_parameters():
        if "lora_" in key:
            values = torch.randn(parameter.shape, generator=generator) * (0.2 if "lora_A" in key else 0.3)
            parameter.data.copy_(values)
    tuned.peft_config["default"].base_model_name_or_path = name
    tuned.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    written = folder / "adapter" / "adapter_config.json"
    text = json.loads(written.read_text())
    text["target_modules"].sort()  # a set, in another order with every run
    written.write_text(json.dumps(text, indent=2) + "\n")
    tuned.eval()

    tensors = {}
    for number, sample in enumerate(samples):
        tuned.zero_grad()
        value, logits = loss(tuned, sample["input_ids"], sample["labels"])
        value.backward()
        sample["loss"] = value.item()
        if number == 1:
            start = sample["labels"].count(-100)
            tensors["logits"] = logits[start - 1:-1].detach().contiguous()
        for key, parameter in tuned.named_parameters():
            if "lora_" in key:
                key = key.removeprefix("base_model.model.").replace(".default.", ".")
                tensors[f"gradients.{number}.{key}"] = parameter.grad.clone()
    save_file(tensors, folder / "oracle.safetensors")
    rows = ",\n".join(json.dumps(sample) for sample in samples)
    (folder / "oracle.json").write_text('{"samples": [\n' + rows + "\n]}\n")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{name:14} {size:7} bytes, losses", *(f"{sample['loss']:.4f}" for sample in samples),
          "untuned", *(f"{sample['base_loss']:.4f}" for sample in samples))


def bits(values):
    return [struct.unpack("<I", struct.pack("<f", value))[0] for value in values]


def rope_cases():
    llama = dict(hidden_size=256, num_attention_heads=2, intermediate_size=64, num_hidden_layers=1, vocab_size=64)
    wide = dict(max_position_embeddings=131072)
    yarn = dict(rope_type="yarn", rope_theta=1e6, factor=4.0, original_max_position_embeddings=32768)
    settings = []
    for theta in [10000.0, 100000, 500000.0, 1e6, 5e6, 130000.0]:
        for dim in [64, 80, 96, 128, 256]:
            settings.append(dict(head_dim=dim, rope_parameters=dict(rope_type="default", rope_theta=theta)))
    for factor in [1.0, 2, 4.0, 2.5]:
        settings.append(dict(rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=factor)))
    for factor, old in [(8.0, 8192), (32.0, 8192), (2.0, 4096), (8.0, 131072 // 2)]:
        for dim in [64, 128]:
            settings.append(dict(head_dim=dim, **wide, rope_parameters=dict(
                rope_type="llama3", rope_theta=500000.0, factor=factor, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=old)))
    for more in [dict(), dict(factor=40.0, mscale=0.707, mscale_all_dim=0.707), dict(mscale=1.0, mscale_all_dim=0.8),
                 dict(mscale=1.0), dict(attention_factor=1.0), dict(attention_factor=0.8), dict(truncate=False),
                 dict(beta_fast=64.0, beta_slow=0.5), dict(beta_fast=1.0, beta_slow=1.0), dict(factor=1.0),
                 dict(original_max_position_embeddings=4096, factor=16.0, rope_theta=10000.0),
                 dict(rope_theta=150000.0, truncate=False, original_max_position_embeddings=4096, factor=32.0)]:
        for dim in [64, 128]:
            settings.append(dict(head_dim=dim, **wide, rope_parameters={**yarn, **more}))
    cases = []
    for setting in settings:
        config = CONFIG_MAPPING["llama"](**{**llama, **setting})
        rotary = AutoModelForCausalLM.from_config(config).model.rotary_emb
        text = {**llama, "model_type": "llama", **json.loads(json.dumps(setting))}
        cases.append(dict(config=text, frequencies=bits(rotary.inv_freq.tolist()), scale=rotary.attention_scaling))
    rows = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "rope.json").write_text("[\n" + rows + "\n]\n")
    print(f"rope.json      {len(cases)} cases")


if __name__ == "__main__":
    torch.set_num_threads(1)
    rope_cases()
    for place, (name, (family, settings, dtype, adapter, extra)) in enumerate(MODELS.items()):
        make(place, name, family, settings, dtype, adapter, extra)
