// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Participants} from "../src/Participants.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {Eic} from "../src/libraries/Eic.sol";
import {PartyKind} from "../src/types/Types.sol";
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
        bytes[6] memory calls = [
            abi.encodeCall(IParticipants.admit, (new IParticipants.Admission[](0))),
            abi.encodeCall(IParticipants.rotateSigner, (TSO, signerOf(TSO), address(0x5EED))),
            abi.encodeCall(IParticipants.suspend, (DSO, "reason")),
            abi.encodeCall(IParticipants.reinstate, (DSO)),
            abi.encodeCall(IParticipants.pause, ()),
            abi.encodeCall(IParticipants.unpause, ())
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
        vm.prank(signerOf(TSO));
        vm.expectRevert(abi.encodeWithSelector(Participants.SignerOnlyRotates.selector, role));
        participants.renounceRole(role, signerOf(TSO));
    }

    /// @dev ACT-1
    function test_AdminHandsOver() public {
        participants.grantRole(0, address(0xAD));
        participants.renounceRole(0, address(this));
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), bytes32(0))
        );
        participants.pause();
        vm.prank(address(0xAD));
        participants.pause();
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
