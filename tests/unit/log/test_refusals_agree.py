"""Pages, vectors and code name the same refusals: none without a vector, no vector without a refusal
(MEA-1, MEA-2).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from registry.domain.errors import RuleViolation
from registry.evidence import acceptance, cbor, es256, payloads, statements
from registry.evidence.es256 import load_public_key
from registry.evidence.statements import parse, verify
from registry.log import judging, placing, setpoints
from registry.log.judging import Body
from tests.unit.log.refusal_house import VectorHouse

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "tests" / "vectors"
PAGES = {
    "statements.json": "statement.md",
    "keys.json": "statement.md",
    "refusals.json": "statement.md",
    "setpoints.json": "setpoint.md",
}
MODULES: tuple[ModuleType, ...] = (
    statements,
    cbor,
    es256,
    payloads,
    acceptance,
    judging,
    placing,
    setpoints,
)
Place = tuple[str, int, int]
"""File, and first and last line of an expression that makes a refusal."""


def load(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return vectors


def bad(name: str) -> list[dict[str, Any]]:
    vectors = load(name)
    if name == "refusals.json":
        return [*vectors["refused"], *vectors["sequences"]]
    found: list[dict[str, Any]] = vectors["bad"]
    return found


@pytest.mark.rule("MEA-1", "MEA-2", "SET-1")
@pytest.mark.parametrize("name", PAGES)
def test_the_page_lists_every_vector_with_its_rule_and_field(name: str) -> None:
    text = (ROOT / "docs" / "formats" / PAGES[name]).read_text(encoding="utf-8")
    section = re.search(rf"^### `{name}`.*?(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert section
    rows = re.findall(r"^\| `([A-Z]+-\d)` \| (\w+) \| .+? \| (`[^|]+`) \|$", section[0], re.MULTILINE)
    listed = [
        (rule, field, title) for rule, field, titles in rows for title in re.findall(r"`([^`]+)`", titles)
    ]
    vectors = [(each["rule"], each["field"], each["name"]) for each in bad(name)]
    assert sorted(listed) == sorted(vectors)
    assert len({title for _, _, title in vectors}) == len(vectors), "a name is given once"


def test_no_two_vectors_are_the_same() -> None:
    for name in ("statements.json", "setpoints.json"):
        data = [each["statement"] for each in bad(name)]
        assert len(set(data)) == len(data)


@pytest.mark.rule("MEA-1", "MEA-2", "SET-1", "DEV-1")
def test_every_refusal_in_the_code_is_made_by_a_vector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vectors are run, and each place in the code that makes a refusal is to be passed."""
    passed: set[tuple[str, int]] = set()
    made = RuleViolation.__init__

    def noted(self: RuleViolation, **fields: Any) -> None:
        frame = sys._getframe(1)
        while frame:
            passed.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back  # type: ignore[assignment]
        made(self, **fields)

    monkeypatch.setattr(RuleViolation, "__init__", noted)
    for vector in (*bad("statements.json"), *bad("setpoints.json")):
        with suppress(RuleViolation):
            verify(
                parse(bytes.fromhex(vector["statement"])),
                load_public_key(bytes.fromhex(vector["public_key"])),
            )
    for vector in bad("keys.json"):
        with suppress(RuleViolation):
            load_public_key(bytes.fromhex(vector["public_key"]))
    vectors = load("refusals.json")
    for number, vector in enumerate(vectors["refused"]):
        house = VectorHouse(tmp_path / str(number), vectors)
        with house.open() as node:
            house.prepare(node, vector["before"])
            house.take(node, vector)
    with VectorHouse(tmp_path / "sequences", vectors).open() as node:
        for vector in vectors["sequences"]:
            node.submit_sequence(Body(bytes.fromhex(vector["sequence"]), vector["items_max"]))
    places = [place for module in MODULES for place in refusals_of(module)]
    assert len(places) > 50
    silent = [
        f"{Path(file).name}:{first}"
        for file, first, last in places
        if not any((file, line) in passed for line in range(first, last + 1))
    ]
    assert not silent, silent


def refusals_of(module: ModuleType) -> list[Place]:
    """Every call in a module that makes a refusal: of an exception's class, or of a function that gives
    one.
    """
    assert module.__file__
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    return [
        (module.__file__, node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name_of(node.func) in MAKERS
    ]


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def makers() -> set[str]:
    """Names of what makes refusals: exception classes, and functions whose result is one for certain."""
    found = {"RuleViolation", "ConflictingStatement"}
    for module in MODULES:
        assert module.__file__
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and name_of(node.returns or node) in found:  # type: ignore[arg-type]
                found.add(node.name)
    return found


MAKERS = makers()
