"""Evidence: the bytes that prove what happened, and the code that checks them without trusting anyone.

Everything here is pure: bytes in, facts or a :class:`~registry.domain.errors.RuleViolation` out. No file is
opened except the one bundle handed to :mod:`registry.evidence.verify`, no network, no clock, no database.

========================  ======================================================  ===========================
module                    what it knows                                           page of docs/formats/
========================  ======================================================  ===========================
``es256``                 ECDSA P-256 signatures of COSE, key ids                 statement.md
``payloads``              the fields of a reading, an execution, a setpoint       statement.md, setpoint.md
``statements``            COSE_Sign1 messages of those: sign, parse, verify       statement.md, setpoint.md
``acceptance``            the pure part of accepting a statement                  statement.md
``merkle``                RFC 9162 tree: hashing, proofs, their verification      checkpoint.md
``tiles``                 names and bytes of the log's static files               checkpoint.md
``checkpoints``           signed tree heads                                       checkpoint.md
``receipts``              COSE receipts of inclusion                              receipt.md
``blocks``, ``abi``       blocks of an EVM chain, and the events in their logs    bundle.md
``facts``                 those events, asked by kind                             bundle.md
``settlement_document``   the settlement statement, derived from facts            bundle.md
``container``, ``bundle`` the file that holds one settlement's evidence           bundle.md
``verify``                the offline verification of such a file                 bundle.md
========================  ======================================================  ===========================

Salted commitments and canonical JSON (commitment.md) are :mod:`registry.domain.identifiers`.
"""
