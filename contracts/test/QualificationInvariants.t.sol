// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {QualificationState as State, Scope} from "../src/types/Types.sol";
import {MarketWorld} from "./MarketWorld.sol";

/// @notice Random steps of a BSP, a DSO and a TSO with three aggregates and four products, allowed and forbidden ones; beside the ledger it keeps
///         what each accepted step means by the rules, told in the simplest way.
contract QualificationWalk is MarketWorld {
    uint256 public constant AGGREGATES = 3;
    uint256 public constant PRODUCTS = 4;
    uint256 private constant PODS = 4;

    /// @dev A test that was passed: when it ends, and what was tested.
    struct Test {
        State state;
        bool passed;
        uint256 until;
        bytes32 members;
        uint256 upKw;
    }

    mapping(uint256 aggregate => mapping(uint256 product => Test)) public tests;
    /// @dev Sides of an equivalence that have accepted: 1 the first product's operator, 2 the other's.
    mapping(uint256 from => mapping(uint256 to => uint256)) public accepted;
    /// @dev Every accepted step of a machine that its rules do not know, by whoever it was.
    uint256 public forbidden;
    /// @dev Joinings and leavings of an aggregate.
    uint256[AGGREGATES] private _steps;

    constructor() {
        setUpMarket();
        createAggregate(aggregateOf(2), Scope.Global);
        publishProduct(plainProduct(productOf(2)));
        publishProduct(plainProduct(productOf(3)));
        addPods(0, PODS, 10, 20, PERIMETER, LOCAL, GLOBAL);
        (_steps[0], _steps[1]) = (PODS, PODS);
        vm.warp(startOf(FIRST_DAY) - 20 hours);
    }

    function stepQualification(uint256 seed) external {
        (uint256 a, uint256 p) = (seed % AGGREGATES, seed / 3 % PRODUCTS);
        Test storage test = tests[a][p];
        State from = stateNow(test);
        State to = State(seed / 12 % 7);
        uint16 caller = [TSO, DSO, BSP, OTHER_DSO][seed / 84 % 4];
        uint16 permille = seed / 336 % 2 == 0 ? 1000 : 800;
        if (seed / 672 % 4 != 0) (caller, to, permille) = sensible(from, p);
        if (caller == BSP) {
            (uint40[] memory list, uint32[] memory products, bytes32[] memory hashes) = pairOf(aggregateOf(a), productOf(p));
            vm.prank(signerOf(BSP));
            try prequalification.apply_(BSP, list, products, hashes) {
                if (from != State.None && from != State.Rejected && from != State.Expired) forbidden++;
                test.state = State.Requested;
                test.passed = false;
            } catch {}
            return;
        }
        try this.tryMove(caller, a, p, to, permille) {
            bool again = from == State.Qualified && !sameAs(test, a);
            bool known = from == State.Requested && to == State.Testing || from == State.Testing && to == State.Rejected
                || from == State.Qualified && to == State.Suspended
                || to == State.Qualified && permille == 1000 && (from == State.Testing || from == State.Suspended || again);
            if (!known || caller != operatorOf(p)) forbidden++;
            test.state = to;
            if (to != State.Qualified) return;
            (test.passed, test.until) = (true, block.timestamp + 365 days);
            (test.members, test.upKw) = (membersOf(a), poolOf(a).upKw);
        } catch {}
    }

    /// @dev A step towards a qualification, by who may take it.
    function sensible(State from, uint256 p) private pure returns (uint16 caller, State to, uint16 permille) {
        if (from == State.None || from == State.Rejected || from == State.Expired) return (BSP, State.Requested, 0);
        return (operatorOf(p), from == State.Requested ? State.Testing : State.Qualified, 1000);
    }

    function tryMove(uint16 caller, uint256 a, uint256 p, State to, uint16 permille) external {
        moveAs(caller, aggregateOf(a), productOf(p), to, permille);
    }

    function stepEquivalence(uint256 seed) external {
        (uint256 p, uint256 q) = (seed % PRODUCTS, seed / 4 % PRODUCTS);
        uint16 caller = seed / 16 % 2 == 0 ? TSO : DSO;
        uint256 sides = (operatorOf(p) == caller ? 1 : 0) | (operatorOf(q) == caller ? 2 : 0);
        (uint32[] memory from, uint32[] memory to) = (listOf(productOf(p)), listOf(productOf(q)));
        uint256 kind = seed / 32 % 3;
        if (kind == 2 && seed / 96 % 4 != 0) return;
        vm.prank(signerOf(caller));
        if (kind == 0) {
            try prequalification.proposeEquivalences(caller, from, to) {
                if (sides == 0 || accepted[p][q] != 0 || p == q) forbidden++;
                accepted[p][q] = sides;
            } catch {}
        } else if (kind == 1) {
            try prequalification.acceptEquivalences(caller, from, to) {
                if (accepted[p][q] == 0 || sides & ~accepted[p][q] == 0) forbidden++;
                accepted[p][q] |= sides;
            } catch {}
        } else {
            try prequalification.revokeEquivalences(caller, from, to) {
                if (accepted[p][q] == 0 || sides == 0) forbidden++;
                accepted[p][q] = 0;
            } catch {}
        }
    }

    function stepMembership(uint256 seed) external {
        if (seed % 8 != 0) return;
        uint256 a = seed / 8 % AGGREGATES;
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = podOf(seed / 24 % PODS);
        vm.prank(signerOf(BSP));
        if (seed / 96 % 2 == 0) {
            try pods.leave(BSP, aggregateOf(a), ids) {
                _steps[a]++;
            } catch {}
        } else {
            try pods.join(BSP, aggregateOf(a), ids) {
                _steps[a]++;
            } catch {}
        }
    }

    function stepTime(uint256 seed) external {
        if (seed % 4 == 0 && block.timestamp < startOf(FIRST_DAY) + 800 days) vm.warp(block.timestamp + 100 days);
    }

    /// @notice Whether by what was kept an aggregate is qualified for a product through some chain of equivalences.
    function shouldBe(uint256 asking, uint256 product) external view returns (bool found) {
        bool[PRODUCTS] memory reached;
        reached[product] = true;
        for (uint256 round = 0; round < PRODUCTS - 1; round++) {
            for (uint256 p = 0; p < PRODUCTS; p++) {
                for (uint256 q = 0; q < PRODUCTS; q++) {
                    if (reached[q] && accepted[p][q] == 3) reached[p] = true;
                }
            }
        }
        for (uint256 a = 0; a < AGGREGATES; a++) {
            if (a != asking && !isTwin(a, asking)) continue;
            for (uint256 p = 0; p < PRODUCTS; p++) {
                Test storage test = tests[a][p];
                found = found || reached[p] && test.passed && stateNow(test) == State.Qualified && sameAs(test, a);
            }
        }
    }

    function isQualified(uint256 a, uint256 p) external view returns (bool yes) {
        (yes,,,,) = prequalification.isQualified(aggregateOf(a), productOf(p), dayNow(), uint40(block.timestamp));
    }

    function stateOnLedger(uint256 a, uint256 p) external view returns (State state) {
        (state,) = prequalification.qualificationOf(aggregateOf(a), productOf(p));
    }

    function stateKept(uint256 a, uint256 p) external view returns (State) {
        return stateNow(tests[a][p]);
    }

    function stateNow(Test storage test) private view returns (State) {
        bool lapses = test.state == State.Qualified || test.state == State.Suspended;
        return lapses && block.timestamp >= test.until ? State.Expired : test.state;
    }

    function sameAs(Test storage test, uint256 a) private view returns (bool) {
        return test.members == membersOf(a) && test.upKw == poolOf(a).upKw;
    }

    function membersOf(uint256 a) private view returns (bytes32) {
        return bytes32(_steps[a]);
    }

    function poolOf(uint256 a) private view returns (IPods.Pool memory) {
        return pods.poolAt(aggregateOf(a), 0, dayNow());
    }

    /// @dev One local, one global, with the same PODs, counted POD by POD.
    function isTwin(uint256 a, uint256 b) private view returns (bool) {
        if ((a == 0) == (b == 0)) return false;
        uint256 members = 0;
        for (uint256 i = 0; i < PODS; i++) {
            IPods.Pod memory pod = pods.podAt(podOf(i), dayNow());
            bool inA = pod.localAggregate == aggregateOf(a) || pod.globalAggregate == aggregateOf(a);
            bool inB = pod.localAggregate == aggregateOf(b) || pod.globalAggregate == aggregateOf(b);
            if (inA != inB) return false;
            if (inA) members++;
        }
        return members != 0;
    }

    function dayNow() private view returns (uint16) {
        return sessions.firstUnfrozenDay();
    }

    function operatorOf(uint256 p) private pure returns (uint16) {
        return uint16(productOf(p) >> 16);
    }

    function productOf(uint256 p) private pure returns (uint32) {
        return p % 2 == 0 ? LOCAL_PRODUCT + uint32(p / 2) : GLOBAL_PRODUCT + uint32(p / 2);
    }

    function aggregateOf(uint256 a) private pure returns (uint40) {
        return uint40(BSP) << 24 | uint40(a + 1);
    }

    function listOf(uint32 only) private pure returns (uint32[] memory list) {
        list = new uint32[](1);
        list[0] = only;
    }
}

contract QualificationInvariants is MarketWorld {
    QualificationWalk private walk;

    function setUp() public {
        walk = new QualificationWalk();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(walk);
    }

    function targetSelectors() external view returns (Targets[] memory targets) {
        targets = new Targets[](1);
        targets[0].target = address(walk);
        targets[0].selectors = new bytes4[](4);
        targets[0].selectors[0] = QualificationWalk.stepQualification.selector;
        targets[0].selectors[1] = QualificationWalk.stepEquivalence.selector;
        targets[0].selectors[2] = QualificationWalk.stepMembership.selector;
        targets[0].selectors[3] = QualificationWalk.stepTime.selector;
    }

    struct Targets {
        address target;
        bytes4[] selectors;
    }

    /// @dev PRQ-1: no state is reached but by its machine and its entitled party.
    function invariant_NoStateButByItsMachine() external view {
        checkStates();
    }

    /// @dev PRQ-2, TOE-1, TOE-2, TOE-4: qualified is exactly who passed a test that still counts, or is reached from one by equivalences that
    ///      both operators accepted.
    function invariant_NoQualificationWithoutATestOrALivingChain() external view {
        checkAnswers();
    }

    /// @dev One long walk, checked on the way; it must come through answers of both kinds.
    function test_LongWalk() external {
        uint256 yes = 0;
        uint256 no = 0;
        for (uint256 i = 0; i < 600; i++) {
            uint256 seed = uint256(keccak256(abi.encode("walk", i)));
            uint256 kind = seed >> 248;
            seed >>= 8;
            if (kind < 150) walk.stepQualification(seed);
            else if (kind < 220) walk.stepEquivalence(seed);
            else if (kind < 252) walk.stepMembership(seed);
            else walk.stepTime(seed);
            if (i % 25 != 0) continue;
            checkStates();
            (uint256 more, uint256 less) = checkAnswers();
            (yes, no) = (yes + more, no + less);
        }
        assertTrue(yes > 20 && no > 20, "answers of both kinds");
    }

    function checkStates() private view {
        assertEq(walk.forbidden(), 0, "steps that the rules do not know");
        for (uint256 a = 0; a < walk.AGGREGATES(); a++) {
            for (uint256 p = 0; p < walk.PRODUCTS(); p++) {
                assertEq(uint256(walk.stateOnLedger(a, p)), uint256(walk.stateKept(a, p)), "state");
            }
        }
    }

    function checkAnswers() private view returns (uint256 yes, uint256 no) {
        for (uint256 a = 0; a < walk.AGGREGATES(); a++) {
            for (uint256 p = 0; p < walk.PRODUCTS(); p++) {
                bool qualified = walk.isQualified(a, p);
                assertTrue(qualified == walk.shouldBe(a, p), "qualified exactly where some living chain leads");
                if (qualified) yes++;
                else no++;
            }
        }
    }
}
