// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Market as MarketSide} from "../types/Types.sol";

/// @title Availability agreements and bids: what selections rest on (SES-5)
/// @notice Prices and quantities are behind salted commitments (PRIV-3); here stands who committed to which, for what, and when. A
///         commitment is also the name by which the deal of a selection says what it rests on.
interface IProcurement {
    /// @notice An agreement of a DSO and the aggregate's BSP; `commitment` hides days, power and prices.
    struct AgreementDraft {
        bytes32 commitment;
        uint16 dso;
        uint40 aggregate;
    }

    /// @notice A bid of an aggregate in a perimeter; `commitment` hides power and price.
    struct Offer {
        bytes32 commitment;
        uint40 aggregate;
        uint40 perimeter;
    }

    event AgreementProposed(bytes32 indexed commitment, uint16 indexed dso, uint40 indexed aggregate, uint16 proposer);
    event AgreementAccepted(bytes32 indexed commitment, uint16 indexed acceptor);
    /// @notice Stands for this session and the later ones of the day, until the aggregate offers anew for the same perimeter and market.
    event OfferRecorded(
        bytes32 indexed commitment, uint40 indexed aggregate, uint16 indexed day, uint40 perimeter, MarketSide market, uint8 session
    );

    /// @dev SES-5: the agreement was proposed before.
    error AgreementExists(bytes32 commitment);
    /// @dev SES-5: an agreement is between a DSO and the aggregate's BSP, and one of the two proposes it.
    error AgreementOfOthers(bytes32 commitment, uint16 dso, uint40 aggregate, uint16 caller);
    /// @dev SES-5: an agreement is accepted once, by the party that did not propose it.
    error AgreementNotAcceptable(bytes32 commitment, uint16 caller);

    function proposeAgreements(uint16 proposer, AgreementDraft[] calldata drafts) external;
    function acceptAgreements(uint16 acceptor, bytes32[] calldata commitments) external;
    /// @notice From when the day is scheduled until the gate of the session (SES-4).
    function recordOffers(uint16 bsp, uint16 day, MarketSide market, uint8 session, Offer[] calldata offers) external;

    /// @notice The parties of an agreement, and whether both agreed; zeros for one that was never proposed.
    function agreementOf(bytes32 commitment) external view returns (uint16 dso, uint40 aggregate, uint16 proposer, bool accepted);
}
