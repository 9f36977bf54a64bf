"""Finds rule keys (``SES-2``, ranges as ``POD-1..3``) in docstrings, test markers and Solidity NatSpec."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NATSPEC_BLOCK = re.compile(r"/\*\*(?P<text>.*?)\*/", re.DOTALL)
_NATSPEC_LINE = re.compile(r"(?:^[ \t]*///[^\n]*\n)+", re.MULTILINE)
_DECLARATION = re.compile(
    r"\s*(?:abstract\s+)?"
    r"(?P<kind>contract|interface|library|function|event|error|modifier|struct|enum|constructor)\b\s*(?P<name>\w*)"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """One key at one place; ``symbol`` is the documented name, empty for a whole file."""

    key: str
    file: str
    symbol: str

    @property
    def place(self) -> str:
        """File and symbol as people write them."""
        return f"{self.file}: {self.symbol}" if self.symbol else self.file


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """Recognises keys by the specification's prefixes: ``SHA-256`` is none, ``SES-9`` is a wrong one."""

    expression: re.Pattern[str]

    @classmethod
    def of(cls, keys: Iterable[str]) -> KeyPattern:
        """The pattern for the prefixes of ``keys``."""
        prefixes = "|".join(sorted({key.rsplit("-", 1)[0] for key in keys}))
        return cls(re.compile(rf"\b(?P<prefix>{prefixes})-(?P<first>\d+)(?:\.\.(?P<last>\d+))?\b"))

    def keys_in(self, text: str) -> list[str]:
        """Keys in order of appearance, each once; ``POD-1..3`` stands for POD-1, POD-2 and POD-3."""
        found: dict[str, None] = {}
        for match in self.expression.finditer(text):
            first = int(match["first"])
            last = int(match["last"] or first)
            for number in range(first, last + 1):
                found[f"{match['prefix']}-{number}"] = None
        return list(found)


def python_docstrings(source: str, file: str, pattern: KeyPattern) -> Iterator[Mention]:
    """Keys in the docstrings of a module, its classes and functions."""
    yield from _docstrings(ast.parse(source, file), "", file, pattern)


def _docstrings(node: ast.AST, name: str, file: str, pattern: KeyPattern) -> Iterator[Mention]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        for key in pattern.keys_in(ast.get_docstring(node) or ""):
            yield Mention(key, file, name)
        for child in node.body:
            child_name = getattr(child, "name", "")
            yield from _docstrings(child, f"{name}.{child_name}" if name else child_name, file, pattern)


def python_markers(source: str, file: str, pattern: KeyPattern) -> Iterator[Mention]:
    """Keys given to ``pytest.mark.rule`` on tests, on their classes or in a module's ``pytestmark``.

    A key outside the known prefixes is reported as it stands, so that a misspelt marker cannot hide.
    """
    tree = ast.parse(source, file)
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            ast.unparse(target) == "pytestmark" for target in node.targets
        ):
            for key in _marked_keys([node.value], pattern):
                yield Mention(key, file, "")
    for holder in ast.walk(tree):
        if isinstance(holder, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for key in _marked_keys(holder.decorator_list, pattern):
                yield Mention(key, file, holder.name)


def _marked_keys(expressions: Iterable[ast.expr], pattern: KeyPattern) -> Iterator[str]:
    for expression in expressions:
        for call in ast.walk(expression):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.rule"):
                for argument in call.args:
                    text = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                    yield from pattern.keys_in(str(text)) or [str(text)]


def solidity_natspec(source: str, file: str, pattern: KeyPattern) -> Iterator[Mention]:
    """Keys in NatSpec (``///`` and ``/** */``), named by the declaration that follows the comment."""
    comments = [*_NATSPEC_BLOCK.finditer(source), *_NATSPEC_LINE.finditer(source)]
    for comment in sorted(comments, key=lambda match: match.start()):
        declared = _DECLARATION.match(source, comment.end())
        symbol = (declared["name"] or declared["kind"]) if declared else ""
        for key in pattern.keys_in(comment.group()):
            yield Mention(key, file, symbol)
