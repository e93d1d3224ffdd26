"""`python -m ferrolite` is the `ferrolite` command."""

import sys

from ferrolite.cli import main

sys.exit(main())
