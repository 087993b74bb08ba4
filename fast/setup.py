"""The extensions. They keep to the stable ABI, so that a wheel serves every CPython from 3.11 on."""

import sysconfig

from setuptools import Extension, setup

# Builds without the GIL have no stable ABI yet: there a wheel serves one version.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            f"holdfast_fast.{name}",
            [f"holdfast_fast/{name}.c"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE else [],
            py_limited_api=STABLE,
        )
        for name in ("_loops", "_taken")
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
