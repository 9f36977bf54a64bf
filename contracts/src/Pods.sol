// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {ITrafficLights} from "./interfaces/ITrafficLights.sol";
import {DayVersioned} from "./libraries/DayVersioned.sol";
import {Ids} from "./libraries/Ids.sol";
import {PodWord} from "./libraries/PodWord.sol";
import {PoolWord} from "./libraries/PoolWord.sol";
import {Pools} from "./libraries/Pools.sol";
import {PartyKind, Scope, StaticLight} from "./types/Types.sol";

/// @title PODs, static lights, aggregates and their members (POD-1..3, POD-5, AGG-1..3)
/// @dev Every change holds from the first delivery day whose LFP 1 has not opened (AGG-2). Changes are decided on what was changed last, which
///      holds from that day at the latest. Whatever changes a POD's power, perimeter or membership moves it in its pools, so that on
///      every day a pool is the sum over its members.
contract Pods is IPods, PartyGated {
    using DayVersioned for DayVersioned.History;
    using Pools for Pools.Book;

    /// @dev Consecutive PODs of a batch in one perimeter and one aggregate of the other scope; their pools are written once.
    struct Group {
        uint40 perimeter;
        uint40 other;
        uint256 members;
    }

    uint256 private constant MAX_COUNTERPARTS = 16;

    IMarketSessions public immutable sessions;
    ITrafficLights public immutable lights;

    mapping(bytes32 podId => DayVersioned.History) private _pods;
    Pools.Book private _pools;
    /// @dev Scope + 1, so that 0 is no aggregate.
    mapping(uint40 aggregate => uint8) private _scopes;
    // slither-disable-next-line uninitialized-state
    mapping(uint40 aggregate => uint40[]) private _counterparts;
    /// @dev Per POD and claiming BSP: the BSP that it was claimed from, 0 without a claim. A claim lapses when the POD has another BSP.
    mapping(bytes32 podId => mapping(uint16 claimant => uint16 holder)) private _claims;

    constructor(IParticipants participants_, IMarketSessions sessions_, ITrafficLights lights_) PartyGated(participants_) {
        sessions = sessions_;
        lights = lights_;
    }

    /// @inheritdoc IPods
    function register(uint16 bsp, Registration[] calldata registrations) external onlyParty(PartyKind.Bsp, bsp) {
        uint16 day = sessions.firstUnfrozenDay();
        uint16 knownDso = 0;
        for (uint256 i = 0; i < registrations.length; i++) {
            Registration calldata registration = registrations[i];
            _requirePowers(registration);
            if (registration.dso == 0 || registration.dso != knownDso) {
                _requireDso(registration);
                knownDso = registration.dso;
            }
            _register(bsp, registration, day);
        }
    }

    /// @inheritdoc IPods
    function change(uint16 bsp, Registration[] calldata registrations) external onlyParty(PartyKind.Bsp, bsp) {
        uint16 day = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < registrations.length; i++) {
            _requirePowers(registrations[i]);
            _change(bsp, registrations[i], day);
        }
    }

    /// @inheritdoc IPods
    function withdraw(uint16 bsp, bytes32[] calldata podIds) external onlyParty(PartyKind.Bsp, bsp) {
        uint16 day = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < podIds.length; i++) {
            _withdraw(bsp, podIds[i], day);
        }
    }

    /// @inheritdoc IPods
    function claim(uint16 bsp, PodClaim[] calldata claims) external onlyParty(PartyKind.Bsp, bsp) {
        for (uint256 i = 0; i < claims.length; i++) {
            bytes32 podId = claims[i].podId;
            uint16 holder = PodWord.bspOf(_registeredPod(podId, _pods[podId]));
            if (holder == bsp || _claims[podId][bsp] == holder) revert ClaimStep(podId, bsp, holder);
            _claims[podId][bsp] = holder;
            emit PodClaimed(podId, bsp, holder, claims[i].mandateHash);
        }
    }

    /// @inheritdoc IPods
    function dropClaims(uint16 bsp, bytes32[] calldata podIds) external onlyParty(PartyKind.Bsp, bsp) {
        for (uint256 i = 0; i < podIds.length; i++) {
            bytes32 podId = podIds[i];
            if (_claims[podId][bsp] == 0) revert ClaimStep(podId, bsp, 0);
            delete _claims[podId][bsp];
            emit PodClaimDropped(podId, bsp);
        }
    }

    /// @inheritdoc IPods
    function handOver(uint16 dso, Handover[] calldata handovers) external onlyParty(PartyKind.Dso, dso) {
        uint16 day = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < handovers.length; i++) {
            _handOver(dso, handovers[i].podId, handovers[i].bsp, day);
        }
    }

    /// @inheritdoc IPods
    function giveStaticLights(uint16 dso, StaticLightDecision[] calldata decisions) external onlyParty(PartyKind.Dso, dso) {
        uint16 day = sessions.firstUnfrozenDay();
        uint40 knownPerimeter = 0;
        for (uint256 i = 0; i < decisions.length; i++) {
            StaticLightDecision calldata decision = decisions[i];
            if (decision.perimeter == 0 || decision.perimeter != knownPerimeter) {
                if (Ids.ownerOf(decision.perimeter) != dso) revert ITrafficLights.PerimeterOfOther(decision.perimeter, dso);
                lights.requireInForce(decision.perimeter, day);
                knownPerimeter = decision.perimeter;
            }
            _giveStaticLight(dso, decision, day);
        }
    }

    /// @inheritdoc IPods
    function movePods(uint16 dso, uint40 perimeter, bytes32[] calldata podIds) external onlyParty(PartyKind.Dso, dso) {
        uint16 day = sessions.firstUnfrozenDay();
        if (Ids.ownerOf(perimeter) != dso) revert ITrafficLights.PerimeterOfOther(perimeter, dso);
        lights.requireInForce(perimeter, day);
        uint40 known = 0;
        for (uint256 i = 0; i < podIds.length; i++) {
            DayVersioned.History storage history = _pods[podIds[i]];
            uint256 pod = _connectedPod(dso, podIds[i], history);
            uint40 previous = PodWord.perimeterOf(pod);
            if (previous == 0 || previous != known) {
                lights.requireSuccessor(perimeter, previous);
                known = previous;
            }
            _replace(history, pod, PodWord.move(pod, perimeter), day);
            emit PodMoved(podIds[i], perimeter, previous, dso, day);
        }
    }

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
    function podAt(bytes32 podId, uint16 day) external view returns (Pod memory) {
        return PodWord.unpack(_pods[podId].asOf(day));
    }

    /// @inheritdoc IPods
    function podsAt(bytes32[] calldata podIds, uint16 day) external view returns (Pod[] memory found) {
        found = new Pod[](podIds.length);
        for (uint256 i = 0; i < podIds.length; i++) {
            found[i] = PodWord.unpack(_pods[podIds[i]].asOf(day));
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

    /// @dev POD-1: one active registration per POD; after a withdrawal any BSP may register it again (POD-5).
    function _register(uint16 bsp, Registration calldata registration, uint16 day) private {
        bytes32 podId = registration.podId;
        DayVersioned.History storage history = _pods[podId];
        uint256 latest = history.latest;
        uint16 holder = PodWord.bspOf(latest);
        if (holder != 0) revert PodAlreadyRegistered(podId, holder);

        history.put(latest, day, _declared(PodWord.create(bsp, registration.dso), registration));
        emit PodRegistered(
            podId,
            bsp,
            registration.dso,
            registration.category,
            registration.voltage,
            registration.upKw,
            registration.downKw,
            registration.activationTimeS,
            registration.payloadHash
        );
    }

    /// @dev POD-3: the light is back to requested. Members stay members, with no power.
    function _change(uint16 bsp, Registration calldata registration, uint16 day) private {
        bytes32 podId = registration.podId;
        DayVersioned.History storage history = _pods[podId];
        uint256 pod = _ownPod(bsp, podId, history);
        uint16 dso = PodWord.dsoOf(pod);
        if (registration.dso != dso) revert RegistrationInvalid(podId, "dso", registration.dso, dso);

        _replace(history, pod, _declared(pod, registration), day);
        emit PodChanged(
            podId,
            bsp,
            day,
            registration.category,
            registration.voltage,
            registration.upKw,
            registration.downKw,
            registration.activationTimeS,
            registration.payloadHash
        );
    }

    /// @dev POD-5: memberships end with the registration.
    function _withdraw(uint16 bsp, bytes32 podId, uint16 day) private {
        DayVersioned.History storage history = _pods[podId];
        uint256 pod = _ownPod(bsp, podId, history);
        _endMemberships(podId, pod, day);
        history.put(pod, day, 0);
        emit PodWithdrawn(podId, bsp, day);
    }

    /// @dev POD-5: the BSP that claimed it, and its connecting DSO, agree; the BSP before need not, it may be gone. AGG-2: memberships end.
    ///      Light and powers belong to the connection, not to the BSP.
    function _handOver(uint16 dso, bytes32 podId, uint16 bsp, uint16 day) private {
        DayVersioned.History storage history = _pods[podId];
        uint256 pod = _connectedPod(dso, podId, history);
        uint16 holder = PodWord.bspOf(pod);
        if (_claims[podId][bsp] != holder) revert ClaimStep(podId, bsp, holder);
        delete _claims[podId][bsp];
        _endMemberships(podId, pod, day);
        history.put(pod, day, PodWord.handOver(pod, bsp));
        emit PodHandedOver(podId, bsp, holder, dso, day);
    }

    /// @dev AGG-2: the POD leaves both of its aggregates.
    function _endMemberships(bytes32 podId, uint256 pod, uint16 day) private {
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

    /// @dev POD-2: the connecting DSO decides, and names the perimeter that the POD is in (DTL-1).
    function _giveStaticLight(uint16 dso, StaticLightDecision calldata decision, uint16 day) private {
        bytes32 podId = decision.podId;
        DayVersioned.History storage history = _pods[podId];
        uint256 pod = _connectedPod(dso, podId, history);
        _requireConsistent(pod, decision);

        _replace(
            history,
            pod,
            PodWord.decide(pod, decision.light, decision.perimeter, decision.upKw, decision.downKw),
            day
        );
        emit StaticLightGiven(
            podId,
            dso,
            day,
            decision.light,
            decision.upKw,
            decision.downKw,
            decision.perimeter,
            decision.reason
        );
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

    /// @dev Takes the POD out of `aggregate` and of what this shares with `other` (0: nothing).
    function _exitPools(uint256 pod, uint40 aggregate, uint40 other, Scope scope, uint16 day) private {
        uint40 perimeter = PodWord.perimeterOf(pod);
        uint256 member = PoolWord.memberOf(pod);
        _pools.exit(Pools.holderOf(aggregate), perimeter, member, day);
        if (other != 0) _pools.exit(_pairOf(aggregate, other, scope), perimeter, member, day);
    }

    /// @dev The POD with other powers or perimeter, also in the pools it is a member of.
    function _replace(DayVersioned.History storage history, uint256 pod, uint256 changed, uint16 day) private {
        uint40 local = PodWord.aggregateOf(pod, Scope.Local);
        uint40 global_ = PodWord.aggregateOf(pod, Scope.Global);
        if (local != 0) _pools.move(Pools.holderOf(local), pod, changed, day);
        if (global_ != 0) _pools.move(Pools.holderOf(global_), pod, changed, day);
        if (local != 0 && global_ != 0) _pools.move(Pools.holderOf(local, global_), pod, changed, day);
        history.put(pod, day, changed);
    }

    function _link(uint40 aggregate, uint40 other) private {
        uint40[] storage ofAggregate = _counterparts[aggregate];
        uint40[] storage ofOther = _counterparts[other];
        if (ofAggregate.length == MAX_COUNTERPARTS) revert TooManyCounterparts(aggregate, MAX_COUNTERPARTS);
        if (ofOther.length == MAX_COUNTERPARTS) revert TooManyCounterparts(other, MAX_COUNTERPARTS);
        ofAggregate.push(other);
        ofOther.push(aggregate);
    }

    function _requireDso(Registration calldata registration) private view {
        if (participants.kindOf(registration.dso) != PartyKind.Dso) {
            revert RegistrationInvalid(registration.podId, "dso", registration.dso, 0);
        }
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

    function _ownPod(uint16 bsp, bytes32 podId, DayVersioned.History storage history) private view returns (uint256 pod) {
        pod = _registeredPod(podId, history);
        if (PodWord.bspOf(pod) != bsp) revert PodOfOtherBsp(podId, PodWord.bspOf(pod), bsp);
    }

    function _connectedPod(uint16 dso, bytes32 podId, DayVersioned.History storage history)
        private
        view
        returns (uint256 pod)
    {
        pod = _registeredPod(podId, history);
        if (PodWord.dsoOf(pod) != dso) revert PodOfOtherDso(podId, PodWord.dsoOf(pod), dso);
    }

    function _registeredPod(bytes32 podId, DayVersioned.History storage history) private view returns (uint256 pod) {
        pod = history.latest;
        if (PodWord.bspOf(pod) == 0) revert PodUnknown(podId);
    }

    function _declared(uint256 pod, Registration calldata registration) private pure returns (uint256) {
        return PodWord.declare(
            pod, registration.category, registration.voltage, registration.upKw, registration.downKw
        );
    }

    function _requirePowers(Registration calldata registration) private pure {
        (uint24 upKw, uint24 downKw) = (registration.upKw, registration.downKw);
        if (upKw > PodWord.MAX_KW) revert RegistrationInvalid(registration.podId, "upKw", upKw, PodWord.MAX_KW);
        if (downKw > PodWord.MAX_KW) revert RegistrationInvalid(registration.podId, "downKw", downKw, PodWord.MAX_KW);
        if (upKw == 0 && downKw == 0) revert RegistrationInvalid(registration.podId, "power", 0, PodWord.MAX_KW);
    }

    /// @dev POD-2: confirmed is all of what was declared, modulated some of it but not all, invalidated nothing; the last two have a reason.
    function _requireConsistent(uint256 pod, StaticLightDecision calldata decision) private pure {
        (StaticLight light, uint24 upKw, uint24 downKw) = (decision.light, decision.upKw, decision.downKw);
        (uint24 declaredUpKw, uint24 declaredDownKw) = PodWord.declaredOf(pod);
        bool all = upKw == declaredUpKw && downKw == declaredDownKw;
        bool none = upKw == 0 && downKw == 0;
        bool within = upKw <= declaredUpKw && downKw <= declaredDownKw;
        bool consistent = light == StaticLight.Confirmed && all || light == StaticLight.Modulated && within && !all && !none
            || light == StaticLight.Invalidated && none;
        if (!consistent) {
            revert StaticLightInconsistent(decision.podId, light, upKw, downKw, declaredUpKw, declaredDownKw);
        }
        if (light != StaticLight.Confirmed && decision.reason == 0) revert ReasonMissing(decision.podId);
    }

    function _otherThan(Scope scope) private pure returns (Scope) {
        return scope == Scope.Local ? Scope.Global : Scope.Local;
    }

    function _pairOf(uint40 aggregate, uint40 other, Scope scope) private pure returns (uint256) {
        return scope == Scope.Local ? Pools.holderOf(aggregate, other) : Pools.holderOf(other, aggregate);
    }
}
