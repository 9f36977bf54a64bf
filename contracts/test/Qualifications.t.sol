// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {QualificationRules} from "../src/libraries/QualificationRules.sol";
import {QualificationState, StaticLight} from "../src/types/Types.sol";
import {PrequalificationWorld} from "./PrequalificationWorld.sol";

/// @notice The machine of qualifications, expiry and what suspends (PRQ-1, PRQ-2), answers about them.
contract QualificationsTest is PrequalificationWorld {
    /// @dev PRQ-1: from every state every step, and none but those of the machine.
    function test_StateMachineIsClosed() public {
        for (uint8 from = 0; from <= 6; from++) {
            for (uint8 to = 0; to <= 6; to++) {
                uint32 product = LOCAL_PRODUCT + 100 + from * 7 + to;
                publishProduct(plainProduct(product));
                reach(product, QualificationState(from));
                if (!isStep(QualificationState(from), QualificationState(to))) {
                    vm.expectRevert(
                        abi.encodeWithSelector(IPrequalification.StepNotAllowed.selector, LOCAL, product, from, to)
                    );
                }
                moveTo(LOCAL, product, QualificationState(to), 1000);
            }
        }
    }

    /// @dev PRQ-1: a new application after a rejection or an expiry, and only then.
    function test_ApplyAgain() public {
        for (uint8 from = 0; from <= 6; from++) {
            uint32 product = LOCAL_PRODUCT + 100 + from;
            publishProduct(plainProduct(product));
            reach(product, QualificationState(from));
            QualificationState state = QualificationState(from);
            bool allowed = state == QualificationState.None || state == QualificationState.Rejected
                || state == QualificationState.Expired;
            if (!allowed) {
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IPrequalification.StepNotAllowed.selector, LOCAL, product, state, QualificationState.Requested
                    )
                );
            }
            applyFor(LOCAL, product);
        }
    }

    /// @dev PRQ-1: each step by its entitled party.
    function test_StepsOfOthers() public {
        applyFor(LOCAL, LOCAL_PRODUCT);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.StepOfOther.selector, LOCAL, LOCAL_PRODUCT, TSO));
        moveAs(TSO, LOCAL, LOCAL_PRODUCT, QualificationState.Testing, 0);
        (uint40[] memory aggregates, uint32[] memory products, bytes32[] memory hashes) = pairOf(GLOBAL, GLOBAL_PRODUCT);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.StepOfOther.selector, GLOBAL, GLOBAL_PRODUCT, OTHER_BSP));
        vm.prank(signerOf(OTHER_BSP));
        prequalification.apply_(OTHER_BSP, aggregates, products, hashes);
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateUnknown.selector, LOCAL + 50));
        applyFor(LOCAL + 50, LOCAL_PRODUCT);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, LOCAL_PRODUCT + 50));
        applyFor(LOCAL, LOCAL_PRODUCT + 50);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ListsDiffer.selector, 1, 0));
        vm.prank(signerOf(BSP));
        prequalification.apply_(BSP, aggregates, new uint32[](0), hashes);
    }

    /// @dev PRQ-1: passed from the tolerance below full performance on, to the permille.
    function testFuzz_TestIsPassedWithinTolerance(uint16 permille, uint256 seed) public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.tolerancePpm = uint32(bound(seed, 0, 1_000_000));
        publishProduct(terms);
        reach(terms.product, QualificationState.Testing);
        if (uint256(permille) * 1000 < 1_000_000 - terms.tolerancePpm) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IPrequalification.StepNotAllowed.selector,
                    LOCAL,
                    terms.product,
                    QualificationState.Testing,
                    QualificationState.Qualified
                )
            );
        }
        moveTo(LOCAL, terms.product, QualificationState.Qualified, permille);
    }

    /// @dev PRQ-1: the pool reaches the product's minimum in each direction.
    function test_PowerBelowProduct() public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        (terms.minUpKw, terms.minDownKw) = (21, 1);
        publishProduct(terms);
        reach(terms.product, QualificationState.Testing);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.PowerBelowProduct.selector, LOCAL, terms.product, 20, 21));
        moveTo(LOCAL, terms.product, QualificationState.Qualified, 1000);
        terms = plainProduct(LOCAL_PRODUCT + 2);
        (terms.minUpKw, terms.minDownKw) = (20, 41);
        publishProduct(terms);
        reach(terms.product, QualificationState.Testing);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.PowerBelowProduct.selector, LOCAL, terms.product, 40, 41));
        moveTo(LOCAL, terms.product, QualificationState.Qualified, 1000);
    }

    /// @dev PRQ-2: qualified until, and not at, its last second.
    function test_QualificationsExpire() public {
        qualify(LOCAL, LOCAL_PRODUCT);
        uint40 until = uint40(block.timestamp + 365 days);
        vm.warp(until - 1);
        requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT));
        (QualificationState state, uint40 found) = prequalification.qualificationOf(LOCAL, LOCAL_PRODUCT);
        assertEq(uint256(state), uint256(QualificationState.Qualified), "state before");
        assertEq(found, until, "valid until");
        vm.warp(until);
        (state,) = prequalification.qualificationOf(LOCAL, LOCAL_PRODUCT);
        assertEq(uint256(state), uint256(QualificationState.Expired), "state at");
        refuseQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), notQualified(LOCAL_PRODUCT, QualificationState.Expired, until));
    }

    /// @dev PRQ-2: a member that joins or leaves suspends at once, from the day on that it holds; a new test is about the new members.
    function test_AChangeOfMembersSuspends() public {
        qualify(LOCAL, LOCAL_PRODUCT);
        (, uint40 until) = prequalification.qualificationOf(LOCAL, LOCAL_PRODUCT);
        refuseStep(QualificationState.Qualified, QualificationState.Qualified);
        openLfp(1);
        leave(LOCAL, podOf(0));
        requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT));
        refuseTomorrow(changed("members", 2, 3));
        rejoin(LOCAL, podOf(0));
        refuseTomorrow(changed("members", 2, 4));
        moveTo(LOCAL, LOCAL_PRODUCT, QualificationState.Qualified, 1000);
        prequalification.requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), FIRST_DAY + 1, until - 1);
        // what the days before rest on was another test
        refuseQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), changed("members", 4, 2));
    }

    /// @dev PRQ-2, POD-3: a POD whose light is requested again counts for nothing; within the tolerance of a tenth that is no change.
    function test_AChangeOfPowerBeyondTheToleranceSuspends() public {
        addPods(10, 18, 10, 20, PERIMETER, LOCAL, 0);
        qualify(LOCAL, LOCAL_PRODUCT);
        changePod(podOf(10));
        changePod(podOf(11));
        requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT));
        changePod(podOf(12));
        refuseQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), changed("upKw", 200, 170));
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](1);
        decisions[0] = IPods.StaticLightDecision(podOf(12), StaticLight.Confirmed, 10, 20, PERIMETER, "");
        vm.prank(signerOf(DSO));
        pods.giveStaticLights(DSO, decisions);
        requireQualified(LOCAL, LOCAL, chainOf(LOCAL_PRODUCT));
    }

    /// @dev PRQ-2: in each direction, up and down, by exactly the product's tolerance and not a kW more.
    function testFuzz_Tolerance(uint32 tested, uint32 found, uint24 ppm) public pure {
        ppm = uint24(bound(ppm, 0, 1_000_000));
        tested = uint32(bound(tested, 0, 1_000_000));
        found = uint32(bound(found, 0, 2 * uint256(tested) + 10));
        QualificationRules.Qualification memory row =
            QualificationRules.Qualification(QualificationState.Qualified, 0, ppm, 7, tested, 50);
        (bytes32 what,,) = QualificationRules.changeOf(row, IPods.Roster(7, found, 50));
        uint256 difference = tested > found ? tested - found : found - tested;
        assertTrue((what == 0) == (difference * 1_000_000 <= uint256(tested) * ppm), "up");
        (row.upKw, row.downKw) = (50, tested);
        (what,,) = QualificationRules.changeOf(row, IPods.Roster(7, 50, found));
        assertTrue((what == 0) == (difference * 1_000_000 <= uint256(tested) * ppm), "down");
        (what,,) = QualificationRules.changeOf(row, IPods.Roster(8, 50, tested));
        assertTrue(what == "members", "members");
    }

    /// @dev TOE-2: the answer names the chain that `requireQualified` takes, or the error that it gives.
    function test_TheAnswerIsTheChainOrTheFailingRule() public {
        assertRefusal(LOCAL, LOCAL_PRODUCT, notQualified(LOCAL_PRODUCT, QualificationState.None, 0));
        qualify(LOCAL, LOCAL_PRODUCT);
        assertAnswer(LOCAL, LOCAL_PRODUCT, LOCAL, chainOf(LOCAL_PRODUCT));
        assertAnswer(GLOBAL, LOCAL_PRODUCT, LOCAL, chainOf(LOCAL_PRODUCT));
        propose(DSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        assertRefusal(
            GLOBAL,
            GLOBAL_PRODUCT,
            abi.encodeWithSelector(IPrequalification.EquivalenceNotInForce.selector, LOCAL_PRODUCT, GLOBAL_PRODUCT)
        );
        accept(TSO, LOCAL_PRODUCT, GLOBAL_PRODUCT);
        assertAnswer(GLOBAL, GLOBAL_PRODUCT, LOCAL, chainOf(LOCAL_PRODUCT, GLOBAL_PRODUCT));
        addPods(5, 1, 10, 20, PERIMETER, 0, GLOBAL);
        assertRefusal(GLOBAL, GLOBAL_PRODUCT, notIdentical(LOCAL, GLOBAL, 2, 2, 3));
        assertAnswer(LOCAL, GLOBAL_PRODUCT, LOCAL, chainOf(LOCAL_PRODUCT, GLOBAL_PRODUCT));
        addPods(6, 1, 10, 20, PERIMETER, LOCAL, 0);
        assertRefusal(LOCAL, LOCAL_PRODUCT, changed("members", 2, 3));
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, 7));
        prequalification.isQualified(LOCAL, 7, FIRST_DAY, 0);
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateUnknown.selector, 7));
        prequalification.isQualified(7, LOCAL_PRODUCT, FIRST_DAY, 0);
    }
}
