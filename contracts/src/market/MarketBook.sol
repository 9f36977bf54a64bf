// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "../base/PartyGated.sol";
import {IMarket} from "../interfaces/IMarket.sol";
import {IMarketSessions} from "../interfaces/IMarketSessions.sol";
import {IParticipants} from "../interfaces/IParticipants.sol";
import {IPods} from "../interfaces/IPods.sol";
import {IPrequalification} from "../interfaces/IPrequalification.sol";
import {ITrafficLights} from "../interfaces/ITrafficLights.sol";
import {HourCellsLib as Cells} from "../libraries/HourCellsLib.sol";
import {HourTables} from "../libraries/HourTables.sol";
import {LightRules} from "../libraries/LightRules.sol";
import {SelectionRecord} from "../libraries/SelectionRecord.sol";
import {HourCells, Market as MarketSide} from "../types/Types.sol";

/// @title What the market has recorded, and what follows from it: availability (SES-2, SES-3) and capability in force (DTL-3)
abstract contract MarketBook is IMarket, PartyGated {
    using SelectionRecord for SelectionRecord.Slots;

    /// @dev Lights of a perimeter day: as published in a session (0: never), and as they bind.
    struct Capability {
        uint8 session;
        uint256[4] published;
        uint256[4] inForce;
    }

    uint256 internal constant GLOBAL_QUARTERS_SHIFT = 128;
    uint256 internal constant QUARTERS_MASK = 2 ** 100 - 1;

    IMarketSessions public immutable sessions;
    ITrafficLights public immutable lights;
    IPods public immutable pods;
    IPrequalification public immutable prequalification;

    /// @dev By aggregate, perimeter and day: the last selection.
    mapping(uint256 key => SelectionRecord.Slots) internal _selections;
    /// @dev By aggregate, perimeter and day: granted kW of the PODs declared to it, per direction and hour.
    mapping(uint256 key => uint256[4]) internal _declared;
    /// @dev By serving aggregate, other aggregate, perimeter and day: granted kW of the PODs of both that are declared to the first.
    // slither-disable-next-line uninitialized-state
    mapping(uint256 key => uint256[4]) internal _taken;
    /// @dev By perimeter and day: kW selected in all aggregates, local and global.
    // slither-disable-next-line uninitialized-state
    mapping(uint256 key => uint256[4]) internal _localPlan;
    // slither-disable-next-line uninitialized-state
    mapping(uint256 key => uint256[4]) internal _globalUse;
    /// @dev Quarters declared to the local market (bits 0..99) and to the global one (bits 128..227).
    mapping(bytes32 podId => mapping(uint16 day => uint256)) internal _podQuarters;

    constructor(
        IParticipants participants_,
        IMarketSessions sessions_,
        ITrafficLights lights_,
        IPods pods_,
        IPrequalification prequalification_
    ) PartyGated(participants_) {
        sessions = sessions_;
        lights = lights_;
        pods = pods_;
        prequalification = prequalification_;
    }

    /// @dev SES-3: the pool less, per aggregate of the other scope that shares PODs with it, everything shared in the hours for which that one is
    ///      selected and has not said all, and in the other hours what was declared to it.
    function _available(uint40 aggregate, bool isGlobal, uint40 perimeter, uint16 day)
        internal
        view
        returns (uint256[4] memory left)
    {
        IPods.Pool memory pool = pods.poolAt(aggregate, perimeter, day);
        _requireCountable(0, pool.upKw);
        _requireCountable(0, pool.downKw);
        left = HourTables.constant_(pool.upKw, pool.downKw);
        uint40[] memory others = pods.counterpartsOf(aggregate);
        for (uint256 i = 0; i < others.length; i++) {
            _subtractOther(left, aggregate, others[i], isGlobal, perimeter, day);
        }
    }

    function _subtractOther(
        uint256[4] memory left,
        uint40 aggregate,
        uint40 other,
        bool isGlobal,
        uint40 perimeter,
        uint16 day
    ) private view {
        SelectionRecord.Slots memory record = _selections[_key(other, perimeter, day)];
        if (record.sessionOf() == 0) return;
        uint256[4] storage taken = _taken[_key(other, aggregate, perimeter, day)];
        IPods.Pool memory shared = _shared(aggregate, other, isGlobal, perimeter, day);
        if (shared.pods != 0) _subtract(left, shared, record.openHours(), taken);
    }

    function _shared(uint40 aggregate, uint40 other, bool isGlobal, uint40 perimeter, uint16 day)
        private
        view
        returns (IPods.Pool memory)
    {
        return isGlobal ? pods.sharedAt(other, aggregate, perimeter, day) : pods.sharedAt(aggregate, other, perimeter, day);
    }

    function _subtract(uint256[4] memory left, IPods.Pool memory shared, uint256 openHours, uint256[4] storage taken) private view {
        (uint256 openLo, uint256 openHi) = Cells.flagsOf(openHours);
        for (uint256 i = 0; i < 4; i++) {
            uint256 open = i & 1 == 0 ? openLo : openHi;
            left[i] -= open * (i < 2 ? shared.upKw : shared.downKw) + (taken[i] & ~Cells.fill(open));
        }
    }

    /// @dev DTL-3: the published lights, dark where the local plan stands in the other direction.
    function _capability(uint40 perimeter, uint16 day) internal view returns (Capability memory found) {
        HourCells memory up;
        HourCells memory down;
        (found.session, up, down) = lights.lightsOf(perimeter, day);
        found.published = [up.lo, up.hi, down.lo, down.hi];
        uint256[4] storage plan = _localPlan[_key(perimeter, day)];
        for (uint256 i = 0; i < 4; i++) {
            // slither-disable-next-line incorrect-exp
            found.inForce[i] = LightRules.darkened(found.published[i], plan[i ^ 2]);
        }
    }

    /// @dev SES-3: powers and their sums are counted in 17 bits.
    function _requireCountable(uint8 hour, uint256 kw) internal pure {
        if (kw > Cells.MAX_KW) revert PowerTooLarge(hour, kw, Cells.MAX_KW);
    }

    /// @dev Adds a word of kW; reverts with the first hour that can't be counted. `i` is the word's place in its table.
    function _add(uint256 word, uint256 more, uint256 i) internal pure returns (uint256 sum) {
        sum = word + more;
        uint256 beyond = Cells.downFlags(sum);
        if (beyond != 0) {
            uint8 hour = Cells.first(i & 1 == 0 ? Cells.hoursOf(beyond, 0) : Cells.hoursOf(0, beyond));
            revert PowerTooLarge(hour, i & 1 == 0 ? Cells.cellAt(sum, 0, hour) : Cells.cellAt(0, sum, hour), Cells.MAX_KW);
        }
    }

    function _sideOf(bool isGlobal) internal pure returns (MarketSide) {
        return isGlobal ? MarketSide.Msd : MarketSide.Lfp;
    }

    function _key(uint40 perimeter, uint16 day) internal pure returns (uint256) {
        return uint256(perimeter) << 16 | day;
    }

    function _key(uint40 aggregate, uint40 perimeter, uint16 day) internal pure returns (uint256) {
        return uint256(aggregate) << 56 | _key(perimeter, day);
    }

    function _key(uint40 serving, uint40 other, uint40 perimeter, uint16 day) internal pure returns (uint256) {
        return uint256(serving) << 96 | _key(other, perimeter, day);
    }
}
