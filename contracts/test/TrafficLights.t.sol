// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {HourCells, PartyKind} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

contract TrafficLightsTest is MarketWorld {
    function setUp() public {
        setUpMarket();
    }

    /// @dev DTL-1: in force from the first day that is not frozen, not before.
    function test_PerimeterHoldsFromTheFirstUnfrozenDay() public {
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, PERIMETER, FIRST_DAY - 1));
        lights.requireInForce(PERIMETER, FIRST_DAY - 1);
        lights.requireInForce(PERIMETER, FIRST_DAY);
        openLfp(1);
        declarePerimeter(OTHER_PERIMETER);
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, OTHER_PERIMETER, FIRST_DAY));
        lights.requireInForce(OTHER_PERIMETER, FIRST_DAY);
        lights.requireInForce(OTHER_PERIMETER, FIRST_DAY + 1);
    }

    /// @dev DTL-1: a split (two drafts, one predecessor) and a merge keep the partition: each ends where its successors begin.
    function test_SplitAndMerge() public {
        openLfp(1);
        uint16 day = FIRST_DAY + 1;
        ITrafficLights.PerimeterDraft[] memory parts = new ITrafficLights.PerimeterDraft[](2);
        parts[0] = ITrafficLights.PerimeterDraft(OTHER_PERIMETER, list(PERIMETER), "a");
        parts[1] = ITrafficLights.PerimeterDraft(OTHER_PERIMETER + 1, list(PERIMETER), "b");
        vm.recordLogs();
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, parts);
        assertEq(vm.getRecordedLogs().length, 3, "ended once, declared twice");
        lights.requireInForce(PERIMETER, day - 1);
        refuseInForce(PERIMETER, day);
        lights.requireInForce(OTHER_PERIMETER, day);
        lights.requireInForce(OTHER_PERIMETER + 1, day);

        uint40[] memory both = new uint40[](2);
        (both[0], both[1]) = (OTHER_PERIMETER, OTHER_PERIMETER + 1);
        scheduleDay(day);
        vm.warp(sessions.scheduleOf(day).opensAt);
        vm.expectEmit();
        emit ITrafficLights.PerimeterEnded(OTHER_PERIMETER, DSO, day + 1);
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, drafts(OTHER_PERIMETER + 2, both));
        refuseInForce(OTHER_PERIMETER, day + 1);
        refuseInForce(OTHER_PERIMETER + 1, day + 1);
        lights.requireInForce(OTHER_PERIMETER + 2, day + 1);

        vm.warp(startOf(day + 1));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, PERIMETER, day + 1));
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, drafts(OTHER_PERIMETER + 3, list(PERIMETER)));
    }

    /// @dev DTL-1: own ids, never reused, known predecessors; ACT-1: the DSO's own key.
    function test_DeclarationsRefused() public {
        uint40 foreign = uint40(OTHER_DSO) << 24 | 1;
        refuseDraft(PERIMETER, list(0), abi.encodeWithSelector(ITrafficLights.PerimeterExists.selector, PERIMETER));
        refuseDraft(foreign, list(0), abi.encodeWithSelector(ITrafficLights.PerimeterOfOther.selector, foreign, DSO));
        refuseDraft(
            OTHER_PERIMETER, list(foreign), abi.encodeWithSelector(ITrafficLights.PerimeterOfOther.selector, foreign, DSO)
        );
        refuseDraft(
            OTHER_PERIMETER,
            list(OTHER_PERIMETER),
            abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, OTHER_PERIMETER, FIRST_DAY)
        );
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, DSO, PartyKind.Dso, address(this)));
        lights.declarePerimeters(DSO, drafts(OTHER_PERIMETER, new uint40[](0)));
    }

    /// @dev DTL-2: what is published is what is read, in the same window the latest wins.
    function testFuzz_LightsRoundTrip(uint256[4] memory words, uint256 flags) public {
        openLfp(1);
        HourCells memory up = lightOf(words[0], words[1], flags);
        HourCells memory down = lightOf(words[2], words[3], flags >> 26);
        publish(1, cells(0, 24, GREEN, false), cells(0, 24, GREEN, false));
        vm.expectEmit();
        emit ITrafficLights.LightsPublished(PERIMETER, FIRST_DAY, 1, up, down, "payload");
        publish(1, up, down);
        (uint8 session, HourCells memory foundUp, HourCells memory foundDown) = lights.lightsOf(PERIMETER, FIRST_DAY);
        assertEq(session, 1, "session");
        assertEq(foundUp.lo, up.lo, "up lo");
        assertEq(foundUp.hi, up.hi, "up hi");
        assertEq(foundDown.lo, down.lo, "down lo");
        assertEq(foundDown.hi, down.hi, "down hi");
    }

    /// @dev DTL-2: nothing but kW of the day's hours, and flags on yellow cells.
    function test_MalformedLights() public {
        openLfp(1);
        refuseLight(cells(24, 25, 1, false));
        refuseLight(cells(3, 4, 5, true));
        refuseLight(cells(15, 16, 0, true));
        refuseLight(HourCells(1 << 234, 0));
        refuseLight(HourCells(GREEN | 1 << 234, 0));
        refuseLight(HourCells(1 | 1 << 235, 0));
        refuseLight(HourCells(0, 1 | 1 << 246));
        refuseLight(HourCells(1 << 247, 0));
        refuseLight(HourCells(0, 1 << 255));
        publish(1, HourCells(1 | 1 << 234, 7 | 1 << 234), cells(0, 0, 0, false));
    }

    /// @dev DTL-2, SES-4: in the window of the session, in the DSO's own perimeters that are in force.
    function test_LightsRefused() public {
        IMarketSessions.DaySchedule memory plan = sessions.scheduleOf(FIRST_DAY);
        openMsd(1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketSessions.GateClosed.selector, FIRST_DAY, 0, 1, plan.lfpGates[0], plan.lfpGates[0])
        );
        publish(1, cells(0, 1, 1, false), cells(0, 1, 1, false));
        openLfp(2);
        uint40 foreign = uint40(OTHER_DSO) << 24 | 1;
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterOfOther.selector, foreign, DSO));
        publishFor(foreign, 2, cells(0, 1, 1, false), cells(0, 1, 1, false));
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, OTHER_PERIMETER, FIRST_DAY));
        publishFor(OTHER_PERIMETER, 2, cells(0, 1, 1, false), cells(0, 1, 1, false));
    }

    function lightOf(uint256 lo, uint256 hi, uint256 flags) private pure returns (HourCells memory light) {
        for (uint256 hour = 0; hour < 24; hour++) {
            uint256 kw = (hour < 13 ? lo : hi) >> hour % 13 * 18 & GREEN;
            put(light, hour, kw);
            if (kw == 0 || kw == GREEN || flags >> hour & 1 == 0) continue;
            if (hour < 13) light.lo |= 1 << 234 + hour;
            else light.hi |= 1 << 221 + hour;
        }
    }

    function list(uint40 perimeter) private pure returns (uint40[] memory made) {
        made = new uint40[](perimeter == 0 ? 0 : 1);
        if (perimeter != 0) made[0] = perimeter;
    }

    function refuseInForce(uint40 perimeter, uint16 day) private {
        vm.expectRevert(abi.encodeWithSelector(ITrafficLights.PerimeterNotInForce.selector, perimeter, day));
        lights.requireInForce(perimeter, day);
    }

    function refuseDraft(uint40 perimeter, uint40[] memory predecessors, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, drafts(perimeter, predecessors));
    }

    function refuseLight(HourCells memory light) private {
        bytes memory refusal = abi.encodeWithSelector(ITrafficLights.LightMalformed.selector, PERIMETER, FIRST_DAY);
        vm.expectRevert(refusal);
        publish(1, light, cells(0, 1, 1, false));
        vm.expectRevert(refusal);
        publish(1, cells(0, 1, 1, false), light);
    }
}
