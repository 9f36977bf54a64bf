// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "./IPods.sol";
import {QualificationState, SettlementMethod} from "../types/Types.sol";

/// @title Products, prequalification, Table of Equivalences (PRD-1, PRQ-1, PRQ-2, TOE-1, TOE-2, TOE-4)
interface IPrequalification {
    /// @dev PRD-1 (D4.1 Table 7). Months and days are bit masks from January and Monday; minutes count from local midnight, the window
    ///      is half-open. `supersedes` is the version before this one, or 0. Prices are no part of a product (PRIV-3).
    struct Product {
        uint32 product;
        uint32 supersedes;
        bytes32 service;
        bytes32 testInfrastructure;
        uint16 months;
        uint8 weekdays;
        uint16 fromMinute;
        uint16 untilMinute;
        uint24 minUpKw;
        uint24 minDownKw;
        uint32 activationTimeS;
        uint32 recoveryTimeS;
        uint32 durationS;
        SettlementMethod method;
        uint32 tolerancePpm;
        uint16 penaltyNumerator;
        uint16 penaltyDenominator;
        uint32 qualificationDays;
        bytes32 payloadHash;
    }

    event ProductPublished(uint32 indexed product, uint16 indexed operator, Product terms);
    /// @notice `tested` is what the aggregate was when it was qualified last (PRQ-2).
    event QualificationMoved(
        uint40 indexed aggregate,
        uint32 indexed product,
        QualificationState state,
        uint16 actor,
        uint40 validUntil,
        uint16 performancePermille,
        bytes32 evidenceHash,
        IPods.Roster tested
    );
    /// @notice Who passed the test of `from` is qualified for `to`; holds once both operators accepted.
    event EquivalenceProposed(uint32 indexed from, uint32 indexed to, uint16 operator);
    event EquivalenceAccepted(uint32 indexed from, uint32 indexed to, uint16 operator, bool holds);
    event EquivalenceRevoked(uint32 indexed from, uint32 indexed to, uint16 operator);

    /// @dev PRD-1: the product's id carries another operator.
    error ProductOfOther(uint32 product, uint16 operator);
    /// @dev PRD-1: products are versioned, never edited.
    error ProductExists(uint32 product);
    /// @dev PRD-1: no such product.
    error ProductUnknown(uint32 product);
    /// @dev PRD-1: an attribute is out of its range.
    error ProductInvalid(uint32 product, bytes32 attribute, uint256 found, uint256 limit);
    /// @dev PRQ-1: this step does not lead from the state it is in.
    error StepNotAllowed(uint40 aggregate, uint32 product, QualificationState state, QualificationState wanted);
    /// @dev PRQ-1: the step belongs to another party (the BSP applies, the product's operator or, under an equivalence, the tester decides).
    error StepOfOther(uint40 aggregate, uint32 product, uint16 caller);
    /// @dev PRQ-1: the aggregate's granted power does not reach the product's minimum.
    error PowerBelowProduct(uint40 aggregate, uint32 product, uint256 foundKw, uint256 minimumKw);
    /// @dev TOE-1: `from` does not demand at least what `to` demands, or the service or test infrastructure differs.
    error NotEquivalent(uint32 from, uint32 to, bytes32 attribute, uint256 fromValue, uint256 toValue);
    /// @dev TOE-1: the equivalence is in no state for this step.
    error EquivalenceStep(uint32 from, uint32 to, uint16 operator);
    /// @dev TOE-1: a link of the chain is not accepted by both operators.
    error EquivalenceNotInForce(uint32 from, uint32 to);
    /// @dev TOE-2: the tested aggregate and the asking one do not have the same PODs.
    error AggregatesNotIdentical(uint40 tested, uint40 asking, uint32 shared, uint32 testedPods, uint32 askingPods);
    /// @dev PRQ-1: the aggregate holds no living qualification for the product.
    error NotQualified(uint40 aggregate, uint32 product, QualificationState state, uint40 validUntil);
    /// @dev PRQ-2: since the test the aggregate's members have changed, or its power by more than the product's tolerance.
    error AggregateChanged(uint40 aggregate, uint32 product, bytes32 what, uint256 tested, uint256 found);
    /// @dev TOE-2: the chain has to start at the tested product and end at the product asked for, in at most this many links.
    error ChainMalformed(uint32 product, uint256 length, uint256 limit);

    /// @dev PRQ-1: the lists of a batch have one entry per step each.
    error ListsDiffer(uint256 expected, uint256 found);

    function publishProducts(uint16 operator, Product[] calldata products) external;
    function apply_(uint16 bsp, uint40[] calldata aggregates, uint32[] calldata products, bytes32[] calldata evidenceHashes) external;
    /// @notice Operator steps: testing, qualified (with the measured performance), rejected, suspended, and qualified again.
    function move(
        uint16 operator,
        uint40[] calldata aggregates,
        uint32[] calldata products,
        QualificationState[] calldata states,
        uint16[] calldata performancePermille,
        bytes32[] calldata evidenceHashes
    ) external;
    function proposeEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to) external;
    function acceptEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to) external;
    function revokeEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to) external;

    function productOf(uint32 product) external view returns (Product memory);
    function qualificationOf(uint40 aggregate, uint32 product) external view returns (QualificationState state, uint40 validUntil);
    /// @notice Whether `aggregate` is qualified for `product` at `time`, with its PODs of `day`: by which chain of equivalences from what
    ///         `testedAggregate` was tested for, until when; or `refusal`, the typed error of the rule that failed (TOE-2).
    function isQualified(uint40 aggregate, uint32 product, uint16 day, uint40 time)
        external
        view
        returns (bool qualified, uint40 testedAggregate, uint32[] memory chain, uint40 validUntil, bytes memory refusal);
    /// @notice Reverts with the failing rule unless `aggregate` is qualified at `time` for the last product of `chain`, because
    ///         `testedAggregate` (the same, or one with the same PODs on `day`) holds a qualification for its first and is on `day` still what
    ///         was tested.
    function requireQualified(uint40 aggregate, uint40 testedAggregate, uint32[] calldata chain, uint16 day, uint40 time)
        external
        view;
}
