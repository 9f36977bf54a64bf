// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {IPrequalification} from "./interfaces/IPrequalification.sol";
import {EquivalenceRules} from "./libraries/EquivalenceRules.sol";
import {Ids} from "./libraries/Ids.sol";
import {ProductRules} from "./libraries/ProductRules.sol";
import {QualificationRules} from "./libraries/QualificationRules.sol";
import {QualificationAnswers} from "./prequalification/QualificationAnswers.sol";
import {QualificationBook} from "./prequalification/QualificationBook.sol";
import {PartyKind, QualificationState} from "./types/Types.sol";

/// @title Products, prequalification, Table of Equivalences (PRD-1, PRQ-1, PRQ-2, TOE-1, TOE-2, TOE-4)
contract Prequalification is QualificationAnswers {
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

    IMarketSessions public immutable sessions;

    constructor(IParticipants participants_, IMarketSessions sessions_, IPods pods_) QualificationBook(participants_, pods_) {
        sessions = sessions_;
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
            if (sides == 0 || from[i] == to[i] || EquivalenceRules.isProposed(_equivalences[key])) {
                revert EquivalenceStep(from[i], to[i], operator);
            }
            EquivalenceRules.requireDemandsAtLeast(demanding, demanded);
            if (_equivalences[key] == 0) _sources[to[i]].push(from[i]);
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
            if (!EquivalenceRules.isProposed(accepted) || sides & ~accepted == 0) revert EquivalenceStep(from[i], to[i], operator);
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
            if (!EquivalenceRules.isProposed(_equivalences[key]) || _sidesOf(operator, from[i], to[i]) == 0) {
                revert EquivalenceStep(from[i], to[i], operator);
            }
            _equivalences[key] = EquivalenceRules.REVOKED;
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
        _qualifications[_pair(aggregate, product)] =
            QualificationRules.Qualification(QualificationState.Requested, 0, 0, 0, 0, 0);
        emit QualificationMoved(
            aggregate, product, QualificationState.Requested, bsp, 0, 0, evidenceHash, IPods.Roster(0, 0, 0)
        );
    }

    /// @dev PRQ-1: a step of the product's operator; the way to `Qualified` leads over the test and the minimum power.
    function _move(Step memory step) private {
        Product storage terms = _requireProduct(step.product);
        if (Ids.operatorOf(step.product) != step.operator) revert StepOfOther(step.aggregate, step.product, step.operator);
        uint256 key = _pair(step.aggregate, step.product);
        QualificationRules.Qualification memory qualification = _qualifications[key];
        bool qualifies = step.wanted == QualificationState.Qualified;
        IPods.Roster memory roster;
        if (qualifies) roster = pods.rosterAt(step.aggregate, step.day);
        _requireStep(step, qualification, roster, terms.tolerancePpm);
        if (qualifies) {
            _requirePower(step.aggregate, terms, roster);
            (qualification.changes, qualification.upKw, qualification.downKw) = (roster.changes, roster.upKw, roster.downKw);
            // forge-lint: disable-next-line(unsafe-typecast)
            qualification.tolerancePpm = uint24(terms.tolerancePpm); // at most a million
            qualification.validUntil = uint40(block.timestamp + uint256(terms.qualificationDays) * 1 days);
        }
        qualification.state = step.wanted;
        _qualifications[key] = qualification;
        emit QualificationMoved(
            step.aggregate,
            step.product,
            step.wanted,
            step.operator,
            qualification.validUntil,
            step.performancePermille,
            step.evidenceHash,
            IPods.Roster(qualification.changes, qualification.upKw, qualification.downKw)
        );
    }

    /// @dev PRQ-1: a step that leads on, and to `Qualified` over a passed test. PRQ-2: what a change has suspended can be tested again at once.
    function _requireStep(
        Step memory step,
        QualificationRules.Qualification memory qualification,
        IPods.Roster memory roster,
        uint32 tolerancePpm
    ) private view {
        QualificationState state = qualification.stateAt(block.timestamp);
        bool allowed = QualificationRules.mayMove(state, step.wanted);
        if (step.wanted == QualificationState.Qualified) {
            // slither-disable-next-line incorrect-equality
            if (state == QualificationState.Qualified) {
                // slither-disable-next-line unused-return
                (bytes32 what,,) = qualification.changeOf(roster);
                allowed = what != 0;
            }
            allowed = allowed && QualificationRules.passes(step.performancePermille, tolerancePpm);
        }
        if (!allowed) revert StepNotAllowed(step.aggregate, step.product, state, step.wanted);
    }

    function _requirePower(uint40 aggregate, Product storage terms, IPods.Roster memory roster) private view {
        if (roster.upKw < terms.minUpKw) revert PowerBelowProduct(aggregate, terms.product, roster.upKw, terms.minUpKw);
        if (roster.downKw < terms.minDownKw) {
            revert PowerBelowProduct(aggregate, terms.product, roster.downKw, terms.minDownKw);
        }
    }

    /// @dev Which sides of an equivalence the operator answers for, as acceptances.
    function _sidesOf(uint16 operator, uint32 from, uint32 to) private pure returns (uint8 sides) {
        if (Ids.operatorOf(from) == operator) sides |= EquivalenceRules.FROM_ACCEPTED;
        if (Ids.operatorOf(to) == operator) sides |= EquivalenceRules.TO_ACCEPTED;
    }

    function _requireSameLength(uint256 expected, uint256 found) private pure {
        if (expected != found) revert ListsDiffer(expected, found);
    }
}
