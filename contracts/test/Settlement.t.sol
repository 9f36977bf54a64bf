// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Settlement} from "../src/Settlement.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {PartyKind} from "../src/types/Types.sol";
import {World} from "./World.sol";

/// @notice Knows which products exist; of Prequalification only this is asked for by Settlement.
contract Catalogue {
    mapping(uint32 product => bool) private _published;

    function publish(uint32 product) external {
        _published[product] = true;
    }

    function productOf(uint32 product) external view returns (IPrequalification.Product memory terms) {
        if (!_published[product]) revert IPrequalification.ProductUnknown(product);
        terms.product = product;
    }
}

contract SettlementTest is World {
    uint40 private constant AGGREGATE = uint40(BSP) << 24 | 1;
    uint32 private constant TSO_PRODUCT = uint32(TSO) << 16 | 1;
    uint32 private constant DSO_PRODUCT = uint32(DSO) << 16 | 1;
    uint40 private constant WINDOW_S = 30 days;

    Settlement private settlement;

    function setUp() public {
        setUpWorld();
        scheduleDay(FIRST_DAY);
        Catalogue catalogue = new Catalogue();
        catalogue.publish(TSO_PRODUCT);
        catalogue.publish(DSO_PRODUCT);
        settlement = new Settlement(participants, sessions, IPrequalification(address(catalogue)), WINDOW_S);
        vm.warp(startOf(FIRST_DAY) + 1 days);
    }

    /// @dev STT-4
    function test_RecordsWithItsDisputeWindow() public {
        vm.expectEmit(address(settlement));
        emit ISettlement.StatementRecorded(
            "one", TSO, AGGREGATE, TSO_PRODUCT, FIRST_DAY, "commitment", 0, uint40(block.timestamp) + WINDOW_S
        );
        record(TSO, statement("one", TSO_PRODUCT, 0));
        assertEq(settlement.inForce(AGGREGATE, TSO_PRODUCT, FIRST_DAY), "one", "in force");
    }

    /// @dev STT-5: TSO and DSO settle the same aggregate and day side by side.
    function test_OperatorsSettleSeparately() public {
        record(TSO, statement("one", TSO_PRODUCT, 0));
        record(DSO, statement("two", DSO_PRODUCT, 0));
        assertEq(settlement.inForce(AGGREGATE, DSO_PRODUCT, FIRST_DAY), "two", "of the DSO");
    }

    /// @dev STT-4: a chain of statements, each naming the one before it.
    function test_SupersedesWhatIsInForceOnly() public {
        record(TSO, statement("one", TSO_PRODUCT, 0));
        refuse(TSO, statement("two", TSO_PRODUCT, 0), wrong("two", "one", 0));
        refuse(TSO, statement("two", TSO_PRODUCT, "zero"), wrong("two", "one", "zero"));
        record(TSO, statement("two", TSO_PRODUCT, "one"));
        refuse(TSO, statement("three", TSO_PRODUCT, "one"), wrong("three", "two", "one"));
        refuse(TSO, statement("one", TSO_PRODUCT, "two"), abi.encodeWithSelector(ISettlement.StatementExists.selector, bytes32("one")));
        refuse(TSO, statement(0, TSO_PRODUCT, "two"), abi.encodeWithSelector(ISettlement.StatementUnknown.selector, bytes32(0)));
    }

    /// @dev STT-4: own products, once the day is over.
    function test_RefusesWhatIsNotSettleable() public {
        refuse(
            DSO,
            statement("one", TSO_PRODUCT, 0),
            abi.encodeWithSelector(ISettlement.NotSettleable.selector, bytes32("one"), TSO_PRODUCT, DSO, FIRST_DAY)
        );
        refuse(
            TSO,
            statement("one", TSO_PRODUCT + 1, 0),
            abi.encodeWithSelector(IPrequalification.ProductUnknown.selector, TSO_PRODUCT + 1)
        );
        ISettlement.Statement memory unscheduled = statement("one", TSO_PRODUCT, 0);
        unscheduled.day = FIRST_DAY - 1;
        refuse(TSO, unscheduled, abi.encodeWithSelector(IMarketSessions.DayNotScheduled.selector, FIRST_DAY - 1));
        vm.warp(block.timestamp - 1);
        refuse(
            TSO,
            statement("one", TSO_PRODUCT, 0),
            abi.encodeWithSelector(ISettlement.NotSettleable.selector, bytes32("one"), TSO_PRODUCT, TSO, FIRST_DAY)
        );
    }

    /// @dev STT-4, ACT-1
    function test_OnlyOperatorsSettle() public {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](0);
        vm.prank(signerOf(BSP));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, BSP, PartyKind.Tso, signerOf(BSP))
        );
        settlement.record(BSP, statements);
        vm.prank(signerOf(TSO));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, DSO, PartyKind.Dso, signerOf(TSO))
        );
        settlement.record(DSO, statements);
    }

    /// @dev STT-4: by the aggregate's BSP, within the window, once.
    function testFuzz_DisputesWithinTheWindow(uint40 afterS) public {
        uint40 until = uint40(block.timestamp) + WINDOW_S;
        record(TSO, statement("one", TSO_PRODUCT, 0));
        vm.warp(block.timestamp + bound(afterS, 0, 2 * WINDOW_S));
        refuseDispute(OTHER_BSP, until);
        if (block.timestamp >= until) {
            refuseDispute(BSP, until);
            return;
        }
        vm.expectEmit(address(settlement));
        emit ISettlement.StatementDisputed("one", BSP, "reason");
        vm.prank(signerOf(BSP));
        settlement.dispute(BSP, "one", "reason");
        refuseDispute(BSP, until);
    }

    /// @dev STT-4
    function test_AuditorAttests() public {
        record(TSO, statement("one", TSO_PRODUCT, 0));
        vm.expectEmit(address(settlement));
        emit ISettlement.StatementAttested("one", AUDITOR, true, "bundle");
        vm.prank(signerOf(AUDITOR));
        settlement.attest(AUDITOR, "one", true, "bundle");
        vm.prank(signerOf(AUDITOR));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.StatementUnknown.selector, bytes32("two")));
        settlement.attest(AUDITOR, "two", true, "bundle");
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.StatementUnknown.selector, bytes32("two")));
        settlement.dispute(BSP, "two", "reason");
    }

    function record(uint16 operator, ISettlement.Statement memory item) private {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](1);
        statements[0] = item;
        vm.prank(signerOf(operator));
        settlement.record(operator, statements);
    }

    function refuse(uint16 operator, ISettlement.Statement memory item, bytes memory refusal) private {
        ISettlement.Statement[] memory statements = new ISettlement.Statement[](1);
        statements[0] = item;
        vm.prank(signerOf(operator));
        vm.expectRevert(refusal);
        settlement.record(operator, statements);
    }

    function refuseDispute(uint16 bsp, uint40 until) private {
        vm.prank(signerOf(bsp));
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.NotDisputable.selector, bytes32("one"), bsp, until, uint40(block.timestamp)
            )
        );
        settlement.dispute(bsp, "one", "reason");
    }

    function statement(bytes32 id, uint32 product, bytes32 supersedes)
        private
        pure
        returns (ISettlement.Statement memory)
    {
        return ISettlement.Statement(id, AGGREGATE, product, FIRST_DAY, "commitment", supersedes);
    }

    function wrong(bytes32 id, bytes32 current, bytes32 found) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ISettlement.SupersedesWrong.selector, id, current, found);
    }
}
