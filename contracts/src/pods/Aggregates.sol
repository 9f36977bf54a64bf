// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {DayVersioned} from "../libraries/DayVersioned.sol";
import {Ids} from "../libraries/Ids.sol";
import {PodWord} from "../libraries/PodWord.sol";
import {PoolWord} from "../libraries/PoolWord.sol";
import {Pools} from "../libraries/Pools.sol";
import {PodBook} from "./PodBook.sol";
import {PartyKind, Scope, StaticLight} from "../types/Types.sol";

/// @title Aggregates, their members and pools (AGG-1..3)
abstract contract Aggregates is PodBook {
    using DayVersioned for DayVersioned.History;
    using Pools for Pools.Book;

    /// @dev Consecutive PODs of a batch in one perimeter and one aggregate of the other scope; their pools are written once.
    struct Group {
        uint40 perimeter;
        uint40 other;
        uint256 members;
    }

    uint256 private constant MAX_COUNTERPARTS = 16;

    /// @inheritdoc IPods
    function createAggregates(uint16 bsp, AggregateDraft[] calldata drafts) external onlyParty(PartyKind.Bsp, bsp) {
        for (uint256 i = 0; i < drafts.length; i++) {
            AggregateDraft calldata draft = drafts[i];
            uint40 aggregate = draft.aggregate;
            if (Ids.ownerOf(aggregate) != bsp) revert AggregateOfOther(aggregate, bsp);
            if (Ids.serialOf(aggregate) == 0) revert AggregateUnknown(aggregate);
            if (_scopes[aggregate] != 0) revert AggregateExists(aggregate);
            _scopes[aggregate] = uint8(draft.scope) + 1;
            emit AggregateCreated(aggregate, bsp, draft.scope, draft.payloadHash);
        }
    }

    /// @inheritdoc IPods
    function join(uint16 bsp, uint40 aggregate, bytes32[] calldata podIds) external onlyParty(PartyKind.Bsp, bsp) {
        Scope scope = _ownScope(bsp, aggregate);
        uint16 day = sessions.firstUnfrozenDay();
        Group memory group;
        for (uint256 i = 0; i < podIds.length; i++) {
            uint256 pod = _join(bsp, aggregate, scope, podIds[i], day);
            _gather(group, pod, aggregate, scope, day);
        }
        _enterPools(group, aggregate, scope, day);
    }

    /// @inheritdoc IPods
    function leave(uint16 bsp, uint40 aggregate, bytes32[] calldata podIds) external onlyParty(PartyKind.Bsp, bsp) {
        Scope scope = _ownScope(bsp, aggregate);
        uint16 day = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < podIds.length; i++) {
            _leave(bsp, aggregate, scope, podIds[i], day);
        }
    }

    /// @inheritdoc IPods
    function scopeOf(uint40 aggregate) external view returns (Scope) {
        return _scopeOf(aggregate);
    }

    /// @inheritdoc IPods
    function poolAt(uint40 aggregate, uint40 perimeter, uint16 day) external view returns (Pool memory) {
        return _pools.asOf(Pools.holderOf(aggregate), perimeter, day);
    }

    /// @inheritdoc IPods
    function rosterAt(uint40 aggregate, uint16 day) external view returns (Roster memory) {
        return _pools.rosterAt(Pools.holderOf(aggregate), day);
    }

    /// @inheritdoc IPods
    function sharedAt(uint40 localAggregate, uint40 globalAggregate, uint40 perimeter, uint16 day)
        external
        view
        returns (Pool memory)
    {
        return _pools.asOf(Pools.holderOf(localAggregate, globalAggregate), perimeter, day);
    }

    /// @inheritdoc IPods
    function counterpartsOf(uint40 aggregate) external view returns (uint40[] memory) {
        return _counterparts[aggregate];
    }

    /// @dev AGG-2: one aggregate of each scope, both of the POD's BSP. POD-2: not without a light that grants power.
    function _join(uint16 bsp, uint40 aggregate, Scope scope, bytes32 podId, uint16 day)
        private
        returns (uint256 pod)
    {
        DayVersioned.History storage history = _pods[podId];
        pod = _ownPod(bsp, podId, history);
        StaticLight light = PodWord.lightOf(pod);
        if (light != StaticLight.Confirmed && light != StaticLight.Modulated) revert StaticLightMissing(podId, light);
        uint40 current = PodWord.aggregateOf(pod, scope);
        if (current != 0) revert PodInOtherAggregate(podId, current);

        history.put(pod, day, PodWord.place(pod, scope, aggregate));
        emit PodJoined(aggregate, podId, day);
    }

    function _leave(uint16 bsp, uint40 aggregate, Scope scope, bytes32 podId, uint16 day) private {
        DayVersioned.History storage history = _pods[podId];
        uint256 pod = _ownPod(bsp, podId, history);
        if (PodWord.aggregateOf(pod, scope) != aggregate) revert PodNotMember(podId, aggregate);

        _exitPools(pod, aggregate, PodWord.aggregateOf(pod, _otherThan(scope)), scope, day);
        history.put(pod, day, PodWord.place(pod, scope, 0));
        emit PodLeft(aggregate, podId, day);
    }

    /// @dev Adds the POD to the group; if it is of another one, the group before enters its pools first.
    function _gather(Group memory group, uint256 pod, uint40 aggregate, Scope scope, uint16 day) private {
        uint40 perimeter = PodWord.perimeterOf(pod);
        uint40 other = PodWord.aggregateOf(pod, _otherThan(scope));
        if (perimeter != group.perimeter || other != group.other) {
            _enterPools(group, aggregate, scope, day);
            if (other != 0 && !_pools.isKnown(_pairOf(aggregate, other, scope))) _link(aggregate, other);
            (group.perimeter, group.other, group.members) = (perimeter, other, 0);
        }
        group.members += PoolWord.memberOf(pod);
    }

    /// @dev Takes the group into `aggregate` and into what this shares with the group's aggregate of the other scope.
    function _enterPools(Group memory group, uint40 aggregate, Scope scope, uint16 day) private {
        if (group.members == 0) return;
        _pools.enter(Pools.holderOf(aggregate), group.perimeter, group.members, day);
        if (group.other == 0) return;
        _pools.enter(_pairOf(aggregate, group.other, scope), group.perimeter, group.members, day);
    }

    function _link(uint40 aggregate, uint40 other) private {
        uint40[] storage ofAggregate = _counterparts[aggregate];
        uint40[] storage ofOther = _counterparts[other];
        if (ofAggregate.length == MAX_COUNTERPARTS) revert TooManyCounterparts(aggregate, MAX_COUNTERPARTS);
        if (ofOther.length == MAX_COUNTERPARTS) revert TooManyCounterparts(other, MAX_COUNTERPARTS);
        ofAggregate.push(other);
        ofOther.push(aggregate);
    }

    function _ownScope(uint16 bsp, uint40 aggregate) private view returns (Scope) {
        if (Ids.ownerOf(aggregate) != bsp) revert AggregateOfOther(aggregate, bsp);
        return _scopeOf(aggregate);
    }

    function _scopeOf(uint40 aggregate) private view returns (Scope) {
        uint8 scope = _scopes[aggregate];
        if (scope == 0) revert AggregateUnknown(aggregate);
        return Scope(scope - 1);
    }

    function _otherThan(Scope scope) private pure returns (Scope) {
        return scope == Scope.Local ? Scope.Global : Scope.Local;
    }
}
