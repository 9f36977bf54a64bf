"""Errors of the domain.

RuleViolation         a rule of the specification was broken; carries the rule's key and both compared values
└── InputInvalid      the input is malformed, before any rule about its content can be asked
"""

from __future__ import annotations

from typing import Any


class RuleViolation(Exception):
    """A rule refuses something.

    Attributes:
        rule: key of the rule, such as ``SES-2``.
        field: name of the field at fault.
        found: the value that was found.
        allowed: what is allowed instead, a value or a sentence.
        hint: what to do about it, may be empty.
    """

    def __init__(self, *, rule: str, field: str, found: object, allowed: object, hint: str = "") -> None:
        self.rule = rule
        self.field = field
        self.found = found
        self.allowed = allowed
        self.hint = hint
        super().__init__(self._text())

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is pickled by its positional arguments, and it has none: worker processes send these.
        return _restored, (type(self), self.args, self.__dict__)

    def _text(self) -> str:
        text = f"{self.rule}: {self.field}: found {_show(self.found)}, allowed {_show(self.allowed)}"
        return f"{text}; {self.hint}" if self.hint else text

    def as_dict(self) -> dict[str, str]:
        """The violation as text fields, for problem documents, reports and logs."""
        fields = {
            "rule": self.rule,
            "field": self.field,
            "found": _show(self.found),
            "allowed": _show(self.allowed),
        }
        return {**fields, "hint": self.hint} if self.hint else fields


class InputInvalid(RuleViolation):
    """The input cannot be read as what it claims to be."""


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes | bytearray) else str(value)


def _restored(kind: type[RuleViolation], args: tuple[Any, ...], fields: dict[str, Any]) -> RuleViolation:
    violation = kind.__new__(kind, *args)
    violation.__dict__.update(fields)
    return violation
