"""Hypothesis profiles: HYPOTHESIS_PROFILE=fast (the default), ci or thorough."""

from __future__ import annotations

import os

from hypothesis import settings

# What the machine's own environment says of proxies is no matter of these tests.
for _name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[_name]

# No deadline: no test of ours asserts a timing. The blob reproduces a failure found anywhere.
for _name, _examples in (("fast", 40), ("ci", 200), ("thorough", 5000)):
    settings.register_profile(_name, max_examples=_examples, deadline=None, print_blob=True, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
