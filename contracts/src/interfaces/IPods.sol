// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PodCategory, Scope, StaticLight, VoltageLevel} from "../types/Types.sol";

/// @title PODs, static lights, aggregates and their members (POD-1..3, POD-5, AGG-1..3)
/// @notice A `podId` is a salted commitment; no POD code, place or name is here (PRIV-1).
///         Facts of a POD hold from a delivery day on; those of earlier days stay readable.
interface IPods {
    struct Registration {
        bytes32 podId;
        uint16 dso;
        PodCategory category;
        VoltageLevel voltage;
        uint24 upKw;
        uint24 downKw;
        uint32 activationTimeS;
        bytes32 payloadHash;
    }

    struct StaticLightDecision {
        bytes32 podId;
        StaticLight light;
        uint24 upKw;
        uint24 downKw;
        uint40 perimeter;
        bytes32 reason;
    }

    /// @notice A BSP's wish to take over a POD; `mandateHash` hides the customer's mandate.
    struct PodClaim {
        bytes32 podId;
        bytes32 mandateHash;
    }

    /// @notice A POD and the BSP that takes it over.
    struct Handover {
        bytes32 podId;
        uint16 bsp;
    }

    struct AggregateDraft {
        uint40 aggregate;
        Scope scope;
        bytes32 payloadHash;
    }

    struct Pod {
        uint16 fromDay;
        uint16 bsp;
        uint16 dso;
        uint40 perimeter;
        StaticLight light;
        PodCategory category;
        VoltageLevel voltage;
        uint24 declaredUpKw;
        uint24 declaredDownKw;
        uint24 grantedUpKw;
        uint24 grantedDownKw;
        uint40 localAggregate;
        uint40 globalAggregate;
    }

    /// @notice Number and granted power of the members (of an aggregate, or shared by two) in one perimeter; perimeter 0 is the whole.
    struct Pool {
        uint32 pods;
        uint48 upKw;
        uint48 downKw;
    }

    /// @notice What a test of an aggregate is about: its members, told apart by how often one has joined or left, and what they are granted.
    struct Roster {
        uint32 changes;
        uint48 upKw;
        uint48 downKw;
    }

    event PodRegistered(
        bytes32 indexed podId,
        uint16 indexed bsp,
        uint16 indexed dso,
        PodCategory category,
        VoltageLevel voltage,
        uint24 upKw,
        uint24 downKw,
        uint32 activationTimeS,
        bytes32 payloadHash
    );
    /// @notice A relevant change (POD-3): the static light is back to requested and grants nothing from `fromDay` on.
    event PodChanged(
        bytes32 indexed podId,
        uint16 indexed bsp,
        uint16 fromDay,
        PodCategory category,
        VoltageLevel voltage,
        uint24 upKw,
        uint24 downKw,
        uint32 activationTimeS,
        bytes32 payloadHash
    );
    event PodWithdrawn(bytes32 indexed podId, uint16 indexed bsp, uint16 fromDay);
    /// @notice `bsp` claims the POD that `holder` is responsible for (POD-5); nothing changes until the connecting DSO hands it over.
    event PodClaimed(bytes32 indexed podId, uint16 indexed bsp, uint16 indexed holder, bytes32 mandateHash);
    event PodClaimDropped(bytes32 indexed podId, uint16 indexed bsp);
    /// @notice From `fromDay` on `bsp` is responsible instead of `previous` (POD-5): its memberships have ended, light and powers stay.
    event PodHandedOver(bytes32 indexed podId, uint16 indexed bsp, uint16 indexed previous, uint16 dso, uint16 fromDay);
    event StaticLightGiven(
        bytes32 indexed podId,
        uint16 indexed dso,
        uint16 fromDay,
        StaticLight light,
        uint24 upKw,
        uint24 downKw,
        uint40 perimeter,
        bytes32 reason
    );
    /// @notice From `fromDay` on the POD is in `perimeter`, which was split or merged from `previous`; its light stays as it is (DTL-1).
    event PodMoved(bytes32 indexed podId, uint40 indexed perimeter, uint40 indexed previous, uint16 dso, uint16 fromDay);
    event AggregateCreated(uint40 indexed aggregate, uint16 indexed bsp, Scope scope, bytes32 payloadHash);
    event PodJoined(uint40 indexed aggregate, bytes32 indexed podId, uint16 fromDay);
    event PodLeft(uint40 indexed aggregate, bytes32 indexed podId, uint16 fromDay);

    /// @dev POD-1: one active registration per POD.
    error PodAlreadyRegistered(bytes32 podId, uint16 bsp);
    /// @dev POD-1: a power above 131,071 kW, no power in either direction, or an unknown DSO.
    error RegistrationInvalid(bytes32 podId, bytes32 field, uint256 found, uint256 limit);
    /// @dev POD-1: no active registration.
    error PodUnknown(bytes32 podId);
    /// @dev POD-1: the POD is registered by another BSP.
    error PodOfOtherBsp(bytes32 podId, uint16 bsp, uint16 caller);
    /// @dev POD-2: only the connecting DSO gives the static light.
    error PodOfOtherDso(bytes32 podId, uint16 dso, uint16 caller);
    /// @dev POD-2: confirmed grants what was declared, modulated less of it and never more, invalidated nothing.
    error StaticLightInconsistent(bytes32 podId, StaticLight light, uint24 upKw, uint24 downKw, uint24 declaredUpKw, uint24 declaredDownKw);
    /// @dev POD-2: a modulation or an invalidation has a reason.
    error ReasonMissing(bytes32 podId);
    /// @dev POD-2: nothing works for a POD without a static light that grants power.
    error StaticLightMissing(bytes32 podId, StaticLight light);
    /// @dev POD-5: no step for this claim: claimed already or one's own POD, or dropped or handed over without a claim against `holder`.
    error ClaimStep(bytes32 podId, uint16 bsp, uint16 holder);
    /// @dev AGG-1: the aggregate's id carries another BSP.
    error AggregateOfOther(uint40 aggregate, uint16 bsp);
    /// @dev AGG-1: ids are never reused.
    error AggregateExists(uint40 aggregate);
    /// @dev AGG-1: no such aggregate.
    error AggregateUnknown(uint40 aggregate);
    /// @dev AGG-2: the POD is in an aggregate of this scope already.
    error PodInOtherAggregate(bytes32 podId, uint40 aggregate);
    /// @dev AGG-1: the POD is not a member.
    error PodNotMember(bytes32 podId, uint40 aggregate);
    /// @dev AGG-2: an aggregate shares PODs with at most this many of the other scope.
    error TooManyCounterparts(uint40 aggregate, uint256 limit);

    function register(uint16 bsp, Registration[] calldata registrations) external;
    function change(uint16 bsp, Registration[] calldata registrations) external;
    function withdraw(uint16 bsp, bytes32[] calldata podIds) external;
    /// @notice A BSP claims PODs of another one (switch of supplier, POD-5).
    function claim(uint16 bsp, PodClaim[] calldata claims) external;
    function dropClaims(uint16 bsp, bytes32[] calldata podIds) external;
    /// @notice The connecting DSO hands claimed PODs over to the BSP that claimed them.
    function handOver(uint16 dso, Handover[] calldata handovers) external;
    function giveStaticLights(uint16 dso, StaticLightDecision[] calldata decisions) external;
    /// @notice The PODs of a perimeter that was split or merged move along into a successor, with their lights.
    function movePods(uint16 dso, uint40 perimeter, bytes32[] calldata podIds) external;
    function createAggregates(uint16 bsp, AggregateDraft[] calldata drafts) external;
    function join(uint16 bsp, uint40 aggregate, bytes32[] calldata podIds) external;
    function leave(uint16 bsp, uint40 aggregate, bytes32[] calldata podIds) external;

    /// @notice The POD as of a delivery day (all zero if it was not registered then); its `bsp` is the one responsible on that day (POD-5).
    function podAt(bytes32 podId, uint16 day) external view returns (Pod memory);
    /// @notice The same PODs in one word each (see PodWord), for contracts that ask for many.
    function wordsAt(bytes32[] calldata podIds, uint16 day) external view returns (uint256[] memory);
    function scopeOf(uint40 aggregate) external view returns (Scope);
    /// @notice Members of an aggregate in a perimeter as of a day (perimeter 0: all).
    function poolAt(uint40 aggregate, uint40 perimeter, uint16 day) external view returns (Pool memory);
    /// @notice Members and power of an aggregate as of a day; the same `changes` are the same members (PRQ-2).
    function rosterAt(uint40 aggregate, uint16 day) external view returns (Roster memory);
    /// @notice Members that a local and a global aggregate share in a perimeter as of a day (perimeter 0: all) (AGG-3).
    function sharedAt(uint40 localAggregate, uint40 globalAggregate, uint40 perimeter, uint16 day)
        external
        view
        returns (Pool memory);
    /// @notice Aggregates of the other scope that ever shared a POD with this one.
    function counterpartsOf(uint40 aggregate) external view returns (uint40[] memory);
}
