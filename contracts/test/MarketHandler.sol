// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {HourCells, Scope} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice Two DSO-side and two TSO-side aggregates that overlap in every way; operators and BSP act at random through the day's sessions.
///         Refused attempts leave no trace; of the accepted ones it keeps, hour by hour, what the rules say about declarations.
contract MarketHandler is MarketWorld {
    uint256 internal constant DOWN = 1 << 17;
    uint256 public constant PODS = 9;

    uint40[4] public aggregates;
    /// @dev Hours for which the BSP of an aggregate has said all, one bit each.
    mapping(uint40 aggregate => uint256 hours_) public completed;
    /// @dev A global selection rose beyond the capability in force.
    bool public capabilityBroken;
    /// @dev Accepted selections, declarations and releases.
    uint256[3] public accepted;

    uint256 private _window;

    constructor() {
        setUpMarket();
        aggregates = [LOCAL, LOCAL + 10, GLOBAL, GLOBAL + 10];
        createAggregate(aggregates[1], Scope.Local);
        createAggregate(aggregates[3], Scope.Global);
        addPods(0, 1, 10, 5, PERIMETER, aggregates[0], 0);
        addPods(1, 2, 20, 10, PERIMETER, aggregates[0], aggregates[2]);
        addPods(3, 1, 40, 0, PERIMETER, aggregates[0], aggregates[3]);
        addPods(4, 1, 80, 40, PERIMETER, aggregates[1], aggregates[2]);
        addPods(5, 2, 7, 70, PERIMETER, aggregates[1], aggregates[3]);
        addPods(7, 1, 30, 30, PERIMETER, 0, aggregates[2]);
        addPods(8, 1, 1, 100, PERIMETER, 0, aggregates[3]);
        for (uint256 i = 0; i < 4; i++) {
            qualify(aggregates[i], i < 2 ? LOCAL_PRODUCT : GLOBAL_PRODUCT);
        }
        openLfp(1);
        publishGreen(1);
    }

    /// @notice The next window opens.
    function pass() external {
        if (_window == 11) return;
        _window++;
        if (_window % 2 == 0) openLfp(_session());
        else openMsd(_session());
    }

    /// @notice The DSO publishes other lights, if an LFP is open.
    function light(uint256 seed) external {
        if (_window % 2 != 0) return;
        HourCells memory up;
        HourCells memory down;
        for (uint256 hour = 0; hour < 24; hour++) {
            put(up, hour, seed >> hour & 3 == 0 ? 0 : seed >> hour & 3 == 1 ? 40 : GREEN);
            put(down, hour, seed >> 32 + hour & 3 == 0 ? 60 : GREEN);
        }
        publish(_session(), up, down);
    }

    /// @notice The operator whose window is open selects: three hours change.
    function select(uint256 seed) external {
        bool isGlobal = _window % 2 != 0;
        uint40 aggregate = aggregates[(isGlobal ? 2 : 0) + seed % 2];
        (, HourCells memory before) = market.selectionOf(aggregate, PERIMETER, FIRST_DAY);
        HourCells memory wanted = HourCells(before.lo, before.hi);
        for (uint256 i = 0; i < 3; i++) {
            uint256 part = uint256(keccak256(abi.encode(seed, i)));
            uint256 kw = part % 3 == 0 ? 0 : part / 3 % 60;
            put(wanted, bound(part >> 64, 4 * (_session() - 1), 23), kw != 0 && part >> 128 & 1 != 0 ? kw | DOWN : kw);
        }
        IMarket.Selection[] memory list = one(selectionFor(aggregate, isGlobal ? GLOBAL_PRODUCT : LOCAL_PRODUCT, wanted));
        vm.prank(signerOf(isGlobal ? TSO : DSO));
        if (isGlobal) {
            try market.selectGlobal(TSO, FIRST_DAY, _session(), list) {
                _selected(aggregate, before, wanted, true);
            } catch {}
        } else {
            try market.selectLocal(DSO, FIRST_DAY, _session(), list) {
                _selected(aggregate, before, wanted, false);
            } catch {}
        }
    }

    /// @notice The BSP declares up to three PODs for some selected hours, or says that this is all.
    function declareSome(uint256 seed) external {
        uint40 aggregate = aggregates[seed % 4];
        (uint8 session, HourCells memory cells_) = market.selectionOf(aggregate, PERIMETER, FIRST_DAY);
        if (session == 0) return;
        uint128 wanted;
        for (uint256 hour = 4 * (session - 1); hour < 24; hour++) {
            if (cellOf(cells_, hour) != 0 && seed >> hour + 8 & 1 != 0) wanted |= uint128(seed >> 64 & 15 | 1) << uint128(4 * hour);
        }
        bool complete = seed >> 40 & 1 != 0;
        IMarket.PodQuarters[] memory list = items(seed >> 48 & 7, wanted == 0 ? 0 : seed >> 56 & 3, wanted);
        if (seed >> 48 & 7 == 7 && list.length > 2) return;
        vm.prank(signerOf(BSP));
        try market.declare(BSP, aggregate, PERIMETER, FIRST_DAY, list, complete) {
            accepted[1]++;
            for (uint256 hour = 4 * (session - 1); complete && hour < 24; hour++) {
                if (cellOf(cells_, hour) != 0) completed[aggregate] |= 1 << hour;
            }
        } catch {}
    }

    /// @notice The BSP releases a POD for some of the hours it is declared in.
    function releaseSome(uint256 seed) external {
        uint40 aggregate = aggregates[seed % 4];
        uint256 pod = seed / 4 % PODS;
        (uint128 local, uint128 global_) = market.quartersOf(podOf(pod), FIRST_DAY);
        uint128 own = seed % 4 < 2 ? local : global_;
        uint128 wanted = own & uint128(seed >> 64);
        vm.prank(signerOf(BSP));
        try market.release(BSP, aggregate, PERIMETER, FIRST_DAY, items(pod, 1, wanted)) {
            accepted[2]++;
        } catch {}
    }

    function marketOf() external view returns (IMarket) {
        return market;
    }

    function podsOf() external view returns (IPods) {
        return pods;
    }

    function idOf(uint256 pod) external pure returns (bytes32) {
        return podOf(pod);
    }

    function _selected(uint40 aggregate, HourCells memory before, HourCells memory wanted, bool isGlobal) private {
        accepted[0]++;
        (HourCells memory up, HourCells memory down, HourCells memory usedUp, HourCells memory usedDown) =
            market.capabilityInForce(PERIMETER, FIRST_DAY);
        for (uint256 hour = 0; hour < 24; hour++) {
            (uint256 old, uint256 cell) = (cellOf(before, hour), cellOf(wanted, hour));
            bool turned = old & DOWN != cell & DOWN;
            bool rises = cell % DOWN > (turned ? 0 : old % DOWN);
            if (!rises) continue;
            completed[aggregate] &= ~(1 << hour);
            if (!isGlobal) continue;
            bool within = cell & DOWN != 0
                ? cellOf(usedDown, hour) <= cellOf(down, hour)
                : cellOf(usedUp, hour) <= cellOf(up, hour);
            if (!within) capabilityBroken = true;
        }
    }

    function _session() private view returns (uint8) {
        return uint8(_window / 2 + 1);
    }
}
