"""A chain of one node inside this process, for demonstrations, tests and small installations.

The virtual machine is py-evm (Prague rules). One transaction makes one block, at once; a transaction that
breaks a rule makes none. Gas costs nothing. All state is in one SQLite file that one process holds at a time.
"""
