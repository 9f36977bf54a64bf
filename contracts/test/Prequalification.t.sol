// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {QualificationRules} from "../src/libraries/QualificationRules.sol";
import {PartyKind, PodCategory, QualificationState, Scope, StaticLight, VoltageLevel} from "../src/types/Types.sol";
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

    function changed(bytes32 what, uint256 tested, uint256 found) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.AggregateChanged.selector, LOCAL, LOCAL_PRODUCT, what, tested, found);
    }

    function refuseTomorrow(bytes memory refusal) private {
        vm.expectRevert(refusal);
        prequalification.requireQualified(
            LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), FIRST_DAY + 1, uint40(block.timestamp)
        );
    }

    function refuseStep(QualificationState from, QualificationState to) private {
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.StepNotAllowed.selector, LOCAL, LOCAL_PRODUCT, from, to)
        );
        moveTo(LOCAL, LOCAL_PRODUCT, to, 1000);
    }

    function leave(uint40 aggregate, bytes32 podId) private {
        vm.prank(signerOf(BSP));
        pods.leave(BSP, aggregate, one(podId));
    }

    function rejoin(uint40 aggregate, bytes32 podId) private {
        vm.prank(signerOf(BSP));
        pods.join(BSP, aggregate, one(podId));
    }

    /// @dev A relevant change: the light is requested again.
    function changePod(bytes32 podId) private {
        IPods.Registration[] memory list = new IPods.Registration[](1);
        list[0] = IPods.Registration(podId, DSO, PodCategory.Mixed, VoltageLevel.Low, 10, 20, 60, "other DERs");
        vm.prank(signerOf(BSP));
        pods.change(BSP, list);
    }

    function one(bytes32 podId) private pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = podId;
    }

    function assertAnswer(uint40 aggregate, uint32 product, uint40 tested, uint32[] memory chain) private view {
        (bool yes, uint40 foundTested, uint32[] memory foundChain, uint40 until, bytes memory refusal) =
            prequalification.isQualified(aggregate, product, FIRST_DAY, uint40(block.timestamp));
        assertTrue(yes && refusal.length == 0, "qualified");
        assertEq(foundTested, tested, "tested");
        assertEq(keccak256(abi.encode(foundChain)), keccak256(abi.encode(chain)), "chain");
        (, uint40 validUntil) = prequalification.qualificationOf(tested, chain[0]);
        assertEq(until, validUntil, "valid until");
        requireQualified(aggregate, tested, chain);
    }

    function assertRefusal(uint40 aggregate, uint32 product, bytes memory expected) private view {
        (bool yes, uint40 tested, uint32[] memory chain,, bytes memory refusal) =
            prequalification.isQualified(aggregate, product, FIRST_DAY, uint40(block.timestamp));
        assertTrue(!yes && tested == 0 && chain.length == 0, "not qualified");
        assertEq(keccak256(refusal), keccak256(expected), "refusal");
    }
}
