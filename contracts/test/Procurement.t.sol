// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Procurement} from "../src/Procurement.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {IProcurement} from "../src/interfaces/IProcurement.sol";
import {Market as MarketSide, PartyKind} from "../src/types/Types.sol";
import {World} from "./World.sol";

contract ProcurementTest is World {
    uint40 private constant AGGREGATE = uint40(BSP) << 24 | 1;
    uint40 private constant PERIMETER = uint40(DSO) << 24 | 1;

    Procurement private procurement;

    function setUp() public {
        setUpWorld();
        scheduleDay(FIRST_DAY);
        procurement = new Procurement(participants, sessions);
    }

    /// @dev SES-5: one proposes, the other accepts, whichever of the two begins.
    function testFuzz_AnAgreementTakesBothParties(bool byDso) public {
        (uint16 first, uint16 second) = byDso ? (DSO, BSP) : (BSP, DSO);
        vm.expectEmit(address(procurement));
        emit IProcurement.AgreementProposed("one", DSO, AGGREGATE, first);
        propose(first, "one", DSO);
        requireAccepted("one", first, false);
        refuseAccepting(first, "one");
        refuseAccepting(byDso ? OTHER_BSP : OTHER_DSO, "one");
        vm.expectEmit(address(procurement));
        emit IProcurement.AgreementAccepted("one", second);
        accept(second, "one");
        requireAccepted("one", first, true);
        refuseAccepting(second, "one");
        refuseProposing(first, "one", DSO, abi.encodeWithSelector(IProcurement.AgreementExists.selector, bytes32("one")));
        refuseProposing(second, "one", DSO, abi.encodeWithSelector(IProcurement.AgreementExists.selector, bytes32("one")));
    }

    /// @dev SES-5: nothing can be accepted that was not proposed.
    function testFuzz_OnlyProposalsAreAccepted(bytes32 commitment) public {
        refuseAccepting(BSP, commitment);
        refuseAccepting(DSO, commitment);
    }

    /// @dev SES-5: between a DSO and the aggregate's BSP, and nobody else.
    function test_AgreementsAreTheirPartiesOwn() public {
        refuseProposing(OTHER_BSP, "one", DSO, ofOthers(DSO, AGGREGATE, OTHER_BSP));
        refuseProposing(OTHER_DSO, "one", DSO, ofOthers(DSO, AGGREGATE, OTHER_DSO));
        refuseProposing(BSP, "one", TSO, ofOthers(TSO, AGGREGATE, BSP));
        refuseProposing(BSP, "one", OTHER_BSP, ofOthers(OTHER_BSP, AGGREGATE, BSP));
        vm.prank(signerOf(DSO));
        vm.expectRevert(ofOthers(DSO, uint40(NODE) << 24 | 1, DSO));
        procurement.proposeAgreements(DSO, drafts("one", DSO, uint40(NODE) << 24 | 1));
        requireAccepted("one", 0, false);
    }

    /// @dev ACT-1
    function test_OnlyDsosAndBspsAgree() public {
        uint16[3] memory others = [TSO, NODE, AUDITOR];
        for (uint256 i = 0; i < others.length; i++) {
            bytes memory refusal =
                abi.encodeWithSelector(IParticipants.NotAuthorised.selector, others[i], PartyKind.Bsp, signerOf(others[i]));
            refuseProposing(others[i], "one", DSO, refusal);
            vm.prank(signerOf(others[i]));
            vm.expectRevert(refusal);
            procurement.acceptAgreements(others[i], new bytes32[](1));
        }
    }

    /// @dev SES-5, SES-4: offers until the gate of their session, from when the day is scheduled.
    function testFuzz_OffersComeBeforeTheGate(uint40 at, uint8 session, bool global_) public {
        session = uint8(bound(session, 1, 6));
        IMarketSessions.DaySchedule memory day = sessions.scheduleOf(FIRST_DAY);
        uint40 gate = global_ ? day.msdGates[session - 1] : day.lfpGates[session - 1];
        MarketSide market = global_ ? MarketSide.Msd : MarketSide.Lfp;
        uint40 now_ = uint40(bound(at, block.timestamp, gate + 1 days));
        vm.warp(now_);
        vm.prank(signerOf(BSP));
        if (now_ < gate) {
            vm.expectEmit(address(procurement));
            emit IProcurement.OfferRecorded("bid", AGGREGATE, FIRST_DAY, PERIMETER, market, session);
        } else {
            vm.expectRevert(
                abi.encodeWithSelector(IMarketSessions.GateClosed.selector, FIRST_DAY, market, session, gate, now_)
            );
        }
        procurement.recordOffers(BSP, FIRST_DAY, market, session, offers(1, AGGREGATE));
    }

    /// @dev SES-4: the gate's second is late.
    function test_TheGatesSecondIsLate() public {
        uint40 gate = sessions.scheduleOf(FIRST_DAY).lfpGates[1];
        vm.warp(gate - 1);
        vm.prank(signerOf(BSP));
        procurement.recordOffers(BSP, FIRST_DAY, MarketSide.Lfp, 2, offers(1, AGGREGATE));
        vm.warp(gate);
        vm.prank(signerOf(BSP));
        vm.expectRevert(
            abi.encodeWithSelector(IMarketSessions.GateClosed.selector, FIRST_DAY, MarketSide.Lfp, uint8(2), gate, gate)
        );
        procurement.recordOffers(BSP, FIRST_DAY, MarketSide.Lfp, 2, offers(1, AGGREGATE));
    }

    /// @dev SES-1, AGG-1, ACT-1
    function test_OffersAreForKnownSessionsAndOwnAggregates() public {
        refuseOffer(BSP, FIRST_DAY + 1, 1, AGGREGATE, abi.encodeWithSelector(IMarketSessions.DayNotScheduled.selector, FIRST_DAY + 1));
        refuseOffer(BSP, FIRST_DAY, 0, AGGREGATE, abi.encodeWithSelector(IMarketSessions.SessionUnknown.selector, uint8(0)));
        refuseOffer(BSP, FIRST_DAY, 7, AGGREGATE, abi.encodeWithSelector(IMarketSessions.SessionUnknown.selector, uint8(7)));
        uint40 foreign = uint40(OTHER_BSP) << 24 | 1;
        refuseOffer(BSP, FIRST_DAY, 1, foreign, abi.encodeWithSelector(IPods.AggregateOfOther.selector, foreign, BSP));
        bytes memory refusal = abi.encodeWithSelector(IParticipants.NotAuthorised.selector, DSO, PartyKind.Bsp, signerOf(DSO));
        refuseOffer(DSO, FIRST_DAY, 1, AGGREGATE, refusal);
    }

    function propose(uint16 party, bytes32 commitment, uint16 dso) private {
        vm.prank(signerOf(party));
        procurement.proposeAgreements(party, drafts(commitment, dso, AGGREGATE));
    }

    function refuseProposing(uint16 party, bytes32 commitment, uint16 dso, bytes memory refusal) private {
        vm.prank(signerOf(party));
        vm.expectRevert(refusal);
        procurement.proposeAgreements(party, drafts(commitment, dso, AGGREGATE));
    }

    function accept(uint16 party, bytes32 commitment) private {
        bytes32[] memory commitments = new bytes32[](1);
        commitments[0] = commitment;
        vm.prank(signerOf(party));
        procurement.acceptAgreements(party, commitments);
    }

    function refuseAccepting(uint16 party, bytes32 commitment) private {
        bytes32[] memory commitments = new bytes32[](1);
        commitments[0] = commitment;
        vm.prank(signerOf(party));
        vm.expectRevert(abi.encodeWithSelector(IProcurement.AgreementNotAcceptable.selector, commitment, party));
        procurement.acceptAgreements(party, commitments);
    }

    function refuseOffer(uint16 party, uint16 day, uint8 session, uint40 aggregate, bytes memory refusal) private {
        vm.prank(signerOf(party));
        vm.expectRevert(refusal);
        procurement.recordOffers(party, day, MarketSide.Lfp, session, offers(1, aggregate));
    }

    function requireAccepted(bytes32 commitment, uint16 proposer, bool wanted) private view {
        (,, uint16 by, bool accepted) = procurement.agreementOf(commitment);
        assertEq(by, proposer, "proposer");
        assertTrue(accepted == wanted, "accepted");
    }

    function ofOthers(uint16 dso, uint40 aggregate, uint16 caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IProcurement.AgreementOfOthers.selector, bytes32("one"), dso, aggregate, caller);
    }

    function drafts(bytes32 commitment, uint16 dso, uint40 aggregate) private pure returns (IProcurement.AgreementDraft[] memory found) {
        found = new IProcurement.AgreementDraft[](1);
        found[0] = IProcurement.AgreementDraft(commitment, dso, aggregate);
    }

    function offers(uint256 count, uint40 aggregate) private pure returns (IProcurement.Offer[] memory found) {
        found = new IProcurement.Offer[](count);
        for (uint256 i = 0; i < count; i++) {
            found[i] = IProcurement.Offer("bid", aggregate, PERIMETER);
        }
    }
}
