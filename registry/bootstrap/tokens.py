"""A bearer token from the sandbox's own issuer, also while another process serves the node."""

from __future__ import annotations

from datetime import datetime

from registry.bootstrap.keys import KeyRing
from registry.bootstrap.node import KEYS_FOLDER, register_url
from registry.config import Settings
from registry.domain.errors import InputInvalid
from registry.mirror.database import Database
from registry.mirror.migrate import migrate_mirror
from registry.mirror.queries.parties import PartyReader
from registry.services.identity import ROLE_OF_KIND, Issuer, Principal


def sandbox_token(settings: Settings, party: int, now: datetime) -> str:
    """A token of a party, good for twelve hours. Reads the mirror as it stands and needs no chain.

    Raises:
        InputInvalid: ACT-1, nobody was admitted under this number, or tokens come from an outside issuer.
        OperationalError: the mirror or the issuer's key cannot be read.
    """
    if settings.jwks_url:
        raise InputInvalid(
            rule="ACT-1", field="issuer", found=settings.jwks_url, allowed="the sandbox's local issuer"
        )
    database = Database(register_url(settings))
    try:
        migrate_mirror(database)
        view = PartyReader(database).party(party)
    finally:
        database.close()
    if view is None:
        raise InputInvalid(
            rule="ACT-1", field="party", found=party, allowed="the number of an admitted party"
        )
    issuer = Issuer(settings.token_issuer, KeyRing(settings.state / KEYS_FOLDER).p256("issuer"))
    return issuer.issue(Principal(ROLE_OF_KIND[view.kind], party), now)
