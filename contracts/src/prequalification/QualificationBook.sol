// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "../base/PartyGated.sol";
import {IParticipants} from "../interfaces/IParticipants.sol";
import {IPods} from "../interfaces/IPods.sol";
import {IPrequalification} from "../interfaces/IPrequalification.sol";
import {EquivalenceRules} from "../libraries/EquivalenceRules.sol";
import {QualificationRules} from "../libraries/QualificationRules.sol";
import {QualificationState, Scope} from "../types/Types.sol";

/// @title Products, qualifications and equivalences as recorded, and what rests on them now (PRQ-2, TOE-2, TOE-4)
abstract contract QualificationBook is IPrequalification, PartyGated {
    using QualificationRules for QualificationRules.Qualification;

    uint256 internal constant MAX_CHAIN = 4;

    IPods public immutable pods;

    mapping(uint32 product => Product) internal _products;
    mapping(uint256 key => QualificationRules.Qualification) internal _qualifications;
    mapping(uint256 key => uint8 acceptances) internal _equivalences;
    /// @dev Products from which an equivalence to this one was ever proposed.
    mapping(uint32 product => uint32[]) internal _sources;

    constructor(IParticipants participants_, IPods pods_) PartyGated(participants_) {
        pods = pods_;
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
        // 4. What was tested is what there is (PRQ-2).
        (bytes32 what, uint256 tested, uint256 found) = source.changeOf(pods.rosterAt(testedAggregate, day));
        if (what != 0) revert AggregateChanged(testedAggregate, chain[0], what, tested, found);
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

    function _requireProduct(uint32 product) internal view returns (Product storage) {
        if (!_exists(product)) revert ProductUnknown(product);
        return _products[product];
    }

    function _exists(uint32 product) internal view returns (bool) {
        return _products[product].product != 0;
    }

    function _pair(uint40 a, uint32 b) internal pure returns (uint256) {
        return uint256(a) << 32 | b;
    }
}
