// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Market} from "../src/Market.sol";
import {Pods} from "../src/Pods.sol";
import {Prequalification} from "../src/Prequalification.sol";
import {TrafficLights} from "../src/TrafficLights.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IPods} from "../src/interfaces/IPods.sol";
import {IPrequalification} from "../src/interfaces/IPrequalification.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {
    HourCells,
    Market as MarketSide,
    PodCategory,
    QualificationState,
    Scope,
    SettlementMethod,
    StaticLight,
    VoltageLevel
} from "../src/types/Types.sol";
import {World} from "./World.sol";

/// @notice A world with a perimeter, a product per operator, and helpers to fill the register and the market of FIRST_DAY.
abstract contract MarketWorld is World {
    uint40 internal constant PERIMETER = uint40(DSO) << 24 | 1;
    uint40 internal constant OTHER_PERIMETER = uint40(DSO) << 24 | 2;
    uint40 internal constant LOCAL = uint40(BSP) << 24 | 1;
    uint40 internal constant GLOBAL = uint40(BSP) << 24 | 2;
    uint32 internal constant LOCAL_PRODUCT = uint32(DSO) << 16 | 1;
    uint32 internal constant GLOBAL_PRODUCT = uint32(TSO) << 16 | 1;
    uint256 internal constant GREEN = 131_071;

    TrafficLights internal lights;
    Pods internal pods;
    Prequalification internal prequalification;
    Market internal market;

    function setUpMarket() internal {
        setUpWorld();
        lights = new TrafficLights(participants, sessions);
        pods = new Pods(participants, sessions, lights);
        prequalification = new Prequalification(participants, sessions, pods);
        market = new Market(participants, sessions, lights, pods, prequalification);
        scheduleDay(FIRST_DAY);
        declarePerimeter(PERIMETER);
        publishProduct(plainProduct(LOCAL_PRODUCT));
        publishProduct(plainProduct(GLOBAL_PRODUCT));
        createAggregate(LOCAL, Scope.Local);
        createAggregate(GLOBAL, Scope.Global);
    }

    // -- register ---------------------------------------------------------------------------------------------------

    function declarePerimeter(uint40 perimeter) internal {
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, drafts(perimeter, new uint40[](0)));
    }

    function drafts(uint40 perimeter, uint40[] memory predecessors)
        internal
        pure
        returns (ITrafficLights.PerimeterDraft[] memory list)
    {
        list = new ITrafficLights.PerimeterDraft[](1);
        list[0] = ITrafficLights.PerimeterDraft(perimeter, predecessors, "payload");
    }

    function createAggregate(uint40 aggregate, Scope scope) internal {
        IPods.AggregateDraft[] memory list = new IPods.AggregateDraft[](1);
        list[0] = IPods.AggregateDraft(aggregate, scope, "payload");
        vm.prank(signerOf(uint16(aggregate >> 24)));
        pods.createAggregates(uint16(aggregate >> 24), list);
    }

    function podOf(uint256 number) internal pure returns (bytes32) {
        return keccak256(abi.encode("pod", number));
    }

    /// @notice PODs numbered [first, first + count), each of these powers, confirmed, in the aggregates that are not 0.
    function addPods(uint256 first, uint256 count, uint24 upKw, uint24 downKw, uint40 perimeter, uint40 local, uint40 global_)
        internal
    {
        uint16 bsp = uint16((local == 0 ? global_ : local) >> 24);
        IPods.Registration[] memory list = new IPods.Registration[](count);
        IPods.StaticLightDecision[] memory decisions = new IPods.StaticLightDecision[](count);
        bytes32[] memory ids = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            ids[i] = podOf(first + i);
            list[i] = IPods.Registration(ids[i], DSO, PodCategory.Mixed, VoltageLevel.Low, upKw, downKw, 60, "payload");
            decisions[i] = IPods.StaticLightDecision(ids[i], StaticLight.Confirmed, upKw, downKw, perimeter, "");
        }
        vm.prank(signerOf(bsp));
        pods.register(bsp, list);
        vm.prank(signerOf(DSO));
        pods.giveStaticLights(DSO, decisions);
        if (local != 0) {
            vm.prank(signerOf(bsp));
            pods.join(bsp, local, ids);
        }
        if (global_ != 0) {
            vm.prank(signerOf(bsp));
            pods.join(bsp, global_, ids);
        }
    }

    // -- prequalification -------------------------------------------------------------------------------------------

    function plainProduct(uint32 product) internal pure returns (IPrequalification.Product memory terms) {
        terms.product = product;
        terms.service = "congestion";
        terms.testInfrastructure = "pgui";
        terms.months = 0xfff;
        terms.weekdays = 0x7f;
        terms.fromMinute = 0;
        terms.untilMinute = 1440;
        terms.minUpKw = 1;
        terms.activationTimeS = 900;
        terms.recoveryTimeS = 3600;
        terms.durationS = 7200;
        terms.method = SettlementMethod.Metered;
        terms.tolerancePpm = 100_000;
        terms.penaltyNumerator = 11;
        terms.penaltyDenominator = 7;
        terms.qualificationDays = 365;
        terms.payloadHash = "payload";
    }

    function publishProduct(IPrequalification.Product memory terms) internal {
        IPrequalification.Product[] memory list = new IPrequalification.Product[](1);
        list[0] = terms;
        vm.prank(signerOf(uint16(terms.product >> 16)));
        prequalification.publishProducts(uint16(terms.product >> 16), list);
    }

    function applyFor(uint40 aggregate, uint32 product) internal {
        uint16 bsp = uint16(aggregate >> 24);
        (uint40[] memory aggregates, uint32[] memory products, bytes32[] memory hashes) = pairOf(aggregate, product);
        vm.prank(signerOf(bsp));
        prequalification.apply_(bsp, aggregates, products, hashes);
    }

    function moveTo(uint40 aggregate, uint32 product, QualificationState state, uint16 permille) internal {
        moveAs(uint16(product >> 16), aggregate, product, state, permille);
    }

    function moveAs(uint16 operator, uint40 aggregate, uint32 product, QualificationState state, uint16 permille) internal {
        (uint40[] memory aggregates, uint32[] memory products, bytes32[] memory hashes) = pairOf(aggregate, product);
        QualificationState[] memory states = new QualificationState[](1);
        states[0] = state;
        uint16[] memory performance = new uint16[](1);
        performance[0] = permille;
        vm.prank(signerOf(operator));
        prequalification.move(operator, aggregates, products, states, performance, hashes);
    }

    function qualify(uint40 aggregate, uint32 product) internal {
        applyFor(aggregate, product);
        moveTo(aggregate, product, QualificationState.Testing, 0);
        moveTo(aggregate, product, QualificationState.Qualified, 1000);
    }

    function pairOf(uint40 aggregate, uint32 product)
        internal
        pure
        returns (uint40[] memory aggregates, uint32[] memory products, bytes32[] memory hashes)
    {
        aggregates = new uint40[](1);
        aggregates[0] = aggregate;
        products = new uint32[](1);
        products[0] = product;
        hashes = new bytes32[](1);
        hashes[0] = "evidence";
    }

    // -- market -----------------------------------------------------------------------------------------------------

    function openLfp(uint8 session) internal {
        IMarketSessions.DaySchedule memory plan = sessions.scheduleOf(FIRST_DAY);
        vm.warp(session == 1 ? plan.opensAt : plan.msdGates[session - 2]);
    }

    function openMsd(uint8 session) internal {
        vm.warp(sessions.scheduleOf(FIRST_DAY).lfpGates[session - 1]);
    }

    /// @notice The same cell in hours [from, until): kW, with the direction bit where `down`.
    function cells(uint256 from, uint256 until, uint256 kw, bool down) internal pure returns (HourCells memory made) {
        for (uint256 hour = from; hour < until; hour++) {
            put(made, hour, down ? kw | 1 << 17 : kw);
        }
    }

    function put(HourCells memory made, uint256 hour, uint256 cell) internal pure {
        uint256 shift = hour % 13 * 18;
        if (hour < 13) made.lo = made.lo & ~(uint256(0x3ffff) << shift) | cell << shift;
        else made.hi = made.hi & ~(uint256(0x3ffff) << shift) | cell << shift;
    }

    function cellOf(HourCells memory made, uint256 hour) internal pure returns (uint256) {
        return (hour < 13 ? made.lo : made.hi) >> hour % 13 * 18 & 0x3ffff;
    }

    function publish(uint8 session, HourCells memory up, HourCells memory down) internal {
        publishFor(PERIMETER, session, up, down);
    }

    function publishFor(uint40 perimeter, uint8 session, HourCells memory up, HourCells memory down) internal {
        ITrafficLights.PerimeterLights[] memory list = new ITrafficLights.PerimeterLights[](1);
        list[0] = ITrafficLights.PerimeterLights(perimeter, up, down, "payload");
        vm.prank(signerOf(DSO));
        lights.publishLights(DSO, FIRST_DAY, session, list);
    }

    function publishGreen(uint8 session) internal {
        publish(session, cells(0, 24, GREEN, false), cells(0, 24, GREEN, false));
    }

    function selectionFor(uint40 aggregate, uint32 product, HourCells memory wanted)
        internal
        pure
        returns (IMarket.Selection memory selection)
    {
        selection.aggregate = aggregate;
        selection.perimeter = PERIMETER;
        selection.testedAggregate = aggregate;
        selection.chain = new uint32[](1);
        selection.chain[0] = product;
        selection.cells = wanted;
        selection.commitment = "price";
    }

    function one(IMarket.Selection memory selection) internal pure returns (IMarket.Selection[] memory list) {
        list = new IMarket.Selection[](1);
        list[0] = selection;
    }

    function selectLocal(uint8 session, HourCells memory wanted) internal {
        selectLocalIn(session, LOCAL, wanted);
    }

    function selectLocalIn(uint8 session, uint40 aggregate, HourCells memory wanted) internal {
        vm.prank(signerOf(DSO));
        market.selectLocal(DSO, FIRST_DAY, session, one(selectionFor(aggregate, LOCAL_PRODUCT, wanted)));
    }

    function selectGlobal(uint8 session, HourCells memory wanted) internal {
        selectGlobalIn(session, GLOBAL, wanted);
    }

    function selectGlobalIn(uint8 session, uint40 aggregate, HourCells memory wanted) internal {
        vm.prank(signerOf(TSO));
        market.selectGlobal(TSO, FIRST_DAY, session, one(selectionFor(aggregate, GLOBAL_PRODUCT, wanted)));
    }

    /// @notice Quarters of the hours [from, until).
    function quarters(uint256 from, uint256 until) internal pure returns (uint128) {
        return uint128((1 << until * 4) - (1 << from * 4));
    }

    function items(uint256 first, uint256 count, uint128 quarters_) internal pure returns (IMarket.PodQuarters[] memory list) {
        list = new IMarket.PodQuarters[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = IMarket.PodQuarters(podOf(first + i), quarters_);
        }
    }

    function declare(uint40 aggregate, uint256 first, uint256 count, uint128 quarters_, bool complete) internal {
        vm.prank(signerOf(BSP));
        market.declare(BSP, aggregate, PERIMETER, FIRST_DAY, items(first, count, quarters_), complete);
    }

    function release(uint40 aggregate, uint256 first, uint256 count, uint128 quarters_) internal {
        vm.prank(signerOf(BSP));
        market.release(BSP, aggregate, PERIMETER, FIRST_DAY, items(first, count, quarters_));
    }

    function expectLate(uint40 aggregate, MarketSide side, uint8 session) internal {
        uint40 due = sessions.declarationDue(FIRST_DAY, side, session);
        vm.expectRevert(
            abi.encodeWithSelector(
                IMarket.DeclarationLate.selector, aggregate, PERIMETER, FIRST_DAY, due, uint40(block.timestamp)
            )
        );
    }
}
