// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {PodWord} from "./PodWord.sol";

/// @title Number and granted power of PODs in one word
/// @dev From bit 0: 48 bits kW down, 48 bits kW up, 32 bits PODs, 32 bits joinings and leavings so far; the day above them is
///      DayVersioned's. All are added and taken away as one number: two thousand million members of the greatest power fit, so no field
///      ever reaches into the next. Joinings and leavings are counted where the whole of a holder is, under perimeter 0.
library PoolWord {
    uint256 private constant KW_BITS = 48;
    uint256 private constant KW_MASK = (1 << KW_BITS) - 1;
    uint256 private constant PODS_SHIFT = 96;
    uint256 private constant PODS_MASK = (1 << 32) - 1;
    uint256 private constant CHANGES_SHIFT = 128;
    /// @notice One joining or leaving.
    uint256 internal constant CHANGE = 1 << CHANGES_SHIFT;

    /// @notice What a POD adds to the pools that it is a member of.
    function memberOf(uint256 podWord) internal pure returns (uint256) {
        (uint256 upKw, uint256 downKw) = PodWord.grantedOf(podWord);
        return 1 << PODS_SHIFT | upKw << KW_BITS | downKw;
    }

    /// @notice The joinings of `members`, which is what PODs add together.
    function joiningsOf(uint256 members) internal pure returns (uint256) {
        return (members >> PODS_SHIFT) << CHANGES_SHIFT;
    }

    function rosterOf(uint256 word) internal pure returns (IPods.Roster memory) {
        return IPods.Roster({
            changes: uint32(word >> CHANGES_SHIFT),
            upKw: uint48(word >> KW_BITS & KW_MASK),
            downKw: uint48(word & KW_MASK)
        });
    }

    function unpack(uint256 word) internal pure returns (IPods.Pool memory) {
        return IPods.Pool({
            pods: uint32(word >> PODS_SHIFT & PODS_MASK),
            upKw: uint48(word >> KW_BITS & KW_MASK),
            downKw: uint48(word & KW_MASK)
        });
    }
}
