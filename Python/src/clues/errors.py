"""What goes wrong, in one class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

#: The kinds of problem, by the exit code of the executable.
KINDS: Mapping[int, str] = {
    64: "usage",
    65: "badData",
    66: "missingInput",
    69: "pluginNotFound",
    70: "pluginFailed",
    71: "noResources",
    73: "cannotWrite",
    77: "untrustedPlugin",
    78: "badRecipe",
    130: "interrupted",
}
_EXIT_CODES = {kind: code for code, kind in KINDS.items()}


class CluesWarning(UserWarning):
    """What the user should know although the work was done."""


class CluesError(Exception):
    """Why Clues refuses to go on: what is wrong, where, and what to do about it.

    ``kind`` is one of the values of :data:`KINDS`, or ``"crashed"`` where the executable ended in no orderly way.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "usage",
        exit_code: int | None = None,
        advice: str | None = None,
        client: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        tensor: str | None = None,
        others: Sequence[CluesError] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.exit_code = exit_code if exit_code is not None else _EXIT_CODES.get(kind, 1)
        self.advice = advice
        self.client = client
        self.file = file
        self.line = line
        self.column = column
        self.tensor = tensor
        #: What is wrong besides, where several things were told at once.
        self.others = tuple(others)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        subjects = [(name, value) for name, value in (("client", self.client), ("tensor", self.tensor)) if value]
        subject = ", ".join(f"{name} '{value}'" for name, value in subjects)
        words = ": ".join(part for part in (place, subject, self.message) if part)
        return "\n".join([words, *([f"  help: {self.advice}"] if self.advice else []), *map(str, self.others)])

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments are no part of `args`, by which exceptions travel between processes.
        return (_rebuilt, (self.message, {name: getattr(self, name) for name in _FIELDS}))


_FIELDS = ("kind", "exit_code", "advice", "client", "file", "line", "column", "tensor", "others")


def _rebuilt(message: str, fields: dict[str, object]) -> CluesError:
    return CluesError(message, **fields)  # type: ignore[arg-type]


def from_event(event: Mapping[str, object]) -> CluesError:
    """The error that a line of ``--progress json`` tells."""

    def text(key: str) -> str | None:
        value = event.get(key)
        return value if isinstance(value, str) else None

    def number(key: str) -> int | None:
        value = event.get(key)
        return value if isinstance(value, int) else None

    return CluesError(
        text("message") or "no reason was given",
        kind=text("kind") or "crashed",
        exit_code=number("exit_code"),
        advice=text("advice"),
        client=text("client"),
        file=text("file"),
        line=number("line"),
        column=number("column"),
        tensor=text("tensor"),
    )


_ERROR = re.compile(r"(?:(?P<place>.+?): )?error: (?P<words>.*)", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:client '(?P<client>[^']*)')?(?:, )?(?:tensor '(?P<tensor>[^']*)')?: (?P<words>.*)")
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)")
_HELP = "  help: "


def from_text(lines: Sequence[str], exit_code: int) -> CluesError:
    """The error that plain messages tell, of commands that write no others."""
    kind = KINDS.get(exit_code, "crashed")
    found: list[CluesError] = []
    for line in lines:
        if (match := _ERROR.fullmatch(line)) is not None:
            found.append(_from_line(match, kind, exit_code))
        elif line.startswith(_HELP) and found:
            found[-1].advice = line.removeprefix(_HELP)
    if not found:
        words = " ".join(line.strip() for line in lines if line.strip()) or f"ended with the exit code {exit_code}"
        return CluesError(words, kind=kind, exit_code=exit_code)
    return joined(found)


def _from_line(match: re.Match[str], kind: str, exit_code: int) -> CluesError:
    error = CluesError(match["words"], kind=kind, exit_code=exit_code)
    if (place := match["place"]) is not None:
        where = _PLACE.fullmatch(place)
        error.file = where["file"] if where else place
        error.line, error.column = (int(where["line"]), int(where["column"])) if where else (None, None)
    if match["words"].startswith(("client '", "tensor '")) and (subject := _SUBJECT.fullmatch(match["words"])):
        error.client, error.tensor, error.message = subject["client"], subject["tensor"], subject["words"]
    return error


def joined(errors: Sequence[CluesError]) -> CluesError:
    """The first error, with the others in it."""
    first = errors[0]
    first.others = tuple(errors[1:])
    return first
