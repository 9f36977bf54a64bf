// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyKind} from "../types/Types.sol";

/// @title Who takes part, with which key
/// @notice The consortium admin (DEFAULT_ADMIN_ROLE) admits, suspends and rotates keys; it can alter nothing that is recorded.
///         A signer acts for a party by holding the role `roleOf(kind, party)`.
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

    /// @notice Make `admin` the consortium admin; once, when the contract is founded.
    function initialize(address admin) external;
    function admit(Admission[] calldata admissions) external;
    function rotateSigner(uint16 party, address oldSigner, address newSigner) external;
    function suspend(uint16 party, bytes32 reason) external;
    function reinstate(uint16 party) external;
    function pause() external;
    function unpause() external;

    function kindOf(uint16 party) external view returns (PartyKind);
    function roleOf(PartyKind kind, uint16 party) external pure returns (bytes32);
    /// @notice Reverts unless `sender` signs for `party`, which is of `kind`, not suspended, and the ledger is not paused.
    function requireParty(PartyKind kind, uint16 party, address sender) external view;
    function isSuspended(uint16 party) external view returns (bool);
    /// @notice How many TSOs and DSOs there are that are not suspended.
    function operators() external view returns (uint16);
}
