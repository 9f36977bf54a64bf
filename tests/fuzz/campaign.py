"""Coverage-guided fuzzing of everything that reads bytes of strangers: ``make fuzz`` (MEA-1, LOG-1, AUD-1).

Each target may raise RuleViolation and nothing else, and holds its oracles. Seeds are the test vectors. Needs
atheris, which is no locked requirement: it has no wheel of one version for all supported Pythons.

Usage: python -m tests.fuzz.campaign TARGET [libFuzzer options]; without a target, the names of all.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors"

Target = Callable[[bytes], None]


def targets() -> dict[str, Target]:
    """What is fuzzed. Imported late, so that atheris can watch these modules."""
    from registry.domain.errors import RuleViolation
    from registry.evidence.acceptance import AcceptanceRules
    from registry.evidence.bundle import read_bundle
    from registry.evidence.cbor import end_of_item
    from registry.evidence.checkpoints import split_note
    from registry.evidence.payloads import encode_payload
    from registry.evidence.receipts import parse_receipt
    from registry.evidence.statements import assemble, parse, parse_slowly, protected_header
    from registry.evidence.template import recognise, skim
    from registry.evidence.witnessing import AddCheckpoint
    from registry.log.judging import Body, Gate
    from registry.log.keys import KeyBook

    gate = Gate(KeyBook(1), AcceptanceRules())

    def statement(data: bytes) -> None:
        found, skimmed = recognise(data), skim(data)
        assert (found is not None) == (skimmed is not None and skimmed[1] == len(data))
        read = parse_slowly(data)
        again = assemble(protected_header(read.kid), encode_payload(read.payload), read.signature)
        assert again == data and read == parse(data)

    def sequence(data: bytes) -> None:
        judged = gate.judge(Body(data, 100), 1_793_181_600, lambda ids: [None] * len(ids))
        assert judged.count == len(judged.others) <= 100
        at = 0
        for number in range(judged.count):
            other = judged.others[number]
            end = end_of_item(data, at)
            assert end is not None and data[at:end] == other.raw
            at = end
        assert at == judged.end and (judged.fault is None) == (at == len(data))

    def receipt(data: bytes) -> None:
        parse_receipt(data)

    def note(data: bytes) -> None:
        split_note(data)

    def witness(data: bytes) -> None:
        AddCheckpoint.parse(data)

    def bundle(data: bytes) -> None:
        read_bundle(data)

    def guarded(target: Target) -> Target:
        def run(data: bytes) -> None:
            try:
                target(data)
            except RuleViolation as violation:
                assert violation.rule and violation.field and str(violation)

        return run

    every = (statement, sequence, receipt, note, witness, bundle)
    return {target.__name__: guarded(target) for target in every}


def seeds() -> Iterator[bytes]:
    """Every byte string and text of the vectors."""
    for path in sorted(VECTORS.glob("*.json")):
        yield from _strings(json.loads(path.read_text(encoding="utf-8")))


def _strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, str):
        try:
            yield bytes.fromhex(value)
        except ValueError:
            yield value.encode()


def main(words: list[str]) -> int:
    """Run one target; 2 for a name that is none."""
    try:
        import atheris  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        sys.stderr.write("fuzz: found no atheris; install it into .venv: .venv/bin/pip install atheris\n")
        return 2
    with atheris.instrument_imports(include=["registry"]):
        known = targets()
    if not words or words[0] not in known:
        sys.stderr.write(f"fuzz: found {words[:1] or 'no target'}, allowed {', '.join(known)}\n")
        return 2
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], corpus, *words[1:]], known[words[0]])
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
