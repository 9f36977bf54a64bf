// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../interfaces/IMarket.sol";
import {IPrequalification} from "../interfaces/IPrequalification.sol";
import {HourCellsLib as Cells} from "../libraries/HourCellsLib.sol";
import {HourTables} from "../libraries/HourTables.sol";
import {Ids} from "../libraries/Ids.sol";
import {Scratch} from "../libraries/Scratch.sol";
import {SelectionRecord} from "../libraries/SelectionRecord.sol";
import {SelectionRules} from "../libraries/SelectionRules.sol";
import {Market as MarketSide, PartyKind, Scope} from "../types/Types.sol";
import {MarketBook} from "./MarketBook.sol";

/// @title Outcomes of the sessions: what an operator selects (SES-2..4, DTL-3, DTL-4)
abstract contract Selections is MarketBook {
    using SelectionRecord for SelectionRecord.Slots;
    using HourTables for uint256[4];

    /// @dev The session in which an operator selects.
    struct Turn {
        uint16 operator;
        uint16 day;
        uint8 session;
        bool isGlobal;
        uint256 hours_;
        uint256 firstHour;
    }

    uint256 private constant MAX_CHAIN = 4;

    /// @inheritdoc IMarket
    function selectLocal(uint16 dso, uint16 day, uint8 session, Selection[] calldata selections)
        external
        onlyParty(PartyKind.Dso, dso)
    {
        _selectAll(_turn(dso, day, session, false), selections);
        for (uint256 i = 0; i < selections.length; i++) {
            _requireOneDirection(selections[i].perimeter, day);
        }
    }

    /// @inheritdoc IMarket
    function selectGlobal(uint16 tso, uint16 day, uint8 session, Selection[] calldata selections)
        external
        onlyParty(PartyKind.Tso, tso)
    {
        _selectAll(_turn(tso, day, session, true), selections);
    }

    /// @dev SES-4: the session is open now.
    function _turn(uint16 operator, uint16 day, uint8 session, bool isGlobal) private view returns (Turn memory) {
        sessions.requireOpen(day, _sideOf(isGlobal), session);
        return Turn(operator, day, session, isGlobal, sessions.hoursOf(day), sessions.firstHourOf(day, session));
    }

    function _selectAll(Turn memory turn, Selection[] calldata selections) private {
        uint256 scratch = Scratch.mark();
        for (uint256 i = 0; i < selections.length; i++) {
            _select(turn, selections[i]);
            Scratch.reuse(scratch);
        }
    }

    function _select(Turn memory turn, Selection calldata selection) private {
        // 1. The operator's own product and grid, an aggregate of its market, qualified now.
        uint32 product = _requireEntitled(turn, selection);
        // 2. One outcome per session, of the same operator; definitive hours stay as they are (SES-2, SES-4).
        SelectionRecord.Slots memory record = _selections[_key(selection.aggregate, selection.perimeter, turn.day)];
        _requireRevisable(turn, selection, record);
        lights.requireInForce(selection.perimeter, turn.day);
        // 3. Where the selection rises: PODs are left for it (SES-2, SES-3), and the grid takes it (DTL-2..4).
        (uint256 oldLo, uint256 oldHi) = record.cells();
        uint256[4] memory before = HourTables.split(oldLo, oldHi);
        uint256[4] memory wanted = HourTables.split(selection.cells.lo, selection.cells.hi);
        uint256[4] memory rising = wanted.above(before);
        uint256 risingHours = rising.hoursOf();
        if (risingHours != 0) {
            _requireAvailable(turn, selection, wanted, rising);
            if (turn.isGlobal) _requireCapability(turn, selection.perimeter, before, wanted, rising);
        }
        // 4. Record it: sums per perimeter, and the hours that are still declared for.
        _replaceInSums(turn, selection.perimeter, before, wanted);
        _selections[_key(selection.aggregate, selection.perimeter, turn.day)] = SelectionRecord.pack(
            selection.cells.lo,
            selection.cells.hi,
            turn.session,
            turn.operator,
            turn.isGlobal,
            record.declaredHours() & ~risingHours
        );
        _emitRecorded(turn, selection, product);
    }

    /// @dev SES-3 (scope), SES-4 (product, perimeter), PRQ-1 and TOE-1 (qualification).
    function _requireEntitled(Turn memory turn, Selection calldata selection) private view returns (uint32 product) {
        if (pods.scopeOf(selection.aggregate) != (turn.isGlobal ? Scope.Global : Scope.Local)) {
            revert WrongScope(selection.aggregate, _sideOf(turn.isGlobal));
        }
        uint256 length = selection.chain.length;
        if (length == 0) revert IPrequalification.ChainMalformed(0, 0, MAX_CHAIN);
        product = selection.chain[length - 1];
        if (
            Ids.operatorOf(product) != turn.operator
                || (!turn.isGlobal && Ids.ownerOf(selection.perimeter) != turn.operator)
        ) {
            revert NotOwnProduct(product, turn.operator);
        }
        prequalification.requireQualified(
            selection.aggregate, selection.testedAggregate, selection.chain, turn.day, uint40(block.timestamp)
        );
    }

    function _requireRevisable(Turn memory turn, Selection calldata selection, SelectionRecord.Slots memory record)
        private
        pure
    {
        (uint40 aggregate, uint40 perimeter) = (selection.aggregate, selection.perimeter);
        uint8 last = record.sessionOf();
        if (turn.session <= last) revert OutcomeDuplicate(aggregate, perimeter, turn.day, turn.session);
        if (last != 0 && record.operatorOf() != turn.operator) {
            revert SelectionOfOther(aggregate, perimeter, turn.day, record.operatorOf(), turn.operator);
        }
        (uint256 newLo, uint256 newHi) = (selection.cells.lo, selection.cells.hi);
        if (!SelectionRules.wellFormed(newLo, newHi, turn.hours_)) revert SelectionMalformed(aggregate, perimeter, turn.day);
        (uint256 lo, uint256 hi) = record.cells();
        uint256 changed = SelectionRules.changedBefore(turn.firstHour, lo, hi, newLo, newHi);
        if (changed != 0) {
            uint8 hour = Cells.first(changed);
            revert HourDefinitive(
                aggregate, perimeter, turn.day, hour, Cells.cellAt(lo, hi, hour), Cells.cellAt(newLo, newHi, hour)
            );
        }
    }

    /// @dev SES-2, SES-3: what the other market has, or may still have, is not there for this one.
    function _requireAvailable(Turn memory turn, Selection calldata selection, uint256[4] memory wanted, uint256[4] memory rising)
        private
        view
    {
        uint256[4] memory left = _available(selection.aggregate, turn.isGlobal, selection.perimeter, turn.day);
        uint256 short = _both(rising, wanted.above(left)).hoursOf();
        if (short == 0) return;
        uint8 hour = Cells.first(short);
        bool down = wanted.kwAt(hour, true) != 0;
        revert PodsUnavailable(
            selection.aggregate, selection.perimeter, turn.day, hour, down, wanted.kwAt(hour, down), left.kwAt(hour, down)
        );
    }

    /// @dev DTL-4: over all aggregates, no more than the capability in force. Only rising cells are held against it: later lights never undo
    ///      what was validly selected.
    function _requireCapability(
        Turn memory turn,
        uint40 perimeter,
        uint256[4] memory before,
        uint256[4] memory wanted,
        uint256[4] memory rising
    ) private view {
        Capability memory capability = _capability(perimeter, turn.day);
        if (capability.session == 0) revert LightsMissing(perimeter, turn.day);
        uint256[4] storage use = _globalUse[_key(perimeter, turn.day)];
        uint256[4] memory total;
        uint256[4] memory beyond;
        for (uint256 i = 0; i < 4; i++) {
            if (rising[i] == 0) continue;
            total[i] = use[i] - before[i] + wanted[i];
            beyond[i] = rising[i] & ~_fits(total[i], capability.inForce[i]);
        }
        uint256 hours_ = beyond.hoursOf();
        if (hours_ != 0) _revertBeyond(perimeter, turn.day, Cells.first(hours_), wanted, total, capability);
    }

    /// @dev Flags of the cells in which a total, which may have grown into the guard bit, stays within the capability.
    function _fits(uint256 total, uint256 capability) private pure returns (uint256) {
        return Cells.atLeast(capability & Cells.POWERS, total & Cells.POWERS) & ~Cells.downFlags(total);
    }

    /// @dev DTL-2 (published red), DTL-3 (red because of the local plan), DTL-4 (more than the capability).
    function _revertBeyond(
        uint40 perimeter,
        uint16 day,
        uint8 hour,
        uint256[4] memory wanted,
        uint256[4] memory total,
        Capability memory capability
    ) private view {
        bool down = wanted.kwAt(hour, true) != 0;
        if (capability.published.kwAt(hour, down) == 0) revert RedLight(perimeter, day, hour, down, wanted.kwAt(hour, down));
        uint256 opposite = HourTables.kwAt(_localPlan[_key(perimeter, day)], hour, !down);
        if (opposite != 0) revert OppositeToLocal(perimeter, day, hour, down, wanted.kwAt(hour, down), opposite);
        uint256 i = down ? 2 : 0;
        uint256 totalKw = Cells.cellAt(total[i], total[i + 1], hour);
        revert CapabilityExceeded(perimeter, day, hour, down, totalKw, capability.inForce.kwAt(hour, down));
    }

    function _replaceInSums(Turn memory turn, uint40 perimeter, uint256[4] memory before, uint256[4] memory wanted) private {
        uint256 key = _key(perimeter, turn.day);
        uint256[4] storage sums = turn.isGlobal ? _globalUse[key] : _localPlan[key];
        for (uint256 i = 0; i < 4; i++) {
            if (before[i] != wanted[i]) sums[i] = _add(sums[i] - before[i], wanted[i], i);
        }
    }

    /// @dev DTL-3: no local activations in both directions in one perimeter and hour; asked once the whole outcome is in.
    function _requireOneDirection(uint40 perimeter, uint16 day) private view {
        uint256[4] storage plan = _localPlan[_key(perimeter, day)];
        uint256 both = Cells.hoursOf(
            Cells.positive(plan[0]) & Cells.positive(plan[2]), Cells.positive(plan[1]) & Cells.positive(plan[3])
        );
        if (both != 0) revert LocalBothDirections(perimeter, day, Cells.first(both));
    }

    function _both(uint256[4] memory a, uint256[4] memory b) private pure returns (uint256[4] memory flags) {
        for (uint256 i = 0; i < 4; i++) {
            flags[i] = a[i] & b[i];
        }
    }

    function _emitRecorded(Turn memory turn, Selection calldata selection, uint32 product) private {
        emit SelectionRecorded(
            selection.aggregate,
            selection.perimeter,
            turn.day,
            _sideOf(turn.isGlobal),
            turn.session,
            turn.operator,
            product,
            selection.testedAggregate,
            selection.chain,
            selection.cells,
            selection.commitment
        );
    }
}
