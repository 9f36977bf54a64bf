"""tools/solc answers as the native compiler does, so that forge and py-solc-x can use it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import not_run

ROOT = Path(__file__).resolve().parents[3]
SOURCE = (
    "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.20; contract A { uint256 public n = 7; }"
)
REQUEST = {
    "language": "Solidity",
    "sources": {"A.sol": {"content": SOURCE}},
    "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
}


@pytest.fixture(scope="module")
def installed() -> None:
    """The compiler package is there."""
    if shutil.which("node") is None:
        not_run("no node")
    folders = [
        ROOT / "node_modules",
        *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))),
    ]
    if not any((folder / "solc").is_dir() for folder in folders):
        not_run("no solc in node_modules (npm ci)")


def solc(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "tools" / "solc", *words], input=text, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("installed")
def test_version_has_the_native_form_and_is_the_locked_one() -> None:
    answer = solc("--version")
    assert answer.returncode == 0
    match = re.fullmatch(
        r"solc, the solidity .*\nVersion: (\d+\.\d+\.\d+)\+commit\.[0-9a-f]{8}\S*\n", answer.stdout
    )
    assert match
    assert (
        match[1] == json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["solc"]
    )


@pytest.mark.usefixtures("installed")
def test_standard_json_from_input_and_from_a_file_agree(tmp_path: Path) -> None:
    file = tmp_path / "input.json"
    file.write_text(json.dumps(REQUEST), encoding="utf-8")
    piped = solc("--standard-json", "--allow-paths", "/", "--base-path=/", text=json.dumps(REQUEST))
    assert json.loads(piped.stdout)["contracts"]["A.sol"]["A"]["evm"]["bytecode"]["object"]
    assert solc("--standard-json", str(file)).stdout == piped.stdout


@pytest.fixture
def importing(tmp_path: Path) -> str:
    """Input whose source imports ./base/B.sol and lib/C.sol, which are on disk in two folders."""
    for file, name in (("work/base/B.sol", "B"), ("packages/lib/C.sol", "C")):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(SOURCE.replace("contract A", f"contract {name}"), encoding="utf-8")
    text = (
        'pragma solidity ^0.8.20; import "./base/B.sol"; import "lib/C.sol"; contract A is B { C public c; }'
    )
    return json.dumps({**REQUEST, "sources": {"A.sol": {"content": text}}})


def complaints(answer: subprocess.CompletedProcess[str]) -> list[str]:
    return [
        each["message"] for each in json.loads(answer.stdout).get("errors", []) if each["severity"] == "error"
    ]


@pytest.mark.usefixtures("installed")
def test_sources_are_read_below_the_base_and_include_paths(tmp_path: Path, importing: str) -> None:
    paths = ("--base-path", str(tmp_path / "work"), f"--include-path={tmp_path / 'packages'}")
    assert complaints(solc("--standard-json", *paths, text=importing)) == []
    missing = complaints(solc("--standard-json", *paths[:2], text=importing))
    assert len(missing) == 1
    assert "File not found: lib/C.sol" in missing[0]


@pytest.mark.usefixtures("installed")
def test_sources_outside_of_the_allowed_folders_are_refused(tmp_path: Path, importing: str) -> None:
    (tmp_path / "work" / "lib").symlink_to(tmp_path / "packages" / "lib")
    base = ("--standard-json", "--base-path", str(tmp_path / "work"))
    refused = complaints(solc(*base, text=importing))
    assert len(refused) == 1
    assert "File outside of allowed directories" in refused[0]
    assert complaints(solc(*base, "--allow-paths", f"/nowhere,{tmp_path / 'packages'}", text=importing)) == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "words", [(), ("--bin",), ("--version", "--standard-json"), ("--standard-json", "/no/such/file")]
)
def test_anything_else_is_one_line_and_a_failure(words: tuple[str, ...]) -> None:
    answer = solc(*words)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert re.fullmatch(r"solc wrapper: .+\n", answer.stderr)
