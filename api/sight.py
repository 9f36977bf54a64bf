"""How it is written down who sees what: for each kind of object a table of roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from registry.domain.errors import RuleViolation
from registry.services.identity import Principal, Role

Row = TypeVar("Row")
Filters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View(Generic[Row]):
    """What one role sees of a kind of object.

    Attributes:
        sees: decides on one object.
        filters: narrow a list before it is read, so that little or nothing is loaded that `sees` would hide;
            ``None`` where the role sees single objects and no lists.
    """

    sees: Callable[[Principal, Row], bool]
    filters: Callable[[Principal], Filters] | None


@dataclass(frozen=True, slots=True)
class Sight(Generic[Row]):
    """Who sees which objects of a kind; a role that is not named sees none."""

    views: Mapping[Role, View[Row]]

    def filters(self, principal: Principal) -> Filters:
        """What narrows a list of these objects for a caller.

        Raises:
            RuleViolation: ACT-1, for a role that lists none; names the roles that may.
        """
        require_role(principal, *(role for role, view in self.views.items() if view.filters is not None))
        filters = self.views[principal.role].filters
        assert filters is not None  # such roles were refused
        return filters(principal)

    def of(self, principal: Principal) -> Callable[[Row], bool]:
        """Whether one object is there for a caller."""
        view = self.views.get(principal.role)
        return lambda row: view is not None and view.sees(principal, row)


def require_role(principal: Principal, *roles: Role) -> None:
    """Refuse a caller of another role.

    Raises:
        RuleViolation: ACT-1, naming the roles that may.
    """
    if principal.role not in roles:
        raise RuleViolation(
            rule="ACT-1",
            field="authorization",
            found=principal.role.value,
            allowed=" or ".join(role.value for role in roles),
            hint="use a token of such a party",
        )


def all_of_them() -> View[Any]:
    """Everything of the kind."""
    return View(lambda _, row: True, lambda _: {})


def own(column: str, owner: Callable[[Row], int]) -> View[Row]:
    """What is the caller's own: the list is narrowed by a column, an object has `owner`."""
    return View(lambda caller, row: owner(row) == caller.party, lambda caller: {column: caller.party})


def those_with(column: str, value: object) -> View[Any]:
    """What has one value in a column."""
    return View(lambda _, row: bool(getattr(row, column) == value), lambda _: {column: value})


def row_by_row(sees: Callable[[Principal, Row], bool], **filters: object) -> View[Row]:
    """What `sees` decides for every row of a list, however `filters` narrow it before."""
    return View(sees, lambda _: dict(filters))


def one_by_one(sees: Callable[[Principal, Row], bool]) -> View[Row]:
    """Single objects that were asked for, no lists."""
    return View(sees, None)
