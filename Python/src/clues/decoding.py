"""JSON documents as dataclasses, and the dataclasses as JSON Schemas.

A document is described once, as a dataclass whose fields say in their annotations what they are. Members that a
dataclass does not have are passed over, since newer executables may write more.
"""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import CluesError

T = TypeVar("T")

#: Marks a number that JSON may not have: ``inf``, ``-inf`` and ``nan`` are written as texts.
WIDE = "a number; beyond what JSON has, one of the texts inf, -inf and nan"

_WIDE_TEXTS = ("inf", "-inf", "nan")


@cache
def _fields(cls: type) -> tuple[tuple[dataclasses.Field[Any], Any], ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple((field, hints[field.name]) for field in dataclasses.fields(cls))


def key_of(field: dataclasses.Field[Any]) -> str:
    """The member of the JSON object: Python's own words have an underscore behind them."""
    return field.name.removesuffix("_")


def decode(cls: type[T], value: Any, name: str) -> T:
    """The object as a dataclass.

    :param name: What the document is called in errors.
    :raises CluesError: ``badData`` where a member is missing or of another type.
    """
    if not isinstance(value, dict):
        raise _fault(name, f"is {_kind(value)} instead of an object")
    members: dict[str, Any] = {}
    for field, hint in _fields(cls):  # type: ignore[arg-type]
        key = key_of(field)
        if key in value:
            members[field.name] = _value(hint, value[key], f"{name}.{key}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise _fault(name, f"lacks '{key}'")
    return cls(**members)


def _value(hint: Any, value: Any, name: str) -> Any:
    wide = False
    while get_origin(hint) is Annotated:
        wide = wide or WIDE in hint.__metadata__
        hint = get_args(hint)[0]
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        options = [argument for argument in arguments if argument is not type(None)]
        return _value(options[0], value, name) if len(options) == 1 else _first(options, value, name)
    if origin is list and isinstance(value, list):
        return [_value(arguments[0], item, f"{name}[{place}]") for place, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {key: _value(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin is Literal and value in arguments:
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value, name)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is float and wide and value in _WIDE_TEXTS:
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    due = getattr(hint, "__name__", str(hint))
    raise _fault(name, f"is {_kind(value)} instead of {due}")


def _first(options: list[Any], value: Any, name: str) -> Any:
    for option in options:
        try:
            return _value(option, value, name)
        except CluesError:
            continue
    raise _fault(name, f"is {_kind(value)}, which is none of what it may be")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _fault(name: str, words: str) -> CluesError:
    return CluesError(
        f"{name} {words}", kind="badData", advice="use the executable that belongs to this version of clues-merge"
    )


def json_schema(*classes: type, title: str, description: str) -> dict[str, Any]:
    """The JSON Schema of a document that is one of these dataclasses."""
    definitions: dict[str, Any] = {}
    for cls in classes:
        _define(cls, definitions)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, "description": description}
    if len(classes) > 1:
        body: dict[str, Any] = {"oneOf": [{"$ref": f"#/$defs/{cls.__name__}"} for cls in classes]}
    else:
        body = definitions.pop(classes[0].__name__)
        body.pop("description", None)
    return {**head, **body, **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def _define(cls: type, definitions: dict[str, Any]) -> None:
    if cls.__name__ in definitions:
        return
    definitions[cls.__name__] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    if (schema := getattr(cls, "SCHEMA", None)) is not None:
        properties["schema"] = {"const": schema}
        required.append("schema")
    for field, hint in _fields(cls):
        if get_origin(hint) is ClassVar:
            continue
        properties[key_of(field)] = _schema(hint, definitions)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(key_of(field))
    about = " ".join((cls.__doc__ or "").split())
    definitions[cls.__name__] = {
        "type": "object", "description": about, "properties": properties, "required": required,
    }  # fmt: skip


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        if WIDE in notes:
            wide = {"anyOf": [{"type": "number"}, {"enum": list(_WIDE_TEXTS)}]}
            inner_schema = wide if inner is float else {"anyOf": [*wide["anyOf"], {"type": "null"}]}
        else:
            inner_schema = _schema(inner, definitions)
        words = [note for note in notes if isinstance(note, str) and note is not WIDE]
        return {**inner_schema, **({"description": words[0]} if words else {})}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        options = [
            {"type": "null"} if argument is type(None) else _schema(argument, definitions) for argument in arguments
        ]
        simple = [option["type"] for option in options if set(option) == {"type"}]
        return {"type": simple} if len(simple) == len(options) else {"anyOf": options}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        _define(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    names = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return {"type": names[hint]} if hint in names else {}
