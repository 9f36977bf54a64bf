// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../interfaces/IPods.sol";
import {PodCategory, StaticLight, VoltageLevel} from "../types/Types.sol";
import {DayVersioned} from "./DayVersioned.sol";
import {Ids} from "./Ids.sol";

/// @title A POD in one word
/// @dev From bit 0: serial of the global aggregate (24), of the local one (24), granted kW down, up, declared kW down, up (17 each),
///      voltage (2), category (2), light (3), perimeter (40), BSP (16); the day above them is DayVersioned's. The perimeter's top bits
///      are the DSO, its serial is 0 until the DSO names one. Aggregates are the POD's own BSP's. BSP 0 means: not registered.
library PodWord {
    /// @notice Greatest power of a POD, in kW.
    uint256 internal constant MAX_KW = (1 << 17) - 1;

    uint256 private constant LOCAL_SHIFT = 24;
    uint256 private constant GRANTED_DOWN_SHIFT = 48;
    uint256 private constant GRANTED_UP_SHIFT = 65;
    uint256 private constant DECLARED_DOWN_SHIFT = 82;
    uint256 private constant DECLARED_UP_SHIFT = 99;
    uint256 private constant VOLTAGE_SHIFT = 116;
    uint256 private constant CATEGORY_SHIFT = 118;
    uint256 private constant LIGHT_SHIFT = 120;
    uint256 private constant PERIMETER_SHIFT = 123;
    uint256 private constant BSP_SHIFT = 163;

    /// @notice BSP of the POD, 0 if it is not registered.
    function bspOf(uint256 word) internal pure returns (uint16) {
        return uint16(word >> BSP_SHIFT);
    }

    function unpack(uint256 word) internal pure returns (IPods.Pod memory pod) {
        uint16 bsp = bspOf(word);
        if (bsp == 0) return pod;
        uint40 perimeter = uint40(word >> PERIMETER_SHIFT);
        pod.fromDay = uint16(word >> DayVersioned.DAY_SHIFT);
        pod.bsp = bsp;
        pod.dso = Ids.ownerOf(perimeter);
        pod.perimeter = Ids.serialOf(perimeter) == 0 ? 0 : perimeter;
        pod.light = StaticLight(word >> LIGHT_SHIFT & 7);
        pod.category = PodCategory(word >> CATEGORY_SHIFT & 3);
        pod.voltage = VoltageLevel(word >> VOLTAGE_SHIFT & 3);
        pod.declaredUpKw = uint24(word >> DECLARED_UP_SHIFT & MAX_KW);
        pod.declaredDownKw = uint24(word >> DECLARED_DOWN_SHIFT & MAX_KW);
        pod.grantedUpKw = uint24(word >> GRANTED_UP_SHIFT & MAX_KW);
        pod.grantedDownKw = uint24(word >> GRANTED_DOWN_SHIFT & MAX_KW);
        pod.localAggregate = Ids.idOf(bsp, uint24(word >> LOCAL_SHIFT));
        pod.globalAggregate = Ids.idOf(bsp, uint24(word));
    }

    /// @notice The POD without its day. Powers must not exceed MAX_KW.
    function pack(IPods.Pod memory pod) internal pure returns (uint256 content) {
        content = uint256(pod.bsp) << BSP_SHIFT;
        content |= uint256(pod.perimeter == 0 ? Ids.prefixOf(pod.dso) : pod.perimeter) << PERIMETER_SHIFT;
        content |= uint256(pod.light) << LIGHT_SHIFT;
        content |= uint256(pod.category) << CATEGORY_SHIFT;
        content |= uint256(pod.voltage) << VOLTAGE_SHIFT;
        content |= uint256(pod.declaredUpKw) << DECLARED_UP_SHIFT;
        content |= uint256(pod.declaredDownKw) << DECLARED_DOWN_SHIFT;
        content |= uint256(pod.grantedUpKw) << GRANTED_UP_SHIFT;
        content |= uint256(pod.grantedDownKw) << GRANTED_DOWN_SHIFT;
        content |= uint256(Ids.serialOf(pod.localAggregate)) << LOCAL_SHIFT;
        content |= Ids.serialOf(pod.globalAggregate);
    }
}
