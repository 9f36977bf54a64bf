// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCells} from "../types/Types.sol";
import {HourCellsLib as Cells} from "./HourCellsLib.sol";

/// @title What a dynamic traffic light may say, and what it means beside the local plan (DTL-2, DTL-3)
library LightRules {
    uint256 private constant FLAGS_SHIFT = 234;
    uint256 private constant CELLS_MASK = 2 ** 13 - 1;

    /// @notice DTL-2: cells of the day's hours only, no guard bits, a reactive flag only on a yellow cell, nothing else in the words.
    function wellFormed(HourCells calldata light, uint256 hours_) internal pure returns (bool) {
        if (light.lo >> FLAGS_SHIFT + Cells.CELLS != 0 || light.hi >> FLAGS_SHIFT + Cells.CELLS != 0) return false;
        if (Cells.downFlags(light.lo) | Cells.downFlags(light.hi) != 0) return false;
        uint256 yellow = Cells.hoursOf(_yellow(light.lo), _yellow(light.hi));
        if (_reactive(light.lo, light.hi) & ~yellow != 0) return false;
        return Cells.hoursOf(Cells.positive(light.lo), Cells.positive(light.hi)) >> hours_ == 0;
    }

    /// @notice DTL-3: a word of capability with the hours darkened in which `opposite`, the local plan of the other direction, has power.
    function darkened(uint256 word, uint256 opposite) internal pure returns (uint256) {
        uint256 planned = Cells.positive(opposite);
        return word & ~(Cells.fill(planned) | Cells.hoursOf(planned, 0) << FLAGS_SHIFT);
    }

    function _yellow(uint256 word) private pure returns (uint256) {
        return Cells.positive(word) & ~Cells.full(word);
    }

    function _reactive(uint256 lo, uint256 hi) private pure returns (uint256) {
        return (lo >> FLAGS_SHIFT & CELLS_MASK) | (hi >> FLAGS_SHIFT & CELLS_MASK) << Cells.CELLS;
    }
}
