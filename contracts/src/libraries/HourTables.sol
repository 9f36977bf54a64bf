// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCellsLib as Cells} from "./HourCellsLib.sol";

/// @title kW per direction and hour of a day in four words: up lo, up hi, down lo, down hi
/// @dev Words are laid out as those of HourCells, with 17-bit cells (the guard bits are 0 between operations). A table of flags has 0 or 1
///      per cell. Word i holds the other direction of word i ^ 2.
library HourTables {
    /// @notice The same power in every hour.
    function constant_(uint256 upKw, uint256 downKw) internal pure returns (uint256[4] memory table) {
        table[0] = Cells.ONES * upKw;
        table[1] = table[0];
        table[2] = Cells.ONES * downKw;
        table[3] = table[2];
    }

    /// @notice The cells of a selection by direction.
    function split(uint256 lo, uint256 hi) internal pure returns (uint256[4] memory table) {
        uint256 downLo = Cells.fill(Cells.downFlags(lo));
        uint256 downHi = Cells.fill(Cells.downFlags(hi));
        table[0] = lo & Cells.POWERS & ~downLo;
        table[1] = hi & Cells.POWERS & ~downHi;
        table[2] = lo & downLo;
        table[3] = hi & downHi;
    }

    /// @notice Flags of the cells in which `found` is greater than `limit`.
    function above(uint256[4] memory found, uint256[4] memory limit) internal pure returns (uint256[4] memory flags) {
        for (uint256 i = 0; i < 4; i++) {
            flags[i] = Cells.ONES & ~Cells.atLeast(limit[i], found[i]);
        }
    }

    /// @notice Hours in which a flag is set, one bit each.
    function hoursOf(uint256[4] memory flags) internal pure returns (uint256) {
        return Cells.hoursOf(flags[0] | flags[2], flags[1] | flags[3]);
    }

    /// @notice kW of one cell.
    function kwAt(uint256[4] memory table, uint256 hour, bool down) internal pure returns (uint256) {
        uint256 i = down ? 2 : 0;
        return Cells.kw(Cells.cellAt(table[i], table[i + 1], hour));
    }
}
