// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {Market, PartyKind} from "./types/Types.sol";

/// @title Delivery days and the gates of their six session pairs (TIM-1, SES-1, SES-4)
contract MarketSessions is IMarketSessions, PartyGated {
    /// @dev A scheduled day in three slots. `previous` is the day scheduled before it, 0 for the first.
    struct Calendar {
        uint40 startsAt;
        uint40 baselineGate;
        uint40 opensAt;
        uint40 lastDeclaration;
        uint16 previous;
        uint8 quarters;
        uint40[6] lfpGates;
        uint40[6] msdGates;
    }

    uint256 private constant PAIRS = 6;
    uint256 private constant HOURS_PER_BLOCK = 4;
    uint256 private constant FARTHEST_UTC_OFFSET_S = 14 hours;

    mapping(uint16 day => Calendar) private _calendars;
    uint16 private _lastScheduled;

    constructor(IParticipants participants_) PartyGated(participants_) {}

    /// @inheritdoc IMarketSessions
    function scheduleDays(uint16 tso, DaySchedule[] calldata schedules) external onlyParty(PartyKind.Tso, tso) {
        for (uint256 i = 0; i < schedules.length; i++) {
            _schedule(tso, schedules[i]);
        }
    }

    /// @inheritdoc IMarketSessions
    function scheduleOf(uint16 day) external view returns (DaySchedule memory) {
        Calendar memory found = _scheduled(day);
        return DaySchedule({
            day: day,
            startsAt: found.startsAt,
            quarters: found.quarters,
            baselineGate: found.baselineGate,
            opensAt: found.opensAt,
            lfpGates: found.lfpGates,
            msdGates: found.msdGates,
            lastDeclaration: found.lastDeclaration
        });
    }

    /// @inheritdoc IMarketSessions
    function hoursOf(uint16 day) external view returns (uint8) {
        return _scheduled(day).quarters / 4;
    }

    /// @inheritdoc IMarketSessions
    function firstHourOf(uint16 day, uint8 session) external view returns (uint8) {
        uint8 quarters = _scheduled(day).quarters;
        _requireSession(session);
        return uint8(_firstHour(quarters, session));
    }

    /// @inheritdoc IMarketSessions
    function requireOpen(uint16 day, Market market, uint8 session) external view {
        Calendar storage found = _scheduled(day);
        _requireSession(session);
        uint256 pair = session - 1;
        uint40 nowAt = uint40(block.timestamp);
        uint40 opens;
        if (market == Market.Msd) opens = found.lfpGates[pair];
        else opens = pair == 0 ? found.opensAt : found.msdGates[pair - 1];
        if (nowAt < opens) revert SessionNotOpen(day, market, session, opens, nowAt);
        uint40 gate = market == Market.Msd ? found.msdGates[pair] : found.lfpGates[pair];
        if (nowAt >= gate) revert GateClosed(day, market, session, gate, nowAt);
    }

    /// @inheritdoc IMarketSessions
    function declarationDue(uint16 day, Market market, uint8 session) external view returns (uint40) {
        Calendar storage found = _scheduled(day);
        _requireSession(session);
        if (market == Market.Lfp) return found.msdGates[session - 1];
        return session < PAIRS ? found.lfpGates[session] : found.lastDeclaration;
    }

    /// @inheritdoc IMarketSessions
    /// @dev Walks back from the day scheduled last: one read per day that is scheduled and has not opened, so its cost is bounded by how far
    ///      ahead the TSO schedules (2,100 gas a day). Never falls as time passes, because days open in their order.
    function firstUnfrozenDay() external view returns (uint16) {
        uint16 day = _lastScheduled;
        if (day == 0) return uint16(block.timestamp / 1 days);
        if (_calendars[day].opensAt <= block.timestamp) return day + 1;
        uint16 previous = _calendars[day].previous;
        while (previous != 0 && _calendars[previous].opensAt > block.timestamp) {
            day = previous;
            previous = _calendars[day].previous;
        }
        return day;
    }

    function _schedule(uint16 tso, DaySchedule calldata schedule) private {
        uint16 previous = _lastScheduled;
        _requireSchedulable(schedule, previous);
        _requireGatesInOrder(schedule);
        _calendars[schedule.day] = Calendar({
            startsAt: schedule.startsAt,
            baselineGate: schedule.baselineGate,
            opensAt: schedule.opensAt,
            lastDeclaration: schedule.lastDeclaration,
            previous: previous,
            quarters: schedule.quarters,
            lfpGates: schedule.lfpGates,
            msdGates: schedule.msdGates
        });
        _lastScheduled = schedule.day;
        emit DayScheduled(
            schedule.day,
            tso,
            schedule.startsAt,
            schedule.quarters,
            schedule.baselineGate,
            schedule.opensAt,
            schedule.lfpGates,
            schedule.msdGates,
            schedule.lastDeclaration
        );
    }

    /// @dev SES-1: days come in order, touch at most, and are scheduled before they open. TIM-1: 92, 96 or 100 quarter-hours from the local
    ///      midnight of the day's date.
    function _requireSchedulable(DaySchedule calldata schedule, uint16 previous) private view {
        uint16 day = schedule.day;
        if (day <= previous) revert ScheduleInvalid(day, "day", day, previous);
        uint8 quarters = schedule.quarters;
        if (quarters != 92 && quarters != 96 && quarters != 100) revert ScheduleInvalid(day, "quarters", quarters, 96);

        uint256 midnight = uint256(day) * 1 days;
        uint256 earliest = midnight - FARTHEST_UTC_OFFSET_S;
        uint256 latest = midnight + FARTHEST_UTC_OFFSET_S;
        uint256 opensAfter = block.timestamp;
        if (previous != 0) {
            Calendar storage before = _calendars[previous];
            uint256 ended = _endOf(before.startsAt, before.quarters);
            if (ended > earliest) earliest = ended;
            if (before.opensAt > opensAfter) opensAfter = before.opensAt;
        }
        if (schedule.startsAt < earliest) revert ScheduleInvalid(day, "startsAt", schedule.startsAt, earliest);
        if (schedule.startsAt > latest) revert ScheduleInvalid(day, "startsAt", schedule.startsAt, latest);
        if (schedule.baselineGate > schedule.startsAt) {
            revert ScheduleInvalid(day, "baselineGate", schedule.baselineGate, schedule.startsAt);
        }
        if (schedule.opensAt <= opensAfter) revert ScheduleInvalid(day, "opensAt", schedule.opensAt, opensAfter);
    }

    /// @dev SES-1: every gate stands after the one before it, an MSD gate no later than its block of hours starts.
    function _requireGatesInOrder(DaySchedule calldata schedule) private pure {
        uint16 day = schedule.day;
        uint256 before = schedule.opensAt;
        for (uint256 pair = 0; pair < PAIRS; pair++) {
            uint256 lfpGate = schedule.lfpGates[pair];
            if (lfpGate <= before) revert ScheduleInvalid(day, _indexed("lfpGates[0]", 9, pair), lfpGate, before);
            uint256 msdGate = schedule.msdGates[pair];
            if (msdGate <= lfpGate) revert ScheduleInvalid(day, _indexed("msdGates[0]", 9, pair), msdGate, lfpGate);
            uint256 blockStart = schedule.startsAt + _firstHour(schedule.quarters, pair + 1) * 1 hours;
            if (msdGate > blockStart) revert ScheduleInvalid(day, _indexed("msdGates[0]", 9, pair), msdGate, blockStart);
            before = msdGate;
        }
        if (schedule.lastDeclaration <= before) {
            revert ScheduleInvalid(day, "lastDeclaration", schedule.lastDeclaration, before);
        }
    }

    function _scheduled(uint16 day) private view returns (Calendar storage found) {
        found = _calendars[day];
        if (found.quarters == 0) revert DayNotScheduled(day);
    }

    function _requireSession(uint8 session) private pure {
        if (session == 0 || session > PAIRS) revert SessionUnknown(session);
    }

    /// @dev Blocks follow the local clock: on a day of 23 or 25 hours the first block has 3 or 5.
    function _firstHour(uint256 quarters, uint256 session) private pure returns (uint256) {
        return session == 1 ? 0 : HOURS_PER_BLOCK * (session - 1) + quarters / 4 - 24;
    }

    function _endOf(uint256 startsAt, uint256 quarters) private pure returns (uint256) {
        return startsAt + quarters * 15 minutes;
    }

    /// @dev The name with the digit at `place` raised by `index`.
    function _indexed(bytes32 name, uint256 place, uint256 index) private pure returns (bytes32) {
        return bytes32(uint256(name) + (index << 8 * (31 - place)));
    }
}
