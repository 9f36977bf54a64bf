// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Memory of one item of a batch, used again for the next
/// @dev Solidity never frees memory, and its price grows with the square of its size: a batch of 100 would pay for the notes of all items at
///      once. Nothing allocated between `mark` and `reuse` may be read after `reuse`.
library Scratch {
    function mark() internal pure returns (uint256 pointer) {
        assembly ("memory-safe") {
            pointer := mload(0x40)
        }
    }

    function reuse(uint256 pointer) internal pure {
        assembly {
            mstore(0x40, pointer)
        }
    }
}
