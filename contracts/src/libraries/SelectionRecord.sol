// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCellsLib as Cells} from "./HourCellsLib.sol";

/// @title The last selection of an aggregate in a perimeter on a day, with the state of its declaration, in two slots
/// @dev lo: cells of hours 0..12, session (3 bits from 234), operator (16), global market (1). hi: cells of hours 13..24 (216 bits), then 25 bits,
///      one per hour whose declaration is complete (SES-3). All zero: nothing was ever selected.
library SelectionRecord {
    struct Slots {
        uint256 lo;
        uint256 hi;
    }

    uint256 private constant SESSION_SHIFT = 234;
    uint256 private constant OPERATOR_SHIFT = 237;
    uint256 private constant GLOBAL_SHIFT = 253;
    uint256 private constant DECLARED_SHIFT = 216;
    uint256 private constant HOURS = 2 ** 25 - 1;

    function pack(uint256 lo, uint256 hi, uint8 session, uint16 operator, bool global_, uint256 declared)
        internal
        pure
        returns (Slots memory)
    {
        lo |= uint256(session) << SESSION_SHIFT | uint256(operator) << OPERATOR_SHIFT;
        if (global_) lo |= 1 << GLOBAL_SHIFT;
        return Slots(lo, hi | declared << DECLARED_SHIFT);
    }

    function sessionOf(Slots memory record) internal pure returns (uint8) {
        return uint8(record.lo >> SESSION_SHIFT & 7);
    }

    function operatorOf(Slots memory record) internal pure returns (uint16) {
        return uint16(record.lo >> OPERATOR_SHIFT);
    }

    function isGlobal(Slots memory record) internal pure returns (bool) {
        return record.lo >> GLOBAL_SHIFT & 1 != 0;
    }

    /// @notice The cells alone, as in HourCells.
    function cells(Slots memory record) internal pure returns (uint256 lo, uint256 hi) {
        return (record.lo & Cells.ALL, record.hi & (1 << DECLARED_SHIFT) - 1);
    }

    function cellAt(Slots memory record, uint256 hour) internal pure returns (uint256) {
        return Cells.cellAt(record.lo, record.hi, hour);
    }

    /// @notice Hours with power, one bit each.
    function selectedHours(Slots memory record) internal pure returns (uint256) {
        (uint256 lo, uint256 hi) = cells(record);
        return Cells.hoursOf(Cells.positive(lo), Cells.positive(hi));
    }

    /// @notice Hours whose declaration is complete, one bit each.
    function declaredHours(Slots memory record) internal pure returns (uint256) {
        return record.hi >> DECLARED_SHIFT & HOURS;
    }

    /// @notice Hours with power for which the BSP has not said all: there the aggregate is committed as a whole (SES-3).
    function openHours(Slots memory record) internal pure returns (uint256) {
        return selectedHours(record) & ~declaredHours(record);
    }

    function setDeclared(Slots memory record, uint256 hours_) internal pure {
        record.hi = record.hi & (1 << DECLARED_SHIFT) - 1 | hours_ << DECLARED_SHIFT;
    }
}
