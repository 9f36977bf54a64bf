// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {ITrafficLights} from "./interfaces/ITrafficLights.sol";
import {Ids} from "./libraries/Ids.sol";
import {LightRules} from "./libraries/LightRules.sol";
import {HourCells, Market, PartyKind} from "./types/Types.sol";

/// @title Perimeters and dynamic traffic lights (DTL-1, DTL-2)
contract TrafficLights is ITrafficLights, PartyGated {
    /// @dev In force on days in [fromDay, untilDay); `untilDay` is OPEN_END until a successor ends it, 0 if there is no such perimeter.
    struct Term {
        uint16 fromDay;
        uint16 untilDay;
    }

    /// @dev Words as published; the session stands in bits 247..249 of the first.
    struct Light {
        uint256 upLo;
        uint256 upHi;
        uint256 downLo;
        uint256 downHi;
    }

    uint16 private constant OPEN_END = type(uint16).max;
    uint256 private constant SESSION_SHIFT = 247;

    IMarketSessions public immutable sessions;

    mapping(uint40 perimeter => Term) private _terms;
    mapping(uint40 perimeter => mapping(uint16 day => Light)) private _lights;
    mapping(uint40 perimeter => mapping(uint40 predecessor => bool)) private _isSuccessor;

    constructor(IParticipants participants_, IMarketSessions sessions_) PartyGated(participants_) {
        sessions = sessions_;
    }

    /// @inheritdoc ITrafficLights
    function declarePerimeters(uint16 dso, PerimeterDraft[] calldata drafts) external onlyParty(PartyKind.Dso, dso) {
        uint16 fromDay = sessions.firstUnfrozenDay();
        for (uint256 i = 0; i < drafts.length; i++) {
            PerimeterDraft calldata draft = drafts[i];
            _requireOwn(draft.perimeter, dso);
            if (_terms[draft.perimeter].untilDay != 0) revert PerimeterExists(draft.perimeter);
            for (uint256 j = 0; j < draft.predecessors.length; j++) {
                _end(dso, draft.predecessors[j], fromDay);
                _isSuccessor[draft.perimeter][draft.predecessors[j]] = true;
            }
            _terms[draft.perimeter] = Term(fromDay, OPEN_END);
            emit PerimeterDeclared(draft.perimeter, dso, fromDay, draft.predecessors, draft.payloadHash);
        }
    }

    /// @inheritdoc ITrafficLights
    function publishLights(uint16 dso, uint16 day, uint8 session, PerimeterLights[] calldata lights)
        external
        onlyParty(PartyKind.Dso, dso)
    {
        sessions.requireOpen(day, Market.Lfp, session);
        uint256 hours_ = sessions.hoursOf(day);
        for (uint256 i = 0; i < lights.length; i++) {
            PerimeterLights calldata light = lights[i];
            _requireOwn(light.perimeter, dso);
            requireInForce(light.perimeter, day);
            if (!LightRules.wellFormed(light.up, hours_) || !LightRules.wellFormed(light.down, hours_)) {
                revert LightMalformed(light.perimeter, day);
            }
            Light storage slots = _lights[light.perimeter][day];
            slots.upLo = light.up.lo | uint256(session) << SESSION_SHIFT;
            slots.upHi = light.up.hi;
            slots.downLo = light.down.lo;
            slots.downHi = light.down.hi;
            emit LightsPublished(light.perimeter, day, session, light.up, light.down, light.payloadHash);
        }
    }

    /// @inheritdoc ITrafficLights
    function requireInForce(uint40 perimeter, uint16 day) public view {
        Term memory term = _terms[perimeter];
        if (day < term.fromDay || day >= term.untilDay) revert PerimeterNotInForce(perimeter, day);
    }

    /// @inheritdoc ITrafficLights
    function requireSuccessor(uint40 perimeter, uint40 predecessor) external view {
        if (!_isSuccessor[perimeter][predecessor]) revert NotASuccessor(perimeter, predecessor);
    }

    /// @inheritdoc ITrafficLights
    function lightsOf(uint40 perimeter, uint16 day)
        external
        view
        returns (uint8 session, HourCells memory up, HourCells memory down)
    {
        Light storage slots = _lights[perimeter][day];
        uint256 upLo = slots.upLo;
        session = uint8(upLo >> SESSION_SHIFT);
        up = HourCells(upLo & (1 << SESSION_SHIFT) - 1, slots.upHi);
        down = HourCells(slots.downLo, slots.downHi);
    }

    /// @dev DTL-1: a predecessor ends where its successors begin. A split names it once per part.
    function _end(uint16 dso, uint40 predecessor, uint16 fromDay) private {
        _requireOwn(predecessor, dso);
        Term memory term = _terms[predecessor];
        if (fromDay < term.fromDay || fromDay > term.untilDay || term.untilDay == 0) {
            revert PerimeterNotInForce(predecessor, fromDay);
        }
        if (fromDay != term.untilDay) {
            _terms[predecessor].untilDay = fromDay;
            emit PerimeterEnded(predecessor, dso, fromDay);
        }
    }

    function _requireOwn(uint40 perimeter, uint16 dso) private pure {
        if (Ids.ownerOf(perimeter) != dso) revert PerimeterOfOther(perimeter, dso);
    }
}
