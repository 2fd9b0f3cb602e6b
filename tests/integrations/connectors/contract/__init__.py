"""The one contract that every connector passes, over real sockets.

A connector's test file subclasses `ConnectorContract` and gives a `crm` fixture with a `Harness`. Where a CRM lacks a
capability, the test asserts what the protocol promises instead; nothing is skipped.
"""

from tests.integrations.connectors.contract.pull import PullContract
from tests.integrations.connectors.contract.push import PushContract
from tests.integrations.connectors.contract.reach import ReachContract, WebhookContract
from tests.integrations.connectors.contract.reading import everything, read_all
from tests.integrations.connectors.contract.sign_in import SignInContract
from tests.integrations.connectors.contract.trouble import TroubleContract


class ConnectorContract(SignInContract, PushContract, PullContract, TroubleContract, ReachContract, WebhookContract):
    """Everything. `SignInContract` holds by itself for each further way to sign in."""


__all__ = ["ConnectorContract", "SignInContract", "everything", "read_all"]
