// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Identifiers that carry their owner (see types/Types.sol)
library Ids {
    uint40 private constant SERIAL_BITS = 24;

    /// @notice DSO of a perimeter, or BSP of an aggregate.
    function ownerOf(uint40 id) internal pure returns (uint16) {
        return uint16(id >> SERIAL_BITS);
    }

    /// @notice Number of a perimeter or aggregate among those of its owner; 0 names none.
    function serialOf(uint40 id) internal pure returns (uint24) {
        return uint24(id);
    }

    /// @notice What the ids of an owner's perimeters or aggregates begin with.
    function prefixOf(uint16 owner) internal pure returns (uint40) {
        return uint40(owner) << SERIAL_BITS;
    }

    /// @notice Id of a perimeter or aggregate; 0 if the serial is.
    function idOf(uint16 owner, uint24 serial) internal pure returns (uint40) {
        return serial == 0 ? 0 : prefixOf(owner) | serial;
    }

    /// @notice Operator of a product.
    function operatorOf(uint32 product) internal pure returns (uint16) {
        return uint16(product >> 16);
    }
}
