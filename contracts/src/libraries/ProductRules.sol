// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPrequalification} from "../interfaces/IPrequalification.sol";

/// @title Ranges of a product's attributes (PRD-1)
library ProductRules {
    uint256 private constant MAX_KW = 131_071;
    uint256 private constant MINUTES_PER_DAY = 1_440;
    uint256 private constant MILLION = 1_000_000;
    uint256 private constant HUNDRED_YEARS = 36_525;

    /// @notice PRD-1: reverts with the first attribute out of its range and the bound that it breaks.
    function requireValid(IPrequalification.Product calldata terms) internal pure {
        uint32 product = terms.product;
        _atLeast(product, "product", product & 0xffff, 1);
        _atLeast(product, "service", uint256(terms.service), 1);
        _atLeast(product, "testInfrastructure", uint256(terms.testInfrastructure), 1);
        _within(product, "months", terms.months, 1, 0xfff);
        _within(product, "weekdays", terms.weekdays, 1, 0x7f);
        _atMost(product, "untilMinute", terms.untilMinute, MINUTES_PER_DAY);
        if (terms.fromMinute >= terms.untilMinute) {
            revert IPrequalification.ProductInvalid(product, "fromMinute", terms.fromMinute, terms.untilMinute);
        }
        _atMost(product, "minUpKw", terms.minUpKw, MAX_KW);
        _atMost(product, "minDownKw", terms.minDownKw, MAX_KW);
        if (terms.minDownKw == 0) _atLeast(product, "minUpKw", terms.minUpKw, 1);
        _atLeast(product, "durationS", terms.durationS, 1);
        _atMost(product, "tolerancePpm", terms.tolerancePpm, MILLION);
        _atLeast(product, "penaltyDenominator", terms.penaltyDenominator, 1);
        _within(product, "qualificationDays", terms.qualificationDays, 1, HUNDRED_YEARS);
    }

    function _within(uint32 product, bytes32 attribute, uint256 found, uint256 least, uint256 most) private pure {
        _atLeast(product, attribute, found, least);
        _atMost(product, attribute, found, most);
    }

    function _atLeast(uint32 product, bytes32 attribute, uint256 found, uint256 least) private pure {
        if (found < least) revert IPrequalification.ProductInvalid(product, attribute, found, least);
    }

    function _atMost(uint32 product, bytes32 attribute, uint256 found, uint256 most) private pure {
        if (found > most) revert IPrequalification.ProductInvalid(product, attribute, found, most);
    }
}
