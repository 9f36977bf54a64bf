// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCellsLib as Cells} from "./HourCellsLib.sol";

/// @title What a selection may say, and what a later one may change (SES-2, SES-3, SES-4)
library SelectionRules {
    /// @notice SES-4: no cell outside the day's hours, no direction without power, nothing else in the words.
    function wellFormed(uint256 lo, uint256 hi, uint256 hours_) internal pure returns (bool) {
        if ((lo | hi) & ~Cells.ALL != 0) return false;
        uint256 powerLo = Cells.positive(lo);
        uint256 powerHi = Cells.positive(hi);
        if (Cells.downFlags(lo) & ~powerLo | Cells.downFlags(hi) & ~powerHi != 0) return false;
        return Cells.hoursOf(powerLo, powerHi) >> hours_ == 0;
    }

    /// @notice SES-2: hours before `firstHour` in which two selections differ, one bit each.
    function changedBefore(uint256 firstHour, uint256 lo, uint256 hi, uint256 newLo, uint256 newHi)
        internal
        pure
        returns (uint256)
    {
        return Cells.hoursOf(_differing(lo ^ newLo), _differing(hi ^ newHi)) & (1 << firstHour) - 1;
    }

    function _differing(uint256 word) private pure returns (uint256) {
        return Cells.positive(word) | Cells.downFlags(word);
    }
}
