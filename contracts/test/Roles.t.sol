// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Measurements} from "../src/Measurements.sol";
import {Procurement} from "../src/Procurement.sol";
import {Settlement} from "../src/Settlement.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IMeasurements} from "../src/interfaces/IMeasurements.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {IProcurement} from "../src/interfaces/IProcurement.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {Market as MarketSide, PartyKind, QualificationState, Right} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice Nobody acts beyond its role: every function of every contract, in the name of every party, with every key.
contract RolesTest is MarketWorld {
    /// @dev A call in the name of a party, and the kinds of party that may make it (bit PartyKind).
    struct Act {
        address target;
        bytes call;
        uint256 kinds;
    }

    uint256 private constant TSO_ONLY = 1 << uint256(PartyKind.Tso);
    uint256 private constant DSO_ONLY = 1 << uint256(PartyKind.Dso);
    uint256 private constant BSP_ONLY = 1 << uint256(PartyKind.Bsp);
    uint256 private constant OPERATORS = TSO_ONLY | DSO_ONLY;
    uint256 private constant DEALERS = DSO_ONLY | BSP_ONLY;
    uint256 private constant ANY = 0x3e;
    address private constant STRANGER = address(0x5EED);

    Measurements private measurements;
    Procurement private procurement;
    Settlement private settlement;
    Act[] private acts;

    function setUp() public {
        setUpMarket();
        measurements = new Measurements(participants, sessions, pods);
        procurement = new Procurement(participants, sessions);
        settlement = new Settlement(participants, sessions, prequalification, 7 days);
    }

    /// @dev ACT-1: refused with NotAuthorised unless the key signs for the named party and this is of a kind that may; then never so.
    function test_EveryActNeedsItsRole() public {
        uint16[7] memory parties = [TSO, DSO, OTHER_DSO, BSP, OTHER_BSP, NODE, AUDITOR];
        for (uint256 p = 0; p < parties.length; p++) {
            collect(parties[p]);
            bool[] memory mayKind = new bool[](acts.length);
            for (uint256 a = 0; a < acts.length; a++) {
                mayKind[a] = acts[a].kinds >> uint256(kindIn(parties[p])) & 1 != 0;
            }
            for (uint256 s = 0; s <= parties.length; s++) {
                address sender = s == parties.length ? STRANGER : signerOf(parties[s]);
                for (uint256 a = 0; a < acts.length; a++) {
                    assertTrue(authorised(acts[a], sender) == (s == p && mayKind[a]), vm.toString(a));
                }
            }
        }
    }

    /// @dev ACT-1: a delegated right is that right and no other: of all functions the agent's key opens one more.
    function test_ADelegatedRightOpensOneFunction() public {
        vm.prank(signerOf(BSP));
        participants.delegate(BSP, NODE, Right.FileBaselines, uint40(block.timestamp + 1 days));
        collect(BSP);
        uint256 opened = 0;
        for (uint256 a = 0; a < acts.length; a++) {
            if (!authorised(acts[a], signerOf(NODE))) continue;
            opened++;
            assertTrue(bytes4(acts[a].call) == IMarket.fileBaselines.selector, "filing baselines");
        }
        assertEq(opened, 1, "one function");
    }

    /// @dev ACT-1: a suspended party and a paused ledger let nothing through, whatever the key.
    function test_SuspensionAndPauseCloseEveryFunction() public {
        collect(BSP);
        participants.suspend(BSP, "reason");
        for (uint256 a = 0; a < acts.length; a++) {
            if (acts[a].kinds & BSP_ONLY == 0) continue;
            refused(acts[a], signerOf(BSP), abi.encodeWithSelector(IParticipants.PartyIsSuspended.selector, BSP));
        }
        participants.reinstate(BSP);
        participants.pause();
        for (uint256 a = 0; a < acts.length; a++) {
            if (acts[a].kinds & BSP_ONLY == 0) continue;
            refused(acts[a], signerOf(BSP), abi.encodeWithSignature("EnforcedPause()"));
        }
    }

    /// @dev Everything that a party can do, in the name of `party`; lists are empty, ids are nobody's.
    function collect(uint16 party) private {
        delete acts;
        bytes32[] memory none = new bytes32[](0);
        uint32[] memory products = new uint32[](0);
        add(address(sessions), abi.encodeCall(IMarketSessions.scheduleDays, (party, new IMarketSessions.DaySchedule[](0))), TSO_ONLY);
        add(address(lights), abi.encodeCall(ITrafficLights.declarePerimeters, (party, new ITrafficLights.PerimeterDraft[](0))), DSO_ONLY);
        add(address(lights), abi.encodeCall(ITrafficLights.publishLights, (party, 1, 1, new ITrafficLights.PerimeterLights[](0))), DSO_ONLY);
        add(address(pods), abi.encodeCall(IPods.register, (party, new IPods.Registration[](0))), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.change, (party, new IPods.Registration[](0))), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.withdraw, (party, none)), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.claim, (party, new IPods.PodClaim[](0))), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.dropClaims, (party, none)), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.handOver, (party, new IPods.Handover[](0))), DSO_ONLY);
        add(address(pods), abi.encodeCall(IPods.giveStaticLights, (party, new IPods.StaticLightDecision[](0))), DSO_ONLY);
        add(address(pods), abi.encodeCall(IPods.movePods, (party, 0, none)), DSO_ONLY);
        add(address(pods), abi.encodeCall(IPods.createAggregates, (party, new IPods.AggregateDraft[](0))), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.join, (party, 0, none)), BSP_ONLY);
        add(address(pods), abi.encodeCall(IPods.leave, (party, 0, none)), BSP_ONLY);
        address book = address(prequalification);
        add(book, abi.encodeCall(IPrequalification.publishProducts, (party, new IPrequalification.Product[](0))), OPERATORS);
        add(book, abi.encodeCall(IPrequalification.apply_, (party, new uint40[](0), products, none)), BSP_ONLY);
        add(
            book,
            abi.encodeCall(
                IPrequalification.move,
                (party, new uint40[](0), products, new QualificationState[](0), new uint16[](0), none)
            ),
            OPERATORS
        );
        add(book, abi.encodeCall(IPrequalification.proposeEquivalences, (party, products, products)), OPERATORS);
        add(book, abi.encodeCall(IPrequalification.acceptEquivalences, (party, products, products)), OPERATORS);
        add(book, abi.encodeCall(IPrequalification.revokeEquivalences, (party, products, products)), OPERATORS);
        add(address(market), abi.encodeCall(IMarket.selectLocal, (party, 1, 1, new IMarket.Selection[](0))), DSO_ONLY);
        add(address(market), abi.encodeCall(IMarket.selectGlobal, (party, 1, 1, new IMarket.Selection[](0))), TSO_ONLY);
        add(address(market), abi.encodeCall(IMarket.declare, (party, 0, 0, 1, new IMarket.PodQuarters[](0), true)), BSP_ONLY);
        add(address(market), abi.encodeCall(IMarket.release, (party, 0, 0, 1, new IMarket.PodQuarters[](0))), BSP_ONLY);
        add(address(market), abi.encodeCall(IMarket.fileBaselines, (party, 1, new IMarket.BaselineFiling[](0))), BSP_ONLY);
        add(address(procurement), abi.encodeCall(IProcurement.proposeAgreements, (party, new IProcurement.AgreementDraft[](0))), DEALERS);
        add(address(procurement), abi.encodeCall(IProcurement.acceptAgreements, (party, none)), DEALERS);
        add(
            address(procurement),
            abi.encodeCall(IProcurement.recordOffers, (party, FIRST_DAY, MarketSide.Lfp, 1, new IProcurement.Offer[](0))),
            BSP_ONLY
        );
        add(address(measurements), abi.encodeCall(IMeasurements.bindDevices, (party, new IMeasurements.Binding[](0))), DSO_ONLY);
        add(address(measurements), abi.encodeCall(IMeasurements.endDevices, (party, none, new uint40[](0), 0)), DSO_ONLY);
        add(address(measurements), abi.encodeCall(IMeasurements.anchor, (party, "log", 0, 0, 0)), 1 << uint256(PartyKind.AccessNode));
        add(address(settlement), abi.encodeCall(ISettlement.record, (party, new ISettlement.Statement[](0))), OPERATORS);
        add(address(settlement), abi.encodeCall(ISettlement.dispute, (party, "statement", 0)), BSP_ONLY);
        add(address(settlement), abi.encodeCall(ISettlement.attest, (party, "statement", true, 0)), 1 << uint256(PartyKind.Auditor));
        add(address(participants), abi.encodeCall(IParticipants.delegate, (party, party, Right.FileBaselines, 0)), ANY);
        add(address(participants), abi.encodeCall(IParticipants.endDelegation, (party, party, Right.FileBaselines)), ANY);
    }

    function add(address target, bytes memory call, uint256 kinds) private {
        acts.push(Act(target, call, kinds));
    }

    function authorised(Act memory act, address sender) private returns (bool) {
        vm.prank(sender);
        (bool done, bytes memory answer) = act.target.call(act.call);
        return done || bytes4(answer) != IParticipants.NotAuthorised.selector;
    }

    function refused(Act memory act, address sender, bytes memory refusal) private {
        vm.prank(sender);
        (bool done, bytes memory answer) = act.target.call(act.call);
        assertTrue(!done && keccak256(answer) == keccak256(refusal), "refused");
    }
}
