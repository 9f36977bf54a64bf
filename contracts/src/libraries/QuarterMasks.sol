// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Quarter-hours of a day as bits, and the hours that they stand in (SES-6)
/// @dev Bit q of a mask is the quarter-hour that starts q * 15 minutes into the day; hour h has the quarters 4h .. 4h + 3, also on days on
///      which the clock changes. A mask of hours has one bit per hour.
library QuarterMasks {
    uint256 private constant STARTS = 0x1111111111111111111111111;

    /// @notice The hours in which at least one quarter is set.
    function hoursOf(uint256 quarters) internal pure returns (uint256 x) {
        x = quarters | quarters >> 1;
        x = (x | x >> 2) & STARTS;
        x = (x | x >> 3) & 0x03030303030303030303030303;
        x = (x | x >> 6) & 0x000f000f000f000f000f000f000f;
        x = (x | x >> 12) & 0x000000ff000000ff000000ff000000ff;
        x = (x | x >> 24) & 0x0000ffff000000000000ffff;
        x = (x | x >> 48) & 0x1ffffff;
    }

    /// @notice All four quarters of each hour.
    function quartersOf(uint256 hours_) internal pure returns (uint256 x) {
        x = (hours_ | hours_ << 48) & 0x0000ffff000000000000ffff;
        x = (x | x << 24) & 0x000000ff000000ff000000ff000000ff;
        x = (x | x << 12) & 0x000f000f000f000f000f000f000f000f;
        x = (x | x << 6) & 0x03030303030303030303030303030303;
        x = ((x | x << 3) & STARTS) * 15;
    }
}
