// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {IPrequalification} from "./interfaces/IPrequalification.sol";
import {EquivalenceRules} from "./libraries/EquivalenceRules.sol";
import {Ids} from "./libraries/Ids.sol";
import {ProductRules} from "./libraries/ProductRules.sol";
import {QualificationRules} from "./libraries/QualificationRules.sol";
import {PartyKind, QualificationState, Scope} from "./types/Types.sol";

/// @title Products, prequalification, Table of Equivalences (PRD-1, PRQ-1, PRQ-2, TOE-1, TOE-2, TOE-4)
contract Prequalification is IPrequalification, PartyGated {
    using QualificationRules for QualificationRules.Qualification;

    /// @dev One step of an operator in a batch; powers are those of `day`.
    struct Step {
        uint16 operator;
        uint16 day;
        uint40 aggregate;
        uint32 product;
        QualificationState wanted;
        uint16 performancePermille;
        bytes32 evidenceHash;
    }

    uint256 private constant MAX_CHAIN = 4;

    IMarketSessions public immutable sessions;
    IPods public immutable pods;

    mapping(uint32 product => Product) private _products;
    mapping(uint256 key => QualificationRules.Qualification) private _qualifications;
    mapping(uint256 key => uint8 acceptances) private _equivalences;

    constructor(IParticipants participants_, IMarketSessions sessions_, IPods pods_) PartyGated(participants_) {
        sessions = sessions_;
        pods = pods_;
    }

    /// @dev ACT-1: products and equivalences are those of a TSO or a DSO.
    modifier onlyOperator(uint16 operator) {
        PartyKind kind = participants.kindOf(operator) == PartyKind.Tso ? PartyKind.Tso : PartyKind.Dso;
        participants.requireParty(kind, operator, msg.sender);
        _;
    }

    /// @inheritdoc IPrequalification
    function publishProducts(uint16 operator, Product[] calldata products) external onlyOperator(operator) {
        for (uint256 i = 0; i < products.length; i++) {
            Product calldata terms = products[i];
            if (Ids.operatorOf(terms.product) != operator) revert ProductOfOther(terms.product, operator);
            if (_exists(terms.product)) revert ProductExists(terms.product);
            ProductRules.requireValid(terms);
            if (terms.supersedes != 0) {
                _requireProduct(terms.supersedes);
                if (Ids.operatorOf(terms.supersedes) != operator) revert ProductOfOther(terms.supersedes, operator);
            }
            _products[terms.product] = terms;
            emit ProductPublished(terms.product, operator, terms);
        }
    }

    /// @inheritdoc IPrequalification
    function apply_(uint16 bsp, uint40[] calldata aggregates, uint32[] calldata products, bytes32[] calldata evidenceHashes)
        external
        onlyParty(PartyKind.Bsp, bsp)
    {
        _requireSameLength(aggregates.length, products.length);
        _requireSameLength(aggregates.length, evidenceHashes.length);
        for (uint256 i = 0; i < aggregates.length; i++) {
            _apply(bsp, aggregates[i], products[i], evidenceHashes[i]);
        }
    }

    /// @inheritdoc IPrequalification
    function move(
        uint16 operator,
        uint40[] calldata aggregates,
        uint32[] calldata products,
        QualificationState[] calldata states,
        uint16[] calldata performancePermille,
        bytes32[] calldata evidenceHashes
    ) external onlyOperator(operator) {
        _requireSameLength(aggregates.length, products.length);
        _requireSameLength(aggregates.length, states.length);
        _requireSameLength(aggregates.length, performancePermille.length);
        _requireSameLength(aggregates.length, evidenceHashes.length);
        Step memory step;
        step.operator = operator;
        step.day = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < aggregates.length; i++) {
            step.aggregate = aggregates[i];
            step.product = products[i];
            step.wanted = states[i];
            step.performancePermille = performancePermille[i];
            step.evidenceHash = evidenceHashes[i];
            _move(step);
        }
    }

    /// @inheritdoc IPrequalification
    function proposeEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to)
        external
        onlyOperator(operator)
    {
        _requireSameLength(from.length, to.length);
        for (uint256 i = 0; i < from.length; i++) {
            Product storage demanding = _requireProduct(from[i]);
            Product storage demanded = _requireProduct(to[i]);
            uint8 sides = _sidesOf(operator, from[i], to[i]);
            uint256 key = _pair(from[i], to[i]);
            if (sides == 0 || from[i] == to[i] || _equivalences[key] != 0) revert EquivalenceStep(from[i], to[i], operator);
            EquivalenceRules.requireDemandsAtLeast(demanding, demanded);
            _equivalences[key] = sides;
            emit EquivalenceProposed(from[i], to[i], operator);
            if (sides == EquivalenceRules.HOLDS) emit EquivalenceAccepted(from[i], to[i], operator, true);
        }
    }

    /// @inheritdoc IPrequalification
    function acceptEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to)
        external
        onlyOperator(operator)
    {
        _requireSameLength(from.length, to.length);
        for (uint256 i = 0; i < from.length; i++) {
            uint8 sides = _sidesOf(operator, from[i], to[i]);
            uint256 key = _pair(from[i], to[i]);
            uint8 accepted = _equivalences[key];
            if (accepted == 0 || sides & ~accepted == 0) revert EquivalenceStep(from[i], to[i], operator);
            accepted |= sides;
            _equivalences[key] = accepted;
            emit EquivalenceAccepted(from[i], to[i], operator, accepted == EquivalenceRules.HOLDS);
        }
    }

    /// @inheritdoc IPrequalification
    function revokeEquivalences(uint16 operator, uint32[] calldata from, uint32[] calldata to)
        external
        onlyOperator(operator)
    {
        _requireSameLength(from.length, to.length);
        for (uint256 i = 0; i < from.length; i++) {
            uint256 key = _pair(from[i], to[i]);
            if (_equivalences[key] == 0 || _sidesOf(operator, from[i], to[i]) == 0) {
                revert EquivalenceStep(from[i], to[i], operator);
            }
            delete _equivalences[key];
            emit EquivalenceRevoked(from[i], to[i], operator);
        }
    }

    /// @inheritdoc IPrequalification
    function productOf(uint32 product) external view returns (Product memory) {
        return _requireProduct(product);
    }

    /// @inheritdoc IPrequalification
    function qualificationOf(uint40 aggregate, uint32 product)
        external
        view
        returns (QualificationState state, uint40 validUntil)
    {
        QualificationRules.Qualification memory found = _qualifications[_pair(aggregate, product)];
        return (found.stateAt(block.timestamp), found.validUntil);
    }

    /// @inheritdoc IPrequalification
    /// @dev TOE-4: the answer is found when it is asked for, so whatever ends the source ends all that is derived from it.
    function requireQualified(uint40 aggregate, uint40 testedAggregate, uint32[] calldata chain, uint16 day, uint40 time)
        external
        view
    {
        // 1. A chain of equivalences, each accepted by both operators (TOE-1).
        uint256 length = chain.length;
        if (length == 0 || length > MAX_CHAIN) {
            revert ChainMalformed(length == 0 ? 0 : chain[length - 1], length, MAX_CHAIN);
        }
        for (uint256 i = 1; i < length; i++) {
            if (_equivalences[_pair(chain[i - 1], chain[i])] != EquivalenceRules.HOLDS) {
                revert EquivalenceNotInForce(chain[i - 1], chain[i]);
            }
        }
        // 2. The pure case: the aggregate itself was tested, or one with the same PODs (TOE-2).
        if (testedAggregate != aggregate) _requireIdentical(testedAggregate, aggregate, day);
        // 3. The source qualification lives (PRQ-2).
        QualificationRules.Qualification memory source = _qualifications[_pair(testedAggregate, chain[0])];
        QualificationState state = source.stateAt(time);
        if (state != QualificationState.Qualified) {
            revert NotQualified(testedAggregate, chain[0], state, source.validUntil);
        }
    }

    /// @dev PRQ-1: the first step is the BSP's.
    function _apply(uint16 bsp, uint40 aggregate, uint32 product, bytes32 evidenceHash) private {
        _requireProduct(product);
        if (Ids.ownerOf(aggregate) != bsp) revert StepOfOther(aggregate, product, bsp);
        // slither-disable-next-line unused-return
        pods.scopeOf(aggregate); // reverts if there is no such aggregate
        QualificationRules.Qualification storage qualification = _qualifications[_pair(aggregate, product)];
        QualificationState state = qualification.stateAt(block.timestamp);
        if (!QualificationRules.mayApply(state)) {
            revert StepNotAllowed(aggregate, product, state, QualificationState.Requested);
        }
        qualification.state = QualificationState.Requested;
        qualification.validUntil = 0;
        emit QualificationMoved(aggregate, product, QualificationState.Requested, bsp, 0, 0, evidenceHash);
    }

    /// @dev PRQ-1: a step of the product's operator; the way to `Qualified` leads over the test and the minimum power.
    function _move(Step memory step) private {
        Product storage terms = _requireProduct(step.product);
        if (Ids.operatorOf(step.product) != step.operator) revert StepOfOther(step.aggregate, step.product, step.operator);
        QualificationRules.Qualification storage qualification = _qualifications[_pair(step.aggregate, step.product)];
        QualificationState state = qualification.stateAt(block.timestamp);
        bool qualifies = step.wanted == QualificationState.Qualified;
        if (
            !QualificationRules.mayMove(state, step.wanted)
                || (qualifies && !QualificationRules.passes(step.performancePermille, terms.tolerancePpm))
        ) {
            revert StepNotAllowed(step.aggregate, step.product, state, step.wanted);
        }
        uint40 validUntil = qualification.validUntil;
        if (qualifies) {
            _requirePower(step.aggregate, terms, step.day);
            validUntil = uint40(block.timestamp + uint256(terms.qualificationDays) * 1 days);
            qualification.validUntil = validUntil;
        }
        qualification.state = step.wanted;
        emit QualificationMoved(
            step.aggregate, step.product, step.wanted, step.operator, validUntil, step.performancePermille, step.evidenceHash
        );
    }

    function _requirePower(uint40 aggregate, Product storage terms, uint16 day) private view {
        IPods.Pool memory pool = pods.poolAt(aggregate, 0, day);
        if (pool.upKw < terms.minUpKw) revert PowerBelowProduct(aggregate, terms.product, pool.upKw, terms.minUpKw);
        if (pool.downKw < terms.minDownKw) revert PowerBelowProduct(aggregate, terms.product, pool.downKw, terms.minDownKw);
    }

    /// @dev TOE-2: one local, one global, and every POD of either in both.
    function _requireIdentical(uint40 tested, uint40 asking, uint16 day) private view {
        Scope testedScope = pods.scopeOf(tested);
        uint32 shared = 0;
        if (testedScope != pods.scopeOf(asking)) {
            (uint40 local, uint40 global_) = testedScope == Scope.Local ? (tested, asking) : (asking, tested);
            shared = pods.sharedAt(local, global_, 0, day).pods;
        }
        uint32 testedPods = pods.poolAt(tested, 0, day).pods;
        uint32 askingPods = pods.poolAt(asking, 0, day).pods;
        if (shared == 0 || shared != testedPods || shared != askingPods) {
            revert AggregatesNotIdentical(tested, asking, shared, testedPods, askingPods);
        }
    }

    function _requireProduct(uint32 product) private view returns (Product storage) {
        if (!_exists(product)) revert ProductUnknown(product);
        return _products[product];
    }

    function _exists(uint32 product) private view returns (bool) {
        return _products[product].product != 0;
    }

    /// @dev Which sides of an equivalence the operator answers for, as acceptances.
    function _sidesOf(uint16 operator, uint32 from, uint32 to) private pure returns (uint8 sides) {
        if (Ids.operatorOf(from) == operator) sides |= EquivalenceRules.FROM_ACCEPTED;
        if (Ids.operatorOf(to) == operator) sides |= EquivalenceRules.TO_ACCEPTED;
    }

    function _pair(uint40 a, uint32 b) private pure returns (uint256) {
        return uint256(a) << 32 | b;
    }

    function _requireSameLength(uint256 expected, uint256 found) private pure {
        if (expected != found) revert ListsDiffer(expected, found);
    }
}
