// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {PartyKind} from "../src/types/Types.sol";
import {PrequalificationWorld} from "./PrequalificationWorld.sol";

/// @notice Products as published, and what refuses one (PRD-1).
contract ProductsTest is PrequalificationWorld {
    /// @dev PRD-1: read as published; never edited; own ids; a version names its predecessor.
    function test_Products() public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.supersedes = LOCAL_PRODUCT;
        vm.expectEmit();
        emit IPrequalification.ProductPublished(LOCAL_PRODUCT + 1, DSO, terms);
        publishProduct(terms);
        bytes memory found = abi.encode(prequalification.productOf(LOCAL_PRODUCT + 1));
        assertEq(keccak256(found), keccak256(abi.encode(terms)), "as published");

        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductExists.selector, LOCAL_PRODUCT));
        publishProduct(plainProduct(LOCAL_PRODUCT));
        terms = plainProduct(LOCAL_PRODUCT + 2);
        terms.supersedes = LOCAL_PRODUCT + 9;
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, LOCAL_PRODUCT + 9));
        publishProduct(terms);
        terms.supersedes = GLOBAL_PRODUCT;
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductOfOther.selector, GLOBAL_PRODUCT, DSO));
        publishProduct(terms);
        IPrequalification.Product[] memory list = new IPrequalification.Product[](1);
        list[0] = plainProduct(GLOBAL_PRODUCT + 1);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductOfOther.selector, GLOBAL_PRODUCT + 1, DSO));
        vm.prank(signerOf(DSO));
        prequalification.publishProducts(DSO, list);
        vm.expectRevert(abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, 7));
        prequalification.productOf(7);
    }

    /// @dev PRD-1: each attribute out of its range, with the bound that it breaks.
    function test_ProductRanges() public {
        IPrequalification.Product memory terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.service = 0;
        refuseProduct(terms, "service", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.testInfrastructure = 0;
        refuseProduct(terms, "testInfrastructure", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.months = 0;
        refuseProduct(terms, "months", 0, 1);
        terms.months = 0x1000;
        refuseProduct(terms, "months", 0x1000, 0xfff);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.weekdays = 0x80;
        refuseProduct(terms, "weekdays", 0x80, 0x7f);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.untilMinute = 1441;
        refuseProduct(terms, "untilMinute", 1441, 1440);
        terms.untilMinute = 600;
        terms.fromMinute = 600;
        refuseProduct(terms, "fromMinute", 600, 600);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.minUpKw = 131_072;
        refuseProduct(terms, "minUpKw", 131_072, 131_071);
        terms.minUpKw = 0;
        refuseProduct(terms, "minUpKw", 0, 1);
        terms.minDownKw = 131_072;
        refuseProduct(terms, "minDownKw", 131_072, 131_071);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.durationS = 0;
        refuseProduct(terms, "durationS", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.tolerancePpm = 1_000_001;
        refuseProduct(terms, "tolerancePpm", 1_000_001, 1_000_000);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.penaltyDenominator = 0;
        refuseProduct(terms, "penaltyDenominator", 0, 1);
        terms = plainProduct(LOCAL_PRODUCT + 1);
        terms.qualificationDays = 36_526;
        refuseProduct(terms, "qualificationDays", 36_526, 36_525);
        refuseProduct(plainProduct(uint32(DSO) << 16), "product", 0, 1);
    }

    /// @dev ACT-1: neither a BSP nor an unknown party publishes products.
    function test_OnlyOperatorsPublish() public {
        IPrequalification.Product[] memory list = new IPrequalification.Product[](1);
        list[0] = plainProduct(uint32(BSP) << 16 | 1);
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, BSP, PartyKind.Dso, signerOf(BSP))
        );
        vm.prank(signerOf(BSP));
        prequalification.publishProducts(BSP, list);
    }
}
