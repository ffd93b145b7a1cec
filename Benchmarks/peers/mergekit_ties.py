"""TIES by mergekit, from adapters to an adapter. Usage: mergekit_ties.py base FOLDER
                                                         mergekit_ties.py ties FOLDER DENSITY RANK ADAPTER...

mergekit merges full models, so each adapter is first merged into its base model on disk, the models are merged, and an
adapter is extracted from the result. `base` makes the base model once, with random weights: SmolLM2-135M, but with v_proj as
wide as q_proj, as in the adapters.
"""

import glob
import os
import shutil
import sys

import torch
import transformers
from click.testing import CliRunner
from mergekit.scripts import extract_lora, run_yaml


def make_base(folder: str) -> None:
    if os.path.exists(f"{folder}/config.json"):
        return
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=9, tie_word_embeddings=True, torch_dtype="float32",
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)


def run(command, arguments: list[str]) -> None:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    if result.exit_code:
        sys.exit(result.output)


def merge(folder: str, density: str, rank: str, adapters: list[str]) -> None:
    base = f"{folder}/base"
    for old in glob.glob(f"{folder}/cache") + glob.glob(f"{folder}/merged") + glob.glob(f"{folder}/extracted"):
        shutil.rmtree(old)
    models = "".join(
        f"  - model: {base}+{adapter}\n    parameters: {{density: {density}, weight: 1}}\n" for adapter in adapters
    )
    with open(f"{folder}/merge.yml", "w") as file:
        file.write(f"models:\n{models}merge_method: ties\nbase_model: {base}\ndtype: float32\n")
    common = ["--lora-merge-cache", f"{folder}/cache", "--quiet"]
    run(run_yaml.main, [f"{folder}/merge.yml", f"{folder}/merged", "--no-copy-tokenizer"] + common)
    run(
        extract_lora.main,
        ["--model", f"{folder}/merged", "--base-model", base, "--out-path", f"{folder}/extracted", "--max-rank", rank,
         "-i", r"self_attn\.(q|v)_proj", "-e", r"embed_tokens|lm_head|norm"] + common,
    )


if __name__ == "__main__":
    torch.set_num_threads(2)
    if sys.argv[1] == "base":
        make_base(f"{sys.argv[2]}/base")
    else:
        merge(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
