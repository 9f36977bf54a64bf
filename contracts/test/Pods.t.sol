// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {PodWord} from "../src/libraries/PodWord.sol";
import {PartyKind, PodCategory, Scope, StaticLight, VoltageLevel} from "../src/types/Types.sol";
import {PodsWorld} from "./PodsWorld.sol";

contract PodsTest is PodsWorld {
    bytes32 private constant POD = "pod";

    function setUp() public {
        setUpPods();
        register(BSP, POD);
    }

    /// @dev POD-1: the fields of a POD keep out of each other's bits.
    function testFuzz_WordKeepsThePod(uint256 seed, uint16 bsp, uint40 perimeter, uint24 local, uint24 global_) public pure {
        vm.assume(bsp != 0);
        IPods.Pod memory pod;
        (pod.bsp, pod.dso) = (bsp, uint16(perimeter >> 24));
        pod.perimeter = uint24(perimeter) == 0 ? 0 : perimeter;
        pod.fromDay = uint16(seed);
        pod.light = StaticLight(bound(seed >> 16, 0, 4));
        pod.category = PodCategory(bound(seed >> 24, 0, 3));
        pod.voltage = VoltageLevel(bound(seed >> 32, 0, 2));
        pod.declaredUpKw = uint24(seed >> 40 & 131071);
        pod.declaredDownKw = uint24(seed >> 60 & 131071);
        pod.grantedUpKw = uint24(seed >> 80 & 131071);
        pod.grantedDownKw = uint24(seed >> 100 & 131071);
        pod.localAggregate = local == 0 ? 0 : uint40(bsp) << 24 | local;
        pod.globalAggregate = global_ == 0 ? 0 : uint40(bsp) << 24 | global_;

        // Every field is written over a word of ones, or of zeros, by the order of the seed's last bit.
        uint256 word = PodWord.create(bsp, pod.dso);
        if (seed >> 255 == 1) {
            word = PodWord.declare(word, PodCategory.Storage, VoltageLevel.High, 131071, 131071);
            word = PodWord.decide(word, StaticLight.Invalidated, perimeter | 0xffffff, 131071, 131071);
            word = PodWord.place(PodWord.place(word, Scope.Local, 0xffffff), Scope.Global, 0xffffff);
        }
        word = PodWord.place(word, Scope.Local, pod.localAggregate);
        word = PodWord.declare(word, pod.category, pod.voltage, pod.declaredUpKw, pod.declaredDownKw);
        word = PodWord.decide(word, pod.light, perimeter, pod.grantedUpKw, pod.grantedDownKw);
        word = PodWord.place(word, Scope.Global, pod.globalAggregate) | uint256(pod.fromDay) << 240;
        assertEq(keccak256(abi.encode(PodWord.unpack(word))), keccak256(abi.encode(pod)), "pod");
        assertEq(PodWord.unpack(PodWord.declare(word, pod.category, pod.voltage, 1, 0)).grantedUpKw, 0, "grant ends");
    }

    /// @dev POD-1
    function test_RegistrationIsReadable() public view {
        IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY);
        assertEq(pod.fromDay, FIRST_DAY, "from day");
        assertEq(pod.bsp, BSP, "bsp");
        assertEq(pod.dso, DSO, "dso");
        assertEq(pod.perimeter, 0, "perimeter");
        assertTrue(pod.light == StaticLight.Requested, "light");
        assertTrue(pod.category == PodCategory.Storage && pod.voltage == VoltageLevel.Medium, "kind");
        assertEq(pod.declaredUpKw, UP_KW, "up");
        assertEq(pod.declaredDownKw, DOWN_KW, "down");
        assertEq(pods.podAt(POD, FIRST_DAY - 1).bsp, 0, "not before");
    }

    /// @dev POD-1
    function test_OneActiveRegistration() public {
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodAlreadyRegistered.selector, POD, BSP));
        pods.register(OTHER_BSP, one(registration(POD)));
    }

    /// @dev POD-1
    function test_RefusesImpossibleRegistrations() public {
        IPods.Registration memory item = registration("new");
        item.upKw = 131072;
        refuseRegistration(item, "upKw", 131072, 131071);
        item = registration("new");
        item.downKw = type(uint24).max;
        refuseRegistration(item, "downKw", type(uint24).max, 131071);
        item = registration("new");
        (item.upKw, item.downKw) = (0, 0);
        refuseRegistration(item, "power", 0, 131071);
        item = registration("new");
        item.dso = BSP;
        refuseRegistration(item, "dso", BSP, 0);
        item.dso = 0;
        refuseRegistration(item, "dso", 0, 0);
    }

    /// @dev POD-1: nothing is half done: one bad row refuses the batch.
    function test_BatchIsAllOrNothing() public {
        IPods.Registration[] memory batch = new IPods.Registration[](2);
        (batch[0], batch[1]) = (registration("new"), registration(POD));
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodAlreadyRegistered.selector, POD, BSP));
        pods.register(BSP, batch);
        assertEq(pods.podAt("new", FIRST_DAY).bsp, 0, "not registered");
    }

    /// @dev POD-2: granted is never more than declared, whatever the DSO says.
    function testFuzz_StaticLightGrantsAtMostWhatIsDeclared(uint8 light, uint24 upKw, uint24 downKw, bool reason) public {
        IPods.StaticLightDecision memory decided =
            decision(POD, StaticLight(light % 5), uint24(bound(upKw, 0, 400)), uint24(bound(downKw, 0, 300)));
        decided.reason = reason ? bytes32("reason") : bytes32(0);
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](1);
        decisions[0] = decided;
        vm.prank(signerOf(DSO));
        try pods.giveStaticLights(DSO, decisions) {
            IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY);
            assertAtMost(pod.grantedUpKw, UP_KW, "up");
            assertAtMost(pod.grantedDownKw, DOWN_KW, "down");
            bool grants = pod.grantedUpKw + pod.grantedDownKw > 0;
            assertTrue(grants == (pod.light != StaticLight.Invalidated), "only an invalidated POD has nothing");
            assertTrue(reason || pod.light == StaticLight.Confirmed, "reason");
        } catch {
            assertEq(pods.podAt(POD, FIRST_DAY).grantedUpKw, 0, "nothing granted");
        }
    }

    /// @dev POD-2
    function test_RefusesInconsistentStaticLights() public {
        refuseInconsistent(StaticLight.None, 0, 0);
        refuseInconsistent(StaticLight.Requested, 0, 0);
        refuseInconsistent(StaticLight.Confirmed, UP_KW - 1, DOWN_KW);
        refuseInconsistent(StaticLight.Modulated, UP_KW, DOWN_KW);
        refuseInconsistent(StaticLight.Modulated, UP_KW + 1, 0);
        refuseInconsistent(StaticLight.Modulated, 0, DOWN_KW + 1);
        refuseInconsistent(StaticLight.Modulated, 0, 0);
        refuseInconsistent(StaticLight.Invalidated, 0, 1);
        IPods.StaticLightDecision memory silent = decision(POD, StaticLight.Modulated, UP_KW - 1, DOWN_KW);
        silent.reason = 0;
        refuseDecision(silent, abi.encodeWithSelector(IPods.ReasonMissing.selector, POD));
        silent = decision(POD, StaticLight.Invalidated, 0, 0);
        silent.reason = 0;
        refuseDecision(silent, abi.encodeWithSelector(IPods.ReasonMissing.selector, POD));
    }

    /// @dev POD-2, DTL-1: the connecting DSO, in a perimeter of its partition.
    function test_StaticLightIsTheConnectingDsos() public {
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](1);
        decisions[0] = decision(POD, StaticLight.Confirmed, UP_KW, DOWN_KW);
        decisions[0].perimeter = uint40(OTHER_DSO) << 24 | 1;
        vm.prank(signerOf(OTHER_DSO));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherDso.selector, POD, DSO, OTHER_DSO));
        pods.giveStaticLights(OTHER_DSO, decisions);
        refuseDecision(
            decisions[0], abi.encodeWithSelector(ITrafficLights.PerimeterOfOther.selector, decisions[0].perimeter, DSO)
        );
        partition.set(PERIMETER, false);
        refuseDecision(
            decision(POD, StaticLight.Confirmed, UP_KW, DOWN_KW),
            abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, PERIMETER, FIRST_DAY)
        );
        partition.set(PERIMETER, true);
        refuseDecision(
            decision("unknown", StaticLight.Confirmed, UP_KW, DOWN_KW),
            abi.encodeWithSelector(IPods.PodUnknown.selector, bytes32("unknown"))
        );
    }

    /// @dev POD-3, AGG-2: a change suspends from the next unopened day on; the day before keeps its light and its pools.
    function test_ChangeSuspendsFromItsDayOn() public {
        confirm(POD);
        join(LOCAL, POD);
        goBefore(FIRST_DAY + 1);
        change(POD, 400, 100);
        assertPool(LOCAL, PERIMETER, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, PERIMETER, FIRST_DAY + 1, 1, 0, 0);
        IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY + 1);
        assertTrue(pod.light == StaticLight.Requested, "light");
        assertEq(pod.declaredUpKw, 400, "declared");
        assertEq(pod.perimeter, PERIMETER, "perimeter");
        assertEq(pod.localAggregate, LOCAL, "still a member");
        decide(decision(POD, StaticLight.Modulated, 350, 0));
        assertPool(LOCAL, 0, FIRST_DAY + 1, 1, 350, 0);
        assertTrue(pods.podAt(POD, FIRST_DAY).light == StaticLight.Confirmed, "the day before");
    }

    /// @dev POD-1, POD-2, POD-3: only its own BSP changes a POD, and never its DSO.
    function test_RefusesChangesOfOthers() public {
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherBsp.selector, POD, BSP, OTHER_BSP));
        pods.change(OTHER_BSP, one(registration(POD)));
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodUnknown.selector, bytes32("unknown")));
        pods.change(BSP, one(registration("unknown")));
        IPods.Registration memory moved = registration(POD);
        moved.dso = OTHER_DSO;
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.RegistrationInvalid.selector, POD, bytes32("dso"), OTHER_DSO, DSO));
        pods.change(BSP, one(moved));
    }

    /// @dev POD-5, AGG-2: a change of BSP ends the memberships; history keeps who was responsible.
    function test_ChangeOfBspEndsMemberships() public {
        confirm(POD);
        join(LOCAL, POD);
        join(GLOBAL, POD);
        goBefore(FIRST_DAY + 1);
        withdraw(BSP, POD);
        register(OTHER_BSP, POD);
        assertEq(pods.podAt(POD, FIRST_DAY).bsp, BSP, "before");
        assertEq(pods.podAt(POD, FIRST_DAY).globalAggregate, GLOBAL, "member before");
        IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY + 1);
        assertEq(pod.bsp, OTHER_BSP, "after");
        assertEq(pod.localAggregate + pod.globalAggregate, 0, "no memberships");
        assertTrue(pod.light == StaticLight.Requested, "asks its DSO again");
        assertPool(LOCAL, 0, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, 0, FIRST_DAY + 1, 0, 0, 0);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, PERIMETER, FIRST_DAY).pods, 1, "shared before");
        assertEq(pods.sharedAt(LOCAL, GLOBAL, PERIMETER, FIRST_DAY + 1).pods, 0, "shared after");
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherBsp.selector, POD, OTHER_BSP, BSP));
        pods.withdraw(BSP, one(POD));
    }

    /// @dev POD-5, AGG-2: claimed by one BSP and handed over by the DSO, against the will of the BSP before; light and powers stay.
    function test_SwitchOfBsp() public {
        confirm(POD);
        join(LOCAL, POD);
        join(GLOBAL, POD);
        goBefore(FIRST_DAY + 1);
        claim(OTHER_BSP, POD);
        assertEq(pods.podAt(POD, FIRST_DAY + 1).bsp, BSP, "a claim alone changes nothing");
        handOver(POD, OTHER_BSP);
        IPods.Pod memory before = pods.podAt(POD, FIRST_DAY);
        assertEq(before.bsp, BSP, "responsible before");
        assertEq(before.localAggregate, LOCAL, "local before");
        assertEq(before.globalAggregate, GLOBAL, "global before");
        IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY + 1);
        assertEq(pod.bsp, OTHER_BSP, "responsible after");
        assertEq(pod.localAggregate + pod.globalAggregate, 0, "no memberships");
        assertEq(pod.perimeter, PERIMETER, "perimeter");
        assertTrue(pod.light == StaticLight.Confirmed, "light");
        assertEq(pod.grantedUpKw, UP_KW, "granted up");
        assertEq(pod.declaredDownKw, DOWN_KW, "declared down");
        assertPool(LOCAL, PERIMETER, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, PERIMETER, FIRST_DAY + 1, 0, 0, 0);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, PERIMETER, FIRST_DAY + 1).pods, 0, "shared after");
        uint40 next = uint40(OTHER_BSP) << 24 | 1;
        createAggregate(OTHER_BSP, next, Scope.Local);
        join(next, POD);
        assertPool(next, PERIMETER, FIRST_DAY + 1, 1, UP_KW, DOWN_KW);
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherBsp.selector, POD, OTHER_BSP, BSP));
        pods.leave(BSP, LOCAL, one(POD));
    }

    /// @dev POD-5: no BSP gets a POD that it did not claim, from anyone but the one it claimed it from, nor twice for one claim.
    function test_NoHandoverWithoutAClaim() public {
        refuseHandover(OTHER_BSP, BSP);
        refuseHandover(0, BSP);
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.ClaimStep.selector, POD, BSP, BSP));
        pods.claim(BSP, oneClaim(POD));
        claim(OTHER_BSP, POD);
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.ClaimStep.selector, POD, OTHER_BSP, BSP));
        pods.claim(OTHER_BSP, oneClaim(POD));
        vm.prank(signerOf(OTHER_BSP));
        pods.dropClaims(OTHER_BSP, one(POD));
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.ClaimStep.selector, POD, OTHER_BSP, 0));
        pods.dropClaims(OTHER_BSP, one(POD));
        refuseHandover(OTHER_BSP, BSP);
        claim(OTHER_BSP, POD);
        vm.prank(signerOf(OTHER_DSO));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherDso.selector, POD, DSO, OTHER_DSO));
        pods.handOver(OTHER_DSO, oneHandover(POD, OTHER_BSP));
        handOver(POD, OTHER_BSP);
        refuseHandover(OTHER_BSP, OTHER_BSP);
        claim(BSP, POD);
        withdraw(OTHER_BSP, POD);
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodUnknown.selector, POD));
        pods.handOver(DSO, oneHandover(POD, BSP));
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodUnknown.selector, POD));
        pods.claim(BSP, oneClaim(POD));
    }

    /// @dev POD-5: a claim names the BSP that it is against, and lapses with it.
    function test_AClaimLapsesWhenThePodHasAnotherBsp() public {
        uint16 third = 23;
        admit(third, PartyKind.Bsp);
        claim(OTHER_BSP, POD);
        claim(third, POD);
        handOver(POD, OTHER_BSP);
        refuseHandover(third, OTHER_BSP);
        claim(third, POD);
        handOver(POD, third);
        assertEq(pods.podAt(POD, FIRST_DAY).bsp, third, "the third");
    }

    /// @dev DTL-1: into a successor of its perimeter a POD moves with its light, and its power with it; nowhere else without a new light.
    function test_PodsMoveAlongWithTheirPerimeter() public {
        confirm(POD);
        join(LOCAL, POD);
        join(GLOBAL, POD);
        goBefore(FIRST_DAY + 1);
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.NotASuccessor.selector, NEXT_PERIMETER, PERIMETER));
        pods.movePods(DSO, NEXT_PERIMETER, one(POD));
        partition.succeed(NEXT_PERIMETER, PERIMETER);
        movePod(NEXT_PERIMETER, POD);
        IPods.Pod memory pod = pods.podAt(POD, FIRST_DAY + 1);
        assertEq(pod.perimeter, NEXT_PERIMETER, "perimeter");
        assertTrue(pod.light == StaticLight.Confirmed, "light");
        assertEq(pod.localAggregate, LOCAL, "member");
        assertEq(pods.podAt(POD, FIRST_DAY).perimeter, PERIMETER, "before");
        assertPool(LOCAL, PERIMETER, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, PERIMETER, FIRST_DAY + 1, 0, 0, 0);
        assertPool(LOCAL, NEXT_PERIMETER, FIRST_DAY + 1, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, 0, FIRST_DAY + 1, 1, UP_KW, DOWN_KW);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, NEXT_PERIMETER, FIRST_DAY + 1).pods, 1, "shared");
        IPods.Roster memory roster = pods.rosterAt(LOCAL, FIRST_DAY + 1);
        assertEq(roster.changes, 1, "the members are the same");
    }

    /// @dev DTL-1, ACT-1
    function test_OnlyTheConnectingDsoMovesPods() public {
        register(BSP, "unlit");
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.NotASuccessor.selector, NEXT_PERIMETER, 0));
        pods.movePods(DSO, NEXT_PERIMETER, one("unlit"));
        uint40 foreign = uint40(OTHER_DSO) << 24 | 1;
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterOfOther.selector, foreign, DSO));
        pods.movePods(DSO, foreign, one(POD));
        vm.prank(signerOf(OTHER_DSO));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodOfOtherDso.selector, POD, DSO, OTHER_DSO));
        pods.movePods(OTHER_DSO, foreign, one(POD));
        partition.set(NEXT_PERIMETER, false);
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, NEXT_PERIMETER, FIRST_DAY));
        pods.movePods(DSO, NEXT_PERIMETER, one(POD));
    }

    /// @dev POD-1: a withdrawn POD is unknown from its day on.
    function test_WithdrawnPodIsUnknown() public {
        withdraw(BSP, POD);
        assertEq(keccak256(abi.encode(pods.podAt(POD, FIRST_DAY + 9))), keccak256(new bytes(13 * 32)), "all zero");
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodUnknown.selector, POD));
        pods.withdraw(BSP, one(POD));
    }

    /// @dev AGG-1
    function test_AggregatesAreTheBspsAndNeverReused() public {
        IPods.AggregateDraft[] memory drafts = new IPods.AggregateDraft[](1);
        drafts[0] = IPods.AggregateDraft(LOCAL, Scope.Global, 0);
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateExists.selector, LOCAL));
        pods.createAggregates(BSP, drafts);
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateOfOther.selector, LOCAL, OTHER_BSP));
        pods.createAggregates(OTHER_BSP, drafts);
        drafts[0].aggregate = uint40(BSP) << 24;
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateUnknown.selector, drafts[0].aggregate));
        pods.createAggregates(BSP, drafts);
        assertTrue(pods.scopeOf(LOCAL) == Scope.Local && pods.scopeOf(GLOBAL) == Scope.Global, "scopes");
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateUnknown.selector, LOCAL + 9));
        pods.scopeOf(LOCAL + 9);
    }

    /// @dev POD-2: nothing works without a static light.
    function test_JoinNeedsAStaticLight() public {
        refuseJoin(LOCAL, POD, abi.encodeWithSelector(IPods.StaticLightMissing.selector, POD, StaticLight.Requested));
        decide(decision(POD, StaticLight.Invalidated, 0, 0));
        refuseJoin(LOCAL, POD, abi.encodeWithSelector(IPods.StaticLightMissing.selector, POD, StaticLight.Invalidated));
        confirm(POD);
        join(LOCAL, POD);
    }

    /// @dev AGG-1, AGG-2: one local and one global aggregate, of the POD's own BSP.
    function test_RefusesMemberships() public {
        confirm(POD);
        refuseJoin(LOCAL + 9, POD, abi.encodeWithSelector(IPods.AggregateUnknown.selector, LOCAL + 9));
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.AggregateOfOther.selector, LOCAL, OTHER_BSP));
        pods.join(OTHER_BSP, LOCAL, one(POD));
        uint40 foreign = uint40(OTHER_BSP) << 24 | 1;
        createAggregate(OTHER_BSP, foreign, Scope.Local);
        refuseJoin(foreign, POD, abi.encodeWithSelector(IPods.PodOfOtherBsp.selector, POD, BSP, OTHER_BSP));
        createAggregate(BSP, LOCAL + 2, Scope.Local);
        join(LOCAL, POD);
        refuseJoin(LOCAL + 2, POD, abi.encodeWithSelector(IPods.PodInOtherAggregate.selector, POD, LOCAL));
        refuseJoin(LOCAL, POD, abi.encodeWithSelector(IPods.PodInOtherAggregate.selector, POD, LOCAL));
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodNotMember.selector, POD, GLOBAL));
        pods.leave(BSP, GLOBAL, one(POD));
    }

    /// @dev AGG-2, AGG-3: membership holds from the effective day to the effective day of leaving.
    function test_MembershipIsTimeBounded() public {
        confirm(POD);
        join(LOCAL, POD);
        join(GLOBAL, POD);
        goBefore(FIRST_DAY + 1);
        leave(GLOBAL, POD);
        assertPool(GLOBAL, 0, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(GLOBAL, 0, FIRST_DAY + 1, 0, 0, 0);
        assertPool(LOCAL, 0, FIRST_DAY + 1, 1, UP_KW, DOWN_KW);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, 0, FIRST_DAY).upKw, UP_KW, "shared then");
        assertEq(pods.sharedAt(LOCAL, GLOBAL, 0, FIRST_DAY + 1).upKw, 0, "no longer");
        uint40[] memory counterparts = pods.counterpartsOf(LOCAL);
        assertTrue(counterparts.length == 1 && counterparts[0] == GLOBAL, "ever shared");
    }

    /// @dev AGG-2, AGG-3: a batch counts every POD once, however perimeters and other aggregates alternate in it.
    function testFuzz_BatchOfAnyOrderFillsThePools(uint256 seed) public {
        bytes32[] memory ids = new bytes32[](8);
        uint256 moved = 0;
        uint256 shared = 0;
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = bytes32(i + 1);
            register(BSP, ids[i]);
            IPods.StaticLightDecision memory decided = decision(ids[i], StaticLight.Confirmed, UP_KW, DOWN_KW);
            if (seed >> i & 1 == 1) (decided.perimeter, moved) = (NEXT_PERIMETER, moved + 1);
            decide(decided);
            if (seed >> 8 + i & 1 == 1) {
                join(GLOBAL, ids[i]);
                shared++;
            }
        }
        vm.prank(signerOf(BSP));
        pods.join(BSP, LOCAL, ids);
        assertPool(LOCAL, 0, FIRST_DAY, 8, 8 * UP_KW, 8 * DOWN_KW);
        assertPool(LOCAL, PERIMETER, FIRST_DAY, 8 - moved, (8 - moved) * UP_KW, (8 - moved) * DOWN_KW);
        assertPool(LOCAL, NEXT_PERIMETER, FIRST_DAY, moved, moved * UP_KW, moved * DOWN_KW);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, 0, FIRST_DAY).pods, shared, "shared");
        assertEq(pods.counterpartsOf(LOCAL).length, shared == 0 ? 0 : 1, "one counterpart");
    }

    /// @dev AGG-2: a POD named twice in a batch is refused like one that was a member before.
    function test_RefusesAPodTwiceInABatch() public {
        confirm(POD);
        bytes32[] memory twice = new bytes32[](2);
        (twice[0], twice[1]) = (POD, POD);
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.PodInOtherAggregate.selector, POD, LOCAL));
        pods.join(BSP, LOCAL, twice);
    }

    /// @dev DTL-1: a POD that moves takes its power to the other perimeter.
    function test_MoveToAnotherPerimeter() public {
        confirm(POD);
        join(LOCAL, POD);
        join(GLOBAL, POD);
        goBefore(FIRST_DAY + 1);
        IPods.StaticLightDecision memory moved = decision(POD, StaticLight.Modulated, 250, 0);
        moved.perimeter = NEXT_PERIMETER;
        decide(moved);
        assertPool(LOCAL, PERIMETER, FIRST_DAY, 1, UP_KW, DOWN_KW);
        assertPool(LOCAL, PERIMETER, FIRST_DAY + 1, 0, 0, 0);
        assertPool(GLOBAL, NEXT_PERIMETER, FIRST_DAY + 1, 1, 250, 0);
        assertPool(GLOBAL, 0, FIRST_DAY + 1, 1, 250, 0);
        assertEq(pods.sharedAt(LOCAL, GLOBAL, NEXT_PERIMETER, FIRST_DAY + 1).upKw, 250, "shared");
    }

    /// @dev AGG-2: an aggregate shares with at most 16 of the other scope, counted on both sides.
    function test_CounterpartsAreBounded() public {
        for (uint40 i = 0; i < 17; i++) {
            bytes32 podId = bytes32(uint256(i + 1));
            register(BSP, podId);
            confirm(podId);
            createAggregate(BSP, LOCAL + 100 + i, Scope.Local);
            join(LOCAL + 100 + i, podId);
            if (i < 16) join(GLOBAL, podId);
        }
        bytes32 last = bytes32(uint256(17));
        refuseJoin(GLOBAL, last, abi.encodeWithSelector(IPods.TooManyCounterparts.selector, GLOBAL, 16));
        createAggregate(BSP, GLOBAL + 200, Scope.Global);
        join(GLOBAL + 200, last);
        refuseJoin(LOCAL + 116, bytes32(uint256(1)), abi.encodeWithSelector(
            IPods.PodInOtherAggregate.selector, bytes32(uint256(1)), LOCAL + 100
        ));
        leave(LOCAL + 100, bytes32(uint256(1)));
        refuseJoin(LOCAL + 116, bytes32(uint256(1)), abi.encodeWithSelector(IPods.TooManyCounterparts.selector, GLOBAL, 16));
        join(LOCAL + 100, bytes32(uint256(1)));
    }

    function refuseRegistration(IPods.Registration memory item, bytes32 field, uint256 found, uint256 limit) private {
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IPods.RegistrationInvalid.selector, item.podId, field, found, limit));
        pods.register(BSP, one(item));
    }

    function refuseInconsistent(StaticLight light, uint24 upKw, uint24 downKw) private {
        refuseDecision(
            decision(POD, light, upKw, downKw),
            abi.encodeWithSelector(IPods.StaticLightInconsistent.selector, POD, light, upKw, downKw, UP_KW, DOWN_KW)
        );
    }

    function refuseJoin(uint40 aggregate, bytes32 podId, bytes memory refusal) private {
        uint16 bsp = uint16(aggregate >> 24);
        vm.prank(signerOf(bsp));
        vm.expectRevert(refusal);
        pods.join(bsp, aggregate, one(podId));
    }

    function refuseHandover(uint16 bsp, uint16 holder) private {
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IPods.ClaimStep.selector, POD, bsp, holder));
        pods.handOver(DSO, oneHandover(POD, bsp));
    }
}
