// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Device keys and anchored checkpoints (DEV-1, LOG-2)
interface IMeasurements {
    /// @notice A P-256 key bound to a POD for [validFrom, validUntil). `keyId` of an event is SHA-256(0x04 || x || y).
    struct Binding {
        bytes32 podId;
        bytes32 keyX;
        bytes32 keyY;
        uint40 validFrom;
        uint40 validUntil;
    }

    event DeviceBound(
        bytes32 indexed podId, bytes32 indexed keyId, uint16 indexed dso, bytes32 keyX, bytes32 keyY, uint40 validFrom, uint40 validUntil
    );
    /// @notice From `validUntil` on the key signs for nobody; earlier readings stay verifiable.
    event DeviceEnded(bytes32 indexed podId, bytes32 indexed keyId, uint16 indexed dso, uint40 validUntil, bytes32 reason);
    /// @notice LOG-2: `witnesses` is how many cosignatures of this very checkpoint the node held, as it says; they stand under the
    ///         published checkpoint, where anybody can count them again.
    event CheckpointAnchored(bytes32 indexed logId, uint16 indexed node, uint64 size, bytes32 root, uint8 witnesses);

    /// @dev DEV-1: the POD is another DSO's, or unknown.
    error DeviceOfOtherDso(bytes32 podId, uint16 dso, uint16 caller);
    /// @dev DEV-1: the key is not a point of P-256.
    error KeyInvalid(bytes32 keyX, bytes32 keyY);
    /// @dev DEV-1: a key belongs to one POD, ever.
    error KeyTaken(bytes32 keyId, bytes32 podId);
    /// @dev DEV-1: validity ends after it starts, and starts no earlier than the one it replaces.
    error ValidityInvalid(bytes32 podId, uint40 validFrom, uint40 validUntil);
    /// @dev DEV-1: the POD has no such device.
    error DeviceUnknown(bytes32 podId, bytes32 keyId);
    /// @dev LOG-2: a log belongs to the access node that anchored it first.
    error LogOfOther(bytes32 logId, uint16 node, uint16 caller);
    /// @dev LOG-2: a log only grows.
    error LogShrinks(bytes32 logId, uint64 anchored, uint64 found);
    /// @dev LOG-2: one size has one root.
    error LogForks(bytes32 logId, uint64 size, bytes32 anchored, bytes32 found);

    function bindDevices(uint16 dso, Binding[] calldata bindings) external;
    function endDevices(uint16 dso, bytes32[] calldata podIds, uint40[] calldata validUntil, bytes32 reason) external;
    /// @param witnesses how many witnesses cosigned the checkpoint, recorded with it and enforced by nobody: a verifier that asks for
    ///        a quorum counts the cosignatures themselves.
    function anchor(uint16 node, bytes32 logId, uint64 size, bytes32 root, uint8 witnesses) external;

    function checkpointOf(bytes32 logId) external view returns (uint16 node, uint64 size, bytes32 root);
    /// @notice The POD's latest key and its validity (all zero if it never had one).
    function deviceOf(bytes32 podId) external view returns (bytes32 keyId, uint40 validFrom, uint40 validUntil);
}
