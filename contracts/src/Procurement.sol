// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyGated} from "./base/PartyGated.sol";
import {IMarketSessions} from "./interfaces/IMarketSessions.sol";
import {IParticipants} from "./interfaces/IParticipants.sol";
import {IPods} from "./interfaces/IPods.sol";
import {IProcurement} from "./interfaces/IProcurement.sol";
import {Ids} from "./libraries/Ids.sol";
import {Market as MarketSide, PartyKind} from "./types/Types.sol";

/// @title Availability agreements and bids: what selections rest on (SES-5)
/// @dev An offer is a log and no state: nothing on the ledger is decided on its secret content, and its time is its block's.
contract Procurement is IProcurement, PartyGated {
    /// @dev One slot.
    struct Agreement {
        uint16 dso;
        uint40 aggregate;
        uint16 proposer;
        bool accepted;
    }

    uint256 private constant PAIRS = 6;

    IMarketSessions public immutable sessions;

    mapping(bytes32 commitment => Agreement) private _agreements;

    constructor(IParticipants participants_, IMarketSessions sessions_) PartyGated(participants_) {
        sessions = sessions_;
    }

    /// @dev ACT-1: the sender signs for the party, a DSO or a BSP.
    modifier onlyDealer(uint16 party) {
        PartyKind kind = participants.kindOf(party) == PartyKind.Dso ? PartyKind.Dso : PartyKind.Bsp;
        participants.requireParty(kind, party, msg.sender);
        _;
    }

    /// @inheritdoc IProcurement
    function proposeAgreements(uint16 proposer, AgreementDraft[] calldata drafts) external onlyDealer(proposer) {
        for (uint256 i = 0; i < drafts.length; i++) {
            AgreementDraft calldata draft = drafts[i];
            if (_agreements[draft.commitment].proposer != 0) revert AgreementExists(draft.commitment);
            bool among = proposer == draft.dso || proposer == Ids.ownerOf(draft.aggregate);
            if (!among || participants.kindOf(draft.dso) != PartyKind.Dso || participants.kindOf(Ids.ownerOf(draft.aggregate)) != PartyKind.Bsp) {
                revert AgreementOfOthers(draft.commitment, draft.dso, draft.aggregate, proposer);
            }
            _agreements[draft.commitment] = Agreement(draft.dso, draft.aggregate, proposer, false);
            emit AgreementProposed(draft.commitment, draft.dso, draft.aggregate, proposer);
        }
    }

    /// @inheritdoc IProcurement
    function acceptAgreements(uint16 acceptor, bytes32[] calldata commitments) external onlyDealer(acceptor) {
        for (uint256 i = 0; i < commitments.length; i++) {
            bytes32 commitment = commitments[i];
            Agreement memory found = _agreements[commitment];
            bool among = acceptor == found.dso || acceptor == Ids.ownerOf(found.aggregate);
            if (!among || acceptor == found.proposer || found.accepted) revert AgreementNotAcceptable(commitment, acceptor);
            _agreements[commitment].accepted = true;
            emit AgreementAccepted(commitment, acceptor);
        }
    }

    /// @inheritdoc IProcurement
    function recordOffers(uint16 bsp, uint16 day, MarketSide market, uint8 session, Offer[] calldata offers)
        external
        onlyParty(PartyKind.Bsp, bsp)
    {
        _requireBeforeGate(day, market, session);
        for (uint256 i = 0; i < offers.length; i++) {
            Offer calldata offer = offers[i];
            if (Ids.ownerOf(offer.aggregate) != bsp) revert IPods.AggregateOfOther(offer.aggregate, bsp);
            emit OfferRecorded(offer.commitment, offer.aggregate, day, offer.perimeter, market, session);
        }
    }

    /// @inheritdoc IProcurement
    function agreementOf(bytes32 commitment) external view returns (uint16 dso, uint40 aggregate, uint16 proposer, bool accepted) {
        Agreement memory found = _agreements[commitment];
        return (found.dso, found.aggregate, found.proposer, found.accepted);
    }

    /// @dev SES-4: offers may come long before the session opens, but not once its gate has closed.
    function _requireBeforeGate(uint16 day, MarketSide market, uint8 session) private view {
        IMarketSessions.DaySchedule memory schedule = sessions.scheduleOf(day);
        if (session == 0 || session > PAIRS) revert IMarketSessions.SessionUnknown(session);
        uint40 gate = market == MarketSide.Msd ? schedule.msdGates[session - 1] : schedule.lfpGates[session - 1];
        if (block.timestamp >= gate) revert IMarketSessions.GateClosed(day, market, session, gate, uint40(block.timestamp));
    }
}
