"""The extension. It keeps to the stable ABI, so that a wheel serves every CPython from 3.11 on."""

import sysconfig

from setuptools import Extension, setup

# Builds without the GIL have no stable ABI yet: there a wheel serves one version.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            "holdfast_fast._loops",
            ["holdfast_fast/_loops.c"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE else [],
            py_limited_api=STABLE,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
