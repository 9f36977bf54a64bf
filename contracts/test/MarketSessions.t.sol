// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {Market, PartyKind} from "../src/types/Types.sol";
import {World} from "./World.sol";

contract MarketSessionsTest is World {
    function setUp() public {
        setUpWorld();
    }

    /// @dev SES-4: at every second exactly the session is open whose window holds it, and no other.
    function testFuzz_OneSessionIsOpenAtATime(uint256 second) public {
        IMarketSessions.DaySchedule memory plan = plainDay(FIRST_DAY, 96);
        schedule(plan);
        vm.warp(bound(second, plan.opensAt - 3600, plan.msdGates[5] + 3600));
        uint40 opens = plan.opensAt;
        for (uint8 session = 1; session <= 6; session++) {
            checkWindow(Market.Lfp, session, opens, plan.lfpGates[session - 1]);
            checkWindow(Market.Msd, session, plan.lfpGates[session - 1], plan.msdGates[session - 1]);
            opens = plan.msdGates[session - 1];
        }
    }

    /// @dev SES-4: windows are half-open: the gate's second is late, the opening second is in time.
    function test_GateSecondIsLate() public {
        IMarketSessions.DaySchedule memory plan = plainDay(FIRST_DAY, 96);
        schedule(plan);
        vm.warp(plan.lfpGates[0] - 1);
        sessions.requireOpen(FIRST_DAY, Market.Lfp, 1);
        vm.warp(plan.lfpGates[0]);
        sessions.requireOpen(FIRST_DAY, Market.Msd, 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarketSessions.GateClosed.selector, FIRST_DAY, Market.Lfp, 1, plan.lfpGates[0], plan.lfpGates[0]
            )
        );
        sessions.requireOpen(FIRST_DAY, Market.Lfp, 1);
    }

    /// @dev SES-1
    function test_SessionsAreOneToSix() public {
        scheduleDay(FIRST_DAY);
        uint8[2] memory unknown = [0, 7];
        for (uint256 i = 0; i < 2; i++) {
            bytes memory refusal = abi.encodeWithSelector(IMarketSessions.SessionUnknown.selector, unknown[i]);
            vm.expectRevert(refusal);
            sessions.requireOpen(FIRST_DAY, Market.Msd, unknown[i]);
            vm.expectRevert(refusal);
            sessions.firstHourOf(FIRST_DAY, unknown[i]);
            vm.expectRevert(refusal);
            sessions.declarationDue(FIRST_DAY, Market.Lfp, unknown[i]);
        }
    }

    /// @dev SES-1
    function test_UnscheduledDayHasNoSessions() public {
        bytes memory refusal = abi.encodeWithSelector(IMarketSessions.DayNotScheduled.selector, FIRST_DAY);
        vm.expectRevert(refusal);
        sessions.hoursOf(FIRST_DAY);
        vm.expectRevert(refusal);
        sessions.scheduleOf(FIRST_DAY);
        vm.expectRevert(refusal);
        sessions.requireOpen(FIRST_DAY, Market.Lfp, 1);
        vm.expectRevert(refusal);
        sessions.declarationDue(FIRST_DAY, Market.Lfp, 1);
        vm.expectRevert(refusal);
        sessions.firstHourOf(FIRST_DAY, 1);
    }

    /// @dev TIM-1, SES-1: only the first block is shorter or longer when the clock changes.
    function test_BlocksFollowTheLocalClock() public {
        uint8[3] memory quarters = [92, 96, 100];
        uint8[6][3] memory firstHours =
            [[uint8(0), 3, 7, 11, 15, 19], [uint8(0), 4, 8, 12, 16, 20], [uint8(0), 5, 9, 13, 17, 21]];
        for (uint16 i = 0; i < 3; i++) {
            uint16 day = FIRST_DAY + 2 * i;
            schedule(plainDay(day, quarters[i]));
            assertEq(sessions.hoursOf(day), quarters[i] / 4, "hours");
            for (uint8 session = 1; session <= 6; session++) {
                assertEq(sessions.firstHourOf(day, session), firstHours[i][session - 1], "first hour");
            }
        }
    }

    /// @dev SES-3, SES-4: due at the next gate, and after MSD 6 at the time that the schedule says.
    function test_DeclarationsAreDueAtTheNextGate() public {
        IMarketSessions.DaySchedule memory plan = plainDay(FIRST_DAY, 96);
        schedule(plan);
        for (uint8 session = 1; session <= 6; session++) {
            assertEq(sessions.declarationDue(FIRST_DAY, Market.Lfp, session), plan.msdGates[session - 1], "after LFP");
            uint40 due = session < 6 ? plan.lfpGates[session] : plan.lastDeclaration;
            assertEq(sessions.declarationDue(FIRST_DAY, Market.Msd, session), due, "after MSD");
        }
    }

    /// @dev SES-1
    function testFuzz_ScheduleIsReadAsItWasWritten(uint8 pick, uint16 ahead) public {
        uint8[3] memory quarters = [92, 96, 100];
        IMarketSessions.DaySchedule memory plan = plainDay(FIRST_DAY + ahead % 1000, quarters[pick % 3]);
        schedule(plan);
        assertEq(keccak256(abi.encode(sessions.scheduleOf(plan.day))), keccak256(abi.encode(plan)), "schedule");
    }

    /// @dev SES-1: each entry that breaks the order is named with what it was held against.
    function test_RefusesSchedulesOutOfOrder() public {
        IMarketSessions.DaySchedule memory plan = plainDay(FIRST_DAY, 96);
        uint40 start = plan.startsAt;

        plan.quarters = 95;
        refuse(plan, "quarters", 95, 96);
        plan = plainDay(FIRST_DAY, 96);
        plan.startsAt = start - 14 hours;
        refuse(plan, "startsAt", start - 14 hours, start - 13 hours);
        plan.startsAt = start + 16 hours;
        refuse(plan, "startsAt", start + 16 hours, start + 15 hours);
        plan = plainDay(FIRST_DAY, 96);
        plan.baselineGate = start + 1;
        refuse(plan, "baselineGate", start + 1, start);
        plan = plainDay(FIRST_DAY, 96);
        plan.opensAt = uint40(block.timestamp);
        refuse(plan, "opensAt", block.timestamp, block.timestamp);
        plan = plainDay(FIRST_DAY, 96);
        plan.lfpGates[0] = plan.opensAt;
        refuse(plan, "lfpGates[0]", plan.opensAt, plan.opensAt);
        plan = plainDay(FIRST_DAY, 96);
        plan.msdGates[2] = plan.lfpGates[2];
        refuse(plan, "msdGates[2]", plan.lfpGates[2], plan.lfpGates[2]);
        plan = plainDay(FIRST_DAY, 96);
        plan.lfpGates[5] = plan.msdGates[4] - 1;
        refuse(plan, "lfpGates[5]", plan.msdGates[4] - 1, plan.msdGates[4]);
        plan = plainDay(FIRST_DAY, 96);
        plan.msdGates[1] = start + 4 hours + 1;
        refuse(plan, "msdGates[1]", start + 4 hours + 1, start + 4 hours);
        plan = plainDay(FIRST_DAY, 96);
        plan.lastDeclaration = plan.msdGates[5];
        refuse(plan, "lastDeclaration", plan.msdGates[5], plan.msdGates[5]);

        scheduleDay(FIRST_DAY);
        refuse(plainDay(FIRST_DAY, 96), "day", FIRST_DAY, FIRST_DAY);
        refuse(plainDay(FIRST_DAY - 1, 96), "day", FIRST_DAY - 1, FIRST_DAY);
        plan = plainDay(FIRST_DAY + 1, 96);
        plan.startsAt -= 1;
        refuse(plan, "startsAt", plan.startsAt, start + 1 days);
        plan = plainDay(FIRST_DAY + 1, 96);
        plan.opensAt = start - 12 hours;
        refuse(plan, "opensAt", start - 12 hours, start - 12 hours);
    }

    /// @dev SES-1: the TSO sets the gates, nobody else.
    function test_OnlyTheTsoSchedules() public {
        IMarketSessions.DaySchedule[] memory none = new IMarketSessions.DaySchedule[](0);
        vm.prank(signerOf(DSO));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, DSO, PartyKind.Tso, signerOf(DSO))
        );
        sessions.scheduleDays(DSO, none);
    }

    /// @dev AGG-2: against the definition, for any gaps in the schedule and at any time; and it never falls.
    function testFuzz_FirstUnfrozenDayIsTheFirstUnopened(uint256 seed) public {
        uint16 before = sessions.firstUnfrozenDay();
        assertEq(before, block.timestamp / 1 days, "nothing scheduled");
        uint16[] memory scheduled = new uint16[](6);
        uint256 count = 0;
        uint16 day = FIRST_DAY;
        for (uint256 step = 0; step < 12; step++) {
            seed = uint256(keccak256(abi.encode(seed)));
            if (count < 6 && seed % 2 == 0 && startOf(day) - 12 hours > block.timestamp) {
                scheduleDay(day);
                scheduled[count++] = day;
            } else {
                vm.warp(block.timestamp + bound(seed >> 8, 1, 36 hours));
            }
            day += uint16(bound(seed >> 16, 1, 3));
            uint16 found = sessions.firstUnfrozenDay();
            assertEq(found, definition(scheduled, count), "first unfrozen day");
            assertTrue(found >= before, "never falls");
            before = found;
        }
    }

    function definition(uint16[] memory scheduled, uint256 count) private view returns (uint256) {
        for (uint256 i = 0; i < count; i++) {
            if (startOf(scheduled[i]) - 12 hours > block.timestamp) return scheduled[i];
        }
        return count == 0 ? block.timestamp / 1 days : scheduled[count - 1] + 1;
    }

    function checkWindow(Market market, uint8 session, uint40 opens, uint40 gate) private {
        uint40 nowAt = uint40(block.timestamp);
        if (nowAt < opens) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IMarketSessions.SessionNotOpen.selector, FIRST_DAY, market, session, opens, nowAt
                )
            );
        } else if (nowAt >= gate) {
            vm.expectRevert(
                abi.encodeWithSelector(IMarketSessions.GateClosed.selector, FIRST_DAY, market, session, gate, nowAt)
            );
        }
        sessions.requireOpen(FIRST_DAY, market, session);
    }

    function refuse(IMarketSessions.DaySchedule memory plan, bytes32 field, uint256 found, uint256 limit) private {
        IMarketSessions.DaySchedule[] memory plans = new IMarketSessions.DaySchedule[](1);
        plans[0] = plan;
        vm.prank(signerOf(TSO));
        vm.expectRevert(
            abi.encodeWithSelector(IMarketSessions.ScheduleInvalid.selector, plan.day, field, found, limit)
        );
        sessions.scheduleDays(TSO, plans);
    }
}
