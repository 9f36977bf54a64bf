"""Compiles contracts/src/*.sol into contracts/artifacts/<Name>.json, the same bytes on every machine.

1. Collect every source that the contracts import, OpenZeppelin's from the npm packages.
2. Compile them in one run of tools/solc (standard JSON); a warning is as bad as an error.
3. Per contract: ABI, creation and runtime bytecode, errors by selector. The NatSpec of an error starts with
   the key of the rule that it reports (`@dev SES-2: ...`); errors of libraries have their key here.
4. Write the artifacts, or with ``--check`` compare them byte by byte with those in the repository.

The npm packages are looked up in node_modules of the repository, or in the folder that the environment
variable FLEXLEDGER_NODE_MODULES names.

Usage: python -m contracts.compile [--check]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

CONTRACTS = Path(__file__).resolve().parent
ROOT = CONTRACTS.parent
ARTIFACTS = CONTRACTS / "artifacts"
COMPILER = ROOT / "tools" / "solc"
MAX_RUNTIME_BYTES = 24_576  # EIP-170

SETTINGS: dict[str, Any] = {
    "evmVersion": "cancun",
    "metadata": {"bytecodeHash": "none"},  # else comments and paths would change the bytecode
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": False,
}
# 6335: `leave` will be a keyword of a later language version; it is part of the interface.
TOLERATED_WARNINGS = {"6335"}
OUTPUTS = ["abi", "devdoc", "evm.bytecode.object", "evm.deployedBytecode.object"]

LIBRARY_RULES = {
    "AccessControlBadConfirmation()": "ACT-1",
    "AccessControlUnauthorizedAccount(address,bytes32)": "ACT-1",
    "EnforcedPause()": "ACT-1",
    "ExpectedPause()": "ACT-1",
}

_IMPORT = re.compile(r"^\s*import\s[^;]*?\"(?P<path>[^\"]+)\"\s*;", re.MULTILINE)
_RULE = re.compile(r"(?P<rule>[A-Z]{3,4}-\d+): (?P<text>.+)", re.DOTALL)


class CompilationFailed(Exception):
    """The contracts do not compile cleanly, or break a rule of this script; one problem per line."""


def node_modules() -> Path:
    """The folder of the npm packages; raises CompilationFailed if they are not installed."""
    folder = Path(os.environ.get("FLEXLEDGER_NODE_MODULES", ROOT / "node_modules"))
    if not (folder / "solc").is_dir():
        wanted = folder / "solc"
        raise CompilationFailed(f"npm packages: found no {wanted}; install them with `make contracts`")
    return folder


def collect_sources(packages: Path) -> dict[str, str]:
    """Text of src/*.sol and of everything they import, by the name under which sources import each other."""
    pending = [f"src/{path.name}" for path in sorted((CONTRACTS / "src").glob("*.sol"))]
    sources: dict[str, str] = {}
    while pending:
        name = pending.pop()
        if name not in sources:
            path = (packages if name.startswith("@") else CONTRACTS) / name
            if not path.is_file():
                raise CompilationFailed(f"{name}: imported, but there is no {path}")
            sources[name] = path.read_text(encoding="utf-8")
            pending += [_resolve(name, match["path"]) for match in _IMPORT.finditer(sources[name])]
    return dict(sorted(sources.items()))


def _resolve(importer: str, path: str) -> str:
    """Name of the source that ``path`` means inside ``importer`` (relative paths start with a dot)."""
    if not path.startswith("."):
        return path
    return os.path.normpath(os.path.join(os.path.dirname(importer), path))


def run_compiler(sources: Mapping[str, str], packages: Path) -> tuple[str, dict[str, Any]]:
    """Version of the compiler without its platform, its standard JSON output; raises CompilationFailed."""
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": OUTPUTS}}},
    }
    version = re.search(r"\d+\.\d+\.\d+\+commit\.[0-9a-f]+", _solc("--version", "", packages))
    if version is None:
        raise CompilationFailed(f"{COMPILER}: --version names no release")
    output: dict[str, Any] = json.loads(_solc("--standard-json", json.dumps(request), packages))
    complaints = [
        each["formattedMessage"]
        for each in output.get("errors", [])
        if each["severity"] != "info" and each.get("errorCode") not in TOLERATED_WARNINGS
    ]
    if complaints:
        raise CompilationFailed("\n".join(complaints))
    return version[0], output["contracts"]


def _solc(option: str, text: str, packages: Path) -> str:
    environment = {**os.environ, "NODE_PATH": str(packages)}
    done = subprocess.run(
        [COMPILER, option], input=text, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode != 0:
        complaint = done.stderr.strip() or f"exit status {done.returncode}"
        raise CompilationFailed(f"{COMPILER} {option}: {complaint}")
    return done.stdout


def signature(error: Mapping[str, Any]) -> str:
    """Canonical signature of an ABI entry, with tuples spelt out."""
    return f"{error['name']}({','.join(_canonical_type(each) for each in error['inputs'])})"


def _canonical_type(parameter: Mapping[str, Any]) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    components = ",".join(_canonical_type(each) for each in parameter["components"])
    return f"({components}){kind.removeprefix('tuple')}"


def rules_of_errors(name: str, compiled: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Signature, rule key and text of each error by selector; raises CompilationFailed without a key."""
    documented = compiled["devdoc"].get("errors", {})
    errors: dict[str, dict[str, str]] = {}
    nameless = []
    for entry in compiled["abi"]:
        if entry["type"] != "error":
            continue
        spelt = signature(entry)
        details = " ".join(" ".join(each.get("details", "") for each in documented.get(spelt, [])).split())
        match = _RULE.fullmatch(details)
        rule, text = (match["rule"], match["text"]) if match else (LIBRARY_RULES.get(spelt), details)
        if rule is None:
            allowed = "`@dev <rule key>: <text>`"
            nameless.append(f"{name}: error {spelt}: found NatSpec {details!r}, allowed {allowed}")
        else:
            errors[f"0x{keccak(text=spelt)[:4].hex()}"] = {"rule": rule, "signature": spelt, "text": text}
    if nameless:
        raise CompilationFailed("\n".join(nameless))
    return errors


def artifact(name: str, compiled: Mapping[str, Any], compiler: str) -> dict[str, Any]:
    """What contracts/artifacts/<name>.json holds; raises CompilationFailed if the contract is too large."""
    runtime: str = compiled["evm"]["deployedBytecode"]["object"]
    if len(runtime) // 2 > MAX_RUNTIME_BYTES:
        found = len(runtime) // 2
        raise CompilationFailed(f"{name}: runtime code has {found} bytes, allowed {MAX_RUNTIME_BYTES}")
    return {
        "name": name,
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + runtime,
        "errors": rules_of_errors(name, compiled),
        "compiler": compiler,
        "settings": SETTINGS,
    }


def compile_all() -> dict[str, str]:
    """Text of every artifact by its file name; raises CompilationFailed."""
    packages = node_modules()
    compiler, contracts = run_compiler(collect_sources(packages), packages)
    built = {}
    for path in sorted((CONTRACTS / "src").glob("*.sol")):
        compiled = contracts[f"src/{path.name}"][path.stem]
        content = artifact(path.stem, compiled, compiler)
        built[f"{path.stem}.json"] = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return built


def stale(built: Mapping[str, str]) -> Iterator[str]:
    """One line per artifact of the repository that the sources do not give."""
    for name in sorted(built.keys() | {path.name for path in ARTIFACTS.glob("*.json")}):
        path = ARTIFACTS / name
        if name not in built:
            yield f"{path}: belongs to no contract"
        elif not path.is_file():
            yield f"{path}: is missing"
        elif path.read_bytes() != built[name].encode():
            yield f"{path}: differs from what the sources give"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status (0 well, 1 the sources are at fault or an artifact is stale)."""
    parser = argparse.ArgumentParser(description="Compile the contracts into their artifacts.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when an artifact is stale")
    options = parser.parse_args(arguments)
    try:
        built = compile_all()
    except CompilationFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    if options.check:
        problems = list(stale(built))
        print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
        return 1 if problems else 0
    for path in ARTIFACTS.glob("*.json"):
        if path.name not in built:
            path.unlink()
    for name, text in built.items():
        (ARTIFACTS / name).write_bytes(text.encode())
    print(f"contracts: {len(built)} artifacts in {ARTIFACTS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
