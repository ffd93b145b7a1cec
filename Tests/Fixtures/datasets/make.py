"""Writes the tokenizers and encodings.json: what `tokenizers` makes of samples in the words of chat templates.

    python make.py        # tokenizers 0.23, transformers 5.24
"""
import json, pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent
CORPUS = [(HERE.parent / "templates" / "chat_templates.json").read_text()[:30000],
          "What is a ledger? A ledger is a table of what was measured. Write a response that appropriately completes the request."] * 3


def byte_level():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=420, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return t, dict(bos_token="<|endoftext|>", eos_token="<|im_end|>", add_bos_token=False)


def sentence_piece(scheme):
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    words = [w for text in CORPUS[:2] for w in text.split()]
    t.train_from_iterator(words, trainers.BpeTrainer(
        vocab_size=520, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)], show_progress=False))
    data = json.loads(t.to_str())
    data["added_tokens"] = [a for a in data["added_tokens"] if a["id"] < 3]
    t = Tokenizer.from_str(json.dumps(data))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return t, dict(bos_token="<s>", eos_token="</s>", add_bos_token=True)


def m(*turns):
    return [{"role": r, "content": c} for r, c in turns]


TEMPLATES = {t["name"]: t["text"] for t in reversed(json.loads((HERE.parent / "templates" / "chat_templates.json").read_text())["templates"])}
CONVERSATIONS = [
    m(("user", "What is a ledger?"), ("assistant", "A table of what was measured.")),
    m(("user", "é 日本語\n\n  a"), ("assistant", " 👩‍👩‍👧  two blanks"), ("user", "go on"), ("assistant", "\n1. one\n")),
    m(("user", ""), ("assistant", "x")),
]
out = []
for name, (t, config), templates in [("bytes", byte_level(), ["chatml", "smollm2"]), ("first", sentence_piece("first"), ["llama2", "mistral"]), ("always", sentence_piece("always"), ["llama2", "mistral"])]:
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    t.save(str(folder / "tokenizer.json"), pretty=False)
    config.update(tokenizer_class="PreTrainedTokenizerFast")
    if name == "bytes":
        config["chat_template"] = TEMPLATES["smollm2"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    for template in templates:
        for messages in CONVERSATIONS:
            rendered, _ = render_jinja_template([messages], chat_template=TEMPLATES[template], bos_token=config["bos_token"], eos_token=config["eos_token"])
            out.append({"tokenizer": name, "template": template, "messages": messages, "ids": t.encode(rendered[0], add_special_tokens=False).ids})
    for prompt, completion in [("A ledger is", " a table of what was measured."), ("What? ", "é"), ("", "x")]:
        ids = t.encode(prompt + completion, add_special_tokens=True).ids + [t.token_to_id(config["eos_token"])]
        out.append({"tokenizer": name, "template": "plain", "prompt": prompt, "completion": completion, "ids": ids})
(HERE / "encodings.json").write_text(json.dumps(out, ensure_ascii=False) + "\n")
print(len(out))
