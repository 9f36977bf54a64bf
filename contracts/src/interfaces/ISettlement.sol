// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Settlement statements: recorded, disputed, superseded, attested; never changed (STT-4)
interface ISettlement {
    /// @notice `commitment` is the salted hash of the statement; `supersedes` is the statement it replaces, or 0.
    struct Statement {
        bytes32 statementId;
        uint40 aggregate;
        uint32 product;
        uint16 day;
        bytes32 commitment;
        bytes32 supersedes;
    }

    event StatementRecorded(
        bytes32 indexed statementId,
        uint16 indexed operator,
        uint40 indexed aggregate,
        uint32 product,
        uint16 day,
        bytes32 commitment,
        bytes32 supersedes,
        uint40 disputableUntil
    );
    event StatementDisputed(bytes32 indexed statementId, uint16 indexed bsp, bytes32 reasonHash);
    event StatementAttested(bytes32 indexed statementId, uint16 indexed auditor, bool confirmed, bytes32 bundleHash);

    /// @dev STT-4: a statement is recorded once.
    error StatementExists(bytes32 statementId);
    /// @dev STT-4: no such statement.
    error StatementUnknown(bytes32 statementId);
    /// @dev STT-4: the operator settles its own products only, the day after delivery at the earliest.
    error NotSettleable(bytes32 statementId, uint32 product, uint16 operator, uint16 day);
    /// @dev STT-4: one statement in force per aggregate, product and day; a new one names the one it supersedes.
    error SupersedesWrong(bytes32 statementId, bytes32 inForce, bytes32 found);
    /// @dev STT-4: disputes come from the aggregate's BSP, within the window, once.
    error NotDisputable(bytes32 statementId, uint16 bsp, uint40 until, uint40 nowAt);

    function record(uint16 operator, Statement[] calldata statements) external;
    function dispute(uint16 bsp, bytes32 statementId, bytes32 reasonHash) external;
    function attest(uint16 auditor, bytes32 statementId, bool confirmed, bytes32 bundleHash) external;

    function inForce(uint40 aggregate, uint32 product, uint16 day) external view returns (bytes32 statementId);
}
