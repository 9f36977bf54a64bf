// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Participants} from "../src/Participants.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {Eic} from "../src/libraries/Eic.sol";
import {PartyKind, Right} from "../src/types/Types.sol";
import {World} from "./World.sol";

contract ParticipantsTest is World {
    function setUp() public {
        setUpWorld();
    }

    /// @dev ACT-2: codes of real system operators and areas.
    function test_PublishedEicsAreValid() public pure {
        bytes16[5] memory published = [
            bytes16("10YIT-GRTN-----B"),
            bytes16("10YFR-RTE------C"),
            bytes16("10YDE-VE-------2"),
            bytes16("10Y1001A1001A73I"),
            bytes16("10YAT-APG------L")
        ];
        for (uint256 i = 0; i < published.length; i++) {
            assertTrue(Eic.isValid(published[i]), "published EIC");
        }
    }

    /// @dev ACT-2: the modulus is a prime greater than every weight and character, so no single typing error passes.
    function testFuzz_NoSingleTypingErrorPasses(uint16 party, uint8 place, bytes1 typed) public pure {
        bytes16 right = eicOf(party);
        place = place % 16;
        vm.assume(typed != right[place]);
        uint128 shift = 8 * (15 - uint128(place));
        bytes16 wrong = bytes16(uint128(right) & ~(uint128(0xff) << shift) | uint128(uint8(typed)) << shift);
        assertTrue(!Eic.isValid(wrong), "one wrong character");
    }

    /// @dev ACT-2: a code whose check would be a hyphen is not issued.
    function test_HyphenIsNoCheckCharacter() public pure {
        bytes memory code = "26X00000-000000-";
        for (uint256 tail = 0; tail < 36; tail++) {
            code[14] = bytes("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")[tail];
            assertTrue(!Eic.isValid(bytes16(bytes(code))), "hyphen");
        }
    }

    /// @dev ACT-1
    function test_SignerActsForItsPartyAndKindOnly() public {
        participants.requireParty(PartyKind.Dso, DSO, signerOf(DSO));
        expectNotAuthorised(OTHER_DSO, PartyKind.Dso, signerOf(DSO));
        expectNotAuthorised(DSO, PartyKind.Tso, signerOf(DSO));
        expectNotAuthorised(DSO, PartyKind.Dso, address(0xBAD));
        expectNotAuthorised(0, PartyKind.None, address(this));
    }

    /// @dev ACT-1
    function test_RotatedKeyActsNoMore() public {
        participants.rotateSigner(DSO, signerOf(DSO), address(0x5EED));
        participants.requireParty(PartyKind.Dso, DSO, address(0x5EED));
        expectNotAuthorised(DSO, PartyKind.Dso, signerOf(DSO));
        participants.rotateSigner(DSO, address(0x5EED), signerOf(DSO));
        participants.requireParty(PartyKind.Dso, DSO, signerOf(DSO));
    }

    /// @dev ACT-1: not even a retired key signs for another party.
    function test_SignerBelongsToOnePartyForEver() public {
        participants.rotateSigner(DSO, signerOf(DSO), address(0x5EED));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.SignerTaken.selector, signerOf(DSO), DSO));
        participants.rotateSigner(BSP, signerOf(BSP), signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.SignerTaken.selector, address(0), 0));
        participants.rotateSigner(BSP, signerOf(BSP), address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, BSP, PartyKind.Bsp, signerOf(OTHER_BSP))
        );
        participants.rotateSigner(BSP, signerOf(OTHER_BSP), address(0x5EED2));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.UnknownParty.selector, 99));
        participants.rotateSigner(99, address(0), address(0x5EED2));
    }

    /// @dev ACT-1, ACT-2
    function test_RefusesAdmission() public {
        IParticipants.Admission memory good =
            IParticipants.Admission(90, PartyKind.Bsp, eicOf(90), "new", address(0x90));
        refuseAdmission(
            with(good, 0, PartyKind.Bsp), abi.encodeWithSelector(IParticipants.PartyNotAdmissible.selector, 0, PartyKind.Bsp)
        );
        refuseAdmission(
            with(good, 90, PartyKind.None), abi.encodeWithSelector(IParticipants.PartyNotAdmissible.selector, 90, PartyKind.None)
        );
        refuseAdmission(
            with(good, DSO, PartyKind.Bsp), abi.encodeWithSelector(IParticipants.PartyNotAdmissible.selector, DSO, PartyKind.Bsp)
        );
        IParticipants.Admission memory bad = with(good, 90, PartyKind.Bsp);
        bad.eic = "10YIT-GRTN-----C";
        refuseAdmission(bad, abi.encodeWithSelector(IParticipants.EicInvalid.selector, bad.eic));
        bad.eic = eicOf(DSO);
        refuseAdmission(bad, abi.encodeWithSelector(IParticipants.EicTaken.selector, bad.eic, DSO));
        bad.eic = good.eic;
        bad.signer = signerOf(TSO);
        refuseAdmission(bad, abi.encodeWithSelector(IParticipants.SignerTaken.selector, signerOf(TSO), TSO));
    }

    /// @dev ACT-1
    function test_SuspendedPartyWaitsForReinstatement() public {
        participants.suspend(BSP, "unpaid");
        vm.expectRevert(abi.encodeWithSelector(IParticipants.PartyIsSuspended.selector, BSP));
        participants.requireParty(PartyKind.Bsp, BSP, signerOf(BSP));
        participants.requireParty(PartyKind.Bsp, OTHER_BSP, signerOf(OTHER_BSP));
        participants.reinstate(BSP);
        participants.requireParty(PartyKind.Bsp, BSP, signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.UnknownParty.selector, 99));
        participants.suspend(99, "nobody");
    }

    /// @dev ACT-1
    function test_PauseStopsEveryParty() public {
        participants.pause();
        vm.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        participants.requireParty(PartyKind.Tso, TSO, signerOf(TSO));
        participants.unpause();
        participants.requireParty(PartyKind.Tso, TSO, signerOf(TSO));
    }

    /// @dev ACT-1: only the consortium admin admits, suspends, rotates and pauses.
    function test_StrangerAdministersNothing() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, signerOf(TSO), bytes32(0));
        bytes[7] memory calls = [
            abi.encodeCall(IParticipants.admit, (new IParticipants.Admission[](0))),
            abi.encodeCall(IParticipants.rotateSigner, (TSO, signerOf(TSO), address(0x5EED))),
            abi.encodeCall(IParticipants.suspend, (DSO, "reason")),
            abi.encodeCall(IParticipants.reinstate, (DSO)),
            abi.encodeCall(IParticipants.pause, ()),
            abi.encodeCall(IParticipants.unpause, ()),
            abi.encodeCall(IParticipants.offerAdmin, (new address[](0), 0))
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(signerOf(TSO));
            (bool done, bytes memory answer) = address(participants).call(calls[i]);
            assertTrue(!done && keccak256(answer) == keccak256(refusal), "refused as a stranger");
        }
    }

    /// @dev ACT-1: no change of a signer without its event, not even by the admin or the signer itself.
    function test_PartyRolesChangeByRotationOnly() public {
        bytes32 role = participants.roleOf(PartyKind.Tso, TSO);
        bytes32 nobody = participants.getRoleAdmin(role);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), nobody);
        vm.expectRevert(refusal);
        participants.grantRole(role, address(0x5EED));
        vm.expectRevert(refusal);
        participants.revokeRole(role, signerOf(TSO));
        vm.expectRevert(refusal);
        participants.grantRole(nobody, address(this));
        vm.expectRevert(refusal);
        participants.grantRole(0, address(0x5EED));
        vm.expectRevert(abi.encodeWithSelector(Participants.SignerOnlyRotates.selector, bytes32(0)));
        participants.renounceRole(0, address(this));
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(Participants.SignerOnlyRotates.selector, role));
        participants.renounceRole(role, signerOf(TSO));
    }

    /// @dev ACT-1: offered by the admin, theirs once each new seat has accepted; until then nothing has changed.
    function test_AdminHandsOverInTwoSteps() public {
        address[] memory seats = seatsOf(3);
        participants.offerAdmin(seats, 2);
        expectNoAdmin(seats[0]);
        vm.prank(seats[0]);
        participants.pause();
        vm.expectRevert(abi.encodeWithSelector(IParticipants.AdminNotOffered.selector, address(this)));
        participants.acceptAdmin();
        acceptFrom(seats[0]);
        vm.prank(seats[0]);
        vm.expectRevert(abi.encodeWithSelector(IParticipants.ConsentRepeated.selector, seats[0]));
        participants.acceptAdmin();
        acceptFrom(seats[1]);
        participants.suspend(BSP, "the old admin still acts");
        participants.reinstate(BSP);
        acceptFrom(seats[2]);
        (address[] memory found, uint8 threshold) = participants.adminSeats();
        assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(seats)), "seats");
        assertEq(threshold, 2, "threshold");
        expectNoAdmin(address(this));
        participants.pause();
        vm.prank(seats[2]);
        vm.expectRevert(abi.encodeWithSelector(IParticipants.AdminNotOffered.selector, seats[2]));
        participants.acceptAdmin();
    }

    /// @dev ACT-1: another offer takes the place of the one before, acceptances included.
    function test_AnotherOfferReplacesTheFirst() public {
        address[] memory seats = seatsOf(2);
        participants.offerAdmin(seats, 1);
        acceptFrom(seats[0]);
        participants.offerAdmin(seats, 2);
        acceptFrom(seats[1]);
        (address[] memory found,) = participants.adminSeats();
        assertTrue(found.length == 1 && found[0] == address(this), "not handed over yet");
        acceptFrom(seats[0]);
        (found,) = participants.adminSeats();
        assertEq(found.length, 2, "handed over");
    }

    /// @dev ACT-1
    function test_RefusesImpossibleAdmins() public {
        refuseOffer(new address[](0), 0);
        refuseOffer(seatsOf(2), 0);
        refuseOffer(seatsOf(2), 3);
        refuseOffer(seatsOf(17), 1);
        address[] memory seats = seatsOf(3);
        seats[2] = seats[0];
        refuseOffer(seats, 2);
        seats[2] = address(0);
        refuseOffer(seats, 2);
        participants.offerAdmin(seatsOf(16), 16);
    }

    /// @dev ACT-1: no seat alone does anything but pause; the same call from enough different seats does.
    function testFuzz_NothingHappensBelowTheThreshold(uint8 seats_, uint8 threshold, uint256 order) public {
        seats_ = uint8(bound(seats_, 2, 8));
        threshold = uint8(bound(threshold, 2, seats_));
        address[] memory seats = handOverTo(seats_, threshold);
        uint256 first = order % seats_;
        for (uint256 i = 0; i < threshold; i++) {
            assertTrue(!suspendedOf(BSP), "not before the threshold");
            address seat = seats[(first + i) % seats_];
            vm.prank(seat);
            participants.suspend(BSP, "agreed");
            if (i + 1 == threshold) break;
            vm.prank(seat);
            vm.expectRevert(abi.encodeWithSelector(IParticipants.ConsentRepeated.selector, seat));
            participants.suspend(BSP, "agreed");
        }
        assertTrue(suspendedOf(BSP), "with the threshold");
        vm.prank(seats[first]);
        participants.suspend(BSP, "agreed");
        vm.prank(seats[first]);
        participants.pause();
        vm.prank(seats[first]);
        participants.unpause();
        vm.expectRevert(abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        participants.requireParty(PartyKind.Tso, TSO, signerOf(TSO));
    }

    /// @dev ACT-1: consents are to one call with its values, lapse after a week, and with the seats that gave them.
    function test_ConsentsLapse() public {
        address[] memory seats = handOverTo(2, 2);
        consent(seats[0], BSP);
        consent(seats[1], OTHER_BSP);
        assertTrue(!suspendedOf(BSP) && !suspendedOf(OTHER_BSP), "two different calls");
        vm.warp(block.timestamp + 7 days);
        consent(seats[1], BSP);
        assertTrue(!suspendedOf(BSP), "the first consent is too old");
        address[] memory others = seatsOf(4);
        (others[0], others[1]) = (others[2], others[3]);
        assembly ("memory-safe") {
            mstore(others, 2)
        }
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(seats[i]);
            participants.offerAdmin(others, 2);
        }
        acceptFrom(others[0]);
        acceptFrom(others[1]);
        consent(others[0], BSP);
        assertTrue(!suspendedOf(BSP), "what a former seat wanted counts no more");
        consent(others[1], BSP);
        assertTrue(suspendedOf(BSP), "both new seats");
    }

    // -- delegation -------------------------------------------------------------------------------------------------

    /// @dev ACT-1: this right, for this party, by the agent's present key, until the time or the end.
    function test_AnAgentUsesItsRightAndNoOther() public {
        uint40 until = uint40(block.timestamp + 30 days);
        delegateFrom(BSP, OTHER_BSP, until);
        assertEq(participants.delegatedUntil(BSP, OTHER_BSP, Right.FileBaselines), until, "until");
        requireRight(BSP, signerOf(OTHER_BSP));
        requireRight(BSP, signerOf(BSP));
        expectNotAuthorised(BSP, PartyKind.Bsp, signerOf(OTHER_BSP));
        refuseRight(OTHER_BSP, signerOf(BSP), notAuthorised(OTHER_BSP, signerOf(BSP)));
        refuseRight(BSP, signerOf(NODE), notAuthorised(BSP, signerOf(NODE)));
        refuseRight(BSP, address(0x5EED), notAuthorised(BSP, address(0x5EED)));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, BSP, PartyKind.Dso, signerOf(OTHER_BSP)));
        participants.requireRight(PartyKind.Dso, BSP, Right.FileBaselines, signerOf(OTHER_BSP));

        participants.rotateSigner(OTHER_BSP, signerOf(OTHER_BSP), address(0x5EED));
        refuseRight(BSP, signerOf(OTHER_BSP), notAuthorised(OTHER_BSP, signerOf(OTHER_BSP)));
        requireRight(BSP, address(0x5EED));
        participants.suspend(OTHER_BSP, "agent");
        refuseRight(BSP, address(0x5EED), abi.encodeWithSelector(IParticipants.PartyIsSuspended.selector, OTHER_BSP));
        participants.reinstate(OTHER_BSP);
        participants.suspend(BSP, "party");
        refuseRight(BSP, address(0x5EED), abi.encodeWithSelector(IParticipants.PartyIsSuspended.selector, BSP));
        participants.reinstate(BSP);
        participants.pause();
        refuseRight(BSP, address(0x5EED), abi.encodeWithSelector(Pausable.EnforcedPause.selector));
        participants.unpause();
        vm.warp(until - 1);
        requireRight(BSP, address(0x5EED));
        vm.warp(until);
        refuseRight(BSP, address(0x5EED), notAuthorised(BSP, address(0x5EED)));
    }

    /// @dev ACT-1: given and taken back by the party's own key alone; an agent passes nothing on.
    function test_OnlyThePartyDelegates() public {
        uint40 until = uint40(block.timestamp + 366 days);
        vm.expectRevert(notAuthorised(BSP, address(this)));
        participants.delegate(BSP, OTHER_BSP, Right.FileBaselines, until);
        delegateFrom(BSP, OTHER_BSP, until);
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(notAuthorised(BSP, signerOf(OTHER_BSP)));
        participants.delegate(BSP, NODE, Right.FileBaselines, until);
        vm.prank(signerOf(OTHER_BSP));
        vm.expectRevert(notAuthorised(BSP, signerOf(OTHER_BSP)));
        participants.endDelegation(BSP, OTHER_BSP, Right.FileBaselines);
        refuseDelegation(BSP, until);
        refuseDelegation(99, until);
        refuseDelegation(0, until);
        refuseDelegation(OTHER_BSP, until + 1);
        refuseDelegation(OTHER_BSP, uint40(block.timestamp));
        vm.prank(signerOf(BSP));
        participants.endDelegation(BSP, OTHER_BSP, Right.FileBaselines);
        refuseRight(BSP, signerOf(OTHER_BSP), notAuthorised(BSP, signerOf(OTHER_BSP)));
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.DelegationMissing.selector, BSP, OTHER_BSP));
        participants.endDelegation(BSP, OTHER_BSP, Right.FileBaselines);
    }

    function requireRight(uint16 party, address sender) private view {
        participants.requireRight(PartyKind.Bsp, party, Right.FileBaselines, sender);
    }

    function refuseRight(uint16 party, address sender, bytes memory refusal) private {
        vm.expectRevert(refusal);
        participants.requireRight(PartyKind.Bsp, party, Right.FileBaselines, sender);
    }

    function notAuthorised(uint16 party, address sender) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IParticipants.NotAuthorised.selector, party, PartyKind.Bsp, sender);
    }

    function delegateFrom(uint16 party, uint16 agent, uint40 until) private {
        vm.prank(signerOf(party));
        participants.delegate(party, agent, Right.FileBaselines, until);
    }

    function refuseDelegation(uint16 agent, uint40 until) private {
        uint40 limit = uint40(block.timestamp + 366 days);
        vm.prank(signerOf(BSP));
        vm.expectRevert(abi.encodeWithSelector(IParticipants.DelegationInvalid.selector, BSP, agent, until, limit));
        participants.delegate(BSP, agent, Right.FileBaselines, until);
    }

    function seatsOf(uint256 count) private pure returns (address[] memory seats) {
        seats = new address[](count);
        for (uint256 i = 0; i < count; i++) {
            seats[i] = address(uint160(0xAD00 + i));
        }
    }

    function handOverTo(uint256 count, uint8 threshold) private returns (address[] memory seats) {
        seats = seatsOf(count);
        participants.offerAdmin(seats, threshold);
        for (uint256 i = 0; i < count; i++) {
            acceptFrom(seats[i]);
        }
    }

    function acceptFrom(address seat) private {
        vm.prank(seat);
        participants.acceptAdmin();
    }

    function consent(address seat, uint16 party) private {
        vm.prank(seat);
        participants.suspend(party, "agreed");
    }

    function suspendedOf(uint16 party) private view returns (bool) {
        try participants.requireParty(PartyKind.Bsp, party, signerOf(party)) {
            return false;
        } catch {
            return true;
        }
    }

    function refuseOffer(address[] memory seats, uint8 threshold) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipants.AdminOfferInvalid.selector, seats.length, threshold));
        participants.offerAdmin(seats, threshold);
    }

    function expectNoAdmin(address sender) private {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, sender, bytes32(0))
        );
    }

    function expectNotAuthorised(uint16 party, PartyKind kind, address sender) private {
        vm.expectRevert(abi.encodeWithSelector(IParticipants.NotAuthorised.selector, party, kind, sender));
        participants.requireParty(kind, party, sender);
    }

    function refuseAdmission(IParticipants.Admission memory admission, bytes memory refusal) private {
        IParticipants.Admission[] memory admissions = new IParticipants.Admission[](1);
        admissions[0] = admission;
        vm.expectRevert(refusal);
        participants.admit(admissions);
    }

    function with(IParticipants.Admission memory admission, uint16 party, PartyKind kind)
        private
        pure
        returns (IParticipants.Admission memory)
    {
        return IParticipants.Admission(party, kind, admission.eic, admission.name, admission.signer);
    }
}
