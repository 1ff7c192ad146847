"""What stays is no garbage, in a process that is the gateway's alone."""

import subprocess
import sys

import pytest

#: How many of its objects a process still looks at; it `begins` as a gateway does, or not.
_PROGRAM = """
import gc
from pointsman.garbage import look_seldom, pass_over_what_is_here
loaded = [[number] for number in range(1000)]
{begins}
pass_over_what_is_here()
looked_at = set(map(id, gc.get_objects()))
print(sum(id(each) in looked_at for each in loaded))
"""


@pytest.mark.parametrize(
    ("begins", "looked_at"),
    [
        pytest.param("look_seldom()", 0, id="what a gateway has loaded is passed over"),
        pytest.param("", 1000, id="a guest leaves the objects of its host alone"),
    ],
)
def test_where_garbage_is_looked_for(begins: str, looked_at: int) -> None:
    program = _PROGRAM.format(begins=begins)

    told = subprocess.check_output([sys.executable, "-c", program], text=True)

    assert int(told) == looked_at
