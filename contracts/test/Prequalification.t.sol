// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {PartyKind, QualificationState, Scope} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice LOCAL and GLOBAL have the same two PODs (10 up, 20 down); a third aggregate is LOCAL's neighbour.
contract PrequalificationTest is MarketWorld {
    uint40 internal constant THIRD = uint40(BSP) << 24 | 3;

    function setUp() public {
        setUpMarket();
        addPods(0, 2, 10, 20, PERIMETER, LOCAL, GLOBAL);
        createAggregate(THIRD, Scope.Global);
        addPods(2, 1, 10, 20, PERIMETER, 0, THIRD);
    }

    // -- products ---------------------------------------------------------------------------------------------------

    /// @dev PRD-1: read as published; never edited; own ids; a version names its predecessor.
    function test_Products() public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.supersedes = LOCAL_PRODUCT;
        vm.expectEmit();
        emit IPrequalification.ProductPublished(LOCAL_PRODUCT + 1, DSO, terms);
        publishProduct(terms);
        bytes memory found = abi.encode(prequalification.productOf(LOCAL_PRODUCT + 1));
        assertEq(keccak256(found), keccak256(abi.encode(terms)), "as published");

        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductExists.selector, LOCAL_PRODUCT));
        publishProduct(plainProduct(LOCAL_PRODUCT));
        terms = plainProduct(LOCAL_PRODUCT + 2);
        terms.supersedes = LOCAL_PRODUCT + 9;
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, LOCAL_PRODUCT + 9));
        publishProduct(terms);
        terms.supersedes = GLOBAL_PRODUCT;
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductOfOther.selector, GLOBAL_PRODUCT, DSO));
        publishProduct(terms);
        IPrequalification.Product[] memory list = new IPrequalification.Product[](1);
        list[0] = plainProduct(GLOBAL_PRODUCT + 1);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductOfOther.selector, GLOBAL_PRODUCT + 1, DSO));
        vm.prank(signerOf(DSO));
        prequalification.publishProducts(DSO, list);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, 7));
        prequalification.productOf(7);
    }

    /// @dev PRD-1: each attribute out of its range, with the bound that it breaks.
    function test_ProductRanges() public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.service = 0;
        refuseProduct(terms, "service", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.testInfrastructure = 0;
        refuseProduct(terms, "testInfrastructure", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.months = 0;
        refuseProduct(terms, "months", 0, 1);
        terms.months = 0x1000;
        refuseProduct(terms, "months", 0x1000, 0xfff);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.weekdays = 0x80;
        refuseProduct(terms, "weekdays", 0x80, 0x7f);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.untilMinute = 1441;
        refuseProduct(terms, "untilMinute", 1441, 1440);
        terms.untilMinute = 600;
        terms.fromMinute = 600;
        refuseProduct(terms, "fromMinute", 600, 600);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.minUpKw = 131_072;
        refuseProduct(terms, "minUpKw", 131_072, 131_071);
        terms.minUpKw = 0;
        refuseProduct(terms, "minUpKw", 0, 1);
        terms.minDownKw = 131_072;
        refuseProduct(terms, "minDownKw", 131_072, 131_071);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.durationS = 0;
        refuseProduct(terms, "durationS", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.tolerancePpm = 1_000_001;
        refuseProduct(terms, "tolerancePpm", 1_000_001, 1_000_000);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.penaltyDenominator = 0;
        refuseProduct(terms, "penaltyDenominator", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.qualificationDays = 36_526;
        refuseProduct(terms, "qualificationDays", 36_526, 36_525);
        refuseProduct(plainProduct(uint32(DSO) << 16), "product", 0, 1);
    }

    /// @dev ACT-1: neither a BSP nor an unknown party publishes products.
    function test_OnlyOperatorsPublish() public {
        IPrequalification.Product[] memory list = new IPrequalification.Product[](1);
        list[0] = plainProduct(uint32(BSP) << 16 | 1);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, BSP, PartyKind.Dso, signerOf(BSP))
        );
        vm.prank(signerOf(BSP));
        prequalification.publishProducts(BSP, list);
    }

    // -- qualifications ---------------------------------------------------------------------------------------------

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

    // -- equivalences -----------------------------------------------------------------------------------------------

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

    // -- helpers ----------------------------------------------------------------------------------------------------

    function reach(uint32 product, QualificationState state) private {
        if (state == QualificationState.None) return;
        applyFor(LOCAL, product);
        if (state == QualificationState.Requested) return;
        moveTo(LOCAL, product, QualificationState.Testing, 0);
        if (state == QualificationState.Testing) return;
        if (state == QualificationState.Rejected) return moveTo(LOCAL, product, state, 500);
        moveTo(LOCAL, product, QualificationState.Qualified, 1000);
        if (state == QualificationState.Suspended) moveTo(LOCAL, product, state, 0);
        if (state == QualificationState.Expired) vm.warp(block.timestamp + 365 days);
    }

    function isStep(QualificationState from, QualificationState to) private pure returns (bool) {
        return (from == QualificationState.Requested && to == QualificationState.Testing)
            || (from == QualificationState.Testing && (to == QualificationState.Qualified || to == QualificationState.Rejected))
            || (from == QualificationState.Qualified && to == QualificationState.Suspended)
            || (from == QualificationState.Suspended && to == QualificationState.Qualified);
    }

    function refuseProduct(IPrequalification.Product memory terms, bytes32 attribute, uint256 found, uint256 limit) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.ProductInvalid.selector, terms.product, attribute, found, limit)
        );
        publishProduct(terms);
    }

    function refuseEquivalence(IPrequalification.Product memory hard, bytes32 attribute, uint256 a, uint256 b) private {
        refuseEquivalence(plainProduct(LOCAL_PRODUCT), hard, attribute, a, b);
    }

    function refuseEquivalence(
        IPrequalification.Product memory easy,
        IPrequalification.Product memory hard,
        bytes32 attribute,
        uint256 a,
        uint256 b
    ) private {
        publishProduct(hard);
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.NotEquivalent.selector, easy.product, hard.product, attribute, a, b)
        );
        propose(DSO, easy.product, hard.product);
    }

    function requireQualified(uint40 aggregate, uint40 tested, uint32[] memory chain) private view {
        prequalification.requireQualified(aggregate, tested, chain, FIRST_DAY, uint40(block.timestamp));
    }

    function refuseQualified(uint40 aggregate, uint40 tested, uint32[] memory chain, bytes memory refusal) private {
        vm.expectRevert(refusal);
        prequalification.requireQualified(aggregate, tested, chain, FIRST_DAY, uint40(block.timestamp));
    }

    function propose(uint16 operator, uint32 from, uint32 to) private {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.proposeEquivalences(operator, a, b);
    }

    function accept(uint16 operator, uint32 from, uint32 to) private {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.acceptEquivalences(operator, a, b);
    }

    function revoke(uint16 operator, uint32 from, uint32 to) private {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.revokeEquivalences(operator, a, b);
    }

    function chainOf(uint32 only) private pure returns (uint32[] memory chain) {
        chain = new uint32[](1);
        chain[0] = only;
    }

    function chainOf(uint32 from, uint32 to) private pure returns (uint32[] memory chain) {
        chain = new uint32[](2);
        (chain[0], chain[1]) = (from, to);
    }

    function step(uint32 from, uint32 to, uint16 operator) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.EquivalenceStep.selector, from, to, operator);
    }

    function notQualified(uint32 product, QualificationState state, uint40 until) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.NotQualified.selector, LOCAL, product, state, until);
    }

    function notIdentical(uint40 tested, uint40 asking, uint32 shared, uint32 testedPods, uint32 askingPods)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            IPrequalification.AggregatesNotIdentical.selector, tested, asking, shared, testedPods, askingPods
        );
    }
}
