"""Speed: what clients cost per message, per send and per connection, over real loopback sockets.

Processor seconds of the client's process; the server has a process of its own. `python -m bench.speed --help`.
"""
