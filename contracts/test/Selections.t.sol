// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {HourCells, Market as MarketSide, PartyKind, QualificationState, Scope} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice PODs 0..1 (10 up, 20 down each) are only local, 2..3 (100, 200) in both aggregates, 4..5 (1000, 2000) only global.
contract SelectionsTest is MarketWorld {
    uint40 internal constant SECOND_GLOBAL = uint40(BSP) << 24 | 3;
    uint40 internal constant SECOND_LOCAL = uint40(BSP) << 24 | 4;

    function setUp() public {
        setUpMarket();
        createAggregate(SECOND_GLOBAL, Scope.Global);
        createAggregate(SECOND_LOCAL, Scope.Local);
        addPods(0, 2, 10, 20, PERIMETER, LOCAL, 0);
        addPods(2, 2, 100, 200, PERIMETER, LOCAL, GLOBAL);
        addPods(4, 2, 1000, 2000, PERIMETER, 0, GLOBAL);
        addPods(6, 1, 500, 500, PERIMETER, SECOND_LOCAL, SECOND_GLOBAL);
        qualify(LOCAL, LOCAL_PRODUCT);
        qualify(SECOND_LOCAL, LOCAL_PRODUCT);
        qualify(GLOBAL, GLOBAL_PRODUCT);
        qualify(SECOND_GLOBAL, GLOBAL_PRODUCT);
    }

    /// @dev SES-1, SES-3: an outcome is recorded as it was selected, in both words of hours.
    function test_RecordsAnOutcome() public {
        openLfp(1);
        HourCells memory wanted = cells(0, 2, 220, false);
        put(wanted, 23, 440 | 1 << 17);
        vm.expectEmit();
        emit IMarket.SelectionRecorded(
            LOCAL, PERIMETER, FIRST_DAY, MarketSide.Lfp, 1, DSO, LOCAL_PRODUCT, LOCAL, chainOf(LOCAL_PRODUCT), wanted, "price"
        );
        selectLocal(1, wanted);
        (uint8 session, HourCells memory found) = market.selectionOf(LOCAL, PERIMETER, FIRST_DAY);
        assertEq(session, 1, "session");
        assertEq(found.lo, wanted.lo, "lo");
        assertEq(found.hi, wanted.hi, "hi");
    }

    /// @dev SES-4: only in its own window; the ledger says which gate closed.
    function test_OutsideTheWindow() public {
        IMarketSessions.DaySchedule memory plan = sessions.scheduleOf(FIRST_DAY);
        vm.warp(plan.opensAt - 1);
        refuseLocal(
            1, one(local(10)), abi.encodeWithSelector(IMarketSessions.SessionNotOpen.selector, FIRST_DAY, 0, 1, plan.opensAt, plan.opensAt - 1)
        );
        vm.warp(plan.lfpGates[0]);
        refuseLocal(
            1, one(local(10)), abi.encodeWithSelector(IMarketSessions.GateClosed.selector, FIRST_DAY, 0, 1, plan.lfpGates[0], plan.lfpGates[0])
        );
    }

    /// @dev ACT-1: a stranger's key selects nothing, nor does a BSP's.
    function test_StrangersKey() public {
        openLfp(1);
        address stranger = signerOf(BSP);
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, DSO, PartyKind.Dso, stranger));
        vm.prank(stranger);
        market.selectLocal(DSO, FIRST_DAY, 1, one(local(10)));
    }

    /// @dev SES-4
    function test_OneOutcomePerSession() public {
        openLfp(1);
        selectLocal(1, cells(5, 6, 10, false));
        refuseLocal(1, one(local(20)), abi.encodeWithSelector(IMarket.OutcomeDuplicate.selector, LOCAL, PERIMETER, FIRST_DAY, 1));
    }

    /// @dev SES-3
    function test_ScopeOfTheMarket() public {
        openLfp(1);
        refuseLocal(
            1,
            one(selectionFor(GLOBAL, LOCAL_PRODUCT, cells(5, 6, 1, false))),
            abi.encodeWithSelector(IMarket.WrongScope.selector, GLOBAL, MarketSide.Lfp)
        );
    }

    /// @dev SES-4: own product, own perimeter.
    function test_OwnProductAndPerimeter() public {
        openLfp(1);
        refuseLocal(
            1,
            one(selectionFor(LOCAL, GLOBAL_PRODUCT, cells(5, 6, 1, false))),
            abi.encodeWithSelector(IMarket.NotOwnProduct.selector, GLOBAL_PRODUCT, DSO)
        );
        IMarket.Selection memory abroad = local(10);
        abroad.perimeter = uint40(OTHER_DSO) << 24 | 1;
        refuseLocal(1, one(abroad), abi.encodeWithSelector(IMarket.NotOwnProduct.selector, LOCAL_PRODUCT, DSO));
        IMarket.Selection memory unknown = local(10);
        unknown.perimeter = OTHER_PERIMETER;
        refuseLocal(
            1, one(unknown), abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, OTHER_PERIMETER, FIRST_DAY)
        );
    }

    /// @dev PRQ-1: what is not qualified is not selected.
    function test_Unqualified() public {
        moveTo(LOCAL, LOCAL_PRODUCT, QualificationState.Suspended, 0);
        (, uint40 validUntil) = prequalification.qualificationOf(LOCAL, LOCAL_PRODUCT);
        openLfp(1);
        refuseLocal(
            1,
            one(local(10)),
            abi.encodeWithSelector(
                IPrequalification.NotQualified.selector, LOCAL, LOCAL_PRODUCT, QualificationState.Suspended, validUntil
            )
        );
        IMarket.Selection memory chainless = local(10);
        chainless.chain = new uint32[](0);
        refuseLocal(1, one(chainless), abi.encodeWithSelector(IPrequalification.ChainMalformed.selector, 0, 0, 4));
    }

    /// @dev SES-4: any cell outside the day, any direction without power, any stray bit.
    function test_MalformedCells() public {
        openLfp(1);
        bytes memory refusal = abi.encodeWithSelector(IMarket.SelectionMalformed.selector, LOCAL, PERIMETER, FIRST_DAY);
        refuseLocal(1, one(selectionFor(LOCAL, LOCAL_PRODUCT, cells(24, 25, 1, false))), refusal);
        refuseLocal(1, one(selectionFor(LOCAL, LOCAL_PRODUCT, cells(3, 4, 0, true))), refusal);
        refuseLocal(1, one(selectionFor(LOCAL, LOCAL_PRODUCT, cells(20, 21, 0, true))), refusal);
        refuseLocal(1, one(selectionFor(LOCAL, LOCAL_PRODUCT, HourCells(1 << 234, 0))), refusal);
        refuseLocal(1, one(selectionFor(LOCAL, LOCAL_PRODUCT, HourCells(0, 1 << 255))), refusal);
    }

    /// @dev SES-2: session k may change every hour from its block on, and no hour before it.
    function testFuzz_DefinitiveHoursAreFinal(uint256 seedSession, uint256 seedHour) public {
        uint8 session = uint8(bound(seedSession, 2, 6));
        uint8 hour = uint8(bound(seedHour, 0, 23));
        openLfp(1);
        selectLocal(1, cells(0, 24, 50, false));
        openLfp(session);
        HourCells memory wanted = cells(0, 24, 50, false);
        put(wanted, hour, 20 | 1 << 17);
        if (hour < 4 * (session - 1)) {
            vm.expectRevert(
                abi.encodeWithSelector(IMarket.HourDefinitive.selector, LOCAL, PERIMETER, FIRST_DAY, hour, 50, 20 | 1 << 17)
            );
        }
        selectLocal(session, wanted);
    }

    /// @dev SES-2: what a POD gives at most is what can be selected, in each direction.
    function test_NoMoreThanThePool() public {
        openLfp(1);
        refuseLocal(1, one(local(221)), unavailable(LOCAL, 5, false, 221, 220));
        refuseLocal(
            1, one(selectionFor(LOCAL, LOCAL_PRODUCT, cells(14, 15, 441, true))), unavailable(LOCAL, 14, true, 441, 440)
        );
        HourCells memory all = cells(5, 6, 220, false);
        put(all, 14, 440 | 1 << 17);
        selectLocal(1, all);
    }

    /// @dev SES-2, SES-3 (D4.1 section 6.3, Figure 11): the local aggregate is selected as a whole for the first hour by the day-ahead LFP, so the global
    ///      one has only the units outside it there; the global one is selected as a whole for hour 6 by the ex-ante MSD, so LFP 2
    ///      can't use any shared POD in that hour.
    function test_FigureElevenOfD41() public {
        openLfp(1);
        publishGreen(1);
        selectLocal(1, cells(0, 1, 220, false));
        openMsd(1);
        refuseGlobal(1, one(globalIn(GLOBAL, cells(0, 1, 2001, false))), unavailable(GLOBAL, 0, false, 2001, 2000));
        HourCells memory wanted = cells(0, 1, 2000, false);
        put(wanted, 6, 2200);
        selectGlobal(1, wanted);
        openLfp(2);
        HourCells memory later = cells(0, 1, 220, false);
        put(later, 6, 21);
        refuseLocal(2, one(selectionFor(LOCAL, LOCAL_PRODUCT, later)), unavailable(LOCAL, 6, false, 21, 20));
        put(later, 6, 20);
        selectLocal(2, later);
    }

    /// @dev SES-3: without a declaration all of the aggregate's PODs are committed, in the selected hours only, in both directions.
    function test_DefaultCommitsAllInTheHour() public {
        openLfp(1);
        publishGreen(1);
        selectLocal(1, cells(5, 6, 1, false));
        openMsd(1);
        (HourCells memory up, HourCells memory down) = market.availableOf(GLOBAL, PERIMETER, FIRST_DAY);
        assertEq(cellOf(up, 5), 2000, "up in the hour");
        assertEq(cellOf(down, 5), 4000, "down in the hour");
        assertEq(cellOf(up, 6), 2200, "up beside it");
        assertEq(cellOf(down, 4), 4400, "down beside it");
        assertEq(cellOf(up, 24), 0, "no 25th hour");
    }

    /// @dev SES-2: a revision that raises nothing passes, whatever became of the rest meanwhile.
    function test_UnchangedHoursPass() public {
        openLfp(1);
        publishGreen(1);
        selectLocal(1, cells(5, 7, 100, false));
        declare(LOCAL, 2, 1, quarters(5, 7), true);
        openMsd(1);
        selectGlobal(1, cells(5, 6, 2100, false));
        openLfp(2);
        HourCells memory same = cells(5, 7, 100, false);
        put(same, 6, 90);
        selectLocal(2, same);
        (, HourCells memory found) = market.selectionOf(LOCAL, PERIMETER, FIRST_DAY);
        assertEq(cellOf(found, 6), 90, "lowered");
    }

    /// @dev DTL-2: red, published; DTL-2: nothing published.
    function test_RedLightAndMissingLight() public {
        openMsd(1);
        refuseGlobal(
            1, one(globalIn(GLOBAL, cells(5, 6, 1, false))), abi.encodeWithSelector(IMarket.LightsMissing.selector, PERIMETER, FIRST_DAY)
        );
        vm.warp(sessions.scheduleOf(FIRST_DAY).opensAt);
        publish(1, cells(0, 24, GREEN, false), cells(0, 20, GREEN, false));
        openMsd(1);
        refuseGlobal(
            1,
            one(globalIn(GLOBAL, cells(20, 21, 7, true))),
            abi.encodeWithSelector(IMarket.RedLight.selector, PERIMETER, FIRST_DAY, 20, true, 7)
        );
        selectGlobal(1, cells(20, 21, 7, false));
    }

    /// @dev DTL-4: over two aggregates the capability holds, to the kW.
    function testFuzz_CapabilityOverTwoAggregates(uint256 a, uint256 b, uint256 capability, uint256 seedHour) public {
        a = bound(a, 1, 2200);
        b = bound(b, 1, 500);
        capability = bound(capability, a, 3000);
        uint256 hour = bound(seedHour, 0, 23);
        openLfp(1);
        publish(1, cells(0, 24, capability, false), cells(0, 0, 0, false));
        openMsd(1);
        selectGlobal(1, cells(hour, hour + 1, a, false));
        if (a + b > capability) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMarket.CapabilityExceeded.selector, PERIMETER, FIRST_DAY, hour, false, a + b, capability
                )
            );
        }
        selectGlobalIn(1, SECOND_GLOBAL, cells(hour, hour + 1, b, false));
        (,, HourCells memory used,) = market.capabilityInForce(PERIMETER, FIRST_DAY);
        assertEq(cellOf(used, hour), a + b > capability ? a : a + b, "used");
    }

    /// @dev DTL-4: an operator that revises its own selection is held against the capability with the new power alone, to the kW, session by
    ///      session, while others stand.
    function testFuzz_RevisionsCountOnce(uint256 first, uint256 second, uint256 other, uint256 capability) public {
        other = bound(other, 1, 500);
        first = bound(first, 1, 2200);
        second = bound(second, 1, 2200);
        capability = bound(capability, first + other, 3000);
        openLfp(1);
        publish(1, cells(0, 24, capability, false), cells(0, 0, 0, false));
        openMsd(1);
        selectGlobalIn(1, SECOND_GLOBAL, cells(20, 21, other, false));
        selectGlobal(1, cells(20, 21, first, false));
        openMsd(2);
        if (second > first && second + other > capability) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMarket.CapabilityExceeded.selector, PERIMETER, FIRST_DAY, 20, false, second + other, capability
                )
            );
            selectGlobal(2, cells(20, 21, second, false));
            return;
        }
        selectGlobal(2, cells(20, 21, second, false));
        (,, HourCells memory used,) = market.capabilityInForce(PERIMETER, FIRST_DAY);
        assertEq(cellOf(used, 20), second + other, "used");
    }

    /// @dev DTL-3: a local activation makes the opposite direction red, whatever was published, and leaves its own direction.
    function test_OppositeToLocal() public {
        openLfp(1);
        publishGreen(1);
        selectLocalIn(1, SECOND_LOCAL, cells(5, 6, 3, true));
        declareSecond(5);
        (HourCells memory up, HourCells memory down,,) = market.capabilityInForce(PERIMETER, FIRST_DAY);
        assertEq(cellOf(up, 5), 0, "opposite is red");
        assertEq(cellOf(down, 5), GREEN, "the same direction stays");
        assertEq(cellOf(up, 6), GREEN, "the next hour stays");
        openMsd(1);
        refuseGlobal(
            1,
            one(globalIn(GLOBAL, cells(5, 6, 8, false))),
            abi.encodeWithSelector(IMarket.OppositeToLocal.selector, PERIMETER, FIRST_DAY, 5, false, 8, 3)
        );
        selectGlobal(1, cells(5, 6, 8, true));
    }

    /// @dev DTL-3: reactive flags of darkened hours go dark too; those of others stay.
    function test_FlagsOfDarkenedHours() public {
        openLfp(1);
        HourCells memory up = cells(0, 24, 50, false);
        up.lo |= 3 << (234 + 5);
        up.hi |= 3 << (234 + 1);
        publish(1, up, cells(0, 24, GREEN, false));
        HourCells memory planned = cells(5, 6, 3, true);
        put(planned, 14, 3 | 1 << 17);
        selectLocalIn(1, SECOND_LOCAL, planned);
        (HourCells memory found,,,) = market.capabilityInForce(PERIMETER, FIRST_DAY);
        assertEq(found.lo >> 234, 1 << 6, "flag of hour 6");
        assertEq(found.hi >> 234, 1 << 2, "flag of hour 15");
        assertEq(cellOf(found, 14), 0, "hour 14 is red");
    }

    /// @dev DTL-4: later lights never undo what was selected, and never let it grow.
    function test_LaterLightsShowTheConflict() public {
        openLfp(1);
        publishGreen(1);
        openMsd(1);
        selectGlobal(1, cells(8, 10, 500, false));
        openLfp(2);
        publish(2, cells(0, 24, 100, false), cells(0, 0, 0, false));
        openMsd(2);
        HourCells memory wanted = cells(8, 10, 500, false);
        put(wanted, 9, 501);
        refuseGlobal(
            2,
            one(globalIn(GLOBAL, wanted)),
            abi.encodeWithSelector(IMarket.CapabilityExceeded.selector, PERIMETER, FIRST_DAY, 9, false, 501, 100)
        );
        put(wanted, 9, 400);
        selectGlobal(2, wanted);
        (HourCells memory up,, HourCells memory used,) = market.capabilityInForce(PERIMETER, FIRST_DAY);
        assertEq(cellOf(up, 8), 100, "capability in force");
        assertEq(cellOf(used, 8), 500, "stands");
        assertEq(cellOf(used, 9), 400, "lowered");
    }

    /// @dev DTL-3: not both directions in one perimeter and hour; a whole plan can be turned around in one outcome.
    function test_LocalDirections() public {
        openLfp(1);
        selectLocal(1, cells(18, 20, 5, false));
        vm.expectRevert(abi.encodeWithSelector(IMarket.LocalBothDirections.selector, PERIMETER, FIRST_DAY, 19));
        selectLocalIn(1, SECOND_LOCAL, cells(19, 21, 5, true));
        selectLocalIn(1, SECOND_LOCAL, cells(19, 20, 5, false));
        openLfp(2);
        IMarket.Selection[] memory both = new IMarket.Selection[](2);
        both[0] = selectionFor(LOCAL, LOCAL_PRODUCT, cells(18, 20, 5, true));
        both[1] = selectionFor(SECOND_LOCAL, LOCAL_PRODUCT, cells(19, 20, 5, true));
        vm.prank(signerOf(DSO));
        market.selectLocal(DSO, FIRST_DAY, 2, both);
    }

    /// @dev SES-2: another TSO revises nothing.
    function test_SelectionOfOther() public {
        uint16 second = 2;
        admit(second, PartyKind.Tso);
        uint32 product = uint32(second) << 16 | 1;
        publishProduct(plainProduct(product));
        qualify(GLOBAL, product);
        openLfp(1);
        publishGreen(1);
        openMsd(1);
        selectGlobal(1, cells(10, 11, 10, false));
        openMsd(2);
        vm.expectRevert(abi.encodeWithSelector(IMarket.SelectionOfOther.selector, GLOBAL, PERIMETER, FIRST_DAY, TSO, second));
        vm.prank(signerOf(second));
        market.selectGlobal(second, FIRST_DAY, 2, one(selectionFor(GLOBAL, product, cells(10, 11, 5, false))));
    }

    /// @dev SES-3: a pool beyond 17 bits is refused by name, not counted wrongly.
    function test_PoolTooLarge() public {
        addPods(10, 2, 131_071, 0, PERIMETER, LOCAL, 0);
        moveTo(LOCAL, LOCAL_PRODUCT, QualificationState.Qualified, 1000); // it has other members now
        openLfp(1);
        refuseLocal(1, one(local(1)), abi.encodeWithSelector(IMarket.PowerTooLarge.selector, 0, 262_362, 131_071));
    }

    /// @dev BAS-1
    function test_Baselines() public {
        IMarket.BaselineFiling[] memory filings = new IMarket.BaselineFiling[](1);
        filings[0] = IMarket.BaselineFiling(podOf(0), "baseline");
        uint40 gate = sessions.scheduleOf(FIRST_DAY).baselineGate;
        vm.warp(gate - 1);
        vm.expectEmit();
        emit IMarket.BaselineFiled(podOf(0), BSP, FIRST_DAY, "baseline");
        vm.prank(signerOf(BSP));
        market.fileBaselines(BSP, FIRST_DAY, filings);
        vm.expectRevert(abi.encodeWithSelector(IMarket.BaselineOfOther.selector, podOf(0), BSP, OTHER_BSP));
        vm.prank(signerOf(OTHER_BSP));
        market.fileBaselines(OTHER_BSP, FIRST_DAY, filings);
        vm.warp(gate);
        vm.expectRevert(abi.encodeWithSelector(IMarket.BaselineLate.selector, FIRST_DAY, gate, gate));
        vm.prank(signerOf(BSP));
        market.fileBaselines(BSP, FIRST_DAY, filings);
    }

    function declareSecond(uint256 hour) private {
        vm.prank(signerOf(BSP));
        market.declare(BSP, SECOND_LOCAL, PERIMETER, FIRST_DAY, items(6, 1, quarters(hour, hour + 1)), true);
    }

    function local(uint256 kw) private pure returns (IMarket.Selection memory) {
        return selectionFor(LOCAL, LOCAL_PRODUCT, cells(5, 6, kw, false));
    }

    function globalIn(uint40 aggregate, HourCells memory wanted) private pure returns (IMarket.Selection memory) {
        return selectionFor(aggregate, GLOBAL_PRODUCT, wanted);
    }

    function chainOf(uint32 product) private pure returns (uint32[] memory chain) {
        chain = new uint32[](1);
        chain[0] = product;
    }

    function unavailable(uint40 aggregate, uint8 hour, bool down, uint256 wantedKw, uint256 availableKw)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            IMarket.PodsUnavailable.selector, aggregate, PERIMETER, FIRST_DAY, hour, down, wantedKw, availableKw
        );
    }

    function refuseLocal(uint8 session, IMarket.Selection[] memory list, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(signerOf(DSO));
        market.selectLocal(DSO, FIRST_DAY, session, list);
    }

    function refuseGlobal(uint8 session, IMarket.Selection[] memory list, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(signerOf(TSO));
        market.selectGlobal(TSO, FIRST_DAY, session, list);
    }
}
