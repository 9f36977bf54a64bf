"""Device keys and anchored checkpoints in memory (DEV-1, LOG-2), as contracts/src/Measurements.sol."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.commands import AnchorCheckpoint, BindDevices, EndDevices
from registry.domain.devices import Binding, is_p256_point
from registry.domain.events import CheckpointAnchored, DeviceBound, DeviceEnded, Event
from registry.domain.identifiers import bytes32_text
from registry.domain.participants import PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.pods import PodsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table

REPLACED = bytes32_text("replaced")


@dataclass(frozen=True, slots=True)
class Device:
    """A POD's latest key; `dso` bound it and may end it, even after the POD was withdrawn."""

    key_id: bytes
    valid_from: int
    valid_until: int
    dso: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was anchored last of a log."""

    node: int
    size: int
    root: bytes


class MeasurementsBook:
    """Latest device per POD, POD of every key ever bound, latest checkpoint per log."""

    def __init__(
        self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook, pods: PodsBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._pods = pods
        self._devices: Table[bytes, Device | None] = Table(journal, None)
        self._pod_of_key: Table[bytes, bytes | None] = Table(journal, None)
        self._checkpoints: Table[bytes, Checkpoint | None] = Table(journal, None)

    def execute(self, command: BindDevices | EndDevices | AnchorCheckpoint, call: Call) -> list[Event]:
        """Bind or end device keys, or anchor a checkpoint.

        Raises:
            Refusal: ACT-1, DEV-1, LOG-2.
        """
        match command:
            case BindDevices():
                self._participants.require(PartyKind.DSO, command.dso, call)
                day = self._sessions.first_unfrozen_day(call.now)
                return [
                    event for binding in command.bindings for event in self._bind(command.dso, binding, day)
                ]
            case EndDevices():
                self._participants.require(PartyKind.DSO, command.dso, call)
                return self._end_all(command)
            case AnchorCheckpoint():
                self._participants.require(PartyKind.ACCESS_NODE, command.node, call)
                return [self._anchor(command)]

    def _bind(self, dso: int, binding: Binding, day: int) -> list[Event]:
        """One active device per POD.

        A new one ends the one before it where its own validity starts; a key is bound once (DEV-1).
        """
        pod = self._pods.pod_at(binding.pod_id, day)
        owner = pod.dso if pod else 0
        if owner != dso:
            raise Refusal("DeviceOfOtherDso", pod_id=binding.pod_id, dso=owner, caller=dso)
        if not is_p256_point(binding.key_x, binding.key_y):
            raise Refusal("KeyInvalid", key_x=binding.key_x, key_y=binding.key_y)
        key_id = binding.key_id
        holder = self._pod_of_key[key_id]
        if holder is not None:
            raise Refusal("KeyTaken", key_id=key_id, pod_id=holder)
        old = self._devices[binding.pod_id]
        if binding.valid_until <= binding.valid_from or (old and binding.valid_from < old.valid_from):
            raise _validity(binding.pod_id, binding.valid_from, binding.valid_until)
        events: list[Event] = []
        if old and old.valid_until > binding.valid_from:
            events.append(DeviceEnded(binding.pod_id, old.key_id, dso, binding.valid_from, REPLACED))
        self._pod_of_key[key_id] = binding.pod_id
        self._devices[binding.pod_id] = Device(key_id, binding.valid_from, binding.valid_until, dso)
        bound = DeviceBound(
            binding.pod_id, key_id, dso, binding.key_x, binding.key_y, binding.valid_from, binding.valid_until
        )
        return [*events, bound]

    def _end_all(self, command: EndDevices) -> list[Event]:
        if len(command.valid_until) != len(command.pod_ids):
            raise Refusal("LengthsDiffer", expected=len(command.pod_ids), found=len(command.valid_until))
        ends = zip(command.pod_ids, command.valid_until, strict=True)
        return [self._end(command.dso, pod_id, valid_until, command.reason) for pod_id, valid_until in ends]

    def _end(self, dso: int, pod_id: bytes, valid_until: int, reason: bytes) -> Event:
        """A validity is only ever shortened, to nothing for a key compromised from the start (DEV-1)."""
        device = self._devices[pod_id]
        if device is None:
            raise Refusal("DeviceUnknown", pod_id=pod_id, key_id=bytes(32))
        if device.dso != dso:
            raise Refusal("DeviceOfOtherDso", pod_id=pod_id, dso=device.dso, caller=dso)
        if not device.valid_from <= valid_until <= device.valid_until:
            raise _validity(pod_id, device.valid_from, valid_until)
        self._devices[pod_id] = replace(device, valid_until=valid_until)
        return DeviceEnded(pod_id, device.key_id, dso, valid_until, reason)

    def _anchor(self, command: AnchorCheckpoint) -> Event:
        """A log belongs to one node, only grows, has one root per size; the same again is allowed (LOG-2)."""
        log_id, size, root = command.log_id, command.size, command.root
        anchored = self._checkpoints[log_id]
        if anchored:
            if anchored.node != command.node:
                raise Refusal("LogOfOther", log_id=log_id, node=anchored.node, caller=command.node)
            if size < anchored.size:
                raise Refusal("LogShrinks", log_id=log_id, anchored=anchored.size, found=size)
            if size == anchored.size and root != anchored.root:
                raise Refusal("LogForks", log_id=log_id, size=size, anchored=anchored.root, found=root)
        self._checkpoints[log_id] = Checkpoint(command.node, size, root)
        return CheckpointAnchored(log_id, command.node, size, root, command.witnesses)


def _validity(pod_id: bytes, valid_from: int, valid_until: int) -> Refusal:
    return Refusal("ValidityInvalid", pod_id=pod_id, valid_from=valid_from, valid_until=valid_until)
