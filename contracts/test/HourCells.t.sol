// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCellsLib as Cells} from "../src/libraries/HourCellsLib.sol";
import {HourTables} from "../src/libraries/HourTables.sol";
import {QuarterMasks} from "../src/libraries/QuarterMasks.sol";
import {Base} from "./Base.sol";

/// @notice The arithmetic on thirteen hours at once, against one hour after the other.
contract HourCellsTest is Base {
    uint256 private constant CELL = 0x3ffff;

    function testFuzz_CellByCell(uint256 a, uint256 b) public pure {
        (a, b) = (a & Cells.POWERS, b & Cells.POWERS);
        for (uint256 i = 0; i < 13; i++) {
            uint256 x = a >> 18 * i & CELL;
            uint256 y = b >> 18 * i & CELL;
            assertEq(Cells.positive(a) >> 18 * i & CELL, x > 0 ? 1 : 0, "positive");
            assertEq(Cells.full(a) >> 18 * i & CELL, x == 131_071 ? 1 : 0, "full");
            assertEq(Cells.atLeast(a, b) >> 18 * i & CELL, x >= y ? 1 : 0, "atLeast");
            assertEq(Cells.saturatingSub(a, b) >> 18 * i & CELL, x > y ? x - y : 0, "saturatingSub");
            assertEq(Cells.cellAt(a, b, i), x, "cellAt lo");
            assertEq(Cells.cellAt(a, b, i + 13), y, "cellAt hi");
        }
    }

    /// @dev Equal cells, zeros and full cells are too rare in random words.
    function testFuzz_CellByCellAtTheEdges(uint256 pick) public pure {
        uint256 a;
        uint256 b;
        for (uint256 i = 0; i < 13; i++) {
            a |= edge(pick >> 4 * i) << 18 * i;
            b |= edge(pick >> 4 * i + 2) << 18 * i;
        }
        testFuzz_CellByCell(a, b);
    }

    function testFuzz_FlagsAndHours(uint256 hours_) public pure {
        hours_ &= 2 ** 25 - 1;
        (uint256 lo, uint256 hi) = Cells.flagsOf(hours_);
        for (uint256 hour = 0; hour < 25; hour++) {
            assertEq(Cells.cellAt(lo, hi, hour), hours_ >> hour & 1, "flag");
        }
        assertEq(Cells.hoursOf(lo, hi), hours_, "and back");
        if (hours_ == 0) return;
        uint256 first = Cells.first(hours_);
        assertTrue(hours_ >> first & 1 == 1 && hours_ & (1 << first) - 1 == 0, "first");
    }

    /// @dev SES-6
    function testFuzz_QuartersAndHours(uint256 quarters) public pure {
        quarters &= 2 ** 100 - 1;
        uint256 expected;
        uint256 filled;
        for (uint256 hour = 0; hour < 25; hour++) {
            if (quarters >> 4 * hour & 15 == 0) continue;
            expected |= 1 << hour;
            filled |= 15 << 4 * hour;
        }
        assertEq(QuarterMasks.hoursOf(quarters), expected, "hours");
        assertEq(QuarterMasks.quartersOf(expected), filled, "quarters");
    }

    function testFuzz_SplitByDirection(uint256 lo, uint256 hi) public pure {
        (lo, hi) = (lo & Cells.ALL, hi & Cells.ALL);
        uint256[4] memory table = HourTables.split(lo, hi);
        for (uint256 hour = 0; hour < 25; hour++) {
            uint256 cell = Cells.cellAt(lo, hi, hour);
            bool down = Cells.isDown(cell);
            assertEq(HourTables.kwAt(table, hour, down), Cells.kw(cell), "its direction");
            assertEq(HourTables.kwAt(table, hour, !down), 0, "the other");
        }
    }

    function edge(uint256 pick) private pure returns (uint256) {
        return [uint256(0), 1, 131_070, 131_071][pick & 3];
    }
}
