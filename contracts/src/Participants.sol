// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {Eic} from "./libraries/Eic.sol";
import {PartyKind} from "./types/Types.sol";

/// @title Who takes part, with which key (ACT-1, ACT-2)
/// @dev Roles of parties change through `admit` and `rotateSigner` alone, so that every change has its event: their admin role is one that
///      nobody can hold. The consortium admin hands its own role over with `grantRole` and `revokeRole`.
contract Participants is IParticipants, AccessControl, Pausable, Initializable {
    /// @dev ACT-1: a signer leaves by rotation, which names its successor.
    error SignerOnlyRotates(bytes32 role);

    struct Party {
        bytes16 eic;
        PartyKind kind;
        bool suspended;
    }

    /// @dev Set in every party's role, so that none is DEFAULT_ADMIN_ROLE.
    uint256 private constant PARTY_ROLE = 1 << 24;
    bytes32 private constant NOBODY = bytes32(type(uint256).max);

    mapping(uint16 party => Party) private _parties;
    mapping(bytes16 eic => uint16 party) private _partyOfEic;
    mapping(address signer => uint16 party) private _partyOfSigner;
    /// @inheritdoc IParticipants
    uint16 public operators;

    constructor() {
        _disableInitializers();
    }

    /// @inheritdoc IParticipants
    function initialize(address admin) external initializer {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @inheritdoc IParticipants
    function admit(Admission[] calldata admissions) external onlyRole(DEFAULT_ADMIN_ROLE) {
        for (uint256 i = 0; i < admissions.length; i++) {
            _admit(admissions[i]);
        }
    }

    /// @inheritdoc IParticipants
    function rotateSigner(uint16 party, address oldSigner, address newSigner) external onlyRole(DEFAULT_ADMIN_ROLE) {
        PartyKind kind = _known(party).kind;
        bytes32 role = roleOf(kind, party);
        if (!hasRole(role, oldSigner)) revert NotAuthorised(party, kind, oldSigner);
        _revokeRole(role, oldSigner);
        _enrolSigner(role, party, newSigner);
        emit SignerRotated(party, oldSigner, newSigner);
    }

    /// @inheritdoc IParticipants
    function suspend(uint16 party, bytes32 reason) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Party storage found = _known(party);
        if (!found.suspended && _isOperator(found.kind)) operators--;
        found.suspended = true;
        emit PartySuspended(party, reason);
    }

    /// @inheritdoc IParticipants
    function reinstate(uint16 party) external onlyRole(DEFAULT_ADMIN_ROLE) {
        Party storage found = _known(party);
        if (found.suspended && _isOperator(found.kind)) operators++;
        found.suspended = false;
        emit PartyReinstated(party);
    }

    /// @inheritdoc IParticipants
    function pause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _pause();
    }

    /// @inheritdoc IParticipants
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @inheritdoc IParticipants
    function kindOf(uint16 party) external view returns (PartyKind) {
        return _parties[party].kind;
    }

    /// @inheritdoc IParticipants
    function requireParty(PartyKind kind, uint16 party, address sender) external view {
        if (!hasRole(roleOf(kind, party), sender)) revert NotAuthorised(party, kind, sender);
        if (_parties[party].suspended) revert PartyIsSuspended(party);
        _requireNotPaused();
    }

    /// @inheritdoc IParticipants
    function isSuspended(uint16 party) external view returns (bool) {
        return _parties[party].suspended;
    }

    /// @inheritdoc IParticipants
    function roleOf(PartyKind kind, uint16 party) public pure returns (bytes32) {
        return bytes32(PARTY_ROLE | uint256(kind) << 16 | party);
    }

    /// @inheritdoc AccessControl
    function getRoleAdmin(bytes32 role) public view override returns (bytes32) {
        return role == DEFAULT_ADMIN_ROLE ? super.getRoleAdmin(role) : NOBODY;
    }

    /// @inheritdoc AccessControl
    function renounceRole(bytes32 role, address callerConfirmation) public override {
        if (role != DEFAULT_ADMIN_ROLE) revert SignerOnlyRotates(role);
        super.renounceRole(role, callerConfirmation);
    }

    function _admit(Admission calldata admission) private {
        (uint16 party, PartyKind kind) = (admission.party, admission.kind);
        if (party == 0 || kind == PartyKind.None || _parties[party].kind != PartyKind.None) {
            revert PartyNotAdmissible(party, kind);
        }
        if (!Eic.isValid(admission.eic)) revert EicInvalid(admission.eic);
        uint16 holder = _partyOfEic[admission.eic];
        if (holder != 0) revert EicTaken(admission.eic, holder);

        _parties[party] = Party(admission.eic, kind, false);
        _partyOfEic[admission.eic] = party;
        if (_isOperator(kind)) operators++;
        _enrolSigner(roleOf(kind, party), party, admission.signer);
        emit PartyAdmitted(party, kind, admission.eic, admission.name, admission.signer);
    }

    /// @dev An address that once signed for a party signs for no other one later: what it signed stays attributable.
    function _enrolSigner(bytes32 role, uint16 party, address signer) private {
        uint16 holder = _partyOfSigner[signer];
        if (signer == address(0) || (holder != 0 && holder != party) || hasRole(role, signer)) {
            revert SignerTaken(signer, holder);
        }
        _partyOfSigner[signer] = party;
        _grantRole(role, signer);
    }

    function _isOperator(PartyKind kind) private pure returns (bool) {
        return kind == PartyKind.Tso || kind == PartyKind.Dso;
    }

    function _known(uint16 party) private view returns (Party storage found) {
        found = _parties[party];
        if (found.kind == PartyKind.None) revert UnknownParty(party);
    }
}
