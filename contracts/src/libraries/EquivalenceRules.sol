// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPrequalification} from "../interfaces/IPrequalification.sol";

/// @title Table of Equivalences: when a test of one product proves another (TOE-1, TOE-2)
library EquivalenceRules {
    /// @dev Acceptances of an equivalence; 0 if it is not proposed.
    uint8 internal constant FROM_ACCEPTED = 1;
    uint8 internal constant TO_ACCEPTED = 2;
    uint8 internal constant HOLDS = FROM_ACCEPTED | TO_ACCEPTED;
    /// @dev Was proposed once, and is not now.
    uint8 internal constant REVOKED = 4;

    /// @notice TOE-1: whether an equivalence with these acceptances is proposed.
    function isProposed(uint8 acceptances) internal pure returns (bool) {
        return acceptances & HOLDS != 0;
    }

    /// @notice TOE-1: reverts with the first attribute in which `a` does not demand at least what `b` demands, or is another service.
    function requireDemandsAtLeast(IPrequalification.Product memory a, IPrequalification.Product memory b) internal pure {
        // 1. The pure case: same service, tested on the same infrastructure (TOE-2).
        _require(a, b, a.service == b.service, "service", uint256(a.service), uint256(b.service));
        _require(
            a,
            b,
            a.testInfrastructure == b.testInfrastructure,
            "testInfrastructure",
            uint256(a.testInfrastructure),
            uint256(b.testInfrastructure)
        );
        // 2. As much power, as fast, as often and as long.
        _require(a, b, a.minUpKw >= b.minUpKw, "minUpKw", a.minUpKw, b.minUpKw);
        _require(a, b, a.minDownKw >= b.minDownKw, "minDownKw", a.minDownKw, b.minDownKw);
        _require(a, b, a.activationTimeS <= b.activationTimeS, "activationTimeS", a.activationTimeS, b.activationTimeS);
        _require(a, b, a.recoveryTimeS <= b.recoveryTimeS, "recoveryTimeS", a.recoveryTimeS, b.recoveryTimeS);
        _require(a, b, a.durationS >= b.durationS, "durationS", a.durationS, b.durationS);
        // 3. Whenever the other is available.
        _require(a, b, b.months & ~a.months == 0, "months", a.months, b.months);
        _require(a, b, b.weekdays & ~a.weekdays == 0, "weekdays", a.weekdays, b.weekdays);
        _require(a, b, a.fromMinute <= b.fromMinute, "fromMinute", a.fromMinute, b.fromMinute);
        _require(a, b, a.untilMinute >= b.untilMinute, "untilMinute", a.untilMinute, b.untilMinute);
        // 4. No more leniently.
        _require(a, b, a.tolerancePpm <= b.tolerancePpm, "tolerancePpm", a.tolerancePpm, b.tolerancePpm);
    }

    function _require(
        IPrequalification.Product memory a,
        IPrequalification.Product memory b,
        bool fulfilled,
        bytes32 attribute,
        uint256 aValue,
        uint256 bValue
    ) private pure {
        if (!fulfilled) revert IPrequalification.NotEquivalent(a.product, b.product, attribute, aValue, bValue);
    }
}
