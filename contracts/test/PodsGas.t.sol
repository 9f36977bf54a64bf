// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IPods} from "../src/interfaces/IPods.sol";
import {StaticLight} from "../src/types/Types.sol";
import {PodsWorld} from "./PodsWorld.sol";

/// @notice Gas per POD at batches of 100, held against what its slots, its log and its calldata cost alone.
contract PodsGasTest is PodsWorld {
    uint256 private constant BATCH = 100;
    uint256 private constant FRESH_SLOT = 22_100;
    uint256 private constant UPDATED_SLOT = 5_000;

    event GasPerPod(string what, uint256 gas, uint256 limit);

    bytes32[] private _podIds;

    function setUp() public {
        setUpPods();
        vm.prank(signerOf(BSP));
        pods.register(BSP, registrations("set up"));
        for (uint256 i = 0; i < BATCH; i++) {
            _podIds.push(keccak256(abi.encode("set up", i)));
        }
        if (msg.sig == this.setUp.selector) return;
    }

    function test_Register() public {
        bytes memory call = abi.encodeCall(IPods.register, (BSP, registrations("new")));
        measure("register", BSP, call, FRESH_SLOT + logGas(4, 6));
    }

    function test_GiveStaticLights() public {
        bytes memory call = abi.encodeCall(IPods.giveStaticLights, (DSO, decisions()));
        measure("static light", DSO, call, UPDATED_SLOT + logGas(3, 6));
    }

    function registrations(string memory salt) private pure returns (IPods.Registration[] memory batch) {
        batch = new IPods.Registration[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            batch[i] = registration(keccak256(abi.encode(salt, i)));
            batch[i].payloadHash = keccak256(abi.encode(i));
        }
    }

    function decisions() private view returns (IPods.StaticLightDecision[] memory batch) {
        batch = new IPods.StaticLightDecision[](BATCH);
        for (uint256 i = 0; i < BATCH; i++) {
            batch[i] = decision(_podIds[i], StaticLight.Confirmed, UP_KW, DOWN_KW);
        }
    }

    function measure(string memory what, uint16 party, bytes memory call, uint256 slotsAndLog) private {
        vm.prank(signerOf(party));
        uint256 before = gasleft();
        (bool done,) = address(pods).call(call);
        uint256 spent = before - gasleft();
        assertTrue(done, what);
        uint256 calldataGas = intrinsicGas(call);
        uint256 perPod = (21_000 + spent + calldataGas) / BATCH;
        uint256 limit = (slotsAndLog * BATCH + calldataGas) / BATCH;
        emit GasPerPod(what, perPod, limit);
        assertAtMost(perPod * 100, limit * 125, what);
    }

    function intrinsicGas(bytes memory call) private pure returns (uint256 gas) {
        for (uint256 i = 0; i < call.length; i++) {
            gas += call[i] == 0 ? 4 : 16;
        }
    }

    function logGas(uint256 topics, uint256 words) private pure returns (uint256) {
        return 375 * (1 + topics) + 8 * 32 * words;
    }
}

/// @notice Memberships of PODs that have their static lights already.
contract MembershipGasTest is PodsWorld {}
