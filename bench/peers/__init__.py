"""Other clients and Holdfast in the same situations, on real loopback sockets: `python -m bench.peers`.

Each run is two processes: a server that misbehaves (`server.py`) and one client (`worker.py`). Of both accounts
`docs/comparison.md` is made. A new client is a module in `clients/`; a new situation stands in `situations/`.
"""
