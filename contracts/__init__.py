"""The contracts' Solidity sources, their artifacts and the script that makes the one from the other."""
