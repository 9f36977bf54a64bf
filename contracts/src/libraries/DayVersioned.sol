// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Words that hold from a delivery day on, readable as of any day
/// @dev The day stands in a word's top 16 bits. The word in force last is at hand; each older one is linked from the day of its successor:
///      a first word writes one slot, a word of a later day two, another word of the same day overwrites. Days of one history never
///      fall, because MarketSessions.firstUnfrozenDay does not.
library DayVersioned {
    struct History {
        uint256 latest;
        mapping(uint256 fromDay => uint256 older) superseded;
    }

    uint256 internal constant DAY_SHIFT = 240;
    uint256 private constant CONTENT_MASK = (1 << DAY_SHIFT) - 1;

    /// @notice From `fromDay` on, `word` is in force, whatever its day is; `latest` is the word that `history` has now.
    function put(History storage history, uint256 latest, uint256 fromDay, uint256 word) internal {
        uint256 latestDay = latest >> DAY_SHIFT;
        assert(latestDay <= fromDay);
        if (latest != 0 && latestDay != fromDay) history.superseded[fromDay] = latest;
        history.latest = fromDay << DAY_SHIFT | word & CONTENT_MASK;
    }

    /// @notice The word in force on `day`, 0 if there was none. One read per change that took effect after `day`.
    function asOf(History storage history, uint256 day) internal view returns (uint256 word) {
        word = history.latest;
        while (word >> DAY_SHIFT > day) word = history.superseded[word >> DAY_SHIFT];
    }
}
