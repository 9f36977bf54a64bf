"""Bearer tokens: who is asking, and for which party (SPEC 1).

A token is a JWT signed with ES256. Participants get theirs from an issuer (the sandbox has a local one; in
production any
OIDC issuer by its JWKS). A PGUI signs its own with its device key, so no secret is shared with it: the
register knows the
public key from the ledger (DEV-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain.errors import RuleViolation
from registry.domain.participants import PartyKind
from registry.ports import DeviceDirectory, PartyQueries

AUDIENCE = "flexledger"
ALGORITHM = "ES256"
DEVICE_TOKEN_LIFETIME = timedelta(minutes=5)
TOKEN_LENGTH_MAX = 4_096


class Role(Enum):
    """What a caller is. Everything a caller may see or do follows from role and party."""

    ANYONE = "anyone"
    TSO = "tso"
    DSO = "dso"
    BSP = "bsp"
    ACCESS_NODE = "access_node"
    AUDITOR = "auditor"
    PGUI = "pgui"


ROLE_OF_KIND = {
    PartyKind.TSO: Role.TSO,
    PartyKind.DSO: Role.DSO,
    PartyKind.BSP: Role.BSP,
    PartyKind.ACCESS_NODE: Role.ACCESS_NODE,
    PartyKind.AUDITOR: Role.AUDITOR,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request: a role, the party it acts for (0 if none), and for a PGUI its POD and key."""

    role: Role
    party: int = 0
    pod_id: bytes = b""
    key_id: bytes = b""


ANYONE = Principal(Role.ANYONE)


class TokenInvalid(RuleViolation):
    """A bearer token that proves nothing (ACT-1)."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """The local issuer of the sandbox: one P-256 key."""

    name: str
    key: ec.EllipticCurvePrivateKey

    def issue(self, principal: Principal, now: datetime, lifetime: timedelta = timedelta(hours=12)) -> str:
        """A token for a participant.

        Raises:
            ValueError: a PGUI signs its own tokens, and anyone needs none.
        """
        if principal.role in (Role.ANYONE, Role.PGUI):
            raise ValueError(f"no token is issued for {principal.role.value}")
        claims = {
            "iss": self.name,
            "aud": AUDIENCE,
            "sub": f"party:{principal.party}",
            "party": principal.party,
            "kind": principal.role.value,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"kid": self.name})


class TokenChecker:
    """Turns a bearer token into a principal, or says why not."""

    def __init__(
        self,
        issuer_name: str,
        issuer_key: Callable[[str], Any],
        parties: PartyQueries,
        devices: DeviceDirectory,
        now: Callable[[], datetime],
    ) -> None:
        """Tokens of one issuer, and of the devices of a directory.

        Args:
            issuer_name: the ``iss`` that is trusted.
            issuer_key: public key for a token's ``kid`` (a JWKS client, or the local issuer's key).
            parties: who is admitted as what, as the ledger has it.
            devices: where device keys are looked up.
            now: the clock.
        """
        self._issuer_name = issuer_name
        self._issuer_key = issuer_key
        self._parties = parties
        self._devices = devices
        self._now = now

    def check(self, token: str) -> Principal:
        """Verify a token.

        1. Whose token it says it is decides the key; nothing else is believed before the signature is good.
        2. Signature, audience, issuer, life time.
        3. The ledger has the party as the kind that the token names, or the device bound to the POD.

        Raises:
            TokenInvalid: ACT-1, with what is wrong with the token.
        """
        try:
            if len(token) > TOKEN_LENGTH_MAX:
                raise ValueError(f"a token of {len(token)} characters")
            # 1. whose
            key_name = str(jwt.get_unverified_header(token).get("kid", ""))
            claimed = jwt.decode(token, options={"verify_signature": False})
            if claimed.get("iss") == self._issuer_name:
                return self._participant(token, key_name)
            return self._device(token, key_name)
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenInvalid(
                rule="ACT-1",
                field="authorization",
                found=str(error),
                allowed=f"a token of {self._issuer_name} or of a bound device",
            ) from error

    def _participant(self, token: str, key_name: str) -> Principal:
        # 2. signature
        claims = self._claims(
            token, self._issuer_key(key_name), issuer=self._issuer_name, required=["party", "kind"]
        )
        # 3. ledger
        party = _whole(claims, "party")
        view = self._parties.party(party)
        if view is None:
            raise ValueError(f"party {party} is not admitted")
        role = ROLE_OF_KIND.get(view.kind)
        if role is None or role.value != claims["kind"]:
            raise ValueError(f"party {party} is admitted as {view.kind.name.lower()}, not as the token says")
        return Principal(role, party=party)

    def _device(self, token: str, key_name: str) -> Principal:
        key_id = bytes.fromhex(key_name)
        device = self._devices.device(key_id)
        now = int(self._now().timestamp())
        if device is None or not device.valid_from <= now < device.valid_until:
            raise ValueError("the key is not bound to a POD now")
        # 2. signature
        public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), device.public_key)
        claims = self._claims(token, public_key, issuer=None, required=["iat", "sub"])
        # 3. ledger
        if claims["sub"] != device.pod_id.hex():
            raise ValueError("the subject is not the POD that the key is bound to")
        if _whole(claims, "exp") - _whole(claims, "iat") > DEVICE_TOKEN_LIFETIME.total_seconds():
            raise ValueError(f"a device token lives at most {DEVICE_TOKEN_LIFETIME.total_seconds():.0f} s")
        return Principal(Role.PGUI, pod_id=device.pod_id, key_id=key_id)

    def _claims(self, token: str, key: Any, *, issuer: str | None, required: list[str]) -> dict[str, Any]:
        # The clock of the node decides, which in a simulated day is not the machine's: times are compared
        # here.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            options={
                "require": ["aud", "exp", *required],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        now = self._now().timestamp()
        if now >= _whole(claims, "exp"):
            raise ValueError("the token has expired")
        latest = now + DEVICE_TOKEN_LIFETIME.total_seconds()
        if any(_whole(claims, name) > latest for name in ("iat", "nbf") if name in claims):
            raise ValueError("the token is from the future")
        return claims


def _whole(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{name} is no whole number")
    return value
