// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {HourCells} from "../src/types/Types.sol";
import {MarketHandler} from "./MarketHandler.sol";
import {Base} from "./Base.sol";

/// @notice What holds after any sequence of outcomes, declarations, releases and lights; recomputed POD by POD and hour by hour.
contract MarketInvariantsTest is Base {
    uint40 private constant PERIMETER = uint40(11) << 24 | 1;
    uint16 private constant DAY = 20778;
    uint256 private constant DOWN = 1 << 17;

    MarketHandler private handler;
    IMarket private market;

    struct Member {
        IPods.Pod pod;
        uint256 localHours;
        uint256 globalHours;
    }

    function setUp() public {
        handler = new MarketHandler();
        market = handler.marketOf();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev SES-3: no POD serves both markets in one hour.
    function invariant_OnePodServesOneMarketPerHour() public view {
        Member[] memory members = readMembers();
        for (uint256 i = 0; i < members.length; i++) {
            assertEq(members[i].localHours & members[i].globalHours, 0, "hours in both markets");
        }
    }

    /// @dev SES-2, SES-3: availability is the pool less what the other market has declared, or may still declare.
    function invariant_AvailabilityIsThatOfThePods() public view {
        Member[] memory members = readMembers();
        for (uint256 a = 0; a < 4; a++) {
            (HourCells memory up, HourCells memory down) = market.availableOf(handler.aggregates(a), PERIMETER, DAY);
            for (uint256 hour = 0; hour < 24; hour++) {
                (uint256 upKw, uint256 downKw) = availableAt(members, a, hour);
                assertEq(at(up, hour), upKw, "up");
                assertEq(at(down, hour), downKw, "down");
            }
        }
    }

    /// @dev SES-3: what is sold, and not yet declared for, can still be served by PODs that do not serve the other market.
    function invariant_WhatIsSoldIsCovered() public view {
        Member[] memory members = readMembers();
        for (uint256 a = 0; a < 4; a++) {
            uint40 aggregate = handler.aggregates(a);
            (, HourCells memory cells) = market.selectionOf(aggregate, PERIMETER, DAY);
            for (uint256 hour = 0; hour < 24; hour++) {
                uint256 cell = at(cells, hour);
                if (cell == 0 || handler.completed(aggregate, hour)) continue;
                uint256 left = 0;
                for (uint256 i = 0; i < members.length; i++) {
                    if (!isMember(members[i], a) || otherHours(members[i], a) >> hour & 1 != 0) continue;
                    left += cell & DOWN != 0 ? members[i].pod.grantedDownKw : members[i].pod.grantedUpKw;
                }
                assertAtMost(cell % DOWN, left, "sold");
            }
        }
    }

    /// @dev DTL-4: the use of a cell is the sum of the selections in it, and no selection rose beyond the capability in force.
    function invariant_UseIsTheSumWithinCapability() public view {
        assertTrue(!handler.capabilityBroken(), "within capability when selected");
        (,, HourCells memory up, HourCells memory down) = market.capabilityInForce(PERIMETER, DAY);
        (, HourCells memory first) = market.selectionOf(handler.aggregates(2), PERIMETER, DAY);
        (, HourCells memory second) = market.selectionOf(handler.aggregates(3), PERIMETER, DAY);
        for (uint256 hour = 0; hour < 24; hour++) {
            (uint256 x, uint256 y) = (at(first, hour), at(second, hour));
            assertEq(at(up, hour), (x & DOWN == 0 ? x : 0) + (y & DOWN == 0 ? y : 0), "up");
            assertEq(at(down, hour), (x & DOWN == 0 ? 0 : x % DOWN) + (y & DOWN == 0 ? 0 : y % DOWN), "down");
        }
    }

    /// @dev DTL-3: local activations of an hour have one direction.
    function invariant_LocalPlanHasOneDirection() public view {
        (, HourCells memory first) = market.selectionOf(handler.aggregates(0), PERIMETER, DAY);
        (, HourCells memory second) = market.selectionOf(handler.aggregates(1), PERIMETER, DAY);
        for (uint256 hour = 0; hour < 24; hour++) {
            (uint256 x, uint256 y) = (at(first, hour), at(second, hour));
            assertTrue(x == 0 || y == 0 || x & DOWN == y & DOWN, "one direction");
        }
    }

    function availableAt(Member[] memory members, uint256 a, uint256 hour) private view returns (uint256 up, uint256 down) {
        for (uint256 i = 0; i < members.length; i++) {
            IPods.Pod memory pod = members[i].pod;
            if (!isMember(members[i], a)) continue;
            uint40 other = a < 2 ? pod.globalAggregate : pod.localAggregate;
            (, HourCells memory cells) = market.selectionOf(other, PERIMETER, DAY);
            bool open = at(cells, hour) != 0 && !handler.completed(other, hour);
            if (open || otherHours(members[i], a) >> hour & 1 != 0) continue;
            up += pod.grantedUpKw;
            down += pod.grantedDownKw;
        }
    }

    function readMembers() private view returns (Member[] memory members) {
        members = new Member[](handler.PODS());
        for (uint256 i = 0; i < members.length; i++) {
            bytes32 id = handler.idOf(i);
            members[i].pod = handler.podsOf().podAt(id, DAY);
            (uint128 local, uint128 global_) = market.quartersOf(id, DAY);
            members[i].localHours = hoursOf(local);
            members[i].globalHours = hoursOf(global_);
        }
    }

    function isMember(Member memory member, uint256 a) private view returns (bool) {
        return (a < 2 ? member.pod.localAggregate : member.pod.globalAggregate) == handler.aggregates(a);
    }

    function otherHours(Member memory member, uint256 a) private pure returns (uint256) {
        return a < 2 ? member.globalHours : member.localHours;
    }

    function hoursOf(uint256 quarters) private pure returns (uint256 hours_) {
        for (uint256 quarter = 0; quarter < 96; quarter++) {
            if (quarters >> quarter & 1 != 0) hours_ |= 1 << quarter / 4;
        }
    }

    function at(HourCells memory cells, uint256 hour) private pure returns (uint256) {
        return (hour < 13 ? cells.lo : cells.hi) >> hour % 13 * 18 & 0x3ffff;
    }
}
