"""When the interpreter looks for garbage: seldom, and not among what stays. A leaf.

A look at everything that a gateway has loaded takes a tenth of a second, in which it answers
nobody; looks at what is new took a twentieth of its processor time.
"""

from __future__ import annotations

import gc

#: Objects after which there is a look at the new ones; such looks after which there is one at those
#: that outlived one; and of these, after which there is one at all.
_SELDOM = (2_000, 5, 20)


def look_seldom() -> None:
    """To be called in a process that is the gateway's alone."""
    gc.set_threshold(*_SELDOM)


def pass_over_what_is_here() -> None:
    """What was loaded by now stays: no look at all is one at that.

    Nothing is done in a process that is not the gateway's alone: see `look_seldom`.
    """
    if gc.get_threshold() == _SELDOM:
        gc.freeze()
