"""The literal examples of docs/formats are the vectors: no page shows bytes that were never made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs" / "formats").glob("*.md"))
VECTORS = "".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "vectors").glob("*.json"))
)
CONSTANTS = {
    # the order of P-256, and the private keys of the examples
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "09392fa7fd212fa9d8d11b5a7cad7adbf26431ff4aa04b359b79145d095499a8",
    "f6850691efc845b6e56568927b12dd4bb79f25498972b5bbc9cb04b0bb789fed",
}


@pytest.mark.rule("MEA-1", "SET-1", "LOG-1", "PRIV-3")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "bundle.md"], ids=lambda page: page.name
)
def test_long_bytes_of_a_page_are_in_the_vectors(page: Path) -> None:
    runs = re.findall(r"\b[0-9a-f]{24,}\b", page.read_text(encoding="utf-8"))
    assert runs
    unknown = [run for run in runs if run not in VECTORS and run not in CONSTANTS]
    assert unknown == []


@pytest.mark.rule("MEA-1", "SET-1")
@pytest.mark.parametrize(
    ("page", "vector"),
    [
        ("statement.md", "the reading of statement.md"),
        ("statement.md", "the execution of statement.md"),
        ("setpoint.md", "the setpoint of setpoint.md"),
    ],
)
def test_the_annotated_message_is_the_whole_vector(page: str, vector: str) -> None:
    """Its hexadecimal digits, in the order of the page and without the remarks, are the whole message."""
    text = (ROOT / "docs" / "formats" / page).read_text(encoding="utf-8")
    good = json.loads((ROOT / "tests" / "vectors" / "statements.json").read_text(encoding="utf-8"))["good"]
    message = next(v["statement"] for v in good if v["name"] == vector)
    blocks = re.findall(r"```\n(d284?.*?)```", text, re.DOTALL) + re.findall(
        r"```\n(d2 84.*?)```", text, re.DOTALL
    )
    spelled = ["".join(re.sub(r"\s", "", _bytes_of(line)) for line in block.splitlines()) for block in blocks]
    assert message in spelled


def _bytes_of(line: str) -> str:
    """The hexadecimal part at the start of a line, up to the remark behind three spaces or more."""
    match = re.match(r"(\s*(?:[0-9a-f]{2})+(?: {1,2}(?:[0-9a-f]{2})+)*)(?:\s{3,}.*|\s*)$", line)
    return match[1] if match else ""


def test_links_between_the_pages_lead_somewhere() -> None:
    linked = {
        name for page in PAGES for name in re.findall(r"\]\((\w+\.md)\)", page.read_text(encoding="utf-8"))
    }
    assert linked and linked <= {page.name for page in PAGES}
