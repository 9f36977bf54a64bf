// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Measurements} from "../src/Measurements.sol";
import {IMeasurements} from "../src/interfaces/IMeasurements.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {PartyKind} from "../src/types/Types.sol";
import {PodsWorld} from "./PodsWorld.sol";

contract MeasurementsTest is PodsWorld {
    bytes32 private constant POD = "pod";
    bytes32 private constant LOG = "log";
    uint256 private constant FIELD = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff;
    /// @dev The generator of P-256 and its double (FIPS 186-5, SP 800-186).
    bytes32 private constant X1 = 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296;
    bytes32 private constant Y1 = 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5;
    bytes32 private constant X2 = 0x7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978;
    bytes32 private constant Y2 = 0x07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1;

    Measurements private measurements;

    function setUp() public {
        setUpPods();
        register(BSP, POD);
        measurements = new Measurements(participants, sessions, pods);
    }

    /// @dev DEV-1
    function test_BindsAKeyForItsValidity() public {
        vm.expectEmit(address(measurements));
        emit IMeasurements.DeviceBound(POD, keyId(X1, Y1), DSO, X1, Y1, 100, 200);
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        (bytes32 key, uint40 validFrom, uint40 validUntil) = measurements.deviceOf(POD);
        assertEq(key, keyId(X1, Y1), "key id");
        assertEq(validFrom, 100, "valid from");
        assertEq(validUntil, 200, "valid until");
    }

    /// @dev DEV-1: one active device per POD: the new one ends the old one where it starts.
    function test_RotationEndsTheOldKey() public {
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        vm.expectEmit(address(measurements));
        emit IMeasurements.DeviceEnded(POD, keyId(X1, Y1), DSO, 150, "replaced");
        vm.expectEmit(address(measurements));
        emit IMeasurements.DeviceBound(POD, keyId(X2, Y2), DSO, X2, Y2, 150, 300);
        bind(IMeasurements.Binding(POD, X2, Y2, 150, 300));
        (bytes32 key,,) = measurements.deviceOf(POD);
        assertEq(key, keyId(X2, Y2), "new key");
    }

    /// @dev DEV-1: a key whose validity is over needs no end.
    function test_RotationAfterTheEndEndsNothing() public {
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        vm.recordLogs();
        bind(IMeasurements.Binding(POD, X2, Y2, 200, 300));
        assertEq(vm.getRecordedLogs().length, 1, "one event");
    }

    /// @dev DEV-1
    function test_RefusesBindings() public {
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        refuse(
            IMeasurements.Binding(POD, X1, Y1, 200, 300),
            abi.encodeWithSelector(IMeasurements.KeyTaken.selector, keyId(X1, Y1), POD)
        );
        refuse(
            IMeasurements.Binding("unknown", X2, Y2, 100, 200),
            abi.encodeWithSelector(IMeasurements.DeviceOfOtherDso.selector, bytes32("unknown"), 0, DSO)
        );
        refuse(
            IMeasurements.Binding(POD, X2, Y2, 99, 300),
            abi.encodeWithSelector(IMeasurements.ValidityInvalid.selector, POD, 99, 300)
        );
        refuse(
            IMeasurements.Binding(POD, X2, Y2, 300, 300),
            abi.encodeWithSelector(IMeasurements.ValidityInvalid.selector, POD, 300, 300)
        );
        IMeasurements.Binding[] memory bindings = new IMeasurements.Binding[](1);
        bindings[0] = IMeasurements.Binding(POD, X2, Y2, 200, 300);
        vm.prank(signerOf(OTHER_DSO));
        vm.expectRevert(abi.encodeWithSelector(IMeasurements.DeviceOfOtherDso.selector, POD, DSO, OTHER_DSO));
        measurements.bindDevices(OTHER_DSO, bindings);
    }

    /// @dev DEV-1: no other y belongs to this x but the point and its mirror image.
    function testFuzz_RefusesKeysOffTheCurve(uint256 y) public {
        y = bound(y, 0, FIELD - 1);
        vm.assume(y != uint256(Y1) && y != FIELD - uint256(Y1));
        refuse(
            IMeasurements.Binding(POD, X1, bytes32(y), 100, 200),
            abi.encodeWithSelector(IMeasurements.KeyInvalid.selector, X1, bytes32(y))
        );
    }

    /// @dev DEV-1: revocation shortens a validity; the DSO that bound a key can end it after the POD was withdrawn.
    function test_EndsADevice() public {
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        withdraw(BSP, POD);
        vm.expectEmit(address(measurements));
        emit IMeasurements.DeviceEnded(POD, keyId(X1, Y1), DSO, 150, "stolen");
        end(DSO, POD, 150);
        (,, uint40 validUntil) = measurements.deviceOf(POD);
        assertEq(validUntil, 150, "ended");
        end(DSO, POD, 100);
    }

    /// @dev DEV-1
    function test_RefusesEnds() public {
        refuseEnd(DSO, POD, 150, abi.encodeWithSelector(IMeasurements.DeviceUnknown.selector, POD, bytes32(0)));
        bind(IMeasurements.Binding(POD, X1, Y1, 100, 200));
        refuseEnd(DSO, POD, 201, abi.encodeWithSelector(IMeasurements.ValidityInvalid.selector, POD, 100, 201));
        refuseEnd(DSO, POD, 99, abi.encodeWithSelector(IMeasurements.ValidityInvalid.selector, POD, 100, 99));
        refuseEnd(
            OTHER_DSO, POD, 150, abi.encodeWithSelector(IMeasurements.DeviceOfOtherDso.selector, POD, DSO, OTHER_DSO)
        );
        vm.prank(signerOf(DSO));
        vm.expectRevert(abi.encodeWithSelector(Measurements.LengthsDiffer.selector, 1, 2));
        measurements.endDevices(DSO, one(POD), new uint40[](2), "stolen");
    }

    /// @dev LOG-2: sizes never shrink, and one size has one root, whatever is anchored.
    function testFuzz_AnchoredLogOnlyGrows(uint64 first, uint64 next, bytes32 root, bytes32 nextRoot) public {
        anchor(NODE, first, root);
        vm.prank(signerOf(NODE));
        if (next < first) {
            vm.expectRevert(abi.encodeWithSelector(IMeasurements.LogShrinks.selector, LOG, first, next));
        } else if (next == first && root != nextRoot) {
            vm.expectRevert(abi.encodeWithSelector(IMeasurements.LogForks.selector, LOG, first, root, nextRoot));
        } else {
            (first, root) = (next, nextRoot);
        }
        measurements.anchor(NODE, LOG, next, nextRoot, 0);
        (uint16 node, uint64 size, bytes32 anchored) = measurements.checkpointOf(LOG);
        assertEq(node, NODE, "node");
        assertEq(size, first, "size");
        assertEq(anchored, root, "root");
    }

    /// @dev LOG-2: how many witnesses cosigned is said by the event, and by the newest one where a checkpoint is anchored again.
    function testFuzz_AnAnchorSaysHowManyCosigned(uint8 first, uint8 next) public {
        for (uint256 i = 0; i < 2; i++) {
            uint8 witnesses = i == 0 ? first : next;
            vm.expectEmit(address(measurements));
            emit IMeasurements.CheckpointAnchored(LOG, NODE, 7, "root", witnesses);
            vm.prank(signerOf(NODE));
            measurements.anchor(NODE, LOG, 7, "root", witnesses);
        }
    }

    /// @dev LOG-2
    function test_RefusesAnchorsOfOthers() public {
        anchor(NODE, 7, "root");
        anchor(NODE, 7, "root");
        vm.prank(signerOf(DSO));
        vm.expectRevert(
            abi.encodeWithSelector(IParticipants.NotAuthorised.selector, NODE, PartyKind.AccessNode, signerOf(DSO))
        );
        measurements.anchor(NODE, LOG, 8, "root", 0);
        admit(32, PartyKind.AccessNode);
        vm.prank(signerOf(32));
        vm.expectRevert(abi.encodeWithSelector(IMeasurements.LogOfOther.selector, LOG, NODE, 32));
        measurements.anchor(32, LOG, 8, "root", 0);
    }

    function bind(IMeasurements.Binding memory binding) private {
        IMeasurements.Binding[] memory bindings = new IMeasurements.Binding[](1);
        bindings[0] = binding;
        vm.prank(signerOf(DSO));
        measurements.bindDevices(DSO, bindings);
    }

    function refuse(IMeasurements.Binding memory binding, bytes memory refusal) private {
        IMeasurements.Binding[] memory bindings = new IMeasurements.Binding[](1);
        bindings[0] = binding;
        vm.prank(signerOf(DSO));
        vm.expectRevert(refusal);
        measurements.bindDevices(DSO, bindings);
    }

    function end(uint16 dso, bytes32 podId, uint40 validUntil) private {
        vm.prank(signerOf(dso));
        measurements.endDevices(dso, one(podId), ends(validUntil), "stolen");
    }

    function refuseEnd(uint16 dso, bytes32 podId, uint40 validUntil, bytes memory refusal) private {
        vm.prank(signerOf(dso));
        vm.expectRevert(refusal);
        measurements.endDevices(dso, one(podId), ends(validUntil), "stolen");
    }

    function anchor(uint16 node, uint64 size, bytes32 root) private {
        vm.prank(signerOf(node));
        measurements.anchor(node, LOG, size, root, 0);
    }

    function ends(uint40 validUntil) private pure returns (uint40[] memory list) {
        list = new uint40[](1);
        list[0] = validUntil;
    }

    function keyId(bytes32 x, bytes32 y) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x04), x, y));
    }
}
