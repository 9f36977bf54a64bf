// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {HourCells} from "../src/types/Types.sol";
import {Base} from "./Base.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @notice What holds after any sequence of outcomes, declarations, releases and lights; recomputed POD by POD and hour by hour.
contract MarketInvariantsTest is Base {
    uint40 private constant PERIMETER = uint40(11) << 24 | 1;
    uint16 private constant DAY = 20778;
    uint256 private constant HOURS = 24;
    uint256 private constant DOWN = 1 << 17;

    MarketHandler private handler;
    IMarket private market;

    /// @dev A POD, the aggregates it is in (index 0..3, 4: none), and the hours that it serves the local and the global market.
    struct Member {
        uint256[2] aggregate;
        uint256[2] hours_;
        uint256 upKw;
        uint256 downKw;
    }

    /// @dev An aggregate's cells hour by hour, and the hours selected for which the BSP has not said all.
    struct Position {
        uint256[24] cells;
        uint256 open;
    }

    function setUp() public {
        handler = new MarketHandler();
        market = handler.marketOf();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_PodsAndPromises() public view {
        Member[] memory members = readMembers();
        Position[4] memory positions = readPositions();
        for (uint256 i = 0; i < members.length; i++) {
            // SES-3: no POD serves both markets in one hour.
            assertEq(members[i].hours_[0] & members[i].hours_[1], 0, "hours in both markets");
        }
        for (uint256 a = 0; a < 4; a++) {
            (HourCells memory up, HourCells memory down) = market.availableOf(handler.aggregates(a), PERIMETER, DAY);
            for (uint256 hour = 0; hour < HOURS; hour++) {
                checkHour(members, positions, a, hour, at(up, hour), at(down, hour));
            }
        }
    }

    function invariant_SumsPerPerimeter() public view {
        Position[4] memory positions = readPositions();
        // DTL-4: no selection rose beyond the capability in force, and the use of a cell is the sum of the selections in it.
        assertTrue(!handler.capabilityBroken(), "within capability when selected");
        (,, HourCells memory up, HourCells memory down) = market.capabilityInForce(PERIMETER, DAY);
        for (uint256 hour = 0; hour < HOURS; hour++) {
            (uint256 x, uint256 y) = (positions[2].cells[hour], positions[3].cells[hour]);
            assertEq(at(up, hour), (x & DOWN == 0 ? x : 0) + (y & DOWN == 0 ? y : 0), "used up");
            assertEq(at(down, hour), (x & DOWN == 0 ? 0 : x % DOWN) + (y & DOWN == 0 ? 0 : y % DOWN), "used down");
            // DTL-3: local activations of an hour have one direction.
            (x, y) = (positions[0].cells[hour], positions[1].cells[hour]);
            assertTrue(x == 0 || y == 0 || x & DOWN == y & DOWN, "one direction");
        }
    }

    function checkHour(
        Member[] memory members,
        Position[4] memory positions,
        uint256 a,
        uint256 hour,
        uint256 upKw,
        uint256 downKw
    ) private pure {
        uint256 scope = a / 2;
        uint256 cell = positions[a].cells[hour];
        uint256 left = 0;
        for (uint256 i = 0; i < members.length; i++) {
            Member memory member = members[i];
            if (member.aggregate[scope] != a || member.hours_[1 - scope] >> hour & 1 != 0) continue;
            left += cell & DOWN != 0 ? member.downKw : member.upKw;
            uint256 other = member.aggregate[1 - scope];
            if (other < 4 && positions[other].open >> hour & 1 != 0) continue;
            upKw -= member.upKw;
            downKw -= member.downKw;
        }
        // SES-2, SES-3: availability is the pool less what the other market has declared, or may still declare.
        assertEq(upKw, 0, "available up, less that of each POD");
        assertEq(downKw, 0, "available down, less that of each POD");
        // SES-3: what is sold, and not yet declared for, can still be served by PODs that do not serve the other market.
        if (positions[a].open >> hour & 1 != 0) assertAtMost(cell % DOWN, left, "sold");
    }

    function readMembers() private view returns (Member[] memory members) {
        members = new Member[](handler.PODS());
        for (uint256 i = 0; i < members.length; i++) {
            bytes32 id = handler.idOf(i);
            IPods.Pod memory pod = handler.podsOf().podAt(id, DAY);
            (uint128 local, uint128 global_) = market.quartersOf(id, DAY);
            members[i].aggregate = [indexOf(pod.localAggregate), indexOf(pod.globalAggregate)];
            members[i].hours_ = [hoursOf(local), hoursOf(global_)];
            (members[i].upKw, members[i].downKw) = (pod.grantedUpKw, pod.grantedDownKw);
        }
    }

    function readPositions() private view returns (Position[4] memory positions) {
        for (uint256 a = 0; a < 4; a++) {
            uint40 aggregate = handler.aggregates(a);
            (, HourCells memory cells) = market.selectionOf(aggregate, PERIMETER, DAY);
            for (uint256 hour = 0; hour < HOURS; hour++) {
                positions[a].cells[hour] = at(cells, hour);
                if (at(cells, hour) != 0) positions[a].open |= 1 << hour;
            }
            positions[a].open &= ~handler.completed(aggregate);
        }
    }

    function indexOf(uint40 aggregate) private view returns (uint256 index) {
        while (index < 4 && handler.aggregates(index) != aggregate) index++;
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
