// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {HourCells, Market as MarketSide} from "../types/Types.sol";

/// @title Selections, declarations and baselines (SES-2..4, SES-6, DTL-3, DTL-4, BAS-1)
interface IMarket {
    /// @notice kW of an aggregate in a perimeter per hour, bit 17 of a cell is the direction (1 = down). `chain` ends at the product;
    ///         `commitment` hides the prices (PRIV-3).
    struct Selection {
        uint40 aggregate;
        uint40 perimeter;
        uint40 testedAggregate;
        uint32[] chain;
        HourCells cells;
        bytes32 commitment;
    }

    /// @notice Quarter-hours of the day that a POD serves: bit q of `quarters` is the period that starts q * 15 minutes into the day.
    struct PodQuarters {
        bytes32 podId;
        uint128 quarters;
    }

    struct BaselineFiling {
        bytes32 podId;
        bytes32 commitment;
    }

    event SelectionRecorded(
        uint40 indexed aggregate,
        uint40 indexed perimeter,
        uint16 indexed day,
        MarketSide market,
        uint8 session,
        uint16 operator,
        uint32 product,
        uint40 testedAggregate,
        uint32[] chain,
        HourCells cells,
        bytes32 commitment
    );
    event PodDeclared(
        bytes32 indexed podId, uint40 indexed aggregate, uint16 indexed day, uint40 perimeter, MarketSide market, uint128 quarters
    );
    event PodReleased(
        bytes32 indexed podId, uint40 indexed aggregate, uint16 indexed day, uint40 perimeter, MarketSide market, uint128 quarters
    );
    /// @notice The BSP has said all: what it did not declare is available again, what it could not cover is `shortfall` (kW per hour).
    event DeclarationCompleted(
        uint40 indexed aggregate, uint40 indexed perimeter, uint16 indexed day, MarketSide market, uint8 session, HourCells shortfall
    );
    event BaselineFiled(bytes32 indexed podId, uint16 indexed bsp, uint16 indexed day, bytes32 commitment);

    /// @dev SES-4: one outcome per aggregate, perimeter, day and session; a correction waits for the next session.
    error OutcomeDuplicate(uint40 aggregate, uint40 perimeter, uint16 day, uint8 session);
    /// @dev SES-2: only the operator that made a selection revises it.
    error SelectionOfOther(uint40 aggregate, uint40 perimeter, uint16 day, uint16 operator, uint16 caller);
    /// @dev SES-2: an hour planned definitively by an earlier session is final.
    error HourDefinitive(uint40 aggregate, uint40 perimeter, uint16 day, uint8 hour, uint256 recorded, uint256 found);
    /// @dev SES-4: a cell stands outside the day's hours or carries a direction without power.
    error SelectionMalformed(uint40 aggregate, uint40 perimeter, uint16 day);
    /// @dev SES-3: an LFP selects local aggregates, an MSD global ones.
    error WrongScope(uint40 aggregate, MarketSide market);
    /// @dev SES-4: the operator selects for its own product, the DSO in its own perimeters.
    error NotOwnProduct(uint32 product, uint16 operator);
    /// @dev SES-2: the PODs of the aggregate that are still available in this hour can't cover the selection.
    error PodsUnavailable(uint40 aggregate, uint40 perimeter, uint16 day, uint8 hour, bool down, uint256 wantedKw, uint256 availableKw);
    /// @dev DTL-2: the cell is red.
    error RedLight(uint40 perimeter, uint16 day, uint8 hour, bool down, uint256 wantedKw);
    /// @dev DTL-3: red because a local activation in the other direction is planned there.
    error OppositeToLocal(uint40 perimeter, uint16 day, uint8 hour, bool down, uint256 wantedKw, uint256 localKw);
    /// @dev DTL-4: over all aggregates, more than the capability in force.
    error CapabilityExceeded(uint40 perimeter, uint16 day, uint8 hour, bool down, uint256 totalKw, uint256 capabilityKw);
    /// @dev DTL-2: no light was published for this perimeter and day, so nothing can be vouched for.
    error LightsMissing(uint40 perimeter, uint16 day);
    /// @dev DTL-3: local activations in both directions in one perimeter and hour.
    error LocalBothDirections(uint40 perimeter, uint16 day, uint8 hour);
    /// @dev SES-3: the power of a pool, or a sum of powers in an hour, is beyond what the ledger counts in a perimeter.
    error PowerTooLarge(uint8 hour, uint256 foundKw, uint256 limitKw);
    /// @dev SES-3: nothing is selected that could be declared.
    error NothingSelected(uint40 aggregate, uint40 perimeter, uint16 day, uint8 hour);
    /// @dev SES-4: declarations are due before the next gate.
    error DeclarationLate(uint40 aggregate, uint40 perimeter, uint16 day, uint40 due, uint40 nowAt);
    /// @dev SES-3: the POD serves the other market in this hour.
    error PodServesOtherMarket(bytes32 podId, uint16 day, uint8 hour, MarketSide other);
    /// @dev SES-3: the POD is not an active member of the aggregate in this perimeter on this day.
    error PodNotInPool(bytes32 podId, uint40 aggregate, uint40 perimeter, uint16 day);
    /// @dev SES-3: the PODs left to the other market no longer cover what it selected.
    error OtherMarketUncovered(uint40 otherAggregate, uint40 perimeter, uint16 day, uint8 hour, uint256 selectedKw, uint256 leftKw);
    /// @dev SES-6: a quarter is outside the day, or of an hour that is definitive.
    error QuartersInvalid(bytes32 podId, uint16 day, uint256 found, uint256 allowed);
    /// @dev SES-6: PODs are released only as far as the operator lowered its selection.
    error ReleaseUncovered(uint40 aggregate, uint40 perimeter, uint16 day, uint8 hour, uint256 selectedKw, uint256 leftKw);
    /// @dev BAS-1: the baseline gate has closed.
    error BaselineLate(uint16 day, uint40 gate, uint40 nowAt);
    /// @dev BAS-1: the POD is not this BSP's on that day.
    error BaselineOfOther(bytes32 podId, uint16 bsp, uint16 caller);

    function selectLocal(uint16 dso, uint16 day, uint8 session, Selection[] calldata selections) external;
    function selectGlobal(uint16 tso, uint16 day, uint8 session, Selection[] calldata selections) external;
    /// @notice Adds PODs; with `complete` the declaration is closed and the rest is available again (SES-3).
    function declare(uint16 bsp, uint40 aggregate, uint40 perimeter, uint16 day, PodQuarters[] calldata pods, bool complete) external;
    function release(uint16 bsp, uint40 aggregate, uint40 perimeter, uint16 day, PodQuarters[] calldata pods) external;
    function fileBaselines(uint16 bsp, uint16 day, BaselineFiling[] calldata filings) external;

    function selectionOf(uint40 aggregate, uint40 perimeter, uint16 day) external view returns (uint8 session, HourCells memory);
    /// @notice kW that the aggregate's PODs can still give to its own market, per hour and direction.
    function availableOf(uint40 aggregate, uint40 perimeter, uint16 day)
        external
        view
        returns (HourCells memory up, HourCells memory down);
    /// @notice Capability in force with the derived reds of DTL-3, and what global selections use of it.
    function capabilityInForce(uint40 perimeter, uint16 day)
        external
        view
        returns (HourCells memory up, HourCells memory down, HourCells memory usedUp, HourCells memory usedDown);
    /// @notice Quarter-hours in which the POD is declared to the local and to the global market.
    function quartersOf(bytes32 podId, uint16 day) external view returns (uint128 local, uint128 global_);
}
