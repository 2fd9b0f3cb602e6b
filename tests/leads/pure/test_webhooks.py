"""Signatures as receivers check them, and pauses between tries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from leads.pure.webhooks import PAUSES, pause_after, signature, to_secret

# The example of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_example_is_signed_as_it_says() -> None:
    assert signature(secrets=[SECRET], message_id=ID, timestamp=TIMESTAMP, body=BODY) == SIGNED


def test_after_a_rotation_both_secrets_sign() -> None:
    other = to_secret(b"x" * 24)
    signed = signature(secrets=[other, SECRET], message_id=ID, timestamp=TIMESTAMP, body=BODY).split(" ")
    assert len(signed) == 2
    assert signed[1] == SIGNED
    assert signed[0].startswith("v1,")


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_secret_is_long_enough(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        to_secret(b"x" * size)


def test_pauses_grow_are_spread_and_end() -> None:
    assert pause_after(1, chance=0) == PAUSES[0] / 2
    assert pause_after(1, chance=1) == PAUSES[0]
    assert pause_after(2, chance=0, asked=timedelta(hours=1)) == timedelta(hours=1)
    assert pause_after(len(PAUSES), chance=1) == timedelta(hours=24)
    assert pause_after(len(PAUSES) + 1, chance=1) is None
    assert sum(PAUSES, timedelta()) > timedelta(days=3)
