// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {Eic} from "./libraries/Eic.sol";
import {PartyKind, Right} from "./types/Types.sol";

/// @title Who takes part, with which key (ACT-1, ACT-2)
/// @dev Roles change through `admit`, `rotateSigner` and the handover of the admin alone, so that every change has its event: their admin role is
///      one that nobody can hold.
contract Participants is IParticipants, AccessControl, Pausable, Initializable {
    /// @dev ACT-1: a signer leaves by rotation, which names its successor, a seat of the admin by a handover.
    error SignerOnlyRotates(bytes32 role);

    struct Party {
        bytes16 eic;
        PartyKind kind;
        bool suspended;
    }

    /// @dev Seats of the present epoch that sent a call, one bit each, and when the first did.
    struct Consent {
        uint32 epoch;
        uint40 firstAt;
        uint16 given;
    }

    uint256 private constant MAX_SEATS = 16;
    uint256 private constant CONSENT_WINDOW_S = 7 days;
    uint256 private constant MAX_DELEGATION_S = 366 days;
    /// @dev Set in every party's role, so that none is DEFAULT_ADMIN_ROLE.
    uint256 private constant PARTY_ROLE = 1 << 24;
    bytes32 private constant NOBODY = bytes32(type(uint256).max);

    mapping(uint16 party => Party) private _parties;
    mapping(bytes16 eic => uint16 party) private _partyOfEic;
    mapping(address signer => uint16 party) private _partyOfSigner;
    /// @inheritdoc IParticipants
    uint16 public operators;
    mapping(uint256 key => uint40 validUntil) private _delegations;

    address[] private _seats;
    address[] private _offered;
    uint8 private _threshold;
    uint8 private _offeredThreshold;
    /// @dev Offered seats that have accepted, one bit each.
    uint16 private _accepted;
    /// @dev Rises with every handover, so that consents of former seats lapse.
    uint32 private _epoch;
    mapping(bytes32 callHash => Consent) private _consents;

    constructor() {
        _disableInitializers();
    }

    /// @inheritdoc IParticipants
    function initialize(address admin) external initializer {
        (_threshold, _epoch) = (1, 1);
        _seats.push(admin);
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }

    /// @dev ACT-1: the call is done once as many seats have sent it as the threshold says.
    // slither-disable-next-line incorrect-modifier
    modifier byConsent() {
        if (_consented()) _;
    }

    /// @inheritdoc IParticipants
    function admit(Admission[] calldata admissions) external byConsent {
        for (uint256 i = 0; i < admissions.length; i++) {
            _admit(admissions[i]);
        }
    }

    /// @inheritdoc IParticipants
    function rotateSigner(uint16 party, address oldSigner, address newSigner) external byConsent {
        PartyKind kind = _known(party).kind;
        bytes32 role = roleOf(kind, party);
        if (!hasRole(role, oldSigner)) revert NotAuthorised(party, kind, oldSigner);
        _revokeRole(role, oldSigner);
        _enrolSigner(role, party, newSigner);
        emit SignerRotated(party, oldSigner, newSigner);
    }

    /// @inheritdoc IParticipants
    function suspend(uint16 party, bytes32 reason) external byConsent {
        Party storage found = _known(party);
        if (!found.suspended && _isOperator(found.kind)) operators--;
        found.suspended = true;
        emit PartySuspended(party, reason);
    }

    /// @inheritdoc IParticipants
    function reinstate(uint16 party) external byConsent {
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
    function unpause() external byConsent {
        _unpause();
    }

    /// @inheritdoc IParticipants
    function offerAdmin(address[] calldata seats, uint8 threshold) external byConsent {
        bool valid = seats.length != 0 && seats.length <= MAX_SEATS && threshold != 0 && threshold <= seats.length;
        for (uint256 i = 0; valid && i < seats.length; i++) {
            valid = seats[i] != address(0) && _placeIn(seats, seats[i]) == i;
        }
        if (!valid) revert AdminOfferInvalid(seats.length, threshold);
        _offered = seats;
        _offeredThreshold = threshold;
        _accepted = 0;
        emit AdminOffered(seats, threshold);
    }

    /// @inheritdoc IParticipants
    function acceptAdmin() external {
        address[] memory offered = _offered;
        uint256 place = _placeIn(offered, msg.sender);
        if (place == offered.length) revert AdminNotOffered(msg.sender);
        uint256 accepted = _accepted | 1 << place;
        if (accepted == _accepted) revert ConsentRepeated(msg.sender);
        // forge-lint: disable-next-line(unsafe-typecast)
        _accepted = uint16(accepted); // 16 seats at most
        emit AdminAccepted(msg.sender);
        if (accepted == (1 << offered.length) - 1) _handOver(offered);
    }

    /// @inheritdoc IParticipants
    function delegate(uint16 party, uint16 agent, Right right, uint40 validUntil) external {
        requireParty(_parties[party].kind, party, msg.sender);
        uint40 limit = uint40(block.timestamp + MAX_DELEGATION_S);
        bool known = agent != party && _parties[agent].kind != PartyKind.None;
        if (!known || validUntil <= block.timestamp || validUntil > limit) {
            revert DelegationInvalid(party, agent, validUntil, limit);
        }
        _delegations[_delegation(party, agent, right)] = validUntil;
        emit RightDelegated(party, agent, right, validUntil);
    }

    /// @inheritdoc IParticipants
    function endDelegation(uint16 party, uint16 agent, Right right) external {
        requireParty(_parties[party].kind, party, msg.sender);
        uint256 key = _delegation(party, agent, right);
        if (_delegations[key] == 0) revert DelegationMissing(party, agent);
        delete _delegations[key];
        emit DelegationEnded(party, agent, right);
    }

    /// @inheritdoc IParticipants
    function requireRight(PartyKind kind, uint16 party, Right right, address sender) external view {
        if (hasRole(roleOf(kind, party), sender)) return requireParty(kind, party, sender);
        uint16 agent = _partyOfSigner[sender];
        bool delegated = _parties[party].kind == kind && block.timestamp < _delegations[_delegation(party, agent, right)];
        if (!delegated) revert NotAuthorised(party, kind, sender);
        if (_parties[party].suspended) revert PartyIsSuspended(party);
        requireParty(_parties[agent].kind, agent, sender);
    }

    /// @inheritdoc IParticipants
    function delegatedUntil(uint16 party, uint16 agent, Right right) external view returns (uint40) {
        return _delegations[_delegation(party, agent, right)];
    }

    /// @inheritdoc IParticipants
    function adminSeats() external view returns (address[] memory seats, uint8 threshold) {
        return (_seats, _threshold);
    }

    /// @inheritdoc IParticipants
    function kindOf(uint16 party) external view returns (PartyKind) {
        return _parties[party].kind;
    }

    /// @inheritdoc IParticipants
    function isSuspended(uint16 party) external view returns (bool) {
        return _parties[party].suspended;
    }

    /// @inheritdoc IParticipants
    function requireParty(PartyKind kind, uint16 party, address sender) public view {
        if (!hasRole(roleOf(kind, party), sender)) revert NotAuthorised(party, kind, sender);
        if (_parties[party].suspended) revert PartyIsSuspended(party);
        _requireNotPaused();
    }

    /// @inheritdoc IParticipants
    function roleOf(PartyKind kind, uint16 party) public pure returns (bytes32) {
        return bytes32(PARTY_ROLE | uint256(kind) << 16 | party);
    }

    /// @inheritdoc AccessControl
    function getRoleAdmin(bytes32) public pure override returns (bytes32) {
        return NOBODY;
    }

    /// @inheritdoc AccessControl
    function renounceRole(bytes32 role, address) public pure override {
        revert SignerOnlyRotates(role);
    }

    /// @dev Whether the present call is to be done now: notes the sender's consent, and the last one that is needed carries the call out.
    function _consented() private returns (bool) {
        _checkRole(DEFAULT_ADMIN_ROLE);
        uint8 needed = _threshold;
        if (needed == 1) return true;
        bytes32 callHash = keccak256(msg.data);
        Consent memory consent = _consents[callHash];
        if (consent.epoch != _epoch || block.timestamp >= consent.firstAt + CONSENT_WINDOW_S) {
            consent = Consent(_epoch, uint40(block.timestamp), 0);
        }
        uint256 given = consent.given | 1 << _placeIn(_seats, msg.sender);
        // slither-disable-next-line incorrect-equality
        if (given == consent.given) revert ConsentRepeated(msg.sender);
        uint8 count = _countOf(given);
        emit ConsentGiven(msg.sender, count, needed);
        if (count == needed) {
            delete _consents[callHash];
            return true;
        }
        // forge-lint: disable-next-line(unsafe-typecast)
        consent.given = uint16(given); // 16 seats at most
        _consents[callHash] = consent;
        return false;
    }

    function _handOver(address[] memory offered) private {
        for (uint256 i = 0; i < _seats.length; i++) {
            _revokeRole(DEFAULT_ADMIN_ROLE, _seats[i]);
        }
        for (uint256 i = 0; i < offered.length; i++) {
            _grantRole(DEFAULT_ADMIN_ROLE, offered[i]);
        }
        _seats = offered;
        _threshold = _offeredThreshold;
        _epoch++;
        delete _offered;
        emit AdminHandedOver(offered, _threshold);
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

    /// @dev Place of an address in a list, the list's length if it is not there.
    function _placeIn(address[] memory list, address wanted) private pure returns (uint256 place) {
        while (place < list.length && list[place] != wanted) place++;
    }

    function _countOf(uint256 bits) private pure returns (uint8 count) {
        for (; bits != 0; bits &= bits - 1) count++;
    }

    function _delegation(uint16 party, uint16 agent, Right right) private pure returns (uint256) {
        return uint256(party) << 24 | uint256(agent) << 8 | uint256(right);
    }
}
