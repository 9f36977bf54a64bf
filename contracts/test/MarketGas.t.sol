// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Procurement} from "../src/Procurement.sol";
import {IMarket} from "../src/interfaces/IMarket.sol";
import {IProcurement} from "../src/interfaces/IProcurement.sol";
import {ITrafficLights} from "../src/interfaces/ITrafficLights.sol";
import {HourCells, Market as MarketSide, Scope} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice Gas per fact of a batch of 100, held against what its slots, the cold slots it must read, its log and its calldata cost alone.
/// @dev What is prepared in `setUp` is cold storage in a test, as it is in a transaction of its own.
abstract contract MarketGasBase is MarketWorld {
    uint40 internal constant BATCH = 100;
    uint256 internal constant FRESH_SLOT = 22_100;
    uint256 internal constant UPDATED_SLOT = 5_000;
    uint256 internal constant COLD_READ = 2_100;
    uint256 private constant TRANSACTION = 21_000;

    event GasPerFact(string what, uint256 gas, uint256 limit);

    /// @dev The whole transaction, divided by the batch, stays within `percent` of the limit and is reported.
    function measure(
        string memory what,
        address target,
        uint16 party,
        bytes memory call,
        uint256 slotsAndLog,
        uint256 percent
    ) internal {
        uint256 calldataGas = 0;
        for (uint256 i = 0; i < call.length; i++) {
            calldataGas += call[i] == 0 ? 4 : 16;
        }
        vm.prank(signerOf(party));
        uint256 before = gasleft();
        (bool done,) = target.call(call);
        uint256 spent = before - gasleft();
        assertTrue(done, what);
        uint256 perFact = (TRANSACTION + spent + calldataGas) / BATCH;
        uint256 limit = slotsAndLog + calldataGas / BATCH;
        emit GasPerFact(what, perFact, limit);
        assertAtMost(perFact * 100, limit * percent, what);
    }

    function logGas(uint256 topics, uint256 words) internal pure returns (uint256) {
        return 375 * (1 + topics) + 8 * 32 * words;
    }
}

contract LightsGasTest is MarketGasBase {
    function setUp() public {
        setUpMarket();
        ITrafficLights.PerimeterDraft[] memory perimeters = new ITrafficLights.PerimeterDraft[](BATCH);
        for (uint40 i = 0; i < BATCH; i++) {
            perimeters[i] = ITrafficLights.PerimeterDraft(PERIMETER + 10 + i, new uint40[](0), "payload");
        }
        vm.prank(signerOf(DSO));
        lights.declarePerimeters(DSO, perimeters);
        openLfp(1);
    }

    /// @dev DTL-2: 24 hours, both directions; the perimeter's term is the cold read.
    function test_LightsOfAPerimeterDay() public {
        ITrafficLights.PerimeterLights[] memory list = new ITrafficLights.PerimeterLights[](BATCH);
        HourCells memory yellow = cells(0, 24, 500, false);
        for (uint40 i = 0; i < BATCH; i++) {
            list[i] = ITrafficLights.PerimeterLights(PERIMETER + 10 + i, yellow, yellow, keccak256(abi.encode(i)));
        }
        bytes memory call = abi.encodeCall(ITrafficLights.publishLights, (DSO, FIRST_DAY, 1, list));
        measure("lights", address(lights), DSO, call, 4 * FRESH_SLOT + COLD_READ + logGas(2, 6), 110);
    }
}

contract QualificationGasTest is MarketGasBase {
    function setUp() public {
        setUpMarket();
        for (uint40 i = 0; i < BATCH; i++) {
            createAggregate(LOCAL + 10 + i, Scope.Local);
        }
        addPods(0, 1, 10, 10, PERIMETER, LOCAL, 0);
        applyFor(LOCAL, LOCAL_PRODUCT);
    }

    /// @dev PRQ-1: the aggregate's scope is the cold read.
    function test_Application() public {
        uint40[] memory aggregates = new uint40[](BATCH);
        uint32[] memory products = new uint32[](BATCH);
        bytes32[] memory hashes = new bytes32[](BATCH);
        for (uint40 i = 0; i < BATCH; i++) {
            aggregates[i] = LOCAL + 10 + i;
            products[i] = LOCAL_PRODUCT;
            hashes[i] = keccak256(abi.encode(i));
        }
        bytes memory call = abi.encodeCall(prequalification.apply_, (BSP, aggregates, products, hashes));
        measure("application", address(prequalification), BSP, call, FRESH_SLOT + COLD_READ + logGas(2, 5), 125);
    }
}

contract ProcurementGasTest is MarketGasBase {
    Procurement private procurement;

    function setUp() public {
        setUpMarket();
        procurement = new Procurement(participants, sessions);
        vm.prank(signerOf(DSO));
        procurement.proposeAgreements(DSO, drafts("proposed"));
    }

    /// @dev SES-5: one slot, and its log.
    function test_ProposedAgreement() public {
        bytes memory call = abi.encodeCall(IProcurement.proposeAgreements, (DSO, drafts("new")));
        measure("proposal", address(procurement), DSO, call, FRESH_SLOT + logGas(4, 1), 125);
    }

    /// @dev SES-5: the slot of the proposal, written again.
    function test_AcceptedAgreement() public {
        bytes memory call = abi.encodeCall(IProcurement.acceptAgreements, (BSP, commitments("proposed")));
        measure("acceptance", address(procurement), BSP, call, UPDATED_SLOT + logGas(3, 0), 125);
    }

    /// @dev SES-5: no slot, so the transaction's share, calldata and the log's encoding show (bench/gas_budget.py).
    function test_Offer() public {
        bytes32[] memory names = commitments("bid");
        IProcurement.Offer[] memory offers = new IProcurement.Offer[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            offers[i] = IProcurement.Offer(names[i], LOCAL, PERIMETER);
        }
        bytes memory call = abi.encodeCall(IProcurement.recordOffers, (BSP, FIRST_DAY, MarketSide.Lfp, 1, offers));
        measure("offer", address(procurement), BSP, call, logGas(4, 3), 145);
    }

    function drafts(string memory salt) private pure returns (IProcurement.AgreementDraft[] memory list) {
        bytes32[] memory names = commitments(salt);
        list = new IProcurement.AgreementDraft[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            list[i] = IProcurement.AgreementDraft(names[i], DSO, LOCAL);
        }
    }

    function commitments(string memory salt) private pure returns (bytes32[] memory list) {
        list = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            list[i] = keccak256(abi.encode(salt, i));
        }
    }
}

contract SelectionGasTest is MarketGasBase {
    function setUp() public {
        setUpMarket();
        for (uint40 i = 0; i < BATCH; i++) {
            createAggregate(globalOf(i), Scope.Global);
            createAggregate(globalOf(i) + 500, Scope.Local);
            addPods(i, 1, 10, 10, PERIMETER, globalOf(i) + 500, globalOf(i));
            qualify(globalOf(i), GLOBAL_PRODUCT);
        }
        openLfp(1);
        publishGreen(1);
        openMsd(1);
    }

    /// @dev SES-2, SES-3, DTL-4: the first begins two slots of the perimeter's sum. Cold reads are scope, qualification, pool, counterparts (number and entry), the counterpart's selection (two slots).
    function test_GlobalSelection() public {
        IMarket.Selection[] memory list = new IMarket.Selection[](BATCH);
        for (uint40 i = 0; i < BATCH; i++) {
            list[i] = selectionFor(globalOf(i), GLOBAL_PRODUCT, cells(0, 24, 5, false));
            list[i].commitment = keccak256(abi.encode(i));
        }
        bytes memory call = abi.encodeCall(IMarket.selectGlobal, (TSO, FIRST_DAY, 1, list));
        measure("selection", address(market), TSO, call, 2 * FRESH_SLOT + 2 * FRESH_SLOT / BATCH + 8 * COLD_READ + logGas(4, 11), 160);
    }

    function globalOf(uint40 i) private pure returns (uint40) {
        return uint40(BSP) << 24 | 100 + i;
    }
}

contract DeclarationGasTest is MarketGasBase {
    function setUp() public {
        setUpMarket();
        addPods(0, BATCH, 10, 10, PERIMETER, LOCAL, GLOBAL);
        qualify(LOCAL, LOCAL_PRODUCT);
        openLfp(1);
        selectLocal(1, cells(0, 24, 900, false));
    }

    /// @dev SES-3: one slot per POD and day, one cold read of the POD; the first begins eight slots of kW, declared here and taken from the other.
    function test_DeclaredPod() public {
        IMarket.PodQuarters[] memory list = items(0, BATCH, quarters(0, 24));
        bytes memory call = abi.encodeCall(IMarket.declare, (BSP, LOCAL, PERIMETER, FIRST_DAY, list, true));
        measure("declaration", address(market), BSP, call, FRESH_SLOT + 8 * FRESH_SLOT / BATCH + COLD_READ + logGas(4, 3), 125);
    }
}
