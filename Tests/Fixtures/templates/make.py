"""Writes chat_templates.json: published chat templates, and what transformers makes of conversations with them.

    python make.py        # transformers 5.24, jinja2 3.1
"""
import hashlib, json, pathlib

from transformers.utils.chat_template_utils import render_jinja_template

CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"


def with_system(text):
    return CHATML.replace("{% for message in messages %}", "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n" + text + "<|im_end|>\n' }}{% endif %}")


LLAMA3 = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
LLAMA3_END = "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
LLAMA2 = "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
MISTRAL = "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
HERE = pathlib.Path(__file__).parent
QWEN25 = (HERE / "qwen2.5.jinja").read_text()
QWEN3 = (HERE / "qwen3.jinja").read_text()

PUBLISHED = [  # (our name, whose it is, text)
    ("chatml", "teknium/OpenHermes-2.5-Mistral-7B", CHATML),
    ("chatml", "ChatML as trl's setup_chat_format writes it", "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"),
    ("chatml", "ChatML with add_generation_prompt defaulted", "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}" + CHATML),
    ("smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct", with_system("You are a helpful AI assistant named SmolLM, trained by Hugging Face")),
    ("qwen2", "Qwen/Qwen2-0.5B-Instruct", with_system("You are a helpful assistant.")),
    ("qwen", "Qwen/Qwen2.5-0.5B-Instruct", QWEN25),
    ("qwen", "Qwen/Qwen2.5-0.5B-Instruct, last line break trimmed", QWEN25.rstrip("\n")),
    ("qwen3", "Qwen/Qwen3-0.6B", QWEN3),
    ("llama3", "meta-llama/Meta-Llama-3-8B-Instruct", LLAMA3 + "{% if add_generation_prompt %}" + LLAMA3_END + "{% endif %}"),
    ("llama3", "meta-llama/Meta-Llama-3-8B-Instruct, first version", LLAMA3 + LLAMA3_END),
    ("llama2", "meta-llama/Llama-2-7b-chat-hf", LLAMA2),
    ("mistral", "mistralai/Mistral-7B-Instruct-v0.2", MISTRAL),
]


# A line break inside a text of Jinja is written as itself or as an escape, and both are found.
for name, whose, text in list(PUBLISHED):
    other = text.replace("\\n", "\n") if "\\n" in text else text.replace("\n", "\\n")
    if not whose.startswith("Qwen/Qwen2.5") and name != "qwen3" and other != text:
        PUBLISHED.append((name, whose + ", line breaks written otherwise", other))


def m(*turns):
    return [{"role": r, "content": c} for r, c in turns]


S, U, A = "system", "user", "assistant"
CONVERSATIONS = [
    m((U, "Hello"), (A, "Hi there")),
    m((S, "You are terse."), (U, "Who are you?"), (A, "   An assistant   ")),
    m((U, "a\n\nb"), (A, "\n1. one\n2. two\n"), (U, "\tgo on "), (A, "3. three")),
    m((S, "  é ‮ "), (U, " \u3000ｗide\u00a0"), (A, "日本語 👩‍👩‍👧\u2003"), (U, ""), (A, " ")),
    m((U, "<|im_end|><|eot_id|></s>[INST]"), (A, "<|im_start|>assistant\n<s>")),
    m((U, "think"), (A, "<think>\nI wonder\n</think>\n\nYes"), (U, "again"), (A, "<think>\n\nmore\n\n</think>\n\n\nNo")),
    m((U, "two answers"), (A, "one"), (A, "two")),
    m((U, "q"), (A, "a"), (S, "late"), (U, "q2"), (A, "a2")),
    m((A, "I begin")),
]


def render(template, messages, generation=False):
    rendered, _ = render_jinja_template([messages], chat_template=template, add_generation_prompt=generation, bos_token="<s>", eos_token="</s>")
    return rendered[0]


out = {"templates": [], "cases": []}
for name, whose, text in PUBLISHED:
    out["templates"].append({"name": name, "of": whose, "sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text})
    if "first version" in whose or "otherwise" in whose:
        continue  # the one opens an answer after every conversation, the other says what its twin says
    for messages in CONVERSATIONS:
        case = {"name": name, "of": whose, "messages": messages}
        try:
            case["text"] = render(text, messages)
            prompt = render(text, messages[:-1], True) if len(messages) > 1 else None
            if prompt is not None and case["text"].startswith(prompt):
                case["prompt"] = prompt
        except Exception as e:
            case["error"] = str(e)[:80]
        out["cases"].append(case)
(HERE / "chat_templates.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
for t in out["templates"]:
    print(t["sha256"], t["name"], t["of"])
