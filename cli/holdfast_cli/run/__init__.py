"""`holdfast run`: feeds and sinks from a file, as a service that an operator can run.

kinds.py       what a value in the file may be, by the type hint of the setting; its JSON Schema
keys.py        which keys there are: derived from the settings of Holdfast, so that a new one appears by itself
reading.py     TOML, and secrets from the environment
file.py        a file as a whole, checked: `load`
profiles.py    settings that go together
shown.py       what a file comes to, as TOML, without its secrets
"""
