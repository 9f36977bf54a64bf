// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Energy Identification Codes (ENTSO-E EIC reference manual)
/// @dev ACT-2: 15 characters of 0-9, A-Z and hyphen, then a check character. Characters count 0-9 as 0..9, A-Z as 10..35, hyphen as 36;
///      with weights 16 down to 2 the check is 36 - ((sum - 1) mod 37). A code whose check would be the hyphen is never issued.
library Eic {
    uint256 private constant LENGTH = 16;
    uint256 private constant MODULUS = 37;
    uint256 private constant HYPHEN = 36;
    uint256 private constant NO_CHARACTER = 255;

    /// @notice Whether the code is well-formed and its check character right.
    function isValid(bytes16 eic) internal pure returns (bool) {
        uint256 sum = 0;
        for (uint256 i = 0; i < LENGTH - 1; i++) {
            uint256 value = _valueOf(eic[i]);
            if (value == NO_CHARACTER) return false;
            sum += value * (LENGTH - i);
        }
        uint256 check = HYPHEN - ((sum + HYPHEN) % MODULUS);
        return check != HYPHEN && _valueOf(eic[LENGTH - 1]) == check;
    }

    function _valueOf(bytes1 character) private pure returns (uint256) {
        uint8 code = uint8(character);
        if (code >= 0x30 && code <= 0x39) return code - 0x30;
        if (code >= 0x41 && code <= 0x5a) return code - 0x41 + 10;
        return code == 0x2d ? HYPHEN : NO_CHARACTER;
    }
}
