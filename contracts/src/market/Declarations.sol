// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketSessions} from "../interfaces/IMarketSessions.sol";
import {IPods} from "../interfaces/IPods.sol";
import {HourCellsLib as Cells} from "../libraries/HourCellsLib.sol";
import {HourTables} from "../libraries/HourTables.sol";
import {Ids} from "../libraries/Ids.sol";
import {PodWord} from "../libraries/PodWord.sol";
import {QuarterMasks} from "../libraries/QuarterMasks.sol";
import {SelectionRecord} from "../libraries/SelectionRecord.sol";
import {HourCells, Market as MarketSide, PartyKind, Scope} from "../types/Types.sol";
import {MarketBook} from "./MarketBook.sol";

/// @title Which PODs fulfil a selection: declared by the BSP, who alone knows (SES-3, SES-4, SES-6)
/// @dev PODs of a batch are booked in *runs* with the same other aggregate and the same hours, so that the words of kW are touched once per run.
abstract contract Declarations is MarketBook {
    using SelectionRecord for SelectionRecord.Slots;
    using HourTables for uint256[4];

    /// @dev The aggregate that a BSP declares for, and what its batch has changed so far.
    struct Desk {
        uint40 aggregate;
        uint40 perimeter;
        uint16 day;
        bool isGlobal;
        SelectionRecord.Slots record;
        uint256 allowed;
        uint256 selectedQuarters;
        uint256 upQuarters;
        uint256 downQuarters;
        uint256[4] declared;
        Other other;
        Run run;
    }

    /// @dev The aggregate of the other market in which the PODs of the current run are too (0: none).
    struct Other {
        uint40 aggregate;
        uint256 committed;
        uint256 touchedHours;
        uint256[4] taken;
    }

    /// @dev PODs with the same other aggregate whose declaration changes in the same hours, and their granted kW.
    struct Run {
        uint256 hours_;
        uint256 upKw;
        uint256 downKw;
    }

    uint256 private constant SESSIONS = 6;

    /// @inheritdoc IMarket
    function declare(uint16 bsp, uint40 aggregate, uint40 perimeter, uint16 day, PodQuarters[] calldata items, bool complete)
        external
        onlyParty(PartyKind.Bsp, bsp)
    {
        // 1. Something is selected, and its declaration is not due yet (SES-4).
        Desk memory desk = _desk(bsp, aggregate, perimeter, day);
        uint256 hours_ = _requireInTime(desk);
        desk.allowed = QuarterMasks.quartersOf(hours_);
        // 2. Each POD: of this pool, for selected quarters, not serving the other market (SES-3).
        uint256[] memory words = _wordsOf(items, day);
        for (uint256 i = 0; i < items.length; i++) {
            _declare(desk, items[i].podId, items[i].quarters, words[i]);
        }
        // 3. Book the last run; the other market stays covered (SES-3).
        _book(desk, true);
        _leaveOther(desk, true);
        _declared[_deskKey(desk)] = desk.declared;
        // 4. The BSP has said all: the rest is available again, what is missing is recorded (SES-3).
        if (complete) _complete(desk, hours_);
    }

    /// @inheritdoc IMarket
    function release(uint16 bsp, uint40 aggregate, uint40 perimeter, uint16 day, PodQuarters[] calldata items)
        external
        onlyParty(PartyKind.Bsp, bsp)
    {
        // 1. Only hours that are still preliminary (SES-6).
        Desk memory desk = _desk(bsp, aggregate, perimeter, day);
        uint256 hours_ = sessions.hoursOf(day);
        desk.allowed = QuarterMasks.quartersOf(_hoursFrom(_firstPreliminaryHour(desk, hours_), hours_));
        // 2. Each POD: of this pool, declared in these quarters.
        uint256[] memory words = _wordsOf(items, day);
        uint256 touched;
        for (uint256 i = 0; i < items.length; i++) {
            touched |= _release(desk, items[i].podId, items[i].quarters, words[i]);
        }
        _book(desk, false);
        _leaveOther(desk, false);
        // 3. What stays declared covers what stays selected (SES-6).
        _requireCovered(desk, touched);
        _declared[_deskKey(desk)] = desk.declared;
    }

    /// @dev The selection of an aggregate of this BSP, ready to declare for.
    function _desk(uint16 bsp, uint40 aggregate, uint40 perimeter, uint16 day) private view returns (Desk memory desk) {
        if (Ids.ownerOf(aggregate) != bsp) revert IPods.AggregateOfOther(aggregate, bsp);
        uint256 key = _key(aggregate, perimeter, day);
        desk.record = _selections[key];
        if (desk.record.sessionOf() == 0) revert NothingSelected(aggregate, perimeter, day, 0);
        desk.aggregate = aggregate;
        desk.perimeter = perimeter;
        desk.day = day;
        desk.isGlobal = desk.record.isGlobal();
        desk.declared = _declared[key];
        uint256 selected = desk.record.selectedHours();
        uint256 down = Cells.hoursOf(Cells.downFlags(desk.record.lo), Cells.downFlags(desk.record.hi)) & selected;
        desk.selectedQuarters = QuarterMasks.quartersOf(selected);
        desk.downQuarters = QuarterMasks.quartersOf(down);
        desk.upQuarters = desk.selectedQuarters ^ desk.downQuarters;
    }

    /// @dev SES-4: before the next gate. Returns the hours that may be declared: those that no earlier session made definitive.
    function _requireInTime(Desk memory desk) private view returns (uint256 hours_) {
        uint8 session = desk.record.sessionOf();
        uint40 due = sessions.declarationDue(desk.day, _sideOf(desk.isGlobal), session);
        if (block.timestamp >= due) {
            revert DeclarationLate(desk.aggregate, desk.perimeter, desk.day, due, uint40(block.timestamp));
        }
        return _hoursFrom(sessions.firstHourOf(desk.day, session), sessions.hoursOf(desk.day));
    }

    function _wordsOf(PodQuarters[] calldata items, uint16 day) private view returns (uint256[] memory) {
        bytes32[] memory podIds = new bytes32[](items.length);
        for (uint256 i = 0; i < items.length; i++) {
            podIds[i] = items[i].podId;
        }
        return pods.wordsAt(podIds, day);
    }

    function _declare(Desk memory desk, bytes32 podId, uint128 quarters, uint256 pod) private {
        _requireInPool(desk, podId, pod);
        _requireDeclarable(desk, podId, quarters, pod);
        (uint256 own, uint256 others) = _quartersOf(podId, desk.day, desk.isGlobal);
        _enter(desk, PodWord.aggregateOf(pod, desk.isGlobal ? Scope.Local : Scope.Global), true);
        uint256 taken = quarters & (QuarterMasks.quartersOf(QuarterMasks.hoursOf(others)) | desk.other.committed);
        if (taken != 0) {
            revert PodServesOtherMarket(podId, desk.day, _hourOf(taken), _sideOf(!desk.isGlobal));
        }
        _collect(desk, QuarterMasks.hoursOf(quarters) & ~QuarterMasks.hoursOf(own), pod, true);
        _store(podId, desk, own | quarters, others);
        emit PodDeclared(podId, desk.aggregate, desk.day, desk.perimeter, _sideOf(desk.isGlobal), quarters);
    }

    function _release(Desk memory desk, bytes32 podId, uint128 quarters, uint256 pod) private returns (uint256 freed) {
        _requireInPool(desk, podId, pod);
        (uint256 own, uint256 others) = _quartersOf(podId, desk.day, desk.isGlobal);
        uint256 allowed = desk.allowed & own;
        if (quarters == 0 || quarters & ~allowed != 0) revert QuartersInvalid(podId, desk.day, quarters, allowed);
        _enter(desk, PodWord.aggregateOf(pod, desk.isGlobal ? Scope.Local : Scope.Global), false);
        uint256 rest = own & ~uint256(quarters);
        freed = QuarterMasks.hoursOf(own) & ~QuarterMasks.hoursOf(rest);
        _collect(desk, freed, pod, false);
        _store(podId, desk, rest, others);
        emit PodReleased(podId, desk.aggregate, desk.day, desk.perimeter, _sideOf(desk.isGlobal), quarters);
    }

    /// @dev SES-3: an active member of the aggregate, in this perimeter, as of the day.
    function _requireInPool(Desk memory desk, bytes32 podId, uint256 pod) private pure {
        uint40 memberOf = PodWord.aggregateOf(pod, desk.isGlobal ? Scope.Global : Scope.Local);
        if (memberOf != desk.aggregate || PodWord.perimeterOf(pod) != desk.perimeter) _revertNotInPool(desk, podId);
    }

    /// @dev SES-3, SES-6: quarters of hours that are selected and not settled by an earlier session, with power in their direction.
    function _requireDeclarable(Desk memory desk, bytes32 podId, uint256 quarters, uint256 pod) private pure {
        if (quarters == 0 || quarters & ~desk.allowed != 0) revert QuartersInvalid(podId, desk.day, quarters, desk.allowed);
        uint256 unselected = quarters & ~desk.selectedQuarters;
        if (unselected != 0) revert NothingSelected(desk.aggregate, desk.perimeter, desk.day, _hourOf(unselected));
        (uint24 upKw, uint24 downKw) = PodWord.grantedOf(pod);
        if (upKw == 0 && quarters & desk.upQuarters != 0) _revertNotInPool(desk, podId);
        if (downKw == 0 && quarters & desk.downQuarters != 0) _revertNotInPool(desk, podId);
    }

    /// @dev Turns to the other aggregate of the next POD; the one before is booked and left.
    function _enter(Desk memory desk, uint40 aggregate, bool declaring) private {
        if (desk.other.aggregate == aggregate) return;
        _book(desk, declaring);
        _leaveOther(desk, declaring);
        desk.other.aggregate = aggregate;
        desk.other.committed = 0;
        desk.other.touchedHours = 0;
        if (aggregate == 0) return;
        desk.other.taken = _taken[_key(desk.aggregate, aggregate, desk.perimeter, desk.day)];
        if (declaring) desk.other.committed = QuarterMasks.quartersOf(_committedByDefault(desk, aggregate));
    }

    /// @dev SES-3: hours in which the other aggregate is selected and its BSP did not declare in time: all of its PODs serve there.
    function _committedByDefault(Desk memory desk, uint40 aggregate) private view returns (uint256) {
        SelectionRecord.Slots memory record = _selections[_key(aggregate, desk.perimeter, desk.day)];
        uint256 open = record.openHours();
        if (open == 0) return 0;
        uint8 session = record.sessionOf();
        if (block.timestamp >= sessions.declarationDue(desk.day, _sideOf(!desk.isGlobal), session)) return open;
        return open & (1 << sessions.firstHourOf(desk.day, session)) - 1;
    }

    /// @dev Adds a POD to the run; another mask of hours begins a new one.
    function _collect(Desk memory desk, uint256 hours_, uint256 pod, bool declaring) private pure {
        if (hours_ == 0) return;
        Run memory run = desk.run;
        if (run.hours_ != hours_) {
            _book(desk, declaring);
            run.hours_ = hours_;
        }
        (uint24 upKw, uint24 downKw) = PodWord.grantedOf(pod);
        run.upKw += upKw;
        run.downKw += downKw;
    }

    /// @dev Books the run: kW declared to the aggregate, and kW of those PODs that the other aggregate can't use meanwhile.
    function _book(Desk memory desk, bool declaring) private pure {
        Run memory run = desk.run;
        if (run.hours_ == 0) return;
        _requireCountable(Cells.first(run.hours_), run.upKw);
        _requireCountable(Cells.first(run.hours_), run.downKw);
        (uint256 lo, uint256 hi) = Cells.flagsOf(run.hours_);
        bool isShared = desk.other.aggregate != 0;
        for (uint256 i = 0; i < 4; i++) {
            uint256 word = (i & 1 == 0 ? lo : hi) * (i < 2 ? run.upKw : run.downKw);
            desk.declared[i] = declaring ? _add(desk.declared[i], word, i) : desk.declared[i] - word;
            if (isShared) desk.other.taken[i] = declaring ? _add(desk.other.taken[i], word, i) : desk.other.taken[i] - word;
        }
        desk.other.touchedHours |= run.hours_;
        (run.hours_, run.upKw, run.downKw) = (0, 0, 0);
    }

    /// @dev Stores what is taken from the other aggregate, and checks that it stays covered.
    function _leaveOther(Desk memory desk, bool declaring) private {
        Other memory other = desk.other;
        if (other.aggregate == 0 || other.touchedHours == 0) return;
        uint256[4] storage taken = _taken[_key(desk.aggregate, other.aggregate, desk.perimeter, desk.day)];
        for (uint256 i = 0; i < 4; i++) {
            if (taken[i] != other.taken[i]) taken[i] = other.taken[i];
        }
        if (declaring) _requireOtherCovered(desk, other);
    }

    /// @dev SES-3: what the other market selected, and has not been declared for, is still covered by PODs left to it.
    function _requireOtherCovered(Desk memory desk, Other memory other) private view {
        SelectionRecord.Slots memory record = _selections[_key(other.aggregate, desk.perimeter, desk.day)];
        uint256 pending = record.openHours() & other.touchedHours;
        if (pending == 0) return;
        (uint256 lo, uint256 hi) = record.cells();
        uint256[4] memory selected = HourTables.split(lo, hi);
        uint256[4] memory left = _available(other.aggregate, !desk.isGlobal, desk.perimeter, desk.day);
        uint256 uncovered = selected.above(left).hoursOf() & pending;
        if (uncovered == 0) return;
        uint8 hour = Cells.first(uncovered);
        bool down = Cells.isDown(record.cellAt(hour));
        revert OtherMarketUncovered(
            other.aggregate, desk.perimeter, desk.day, hour, selected.kwAt(hour, down), left.kwAt(hour, down)
        );
    }

    function _complete(Desk memory desk, uint256 hours_) private {
        SelectionRecord.Slots memory record = desk.record;
        uint256 declared = record.declaredHours() | (record.selectedHours() & hours_);
        record.setDeclared(declared);
        _selections[_deskKey(desk)] = record;
        emit DeclarationCompleted(
            desk.aggregate,
            desk.perimeter,
            desk.day,
            _sideOf(desk.isGlobal),
            record.sessionOf(),
            _shortfall(record, desk.declared, declared)
        );
    }

    /// @dev SES-3: per hour, the kW selected beyond the kW declared.
    function _shortfall(SelectionRecord.Slots memory record, uint256[4] memory declared, uint256 hours_)
        private
        pure
        returns (HourCells memory)
    {
        (uint256 lo, uint256 hi) = record.cells();
        uint256[4] memory selected = HourTables.split(lo, hi);
        (uint256 flagsLo, uint256 flagsHi) = Cells.flagsOf(hours_);
        return HourCells(
            (Cells.saturatingSub(selected[0], declared[0]) | Cells.saturatingSub(selected[2], declared[2])) & Cells.fill(flagsLo),
            (Cells.saturatingSub(selected[1], declared[1]) | Cells.saturatingSub(selected[3], declared[3])) & Cells.fill(flagsHi)
        );
    }

    function _requireCovered(Desk memory desk, uint256 touched) private pure {
        (uint256 lo, uint256 hi) = desk.record.cells();
        uint256[4] memory selected = HourTables.split(lo, hi);
        uint256 uncovered = selected.above(desk.declared).hoursOf() & touched;
        if (uncovered == 0) return;
        uint8 hour = Cells.first(uncovered);
        bool down = Cells.isDown(desk.record.cellAt(hour));
        revert ReleaseUncovered(
            desk.aggregate, desk.perimeter, desk.day, hour, selected.kwAt(hour, down), desk.declared.kwAt(hour, down)
        );
    }

    /// @dev SES-6: the hours of a session are definitive once it has recorded an outcome, or its gate has passed.
    function _firstPreliminaryHour(Desk memory desk, uint256 hours_) private view returns (uint256) {
        IMarketSessions.DaySchedule memory schedule = sessions.scheduleOf(desk.day);
        uint40[6] memory gates = desk.isGlobal ? schedule.msdGates : schedule.lfpGates;
        uint8 passed = desk.record.sessionOf();
        while (passed < SESSIONS && gates[passed] <= block.timestamp) passed++;
        return passed == SESSIONS ? hours_ : sessions.firstHourOf(desk.day, passed + 1);
    }

    function _quartersOf(bytes32 podId, uint16 day, bool isGlobal) internal view returns (uint256 own, uint256 others) {
        uint256 word = _podQuarters[podId][day];
        (uint256 local, uint256 global_) = (word & QUARTERS_MASK, word >> GLOBAL_QUARTERS_SHIFT);
        return isGlobal ? (global_, local) : (local, global_);
    }

    function _store(bytes32 podId, Desk memory desk, uint256 own, uint256 others) private {
        _podQuarters[podId][desk.day] =
            desk.isGlobal ? own << GLOBAL_QUARTERS_SHIFT | others : others << GLOBAL_QUARTERS_SHIFT | own;
    }

    function _deskKey(Desk memory desk) private pure returns (uint256) {
        return _key(desk.aggregate, desk.perimeter, desk.day);
    }

    /// @dev Hours in [first, end), one bit each.
    function _hoursFrom(uint256 first, uint256 end) private pure returns (uint256) {
        return (1 << end) - (1 << first);
    }

    function _hourOf(uint256 quarters) private pure returns (uint8) {
        return Cells.first(QuarterMasks.hoursOf(quarters));
    }

    function _revertNotInPool(Desk memory desk, bytes32 podId) private pure {
        revert PodNotInPool(podId, desk.aggregate, desk.perimeter, desk.day);
    }
}
