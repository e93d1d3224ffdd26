"""ferrolite under the name of litellm: every name and every submodule is ferrolite's."""

import sys

from ferrolite.dropin import take_the_place_of

take_the_place_of(sys.modules[__name__])
