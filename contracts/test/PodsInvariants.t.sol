// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {PodWord} from "../src/libraries/PodWord.sol";
import {Scope, StaticLight} from "../src/types/Types.sol";
import {PodsWorld} from "./PodsWorld.sol";

/// @notice Random but allowed steps of two BSPs and their DSO over a dozen delivery days. PODs 0..4 and aggregates 1, 2 (local) and 3, 4 (global) of each BSP.
contract PodsWalk is PodsWorld {
    uint16 internal constant LAST_DAY = FIRST_DAY + 11;
    uint256 internal constant PODS = 5;

    /// @dev What was frozen when a day opened: a later step must not change it.
    mapping(uint16 day => bytes32) private _frozen;

    constructor() {
        setUpPods();
        for (uint16 day = FIRST_DAY + 2; day <= LAST_DAY; day++) {
            scheduleDay(day);
        }
        uint16[2] memory bsps = [BSP, OTHER_BSP];
        for (uint256 i = 0; i < 2; i++) {
            for (uint40 serial = 10; serial < 14; serial++) {
                createAggregate(bsps[i], uint40(bsps[i]) << 24 | serial, serial < 12 ? Scope.Local : Scope.Global);
            }
        }
        partition.succeed(NEXT_PERIMETER, PERIMETER);
        vm.warp(startOf(FIRST_DAY) - 12 hours - 1);
    }

    function stepRegistration(uint256 seed) external {
        bytes32 podId = pick(seed);
        uint16 bsp = latest(podId).bsp;
        if (bsp == 0) {
            register(seed >> 8 & 1 == 0 ? BSP : OTHER_BSP, podId);
        } else if (seed >> 8 & 3 == 0) {
            if (seed >> 12 & 1 == 0) return withdraw(bsp, podId);
            uint16 other = bsp == BSP ? OTHER_BSP : BSP;
            claim(other, podId);
            handOver(podId, other);
        } else if (bsp == BSP && seed >> 8 & 3 == 1) {
            change(podId, uint24(bound(seed >> 16, 1, 1000)), uint24(bound(seed >> 32, 0, 1000)));
        }
    }

    function stepStaticLight(uint256 seed) external {
        bytes32 podId = pick(seed);
        IPods.Pod memory pod = latest(podId);
        if (pod.bsp == 0) return;
        if (seed >> 24 & 3 == 0 && pod.perimeter == PERIMETER) return movePod(NEXT_PERIMETER, podId);
        IPods.StaticLightDecision memory decided =
            decision(podId, StaticLight.Confirmed, pod.declaredUpKw, pod.declaredDownKw);
        uint256 kind = seed >> 8 & 3;
        if (kind == 0) {
            decided = decision(podId, StaticLight.Invalidated, 0, 0);
        } else if (kind == 1 && pod.declaredUpKw > 1) {
            decided = decision(podId, StaticLight.Modulated, pod.declaredUpKw - 1, pod.declaredDownKw / 2);
        }
        if (seed >> 16 & 1 == 0) decided.perimeter = NEXT_PERIMETER;
        decide(decided);
    }

    function stepMembership(uint256 seed) external {
        bytes32 podId = pick(seed);
        IPods.Pod memory pod = latest(podId);
        if (pod.bsp == 0) return;
        uint256 serial = 10 + (seed >> 8 & 3);
        uint40 current = serial < 12 ? pod.localAggregate : pod.globalAggregate;
        if (current != 0) leave(current, podId);
        else if (pod.light == StaticLight.Confirmed || pod.light == StaticLight.Modulated) {
            join(uint40(uint256(pod.bsp) << 24 | serial), podId);
        }
    }

    function stepTime(uint256 seed) external {
        uint16 before = sessions.firstUnfrozenDay();
        if (before >= LAST_DAY || seed % 4 != 0) return;
        _frozen[before] = stateOf(before);
        vm.warp(startOf(before) - 12 hours);
        assertEq(sessions.firstUnfrozenDay(), before + 1, "the day has opened");
    }

    /// @notice AGG-2, AGG-3: on every day, pools and shared pools are the sums over the PODs.
    function checkPools() external view {
        uint16 until = sessions.firstUnfrozenDay() + 1;
        for (uint16 day = FIRST_DAY - 1; day <= until; day++) {
            IPods.Pod[] memory all = allAt(day);
            for (uint256 bsp = BSP; bsp <= OTHER_BSP; bsp++) {
                for (uint40 serial = 10; serial < 14; serial++) {
                    checkPerimeters(all, uint40(bsp << 24) | serial, 0, day);
                }
                for (uint40 pair = 0; pair < 4; pair++) {
                    checkPerimeters(all, uint40(bsp << 24) | 10 + pair / 2, uint40(bsp << 24) | 12 + pair % 2, day);
                }
            }
        }
    }

    /// @notice AGG-2: what was in force on a day that has opened stays as it was.
    function checkHistory() external view {
        for (uint16 day = FIRST_DAY; day < sessions.firstUnfrozenDay(); day++) {
            assertEq(stateOf(day), _frozen[day], "frozen day");
        }
    }

    /// @notice Whether some local and some global aggregate share a POD from the effective day on.
    function sharesNow() external view returns (bool shares) {
        IPods.Pod[] memory all = allAt(sessions.firstUnfrozenDay());
        for (uint256 i = 0; i < all.length; i++) {
            shares = shares || all[i].localAggregate != 0 && all[i].globalAggregate != 0;
        }
    }

    function effectiveDay() external view returns (uint16) {
        return sessions.firstUnfrozenDay();
    }

    function checkPerimeters(IPods.Pod[] memory all, uint40 aggregate, uint40 other, uint16 day) private view {
        uint40[3] memory perimeters = [uint40(0), PERIMETER, NEXT_PERIMETER];
        for (uint256 p = 0; p < 3; p++) {
            IPods.Pool memory pool = other == 0
                ? pods.poolAt(aggregate, perimeters[p], day)
                : pods.sharedAt(aggregate, other, perimeters[p], day);
            IPods.Pool memory sum;
            for (uint256 i = 0; i < all.length; i++) {
                bool member = other == 0
                    ? all[i].localAggregate == aggregate || all[i].globalAggregate == aggregate
                    : all[i].localAggregate == aggregate && all[i].globalAggregate == other;
                if (member && (perimeters[p] == 0 || all[i].perimeter == perimeters[p])) {
                    sum.pods += 1;
                    sum.upKw += all[i].grantedUpKw;
                    sum.downKw += all[i].grantedDownKw;
                }
            }
            assertEq(pool.pods, sum.pods, "members");
            assertEq(pool.upKw, sum.upKw, "kW up");
            assertEq(pool.downKw, sum.downKw, "kW down");
        }
    }

    function latest(bytes32 podId) private view returns (IPods.Pod memory) {
        return pods.podAt(podId, sessions.firstUnfrozenDay());
    }

    function stateOf(uint16 day) private view returns (bytes32) {
        return keccak256(abi.encode(allAt(day)));
    }

    /// @dev Read one by one, and all at once as other contracts read them.
    function allAt(uint16 day) private view returns (IPods.Pod[] memory all) {
        bytes32[] memory ids = new bytes32[](PODS);
        all = new IPods.Pod[](PODS);
        for (uint256 i = 0; i < PODS; i++) {
            ids[i] = bytes32(i + 1);
            all[i] = pods.podAt(ids[i], day);
        }
        uint256[] memory words = pods.wordsAt(ids, day);
        for (uint256 i = 0; i < PODS; i++) {
            assertEq(keccak256(abi.encode(PodWord.unpack(words[i]))), keccak256(abi.encode(all[i])), "word of a POD");
        }
    }

    function pick(uint256 seed) private pure returns (bytes32) {
        return bytes32(seed % PODS + 1);
    }
}

contract PodsInvariants is PodsWorld {
    PodsWalk private _walk;

    function setUp() public {
        _walk = new PodsWalk();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_walk);
    }

    /// @dev AGG-2, AGG-3
    function invariant_PoolsAreSumsOverPods() external view {
        _walk.checkPools();
    }

    /// @dev AGG-2
    function invariant_OpenedDaysStayAsTheyWere() external view {
        _walk.checkHistory();
    }

    /// @dev AGG-2, AGG-3: one long walk, checked on the way; it must come through shared pools, and through most of the days.
    function test_LongWalk() external {
        uint256 sharing = 0;
        for (uint256 i = 0; i < 300; i++) {
            uint256 seed = uint256(keccak256(abi.encode("walk", i)));
            uint256 kind = seed >> 248;
            if (kind < 25) _walk.stepRegistration(seed);
            else if (kind < 100) _walk.stepStaticLight(seed);
            else if (kind < 225) _walk.stepMembership(seed);
            else _walk.stepTime(seed);
            if (i % 10 == 0) {
                _walk.checkPools();
                _walk.checkHistory();
                if (_walk.sharesNow()) sharing++;
            }
        }
        assertTrue(sharing > 5, "shared pools");
        assertTrue(_walk.effectiveDay() > FIRST_DAY + 3, "days");
    }
}
