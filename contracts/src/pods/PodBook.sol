// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "../base/PartyGated.sol";
import {IMarketSessions} from "../interfaces/IMarketSessions.sol";
import {IParticipants} from "../interfaces/IParticipants.sol";
import {IPods} from "../interfaces/IPods.sol";
import {ITrafficLights} from "../interfaces/ITrafficLights.sol";
import {DayVersioned} from "../libraries/DayVersioned.sol";
import {PodWord} from "../libraries/PodWord.sol";
import {PoolWord} from "../libraries/PoolWord.sol";
import {Pools} from "../libraries/Pools.sol";
import {Scope} from "../types/Types.sol";

/// @title What is recorded of PODs and of the pools that they are members of, and how a POD changes in both (AGG-2)
/// @dev Every change holds from the first delivery day whose LFP 1 has not opened (AGG-2). Changes are decided on what was changed last, which
///      holds from that day at the latest. Whatever changes a POD's power, perimeter or membership moves it in its pools, so that on
///      every day a pool is the sum over its members.
abstract contract PodBook is IPods, PartyGated {
    using DayVersioned for DayVersioned.History;
    using Pools for Pools.Book;

    IMarketSessions public immutable sessions;
    ITrafficLights public immutable lights;

    mapping(bytes32 podId => DayVersioned.History) internal _pods;
    Pools.Book internal _pools;
    /// @dev Scope + 1, so that 0 is no aggregate.
    mapping(uint40 aggregate => uint8) internal _scopes;
    // slither-disable-next-line uninitialized-state
    mapping(uint40 aggregate => uint40[]) internal _counterparts;
    /// @dev Per POD and claiming BSP: the BSP that it was claimed from, 0 without a claim. A claim lapses when the POD has another BSP.
    mapping(bytes32 podId => mapping(uint16 claimant => uint16 holder)) internal _claims;

    constructor(IParticipants participants_, IMarketSessions sessions_, ITrafficLights lights_) PartyGated(participants_) {
        sessions = sessions_;
        lights = lights_;
    }

    /// @inheritdoc IPods
    function podAt(bytes32 podId, uint16 day) external view returns (Pod memory) {
        return PodWord.unpack(_pods[podId].asOf(day));
    }

    /// @inheritdoc IPods
    function wordsAt(bytes32[] calldata podIds, uint16 day) external view returns (uint256[] memory words) {
        words = new uint256[](podIds.length);
        for (uint256 i = 0; i < podIds.length; i++) {
            words[i] = _pods[podIds[i]].asOf(day);
        }
    }

    /// @dev AGG-2: the POD leaves both of its aggregates.
    function _endMemberships(bytes32 podId, uint256 pod, uint16 day) internal {
        uint40 local = PodWord.aggregateOf(pod, Scope.Local);
        uint40 global_ = PodWord.aggregateOf(pod, Scope.Global);
        if (local != 0) {
            _exitPools(pod, local, global_, Scope.Local, day);
            emit PodLeft(local, podId, day);
        }
        if (global_ != 0) {
            _exitPools(pod, global_, 0, Scope.Global, day);
            emit PodLeft(global_, podId, day);
        }
    }

    /// @dev Takes the POD out of `aggregate` and of what this shares with `other` (0: nothing).
    function _exitPools(uint256 pod, uint40 aggregate, uint40 other, Scope scope, uint16 day) internal {
        uint40 perimeter = PodWord.perimeterOf(pod);
        uint256 member = PoolWord.memberOf(pod);
        _pools.exit(Pools.holderOf(aggregate), perimeter, member, day);
        if (other != 0) _pools.exit(_pairOf(aggregate, other, scope), perimeter, member, day);
    }

    /// @dev The POD with other powers or perimeter, also in the pools it is a member of.
    function _replace(DayVersioned.History storage history, uint256 pod, uint256 changed, uint16 day) internal {
        uint40 local = PodWord.aggregateOf(pod, Scope.Local);
        uint40 global_ = PodWord.aggregateOf(pod, Scope.Global);
        if (local != 0) _pools.move(Pools.holderOf(local), pod, changed, day);
        if (global_ != 0) _pools.move(Pools.holderOf(global_), pod, changed, day);
        if (local != 0 && global_ != 0) _pools.move(Pools.holderOf(local, global_), pod, changed, day);
        history.put(pod, day, changed);
    }

    function _ownPod(uint16 bsp, bytes32 podId, DayVersioned.History storage history) internal view returns (uint256 pod) {
        pod = _registeredPod(podId, history);
        if (PodWord.bspOf(pod) != bsp) revert PodOfOtherBsp(podId, PodWord.bspOf(pod), bsp);
    }

    function _connectedPod(uint16 dso, bytes32 podId, DayVersioned.History storage history)
        internal
        view
        returns (uint256 pod)
    {
        pod = _registeredPod(podId, history);
        if (PodWord.dsoOf(pod) != dso) revert PodOfOtherDso(podId, PodWord.dsoOf(pod), dso);
    }

    function _registeredPod(bytes32 podId, DayVersioned.History storage history) internal view returns (uint256 pod) {
        pod = history.latest;
        if (PodWord.bspOf(pod) == 0) revert PodUnknown(podId);
    }

    function _pairOf(uint40 aggregate, uint40 other, Scope scope) internal pure returns (uint256) {
        return scope == Scope.Local ? Pools.holderOf(aggregate, other) : Pools.holderOf(other, aggregate);
    }
}
