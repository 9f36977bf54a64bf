// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {HourCells, Market as MarketSide} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice PODs 0..3 give 10 kW up and down each: 0 only local, 1..2 in both aggregates, 3 only global. POD 4 (both) gives 10 up only.
contract DeclarationsTest is MarketWorld {
    function setUp() public {
        setUpMarket();
        addPods(0, 1, 10, 10, PERIMETER, LOCAL, 0);
        addPods(1, 2, 10, 10, PERIMETER, LOCAL, GLOBAL);
        addPods(3, 1, 10, 10, PERIMETER, 0, GLOBAL);
        addPods(4, 1, 10, 0, PERIMETER, LOCAL, GLOBAL);
        qualify(LOCAL, LOCAL_PRODUCT);
        qualify(GLOBAL, GLOBAL_PRODUCT);
        openLfp(1);
        publishGreen(1);
    }

    /// @dev SES-3: the BSP says which PODs fulfil the selection; the rest is available to the other market.
    function test_TheRestStaysAvailable() public {
        selectLocal(1, cells(5, 7, 20, false));
        vm.expectEmit();
        emit IMarket.PodDeclared(podOf(0), LOCAL, FIRST_DAY, PERIMETER, MarketSide.Lfp, quarters(5, 7));
        declare(LOCAL, 0, 1, quarters(5, 7), false);
        assertEq(globalUpAt(5), 10, "nothing is free before the BSP has said all");
        vm.expectEmit();
        emit IMarket.DeclarationCompleted(LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 1, HourCells(0, 0));
        declare(LOCAL, 1, 1, quarters(5, 7), true);
        assertEq(globalUpAt(5), 30, "PODs 2, 3 and 4");
        assertEq(globalUpAt(7), 40, "an hour that is not selected");
        (uint128 local, uint128 global_) = market.quartersOf(podOf(1), FIRST_DAY);
        assertEq(local, quarters(5, 7), "local quarters");
        assertEq(global_, 0, "global quarters");
    }

    /// @dev SES-6: one quarter takes the hour from the other market, in both directions, once.
    function test_OneQuarterTakesTheHour() public {
        selectLocal(1, cells(5, 6, 10, false));
        declare(LOCAL, 1, 1, uint128(1 << 23), false);
        declare(LOCAL, 1, 1, quarters(5, 6), true);
        assertEq(globalUpAt(5), 30, "up");
        (, HourCells memory down) = market.availableOf(GLOBAL, PERIMETER, FIRST_DAY);
        assertEq(cellOf(down, 5), 20, "down");
    }

    /// @dev SES-3: sold and not declared is a recorded shortfall.
    function test_ShortfallIsRecorded() public {
        HourCells memory wanted = cells(5, 7, 25, false);
        put(wanted, 20, 11 | 1 << 17);
        selectLocal(1, wanted);
        HourCells memory shortfall = cells(5, 6, 5, false);
        put(shortfall, 6, 25);
        put(shortfall, 20, 1);
        declare(LOCAL, 0, 2, quarters(5, 6), false);
        vm.expectEmit();
        emit IMarket.DeclarationCompleted(LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 1, shortfall);
        declare(LOCAL, 0, 1, quarters(20, 21), true);
        assertEq(globalUpAt(6), 40, "what is missing is not taken from the other market");
    }

    /// @dev SES-4: due at the next gate, to the second.
    function test_DeclarationsAreDue() public {
        selectLocal(1, cells(5, 6, 20, false));
        uint40 due = sessions.declarationDue(FIRST_DAY, MarketSide.Lfp, 1);
        vm.warp(due - 1);
        declare(LOCAL, 0, 1, quarters(5, 6), false);
        vm.warp(due);
        expectLate(LOCAL, MarketSide.Lfp, 1);
        declare(LOCAL, 1, 1, quarters(5, 6), true);
    }

    /// @dev SES-3: nothing selected, nothing to declare.
    function test_NothingSelected() public {
        expect(abi.encodeWithSelector(IMarket.NothingSelected.selector, LOCAL, PERIMETER, FIRST_DAY, 0));
        declare(LOCAL, 0, 1, quarters(5, 6), false);
        selectLocal(1, cells(5, 6, 20, false));
        expect(abi.encodeWithSelector(IMarket.NothingSelected.selector, LOCAL, PERIMETER, FIRST_DAY, 6));
        declare(LOCAL, 0, 1, quarters(5, 7), false);
    }

    /// @dev SES-3, SES-6: PODs of the pool, quarters of the day.
    function test_PodsAndQuarters() public {
        HourCells memory wanted = cells(5, 6, 20, false);
        put(wanted, 23, 5 | 1 << 17);
        selectLocal(1, wanted);
        expect(abi.encodeWithSelector(IMarket.PodNotInPool.selector, podOf(3), LOCAL, PERIMETER, FIRST_DAY));
        declare(LOCAL, 3, 1, quarters(5, 6), false);
        expect(abi.encodeWithSelector(IMarket.PodNotInPool.selector, podOf(4), LOCAL, PERIMETER, FIRST_DAY));
        declare(LOCAL, 4, 1, quarters(23, 24), false);
        expect(abi.encodeWithSelector(IMarket.QuartersInvalid.selector, podOf(0), FIRST_DAY, 0, quarters(0, 24)));
        declare(LOCAL, 0, 1, 0, false);
        expect(abi.encodeWithSelector(IMarket.QuartersInvalid.selector, podOf(0), FIRST_DAY, 1 << 96, quarters(0, 24)));
        declare(LOCAL, 0, 1, 1 << 96, false);
    }

    /// @dev SES-3: another BSP declares nothing here.
    function test_AggregateOfOther() public {
        selectLocal(1, cells(5, 6, 20, false));
        expect(abi.encodeWithSelector(IPods.AggregateOfOther.selector, LOCAL, OTHER_BSP));
        vm.prank(signerOf(OTHER_BSP));
        market.declare(OTHER_BSP, LOCAL, PERIMETER, FIRST_DAY, items(0, 1, quarters(5, 6)), true);
    }

    /// @dev SES-3: hours that became definitive undeclared keep all PODs, also while a later session's declaration is still open.
    function test_DefinitiveHoursStayCommitted() public {
        selectLocal(1, cells(2, 3, 10, false));
        openMsd(1);
        selectGlobal(1, cells(2, 3, 10, false));
        openLfp(2);
        selectLocal(2, cells(2, 3, 10, false));
        expect(abi.encodeWithSelector(IMarket.PodServesOtherMarket.selector, podOf(1), FIRST_DAY, 2, MarketSide.Lfp));
        declare(GLOBAL, 1, 1, quarters(2, 3), false);
        declare(GLOBAL, 3, 1, quarters(2, 3), true);
    }

    /// @dev SES-3: never both markets in one hour, though the quarters differ.
    function test_OnePodServesOneMarket() public {
        selectLocal(1, cells(5, 6, 10, false));
        declare(LOCAL, 1, 1, uint128(1 << 20), true);
        openMsd(1);
        selectGlobal(1, cells(5, 7, 10, false));
        expect(abi.encodeWithSelector(IMarket.PodServesOtherMarket.selector, podOf(1), FIRST_DAY, 5, MarketSide.Lfp));
        declare(GLOBAL, 1, 1, uint128(1 << 23), false);
        declare(GLOBAL, 1, 1, quarters(6, 7), false);
        declare(GLOBAL, 2, 1, quarters(5, 7), true);
    }

    /// @dev SES-3: who did not declare in time committed everything.
    function test_DefaultedHoursKeepTheirPods() public {
        selectLocal(1, cells(5, 6, 10, false));
        vm.warp(sessions.declarationDue(FIRST_DAY, MarketSide.Lfp, 1) - 1);
        selectGlobal(1, cells(5, 6, 10, false));
        vm.warp(sessions.declarationDue(FIRST_DAY, MarketSide.Lfp, 1));
        expect(abi.encodeWithSelector(IMarket.PodServesOtherMarket.selector, podOf(1), FIRST_DAY, 5, MarketSide.Lfp));
        declare(GLOBAL, 1, 1, quarters(5, 6), false);
        declare(GLOBAL, 3, 1, quarters(5, 6), true);
    }

    /// @dev SES-3, SES-4: a later session lets the BSP catch up on the hours it still plans, not on those that were due.
    function test_DefinitiveHoursStayDefaulted() public {
        selectLocal(1, cells(3, 5, 10, false));
        openLfp(2);
        selectLocal(2, cells(3, 5, 10, false));
        expect(abi.encodeWithSelector(IMarket.QuartersInvalid.selector, podOf(1), FIRST_DAY, quarters(3, 5), quarters(4, 24)));
        declare(LOCAL, 1, 1, quarters(3, 5), false);
        vm.expectEmit();
        emit IMarket.DeclarationCompleted(LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 2, HourCells(0, 0));
        declare(LOCAL, 1, 1, quarters(4, 5), true);
        assertEq(globalUpAt(3), 10, "hour 3 stays committed as a whole");
        assertEq(globalUpAt(4), 30, "hour 4 is declared");
    }

    /// @dev SES-3: what was completed can be added to only as far as the other market stays covered.
    function test_TheOtherMarketStaysCovered() public {
        selectLocal(1, cells(5, 6, 10, false));
        declare(LOCAL, 0, 1, quarters(5, 6), true);
        openMsd(1);
        vm.warp(sessions.declarationDue(FIRST_DAY, MarketSide.Lfp, 1) - 1);
        selectGlobal(1, cells(5, 6, 35, false));
        expect(
            abi.encodeWithSelector(IMarket.OtherMarketUncovered.selector, GLOBAL, PERIMETER, FIRST_DAY, 5, 35, 30)
        );
        declare(LOCAL, 1, 1, quarters(5, 6), false);
    }

    /// @dev SES-3: a selection that rises is to be declared again; what was declared stays declared.
    function test_RisingHoursAreOpenAgain() public {
        selectLocal(1, cells(5, 7, 10, false));
        declare(LOCAL, 1, 1, quarters(5, 7), true);
        openLfp(2);
        HourCells memory wanted = cells(5, 7, 10, false);
        put(wanted, 6, 11);
        selectLocal(2, wanted);
        assertEq(globalUpAt(5), 30, "unchanged hour");
        assertEq(globalUpAt(6), 10, "risen hour");
        vm.expectEmit();
        emit IMarket.DeclarationCompleted(LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 2, HourCells(0, 0));
        declare(LOCAL, 2, 1, quarters(6, 7), true);
        assertEq(globalUpAt(6), 20, "PODs 3 and 4");
    }

    /// @dev SES-3: the other direction is another promise: kW are counted in it.
    function test_TurnedHoursAreOpenAgain() public {
        selectLocal(1, cells(6, 7, 10, false));
        declare(LOCAL, 4, 1, quarters(6, 7), true);
        openLfp(2);
        selectLocal(2, cells(6, 7, 10, true));
        vm.expectEmit();
        emit IMarket.DeclarationCompleted(LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 2, cells(6, 7, 10, false));
        declare(LOCAL, 0, 0, 0, true);
    }

    /// @dev SES-6: PODs are undeclared as far as the operator lowered its preliminary selection, and are available again.
    function test_ReleaseAfterLowering() public {
        selectLocal(1, cells(3, 7, 20, false));
        declare(LOCAL, 1, 2, quarters(3, 7), true);
        openLfp(2);
        HourCells memory lowered = cells(3, 7, 20, false);
        put(lowered, 5, 10);
        put(lowered, 6, 10);
        expect(abi.encodeWithSelector(IMarket.ReleaseUncovered.selector, LOCAL, PERIMETER, FIRST_DAY, 6, 20, 10));
        release(LOCAL, 1, 1, quarters(6, 7));
        selectLocal(2, lowered);
        expect(abi.encodeWithSelector(IMarket.QuartersInvalid.selector, podOf(1), FIRST_DAY, quarters(6, 7), 0));
        release(LOCAL, 1, 1, quarters(6, 7));
    }

    /// @dev SES-6: still preliminary when the operator lowers it: released, available, declared by the other market.
    function test_ReleasedPodsServeTheOtherMarket() public {
        selectLocal(1, cells(10, 12, 20, false));
        declare(LOCAL, 1, 2, quarters(10, 12), true);
        openLfp(2);
        HourCells memory lowered = cells(10, 12, 20, false);
        put(lowered, 10, 10);
        selectLocal(2, lowered);
        assertEq(globalUpAt(10), 20, "before");
        expect(abi.encodeWithSelector(IMarket.ReleaseUncovered.selector, LOCAL, PERIMETER, FIRST_DAY, 10, 10, 0));
        release(LOCAL, 1, 2, quarters(10, 11));
        vm.expectEmit();
        emit IMarket.PodReleased(podOf(1), LOCAL, FIRST_DAY, PERIMETER, MarketSide.Lfp, quarters(10, 11));
        release(LOCAL, 1, 1, quarters(10, 11));
        assertEq(globalUpAt(10), 30, "after");
        expect(abi.encodeWithSelector(IMarket.QuartersInvalid.selector, podOf(1), FIRST_DAY, quarters(10, 11), quarters(11, 12)));
        release(LOCAL, 1, 1, quarters(10, 11));
        openMsd(2);
        selectGlobal(2, cells(10, 11, 30, false));
        declare(GLOBAL, 1, 1, quarters(10, 11), false);
    }

    /// @dev SES-6: a part of an hour's quarters released leaves the hour taken.
    function test_ReleaseOfSomeQuarters() public {
        selectLocal(1, cells(10, 11, 10, false));
        declare(LOCAL, 1, 1, quarters(10, 11), true);
        release(LOCAL, 1, 1, 1 << 40);
        (uint128 local,) = market.quartersOf(podOf(1), FIRST_DAY);
        assertEq(local, 7 << 41, "three quarters left");
        assertEq(globalUpAt(10), 30, "still taken");
    }

    /// @dev SES-6: an hour is definitive once the gate of its session has passed, though nothing was recorded in it.
    function testFuzz_DefinitiveHoursAreNotReleased(uint256 seed) public {
        selectLocal(1, cells(0, 24, 10, false));
        declare(LOCAL, 0, 2, quarters(0, 24), true);
        uint8 passed = uint8(bound(seed, 1, 6));
        uint40 gate = sessions.scheduleOf(FIRST_DAY).lfpGates[passed - 1];
        vm.warp(gate);
        uint128 allowed = quarters(4 * passed, 24);
        expect(
            abi.encodeWithSelector(
                IMarket.QuartersInvalid.selector, podOf(1), FIRST_DAY, quarters(4 * passed - 1, 4 * passed), allowed
            )
        );
        release(LOCAL, 1, 1, quarters(4 * passed - 1, 4 * passed));
        if (allowed == 0) return;
        release(LOCAL, 1, 1, allowed);
        (uint128 local,) = market.quartersOf(podOf(1), FIRST_DAY);
        assertEq(local, quarters(0, 4 * passed), "the definitive quarters are left");
    }

    function globalUpAt(uint256 hour) private view returns (uint256) {
        (HourCells memory up,) = market.availableOf(GLOBAL, PERIMETER, FIRST_DAY);
        return cellOf(up, hour);
    }

    function expect(bytes memory refusal) private {
        vm.expectRevert(refusal);
    }
}
