// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {StaticLight} from "../src/types/Types.sol";
import {PodsWorld} from "./PodsWorld.sol";

/// @notice Gas per POD of a batch of 100, held against what its slots, its log and its calldata cost alone.
/// @dev What is prepared in `setUp` is cold storage in a test, as it is in a transaction of its own.
abstract contract PodsGasBase is PodsWorld {
    uint256 internal constant FRESH_SLOT = 22_100;
    uint256 internal constant UPDATED_SLOT = 5_000;
    uint256 internal constant BATCH = 100;
    uint256 private constant TRANSACTION = 21_000;

    event GasPerPod(string what, uint256 gas, uint256 limit);

    function registrations(string memory salt) internal pure returns (IPods.Registration[] memory batch) {
        batch = new IPods.Registration[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            batch[i] = registration(keccak256(abi.encode(salt, i)));
            batch[i].payloadHash = keccak256(abi.encode("payload", i));
        }
    }

    function podIds(string memory salt) internal pure returns (bytes32[] memory ids) {
        ids = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            ids[i] = keccak256(abi.encode(salt, i));
        }
    }

    function confirmations(string memory salt) internal pure returns (IPods.StaticLightDecision[] memory batch) {
        batch = new IPods.StaticLightDecision[](BATCH);
        bytes32[] memory ids = podIds(salt);
        for (uint256 i = 0; i < BATCH; i++) {
            batch[i] = decision(ids[i], StaticLight.Confirmed, UP_KW, DOWN_KW);
        }
    }

    function prepareRegistered() internal {
        setUpPods();
        vm.prank(signerOf(BSP));
        pods.register(BSP, registrations("pod"));
    }

    function prepareConfirmed() internal {
        prepareRegistered();
        vm.prank(signerOf(DSO));
        pods.giveStaticLights(DSO, confirmations("pod"));
    }

    /// @dev The whole transaction, divided by the batch, stays within `percent` of the limit and is reported.
    function measure(string memory what, uint16 party, bytes memory call, uint256 slotsAndLog, uint256 percent) internal {
        uint256 calldataGas = costOf(call);
        vm.prank(signerOf(party));
        uint256 before = gasleft();
        (bool done,) = address(pods).call(call);
        uint256 spent = before - gasleft();
        assertTrue(done, what);
        uint256 perPod = (TRANSACTION + spent + calldataGas) / BATCH;
        uint256 limit = slotsAndLog + calldataGas / BATCH;
        emit GasPerPod(what, perPod, limit);
        assertAtMost(perPod * 100, limit * percent, what);
    }

    function logGas(uint256 topics, uint256 words) internal pure returns (uint256) {
        return 375 * (1 + topics) + 8 * 32 * words;
    }

    function costOf(bytes memory call) private pure returns (uint256 gas) {
        for (uint256 i = 0; i < call.length; i++) {
            gas += call[i] == 0 ? 4 : 16;
        }
    }
}

contract RegistrationGasTest is PodsGasBase {
    function setUp() public {
        prepareRegistered();
    }

    function test_NewRegistration() public {
        bytes memory call = abi.encodeCall(IPods.register, (BSP, registrations("new")));
        measure("register", BSP, call, FRESH_SLOT + logGas(4, 6), 125);
    }

    function test_StaticLight() public {
        bytes memory call = abi.encodeCall(IPods.giveStaticLights, (DSO, confirmations("pod")));
        measure("static light", DSO, call, UPDATED_SLOT + logGas(3, 6), 155);
    }

    /// @dev On a later day the light of before is kept in a fresh slot of its own.
    function test_StaticLightOfLaterDay() public {
        goBefore(FIRST_DAY + 1);
        bytes memory call = abi.encodeCall(IPods.giveStaticLights, (DSO, confirmations("pod")));
        measure("static light, later day", DSO, call, UPDATED_SLOT + FRESH_SLOT + logGas(3, 6), 125);
    }
}

contract MembershipGasTest is PodsGasBase {
    function setUp() public {
        prepareConfirmed();
    }

    function test_Join() public {
        bytes memory call = abi.encodeCall(IPods.join, (BSP, LOCAL, podIds("pod")));
        measure("join", BSP, call, UPDATED_SLOT + logGas(3, 1) + 2 * FRESH_SLOT / BATCH, 140);
    }

    function test_JoinOnLaterDay() public {
        goBefore(FIRST_DAY + 1);
        bytes memory call = abi.encodeCall(IPods.join, (BSP, LOCAL, podIds("pod")));
        measure("join, later day", BSP, call, UPDATED_SLOT + FRESH_SLOT + logGas(3, 1) + 2 * FRESH_SLOT / BATCH, 125);
    }
}

contract SecondMembershipGasTest is PodsGasBase {
    function setUp() public {
        prepareConfirmed();
        vm.prank(signerOf(BSP));
        pods.join(BSP, LOCAL, podIds("pod"));
    }

    /// @dev Four pools (own and shared, in the perimeter and as a whole) and two lists of counterparts are begun.
    function test_JoinOfSecondScope() public {
        bytes memory call = abi.encodeCall(IPods.join, (BSP, GLOBAL, podIds("pod")));
        measure("join, second scope", BSP, call, UPDATED_SLOT + logGas(3, 1) + 8 * FRESH_SLOT / BATCH, 140);
    }
}
