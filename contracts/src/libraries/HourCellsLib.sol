// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Arithmetic on thirteen cells of a word at once (see HourCells in types/Types.sol)
/// @dev A cell has 17 bits of kW and above them one more: the direction in a selection, a guard in everything else. The guard takes the
///      borrow or the carry of its cell, so that thirteen hours are compared or added by one instruction. *Flags* are words with 0 or 1 per
///      cell (at the cell's lowest bit); *hours* are masks with one bit per hour, 0..24.
library HourCellsLib {
    uint256 internal constant CELL_BITS = 18;
    uint256 internal constant CELLS = 13;
    uint256 internal constant MAX_KW = 131_071;
    /// @dev A one in every cell.
    uint256 internal constant ONES = (2 ** 234 - 1) / (2 ** 18 - 1);
    uint256 internal constant GUARDS = ONES << 17;
    /// @dev The kW bits of every cell.
    uint256 internal constant POWERS = (2 ** 234 - 1) * (2 ** 17 - 1) / (2 ** 18 - 1);
    /// @dev Every bit of every cell.
    uint256 internal constant ALL = 2 ** 234 - 1;
    /// @dev A one every 17 bits: moves bit i of a mask to bit 18 i of a word, and back.
    uint256 private constant STRIDES = (2 ** 221 - 1) / (2 ** 17 - 1);
    uint256 private constant GATHER_SHIFT = 17 * 12;
    uint256 private constant CELLS_MASK = 2 ** 13 - 1;

    /// @notice The cell of an hour, all 18 bits.
    function cellAt(uint256 lo, uint256 hi, uint256 hour) internal pure returns (uint256) {
        return (hour < CELLS ? lo >> CELL_BITS * hour : hi >> CELL_BITS * (hour - CELLS)) & (2 ** CELL_BITS - 1);
    }

    function kw(uint256 cell) internal pure returns (uint256) {
        return cell & MAX_KW;
    }

    function isDown(uint256 cell) internal pure returns (bool) {
        return cell > MAX_KW;
    }

    /// @notice Seventeen ones in each flagged cell.
    function fill(uint256 flags) internal pure returns (uint256) {
        unchecked {
            return (flags << 17) - flags;
        }
    }

    /// @notice Flags of the cells with kW in them.
    function positive(uint256 word) internal pure returns (uint256) {
        return ((word & POWERS) + POWERS & GUARDS) >> 17;
    }

    /// @notice Flags of the cells whose kW are 131,071: green, in a light.
    function full(uint256 word) internal pure returns (uint256) {
        return ((word & POWERS) + ONES & GUARDS) >> 17;
    }

    /// @notice Flags of the cells whose direction (or guard) bit is set.
    function downFlags(uint256 word) internal pure returns (uint256) {
        return word >> 17 & ONES;
    }

    /// @notice Flags of the cells with a >= b; neither has guard bits.
    function atLeast(uint256 a, uint256 b) internal pure returns (uint256) {
        return ((a | GUARDS) - b & GUARDS) >> 17;
    }

    /// @notice a - b in each cell, 0 where b is greater; neither has guard bits.
    function saturatingSub(uint256 a, uint256 b) internal pure returns (uint256) {
        return (a | GUARDS) - b & fill(atLeast(a, b));
    }

    /// @notice Flags of the hours of a mask: those of the low word and those of the high one.
    function flagsOf(uint256 hours_) internal pure returns (uint256 lo, uint256 hi) {
        unchecked {
            lo = (hours_ & CELLS_MASK) * STRIDES & ONES;
            hi = (hours_ >> CELLS) * STRIDES & ONES;
        }
    }

    /// @notice Mask of the hours that are flagged.
    function hoursOf(uint256 flagsLo, uint256 flagsHi) internal pure returns (uint256) {
        unchecked {
            return (flagsLo * STRIDES >> GATHER_SHIFT & CELLS_MASK) | (flagsHi * STRIDES >> GATHER_SHIFT & CELLS_MASK) << CELLS;
        }
    }

    /// @notice Index of the lowest bit of a mask that is not empty.
    function first(uint256 mask) internal pure returns (uint8 index) {
        while (mask >> index & 1 == 0) index++;
    }
}
