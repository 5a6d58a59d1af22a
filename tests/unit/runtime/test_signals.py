"""Names of signals."""

import signal

import pytest

from runtime.errors import InvalidArgument
from runtime.signals import signal_name, signal_number


@pytest.mark.parametrize("name", ["SIGTERM", "term", "sigterm", "15"])
def test_a_signal_may_be_written_in_every_form_docker_takes(name: str):
    """With and without SIG, in any case, as a number."""
    assert signal_number(name) == signal.SIGTERM
    assert signal_name(name) == "SIGTERM"


def test_real_time_signals_must_be_understood():
    """Images with systemd stop by `SIGRTMIN+3`."""
    assert signal_number("SIGRTMIN+3") == signal.SIGRTMIN + 3
    assert signal_number("RTMAX-1") == signal.SIGRTMAX - 1
    assert signal_number(signal_name("SIGRTMIN+3")) == signal.SIGRTMIN + 3
    assert signal_name(str(int(signal.SIGRTMIN))) == "SIGRTMIN"


@pytest.mark.parametrize("name", ["", "SIG", "NOPE", "0", "65", "32", "RTMIN+31", "RTMAX-40", "²"])
def test_a_signal_that_does_not_exist_must_be_refused(name: str):
    """Before anything is made or sent."""
    with pytest.raises(InvalidArgument, match="invalid signal"):
        signal_number(name)
