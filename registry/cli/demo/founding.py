"""Acts 1 and 2: the chain is there, the contracts stand, the parties are admitted."""

from __future__ import annotations

from rich.table import Table

from registry.cli.demo.scenario import BSPS, DAY, PARTICIPANTS, TSO
from registry.cli.demo.stage import Stage
from registry.domain.commands import AdmitParties, ScheduleDays
from registry.domain.participants import Admission
from registry.domain.sessions import ScheduleTemplate


def show_chain(stage: Stage) -> None:
    """Act 1: what the node opened."""
    ledger = stage.node.ledger
    stage.say(
        f"embedded chain {ledger.chain_id}, kept in {stage.folder / 'chain'}; time is played, not waited for"
    )
    stage.say(f"contracts version {ledger.contracts_version}, deployed from contracts/artifacts:")
    for name, address in ledger.addresses.items():
        stage.say(f"  {name:<17} {address}")


def admit_parties(stage: Stage) -> None:
    """Act 2: every party with an EIC and a ledger key of its own."""
    node = stage.node
    admissions = []
    table = Table(box=None, padding=(0, 2))
    for column in ("party", "kind", "name", "EIC", "signs with"):
        table.add_column(column)
    for participant in PARTICIPANTS:
        signer = node.keys.party(f"party-{participant.party}")
        node.signers[participant.party] = signer
        admissions.append(
            Admission(
                participant.party,
                participant.kind,
                participant.eic.encode(),
                participant.name,
                signer.address,
            )
        )
        table.add_row(
            str(participant.party), participant.kind.name, participant.name, participant.eic, signer.address
        )
    if node.admin is None:
        raise RuntimeError("the demo runs in a sandbox, which has an admin key")
    node.recorder.record(AdmitParties(tuple(admissions)), node.admin)
    stage.console.print(table)
    stage.refused(
        "ACT-2",
        "admit a party whose EIC has a wrong check character",
        lambda: node.recorder.record(
            AdmitParties(
                (
                    Admission(
                        99, PARTICIPANTS[0].kind, b"10XFLEX-TSO----0", "Nobody", stage.signer(TSO).address
                    ),
                )
            ),
            node.admin,  # type: ignore[arg-type]
        ),
    )


def schedule_day(stage: Stage) -> None:
    """The TSO sets the gates of the delivery day (SES-1)."""
    schedule = ScheduleTemplate().schedule(DAY)
    stage.node.recorder.record(ScheduleDays(TSO, (schedule,)), stage.signer(TSO))
    stage.facts["schedule"] = schedule
    stage.say(
        f"delivery day {DAY.date}, {DAY.quarters} quarter-hours; six session pairs, gates on the ledger"
    )
    stage.refused(
        "ACT-1",
        f"a BSP ({BSPS[0]}) sets the gates",
        lambda: stage.node.recorder.record(ScheduleDays(TSO, (schedule,)), stage.signer(BSPS[0])),
    )
