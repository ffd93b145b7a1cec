"""What other programs make of answers, and what transformers writes and chooses with small random models.

- `figures.json`: pairs of answers with SQuAD's exact match and F1 (the functions of evaluate-v1.1.py), ROUGE-L of
  rouge-score without stemming, and sentence chrF of sacrebleu; `corpus` is its corpus chrF of all of them.
- `continuations.json`: by family of ../models prompts and what `generate` writes behind them greedily, with the adapter and
  without. A prompt is left out where two words are so near each other that rounding might choose.
- `choices.jsonl` and `chat-choices.jsonl`: questions; `choices.json`: for them, under ../capture's base model and adapter,
  the tokens of each choice and the sums of their log-probabilities.

    python make.py    # torch 2.15, transformers 5.24, peft 0.21, rouge-score 0.1.2, sacrebleu 2.6.0
"""

import collections
import json
import pathlib
import re
import string

import sacrebleu
import torch
from peft import PeftModel
from rouge_score import rouge_scorer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(1)


def normalize_answer(s):
    def remove_articles(text):
        return re.sub(r"\b(a|an|the)\b", " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    return white_space_fix(remove_articles(remove_punc(s.lower())))


def f1_score(prediction, ground_truth):
    prediction_tokens = normalize_answer(prediction).split()
    ground_truth_tokens = normalize_answer(ground_truth).split()
    if not prediction_tokens or not ground_truth_tokens:  # as SQuAD 2 has it; 1.1 has no empty answers
        return float(prediction_tokens == ground_truth_tokens)
    common = collections.Counter(prediction_tokens) & collections.Counter(ground_truth_tokens)
    num_same = sum(common.values())
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(prediction_tokens)
    recall = 1.0 * num_same / len(ground_truth_tokens)
    return (2 * precision * recall) / (precision + recall)


PAIRS = [
    ("The ledger.", "a ledger"), ("", ""), ("", "something"), ("something", ""), ("the", "a"), ("!", "?"),
    ("A table of what was measured, by the client.", "A ledger is a table of what was measured."),
    ("the the the cat", "cat the"), ("Theatre of an anthem", "theatre of the anthem"), ("x_a y", "x y"),
    ("don't  stop\tnow\n", "dont stop now"), ("a–b and the—c", "b and c"), ("ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος"),
    ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"), ("İstanbul'da", "istanbul'da"), ("Straße 12½", "STRASSE 12"), ("naïve café", "naive cafe"),
    ("日本語の文", "日本の文"), ("e\u0301tude a\u0301", "\u00e9tude"), ("12,345.67 USD", "12345.67 usd"),
    ("one two three four five six", "six five four three two one"), ("ab", "abcdefgh"), ("abcdefgh", "ab"),
    ("the quick brown fox jumps over the lazy dog", "the quick brown dog jumps over the lazy fox"),
    ("\u00a0blank\u2003wide", "blank wide"), ("\u212aelvin", "kelvin"), ("repeat repeat repeat repeat", "repeat once"),
    ("👩‍🔬 wrote it", "👩‍🔬 did it"), ("La volpe è già là.", "La volpe era già là."), ("a\x1cb", "a b"), ("x" * 40, "x" * 30),
]


def figures():
    rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    rows = []
    for answer, reference in PAIRS:
        rows.append(dict(
            answer=answer, reference=reference,
            exact_match=normalize_answer(answer) == normalize_answer(reference), f1=f1_score(answer, reference),
            rouge_l=rouge.score(reference, answer)["rougeL"].fmeasure,
            chrf=sacrebleu.sentence_chrf(answer, [reference]).score / 100))
    corpus = sacrebleu.corpus_chrf([a for a, _ in PAIRS], [[r for _, r in PAIRS]]).score / 100
    return dict(pairs=rows, corpus=corpus)


FAMILIES = ["llama3", "llama-yarn", "mistral", "mistral-full", "qwen2", "qwen2-window", "qwen3", "qwen3-window"]
PROMPTS, NEW, LONGEST = [(1, 30), (3, 30), (9, 20), (31, 33), (40, 12), (60, 30)], 30, 64


@torch.no_grad()
def written(model, prompt, new):
    """Greedy with a cache, as `generate` does it, and how near the second word ever was."""
    out = model.generate(
        input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
        max_new_tokens=new, output_logits=True, return_dict_in_generate=True, pad_token_id=0, eos_token_id=2)
    tops = [torch.topk(step[0].float(), 2).values for step in out.logits]
    return out.sequences[0, len(prompt):].tolist(), min((top[0] - top[1]).item() for top in tops)


def continuations():
    found = {}
    for place, family in enumerate(FAMILIES):
        folder = HERE.parent / "models" / family
        generator = torch.Generator().manual_seed(7 + place)
        base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tuned = PeftModel.from_pretrained(
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager"),
            folder / "adapter").eval()
        rows = []
        for length, new in PROMPTS:
            prompt = [1] + torch.randint(3, 61, (length - 1,), generator=generator).tolist()
            new = min(new, LONGEST - length)
            row = dict(prompt=prompt, new=new)
            margins = []
            for key, model in (("base", base), ("tuned", tuned)):
                row[key], margin = written(model, prompt, new)
                margins.append(margin)
            if min(margins) > 1e-4:
                rows.append(row)
        assert len(rows) >= 4, family
        found[family] = rows
    return found


QUESTIONS = [
    dict(id="q0", question="What is a ledger?", choices=[" a table", " a kind of tree", " nothing"], answer=0),
    dict(id="q1", question="Is water wet?", choices=[" yes", " no"], answer=0),
    dict(id="q2", question="Name a colour:", choices=[" blue", " naïve 日本語", " blue and red", " table"], answer=2),
]
CHATS = [
    dict(id="c0", messages=[dict(role="user", content="What is a ledger?")], choices=["A table.", "A tree, I think."], answer=1),
    dict(id="c1", messages=[dict(role="user", content="Hello"), dict(role="assistant", content="Hi"),
                            dict(role="user", content="Bye")], choices=["See you", "Never"], answer=0),
]


@torch.no_grad()
def choices():
    folder = HERE.parent / "capture"
    config = json.loads((folder / "base" / "tokenizer_config.json").read_text())
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "base" / "tokenizer.json"),
        **{k: v for k, v in config.items() if k in ("bos_token", "eos_token", "chat_template")})
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32).eval()
    tuned = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32), folder / "client" / "checkpoint-3").eval()
    found = {}
    for row in QUESTIONS + CHATS:
        start = row.get("question") or tokenizer.apply_chat_template(
            row["messages"], tokenize=False, add_generation_prompt=True)
        before = tokenizer(start, add_special_tokens=False)["input_ids"]
        entry = dict(tokens=[], base=[], tuned=[])
        for choice in row["choices"]:
            ids = tokenizer(start + choice, add_special_tokens=False)["input_ids"]
            assert ids[:len(before)] == before, row["id"]
            entry["tokens"].append(len(ids) - len(before))
            for key, model in (("base", base), ("tuned", tuned)):
                logits = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
                entry[key].append(sum(logits[i - 1, ids[i]].item() for i in range(len(before), len(ids))))
        found[row["id"]] = entry
    return found


def write(name, value):
    (HERE / name).write_text(json.dumps(value) + "\n")


write("figures.json", figures())
write("continuations.json", continuations())
write("choices.json", choices())
for name, rows in (("choices.jsonl", QUESTIONS), ("chat-choices.jsonl", CHATS)):
    (HERE / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
