"""What PEFT makes of configs and modules: prints cases.json.

Every case is a base model (the paths of its modules, each with a weight) and a config; the rest is what PEFT's own
functions say: which modules it adapts, with which rank and alpha, and which it replaces.
Needs peft 0.21.2. Run: python make.py > cases.json
"""

import json
import random
import re

import torch
from peft import LoraConfig
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import ModulesToSaveWrapper, _set_trainable, get_pattern_key

PARTS = ["q_proj", "proj", "norm", "input_layernorm", "lm_head", "head", "gate", "out_proj"]
FOLDERS = ["", "model", "model.layers.0", "model.layers.0.attn", "model.layers.1", "model.layers.10", "x.model", "a.norm"]


class Leaf(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))


def model(paths):
    root = torch.nn.Module()
    for path in paths:
        parent = root
        for part in path.split("."):
            if part not in parent._modules:
                parent.add_module(part, Leaf())
            parent = parent._modules[part]
    return root


def entry(paths):
    """A path or an ending of one, mostly at a point."""
    path = random.choice(paths)
    if random.random() < 0.2:
        return path[random.randrange(len(path)) :].lstrip(".") or path
    parts = path.split(".")
    return ".".join(parts[random.randrange(len(parts)) :])


def patterns(paths):
    keys = [entry(paths) for _ in range(random.randrange(4))]
    keys = ["^" + re.escape(key) if random.random() < 0.3 else key for key in keys]
    return {key: random.randrange(1, 9) for key in keys}


def case():
    paths = sorted({".".join(filter(None, (random.choice(FOLDERS), random.choice(PARTS)))) for _ in range(random.randrange(2, 9))})
    config = LoraConfig(
        r=random.randrange(1, 9),
        lora_alpha=random.randrange(1, 9),
        rank_pattern=patterns(paths),
        alpha_pattern=patterns(paths),
        target_modules=[entry(paths) for _ in range(random.randrange(1, 4))],
        modules_to_save=[entry(paths) for _ in range(random.randrange(3))] or None,
    )
    base = model(paths)
    keys = [name for name, _ in base.named_modules() if name]
    adapted = [key for key in keys if check_target_module_exists(config, key) is True]
    try:
        _set_trainable(base, "default", config.modules_to_save, inference_mode=True)
    except (AttributeError, ValueError):
        return None  # An entry within what another one replaces; PEFT has no such adapter.
    replaced = [name for name, module in base.named_modules() if isinstance(module, ModulesToSaveWrapper)]
    if any(".modules_to_save." in name or ".original_module." in name for name in replaced):
        return None
    return {
        "modules": keys,
        "config": {
            "r": config.r,
            "lora_alpha": config.lora_alpha,
            "rank_pattern": config.rank_pattern,
            "alpha_pattern": config.alpha_pattern,
            "target_modules": sorted(config.target_modules),
            "modules_to_save": config.modules_to_save,
        },
        "adapted": adapted,
        "replaced": replaced,
        "ranks": [config.rank_pattern.get(get_pattern_key(config.rank_pattern.keys(), key), config.r) for key in keys],
        "alphas": [config.alpha_pattern.get(get_pattern_key(config.alpha_pattern.keys(), key), config.lora_alpha) for key in keys],
    }


random.seed(12)
cases = []
while len(cases) < 200:
    if made := case():
        cases.append(made)
print(json.dumps(cases, separators=(",", ":")).replace('{"modules"', '\n{"modules"'))
