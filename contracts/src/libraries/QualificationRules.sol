// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {QualificationState as State} from "../types/Types.sol";

/// @title The closed state machine of a prequalification (PRQ-1, PRQ-2)
library QualificationRules {
    /// @dev One slot. `changes`, `upKw` and `downKw` are the tested aggregate's IPods.Roster, `tolerancePpm` its product's.
    struct Qualification {
        State state;
        uint40 validUntil;
        uint24 tolerancePpm;
        uint32 changes;
        uint48 upKw;
        uint48 downKw;
    }

    uint256 private constant MILLION = 1_000_000;
    uint256 private constant PPM_PER_PERMILLE = 1_000;

    /// @notice PRQ-2: the state at a time; what was qualified (or suspended) expires by itself.
    function stateAt(Qualification memory qualification, uint256 time) internal pure returns (State) {
        State state = qualification.state;
        bool lapses = state == State.Qualified || state == State.Suspended;
        return lapses && time >= qualification.validUntil ? State.Expired : state;
    }

    /// @notice PRQ-2: what has changed since the test, with the value tested and the one found; 0 if nothing relevant has: the same members,
    ///         and in both directions the tested power within the product's tolerance.
    function changeOf(Qualification memory qualification, IPods.Roster memory now_)
        internal
        pure
        returns (bytes32 what, uint256 tested, uint256 found)
    {
        if (now_.changes != qualification.changes) return ("members", qualification.changes, now_.changes);
        uint256 ppm = qualification.tolerancePpm;
        if (_differs(qualification.upKw, now_.upKw, ppm)) return ("upKw", qualification.upKw, now_.upKw);
        if (_differs(qualification.downKw, now_.downKw, ppm)) return ("downKw", qualification.downKw, now_.downKw);
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

    function _differs(uint256 tested, uint256 found, uint256 ppm) private pure returns (bool) {
        uint256 difference = tested < found ? found - tested : tested - found;
        return difference * MILLION > tested * ppm;
    }
}
