// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {DayVersioned} from "./DayVersioned.sol";
import {PodWord} from "./PodWord.sol";
import {PoolWord} from "./PoolWord.sol";

/// @title Members of aggregates per perimeter and as a whole (AGG-2, AGG-3)
/// @dev A holder is one aggregate, or a local and a global one for the PODs that they share. Each holder has a pool per perimeter and one,
///      under perimeter 0, for all. A member counts as PoolWord.memberOf its word; 0 stands for no member.
library Pools {
    using DayVersioned for DayVersioned.History;

    struct Book {
        mapping(uint256 holderAndPerimeter => DayVersioned.History) histories;
    }

    uint256 private constant PERIMETER_BITS = 40;

    function holderOf(uint40 aggregate) internal pure returns (uint256) {
        return uint256(aggregate) << 2 * PERIMETER_BITS;
    }

    function holderOf(uint40 localAggregate, uint40 globalAggregate) internal pure returns (uint256) {
        return uint256(localAggregate) << 2 * PERIMETER_BITS | uint256(globalAggregate) << PERIMETER_BITS;
    }

    /// @notice Whether the holder ever had a member.
    function isKnown(Book storage book, uint256 holder) internal view returns (bool) {
        return book.histories[holder].latest != 0;
    }

    function asOf(Book storage book, uint256 holder, uint40 perimeter, uint16 day) internal view returns (IPods.Pool memory) {
        return PoolWord.unpack(book.histories[holder | perimeter].asOf(day));
    }

    function rosterAt(Book storage book, uint256 holder, uint16 day) internal view returns (IPods.Roster memory) {
        return PoolWord.rosterOf(book.histories[holder].asOf(day));
    }

    /// @notice `members` is what the PODs that enter add together.
    function enter(Book storage book, uint256 holder, uint40 perimeter, uint256 members, uint16 day) internal {
        _replace(book, holder, 0, members + PoolWord.joiningsOf(members), day);
        _replace(book, holder | perimeter, 0, members, day);
    }

    function exit(Book storage book, uint256 holder, uint40 perimeter, uint256 member, uint16 day) internal {
        _replace(book, holder, member, PoolWord.CHANGE, day);
        _replace(book, holder | perimeter, member, 0, day);
    }

    /// @notice A member goes to another perimeter, changes its power, or both; `pod` and `changed` are its words before and after.
    function move(Book storage book, uint256 holder, uint256 pod, uint256 changed, uint16 day) internal {
        uint256 oldMember = PoolWord.memberOf(pod);
        uint256 newMember = PoolWord.memberOf(changed);
        uint40 oldPerimeter = PodWord.perimeterOf(pod);
        uint40 newPerimeter = PodWord.perimeterOf(changed);
        if (oldMember != newMember) _replace(book, holder, oldMember, newMember, day);
        if (oldPerimeter != newPerimeter) {
            _replace(book, holder | oldPerimeter, oldMember, 0, day);
            _replace(book, holder | newPerimeter, 0, newMember, day);
        } else if (oldMember != newMember) {
            _replace(book, holder | oldPerimeter, oldMember, newMember, day);
        }
    }

    function _replace(Book storage book, uint256 key, uint256 oldMember, uint256 newMember, uint16 day) private {
        DayVersioned.History storage history = book.histories[key];
        uint256 latest = history.latest;
        history.put(latest, day, latest - oldMember + newMember);
    }
}
