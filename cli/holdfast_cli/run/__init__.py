"""`holdfast run`: feeds and sinks from a file, as a service that an operator can run.

kinds.py       what a value in the file may be, by the type hint of the setting; its JSON Schema
problems.py    what is wrong with a file: all of it at once
reading.py     TOML, and what the environment fills in
profiles.py    settings that go together
feed_plan.py   one feed: its keys are the arguments of `open_feed`
sink_plan.py   one sink: its keys are the arguments of its class
file.py        a file as a whole, checked: `load`
shown.py       what a file comes to, as TOML, without its secrets
service.py     feeds and sinks at work: signals, the file read again, the end
outlet.py      the way to one sink: a bounded queue and a thread
sinks/         stdout, files, a Unix socket; the protocol for others
loops.py       what all this needs of asyncio or trio
"""
