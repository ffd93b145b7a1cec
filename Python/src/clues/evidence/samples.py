"""Files of samples, in the forms that `clues capture` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ..errors import CluesError

Split: TypeAlias = Literal["train", "anchor", "validation"]
Span: TypeAlias = Literal["answer", "all"]

#: What a token is a part of: the prompt, what the template puts before an answer, or the answer.
Part: TypeAlias = Literal["prompt", "frame", "answer"]

#: The label of a token that is not learned, as PyTorch has it.
UNLEARNED = -100

FORMS: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "conversations": ("conversations",),
    "input_ids": ("input_ids", "labels"),
    "instruction": ("instruction", "output"),
    "prompt": ("prompt", "completion"),
    "turns": ("prompt", "completion"),
    "text": ("text",),
}
_MORE: Mapping[str, tuple[str, ...]] = {
    "messages": ("system",),
    "conversations": ("system",),
    "input_ids": ("attention_mask",),
    "instruction": ("input", "system"),
}
# So many unused keys are named in a note.
_MOST_NAMED = 64
# Keys that say something else about what is learned.
_TELLING = frozenset(
    [
        "history",
        "tools",
        "functions",
        "images",
        "videos",
        "audios",
        "documents",
        "chosen",
        "rejected",
        "kto_tag",
        "chat_template_kwargs",
        "position_ids",
        "completion_mask",
        "assistant_masks",
        "system",
        "seq_idx",
    ]
)
_TELLING_OF_MESSAGES = ("tool_calls", "function_call", "weight", "train", "reasoning_content")
_ROLES = {"system": "system", "user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant"}
_HOW = "write {instruction, input, output}, {prompt, completion}, {messages: [{role, content}]}, {text}, or {input_ids, labels}"  # fmt: skip  # noqa: E501


@dataclass(frozen=True)
class Message:
    """A turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True)
class Record:
    """A sample as its file has it."""

    line: int
    id: str
    domain: str | None
    form: str
    #: Of tokens, their ids and whether each is learned.
    tokens: tuple[list[int], list[bool]] | None = None
    #: Of conversations, and how many turns are not learned whoever speaks.
    messages: tuple[Message, ...] = ()
    given: int = 0
    #: Of tasks, prompts and texts.
    system: str | None = None
    instruction: str = ""
    input: str | None = None
    answer: str = ""


@dataclass
class Dataset:
    """The samples of a file, all of one form."""

    name: str
    form: str
    records: list[Record] = field(default_factory=list)
    has_ids: bool = False
    notes: list[str] = field(default_factory=list)


def read(source: str | Path | Iterable[Mapping[str, Any]], name: str) -> Dataset:
    """Reads a file, or takes rows that are in memory already.

    :param name: What rows in memory are called in errors.
    :raises CluesError: with file and line.
    """
    if isinstance(source, (str, Path)):
        return _dataset(_rows(Path(source)), str(source))
    return _dataset(((place + 1, row) for place, row in enumerate(source)), name)


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CluesError("is not there", kind="missingInput", advice="check the path", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise CluesError(f"is not UTF-8: {error.reason}", kind="badData", file=str(path)) from None
    if text.lstrip()[:1] == "[":
        yield from _list(text, str(path))
        return
    # A line of JSON Lines ends where a line feed is, and nowhere else.
    for place, line in enumerate(text.split("\n")):
        if line.strip():
            yield place + 1, _json(line, str(path), place + 1)


def _list(text: str, name: str) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=_once)
    at, line, done = text.index("[") + 1, 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        line += text.count("\n", done, at)
        done = at
        if at >= len(text):
            raise CluesError("ends in the middle of a list", kind="badData", file=name, line=line, column=1)
        if text[at] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError as error:
            raise CluesError(f"is no JSON: {error}", kind="badData", file=name, line=line, column=1) from None
        yield line, value


def _json(text: str, name: str, line: int) -> Any:
    try:
        return json.loads(text, parse_constant=_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise CluesError(f"is no JSON: {error}", kind="badData", file=name, line=line, column=1) from None


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands there twice")
    return members


def _dataset(rows: Iterable[tuple[int, Any]], name: str) -> Dataset:
    dataset: Dataset | None = None
    first = 0
    lines_of_ids: dict[str, int] = {}
    unused: dict[str, None] = {}
    for line, row in rows:
        try:
            if not isinstance(row, Mapping):
                raise _bad(f"holds {_kind(row)} instead of an object", "write one object a sample")
            form = _form(row)
            if dataset is None:
                dataset, first = Dataset(name, form, has_ids=row.get("id") is not None), line
            if form != dataset.form:
                raise _bad(
                    f"has '{form}' where the sample in line {first} has '{dataset.form}'",
                    "write samples of different forms into files of their own; {input_ids, labels} say everything",
                )
            known = {*FORMS[form], *_MORE.get(form, ()), "id", "domain"}
            for key, value in row.items():
                if key in _TELLING and key not in known and value not in (None, "", [], {}):
                    raise _bad(
                        f"has '{key}', which changes what is learned and is not understood",
                        "write what it says into the sample itself, or leave it out",
                    )
                if key not in known:
                    unused[key] = None
            identifier = _id(row, dataset, lines_of_ids, line)
            domain = _text(row, "domain")
            dataset.records.append(_record(row, form, line, identifier, domain))
        except CluesError as error:
            error.file, error.line, error.column = name, line, 1
            raise
    if dataset is None:
        raise CluesError("holds no samples", kind="badData", advice="write one object a sample", file=name)
    if unused:
        names = [f"'{key}'" for key in unused][:_MOST_NAMED]
        if len(unused) > _MOST_NAMED:
            names.append(f"{len(unused) - _MOST_NAMED} more")
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        dataset.notes.append(f"{name}: {listed} {'is' if len(names) == 1 else 'are'} not used")
    return dataset


def _form(row: Mapping[str, Any]) -> str:
    in_turns = isinstance(row.get("prompt"), (list, tuple)) or isinstance(row.get("completion"), (list, tuple))
    forms = [
        form
        for form, keys in FORMS.items()
        if all(key in row for key in keys) and form != ("prompt" if in_turns else "turns")
    ]
    # The text of an instruction data set is the instruction written out in some template.
    meant = [form for form in forms if form != "text"] if len(forms) > 1 else forms
    if not meant:
        raise _bad("has none of the forms that samples come in", _HOW)
    if len(meant) > 1:
        raise _bad(f"has {' and '.join(map(repr, meant))}, and either could be meant", "leave one of them out")
    return meant[0]


def _id(row: Mapping[str, Any], dataset: Dataset, lines: dict[str, int], line: int) -> str:
    value = row.get("id")
    if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
        raise _bad(f"has {_kind(value)} as 'id' instead of a text or a whole number")
    if (value is not None) != dataset.has_ids:
        raise _bad("has an 'id' or none, unlike samples before it", "give all samples an id, or none")
    if value is None:
        return str(len(dataset.records))
    name = str(value)
    if name in lines:
        raise _bad(f"has the id '{name}' of the sample in line {lines[name]}", "give every sample an id of its own")
    lines[name] = line
    return name


def _record(row: Mapping[str, Any], form: str, line: int, name: str, domain: str | None) -> Record:
    if form == "input_ids":
        return Record(line, name, domain, form, tokens=_tokens(row))
    if form == "text":
        return Record(line, name, domain, form, answer=_text(row, "text") or "")
    if form == "instruction":
        return Record(
            line, name, domain, form, system=_text(row, "system"), instruction=_text(row, "instruction") or "",
            input=_text(row, "input") or "", answer=_text(row, "output") or "",
        )  # fmt: skip
    if form == "prompt":
        prompt, completion = _text(row, "prompt") or "", _text(row, "completion") or ""
        return Record(line, name, domain, form, instruction=prompt, answer=completion)
    if form == "turns":
        given = _messages(row, "prompt", "role", "content")
        messages = [*given, *_messages(row, "completion", "role", "content")]
        return Record(line, name, domain, form, messages=tuple(messages), given=len(given))
    speaker, words = ("role", "content") if form == "messages" else ("from", "value")
    messages = _messages(row, form, speaker, words)
    if (system := _text(row, "system")) is not None:
        if messages and messages[0].role == "system":
            raise _bad("has a 'system' beside a message of the system", "leave one of them out")
        messages = [Message("system", system), *messages]
    return Record(line, name, domain, form, messages=tuple(messages))


def _text(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise _bad(f"has {_kind(value)} as '{key}' instead of a text")
    return value or None


def _messages(row: Mapping[str, Any], key: str, speaker: str, words: str) -> list[Message]:
    values = row.get(key)
    if not isinstance(values, (list, tuple)):
        raise _bad(f"has {_kind(values)} as '{key}' instead of a list of messages")
    messages = []
    for place, value in enumerate(values):
        name = f"message {place + 1}"
        if not isinstance(value, Mapping):
            raise _bad(f"{name} is {_kind(value)} instead of {{{speaker}, {words}}}")
        for telling in _TELLING_OF_MESSAGES:
            if value.get(telling) is not None:
                raise _bad(
                    f"{name} has '{telling}', which changes what is learned and is not understood",
                    "write what it says into the message itself, or leave it out",
                )
        role = value.get(speaker)
        if role not in _ROLES:
            raise _bad(f"{name} is by '{role}'", "known are system, user (human) and assistant (gpt)")
        if not isinstance(value.get(words), str):
            raise _bad(f"{name} has {_kind(value.get(words))} as '{words}' instead of a text")
        messages.append(Message(_ROLES[role], value[words]))
    return messages


def _tokens(row: Mapping[str, Any]) -> tuple[list[int], list[bool]]:
    ids, labels = _numbers(row, "input_ids"), _numbers(row, "labels")
    if len(ids) != len(labels):
        raise _bad(f"has {len(ids)} 'input_ids' but {len(labels)} 'labels'")
    first, last = 0, len(ids)
    if row.get("attention_mask") is not None:
        mask = _numbers(row, "attention_mask")
        if len(mask) != len(ids) or any(bit not in (0, 1) for bit in mask):
            raise _bad(f"has an 'attention_mask' that is not one 0 or 1 for each of its {len(ids)} tokens")
        first, last = (mask.index(1), len(mask) - mask[::-1].index(1)) if 1 in mask else (0, 0)
        if 0 in mask[first:last]:
            raise _bad("has an 'attention_mask' with zeros between ones", "write one sample a row")
    for place, (identifier, label) in enumerate(zip(ids, labels, strict=True)):
        if label == UNLEARNED:
            continue
        if not first <= place < last:
            raise _bad(f"has a label at token {place}, which its 'attention_mask' hides")
        if label != identifier:
            shifted = place + 1 < len(ids) and label == ids[place + 1]
            raise _bad(
                f"has the label {label} at token {place}, whose id is {identifier}",
                "labels stand at the tokens themselves: it is the model that shifts them"
                if shifted
                else "write the token's own id, or -100 where nothing is learned",
            )
    if any(identifier < 0 for identifier in ids[first:last]):
        raise _bad("has a negative token id, which no vocabulary has")
    return ids[first:last], [label != UNLEARNED for label in labels[first:last]]


def _numbers(row: Mapping[str, Any], key: str) -> list[int]:
    values: Any = row.get(key)
    if hasattr(values, "tolist"):
        # A tensor, or an array of NumPy.
        values = values.tolist()
    if not isinstance(values, (list, tuple)):
        raise _bad(f"has {_kind(values)} as '{key}' instead of a list of whole numbers")
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int):
            raise _bad(f"has {_kind(value)} at place {place} of '{key}' instead of a whole number")
    return list(values)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "a number")


def _bad(message: str, advice: str | None = None) -> CluesError:
    return CluesError(message, kind="badData", advice=advice)
