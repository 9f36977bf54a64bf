// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {Proxy} from "@openzeppelin/contracts/proxy/Proxy.sol";

/// @dev Selector of the one call that a facade takes itself, and from the consortium alone; all others are its code's.
bytes4 constant FACADE_REPLACE = bytes4(keccak256("replaceFacadeCode(address,bytes)"));

/// @title The lasting address and state of one contract (CON-1)
/// @notice Runs the code that the consortium last agreed on. Who made the facade is the only one that can replace that code.
contract Facade is Proxy {
    address private immutable _consortium = msg.sender;

    function _fallback() internal override {
        if (msg.sender == _consortium && msg.sig == FACADE_REPLACE) {
            (address implementation, bytes memory initial) = abi.decode(msg.data[4:], (address, bytes));
            ERC1967Utils.upgradeToAndCall(implementation, initial);
        } else {
            super._fallback();
        }
    }

    function _implementation() internal view override returns (address) {
        return ERC1967Utils.getImplementation();
    }
}
