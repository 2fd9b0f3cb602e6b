"""config.settings in test mode. A module of its own, so that no one can run the tests against a real database by
forgetting an environment variable."""

import os

os.environ["PORTAL_MODE"] = "test"
os.environ.setdefault("VAR_DIR", "/tmp/portal-test-var")  # nothing secret is written there
# The browser's driver keeps an event loop in the thread of the tests; whatever runs after it in that process is as
# synchronous as ever.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from config.settings import *  # noqa: F403
