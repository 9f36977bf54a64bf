// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {PodCategory, Scope, StaticLight, VoltageLevel} from "../types/Types.sol";
import {DayVersioned} from "./DayVersioned.sol";
import {Ids} from "./Ids.sol";

/// @title A POD in one word
/// @dev From bit 0: serial of the local aggregate (24), of the global one (24), granted kW down, up, declared kW down, up (17 each),
///      voltage (2), category (2), light (3), perimeter (40), BSP (16); the day above them is DayVersioned's. The perimeter's top bits
///      are the DSO, its serial is 0 until the DSO names one. Aggregates are the POD's own BSP's. BSP 0 means: not registered.
///      Powers given to this library must not exceed MAX_KW.
library PodWord {
    /// @notice Greatest power of a POD, in kW.
    uint256 internal constant MAX_KW = (1 << 17) - 1;

    uint256 private constant SERIAL_BITS = 24;
    uint256 private constant SERIAL_MASK = (1 << 24) - 1;
    uint256 private constant GRANTED_DOWN_SHIFT = 48;
    uint256 private constant GRANTED_UP_SHIFT = 65;
    uint256 private constant DECLARED_DOWN_SHIFT = 82;
    uint256 private constant DECLARED_UP_SHIFT = 99;
    uint256 private constant VOLTAGE_SHIFT = 116;
    uint256 private constant CATEGORY_SHIFT = 118;
    uint256 private constant LIGHT_SHIFT = 120;
    uint256 private constant PERIMETER_SHIFT = 123;
    uint256 private constant DSO_SHIFT = PERIMETER_SHIFT + SERIAL_BITS;
    uint256 private constant BSP_SHIFT = 163;

    uint256 private constant PERIMETER_MASK = ((1 << 40) - 1) << PERIMETER_SHIFT;
    uint256 private constant BSP_MASK = ((1 << 16) - 1) << BSP_SHIFT;
    uint256 private constant MEMBERSHIPS_MASK = (1 << 2 * SERIAL_BITS) - 1;
    /// @dev What a decision replaces: granted powers, light and perimeter.
    uint256 private constant DECISION_MASK = (1 << 34) - 1 << GRANTED_DOWN_SHIFT | (1 << 43) - 1 << LIGHT_SHIFT;
    /// @dev What a declaration replaces: everything from the granted powers to the light.
    uint256 private constant DECLARATION_MASK = (1 << 75) - 1 << GRANTED_DOWN_SHIFT;

    /// @notice BSP of the POD, 0 if it is not registered.
    function bspOf(uint256 word) internal pure returns (uint16) {
        return uint16(word >> BSP_SHIFT);
    }

    function dsoOf(uint256 word) internal pure returns (uint16) {
        return uint16(word >> DSO_SHIFT);
    }

    /// @notice Perimeter of the POD, 0 until its DSO named one.
    function perimeterOf(uint256 word) internal pure returns (uint40 perimeter) {
        perimeter = uint40(word >> PERIMETER_SHIFT);
        if (Ids.serialOf(perimeter) == 0) perimeter = 0;
    }

    function lightOf(uint256 word) internal pure returns (StaticLight) {
        return StaticLight(word >> LIGHT_SHIFT & 7);
    }

    function declaredOf(uint256 word) internal pure returns (uint24 upKw, uint24 downKw) {
        return (uint24(word >> DECLARED_UP_SHIFT & MAX_KW), uint24(word >> DECLARED_DOWN_SHIFT & MAX_KW));
    }

    function grantedOf(uint256 word) internal pure returns (uint24 upKw, uint24 downKw) {
        return (uint24(word >> GRANTED_UP_SHIFT & MAX_KW), uint24(word >> GRANTED_DOWN_SHIFT & MAX_KW));
    }

    /// @notice The POD's aggregate of this scope, 0 if it is in none.
    function aggregateOf(uint256 word, Scope scope) internal pure returns (uint40) {
        return Ids.idOf(bspOf(word), uint24(word >> uint256(scope) * SERIAL_BITS));
    }

    /// @notice A POD of which only the parties are known.
    function create(uint16 bsp, uint16 dso) internal pure returns (uint256) {
        return uint256(bsp) << BSP_SHIFT | uint256(dso) << DSO_SHIFT;
    }

    /// @notice The POD with a new declaration: the light is requested, nothing is granted.
    function declare(uint256 word, PodCategory category, VoltageLevel voltage, uint24 upKw, uint24 downKw)
        internal
        pure
        returns (uint256)
    {
        return word & ~DECLARATION_MASK | uint256(StaticLight.Requested) << LIGHT_SHIFT
            | uint256(category) << CATEGORY_SHIFT | uint256(voltage) << VOLTAGE_SHIFT
            | uint256(upKw) << DECLARED_UP_SHIFT | uint256(downKw) << DECLARED_DOWN_SHIFT;
    }

    /// @notice The POD with the decision of its DSO, whose perimeter it is.
    function decide(uint256 word, StaticLight light, uint40 perimeter, uint24 upKw, uint24 downKw)
        internal
        pure
        returns (uint256)
    {
        return word & ~DECISION_MASK | uint256(light) << LIGHT_SHIFT | uint256(perimeter) << PERIMETER_SHIFT
            | uint256(upKw) << GRANTED_UP_SHIFT | uint256(downKw) << GRANTED_DOWN_SHIFT;
    }

    /// @notice The POD in another perimeter of its DSO.
    function move(uint256 word, uint40 perimeter) internal pure returns (uint256) {
        return word & ~PERIMETER_MASK | uint256(perimeter) << PERIMETER_SHIFT;
    }

    /// @notice The POD with another BSP, as member of no aggregate.
    function handOver(uint256 word, uint16 bsp) internal pure returns (uint256) {
        return word & ~(BSP_MASK | MEMBERSHIPS_MASK) | uint256(bsp) << BSP_SHIFT;
    }

    /// @notice The POD as member of an aggregate of its BSP, or with 0 as member of none of this scope.
    function place(uint256 word, Scope scope, uint40 aggregate) internal pure returns (uint256) {
        uint256 shift = uint256(scope) * SERIAL_BITS;
        return word & ~(SERIAL_MASK << shift) | uint256(Ids.serialOf(aggregate)) << shift;
    }

    function unpack(uint256 word) internal pure returns (IPods.Pod memory pod) {
        uint16 bsp = bspOf(word);
        if (bsp == 0) return pod;
        pod.fromDay = uint16(word >> DayVersioned.DAY_SHIFT);
        pod.bsp = bsp;
        pod.dso = dsoOf(word);
        pod.perimeter = perimeterOf(word);
        pod.light = lightOf(word);
        pod.category = PodCategory(word >> CATEGORY_SHIFT & 3);
        pod.voltage = VoltageLevel(word >> VOLTAGE_SHIFT & 3);
        (pod.declaredUpKw, pod.declaredDownKw) = declaredOf(word);
        (pod.grantedUpKw, pod.grantedDownKw) = grantedOf(word);
        pod.localAggregate = aggregateOf(word, Scope.Local);
        pod.globalAggregate = aggregateOf(word, Scope.Global);
    }
}
