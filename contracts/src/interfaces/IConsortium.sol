// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Which code the contracts run, and the consent of the operators to other code (CON-1)
/// @notice Every other contract stands behind a facade that keeps its address and its state. Code is replaced by a change: proposed by an
///         operator (TSO or DSO), announced for at least `noticeS` seconds, consented to by more than two thirds of the operators, carried out
///         for all its contracts at once. A consent counts as long as its party is not suspended.
interface IConsortium {
    enum ChangeState {
        None,
        Open,
        Withdrawn,
        CarriedOut
    }

    /// @param name The contract's name, left-aligned ASCII.
    /// @param implementation Where the code stands; its constructor was given the facades of the contracts that it asks.
    /// @param initial Calldata that the new code runs once on the state that is there; empty for none.
    struct Code {
        bytes32 name;
        address implementation;
        bytes initial;
    }

    event ConsortiumFounded(uint32 version, Code[] codes);
    event ChangeProposed(
        uint32 indexed change,
        uint16 indexed operator,
        uint32 version,
        Code[] codes,
        bytes32 documentHash,
        uint40 notBefore
    );
    event ChangeConsented(uint32 indexed change, uint16 indexed operator);
    event ChangeWithdrawn(uint32 indexed change, uint16 indexed operator);
    event ContractsChanged(uint32 indexed change, uint32 version);

    /// @dev CON-1: the contracts are set up once, by who made the consortium.
    error FoundingRefused(address sender, uint32 version);
    /// @dev CON-1: no contract of this name, or it is named twice.
    error ContractUnknown(bytes32 name);
    /// @dev CON-1: no code stands at the address.
    error CodeMissing(bytes32 name, address implementation);
    /// @dev CON-1: only a TSO or a DSO decides on the contracts.
    error NotOperator(uint16 party);
    /// @dev CON-1: a change that changes nothing.
    error ChangeEmpty();
    /// @dev CON-1: everybody has the notice period to look at a change.
    error NoticeTooShort(uint40 notBefore, uint40 earliest);
    /// @dev CON-1: no such change, or it is withdrawn or carried out.
    error ChangeNotOpen(uint32 change, ChangeState changeState);
    /// @dev CON-1: another change came first; this one was made for contracts that are no more.
    error ChangeOutdated(uint32 change, uint32 version, uint32 inForce);
    /// @dev CON-1: a party consents once.
    error ConsentTwice(uint32 change, uint16 operator);
    /// @dev CON-1: only who proposed a change withdraws it.
    error ChangeOfOther(uint32 change, uint16 proposer, uint16 caller);
    /// @dev CON-1: the notice period is not over.
    error ChangeTooEarly(uint32 change, uint40 notBefore, uint40 nowAt);
    /// @dev CON-1: what is to be carried out is not what was proposed.
    error CodesDiffer(uint32 change);
    /// @dev CON-1: a change needs the consent of more than two thirds of the operators.
    error ConsentsMissing(uint32 change, uint256 consents, uint256 operators);

    /// @notice Give every facade its first code; once, by who made this contract.
    function found(Code[] calldata codes) external;
    /// @notice Propose other code for some contracts; the set's version becomes one more. The proposer consents by it.
    /// @param documentHash SHA-256 of the document that says what changes and why.
    /// @param notBefore When it can be carried out at the earliest, Unix seconds.
    function propose(uint16 operator, Code[] calldata codes, bytes32 documentHash, uint40 notBefore) external;
    function consent(uint16 operator, uint32 change) external;
    function withdraw(uint16 operator, uint32 change) external;
    /// @notice Replace the code of all contracts of a change at once; `codes` as they were proposed.
    function carryOut(uint16 operator, uint32 change, Code[] calldata codes) external;

    /// @notice The lasting address of a contract; zero for an unknown name.
    function facadeOf(bytes32 name) external view returns (address);
    /// @notice The version of the set of contracts in force, 0 before it is founded; a client refuses one that it does not know.
    function version() external view returns (uint32);
    /// @notice Consents to a change whose parties are not suspended, and the number of operators.
    function consentsTo(uint32 change) external view returns (uint256 consents, uint256 operators);
}
