"""Lines are printed by a thread, which outlasts a disk that was full for a moment."""

import errno
import io
import threading

import pytest

from pointsman.telemetry.printing import Printer


class Disk(io.StringIO):
    """An output that fails as it is told to, once."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.failed = threading.Event()

    def write(self, text: str) -> int:
        if not self.failed.is_set():
            self.failed.set()
            raise OSError(self.number, "no")
        return super().write(text)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EAGAIN, errno.EIO])
def test_an_output_that_fails_for_a_moment_is_written_again(number: int):
    disk = Disk(number)
    printer = Printer(disk, name="log")
    printer.put("lost")
    assert disk.failed.wait(10)
    printer.put("kept")
    printer.close()
    assert disk.getvalue() == "(1 lines were dropped)\nkept\n"
    assert printer.dropped == 1


def test_one_that_nobody_reads_is_written_no_more(caplog: pytest.LogCaptureFixture):
    disk = Disk(errno.EPIPE)
    printer = Printer(disk, name="log")
    printer.put("lost")
    printer.join(10)
    printer.put("lost as well")
    printer.close()
    assert not disk.getvalue()
    assert "the output of the log is closed" in caplog.text
