"""Evidence: the bytes that prove what happened, and the code that checks them without trusting anyone.

Everything here is pure: bytes in, facts or a :class:`~registry.domain.errors.RuleViolation` out. No file is opened
except the one bundle handed to :mod:`registry.evidence.verify`, no network, no clock, no database.

======================  =========================================================  ============================
module                  what it knows                                              format page
======================  =========================================================  ============================
``es256``               ECDSA P-256 signatures of COSE, key ids                    docs/formats/statement.md
``payloads``            the fields of a reading, an execution, a setpoint          docs/formats/statement.md
``statements``          COSE_Sign1 messages of those: sign, parse, verify          docs/formats/statement.md
``acceptance``          the pure part of accepting a statement                     docs/formats/statement.md
``merkle``              RFC 9162 tree: hashing, proofs, their verification         docs/formats/checkpoint.md
``tiles``               names and bytes of the log's static files                  docs/formats/checkpoint.md
``checkpoints``         signed tree heads                                          docs/formats/checkpoint.md
``receipts``            COSE receipts of inclusion                                 docs/formats/receipt.md
``commitments``         canonical JSON, salted commitments, POD ids                docs/formats/commitment.md
``blocks``              block headers, receipts, logs of an EVM chain              docs/formats/bundle.md
``abi``                 typed events from those logs                               docs/formats/bundle.md
``bundle``              the container of one settlement's evidence                 docs/formats/bundle.md
``verify``              the offline verification of such a bundle                  docs/formats/bundle.md
======================  =========================================================  ============================
"""
