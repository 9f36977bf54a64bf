// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Pods} from "../src/Pods.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {HourCells, PodCategory, Scope, StaticLight, VoltageLevel} from "../src/types/Types.sol";
import {World} from "./World.sol";

/// @notice A partition that a test sets by hand; of the lights only this is asked for by Pods.
contract Partition is ITrafficLights {
    mapping(uint40 perimeter => bool) private _inForce;
    mapping(uint40 perimeter => mapping(uint40 predecessor => bool)) private _isSuccessor;

    function set(uint40 perimeter, bool inForce) external {
        _inForce[perimeter] = inForce;
    }

    function requireInForce(uint40 perimeter, uint16 day) external view {
        if (!_inForce[perimeter]) revert PerimeterNotInForce(perimeter, day);
    }

    function succeed(uint40 perimeter, uint40 predecessor) external {
        _isSuccessor[perimeter][predecessor] = true;
    }

    function requireSuccessor(uint40 perimeter, uint40 predecessor) external view {
        if (!_isSuccessor[perimeter][predecessor]) revert NotASuccessor(perimeter, predecessor);
    }

    function declarePerimeters(uint16, PerimeterDraft[] calldata) external pure {
        revert("not part of these tests");
    }

    function publishLights(uint16, uint16, uint8, PerimeterLights[] calldata) external pure {
        revert("not part of these tests");
    }

    function lightsOf(uint40, uint16) external pure returns (uint8, HourCells memory, HourCells memory) {
        revert("not part of these tests");
    }
}

/// @notice The world with PODs: every POD declares 300 kW up and 200 kW down, perimeters are 1 and 2 of each DSO.
abstract contract PodsWorld is World {
    uint24 internal constant UP_KW = 300;
    uint24 internal constant DOWN_KW = 200;
    uint40 internal constant PERIMETER = uint40(DSO) << 24 | 1;
    uint40 internal constant NEXT_PERIMETER = uint40(DSO) << 24 | 2;
    uint40 internal constant LOCAL = uint40(BSP) << 24 | 1;
    uint40 internal constant GLOBAL = uint40(BSP) << 24 | 2;

    Partition internal partition;
    Pods internal pods;

    function setUpPods() internal {
        setUpWorld();
        partition = new Partition();
        pods = new Pods(participants, sessions, partition);
        partition.set(PERIMETER, true);
        partition.set(NEXT_PERIMETER, true);
        partition.set(uint40(OTHER_DSO) << 24 | 1, true);
        scheduleDay(FIRST_DAY);
        scheduleDay(FIRST_DAY + 1);
        createAggregate(BSP, LOCAL, Scope.Local);
        createAggregate(BSP, GLOBAL, Scope.Global);
    }

    /// @notice From now on changes take effect on `day`.
    function goBefore(uint16 day) internal {
        vm.warp(startOf(day) - 12 hours - 1);
        assertEq(sessions.firstUnfrozenDay(), day, "effective day");
    }

    function createAggregate(uint16 bsp, uint40 aggregate, Scope scope) internal {
        IPods.AggregateDraft[] memory drafts = new IPods.AggregateDraft[](1);
        drafts[0] = IPods.AggregateDraft(aggregate, scope, "payload");
        vm.prank(signerOf(bsp));
        pods.createAggregates(bsp, drafts);
    }

    function register(uint16 bsp, bytes32 podId) internal {
        vm.prank(signerOf(bsp));
        pods.register(bsp, one(registration(podId)));
    }

    function change(bytes32 podId, uint24 upKw, uint24 downKw) internal {
        IPods.Registration memory changed = registration(podId);
        (changed.upKw, changed.downKw) = (upKw, downKw);
        vm.prank(signerOf(BSP));
        pods.change(BSP, one(changed));
    }

    function withdraw(uint16 bsp, bytes32 podId) internal {
        vm.prank(signerOf(bsp));
        pods.withdraw(bsp, one(podId));
    }

    function claim(uint16 bsp, bytes32 podId) internal {
        vm.prank(signerOf(bsp));
        pods.claim(bsp, oneClaim(podId));
    }

    function handOver(bytes32 podId, uint16 bsp) internal {
        vm.prank(signerOf(DSO));
        pods.handOver(DSO, oneHandover(podId, bsp));
    }

    function movePod(uint40 perimeter, bytes32 podId) internal {
        vm.prank(signerOf(DSO));
        pods.movePods(DSO, perimeter, one(podId));
    }

    function confirm(bytes32 podId) internal {
        decide(decision(podId, StaticLight.Confirmed, UP_KW, DOWN_KW));
    }

    function decide(IPods.StaticLightDecision memory decided) internal {
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](1);
        decisions[0] = decided;
        vm.prank(signerOf(DSO));
        pods.giveStaticLights(DSO, decisions);
    }

    function join(uint40 aggregate, bytes32 podId) internal {
        uint16 bsp = uint16(aggregate >> 24);
        vm.prank(signerOf(bsp));
        pods.join(bsp, aggregate, one(podId));
    }

    function leave(uint40 aggregate, bytes32 podId) internal {
        uint16 bsp = uint16(aggregate >> 24);
        vm.prank(signerOf(bsp));
        pods.leave(bsp, aggregate, one(podId));
    }

    function refuseDecision(IPods.StaticLightDecision memory decided, bytes memory refusal) internal {
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](1);
        decisions[0] = decided;
        vm.prank(signerOf(DSO));
        vm.expectRevert(refusal);
        pods.giveStaticLights(DSO, decisions);
    }

    function assertPool(uint40 aggregate, uint40 perimeter, uint16 day, uint256 members, uint256 upKw, uint256 downKw)
        internal
        view
    {
        IPods.Pool memory pool = pods.poolAt(aggregate, perimeter, day);
        assertEq(pool.pods, members, "members");
        assertEq(pool.upKw, upKw, "kW up");
        assertEq(pool.downKw, downKw, "kW down");
    }

    function registration(bytes32 podId) internal pure returns (IPods.Registration memory) {
        return IPods.Registration(podId, DSO, PodCategory.Storage, VoltageLevel.Medium, UP_KW, DOWN_KW, 900, "payload");
    }

    function decision(bytes32 podId, StaticLight light, uint24 upKw, uint24 downKw)
        internal
        pure
        returns (IPods.StaticLightDecision memory)
    {
        bytes32 reason = light == StaticLight.Confirmed ? bytes32(0) : bytes32("reason");
        return IPods.StaticLightDecision(podId, light, upKw, downKw, PERIMETER, reason);
    }

    function one(IPods.Registration memory item) internal pure returns (IPods.Registration[] memory items) {
        items = new IPods.Registration[](1);
        items[0] = item;
    }

    function oneClaim(bytes32 podId) internal pure returns (IPods.PodClaim[] memory items) {
        items = new IPods.PodClaim[](1);
        items[0] = IPods.PodClaim(podId, "mandate");
    }

    function oneHandover(bytes32 podId, uint16 bsp) internal pure returns (IPods.Handover[] memory items) {
        items = new IPods.Handover[](1);
        items[0] = IPods.Handover(podId, bsp);
    }

    function one(bytes32 item) internal pure returns (bytes32[] memory items) {
        items = new bytes32[](1);
        items[0] = item;
    }
}
