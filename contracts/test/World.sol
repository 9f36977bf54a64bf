// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {MarketSessions} from "../src/MarketSessions.sol";
import {Participants} from "../src/Participants.sol";
import {IMarketSessions} from "../src/interfaces/IMarketSessions.sol";
import {IParticipants} from "../src/interfaces/IParticipants.sol";
import {Eic} from "../src/libraries/Eic.sol";
import {PartyKind} from "../src/types/Types.sol";
import {Base} from "./Base.sol";

/// @notice A TSO, two DSOs, two BSPs, an access node and an auditor, and a calendar to schedule days from.
abstract contract World is Base {
    uint16 internal constant TSO = 1;
    uint16 internal constant DSO = 11;
    uint16 internal constant OTHER_DSO = 12;
    uint16 internal constant BSP = 21;
    uint16 internal constant OTHER_BSP = 22;
    uint16 internal constant NODE = 31;
    uint16 internal constant AUDITOR = 41;
    /// @dev 2026-11-21, a day of 24 hours that starts at 23:00 UTC.
    uint16 internal constant FIRST_DAY = 20778;

    Participants internal participants;
    MarketSessions internal sessions;

    function setUpWorld() internal {
        vm.warp(startOf(FIRST_DAY) - 2 days);
        bytes memory founding = abi.encodeCall(IParticipants.initialize, (address(this)));
        participants = Participants(address(new ERC1967Proxy(address(new Participants()), founding)));
        sessions = new MarketSessions(participants);
        uint16[7] memory parties = [TSO, DSO, OTHER_DSO, BSP, OTHER_BSP, NODE, AUDITOR];
        for (uint256 i = 0; i < parties.length; i++) {
            admit(parties[i], kindIn(parties[i]));
        }
    }

    function admit(uint16 party, PartyKind kind) internal {
        IParticipants.Admission[] memory admissions = new IParticipants.Admission[](1);
        admissions[0] = IParticipants.Admission(party, kind, eicOf(party), "party", signerOf(party));
        participants.admit(admissions);
    }

    function scheduleDay(uint16 day) internal {
        schedule(plainDay(day, 96));
    }

    function schedule(IMarketSessions.DaySchedule memory day) internal {
        IMarketSessions.DaySchedule[] memory days_ = new IMarketSessions.DaySchedule[](1);
        days_[0] = day;
        vm.prank(signerOf(TSO));
        sessions.scheduleDays(TSO, days_);
    }

    function kindIn(uint16 party) internal pure returns (PartyKind) {
        if (party == TSO) return PartyKind.Tso;
        if (party == NODE) return PartyKind.AccessNode;
        if (party == AUDITOR) return PartyKind.Auditor;
        return party < BSP ? PartyKind.Dso : PartyKind.Bsp;
    }

    function signerOf(uint16 party) internal pure returns (address) {
        return address(uint160(0xF1E0000 + uint256(party)));
    }

    /// @notice A well-formed EIC with the party's number in it.
    function eicOf(uint16 party) internal pure returns (bytes16) {
        bytes memory code = "26X00000-000000-";
        for (uint256 digit = 0; digit < 5; digit++) {
            code[7 - digit] = bytes1(uint8(48 + party / 10 ** digit % 10));
        }
        bytes memory alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for (uint256 spare = 0; spare < 10; spare++) {
            code[14] = bytes1(uint8(48 + spare));
            for (uint256 i = 0; i < alphabet.length; i++) {
                code[15] = alphabet[i];
                // forge-lint: disable-next-line(unsafe-typecast)
                if (Eic.isValid(bytes16(bytes(code)))) return bytes16(bytes(code));
            }
        }
        revert NotTrue("an EIC for every number");
    }

    function startOf(uint16 day) internal pure returns (uint40) {
        return uint40(uint256(day) * 1 days - 1 hours);
    }

    /// @notice LFP 1 opens at noon of the day before; every MSD gate is 105 minutes before its block, the LFP gate an hour earlier.
    function plainDay(uint16 day, uint8 quarters) internal pure returns (IMarketSessions.DaySchedule memory schedule_) {
        uint40 start = startOf(day);
        schedule_.day = day;
        schedule_.startsAt = start;
        schedule_.quarters = quarters;
        schedule_.baselineGate = start - 12 hours;
        schedule_.opensAt = start - 12 hours;
        for (uint40 pair = 0; pair < 6; pair++) {
            uint40 blockStart = start + pair * 4 hours;
            if (pair > 0) blockStart = blockStart + uint40(quarters) * 15 minutes - 24 hours;
            schedule_.msdGates[pair] = blockStart - 105 minutes;
            schedule_.lfpGates[pair] = blockStart - 165 minutes;
        }
        schedule_.lastDeclaration = schedule_.msdGates[5] + 1 hours;
    }
}
