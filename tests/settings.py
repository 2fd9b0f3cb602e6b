"""config.settings in test mode. A module of its own, so that no one can run the tests against a real database by
forgetting an environment variable."""

import os

os.environ["PORTAL_MODE"] = "test"
os.environ.setdefault("VAR_DIR", "/tmp/portal-test-var")  # nothing secret is written there

from config.settings import *  # noqa: F403

if IS_SQLITE:  # noqa: F405
    # pytest-django knows Django's own backend by its name, and would give each worker of ours a file.
    DATABASES["default"]["TEST"] = {"NAME": ":memory:"}  # noqa: F405

# Each client of a test starts the middleware anew, which would list all static files: look for one when it is asked.
WHITENOISE_AUTOREFRESH = True
