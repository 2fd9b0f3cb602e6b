"""HubSpot's connector against HubSpot's dialect of the sandbox, and against its typed client."""

import pytest

pytest.register_assert_rewrite("tests.integrations.connectors.hubspot.account")
