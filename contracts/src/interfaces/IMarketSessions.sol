// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Market} from "../types/Types.sol";

/// @title Delivery days and the gates of their six session pairs (TIM-1, SES-1, SES-4)
/// @notice Pair k: LFP k is open from the end of the pair before it (pair 1: `opensAt`) to `lfpGates[k-1]`, then MSD k to `msdGates[k-1]`.
///         A window is half-open: a transaction at the gate's second is late.
interface IMarketSessions {
    struct DaySchedule {
        uint16 day;
        uint40 startsAt;
        uint8 quarters;
        uint40 baselineGate;
        uint40 opensAt;
        uint40[6] lfpGates;
        uint40[6] msdGates;
        uint40 lastDeclaration;
    }

    event DayScheduled(
        uint16 indexed day,
        uint16 indexed tso,
        uint40 startsAt,
        uint8 quarters,
        uint40 baselineGate,
        uint40 opensAt,
        uint40[6] lfpGates,
        uint40[6] msdGates,
        uint40 lastDeclaration
    );

    /// @dev SES-1: days are scheduled in order, once, before they open; `field` names the entry that breaks the order
    ///      (gates strictly rise, an MSD gate stands before its block of hours starts).
    error ScheduleInvalid(uint16 day, bytes32 field, uint256 found, uint256 limit);
    /// @dev SES-1: nothing is scheduled for this day.
    error DayNotScheduled(uint16 day);
    /// @dev SES-4: the window of this session has not opened yet.
    error SessionNotOpen(uint16 day, Market market, uint8 session, uint40 opensAt, uint40 nowAt);
    /// @dev SES-4: the gate of this session has closed.
    error GateClosed(uint16 day, Market market, uint8 session, uint40 gate, uint40 nowAt);
    /// @dev SES-1: there are sessions 1 to 6.
    error SessionUnknown(uint8 session);

    function scheduleDays(uint16 tso, DaySchedule[] calldata schedules) external;

    function scheduleOf(uint16 day) external view returns (DaySchedule memory);
    /// @notice Hours of the day (23, 24 or 25); reverts with DayNotScheduled.
    function hoursOf(uint16 day) external view returns (uint8);
    /// @notice First hour that session k may still plan: 0 for k = 1, else 4(k-1) corrected by the clock change.
    function firstHourOf(uint16 day, uint8 session) external view returns (uint8);
    /// @notice Reverts unless the window of this session is open now.
    function requireOpen(uint16 day, Market market, uint8 session) external view;
    /// @notice Until when the outcome of a session can be declared: the next gate; after MSD 6 `lastDeclaration` (SES-3, SES-4).
    function declarationDue(uint16 day, Market market, uint8 session) external view returns (uint40);
    /// @notice The first delivery day whose LFP 1 has not opened: from here changes take effect (AGG-2, DTL-1).
    function firstUnfrozenDay() external view returns (uint16);
}
