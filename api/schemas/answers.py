"""Answer models, derived from the views of the register, so that no field exists twice.

Bytes travel as lower-case hexadecimal, enums as their lower-case names, instants in ISO 8601 UTC. `recorded` names the transaction,
block, time and actor that made a fact so.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, WithJsonSchema, create_model

Hex = Annotated[
    bytes,
    PlainValidator(lambda value: value),
    PlainSerializer(lambda value: value.hex(), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([0-9a-f]{2})*$"}),
]
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ask again with `after=next` until `next` is null."""

    items: list[Item]
    next: str | None


class Written(BaseModel):
    """A write that the ledger took."""

    transaction: str
    block: int
    time: datetime
    events: list[str]


@lru_cache(maxsize=None)
def answer_model(view: type) -> type[BaseModel]:
    """The pydantic model of a view (or of any dataclass in it)."""
    hints = get_type_hints(view)
    fields: dict[str, Any] = {field.name: (_wire_type(hints[field.name]), ...) for field in dataclasses.fields(view)}
    name = view.__name__.removesuffix("View")
    return create_model(name, __doc__=view.__doc__, __config__=ConfigDict(from_attributes=True), **fields)


def answer(view: object) -> BaseModel:
    """A view as its answer."""
    return answer_model(type(view)).model_validate(view, from_attributes=True)


def _wire_type(hint: Any) -> Any:
    origin = get_origin(hint)
    if hint is bytes:
        return Hex
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _name_of(hint)
    if dataclasses.is_dataclass(hint):
        return answer_model(hint)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return Union[tuple(_wire_type(option) for option in get_args(hint))]  # noqa: UP007 - built at run time
    if origin is tuple:
        return list[_wire_type(get_args(hint)[0])]  # type: ignore[misc]
    if origin is Mapping:
        key, value = get_args(hint)
        return dict[_wire_type(key), _wire_type(value)]  # type: ignore[misc]
    return hint


def _name_of(kind: type[Enum]) -> Any:
    names = [member.name.lower() for member in kind]
    return Annotated[
        kind,
        PlainValidator(lambda value: value),
        PlainSerializer(lambda value: value.name.lower(), return_type=str),
        WithJsonSchema({"type": "string", "enum": names}),
    ]
