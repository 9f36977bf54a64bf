// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {IPrequalification} from "../interfaces/IPrequalification.sol";
import {EquivalenceRules} from "../libraries/EquivalenceRules.sol";
import {QualificationRules} from "../libraries/QualificationRules.sol";
import {QualificationState, Scope} from "../types/Types.sol";
import {QualificationBook} from "./QualificationBook.sol";

/// @title Is an aggregate qualified for a product? With the chain of equivalences, or the rule that failed (TOE-2)
/// @dev Only for whoever asks from outside: it looks for what `requireQualified` is given, and no transaction pays for it.
abstract contract QualificationAnswers is QualificationBook {
    using QualificationRules for QualificationRules.Qualification;

    struct Question {
        uint40 aggregate;
        uint32 product;
        uint16 day;
        uint40 time;
    }

    /// @dev An aggregate of the other scope that shares PODs with the asking one.
    struct Relation {
        uint40 aggregate;
        uint32 shared;
        uint32 pods;
        uint32 askingPods;
    }

    /// @inheritdoc IPrequalification
    function isQualified(uint40 aggregate, uint32 product, uint16 day, uint40 time)
        external
        view
        returns (bool qualified, uint40 testedAggregate, uint32[] memory chain, uint40 validUntil, bytes memory refusal)
    {
        _requireProduct(product);
        Question memory question = Question(aggregate, product, day, time);
        Relation[] memory relations = _relationsOf(question);
        // 1. The shortest chain in force from a test that counts.
        uint32[][] memory chains = _chainsTo(product, true);
        (testedAggregate, chain) = _firstTested(question, chains, relations);
        qualified = testedAggregate != 0;
        if (qualified) validUntil = _qualifications[_pair(testedAggregate, chain[0])].validUntil;
        // 2. Or what is nearest to one.
        else refusal = _nearest(question, chains, relations);
    }

    /// @dev The first chain from a test that counts, and whose test it is; 0 and none if there is none.
    function _firstTested(Question memory question, uint32[][] memory chains, Relation[] memory relations)
        private
        view
        returns (uint40 tested, uint32[] memory)
    {
        for (uint256 i = 0; i < chains.length; i++) {
            tested = _testedFor(question, chains[i][0], relations);
            if (tested != 0) return (tested, chains[i]);
        }
        return (0, new uint32[](0));
    }

    /// @dev An own qualification that does not count, a test of other PODs, an equivalence that is not in force, nothing.
    function _nearest(Question memory question, uint32[][] memory chains, Relation[] memory relations)
        private
        view
        returns (bytes memory)
    {
        QualificationRules.Qualification memory own = _qualifications[_pair(question.aggregate, question.product)];
        QualificationState state = own.stateAt(question.time);
        if (state == QualificationState.Qualified) return _changed(question, own);
        if (state == QualificationState.None) {
            for (uint256 i = 0; i < chains.length; i++) {
                bytes memory refusal = _otherPods(question, chains[i][0], relations);
                if (refusal.length != 0) return refusal;
            }
            (uint40 tested, uint32[] memory chain) = _firstTested(question, _chainsTo(question.product, false), relations);
            if (tested != 0) return _broken(chain);
        }
        return abi.encodeWithSelector(NotQualified.selector, question.aggregate, question.product, state, own.validUntil);
    }

    /// @dev PRQ-2
    function _changed(Question memory question, QualificationRules.Qualification memory own) private view returns (bytes memory) {
        (bytes32 what, uint256 tested, uint256 found) = own.changeOf(pods.rosterAt(question.aggregate, question.day));
        return abi.encodeWithSelector(AggregateChanged.selector, question.aggregate, question.product, what, tested, found);
    }

    /// @dev TOE-2: an aggregate that was tested for `product` and has other PODs; empty if there is none.
    function _otherPods(Question memory question, uint32 product, Relation[] memory relations)
        private
        view
        returns (bytes memory)
    {
        for (uint256 i = 0; i < relations.length; i++) {
            Relation memory other = relations[i];
            if (_isIdentical(other) || !_lives(question, other.aggregate, product)) continue;
            return abi.encodeWithSelector(
                AggregatesNotIdentical.selector, other.aggregate, question.aggregate, other.shared, other.pods, other.askingPods
            );
        }
        return "";
    }

    /// @dev TOE-1: the first link that is not in force.
    function _broken(uint32[] memory chain) private view returns (bytes memory) {
        uint256 i = 1;
        while (_equivalences[_pair(chain[i - 1], chain[i])] == EquivalenceRules.HOLDS) i++;
        return abi.encodeWithSelector(EquivalenceNotInForce.selector, chain[i - 1], chain[i]);
    }

    /// @dev The asking aggregate, or the first with the same PODs, whose test for `product` counts; 0 for none.
    function _testedFor(Question memory question, uint32 product, Relation[] memory relations) private view returns (uint40) {
        if (_lives(question, question.aggregate, product)) return question.aggregate;
        for (uint256 i = 0; i < relations.length; i++) {
            if (_isIdentical(relations[i]) && _lives(question, relations[i].aggregate, product)) return relations[i].aggregate;
        }
        return 0;
    }

    /// @dev TOE-4, PRQ-2: qualified at the time, and on the day still what was tested.
    function _lives(Question memory question, uint40 tested, uint32 product) private view returns (bool) {
        QualificationRules.Qualification memory found = _qualifications[_pair(tested, product)];
        if (found.stateAt(question.time) != QualificationState.Qualified) return false;
        // slither-disable-next-line unused-return
        (bytes32 what,,) = found.changeOf(pods.rosterAt(tested, question.day));
        return what == 0;
    }

    function _isIdentical(Relation memory relation) private pure returns (bool) {
        return relation.shared == relation.pods && relation.shared == relation.askingPods;
    }

    /// @dev By the aggregate's number; those that share no POD on the day are left out.
    function _relationsOf(Question memory question) private view returns (Relation[] memory relations) {
        bool isLocal = pods.scopeOf(question.aggregate) == Scope.Local;
        uint40[] memory others = pods.counterpartsOf(question.aggregate);
        relations = new Relation[](others.length);
        uint256 count = 0;
        for (uint256 i = 0; i < others.length; i++) {
            Relation memory relation = _relation(question, others[i], isLocal);
            if (relation.shared == 0) continue;
            uint256 place = count++;
            for (; place > 0 && relations[place - 1].aggregate > relation.aggregate; place--) {
                relations[place] = relations[place - 1];
            }
            relations[place] = relation;
        }
        assembly ("memory-safe") {
            mstore(relations, count)
        }
    }

    function _relation(Question memory question, uint40 other, bool isLocal) private view returns (Relation memory relation) {
        (uint40 asking, uint16 day) = (question.aggregate, question.day);
        relation.aggregate = other;
        relation.shared = isLocal ? pods.sharedAt(asking, other, 0, day).pods : pods.sharedAt(other, asking, 0, day).pods;
        relation.pods = pods.poolAt(other, 0, day).pods;
        relation.askingPods = pods.poolAt(asking, 0, day).pods;
    }

    /// @dev All chains of at most MAX_CHAIN different products that end at `product`, the shortest first, then by their numbers from the end;
    ///      with `inForce` over equivalences that both operators accepted, else over all that were ever proposed.
    function _chainsTo(uint32 product, bool inForce) private view returns (uint32[][] memory chains) {
        chains = new uint32[][](1);
        chains[0] = new uint32[](1);
        chains[0][0] = product;
        uint256 from = 0;
        for (uint256 length = 2; length <= MAX_CHAIN; length++) {
            uint256 reached = chains.length;
            chains = _grown(chains, from, inForce);
            from = reached;
        }
    }

    /// @dev `chains`, and behind them those that are one product longer than the ones from `from` on.
    function _grown(uint32[][] memory chains, uint256 from, bool inForce) private view returns (uint32[][] memory grown) {
        uint256 count = chains.length;
        uint256 room = count;
        for (uint256 i = from; i < chains.length; i++) {
            room += _sources[chains[i][0]].length;
        }
        grown = new uint32[][](room);
        for (uint256 i = 0; i < chains.length; i++) {
            grown[i] = chains[i];
        }
        for (uint256 i = from; i < chains.length; i++) {
            uint32[] memory sources = _sorted(_sources[chains[i][0]]);
            for (uint256 j = 0; j < sources.length; j++) {
                bool holds = _equivalences[_pair(sources[j], chains[i][0])] == EquivalenceRules.HOLDS;
                if (inForce && !holds || _contains(chains[i], sources[j])) continue;
                grown[count++] = _longer(sources[j], chains[i]);
            }
        }
        assembly ("memory-safe") {
            mstore(grown, count)
        }
    }

    function _sorted(uint32[] memory list) private pure returns (uint32[] memory) {
        for (uint256 i = 1; i < list.length; i++) {
            uint32 item = list[i];
            uint256 place = i;
            for (; place > 0 && list[place - 1] > item; place--) {
                list[place] = list[place - 1];
            }
            list[place] = item;
        }
        return list;
    }

    function _contains(uint32[] memory chain, uint32 product) private pure returns (bool found) {
        for (uint256 i = 0; i < chain.length; i++) {
            found = found || chain[i] == product;
        }
    }

    function _longer(uint32 first, uint32[] memory chain) private pure returns (uint32[] memory longer) {
        longer = new uint32[](chain.length + 1);
        longer[0] = first;
        for (uint256 i = 0; i < chain.length; i++) {
            longer[i + 1] = chain[i];
        }
    }
}
