"""The access node: what PGUIs certify goes in, an append-only log that anyone can check comes out.

The way of one statement: ``workers`` -> ``judging`` (authentic? in time?) -> ``sequencer`` with ``placing``
(its place, durable) -> answer; soon after, ``publishing`` (tiles, checkpoint); later, ``anchoring`` (the head
on the ledger).

==================  =====================================================================================
module              what it knows
==================  =====================================================================================
``node``            the access node as others see it: :class:`AccessNode`
``settings``        what its operator decides
``judging``         MEA-2: which device statements are authentic and in time; ``judged`` is its answer
``keys``            what is remembered of device keys: within bounds, never older than the directory
``workers``         where statements are judged: in this process or in workers
``fronts``          or in processes that take them by themselves; ``front_desk`` is the log's end of these
``setpoints``       SET-1: which setpoints of DSO platforms are authentic
``sequencer``       the one place where the log grows: commit, tree, answer; files follow
``placing``         whether an authentic statement becomes an entry; conflicts, counters, sequences
``occupancy``       which periods and counters are taken
``counters``        used and missing counters of a key; pure
``store``           what the database keeps; ``engines``: on SQLite or PostgreSQL
``healing``         files brought back to the state of the database
``retention``       old delivery days on their way into an archive, beside the intake
``tree``            the Merkle tree, its newest part in memory; proofs
``publishing``      files and checkpoint brought up to the tree
``tile_folder``     the files: tiles, entry bundles, checkpoint
``queries``         what can be asked: entries, conflicts, gaps, setpoints
``anchoring``       heads of the log on the ledger; ``anchors`` remembers the last one
``witness``         LOG-2: cosigns heads of other logs, as long as each continues the one before
``cosigning``       has the head of this log cosigned; ``http_witness`` asks a witness elsewhere
``tile_reader``     roots and proofs out of the files alone
``check``           a whole folder checked without the database
``metrics``         what the node counts while it works, for Prometheus
``failures``        names what can go wrong with disk and database
``files`` ``lock``  files that are whole or not there; one process per log
==================  =====================================================================================
"""

from registry.log.anchoring import Anchorer, AnchorLag
from registry.log.check import LogReport, check_folder
from registry.log.node import AccessNode
from registry.log.placing import ConflictingStatement
from registry.log.queries import Conflict, CounterGap
from registry.log.setpoints import PlatformDirectory
from registry.log.settings import LogSettings

__all__ = [
    "AccessNode",
    "AnchorLag",
    "Anchorer",
    "Conflict",
    "ConflictingStatement",
    "CounterGap",
    "LogReport",
    "LogSettings",
    "PlatformDirectory",
    "check_folder",
]
