"""Coverage-guided fuzzing of everything that reads bytes of strangers: ``make fuzz`` (MEA-1, LOG-1, AUD-1).

Each target may raise RuleViolation and nothing else, and holds its oracles. Seeds are the test vectors. The
fuzzer, atheris, has a lock of its own (requirements-fuzz.lock), which `make fuzz` installs beside .venv.

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

# of the setpoint in docs/formats/setpoint.md
PLATFORM = (
    "045dfbbce49d5fc6a8cf57a62a93f9465ab11ad430fbf5416782ae5f3ff9fac1bf"
    "26ef69b22e53904145cbf56b98e839408771d15bfcbad2193366efcd1f802759"
)
POD = "95825e86db292d32397ac8247952b5a5a0a7d4e29a118755d61dd43361e6b4b1"

Target = Callable[[bytes], None]


def targets() -> dict[str, Target]:
    """What is fuzzed. Imported late, so that atheris can watch these modules."""
    from pgui_sim.setpoint import PlatformKeys, SetpointRejected
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
    from registry.log.judged import Judged
    from registry.log.judging import Body, Gate
    from registry.log.keys import KeyBook

    gate = Gate(KeyBook(1), AcceptanceRules())
    platforms = PlatformKeys([bytes.fromhex(PLATFORM)])

    def judge(body: Body) -> Judged:
        return gate.judge(body, 1_793_181_600, lambda ids: [None] * len(ids))

    def statement(data: bytes) -> None:
        found, skimmed = recognise(data), skim(data)
        assert (found is not None) == (skimmed is not None and skimmed[1] == len(data))
        read = parse_slowly(data)
        again = assemble(protected_header(read.kid), encode_payload(read.payload), read.signature)
        assert again == data and read == parse(data)

    def sequence(data: bytes) -> None:
        judged = judge(Body(data, 100))
        assert judged.count == len(judged.others) <= 100
        at = 0
        for number in range(judged.count):
            other = judged.others[number]
            end = end_of_item(data, at)
            assert end is not None and data[at:end] == other.raw
            at = end
        assert at == judged.end and (judged.fault is None) == (at == len(data))
        # in two parts, cut where the first byte says
        cut = len(data) * data[0] // 255 if data else 0
        first = judge(Body(data[:cut], 100, last=False))
        if first.fault is None:
            rest = judge(Body(data[first.end :], 100, True, first.count, first.end))
            assert (first.count + rest.count, first.end + rest.end) == (judged.count, judged.end)
            assert str(rest.fault) == str(judged.fault)
        else:
            assert (first.count, first.end) == (judged.count, judged.end)

    def setpoint(data: bytes) -> None:
        try:
            opened = platforms.open(data, bytes.fromhex(POD))
        except SetpointRejected as rejected:
            assert str(rejected)
        else:
            assert parse_slowly(data).id == opened.id

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

    every = (statement, sequence, setpoint, receipt, note, witness, bundle)
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
    """Run one target, or name them all; 2 for a name that is none, and without a fuzzer."""
    if not words:
        print(*targets())
        return 0
    try:
        import atheris  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        sys.stderr.write("fuzz: found no atheris; say `make fuzz`, which installs it\n")
        return 2
    with atheris.instrument_imports(include=["registry", "pgui_sim"]):
        known = targets()
    if words[0] not in known:
        sys.stderr.write(f"fuzz: found {words[0]}, allowed {', '.join(known)}\n")
        return 2
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds()):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], corpus, *words[1:]], known[words[0]])
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
