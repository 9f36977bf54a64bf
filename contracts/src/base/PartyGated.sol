// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipants} from "../interfaces/IParticipants.sol";
import {PartyKind, Right} from "../types/Types.sol";

/// @title A contract in which parties act
abstract contract PartyGated {
    IParticipants public immutable participants;

    constructor(IParticipants participants_) {
        participants = participants_;
    }

    /// @dev ACT-1: the sender signs for the party named in the call.
    modifier onlyParty(PartyKind kind, uint16 party) {
        participants.requireParty(kind, party, msg.sender);
        _;
    }

    /// @dev ACT-1: the sender signs for the party named in the call, or for one that it delegated this right to.
    modifier onlyWithRight(PartyKind kind, uint16 party, Right right) {
        participants.requireRight(kind, party, right, msg.sender);
        _;
    }
}
