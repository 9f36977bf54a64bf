// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {ITrafficLights} from "./interfaces/ITrafficLights.sol";
import {DayVersioned} from "./libraries/DayVersioned.sol";
import {Ids} from "./libraries/Ids.sol";
import {PodWord} from "./libraries/PodWord.sol";
import {Aggregates} from "./pods/Aggregates.sol";
import {PodBook} from "./pods/PodBook.sol";
import {PartyKind, StaticLight} from "./types/Types.sol";

/// @title PODs and static lights, with their aggregates (POD-1..3, POD-5, AGG-1..3)
contract Pods is Aggregates {
    using DayVersioned for DayVersioned.History;

    constructor(IParticipants participants_, IMarketSessions sessions_, ITrafficLights lights_)
        PodBook(participants_, sessions_, lights_)
    {}

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

    function _requireDso(Registration calldata registration) private view {
        if (participants.kindOf(registration.dso) != PartyKind.Dso) {
            revert RegistrationInvalid(registration.podId, "dso", registration.dso, 0);
        }
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
}
