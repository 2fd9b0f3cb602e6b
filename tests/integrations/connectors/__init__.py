"""Connectors: one contract for all, over real sockets."""

import pytest

pytest.register_assert_rewrite("tests.integrations.connectors.contract", "tests.integrations.connectors.harness")
