// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {FACADE_REPLACE, Facade} from "./base/Facade.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {PartyKind} from "./types/Types.sol";

/// @title Which code the contracts run, and the consent of the operators to other code (CON-1)
contract Consortium is IConsortium {
    struct Change {
        uint32 version;
        uint16 proposer;
        uint40 notBefore;
        ChangeState state;
        bytes32 codesHash;
        uint16[] consents;
    }

    bytes32 private constant PARTICIPANTS = "Participants";

    /// @notice How long a change is announced at least, in seconds.
    uint40 public immutable noticeS;
    address private immutable _founder;

    /// @inheritdoc IConsortium
    uint32 public version;
    uint32 private _changeCount;
    uint256 private _names;
    mapping(bytes32 name => address) private _facades;
    mapping(uint32 change => Change) private _changes;
    mapping(uint32 change => mapping(uint16 party => bool)) private _consented;

    /// @param names The contracts of the set; each gets its facade here, so that all know one another's address before there is code.
    constructor(bytes32[] memory names, uint40 noticeS_) {
        _founder = msg.sender;
        noticeS = noticeS_;
        _names = names.length;
        for (uint256 i = 0; i < names.length; i++) {
            if (_facades[names[i]] != address(0)) revert ContractUnknown(names[i]);
            _facades[names[i]] = address(new Facade());
        }
    }

    modifier onlyOperator(uint16 operator) {
        IParticipants participants = _participants();
        PartyKind kind = participants.kindOf(operator);
        if (kind != PartyKind.Tso && kind != PartyKind.Dso) revert NotOperator(operator);
        participants.requireParty(kind, operator, msg.sender);
        _;
    }

    /// @inheritdoc IConsortium
    function found(Code[] calldata codes) external {
        if (msg.sender != _founder || version != 0) revert FoundingRefused(msg.sender, version);
        if (codes.length != _names) revert ChangeEmpty();
        version = 1;
        _requireKnown(codes);
        emit ConsortiumFounded(1, codes);
        _replace(codes);
    }

    /// @inheritdoc IConsortium
    function propose(uint16 operator, Code[] calldata codes, bytes32 documentHash, uint40 notBefore) external onlyOperator(operator) {
        uint40 earliest = uint40(block.timestamp) + noticeS;
        if (codes.length == 0) revert ChangeEmpty();
        if (notBefore < earliest) revert NoticeTooShort(notBefore, earliest);
        _requireKnown(codes);

        uint32 number = ++_changeCount;
        Change storage change = _changes[number];
        (change.version, change.proposer, change.notBefore, change.state) = (version + 1, operator, notBefore, ChangeState.Open);
        change.codesHash = keccak256(abi.encode(codes));
        emit ChangeProposed(number, operator, version + 1, codes, documentHash, notBefore);
        _consent(change, number, operator);
    }

    /// @inheritdoc IConsortium
    function consent(uint16 operator, uint32 change) external onlyOperator(operator) {
        Change storage found_ = _open(change);
        if (_consented[change][operator]) revert ConsentTwice(change, operator);
        _consent(found_, change, operator);
    }

    /// @inheritdoc IConsortium
    function withdraw(uint16 operator, uint32 change) external onlyOperator(operator) {
        Change storage found_ = _open(change);
        if (found_.proposer != operator) revert ChangeOfOther(change, found_.proposer, operator);
        found_.state = ChangeState.Withdrawn;
        emit ChangeWithdrawn(change, operator);
    }

    /// @inheritdoc IConsortium
    function carryOut(uint16 operator, uint32 change, Code[] calldata codes) external onlyOperator(operator) {
        Change storage found_ = _open(change);
        uint40 nowAt = uint40(block.timestamp);
        if (nowAt < found_.notBefore) revert ChangeTooEarly(change, found_.notBefore, nowAt);
        if (keccak256(abi.encode(codes)) != found_.codesHash) revert CodesDiffer(change);
        (uint256 consents, uint256 operators) = consentsTo(change);
        if (3 * consents <= 2 * operators) revert ConsentsMissing(change, consents, operators);

        found_.state = ChangeState.CarriedOut;
        version = found_.version;
        emit ContractsChanged(change, found_.version);
        _replace(codes);
    }

    /// @inheritdoc IConsortium
    function facadeOf(bytes32 name) external view returns (address) {
        return _facades[name];
    }

    /// @inheritdoc IConsortium
    function consentsTo(uint32 change) public view returns (uint256 consents, uint256 operators) {
        IParticipants participants = _participants();
        uint16[] storage parties = _changes[change].consents;
        for (uint256 i = 0; i < parties.length; i++) {
            if (!participants.isSuspended(parties[i])) consents++;
        }
        operators = participants.operators();
    }

    function _consent(Change storage change, uint32 number, uint16 operator) private {
        _consented[number][operator] = true;
        change.consents.push(operator);
        emit ChangeConsented(number, operator);
    }

    function _replace(Code[] calldata codes) private {
        for (uint256 i = 0; i < codes.length; i++) {
            address facade = _facades[codes[i].name];
            (bool done, bytes memory answer) = facade.call(abi.encodePacked(FACADE_REPLACE, abi.encode(codes[i].implementation, codes[i].initial)));
            if (!done) {
                assembly ("memory-safe") {
                    revert(add(answer, 0x20), mload(answer))
                }
            }
        }
    }

    function _open(uint32 number) private view returns (Change storage change) {
        change = _changes[number];
        if (change.state != ChangeState.Open) revert ChangeNotOpen(number, change.state);
        if (change.version != version + 1) revert ChangeOutdated(number, change.version, version);
    }

    /// @dev Every name is known and named once, every implementation is there.
    function _requireKnown(Code[] calldata codes) private view {
        for (uint256 i = 0; i < codes.length; i++) {
            (bytes32 name, address implementation) = (codes[i].name, codes[i].implementation);
            if (_facades[name] == address(0)) revert ContractUnknown(name);
            if (implementation.code.length == 0) revert CodeMissing(name, implementation);
            for (uint256 j = 0; j < i; j++) {
                if (codes[j].name == name) revert ContractUnknown(name);
            }
        }
    }

    function _participants() private view returns (IParticipants) {
        return IParticipants(_facades[PARTICIPANTS]);
    }
}
