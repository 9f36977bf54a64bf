"""The rule check: keys are found where they count, broken promises are found, the page follows the tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_rules import PAGE, RuleBook, main
from tools.rule_keys import KeyPattern, python_docstrings, python_markers, solidity_natspec

PATTERN = KeyPattern.of(["SES-1", "SES-2", "POD-1", "POD-2", "POD-3"])

TABLE = """
[section]
"3" = "Registration"
[rule.POD-1]
section = "3"
claimed = true
summary = "Registered once"
[rule.POD-2]
section = "3"
claimed = false
summary = "Static light"
"""
CODE = '"""Room."""\n\ndef register():\n    """Refuses a second registration (POD-1)."""\n'
TEST = 'import pytest\n\n@pytest.mark.rule("POD-1")\ndef test_once():\n    pass\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project in which everything that is claimed is kept."""
    write(tmp_path / "docs" / "rules.toml", TABLE)
    write(tmp_path / "registry" / "domain" / "pods.py", CODE)
    write(tmp_path / "tests" / "unit" / "test_pods.py", TEST)
    assert main([], tmp_path) == 0
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("(SES-2)", ["SES-2"]),
        ("POD-1..3 and SES-1", ["POD-1", "POD-2", "POD-3", "SES-1"]),
        ("SHA-256, UTF-8, RFC-9162", []),
        ("SES-2 again SES-2", ["SES-2"]),
        ("XPOD-1", []),
        ("SES-9", ["SES-9"]),
    ],
)
def test_keys_are_recognised_by_prefix(text: str, keys: list[str]) -> None:
    assert PATTERN.keys_in(text) == keys


def test_docstrings_count_and_strings_or_comments_do_not() -> None:
    source = (
        '"""SES-1."""\n# POD-1\nclass A:\n    def f(self):\n        """POD-2."""\n        return "POD-3"\n'
    )
    found = [(each.key, each.symbol) for each in python_docstrings(source, "a.py", PATTERN)]
    assert found == [("SES-1", ""), ("POD-2", "A.f")]


def test_markers_count_on_tests_classes_and_modules() -> None:
    source = (
        "import pytest\n"
        'pytestmark = [pytest.mark.rule("SES-1")]\n'
        '@pytest.mark.rule("POD-1", "POD-2")\ndef test_a():\n    pass\n'
        '@pytest.mark.rule("POD-3")\nclass TestB:\n    def test_c(self):\n        "SES-2"\n'
        '@pytest.mark.rule("POD_3")\ndef test_d():\n    pass\n'
    )
    found = [(each.key, each.symbol) for each in python_markers(source, "test_a.py", PATTERN)]
    assert found == [
        ("SES-1", ""),
        ("POD-1", "test_a"),
        ("POD-2", "test_a"),
        ("POD-3", "TestB"),
        ("POD_3", "test_d"),
    ]


def test_natspec_is_named_by_its_declaration() -> None:
    source = (
        "// SES-1\n"
        "/// @title Pods (POD-1)\ncontract Pods {\n"
        "    /** @dev POD-2: static light */\n    error LightMissing(uint32 pod);\n"
        "    /// @notice moves\n    /// @dev SES-2\n    function move(uint32 pod) external {}\n}\n"
    )
    found = [(each.key, each.symbol) for each in solidity_natspec(source, "Pods.sol", PATTERN)]
    assert found == [("POD-1", "Pods"), ("POD-2", "LightMissing"), ("SES-2", "move")]


def test_a_tree_that_keeps_its_promises_passes(tree: Path) -> None:
    assert main(["--check"], tree) == 0
    page = (tree / PAGE).read_text(encoding="utf-8")
    places = "`registry/domain/pods.py`: register | `tests/unit/test_pods.py`: test_once"
    assert f"| `POD-1` | Registered once | {places} |" in page
    assert "| `POD-2` | Static light (not claimed yet) | — | — |" in page


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("registry/domain/pods.py", '"""Room."""\n', "POD-1: claimed, but no docstring"),
        ("tests/unit/test_pods.py", "def test_once():\n    pass\n", "POD-1: claimed, but no test"),
        (
            "registry/log/intake.py",
            '"""POD-7."""\n',
            "POD-7: the specification has no such rule (registry/log/intake.py)",
        ),
        ("tests/unit/test_x.py", TEST.replace("POD-1", "PDO-1"), "PDO-1: the specification has no such rule"),
        (
            "contracts/src/Pods.sol",
            "/// POD-8\ncontract Pods {}\n",
            "POD-8: the specification has no such rule",
        ),
        ("api/app.py", '"""POD-2."""\n', "docs/rules.md is stale"),
    ],
)
def test_each_broken_promise_fails_the_check(
    tree: Path, capsys: pytest.CaptureFixture[str], path: str, text: str, complaint: str
) -> None:
    write(tree / path, text)
    assert main(["--check"], tree) == 1
    assert complaint in capsys.readouterr().err


def test_the_check_writes_nothing(tree: Path) -> None:
    write(tree / "api" / "app.py", '"""POD-2."""\n')
    before = (tree / PAGE).read_bytes()
    main(["--check"], tree)
    assert (tree / PAGE).read_bytes() == before


def test_a_rule_with_wrong_fields_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[section]\n"3" = "x"\n[rule.POD-1]\nsection = "3"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"rule POD-1 has fields \['section'\]"):
        RuleBook.read(path)


def test_a_rule_of_an_unknown_section_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(TABLE.replace('section = "3"', 'section = "4"', 1), encoding="utf-8")
    with pytest.raises(ValueError, match="rule POD-1 names section '4'"):
        RuleBook.read(path)
