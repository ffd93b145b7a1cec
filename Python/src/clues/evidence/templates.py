"""How samples become text: the model's own chat template, or one of those that `clues capture` knows by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import CluesError
from .samples import Dataset, Message, Part, Record

#: A piece of text; a special token by its name; the tokenizer's own tokens for the begin and the end of a text.
Kind = Literal["text", "special", "begin", "end"]

CHAT = ("chatml", "llama2", "llama3", "mistral", "qwen", "qwen2", "qwen3", "smollm2")
TASK = ("alpaca", "plain", "alpaca-clues")
#: The model's own chat template, carried out by transformers.
OWN = "own"
NAMES = (*CHAT, *TASK)

_SYSTEMS = {
    "qwen": "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "qwen2": "You are a helpful assistant.",
    "smollm2": "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
}
# Source: `train.py` of Stanford Alpaca, as all who train on that data write it.
_INTRODUCTION = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
)
_INTRODUCTION_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
)


@dataclass(frozen=True)
class Segment:
    """A piece of a sample in the words of a template."""

    text: str
    part: Part
    kind: Kind = "text"


def choose(named: str | None, dataset: Dataset, tokenizer: Any) -> str | None:
    """The template of a file; ``None`` where its samples are tokens already."""
    if named is not None and named not in NAMES:
        raise CluesError(f"there is no template '{named}'", advice=f"known are {', '.join(NAMES)}")
    if dataset.form == "input_ids":
        return None
    if dataset.form == "text":
        return "plain"
    if dataset.form == "prompt":
        return named or "plain"
    if named is not None:
        return named
    if not getattr(tokenizer, "chat_template", None):
        raise CluesError(
            f"the model brings no chat template, and nothing says how '{dataset.form}' becomes text",
            advice=f"name the template that the adapter was trained with: {', '.join(NAMES)}",
            file=dataset.name,
        )
    return OWN


def segments(record: Record, template: str, tokenizer: Any) -> list[Segment]:
    """A sample in the words of a template.

    :raises CluesError: what the template cannot say.
    """
    if record.form == "text":
        return [Segment("", "frame", "begin"), Segment(record.answer, "answer"), Segment("", "answer", "end")]
    if template in TASK:
        return _task(_single(record, template), template)
    messages = record.messages or _as_messages(record)
    if not messages:
        raise _bad("has no messages")
    if template == OWN:
        return _own(messages, record.given, tokenizer)
    return _CHATS.get(template, _chatml)(messages, record.given, template)


def _as_messages(record: Record) -> tuple[Message, ...]:
    question = "\n".join(text for text in (record.instruction, record.input or "") if text)
    if record.form == "prompt":
        question = record.instruction
    start = (Message("system", record.system),) if record.system else ()
    return (*start, Message("user", question), Message("assistant", record.answer))


def _single(record: Record, template: str) -> Record:
    if not record.messages:
        return record
    if [message.role for message in record.messages] not in (["user", "assistant"], ["user"]):
        raise _bad(
            f"has {len(record.messages)} messages, and the template '{template}' has one question and one answer",
            "name a template of conversations, such as chatml",
        )
    answer = record.messages[1].content if len(record.messages) > 1 else ""
    return Record(
        record.line, record.id, record.domain, "prompt", instruction=record.messages[0].content, answer=answer
    )


def _task(record: Record, template: str) -> list[Segment]:
    if record.system and template != "plain":
        raise _bad(
            f"has a message of the system, for which the template '{template}' has no place",
            "write it into the instruction, or leave it out",
        )
    if template == "alpaca":
        about = f"### Input:\n{record.input}\n\n" if record.input else ""
        head = _INTRODUCTION_WITH_INPUT if record.input else _INTRODUCTION
        body = [
            Segment(f"{head}### Instruction:\n{record.instruction}\n\n{about}", "prompt"),
            Segment("### Response:\n", "frame"),
            Segment(record.answer, "answer"),
        ]
    elif template == "alpaca-clues":
        question = record.instruction if record.input is None else record.input
        body = [
            Segment(f"{_INTRODUCTION_WITH_INPUT}### Instruction:\n{question}", "prompt"),
            Segment(f"\n\n### Response:\n{record.answer}", "answer"),
        ]
    else:
        # Of a task the parts stand on lines of their own; a prompt and how it goes on are one text.
        lines = [text for text in (record.system, record.instruction, record.input) if text]
        prompt = record.instruction if record.input is None else "".join(f"{line}\n" for line in lines)
        body = [Segment(prompt, "prompt"), Segment(record.answer, "answer")]
    return [Segment("", "frame", "begin"), *body, Segment("", "answer", "end")]


# Conversations.


def _parts(message: Message, place: int, given: int) -> tuple[Part, Part]:
    """The parts that the head of a turn and what is said belong to."""
    return ("frame", "answer") if message.role == "assistant" and place >= given else ("prompt", "prompt")


def _own(messages: Sequence[Message], given: int, tokenizer: Any) -> list[Segment]:
    """What the model's own template writes, its answers told by what it writes without them."""
    turns = [{"role": message.role, "content": message.content} for message in messages]
    for message in messages:
        if (token := next((t for t in tokenizer.all_special_tokens if t in message.content), None)) is not None:
            raise _bad(
                f"spells the special token '{token}', which the model's chat template would take for one",
                f"name the template that it is like: {', '.join(CHAT)}",
            )

    def written(count: int, opened: bool = False) -> str:
        try:
            text = tokenizer.apply_chat_template(turns[:count], tokenize=False, add_generation_prompt=opened)
        except Exception as error:
            raise _bad(f"is refused by the model's chat template: {error}") from None
        return str(text)

    whole, at, found = written(len(turns)), 0, []
    for place, message in enumerate(messages):
        if message.role != "assistant" or place < given:
            continue
        before, opened = written(place) if place else "", written(place, opened=True)
        after = _end(written, place, len(turns), whole)
        if not (whole.startswith(opened) and opened.startswith(before) and after is not None):
            raise _bad(
                "is written by the model's chat template in a way from which its answers cannot be told",
                f"name the template that it is like: {', '.join(CHAT)}; or write {{input_ids, labels}}",
            )
        found += [
            Segment(whole[at : len(before)], "prompt"),
            Segment(whole[len(before) : len(opened)], "frame"),
            Segment(whole[len(opened) : after], "answer"),
        ]
        at = after
    return [segment for segment in [*found, Segment(whole[at:], "prompt")] if segment.text]


def _end(written: Any, place: int, count: int, whole: str) -> int | None:
    if place + 1 == count:
        return len(whole)
    text = str(written(place + 1))
    return len(text) if whole.startswith(text) else None


def _chatml(messages: Sequence[Message], given: int, template: str) -> list[Segment]:
    turns: list[Segment] = []
    if template in _SYSTEMS and messages[0].role != "system":
        turns += _chatml_turn("system", [Segment(_SYSTEMS[template], "prompt")], ("prompt", "prompt"))
    for place, message in enumerate(messages):
        turns += _chatml_turn(message.role, [Segment(message.content, "prompt")], _parts(message, place, given))
    return turns


def _chatml_turn(role: str, said: Sequence[Segment], parts: tuple[Part, Part]) -> list[Segment]:
    head, body = parts
    return [
        Segment("<|im_start|>", head, "special"),
        Segment(f"{role}\n", head),
        *(Segment(segment.text, body, segment.kind) for segment in said),
        Segment("<|im_end|>", body, "special"),
        Segment("\n", body),
    ]


def _qwen3(messages: Sequence[Message], given: int, template: str) -> list[Segment]:
    """Thoughts of answers before the last question are left out; the last answer has some, if only empty ones."""

    def asks(message: Message) -> bool:
        text = message.content
        return message.role == "user" and not (text.startswith("<tool_response>") and text.endswith("</tool_response>"))

    # The template takes the last message for a question where nobody asks.
    questions = [place for place, message in enumerate(messages) if asks(message)]
    question = questions[-1] if questions else len(messages) - 1
    turns: list[Segment] = []
    for place, message in enumerate(messages):
        parts = _parts(message, place, given)
        if message.role != "assistant":
            turns += _chatml_turn(message.role, [Segment(message.content, "prompt")], parts)
            continue
        thoughts, words = _thoughts(message.content)
        said = [Segment(words, "prompt")]
        if place > question and (place == len(messages) - 1 or thoughts):
            said = [
                Segment("<think>", "prompt", "special"),
                Segment("\n" + thoughts.strip("\n") + "\n", "prompt"),
                Segment("</think>", "prompt", "special"),
                Segment("\n\n" + words.lstrip("\n"), "prompt"),
            ]
        turns += _chatml_turn("assistant", said, parts)
    return turns


def _thoughts(content: str) -> tuple[str, str]:
    if "</think>" not in content:
        return "", content
    first, last = content.split("</think>")[0], content.split("</think>")[-1]
    return first.rstrip("\n").split("<think>")[-1].lstrip("\n"), last.lstrip("\n")


def _llama3(messages: Sequence[Message], given: int, template: str) -> list[Segment]:
    turns = [Segment("", "frame", "begin")]
    for place, message in enumerate(messages):
        head, said = _parts(message, place, given)
        turns += [
            Segment("<|start_header_id|>", head, "special"),
            Segment(message.role, head),
            Segment("<|end_header_id|>", head, "special"),
            Segment("\n\n", head),
            Segment(message.content.strip(), said),
            Segment("<|eot_id|>", said, "special"),
        ]
    return turns


def _llama2(messages: Sequence[Message], given: int, template: str) -> list[Segment]:
    system = messages[0].content if messages[0].role == "system" else None
    turns = list(messages)[0 if system is None else 1 :]
    _check_turns(turns)
    written: list[Segment] = []
    for place, message in enumerate(turns):
        if message.role == "assistant":
            _, said = _parts(message, place + (0 if system is None else 1), given)
            written += [Segment(f" {message.content.strip()} ", said), Segment("", said, "end")]
            continue
        start = f"<<SYS>>\n{system}\n<</SYS>>\n\n" if place == 0 and system is not None else ""
        written += [
            Segment("", "frame" if place == 0 else "prompt", "begin"),
            Segment(f"[INST] {(start + message.content).strip()} [/INST]", "prompt"),
        ]
    return written


def _mistral(messages: Sequence[Message], given: int, template: str) -> list[Segment]:
    if messages[0].role == "system":
        raise _bad(
            "has a message of the system, for which the template 'mistral' has no place",
            "write it into the first question",
        )
    _check_turns(messages)
    written = [Segment("", "frame", "begin")]
    for place, message in enumerate(messages):
        if message.role == "assistant":
            _, said = _parts(message, place, given)
            written += [Segment(message.content, said), Segment("", said, "end")]
        else:
            written.append(Segment(f"[INST] {message.content} [/INST]", "prompt"))
    return written


def _check_turns(messages: Sequence[Message]) -> None:
    due = ["user" if place % 2 == 0 else "assistant" for place in range(len(messages))]
    if not messages or [message.role for message in messages] != due:
        raise _bad("has messages in which user and assistant do not take turns, the user first")


_CHATS = {"qwen3": _qwen3, "llama3": _llama3, "llama2": _llama2, "mistral": _mistral}


def _bad(message: str, advice: str | None = None) -> CluesError:
    return CluesError(message, kind="badData", advice=advice)
