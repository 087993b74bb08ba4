"""The fault judge's scenarios in words, and what is to be known about some of them when figures are read."""

from __future__ import annotations

_FIN_THEN = "the connection ends; then "

GROUPS: dict[str, dict[str, str]] = {
    "Nothing is wrong": {
        "baseline": "two streams, 20 messages a second each",
        "server_ping": "the server pings twice a second and drops who is 1 s late",
        "drop_acks": "requests are obeyed and never acknowledged",
        "cold_start": "the first three dials are reset",
        "tls_baseline": "two streams over TLS with a private CA",
    },
    "The connection ends": {
        "rst": "reset",
        "fin": "ends without a close frame",
        "close_1000": "close 1000",
        "close_1001": "close 1001",
        "close_1008": "close 1008",
        "close_1011": "close 1011",
        "close_1012": "close 1012",
        "close_1013": "close 1013",
        "close_4000": "close 4000",
        "close_hang": "close 1001, and the server never ends TCP",
        "burst_fin": "300 messages a stream at once, then the end",
        "max_age": "close 1001 whenever a connection is 2 s old",
        "flap": "for 4 s every connection ends as soon as it is open",
        "refuse": "the end, and no listener for 3 s",
        "tls_rst": "TLS: reset",
        "tls_fin_no_notify": "TLS: ends without close_notify",
        "tls_truncate": "TLS: ends in the middle of a record",
    },
    "Silence": {
        "blackhole": "nothing goes through any more, in either direction",
        "blackhole_all": "the same, and new connections hang for 3 s",
        "mute": "pings are answered, data stops",
        "mute_one": "one of two streams stops",
        "no_pong": "data flows, pings are not answered",
        "tls_blackhole": "TLS: nothing goes through any more",
    },
    "Our own side is slow": {
        "slow_consumer": "40 messages a second, the consumer takes five; the server drops whose pong is late",
        "block_loop": "the event loop is blocked for 1.5 s",
        "suspend": "the process is stopped for 2.5 s",
    },
    "Distorted traffic": {
        "dribble": "frames arrive byte by byte",
        "delay": "everything is 0.3 s late",
        "fragment": "messages in four fragments, a ping between them",
        "truncate_fin": "half a frame, then the end",
        "truncate_rst": "half a frame, then a reset",
        "corrupt_rsv": "a frame with a reserved bit",
        "corrupt_opcode": "a frame with a reserved opcode",
        "corrupt_masked": "a masked frame",
        "corrupt_utf8": "text that is not UTF-8",
        "corrupt_len": "a length that is one short",
        "corrupt_json": "a message with half a JSON document",
        "text_garbage": "three messages that are no JSON",
        "huge_frame": "a frame announced with 2^62 bytes",
        "huge_frame_1g": "a frame announced with 2^30 bytes",
        "gap": "the server leaves out five numbers",
        "dup": "the server sends five messages twice",
        "tls_dribble": "TLS: three bytes at a time",
    },
    "The way back is blocked": {
        "hs_hang": _FIN_THEN + "two dials are never answered",
        "hs_503": _FIN_THEN + "HTTP 503, three times",
        "hs_429_retry_after": _FIN_THEN + "HTTP 429 with Retry-After: 2",
        "hs_503_retry_after": _FIN_THEN + "HTTP 503 with Retry-After: 2",
        "hs_401": _FIN_THEN + "HTTP 401: to give up is right",
        "hs_301": _FIN_THEN + "a redirect",
        "hs_garbage": _FIN_THEN + "random bytes for an answer, three times",
        "hs_bad_accept": _FIN_THEN + "a wrong Sec-WebSocket-Accept, three times",
        "hs_bad_proto": _FIN_THEN + "a subprotocol nobody asked for, twice",
        "hs_slow_ok": _FIN_THEN + "an answer byte by byte",
        "hs_rst": _FIN_THEN + "a reset during the handshake, three times",
        "early_data": _FIN_THEN + "data in the same segment as the answer",
        "tls_hs_hang": "TLS: " + _FIN_THEN + "two dials are never answered",
        "tls_hs_rst_inside": "TLS: " + _FIN_THEN + "a reset inside the TLS handshake, three times",
        "tls_hs_garbage": "TLS: " + _FIN_THEN + "random bytes for a TLS handshake, three times",
    },
    "Limits of the server": {
        "msg_limit": "eight requests, and more than five frames within a second are answered with close 1008",
    },
    "Stopping the client": {
        "stop_blackhole": "while nothing goes through",
        "stop_backoff": "between two dials",
        "stop_handshake": "during a handshake that hangs",
    },
}

NOT_IN_A_GAP = {
    "gap": "the server never sent them; only who knows a service's numbers can tell",
    "corrupt_json": "it came, as text that nobody could read",
    "text_garbage": "they came, as text that nobody could read",
    "slow_consumer": "they wait in the queue when the run ends",
    "stop_blackhole": "the run ends before a connection is found lost",
    "stop_backoff": "the run ends before there is another message",
    "stop_handshake": "the run ends before there is another message",
}
LEFT_OUT = {"gap": 5}  # numbers that a client must find missing
SENT_TWICE = {"dup": 5}  # messages that a client must find repeated
GIVES_UP = {"hs_401"}
