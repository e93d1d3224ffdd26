"""The version alone: packages bind litellm to ranges that no single version is in."""

import os

from setuptools import setup

# In more ranges than any other; README.md lists those that need another.
VERSION = "1.105.1"
# Versions that packages exclude by name.
REFUSED = ("1.82.7", "1.82.8", "1.107.0")

version = os.environ.get("LITELLM_DROPIN_VERSION", VERSION)
if version in REFUSED:
    raise SystemExit(f"Several packages exclude litellm {version}: choose another LITELLM_DROPIN_VERSION.")
setup(version=version)
