"""The package is tested as it lies in the tree when it is not installed."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "python"))
