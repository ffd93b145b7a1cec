"""Samples as a model sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import CluesError
from .samples import UNLEARNED, Dataset, Part, Record, Span, Split, read
from .templates import CHAT, OWN, Segment, choose, segments

#: A file of samples, or rows of one: mappings in one of its forms, as a data set of Hugging Face gives them.
Source: TypeAlias = "str | Path | Iterable[Mapping[str, Any]]"


@dataclass(frozen=True)
class Encoded:
    """Token ids, and the labels of those that count."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def counted(self) -> int:
        """How many labels are predicted: nothing comes before the first token that could tell it."""
        return sum(label != UNLEARNED for label in self.labels[1:])


@dataclass(frozen=True)
class Sample:
    """A sample that is to be measured."""

    split: Split
    id: str
    domain: str | None
    file: str
    line: int
    #: With the labels that gradients are of.
    learned: Encoded
    #: With the labels that losses are measured over.
    measured: Encoded
    #: The same without its prompt; ``None`` where it has none.
    bare: Encoded | None
    #: Why it is not measured; ``None`` if it is.
    fault: str | None


@dataclass(frozen=True)
class Model:
    """What has to be known of a model to encode samples for it."""

    vocabulary: int
    longest: int | None


@dataclass(frozen=True)
class Samples:
    """All samples of a capture."""

    #: Training samples, then anchors: the rows of the ledger.
    scored: list[Sample]
    #: By domain, in the order in which they were named.
    validation: dict[str, list[Sample]]
    notes: list[str]

    @property
    def all(self) -> list[Sample]:
        """In the order of ``samples.jsonl``."""
        return [*self.scored, *(sample for samples in self.validation.values() for sample in samples)]


@dataclass(frozen=True)
class Reading:
    """How samples are read."""

    tokenizer: Any
    model: Model
    template: str | None = None
    loss: Span = "answer"
    score_loss: Span | None = None
    max_length: int | None = None

    def samples(
        self,
        train: Source,
        anchor: Source | None,
        validation: Mapping[str, Source],
        domain: str | None,
    ) -> Samples:
        """Reads all files.

        :param domain: The client's own, of samples that name none.
        :raises CluesError: with file and line.
        """
        if self.max_length is not None and self.model.longest is not None and self.max_length > self.model.longest:
            raise CluesError(
                f"the longest length is {self.max_length}, and the model takes {self.model.longest} tokens at the most"
            )
        notes: list[str] = []
        trained = self._read(train, "train", domain, notes)
        anchors = self._read(anchor, "anchor", domain, notes) if anchor is not None else []
        validated = {name: self._read(source, "validation", name, notes) for name, source in validation.items()}
        _check_ids(anchors)
        _check_ids([sample for samples in validated.values() for sample in samples])
        if all(sample.fault for sample in trained):
            first = trained[0]
            raise CluesError(
                f"holds no sample that can be measured: {first.fault}", kind="badData", file=first.file,
                line=first.line, column=1,
            )  # fmt: skip
        for sample in (sample for samples in validated.values() for sample in samples):
            if sample.fault is not None:
                raise CluesError(
                    f"has a validation sample that cannot be measured: {sample.fault}", kind="badData",
                    advice="leave it out: all others are compared with the mean of these", file=sample.file,
                    line=sample.line, column=1,
                )  # fmt: skip
        return Samples([*trained, *anchors], validated, notes)

    def _read(self, source: Source, split: Split, domain: str | None, notes: list[str]) -> list[Sample]:
        dataset = read(source, split if split != "validation" else f"{split} {domain}")
        template = choose(self.template, dataset, self.tokenizer)
        notes += dataset.notes
        found = []
        cut = cut_answers = 0
        for record in dataset.records:
            try:
                ids, parts = self._encode(record, template)
                is_cut = self.max_length is not None and len(ids) > self.max_length
                if is_cut:
                    cut += 1
                    cut_answers += "answer" in parts[self.max_length :]
                    ids, parts = ids[: self.max_length], parts[: self.max_length]
                found.append(self._sample(record, ids, parts, is_cut, split, domain, dataset))
            except CluesError as error:
                error.file, error.line, error.column = dataset.name, record.line, 1
                raise
        if cut:
            notes.append(
                f"{dataset.name}: {cut} of {len(found)} samples are cut off at {self.max_length} tokens, "
                f"of {cut_answers} a part of the answer"
            )
        faults = [sample for sample in found if sample.fault is not None]
        if faults and split != "validation":
            notes.append(
                f"{dataset.name}: {len(faults)} of {len(found)} samples stay unscored, the first in line "
                f"{faults[0].line}: {faults[0].fault}"
            )
        return found

    def _sample(
        self, record: Record, ids: list[int], parts: list[Part], is_cut: bool, split: Split, domain: str | None,
        dataset: Dataset,
    ) -> Sample:  # fmt: skip
        if (stranger := next((i for i in ids if not 0 <= i < self.model.vocabulary), None)) is not None:
            raise CluesError(
                f"has the token id {stranger}, and the model has {self.model.vocabulary}", kind="badData",
                advice="take the tokenizer and the base model from one folder",
            )  # fmt: skip
        measured_span = self.score_loss or self.loss
        learned, measured = _labelled(ids, parts, self.loss), _labelled(ids, parts, measured_span)
        fault = None
        if self.model.longest is not None and len(ids) > self.model.longest:
            fault = f"it has {len(ids)} tokens, and the model takes {self.model.longest} at the most"
        elif not (learned.counted and measured.counted):
            fault = f"its answer is after the {len(ids)} tokens that are read" if is_cut else "it has no answer"
        name = f"{domain}-{record.id}" if split == "validation" and not dataset.has_ids else record.id
        _check_name(name, "id")
        own = domain if split == "validation" else record.domain or domain
        if own is not None:
            _check_name(own, "domain")
        return Sample(
            split, name, own, dataset.name, record.line, learned, measured,
            self._bare(ids, parts, measured_span), fault,
        )  # fmt: skip

    def _bare(self, ids: list[int], parts: list[Part], span: Span) -> Encoded | None:
        if "prompt" not in parts:
            return None
        kept = [(i, part) for i, part in zip(ids, parts, strict=True) if part != "prompt"]
        # Something has to stand before the answer's first token to tell it.
        begin = getattr(self.tokenizer, "bos_token_id", None)
        if kept and kept[0][1] == "answer" and begin is not None:
            kept.insert(0, (begin, "frame"))
        return _labelled([i for i, _ in kept], [part for _, part in kept], span)

    def _encode(self, record: Record, template: str | None) -> tuple[list[int], list[Part]]:
        if record.tokens is not None:
            begin = getattr(self.tokenizer, "bos_token_id", None)
            ids, learned = record.tokens
            first: Part = "frame" if ids and begin is not None and ids[0] == begin else "prompt"
            parts: list[Part] = ["answer" if is_learned else "prompt" for is_learned in learned]
            if parts and not learned[0]:
                parts[0] = first
            return ids, parts
        if self.tokenizer is None or template is None:
            raise CluesError(
                "is text, and there is no tokenizer", kind="missingInput",
                advice="name one, or write {input_ids, labels}",
            )  # fmt: skip
        return _Writing(segments(record, template, self.tokenizer), template, self.tokenizer).tokens()


def _labelled(ids: Sequence[int], parts: Sequence[Part], span: Span) -> Encoded:
    # The first token never counts.
    counts = (place > 0 and (span == "all" or part == "answer") for place, part in enumerate(parts))
    return Encoded(tuple(ids), tuple(i if count else UNLEARNED for i, count in zip(ids, counts, strict=True)))


def _check_ids(samples: Sequence[Sample]) -> None:
    places: dict[str, Sample] = {}
    for sample in samples:
        first = places.setdefault(sample.id, sample)
        if first is not sample:
            raise CluesError(
                f"has the id '{sample.id}' of the {sample.split} sample in {first.file}:{first.line}", kind="badData",
                advice="give every sample of a split an id of its own", file=sample.file, line=sample.line, column=1,
            )  # fmt: skip


def _check_name(name: str, what: str) -> None:
    if not name or not name.isprintable():
        raise CluesError(f"has {name!r} as {what}, which is empty or holds a control character", kind="badData")


class _Writing:
    """Segments as one text, and where its pieces lie in it."""

    def __init__(self, pieces: Sequence[Segment], template: str, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._is_own = template == OWN
        self._start: list[tuple[int, Part]] = []
        self._text = ""
        # Where a piece ends, its part, and the token that it is if it is a special one.
        self._pieces: list[tuple[int, Part, int | None]] = []
        for piece in pieces:
            if piece.kind == "text":
                self._add(piece.text, piece.part, None)
                continue
            if piece.kind == "begin" and template not in CHAT:
                # Templates of conversations write it out; here it is the tokenizer that decides, and it stands outside.
                if (begin := _begins_with(tokenizer)) is not None:
                    self._start.append((begin, piece.part))
                continue
            identifier = self._special(piece, template)
            self._add(tokenizer.convert_ids_to_tokens(identifier), piece.part, identifier)

    def _special(self, piece: Segment, template: str) -> int:
        if piece.kind == "special":
            identifier = self._tokenizer.get_vocab().get(piece.text)
            what = f"token '{piece.text}'"
        else:
            identifier = getattr(self._tokenizer, "bos_token_id" if piece.kind == "begin" else "eos_token_id", None)
            what = f"token for the {piece.kind} of a text"
        if identifier is None:
            raise CluesError(
                f"is written in the template '{template}', and the tokenizer has no {what}", kind="badData",
                advice="name the template that fits the model",
            )  # fmt: skip
        return int(identifier)

    def _add(self, words: str, part: Part, identifier: int | None) -> None:
        self._text += words
        self._pieces.append((len(self._text), part, identifier))

    def tokens(self) -> tuple[list[int], list[Part]]:
        """The whole text tokenised at once; apart at its special tokens where a user's own words spell one."""
        found = [*self._start, *(self._whole() if self._is_own or self._is_clean() else self._apart())]
        return [i for i, _ in found], [part for _, part in found]

    def _is_clean(self) -> bool:
        """Whether nothing is special that is not the template's."""
        specials = [str(token) for token in self._tokenizer.all_special_tokens]
        specials += list(getattr(self._tokenizer, "get_added_vocab", dict)())
        start = 0
        for end, _, identifier in self._pieces:
            if identifier is None and any(special in self._text[start:end] for special in specials):
                return False
            start = end
        return True

    def _whole(self) -> list[tuple[int, Part]]:
        encoding = self._encoded(self._text)
        return [(i, self._part(begin, end)) for i, (begin, end) in encoding]

    def _apart(self) -> list[tuple[int, Part]]:
        found: list[tuple[int, Part]] = []
        start = place = 0

        def take(end: int) -> None:
            for i, (first, last) in self._encoded(self._text[start:end], is_text=True):
                found.append((i, self._part(first + start, last + start)))

        for end, part, identifier in self._pieces:
            if identifier is not None:
                take(place)
                found.append((identifier, part))
                start = end
            place = end
        take(place)
        return found

    def _encoded(self, text: str, is_text: bool = False) -> list[tuple[int, tuple[int, int]]]:
        if not text:
            return []
        if not getattr(self._tokenizer, "is_fast", False):
            raise CluesError(
                "is text, and the tokenizer cannot tell which characters a token is of", kind="badData",
                advice="use the fast tokenizer (tokenizer.json), or write {input_ids, labels}",
            )  # fmt: skip
        more = {"split_special_tokens": True} if is_text else {}
        encoding = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, **more)
        return list(zip(encoding["input_ids"], encoding["offset_mapping"], strict=True))

    def _part(self, begin: int, end: int) -> Part:
        """The part of the last piece that a token reaches into."""
        last = max(begin, end - 1)
        return next((part for stop, part, _ in self._pieces if last < stop), self._pieces[-1][1])


def _begins_with(tokenizer: Any) -> int | None:
    """The token that the tokenizer puts before a text of itself."""
    begin = getattr(tokenizer, "bos_token_id", None)
    ids = tokenizer("a", add_special_tokens=True)["input_ids"]
    return int(begin) if begin is not None and ids[:1] == [begin] else None
