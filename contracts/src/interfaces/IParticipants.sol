// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyKind, Right} from "../types/Types.sol";

/// @title Who takes part, with which key
/// @notice The consortium admin (DEFAULT_ADMIN_ROLE) admits, suspends and rotates keys; it can alter nothing that is recorded. It has one or
///         more seats: what needs their consent is sent by each with the same calldata, and done when as many have as the threshold says,
///         within a week. One seat alone can pause. A signer acts for a party by holding the role `roleOf(kind, party)`.
interface IParticipants {
    struct Admission {
        uint16 party;
        PartyKind kind;
        bytes16 eic;
        string name;
        address signer;
    }

    event PartyAdmitted(uint16 indexed party, PartyKind kind, bytes16 eic, string name, address signer);
    event SignerRotated(uint16 indexed party, address oldSigner, address newSigner);
    event PartySuspended(uint16 indexed party, bytes32 reason);
    event PartyReinstated(uint16 indexed party);
    /// @notice `given` of the `needed` seats have sent this call; with the last one it is done in the same transaction.
    event ConsentGiven(address indexed seat, uint8 given, uint8 needed);
    /// @notice The admin is offered to these seats; it is theirs once each has accepted.
    event AdminOffered(address[] seats, uint8 threshold);
    event AdminAccepted(address indexed seat);
    event AdminHandedOver(address[] seats, uint8 threshold);
    /// @notice `agent` may do this in the place of `party`, until `validUntil` or the end of the delegation.
    event RightDelegated(uint16 indexed party, uint16 indexed agent, Right right, uint40 validUntil);
    event DelegationEnded(uint16 indexed party, uint16 indexed agent, Right right);

    /// @dev ACT-1: the sender holds no key of this party (a stranger's key, or a rotated one).
    error NotAuthorised(uint16 party, PartyKind kind, address sender);
    /// @dev ACT-1: the party is suspended by the consortium admin.
    error PartyIsSuspended(uint16 party);
    /// @dev ACT-1: the party number is taken, zero, or of no kind.
    error PartyNotAdmissible(uint16 party, PartyKind kind);
    /// @dev ACT-1: no such party.
    error UnknownParty(uint16 party);
    /// @dev ACT-2: the EIC's check character is wrong.
    error EicInvalid(bytes16 eic);
    /// @dev ACT-2: the EIC belongs to another party already.
    error EicTaken(bytes16 eic, uint16 party);
    /// @dev ACT-1: an address signs for one party only.
    error SignerTaken(address signer, uint16 party);

    /// @dev ACT-1: the seat has consented to this call, or accepted this offer, already.
    error ConsentRepeated(address seat);
    /// @dev ACT-1: an admin has 1 to 16 seats, all different and none zero, and a threshold of 1 to as many.
    error AdminOfferInvalid(uint256 seats, uint256 threshold);
    /// @dev ACT-1: the admin was not offered to the sender.
    error AdminNotOffered(address sender);
    /// @dev ACT-1: a right goes to another admitted party, until a later time, at most a year (`limit`) away.
    error DelegationInvalid(uint16 party, uint16 agent, uint40 validUntil, uint40 limit);
    /// @dev ACT-1: there is no such delegation to end.
    error DelegationMissing(uint16 party, uint16 agent);

    /// @notice Make `admin` the consortium admin; once, when the contract is founded.
    function initialize(address admin) external;
    function admit(Admission[] calldata admissions) external;
    function rotateSigner(uint16 party, address oldSigner, address newSigner) external;
    function suspend(uint16 party, bytes32 reason) external;
    function reinstate(uint16 party) external;
    function pause() external;
    function unpause() external;
    /// @notice First step of a handover of the admin: to these seats, `threshold` of which have to agree from then on.
    function offerAdmin(address[] calldata seats, uint8 threshold) external;
    /// @notice Second step, by each of the seats that the admin is offered to.
    function acceptAdmin() external;
    /// @notice A party lets another one do something in its place.
    function delegate(uint16 party, uint16 agent, Right right, uint40 validUntil) external;
    function endDelegation(uint16 party, uint16 agent, Right right) external;

    function kindOf(uint16 party) external view returns (PartyKind);
    function roleOf(PartyKind kind, uint16 party) external pure returns (bytes32);
    /// @notice Reverts unless `sender` signs for `party`, which is of `kind`, not suspended, and the ledger is not paused.
    function requireParty(PartyKind kind, uint16 party, address sender) external view;
    /// @notice As `requireParty`, but `sender` may sign for an agent that `party` has delegated `right` to.
    function requireRight(PartyKind kind, uint16 party, Right right, address sender) external view;
    /// @notice Until when a delegation holds; 0 if there is none.
    function delegatedUntil(uint16 party, uint16 agent, Right right) external view returns (uint40);
    function adminSeats() external view returns (address[] memory seats, uint8 threshold);
    function isSuspended(uint16 party) external view returns (bool);
    /// @notice How many TSOs and DSOs there are that are not suspended.
    function operators() external view returns (uint16);
}
