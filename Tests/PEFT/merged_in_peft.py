"""Makes clients with PEFT, and checks in PEFT what Clues merged of them.

    python Tests/PEFT/merged_in_peft.py make FOLDER     writes FOLDER/<scenario>/<client> and FOLDER/<scenario>/arguments
    python Tests/PEFT/merged_in_peft.py check FOLDER    compares FOLDER/<scenario>/merged with the clients

What is compared is the whole model: PEFT merges every client into the base model, and the result, and each parameter of
the latter must be the mean of the former. Base models are tiny and have random weights, so nothing is downloaded.
Needs torch, transformers and peft; the test that calls this runs where CLUES_PEFT_PYTHON names a Python with them.
"""

import json
import os
import sys
import warnings

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

transformers.logging.set_verbosity_error()
SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"num_key_value_heads": 2, "vocab_size": 40, "pad_token_id": 0}


class Picture(nn.Module):
    """What language models have not: attention in one module, a convolution with a bias, a norm."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3)
        self.attn = nn.MultiheadAttention(16, 2)
        self.head = nn.Linear(16, 5)


def llama():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES))


def qwen():
    return transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**SIZES))


def classifier():
    return transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**SIZES, num_labels=3))


def gpt2():
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40))


def mixtral():
    return transformers.MixtralForCausalLM(transformers.MixtralConfig(**SIZES, num_local_experts=3))


def deep():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**{**SIZES, "num_hidden_layers": 12}))


def tied():
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**SIZES, tie_word_embeddings=True))


def roberta():
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = transformers.RobertaConfig(**sizes, vocab_size=40, num_labels=3, max_position_embeddings=20)
    return transformers.RobertaForSequenceClassification(config)


def t5():
    return transformers.T5ForConditionalGeneration(transformers.T5Config(d_model=16, d_ff=24, d_kv=4, num_layers=2, num_heads=4, vocab_size=40))


def clip():
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**sizes, "vocab_size": 40, "max_position_embeddings": 20}
    return transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config={**sizes, "image_size": 8, "patch_size": 4}))


def q_and_v(**settings):
    return {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", **settings}


def experts(folder, rank, layers, seed):
    """An adapter that names experts one by one, as PEFT wrote them before transformers 5."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for layer in range(layers):
        for expert in range(3):
            for name in ("w1", "w2", "w3"):
                rows, columns = (16, 24) if name == "w2" else (24, 16)
                start = f"base_model.model.model.layers.{layer}.block_sparse_moe.experts.{expert}.{name}"
                tensors[f"{start}.lora_A.weight"] = torch.randn(rank, columns, generator=generator)
                tensors[f"{start}.lora_B.weight"] = torch.randn(rows, rank, generator=generator)
    os.makedirs(folder)
    save_file(tensors, f"{folder}/adapter_model.safetensors", {"format": "pt"})
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=["w1", "w2", "w3"], task_type="CAUSAL_LM", inference_mode=True)
    config.base_model_name_or_path = ""
    config.save_pretrained(folder)


AVERAGE = ["--absolute", "average"]
# Each: the base model, the clients' settings (None: made by hand), arguments, what the config must hold.
SCENARIOS = {
    "mixed-ranks": (llama, [q_and_v(), {**q_and_v(r=6, rank_pattern={"layers.1.self_attn.q_proj": 2}), "target_modules": ["q_proj", "up_proj"]}], ["--rank-layout", "exact"], {}),
    "one-rank": (llama, [q_and_v(), {**q_and_v(r=6), "target_modules": ["q_proj", "up_proj"]}], ["--rank-layout", "uniform"], {"rank_pattern": {}}),
    "rslora": (llama, [q_and_v(use_rslora=True), q_and_v(r=2)], [], {}),
    "heads": (llama, [q_and_v(modules_to_save=["lm_head", "model.norm"])] * 2, AVERAGE, {"modules_to_save": ["lm_head", "model.norm"]}),
    "heads-by-ending": (llama, [q_and_v(modules_to_save=["norm"])] * 2, AVERAGE, {"modules_to_save": ["norm"]}),
    "own-biases": (qwen, [q_and_v(bias="lora_only")] * 2, AVERAGE, {"bias": "lora_only"}),
    "all-biases": (qwen, [q_and_v(bias="all")] * 2, AVERAGE, {"bias": "all"}),
    "lora-bias": (qwen, [q_and_v(lora_bias=True), q_and_v(r=2)], [], {"lora_bias": True}),
    "embeddings": (llama, [{**q_and_v(), "target_modules": ["embed_tokens", "q_proj"]}, q_and_v()], AVERAGE, {}),
    "transposed": (gpt2, [{"r": 4, "target_modules": ["c_attn"], "fan_in_fan_out": True, "task_type": "CAUSAL_LM"}] * 2, [], {"fan_in_fan_out": True}),
    "classifier": (classifier, [q_and_v(task_type="SEQ_CLS")] * 2, AVERAGE, {"task_type": "SEQ_CLS"}),
    "classifier-without-head": (classifier, [q_and_v(task_type="SEQ_CLS")] * 2, ["--absolute", "drop"], {"task_type": None}),
    "some-layers": (llama, [q_and_v(layers_to_transform=[1])] * 2, [], {}),
    "attention-in-one": (Picture, [{"r": 2, "target_modules": ["attn", "conv"]}, {"r": 3, "target_modules": ["attn"], "modules_to_save": ["head"]}], [*AVERAGE, "--rank-layout", "exact"], {}),
    "convolution-bias": (Picture, [{"r": 2, "target_modules": ["conv"], "lora_bias": True}] * 2, [], {"lora_bias": True}),
    "one-layer-of-twelve": (deep, [q_and_v(rank_pattern={"layers.1.self_attn.q_proj": 2, r"layers\.1\d\.self_attn\.v_proj": 8}, alpha_pattern={"layers.11.self_attn.q_proj": 40}), q_and_v(r=3, layers_to_transform=[1, 11])], ["--rank-layout", "exact"], {}),
    "tied-embeddings": (tied, [q_and_v(modules_to_save=["embed_tokens"])] * 2, AVERAGE, {"modules_to_save": ["embed_tokens"]}),
    "head-with-biases": (roberta, [{"r": 4, "target_modules": ["query"], "task_type": "SEQ_CLS", "bias": "all"}] * 2, AVERAGE, {"task_type": "SEQ_CLS", "bias": "all"}),
    "encoder-and-decoder": (t5, [{"r": 4, "target_modules": r".*encoder.*\.(q|v)"}, {"r": 2, "target_modules": r".*decoder.*\.(q|v)"}], ["--rank-layout", "exact"], {}),
    "towers": (clip, [{"r": 4, "target_modules": r".*text_model.*q_proj"}, {"r": 2, "target_modules": r".*vision_model.*(q|v)_proj"}], ["--rank-layout", "exact"], {}),
    "experts": (mixtral, None, ["--rank-layout", "exact"], {}),
}


def base(kind):
    torch.manual_seed(0)
    model = kind()
    # Norms and biases begin with ones and zeros, which would hide what is lost.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def make(folder):
    for name, (kind, clients, arguments, _) in SCENARIOS.items():
        os.makedirs(f"{folder}/{name}")
        if clients is None:
            experts(f"{folder}/{name}/a", 4, 2, 1)
            experts(f"{folder}/{name}/b", 2, 1, 2)
        for place, settings in enumerate(clients or []):
            model = get_peft_model(base(kind), LoraConfig(**{k: (v.copy() if isinstance(v, (list, dict)) else v) for k, v in settings.items()}))
            torch.manual_seed(place + 1)
            with torch.no_grad():
                for parameter in model.parameters():
                    if parameter.requires_grad:
                        parameter.copy_(torch.randn_like(parameter) * 0.3)
            model.save_pretrained(f"{folder}/{name}/{'ab'[place]}")
        if name == "attention-in-one":
            # Only one client adapts the projection behind, so that the ranks of what is one module differ.
            file = f"{folder}/{name}/b/adapter_model.safetensors"
            save_file({k: v for k, v in load_file(file).items() if ".out_proj." not in k}, file, {"format": "pt"})
        with open(f"{folder}/{name}/arguments", "w") as file:
            file.write("\n".join(arguments))


def merged(kind, folder):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base(kind), folder)
    odd = [str(w.message) for w in caught if any(x in str(w.message).lower() for x in ("missing", "did not match", "unexpected"))]
    # PEFT's own pattern, for the experts that it made one parameter of.
    odd = [text for text in odd if "gate_up_proj" not in text]
    state = model.merge_and_unload().state_dict()
    return {k: v.double() for k, v in state.items()}, odd


def check(folder):
    bad = 0
    for name, (kind, _, arguments, expected) in SCENARIOS.items():
        try:
            plain = {k: v.double() for k, v in base(kind).state_dict().items()}
            clients = [merged(kind, f"{folder}/{name}/{c}")[0] for c in "ab"]
            result, odd = merged(kind, f"{folder}/{name}/merged")
            config = json.load(open(f"{folder}/{name}/merged/adapter_config.json"))
            wrong = odd + [f"{k} is {config.get(k)!r}" for k, v in expected.items() if config.get(k) != v]
            worst, changed = 0.0, 0
            for key, value in plain.items():
                mean = sum(client[key] for client in clients) / len(clients)
                if "drop" in arguments and "score" in key:
                    mean = value
                if name == "attention-in-one" and key.startswith("head."):
                    mean = clients[1][key]  # The client that has it.
                changed += not torch.equal(mean, value)
                worst = max(worst, ((result[key] - mean).norm() / mean.norm()).item())
            if not worst < 1e-5 or not changed:
                wrong.append(f"parameters differ by {worst:.1e}, {changed} of {len(plain)} changed")
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        bad += bool(wrong)
        print(f"{name}: " + ("; ".join(wrong) if wrong else f"{changed} of {len(plain)} parameters change, all agree to {worst:.1e}"))
    print(f"{len(SCENARIOS) - bad} of {len(SCENARIOS)} agree")
    sys.exit(bool(bad))


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
