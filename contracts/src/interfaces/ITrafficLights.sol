// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCells} from "../types/Types.sol";

/// @title Perimeters and dynamic traffic lights (DTL-1, DTL-2)
interface ITrafficLights {
    struct PerimeterDraft {
        uint40 perimeter;
        uint40[] predecessors;
        bytes32 payloadHash;
    }

    struct PerimeterLights {
        uint40 perimeter;
        HourCells up;
        HourCells down;
        bytes32 payloadHash;
    }

    /// @notice A perimeter is part of its DSO's partition from `fromDay` on; its predecessors (split, merge) end there.
    event PerimeterDeclared(uint40 indexed perimeter, uint16 indexed dso, uint16 fromDay, uint40[] predecessors, bytes32 payloadHash);
    event PerimeterEnded(uint40 indexed perimeter, uint16 indexed dso, uint16 untilDay);
    event LightsPublished(
        uint40 indexed perimeter, uint16 indexed day, uint8 session, HourCells up, HourCells down, bytes32 payloadHash
    );

    /// @dev DTL-1: the perimeter's id carries another DSO.
    error PerimeterOfOther(uint40 perimeter, uint16 dso);
    /// @dev DTL-1: ids are never reused; a new version has a new id.
    error PerimeterExists(uint40 perimeter);
    /// @dev DTL-1: the perimeter is not in its DSO's partition on that day.
    error PerimeterNotInForce(uint40 perimeter, uint16 day);
    /// @dev DTL-1: `perimeter` was not split or merged from `predecessor`.
    error NotASuccessor(uint40 perimeter, uint40 predecessor);
    /// @dev DTL-2: a cell stands outside the day's hours, or a flag on a cell that is not yellow.
    error LightMalformed(uint40 perimeter, uint16 day);

    function declarePerimeters(uint16 dso, PerimeterDraft[] calldata drafts) external;
    function publishLights(uint16 dso, uint16 day, uint8 session, PerimeterLights[] calldata lights) external;

    function requireInForce(uint40 perimeter, uint16 day) external view;
    /// @notice Reverts unless `perimeter` was split or merged from `predecessor`.
    function requireSuccessor(uint40 perimeter, uint40 predecessor) external view;
    /// @notice The lights last published; `session` 0 if there are none.
    function lightsOf(uint40 perimeter, uint16 day) external view returns (uint8 session, HourCells memory up, HourCells memory down);
}
