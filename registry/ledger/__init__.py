"""The chain: typed commands in, domain events out. The only room that knows chain clients.

``ChainLedger`` speaks JSON-RPC and nothing else, so every chain is a provider: ``open_embedded`` runs one in this process and keeps
it in one file, ``open_rpc`` reaches any EVM node by URL.
"""
