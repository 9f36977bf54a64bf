// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Consortium} from "../src/Consortium.sol";
import {Participants} from "../src/Participants.sol";
import {FACADE_REPLACE} from "../src/base/Facade.sol";
import {IConsortium} from "../src/interfaces/IConsortium.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {PartyKind} from "../src/types/Types.sol";
import {World} from "./World.sol";

/// @notice Something with state, to be replaced.
contract Ledger1 {
    uint256 public total;

    function add(uint256 number) external virtual {
        total += number;
    }

    function tag() external pure virtual returns (uint256) {
        return 1;
    }
}

/// @notice Its successor: another rule, more state behind the old.
contract Ledger2 is Ledger1 {
    error TooMuch(uint256 number);

    uint256 public limit;

    function begin(uint256 limit_) external {
        limit = limit_;
    }

    function add(uint256 number) external override {
        if (number > limit) revert TooMuch(number);
        total += number;
    }

    function tag() external pure override returns (uint256) {
        return 2;
    }
}

/// @notice CON-1: code changes by the consent of the operators, addresses and state stay.
contract ConsortiumTest is World {
    uint40 private constant NOTICE = 7 days;
    bytes32 private constant DOCUMENT = "document";

    Consortium private consortium;
    Ledger1 private ledger;

    function setUp() public {
        vm.warp(startOf(FIRST_DAY) - 2 days);
        bytes32[] memory names = new bytes32[](2);
        (names[0], names[1]) = ("Participants", "Ledger");
        consortium = new Consortium(names, NOTICE);
        IConsortium.Code[] memory codes = new IConsortium.Code[](2);
        bytes memory founding = abi.encodeCall(IParticipants.initialize, (address(this)));
        codes[0] = IConsortium.Code("Participants", address(new Participants()), founding);
        codes[1] = IConsortium.Code("Ledger", address(new Ledger1()), "");
        consortium.found(codes);
        participants = Participants(consortium.facadeOf("Participants"));
        ledger = Ledger1(consortium.facadeOf("Ledger"));
        uint16[5] memory parties = [TSO, DSO, OTHER_DSO, BSP, NODE];
        for (uint256 i = 0; i < parties.length; i++) {
            admit(parties[i], kindIn(parties[i]));
        }
    }

    /// @dev CON-1
    function test_StateAndAddressStayCodeChanges() public {
        ledger.add(40);
        IConsortium.Code[] memory codes = successor(abi.encodeCall(Ledger2.begin, (5)));
        uint32 change = carried(codes);
        assertEq(ledger.total(), 40, "state");
        assertEq(ledger.tag(), 2, "code");
        assertEq(consortium.version(), 2, "version");
        vm.expectRevert(abi.encodeWithSelector(Ledger2.TooMuch.selector, 6));
        ledger.add(6);
        ledger.add(2);
        assertEq(ledger.total(), 42, "new rule");
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeNotOpen.selector, change, IConsortium.ChangeState.CarriedOut));
        consortium.carryOut(TSO, change, codes);
    }

    /// @dev CON-1: two of three are not more than two thirds; the third that is suspended does not count.
    function test_MoreThanTwoThirdsMustConsent() public {
        IConsortium.Code[] memory codes = successor("");
        uint32 change = proposed(codes);
        consent(DSO, change);
        vm.warp(block.timestamp + NOTICE);
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ConsentsMissing.selector, change, 2, 3));
        consortium.carryOut(TSO, change, codes);
        participants.suspend(OTHER_DSO, "gone");
        carryOut(change, codes);
        assertEq(ledger.tag(), 2, "two of two");
    }

    /// @dev CON-1: a consent ends with the party's part.
    function test_ASuspendedConsentDoesNotCount() public {
        IConsortium.Code[] memory codes = successor("");
        uint32 change = proposed(codes);
        consent(DSO, change);
        consent(OTHER_DSO, change);
        participants.suspend(OTHER_DSO, "gone");
        participants.suspend(OTHER_DSO, "twice");
        admit(13, PartyKind.Dso);
        vm.warp(block.timestamp + NOTICE);
        (uint256 consents, uint256 operators) = consortium.consentsTo(change);
        assertEq(consents, 2, "consents");
        assertEq(operators, 3, "operators");
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ConsentsMissing.selector, change, 2, 3));
        consortium.carryOut(TSO, change, codes);
        participants.reinstate(OTHER_DSO);
        (consents, operators) = consortium.consentsTo(change);
        assertEq(consents, 3, "consents");
        assertEq(operators, 4, "operators");
        carryOut(change, codes);
    }

    /// @dev CON-1
    function test_EverybodyHasTheNoticePeriod() public {
        IConsortium.Code[] memory codes = successor("");
        uint40 earliest = uint40(block.timestamp) + NOTICE;
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.NoticeTooShort.selector, earliest - 1, earliest));
        consortium.propose(TSO, codes, DOCUMENT, earliest - 1);
        uint32 change = proposed(codes);
        consent(DSO, change);
        consent(OTHER_DSO, change);
        vm.warp(earliest - 1);
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeTooEarly.selector, change, earliest, earliest - 1));
        consortium.carryOut(TSO, change, codes);
    }

    /// @dev CON-1: what was consented to, nothing else.
    function test_OnlyWhatWasProposedIsCarriedOut() public {
        uint32 change = proposed(successor(""));
        consent(DSO, change);
        consent(OTHER_DSO, change);
        vm.warp(block.timestamp + NOTICE);
        IConsortium.Code[] memory other = successor("");
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.CodesDiffer.selector, change));
        consortium.carryOut(TSO, change, other);
    }

    /// @dev CON-1: of two proposals for the same contracts the first one carried out makes the other one old.
    function test_AnOvertakenChangeIsOutdated() public {
        uint32 overtaken = proposed(successor(""));
        carried(successor(""));
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeOutdated.selector, overtaken, 2, 2));
        consortium.consent(DSO, overtaken);
    }

    /// @dev CON-1
    function test_WhoProposedWithdraws() public {
        uint32 change = proposed(successor(""));
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeOfOther.selector, change, TSO, DSO));
        consortium.withdraw(DSO, change);
        vm.prank(signerOf(TSO));
        consortium.withdraw(TSO, change);
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeNotOpen.selector, change, IConsortium.ChangeState.Withdrawn));
        consortium.consent(DSO, change);
    }

    /// @dev CON-1, ACT-1: nobody but operators decides, each for itself and once.
    function test_OnlyOperatorsDecide() public {
        IConsortium.Code[] memory codes = successor("");
        uint40 from = uint40(block.timestamp) + NOTICE;
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.NotOperator.selector, BSP));
        consortium.propose(BSP, codes, DOCUMENT, from);
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, TSO, PartyKind.Tso, address(this)));
        consortium.propose(TSO, codes, DOCUMENT, from);
        uint32 change = proposed(codes);
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ConsentTwice.selector, change, TSO));
        consortium.consent(TSO, change);
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, OTHER_DSO, PartyKind.Dso, signerOf(DSO)));
        consortium.consent(OTHER_DSO, change);
    }

    /// @dev CON-1
    function test_MalformedChangesAreRefused() public {
        uint40 from = uint40(block.timestamp) + NOTICE;
        IConsortium.Code[] memory codes = successor("");
        codes[0].name = "Unknown";
        refuses(codes, abi.encodeWithSelector(IConsortium.ContractUnknown.selector, bytes32("Unknown")));
        codes = successor("");
        codes[0].implementation = address(0xE0A);
        refuses(codes, abi.encodeWithSelector(IConsortium.CodeMissing.selector, bytes32("Ledger"), address(0xE0A)));
        codes = new IConsortium.Code[](2);
        codes[0] = codes[1] = successor("")[0];
        refuses(codes, abi.encodeWithSelector(IConsortium.ContractUnknown.selector, bytes32("Ledger")));
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeEmpty.selector));
        consortium.propose(TSO, new IConsortium.Code[](0), DOCUMENT, from);
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.ChangeNotOpen.selector, 7, IConsortium.ChangeState.None));
        consortium.consent(TSO, 7);
    }

    /// @dev CON-1: code that refuses to begin leaves everything as it was.
    function test_AChangeIsWholeOrNothing() public {
        IConsortium.Code[] memory codes = new IConsortium.Code[](2);
        codes[0] = successor("")[0];
        bytes memory again = abi.encodeCall(IParticipants.initialize, (address(0xBAD)));
        codes[1] = IConsortium.Code("Participants", address(new Participants()), again);
        uint32 change = proposed(codes);
        consent(DSO, change);
        consent(OTHER_DSO, change);
        vm.warp(block.timestamp + NOTICE);
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSignature("InvalidInitialization()"));
        consortium.carryOut(TSO, change, codes);
        assertEq(ledger.tag(), 1, "code");
        assertEq(consortium.version(), 1, "version");
    }

    /// @dev CON-1: founded once, by its maker.
    function test_FoundedOnce() public {
        IConsortium.Code[] memory codes = new IConsortium.Code[](0);
        vm.expectRevert(abi.encodeWithSelector(IConsortium.FoundingRefused.selector, address(this), 1));
        consortium.found(codes);
        Consortium fresh = new Consortium(new bytes32[](0), NOTICE);
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IConsortium.FoundingRefused.selector, address(0xBAD), 0));
        fresh.found(codes);
    }

    /// @dev CON-1: nobody but the consortium reaches the code of a facade, not even with its own call.
    function testFuzz_NobodyElseReplacesCode(address caller) public {
        vm.assume(caller != address(consortium));
        address wanted = address(new Ledger2());
        vm.prank(caller);
        (bool done,) = address(ledger).call(abi.encodePacked(FACADE_REPLACE, abi.encode(wanted, "")));
        assertTrue(!done, "refused");
        assertEq(ledger.tag(), 1, "code");
    }

    function successor(bytes memory initial) private returns (IConsortium.Code[] memory codes) {
        codes = new IConsortium.Code[](1);
        codes[0] = IConsortium.Code("Ledger", address(new Ledger2()), initial);
    }

    function refuses(IConsortium.Code[] memory codes, bytes memory reason) private {
        vm.prank(signerOf(TSO));
        vm.expectRevert(reason);
        consortium.propose(TSO, codes, DOCUMENT, uint40(block.timestamp) + NOTICE);
    }

    uint32 private _proposed;

    function proposed(IConsortium.Code[] memory codes) private returns (uint32) {
        vm.prank(signerOf(TSO));
        consortium.propose(TSO, codes, DOCUMENT, uint40(block.timestamp) + NOTICE);
        return ++_proposed;
    }

    function consent(uint16 party, uint32 change) private {
        vm.prank(signerOf(party));
        consortium.consent(party, change);
    }

    function carried(IConsortium.Code[] memory codes) private returns (uint32 change) {
        change = proposed(codes);
        consent(DSO, change);
        consent(OTHER_DSO, change);
        vm.warp(block.timestamp + NOTICE);
        carryOut(change, codes);
    }

    function carryOut(uint32 change, IConsortium.Code[] memory codes) private {
        vm.prank(signerOf(DSO));
        consortium.carryOut(DSO, change, codes);
    }
}
