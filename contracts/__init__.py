"""The contracts' Solidity sources, their compiled artifacts and the script that makes the one from the other."""
