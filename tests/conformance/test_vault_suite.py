"""What every vault does, whatever database is behind it: on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.mirror import SqlMirror, SqlVault
from registry.ports import PodSecret
from tests.conformance.mirror_world import Fresh
from tests.unit.mirror.fake_ledger import (
    BSP,
    OTHER_BSP,
    TSO,
    FakeLedger,
    word,
)


@pytest.fixture
def vault(fresh: Fresh) -> Iterator[SqlVault]:
    vault = SqlVault(fresh())
    yield vault
    vault.close()


@pytest.mark.rule("PRIV-1")
def test_the_vault_keeps_what_the_ledger_must_not_know(vault: SqlVault) -> None:
    vault.put_pod(word("a"), "IT001E12345678", word("salt"), {"lat": 41.9, "technologies": ["pv"]}, BSP)
    assert vault.pod(word("a")) == PodSecret(
        word("a"), "IT001E12345678", word("salt"), {"lat": 41.9, "technologies": ["pv"]}, BSP
    )
    assert vault.pod_id_of("IT001E12345678") == word("a")
    vault.put_pod(word("b"), "IT001E12345678", word("salt 2"), {}, OTHER_BSP)
    assert vault.pod_id_of("IT001E12345678") == word("b")
    assert vault.pod_id_of("IT001E00000000") is None and vault.pod(word("c")) is None


@pytest.mark.rule("PRIV-3")
def test_openings_are_kept_with_their_owners(vault: SqlVault) -> None:
    vault.put_opening(word("c"), "price", word("salt"), {"price_milli_eur_per_mwh": 1}, (TSO, BSP))
    vault.put_opening(word("c"), "price", word("salt"), {"price_milli_eur_per_mwh": 2}, (TSO,))
    opening = vault.opening(word("c"))
    assert opening is not None and (opening.kind, opening.owners) == ("price", (TSO,))
    assert opening.payload == {"price_milli_eur_per_mwh": 2}
    assert vault.opening(word("d")) is None


@pytest.mark.rule("PRIV-2")
def test_an_erased_pod_leaves_nothing_that_links_back(vault: SqlVault) -> None:
    for name in ("a", "b"):
        vault.put_pod(word(name), f"IT001E0000000{name.upper()}", word(f"salt {name}"), {"of": name}, BSP)
        vault.put_opening(
            word(f"c{name}"), "registration", word("s"), {"of": name}, (BSP,), pod_id=word(name)
        )
    assert vault.erase_pod(word("a")) is True
    assert vault.pod(word("a")) is None and vault.opening(word("ca")) is None
    assert vault.pod_id_of("IT001E0000000A") is None
    assert vault.pod(word("b")) is not None and vault.opening(word("cb")) is not None
    assert vault.erase_pod(word("a")) is False


def test_many_pods_are_kept_together_or_not_at_all(vault: SqlVault) -> None:
    pods = [PodSecret(word(str(n)), f"IT001E{n:08d}", word("salt"), {}, BSP) for n in range(1200)]
    vault.put_pods(pods)
    assert vault.pod_id_of("IT001E00001199") == word("1199")
    bad = PodSecret(word("bad"), "IT001E99999999", word("salt"), {"x": object()}, BSP)
    with pytest.raises(Exception, match="JSON serializable"):
        vault.put_pods([PodSecret(word("good"), "IT001E88888888", word("salt"), {}, BSP), bad])
    assert vault.pod(word("good")) is None


def test_mirror_and_vault_can_share_a_database_and_only_one_is_dropped(
    fresh: Fresh, ledger: FakeLedger
) -> None:
    url = fresh()
    mirror, vault = SqlMirror(url, ledger), SqlVault(url)
    mirror.catch_up()
    vault.put_pod(word("a"), "IT001E12345678", word("salt"), {}, BSP)
    mirror.drop()
    assert vault.pod(word("a")) is not None
    mirror.close()
    vault.close()
