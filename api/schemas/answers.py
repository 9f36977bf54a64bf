"""Answer models, derived from the views of the register, so that no field exists twice.

Bytes travel as lower-case hexadecimal, enums as their lower-case names, instants in ISO 8601 UTC, delivery
days as ISO dates, quarter-hours of a day as a list of their numbers. The ledger's packed cells stay out: the
same numbers stand beside them in clear. `recorded` names the transaction, block, time and actor that made a
fact so.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    create_model,
)

from registry.domain.calendar import MAX_QUARTERS, DeliveryDay
from registry.domain.quantities import HourCells
from registry.views import DeclarationView

Hex = Annotated[
    bytes,
    PlainValidator(lambda value: value),
    PlainSerializer(lambda value: value.hex(), return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([0-9a-f]{2})*$"}),
]
Date = Annotated[
    int,
    PlainSerializer(lambda number: DeliveryDay.from_number(number).date.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
Quarters = Annotated[
    int,
    PlainSerializer(lambda bits: [q for q in range(MAX_QUARTERS) if bits >> q & 1], return_type=list[int]),
    WithJsonSchema(
        {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MAX_QUARTERS - 1}}
    ),
]
_DAYS = frozenset({"day", "from_day", "until_day"})
_MODELS: dict[type, type[BaseModel]] = {}
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; ask again with `after=next` until `next` is null."""

    items: list[Item]
    next: str | None


class Written(BaseModel):
    """A write that the ledger took."""

    transaction: str = Field(description="hash of the ledger's transaction")
    block: int
    time: datetime
    events: list[str] = Field(description="what the ledger recorded, in order")


class Committed(Written):
    """A write of commitments: what stands on the ledger instead of the secrets."""

    commitments: list[str] = Field(description="32 bytes each, lower-case hexadecimal, in the order asked")


def answer_model(view: type) -> type[BaseModel]:
    """The pydantic model of a view, or of any dataclass in it."""
    if view not in _MODELS:
        hints = get_type_hints(view)
        fields: dict[str, Any] = {
            field.name: (_field_type(view, field.name, hints[field.name]), ...)
            for field in dataclasses.fields(view)
            if hints[field.name] is not HourCells
        }
        _MODELS[view] = create_model(
            view.__name__, __doc__=view.__doc__, __config__=ConfigDict(from_attributes=True), **fields
        )
    return _MODELS[view]


def answer(view: object) -> BaseModel:
    """A view as its answer."""
    return answer_model(type(view)).model_validate(view, from_attributes=True)


def _field_type(view: type, name: str, hint: Any) -> Any:
    if name in _DAYS:
        return Union[Date, None] if type(None) in get_args(hint) else Date  # noqa: UP007 - built at run time
    if view is DeclarationView and name == "quarters":
        return Quarters
    return _wire_type(hint)


def _wire_type(hint: Any) -> Any:
    origin = get_origin(hint)
    if hint is bytes:
        return Hex
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _name_of(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return answer_model(hint)
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
