// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {QualificationState} from "../src/types/Types.sol";
import {PrequalificationWorld} from "./PrequalificationWorld.sol";

/// @notice Equivalences, proposed, accepted, chained (TOE-1 to TOE-4).
contract EquivalencesTest is PrequalificationWorld {
    /// @dev TOE-1: holds once both operators accepted, each for its side; PRQ-1: one test, two qualifications.
    function test_EquivalenceHoldsOnceBothAccepted() public {
        qualify(LOCAL, LOCAL_PRODUCT);
        uint32[] memory chain = chainOf(LOCAL_PRODUCT, GLOBAL_PRODUCT);
        bytes memory notInForce =
            abi.encodeWithSelector(IPrequalification.EquivalenceNotInForce.selector, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        refuseQualified(LOCAL, LOCAL, chain, notInForce);
        vm.expectEmit();
        emit IPrequalification.EquivalenceProposed(LOCAL_PRODUCT, GLOBAL_PRODUCT, DSO);
        propose(DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        refuseQualified(LOCAL, LOCAL, chain, notInForce);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, DSO));
        accept(DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectEmit();
        emit IPrequalification.EquivalenceAccepted(LOCAL_PRODUCT, GLOBAL_PRODUCT, TSO, true);
        accept(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        requireQualified(GLOBAL, LOCAL, chain);
        revoke(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        refuseQualified(LOCAL, LOCAL, chain, notInForce);
        propose(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        accept(DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        requireQualified(LOCAL, LOCAL, chain);
    }

    /// @dev TOE-1: between two products of one operator its proposal is all that is needed.
    function test_EquivalenceOfOneOperator() public {
        publishProduct(plainProduct(LOCAL_PRODUCT + 1));
        vm.expectEmit();
        emit IPrequalification.EquivalenceProposed(LOCAL_PRODUCT, LOCAL_PRODUCT + 1, DSO);
        vm.expectEmit();
        emit IPrequalification.EquivalenceAccepted(LOCAL_PRODUCT, LOCAL_PRODUCT + 1, DSO, true);
        propose(DSO, LOCAL_PRODUCT, LOCAL_PRODUCT + 1);
        qualify(LOCAL, LOCAL_PRODUCT);
        requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT, LOCAL_PRODUCT + 1));
    }

    /// @dev TOE-1: steps that lead nowhere.
    function test_EquivalenceSteps() public {
        vm.expectRevert(step(LOCAL_PRODUCT, LOCAL_PRODUCT, DSO));
        propose(DSO, LOCAL_PRODUCT, LOCAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, OTHER_DSO));
        propose(OTHER_DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, TSO));
        accept(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, TSO));
        revoke(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        propose(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, DSO));
        propose(DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, OTHER_DSO));
        accept(OTHER_DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        vm.expectRevert(step(LOCAL_PRODUCT, GLOBAL_PRODUCT, OTHER_DSO));
        revoke(OTHER_DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
    }

    /// @dev TOE-1, TOE-2: one attribute at a time makes the demanded product the harder one.
    function test_NotEquivalentNamesTheAttribute() public {
        IPrequalification.Product memory hard = plainProduct(GLOBAL_PRODUCT + 100);
        hard.service = "balancing";
        refuseEquivalence(hard, "service", uint256(bytes32("congestion")), uint256(bytes32("balancing")));
        hard = plainProduct(GLOBAL_PRODUCT + 101);
        hard.testInfrastructure = "scada";
        refuseEquivalence(hard, "testInfrastructure", uint256(bytes32("pgui")), uint256(bytes32("scada")));
        hard = plainProduct(GLOBAL_PRODUCT + 102);
        hard.minUpKw = 2;
        refuseEquivalence(hard, "minUpKw", 1, 2);
        hard = plainProduct(GLOBAL_PRODUCT + 103);
        hard.minDownKw = 1;
        refuseEquivalence(hard, "minDownKw", 0, 1);
        hard = plainProduct(GLOBAL_PRODUCT + 104);
        hard.activationTimeS = 899;
        refuseEquivalence(hard, "activationTimeS", 900, 899);
        hard = plainProduct(GLOBAL_PRODUCT + 105);
        hard.recoveryTimeS = 3599;
        refuseEquivalence(hard, "recoveryTimeS", 3600, 3599);
        hard = plainProduct(GLOBAL_PRODUCT + 106);
        hard.durationS = 7201;
        refuseEquivalence(hard, "durationS", 7200, 7201);
        hard = plainProduct(GLOBAL_PRODUCT + 111);
        hard.tolerancePpm = 99_999;
        refuseEquivalence(hard, "tolerancePpm", 100_000, 99_999);
    }

    /// @dev TOE-1: available whenever the other is.
    function test_NotEquivalentInTime() public {
        IPrequalification.Product memory easy = plainProduct(LOCAL_PRODUCT + 1);
        (easy.months, easy.weekdays, easy.fromMinute, easy.untilMinute) = (0x3, 0x1f, 600, 1200);
        publishProduct(easy);
        IPrequalification.Product memory hard = plainProduct(GLOBAL_PRODUCT + 1);
        (hard.months, hard.weekdays, hard.fromMinute, hard.untilMinute) = (0x4, 0x1f, 600, 1200);
        refuseEquivalence(easy, hard, "months", 0x3, 0x4);
        (hard.product, hard.months, hard.weekdays) = (GLOBAL_PRODUCT + 2, 0x1, 0x20);
        refuseEquivalence(easy, hard, "weekdays", 0x1f, 0x20);
        (hard.product, hard.weekdays, hard.fromMinute) = (GLOBAL_PRODUCT + 3, 0x10, 599);
        refuseEquivalence(easy, hard, "fromMinute", 600, 599);
        (hard.product, hard.fromMinute, hard.untilMinute) = (GLOBAL_PRODUCT + 4, 601, 1201);
        refuseEquivalence(easy, hard, "untilMinute", 1200, 1201);
        (hard.product, hard.untilMinute) = (GLOBAL_PRODUCT + 5, 1200);
        publishProduct(hard);
        propose(DSO, easy.product, hard.product);
    }

    /// @dev TOE-2: another aggregate's test counts only if it has the same PODs and the other scope.
    function test_AggregatesIdentical() public {
        qualify(LOCAL, LOCAL_PRODUCT);
        requireQualified(GLOBAL, LOCAL, chainOf(LOCAL_PRODUCT));
        refuseQualified(THIRD, LOCAL, chainOf(LOCAL_PRODUCT), notIdentical(LOCAL, THIRD, 0, 2, 1));
        refuseQualified(THIRD, GLOBAL, chainOf(LOCAL_PRODUCT), notIdentical(GLOBAL, THIRD, 0, 2, 1));
        addPods(5, 1, 10, 20, PERIMETER, 0, GLOBAL);
        refuseQualified(GLOBAL, LOCAL, chainOf(LOCAL_PRODUCT), notIdentical(LOCAL, GLOBAL, 2, 2, 3));
        openLfp(1);
        bytes32[] memory leaving = new bytes32[](1);
        leaving[0] = podOf(5);
        vm.prank(signerOf(BSP));
        pods.leave(BSP, GLOBAL, leaving);
        refuseQualified(GLOBAL, LOCAL, chainOf(LOCAL_PRODUCT), notIdentical(LOCAL, GLOBAL, 2, 2, 3));
        prequalification.requireQualified(
            GLOBAL, LOCAL, chainOf(LOCAL_PRODUCT), FIRST_DAY + 1, uint40(block.timestamp)
        );
    }

    /// @dev TOE-4: what ends the source ends everything derived from it, at once, along the whole chain.
    function test_SuspensionReachesTheWholeChain() public {
        uint32[] memory chain = new uint32[](4);
        for (uint32 i = 0; i < 4; i++) {
            chain[i] = LOCAL_PRODUCT + 10 + i;
            publishProduct(plainProduct(chain[i]));
            if (i > 0) propose(DSO, chain[i - 1], chain[i]);
        }
        qualify(LOCAL, chain[0]);
        (, uint40 until) = prequalification.qualificationOf(LOCAL, chain[0]);
        requireQualified(LOCAL, LOCAL, chain);
        moveTo(LOCAL, chain[0], QualificationState.Suspended, 0);
        refuseQualified(LOCAL, LOCAL, chain, notQualified(chain[0], QualificationState.Suspended, until));
        moveTo(LOCAL, chain[0], QualificationState.Qualified, 950);
        requireQualified(LOCAL, LOCAL, chain);
        revoke(DSO, chain[1], chain[2]);
        refuseQualified(
            LOCAL,
            LOCAL,
            chain,
            abi.encodeWithSelector(IPrequalification.EquivalenceNotInForce.selector, chain[1], chain[2])
        );
    }

    /// @dev TOE-2
    function test_ChainMalformed() public {
        refuseQualified(
            LOCAL, LOCAL, new uint32[](0), abi.encodeWithSelector(IPrequalification.ChainMalformed.selector, 0, 0, 4)
        );
        uint32[] memory long = new uint32[](5);
        long[4] = LOCAL_PRODUCT;
        refuseQualified(
            LOCAL, LOCAL, long, abi.encodeWithSelector(IPrequalification.ChainMalformed.selector, LOCAL_PRODUCT, 5, 4)
        );
    }
}
