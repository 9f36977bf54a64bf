// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Types shared by the interfaces of FlexLedger
/// @dev Identifiers carry their owner, so that ownership is checked without a read:
///      perimeter = dso << 24 | serial, aggregate = bsp << 24 | serial, product = operator << 16 | serial.
///      A delivery day is the number of days from 1970-01-01 to its local date (Europe/Rome). Times are Unix seconds, UTC.
///      Powers are kW in 17 bits (0 .. 131,071). Hours of a day are cells of two words, see HourCells.

/// @notice What a participant is. One party has one kind.
enum PartyKind {
    None,
    Tso,
    Dso,
    Bsp,
    AccessNode,
    Auditor
}

/// @notice What a party can let another one do in its place, for a time (ACT-1).
enum Right {
    FileBaselines
}

/// @notice Static traffic light of a POD (POD-2).
enum StaticLight {
    None,
    Requested,
    Confirmed,
    Modulated,
    Invalidated
}

/// @notice Identification category of a POD (D4.1 Table 6).
enum PodCategory {
    Consumption,
    Production,
    Mixed,
    Storage
}

/// @notice Voltage level of the connection point.
enum VoltageLevel {
    Low,
    Medium,
    High
}

/// @notice Market scope of an aggregate (AGG-1).
enum Scope {
    Local,
    Global
}

/// @notice Which market a session side belongs to: LFP is the DSO's, MSD the TSO's (SES-1).
enum Market {
    Lfp,
    Msd
}

/// @notice State of a prequalification (PRQ-1).
enum QualificationState {
    None,
    Requested,
    Testing,
    Qualified,
    Rejected,
    Suspended,
    Expired
}

/// @notice How delivered energy is found (STT-1).
enum SettlementMethod {
    Metered,
    Requested
}

/// @notice Twenty-five hour cells of 18 bits: hours 0..12 in `lo`, 13..25 in `hi`, cell i of a word at bit 18 * i.
///         In a light a cell is a capability in kW: 0 is red, 131071 (17 ones) is green, anything else yellow; bits 234..246 of a word
///         flag the yellow cells that need reactive support. In a selection the low 17 bits are kW and bit 17 is the direction (1 = down).
struct HourCells {
    uint256 lo;
    uint256 hi;
}
