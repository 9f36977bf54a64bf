// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "./interfaces/IMarket.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {IPrequalification} from "./interfaces/IPrequalification.sol";
import {ITrafficLights} from "./interfaces/ITrafficLights.sol";
import {HourCellsLib as Cells} from "./libraries/HourCellsLib.sol";
import {PodWord} from "./libraries/PodWord.sol";
import {SelectionRecord} from "./libraries/SelectionRecord.sol";
import {Declarations} from "./market/Declarations.sol";
import {MarketBook} from "./market/MarketBook.sol";
import {Selections} from "./market/Selections.sol";
import {HourCells, PartyKind, Right, Scope} from "./types/Types.sol";

/// @title Selections, declarations and baselines (SES-2..4, SES-6, DTL-3, DTL-4, BAS-1)
contract Market is Selections, Declarations {
    using SelectionRecord for SelectionRecord.Slots;

    constructor(
        IParticipants participants_,
        IMarketSessions sessions_,
        ITrafficLights lights_,
        IPods pods_,
        IPrequalification prequalification_
    ) MarketBook(participants_, sessions_, lights_, pods_, prequalification_) {}

    /// @inheritdoc IMarket
    function fileBaselines(uint16 bsp, uint16 day, BaselineFiling[] calldata filings) external onlyWithRight(PartyKind.Bsp, bsp, Right.FileBaselines) {
        uint40 gate = sessions.scheduleOf(day).baselineGate;
        if (block.timestamp >= gate) revert BaselineLate(day, gate, uint40(block.timestamp));
        bytes32[] memory podIds = new bytes32[](filings.length);
        for (uint256 i = 0; i < filings.length; i++) {
            podIds[i] = filings[i].podId;
        }
        uint256[] memory words = pods.wordsAt(podIds, day);
        for (uint256 i = 0; i < filings.length; i++) {
            uint16 responsible = PodWord.bspOf(words[i]);
            if (responsible != bsp) revert BaselineOfOther(podIds[i], responsible, bsp);
            emit BaselineFiled(podIds[i], bsp, day, filings[i].commitment);
        }
    }

    /// @inheritdoc IMarket
    function selectionOf(uint40 aggregate, uint40 perimeter, uint16 day)
        external
        view
        returns (uint8 session, HourCells memory found)
    {
        SelectionRecord.Slots memory record = _selections[_key(aggregate, perimeter, day)];
        session = record.sessionOf();
        (found.lo, found.hi) = record.cells();
    }

    /// @inheritdoc IMarket
    function availableOf(uint40 aggregate, uint40 perimeter, uint16 day)
        external
        view
        returns (HourCells memory up, HourCells memory down)
    {
        uint256[4] memory left = _available(aggregate, pods.scopeOf(aggregate) == Scope.Global, perimeter, day);
        (uint256 lo, uint256 hi) = Cells.flagsOf((1 << sessions.hoursOf(day)) - 1);
        (lo, hi) = (Cells.fill(lo), Cells.fill(hi));
        return (HourCells(left[0] & lo, left[1] & hi), HourCells(left[2] & lo, left[3] & hi));
    }

    /// @inheritdoc IMarket
    function capabilityInForce(uint40 perimeter, uint16 day)
        external
        view
        returns (HourCells memory up, HourCells memory down, HourCells memory usedUp, HourCells memory usedDown)
    {
        uint256[4] memory inForce = _capability(perimeter, day).inForce;
        uint256[4] storage use = _globalUse[_key(perimeter, day)];
        return (
            HourCells(inForce[0], inForce[1]),
            HourCells(inForce[2], inForce[3]),
            HourCells(use[0], use[1]),
            HourCells(use[2], use[3])
        );
    }

    /// @inheritdoc IMarket
    function quartersOf(bytes32 podId, uint16 day) external view returns (uint128 local, uint128 global_) {
        (uint256 own, uint256 others) = _quartersOf(podId, day, false);
        return (uint128(own), uint128(others));
    }
}
