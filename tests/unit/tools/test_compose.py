"""docker-compose.yml is valid, agrees with the network generator, is closed outside, holds no secret."""

from __future__ import annotations

import copy
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from registry.config import Settings
from tools.make_besu_network import SANDBOX_HOSTS

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((Path(__file__).parent / "compose.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
VALIDATORS = [f"validator-{number}" for number in range(1, 5)]


def mounts(service: str) -> dict[str, str]:
    """Source of each mount of a service by its target."""
    return {each.split(":")[1]: each.split(":")[0] for each in SERVICES[service].get("volumes", [])}


def test_it_satisfies_the_schema() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(COMPOSE)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "api", "comand"), ["serve"]),
        (("services", "api", "restart"), "sometimes"),
        (("services", "api", "depends_on", "postgres", "condition"), "healthy"),
        (("services", "validator-1", "networks", "consortium", "ipv4_address"), "172.30.64.300"),
        (("services", "api", "image"), "flexledger"),
        (("version",), "3"),
    ],
)
def test_the_schema_finds_mistakes(path: tuple[str, ...], value: object) -> None:
    broken = copy.deepcopy(COMPOSE)
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert list(VALIDATOR.iter_errors(broken))


def test_it_has_four_validators_a_database_an_access_node_and_the_api() -> None:
    assert set(SERVICES) == {*VALIDATORS, "postgres", "access-node", "api"}


def test_validators_stand_where_the_generator_puts_them() -> None:
    hosts = [SERVICES[name]["networks"]["consortium"]["ipv4_address"] for name in VALIDATORS]
    assert tuple(hosts) == SANDBOX_HOSTS
    subnet = ipaddress.ip_network(COMPOSE["networks"]["consortium"]["ipam"]["config"][0]["subnet"])
    assert all(ipaddress.ip_address(host) in subnet for host in hosts)
    for name in VALIDATORS:
        assert mounts(name) == {
            "/genesis.json": "./deploy/besu/network/genesis.json",
            "/data": f"./deploy/besu/network/{name}",
        }
        assert {"--data-path=/data", "--genesis-file=/genesis.json", "--min-gas-price=0"} <= set(
            SERVICES[name]["command"]
        )


@pytest.mark.parametrize("name", ["access-node", "api"])
def test_programs_are_given_settings_they_know(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    environment = {
        key: re.sub(r"\$\{\w+:(?:\?[^}]*|-([^}]*))\}", lambda match: match[1] or "chosen", value)
        for key, value in SERVICES[name]["environment"].items()
    }
    known = {f"FLEXLEDGER_{field}".upper() for field in Settings.model_fields}
    assert set(environment) <= known
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    settings = Settings()
    assert not settings.sandbox
    assert settings.chain_url == "http://validator-1:8545"
    assert settings.host == "0.0.0.0"
    assert f"127.0.0.1:{settings.port}:{settings.port}" in SERVICES[name]["ports"]
    inside = mounts(name)
    assert {str(settings.state), str(settings.deployment), str(settings.keystore)} == set(inside)


def test_each_program_has_databases_of_its_own_that_are_made() -> None:
    made = re.findall(
        r"CREATE DATABASE (\w+)", (ROOT / "deploy" / "postgres" / "init.sql").read_text(encoding="utf-8")
    )
    used = [
        SERVICES[name]["environment"][f"FLEXLEDGER_{kind}_URL"].rsplit("/", 1)[1]
        for name in ("access-node", "api")
        for kind in ("REGISTER", "VAULT")
    ]
    assert sorted(made) == sorted(used)
    assert len(set(used)) == len(used)


def test_dependencies_exist_and_can_become_healthy() -> None:
    for service in SERVICES.values():
        for name, dependency in service.get("depends_on", {}).items():
            assert name in SERVICES
            if dependency["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[name]


def test_mounted_sources_are_declared_committed_or_generated() -> None:
    for name in SERVICES:
        for source in mounts(name).values():
            if source.startswith(("./deploy/besu/network/", "./deploy/keys/")):
                continue
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_secrets_come_from_the_environment() -> None:
    for service in SERVICES.values():
        for value in service.get("environment", {}).values():
            text = str(value)
            if "://" in text and "@" in text:
                assert re.search(r":\$\{\w+:\?[^}]+\}@", text), text
    assert SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")


def test_the_image_copies_what_is_there_and_not_ignored() -> None:
    dockerfile = (ROOT / SERVICES["api"]["build"]["dockerfile"]).read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        word
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from=" not in line
        for word in line.split()[1:-1]
    ]
    assert {"requirements.lock", "pyproject.toml", "registry", "api", "contracts"} <= set(copied)
    for word in copied:
        assert f"!{word}" in ignore
        assert (ROOT / word).exists(), f"{word} is copied into the image and is not there"
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER flexledger$", dockerfile, re.MULTILINE)


def test_generated_networks_and_env_files_are_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/deploy/besu/network/", "/deploy/keys/", ".env", "*.key", "*.pem"} <= set(ignored)
