// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {QualificationState as State} from "../types/Types.sol";

/// @title The closed state machine of a prequalification (PRQ-1, PRQ-2)
library QualificationRules {
    struct Qualification {
        State state;
        uint40 validUntil;
    }

    uint256 private constant MILLION = 1_000_000;
    uint256 private constant PPM_PER_PERMILLE = 1_000;

    /// @notice PRQ-2: the state at a time; what was qualified (or suspended) expires by itself.
    function stateAt(Qualification memory qualification, uint256 time) internal pure returns (State) {
        State state = qualification.state;
        bool lapses = state == State.Qualified || state == State.Suspended;
        return lapses && time >= qualification.validUntil ? State.Expired : state;
    }

    /// @notice PRQ-1: a BSP applies for the first time, or again after a rejection or expiry.
    function mayApply(State state) internal pure returns (bool) {
        return state == State.None || state == State.Rejected || state == State.Expired;
    }

    /// @notice PRQ-1: the steps of an operator.
    function mayMove(State from, State to) internal pure returns (bool) {
        if (from == State.Requested) return to == State.Testing;
        if (from == State.Testing) return to == State.Qualified || to == State.Rejected;
        if (from == State.Qualified) return to == State.Suspended;
        return from == State.Suspended && to == State.Qualified;
    }

    /// @notice PRQ-1: a test is passed from the product's tolerance below full performance on.
    function passes(uint16 performancePermille, uint32 tolerancePpm) internal pure returns (bool) {
        return uint256(performancePermille) * PPM_PER_PERMILLE + tolerancePpm >= MILLION;
    }
}
