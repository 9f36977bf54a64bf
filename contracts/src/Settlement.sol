// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPrequalification} from "./interfaces/IPrequalification.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {Ids} from "./libraries/Ids.sol";
import {PartyKind} from "./types/Types.sol";

/// @title Settlement statements: recorded, disputed, superseded, attested; never changed (STT-4)
/// @dev What a statement says lies behind its commitment; only what these rules are decided on is stored.
contract Settlement is ISettlement, PartyGated {
    struct Recorded {
        uint16 bsp;
        uint40 disputableUntil;
        bool disputed;
    }

    uint256 private constant QUARTER_S = 15 minutes;

    IMarketSessions public immutable sessions;
    IPrequalification public immutable prequalification;
    /// @notice How long a statement can be disputed after it was recorded, in seconds.
    uint40 public immutable disputeWindowS;

    mapping(bytes32 statementId => Recorded) private _statements;
    mapping(uint256 settled => bytes32 statementId) private _inForce;

    constructor(
        IParticipants participants_,
        IMarketSessions sessions_,
        IPrequalification prequalification_,
        uint40 disputeWindowS_
    ) PartyGated(participants_) {
        sessions = sessions_;
        prequalification = prequalification_;
        disputeWindowS = disputeWindowS_;
    }

    /// @inheritdoc ISettlement
    /// @dev STT-5: TSO and DSO settle separately, each its own products.
    function record(uint16 operator, Statement[] calldata statements) external {
        PartyKind kind = participants.kindOf(operator) == PartyKind.Dso ? PartyKind.Dso : PartyKind.Tso;
        participants.requireParty(kind, operator, msg.sender);
        for (uint256 i = 0; i < statements.length; i++) {
            _record(operator, statements[i]);
        }
    }

    /// @inheritdoc ISettlement
    function dispute(uint16 bsp, bytes32 statementId, bytes32 reasonHash) external onlyParty(PartyKind.Bsp, bsp) {
        Recorded storage statement = _known(statementId);
        uint40 until = statement.disputableUntil;
        if (statement.bsp != bsp || block.timestamp >= until || statement.disputed) {
            revert NotDisputable(statementId, bsp, until, uint40(block.timestamp));
        }
        statement.disputed = true;
        emit StatementDisputed(statementId, bsp, reasonHash);
    }

    /// @inheritdoc ISettlement
    function attest(uint16 auditor, bytes32 statementId, bool confirmed, bytes32 bundleHash)
        external
        onlyParty(PartyKind.Auditor, auditor)
    {
        _known(statementId);
        emit StatementAttested(statementId, auditor, confirmed, bundleHash);
    }

    /// @inheritdoc ISettlement
    function inForce(uint40 aggregate, uint32 product, uint16 day) external view returns (bytes32 statementId) {
        return _inForce[_settledBy(aggregate, product, day)];
    }

    function _record(uint16 operator, Statement calldata statement) private {
        bytes32 statementId = statement.statementId;
        (uint40 aggregate, uint32 product, uint16 day) = (statement.aggregate, statement.product, statement.day);
        if (statementId == 0) revert StatementUnknown(statementId);
        if (_statements[statementId].disputableUntil != 0) revert StatementExists(statementId);
        _requireSettleable(operator, statementId, product, day);

        uint256 settled = _settledBy(aggregate, product, day);
        bytes32 current = _inForce[settled];
        if (statement.supersedes != current) revert SupersedesWrong(statementId, current, statement.supersedes);

        uint40 disputableUntil = uint40(block.timestamp) + disputeWindowS;
        _statements[statementId] = Recorded(Ids.ownerOf(aggregate), disputableUntil, false);
        _inForce[settled] = statementId;
        emit StatementRecorded(
            statementId, operator, aggregate, product, day, statement.commitment, statement.supersedes, disputableUntil
        );
    }

    /// @dev STT-4: an own product, and a day that is over.
    function _requireSettleable(uint16 operator, bytes32 statementId, uint32 product, uint16 day) private view {
        if (Ids.operatorOf(product) != operator) revert NotSettleable(statementId, product, operator, day);
        // slither-disable-next-line unused-return
        prequalification.productOf(product);
        IMarketSessions.DaySchedule memory schedule = sessions.scheduleOf(day);
        if (schedule.startsAt + schedule.quarters * QUARTER_S > block.timestamp) {
            revert NotSettleable(statementId, product, operator, day);
        }
    }

    function _known(bytes32 statementId) private view returns (Recorded storage found) {
        found = _statements[statementId];
        if (found.disputableUntil == 0) revert StatementUnknown(statementId);
    }

    function _settledBy(uint40 aggregate, uint32 product, uint16 day) private pure returns (uint256) {
        return uint256(aggregate) << 48 | uint256(product) << 16 | day;
    }
}
