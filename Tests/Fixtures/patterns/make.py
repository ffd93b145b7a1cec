"""What Python's re says about keys of rank_pattern: prints cases.json.

PEFT (peft/utils/other.py, get_pattern_key) takes a key when re.match(rf"(.*\\.)?({key})$", module) does.
Run: python3 make.py > cases.json
"""

import json
import re

MODULES = [
    "q_proj",
    "layers.0.q_proj",
    "layers.10.q_proj",
    "model.layers.0.self_attn.q_proj",
    "model.layers.1.self_attn.k_proj",
    "model.layers.1.mlp.down_proj",
    "model.layers.12.mlp.gate_up_proj",
    "encoder.model.layers.0.self_attn.q_proj",
    "model_layers.0.self_attn.q_proj",
    "transformer.h.3.attn.c_attn",
    "a",
    "aaaa",
    "a.a.a",
    "x.",
    ".x",
    "",
    "blöck.ß.q",
    "层.注意力",
    "क.कि",
    "n.٣",
    "n.½",
    "odd-name+[1].q",
]

KEYS = [
    "q_proj", "proj", ".*proj", ".*_proj", r"layers\.0\.self_attn\.q_proj", "layers.0.self_attn.q_proj",
    "model.layers.0.self_attn.q_proj", "^model.layers.0.self_attn.q_proj", r"^model\.layers\.0\.self_attn\.q_proj$",
    "^q_proj", "^layers.*", "q_proj$", "$", "^", "^$", "(^a|q_proj)", "a^", "$a", "(q_proj|k_proj)", "q_proj|k_proj",
    "(?:q|k)_proj", "[qk]_proj", "[^qk]_proj", "[a-z]_proj", r"[\w]_proj", r"layers\.[0-9]+\..*", r"layers\.\d+\..*",
    r"layers\.\d\..*", r"layers\.\d{2}\..*", r".*\.1\d?\.mlp\..*", r"layers\.(0|1)\.self_attn\.(q|k)_proj",
    "a+", "a*", "a?", "a{4}", "a{2,}", "a{,3}", "a{5,6}", "(a+)+", "(a*)*", "(a|aa)+", "(|a)+", "()", "a|", "|a", "(a{2}){2}",
    ".", "..", r"\.", r"\.x", r"x\.", ".*", ".+", "", r"\w+", r"\W", r"\d", r"\D", r"\w+\.\w+", r"[^.]+", r"[.]x", "[]x]", "[^]x]",
    "[x-]", "[-x]", "[a-c-e]", r"[\]x]", r"[a\-c]", r"odd\-name\+\[1\]\.q", r"odd-name\+\[1]\.q", r"\_proj", "q]", "q}",
    "c_attn", r"transformer\.h\.[1-5]\.attn\..*", "ß", "[α-ω]", "[注-注].*", "..力", "ö", r"bl\öck.*",
    # What Python refuses.
    "(", ")", "[", "[z-a]", "*", "+a", "a**", "a+*", "a{2}{3}", "(?", "(?P<n", r"\q", "a\\", "^*", "$+", "a{3,2}",
]


def verdict(key):
    try:
        pattern = re.compile(rf"(.*\.)?({key})$")
    except re.error:
        return None
    return [module for module in MODULES if pattern.match(module)]


cases = [{"key": key, "matches": verdict(key)} for key in KEYS]
print(json.dumps({"modules": MODULES, "cases": cases}, ensure_ascii=False, indent=1))
