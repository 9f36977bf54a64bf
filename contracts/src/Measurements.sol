// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IMeasurements} from "./interfaces/IMeasurements.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {PodWord} from "./libraries/PodWord.sol";
import {PartyKind} from "./types/Types.sol";

/// @title Device keys and anchored checkpoints (DEV-1, LOG-2)
contract Measurements is IMeasurements, PartyGated {
    /// @dev DEV-1: there is one end of validity per POD.
    error LengthsDiffer(uint256 expected, uint256 found);

    /// @dev The POD's latest key; `dso` bound it and may end it, even after the POD was withdrawn.
    struct Device {
        bytes32 keyId;
        uint40 validFrom;
        uint40 validUntil;
        uint16 dso;
    }

    struct Checkpoint {
        bytes32 root;
        uint64 size;
        uint16 node;
    }

    bytes32 private constant REPLACED = "replaced";

    IMarketSessions public immutable sessions;
    IPods public immutable pods;

    mapping(bytes32 podId => Device) private _devices;
    mapping(bytes32 keyId => bytes32 podId) private _podOfKey;
    mapping(bytes32 logId => Checkpoint) private _checkpoints;

    constructor(IParticipants participants_, IMarketSessions sessions_, IPods pods_) PartyGated(participants_) {
        sessions = sessions_;
        pods = pods_;
    }

    /// @inheritdoc IMeasurements
    function bindDevices(uint16 dso, Binding[] calldata bindings) external onlyParty(PartyKind.Dso, dso) {
        bytes32[] memory podIds = new bytes32[](bindings.length);
        for (uint256 i = 0; i < bindings.length; i++) {
            podIds[i] = bindings[i].podId;
        }
        uint256[] memory words = pods.wordsAt(podIds, sessions.firstUnfrozenDay());
        for (uint256 i = 0; i < bindings.length; i++) {
            uint16 connected = PodWord.dsoOf(words[i]);
            if (connected != dso) revert DeviceOfOtherDso(podIds[i], connected, dso);
            _bind(dso, bindings[i]);
        }
    }

    /// @inheritdoc IMeasurements
    function endDevices(uint16 dso, bytes32[] calldata podIds, uint40[] calldata validUntil, bytes32 reason)
        external
        onlyParty(PartyKind.Dso, dso)
    {
        if (validUntil.length != podIds.length) revert LengthsDiffer(podIds.length, validUntil.length);
        for (uint256 i = 0; i < podIds.length; i++) {
            _end(dso, podIds[i], validUntil[i], reason);
        }
    }

    /// @inheritdoc IMeasurements
    /// @dev LOG-2: anchoring the same checkpoint again is allowed; a fixed cadence needs no new entries.
    function anchor(uint16 node, bytes32 logId, uint64 size, bytes32 root, uint8 witnesses)
        external
        onlyParty(PartyKind.AccessNode, node)
    {
        Checkpoint storage anchored = _checkpoints[logId];
        (uint64 anchoredSize, uint16 owner) = (anchored.size, anchored.node);
        if (owner != 0) {
            if (owner != node) revert LogOfOther(logId, owner, node);
            if (size < anchoredSize) revert LogShrinks(logId, anchoredSize, size);
            if (size == anchoredSize && root != anchored.root) revert LogForks(logId, size, anchored.root, root);
        }
        (anchored.root, anchored.size, anchored.node) = (root, size, node);
        emit CheckpointAnchored(logId, node, size, root, witnesses);
    }

    /// @inheritdoc IMeasurements
    function checkpointOf(bytes32 logId) external view returns (uint16 node, uint64 size, bytes32 root) {
        Checkpoint storage anchored = _checkpoints[logId];
        return (anchored.node, anchored.size, anchored.root);
    }

    /// @inheritdoc IMeasurements
    function deviceOf(bytes32 podId) external view returns (bytes32 keyId, uint40 validFrom, uint40 validUntil) {
        Device storage device = _devices[podId];
        return (device.keyId, device.validFrom, device.validUntil);
    }

    /// @dev DEV-1: one active device per POD, so a new one ends the one before it where its own validity starts. A key is bound once:
    ///      what it signed belongs to one POD and one period of validity for ever.
    function _bind(uint16 dso, Binding calldata binding) private {
        bytes32 podId = binding.podId;
        if (!P256.isValidPublicKey(binding.keyX, binding.keyY)) revert KeyInvalid(binding.keyX, binding.keyY);
        bytes32 keyId = sha256(abi.encodePacked(bytes1(0x04), binding.keyX, binding.keyY));
        bytes32 holder = _podOfKey[keyId];
        if (holder != 0) revert KeyTaken(keyId, holder);

        Device memory old = _devices[podId];
        (uint40 validFrom, uint40 validUntil) = (binding.validFrom, binding.validUntil);
        if (validUntil <= validFrom || validFrom < old.validFrom) revert ValidityInvalid(podId, validFrom, validUntil);
        if (old.validUntil > validFrom) emit DeviceEnded(podId, old.keyId, dso, validFrom, REPLACED);

        _podOfKey[keyId] = podId;
        _devices[podId] = Device(keyId, validFrom, validUntil, dso);
        emit DeviceBound(podId, keyId, dso, binding.keyX, binding.keyY, validFrom, validUntil);
    }

    /// @dev DEV-1: a validity is only ever shortened, down to nothing for a key that was compromised from the start.
    function _end(uint16 dso, bytes32 podId, uint40 validUntil, bytes32 reason) private {
        Device storage device = _devices[podId];
        bytes32 keyId = device.keyId;
        (uint40 validFrom, uint40 endsAt, uint16 boundBy) = (device.validFrom, device.validUntil, device.dso);
        if (keyId == 0) revert DeviceUnknown(podId, keyId);
        if (boundBy != dso) revert DeviceOfOtherDso(podId, boundBy, dso);
        if (validUntil < validFrom || validUntil > endsAt) revert ValidityInvalid(podId, validFrom, validUntil);
        device.validUntil = validUntil;
        emit DeviceEnded(podId, keyId, dso, validUntil, reason);
    }
}
