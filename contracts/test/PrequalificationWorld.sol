// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {PodCategory, QualificationState, Scope, VoltageLevel} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice LOCAL and GLOBAL have the same two PODs (10 up, 20 down); a third aggregate is LOCAL's neighbour.
abstract contract PrequalificationWorld is MarketWorld {
    uint40 internal constant THIRD = uint40(BSP) << 24 | 3;

    function setUp() public virtual {
        setUpMarket();
        addPods(0, 2, 10, 20, PERIMETER, LOCAL, GLOBAL);
        createAggregate(THIRD, Scope.Global);
        addPods(2, 1, 10, 20, PERIMETER, 0, THIRD);
    }

    function reach(uint32 product, QualificationState state) internal {
        if (state == QualificationState.None) return;
        applyFor(LOCAL, product);
        if (state == QualificationState.Requested) return;
        moveTo(LOCAL, product, QualificationState.Testing, 0);
        if (state == QualificationState.Testing) return;
        if (state == QualificationState.Rejected) return moveTo(LOCAL, product, state, 500);
        moveTo(LOCAL, product, QualificationState.Qualified, 1000);
        if (state == QualificationState.Suspended) moveTo(LOCAL, product, state, 0);
        if (state == QualificationState.Expired) vm.warp(block.timestamp + 365 days);
    }

    function isStep(QualificationState from, QualificationState to) internal pure returns (bool) {
        return (from == QualificationState.Requested && to == QualificationState.Testing)
            || (from == QualificationState.Testing && (to == QualificationState.Qualified || to == QualificationState.Rejected))
            || (from == QualificationState.Qualified && to == QualificationState.Suspended)
            || (from == QualificationState.Suspended && to == QualificationState.Qualified);
    }

    function refuseProduct(IPrequalification.Product memory terms, bytes32 attribute, uint256 found, uint256 limit) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.ProductInvalid.selector, terms.product, attribute, found, limit)
        );
        publishProduct(terms);
    }

    function refuseEquivalence(IPrequalification.Product memory hard, bytes32 attribute, uint256 a, uint256 b) internal {
        refuseEquivalence(plainProduct(LOCAL_PRODUCT), hard, attribute, a, b);
    }

    function refuseEquivalence(
        IPrequalification.Product memory easy,
        IPrequalification.Product memory hard,
        bytes32 attribute,
        uint256 a,
        uint256 b
    ) internal {
        publishProduct(hard);
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.NotEquivalent.selector, easy.product, hard.product, attribute, a, b)
        );
        propose(DSO, easy.product, hard.product);
    }

    function requireQualified(uint40 aggregate, uint40 tested, uint32[] memory chain) internal view {
        prequalification.requireQualified(aggregate, tested, chain, FIRST_DAY, uint40(block.timestamp));
    }

    function refuseQualified(uint40 aggregate, uint40 tested, uint32[] memory chain, bytes memory refusal) internal {
        vm.expectRevert(refusal);
        prequalification.requireQualified(aggregate, tested, chain, FIRST_DAY, uint40(block.timestamp));
    }

    function propose(uint16 operator, uint32 from, uint32 to) internal {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.proposeEquivalences(operator, a, b);
    }

    function accept(uint16 operator, uint32 from, uint32 to) internal {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.acceptEquivalences(operator, a, b);
    }

    function revoke(uint16 operator, uint32 from, uint32 to) internal {
        (uint32[] memory a, uint32[] memory b) = (chainOf(from), chainOf(to));
        vm.prank(signerOf(operator));
        prequalification.revokeEquivalences(operator, a, b);
    }

    function chainOf(uint32 only) internal pure returns (uint32[] memory chain) {
        chain = new uint32[](1);
        chain[0] = only;
    }

    function chainOf(uint32 from, uint32 to) internal pure returns (uint32[] memory chain) {
        chain = new uint32[](2);
        (chain[0], chain[1]) = (from, to);
    }

    function step(uint32 from, uint32 to, uint16 operator) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.EquivalenceStep.selector, from, to, operator);
    }

    function notQualified(uint32 product, QualificationState state, uint40 until) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.NotQualified.selector, LOCAL, product, state, until);
    }

    function notIdentical(uint40 tested, uint40 asking, uint32 shared, uint32 testedPods, uint32 askingPods)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(
            IPrequalification.AggregatesNotIdentical.selector, tested, asking, shared, testedPods, askingPods
        );
    }

    function changed(bytes32 what, uint256 tested, uint256 found) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IPrequalification.AggregateChanged.selector, LOCAL, LOCAL_PRODUCT, what, tested, found);
    }

    function refuseTomorrow(bytes memory refusal) internal {
        vm.expectRevert(refusal);
        prequalification.requireQualified(
            LOCAL, LOCAL, chainOf(LOCAL_PRODUCT), FIRST_DAY + 1, uint40(block.timestamp)
        );
    }

    function refuseStep(QualificationState from, QualificationState to) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IPrequalification.StepNotAllowed.selector, LOCAL, LOCAL_PRODUCT, from, to)
        );
        moveTo(LOCAL, LOCAL_PRODUCT, to, 1000);
    }

    function leave(uint40 aggregate, bytes32 podId) internal {
        vm.prank(signerOf(BSP));
        pods.leave(BSP, aggregate, one(podId));
    }

    function rejoin(uint40 aggregate, bytes32 podId) internal {
        vm.prank(signerOf(BSP));
        pods.join(BSP, aggregate, one(podId));
    }

    /// @dev A relevant change: the light is requested again.
    function changePod(bytes32 podId) internal {
        IPods.Registration[] memory list = new IPods.Registration[](1);
        list[0] = IPods.Registration(podId, DSO, PodCategory.Mixed, VoltageLevel.Low, 10, 20, 60, "other DERs");
        vm.prank(signerOf(BSP));
        pods.change(BSP, list);
    }

    function one(bytes32 podId) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = podId;
    }

    function assertAnswer(uint40 aggregate, uint32 product, uint40 tested, uint32[] memory chain) internal view {
        (bool yes, uint40 foundTested, uint32[] memory foundChain, uint40 until, bytes memory refusal) =
            prequalification.isQualified(aggregate, product, FIRST_DAY, uint40(block.timestamp));
        assertTrue(yes && refusal.length == 0, "qualified");
        assertEq(foundTested, tested, "tested");
        assertEq(keccak256(abi.encode(foundChain)), keccak256(abi.encode(chain)), "chain");
        (, uint40 validUntil) = prequalification.qualificationOf(tested, chain[0]);
        assertEq(until, validUntil, "valid until");
        requireQualified(aggregate, tested, chain);
    }

    function assertRefusal(uint40 aggregate, uint32 product, bytes memory expected) internal view {
        (bool yes, uint40 tested, uint32[] memory chain,, bytes memory refusal) =
            prequalification.isQualified(aggregate, product, FIRST_DAY, uint40(block.timestamp));
        assertTrue(!yes && tested == 0 && chain.length == 0, "not qualified");
        assertEq(keccak256(refusal), keccak256(expected), "refusal");
    }
}
