"""The connector for Pipedrive: API v2, and v1 where v2 has no successor (users, leads, changelog).

Pipedrive has no batch, no upsert and no external id. Our id stands in a custom field of its people (`prepare` makes
it); whoever has no link yet is looked for by email, then created, one after the other (`writing`): who is there
already is listed or searched, whatever costs less (`directory`). A lead's company is the organization of that name,
made where there is none (`organizations`). An answer lost on the way is `Unknown` until `find` has looked for our id.
One call tells of all people of a batch before their writes, so that equal ones cost nothing further and emails that
only Pipedrive knows survive a write.

Won and lost are statuses there, not stages: the reference gives each pipeline two stages more, `<pipeline>:won` and
`<pipeline>:lost`, and a closed deal stands in one of them. Deleted deals come with the changes, archived ones by
`gone`; people who vanished are told by webhooks, with whom they were merged into, else by the reconcile's `fetch`.
"""

from collections.abc import Callable, Mapping

from integrations.pure.mapping import DEAL_RULES, Direction, FieldRule, Policy

from ..base import (
    Account,
    AccountInfo,
    Capabilities,
    Connector,
    Flow,
    Hint,
    Kind,
    RawWebhook,
    Reference,
    Schema,
    SecretSpec,
    SignIn,
    Vendor,
)
from ..errors import Reading
from . import records as read
from .reading import FIELD_PATHS, KEY_FIELD, PAGE
from .webhooks import hints
from .writing import PipedriveWriter

BATCH = 50
VENDOR = Vendor(
    kind="pipedrive",
    name="Pipedrive",
    sign_ins=(
        SignIn("token", "API token", (SecretSpec("token", "API token", "Personal preferences › API in Pipedrive."),)),
        SignIn(
            "oauth",
            "OAuth app",
            (
                SecretSpec("client_secret", "Client secret"),
                SecretSpec(
                    "refresh_token",
                    "Refresh token",
                    "Comes by itself on connecting.",
                    is_optional=True,
                    is_long=True,
                ),
            ),
            (SecretSpec("client_id", "Client ID"),),
            Flow(
                "https://oauth.pipedrive.com/oauth/authorize",
                "https://oauth.pipedrive.com/oauth/token",
                ("pipedrive.com",),
                secret_in_header=True,
            ),
        ),
    ),
    base_url="https://api.pipedrive.com",
    url_help="https://api.pipedrive.com, or your company's own address below pipedrive.com.",
    sandbox_path="/pipedrive",
    webhooks="password",
    docs_url="https://developers.pipedrive.com/docs/api/v1",
    takes_people=True,
    if_described=frozenset(read.PLACES),
    activities={"call": ("done",), "meeting": ("held", "planned"), "email": ("any",)},
)
RULES: Mapping[Kind, tuple[FieldRule, ...]] = {
    "person": (
        FieldRule("first_name", "first_name"),
        FieldRule("last_name", "last_name"),
        FieldRule("email", "email"),
        FieldRule("phone", "phone", Direction.PUSH, Policy.FILL_EMPTY),
        FieldRule("company", "company", Direction.PUSH, Policy.FILL_EMPTY),
        FieldRule("account_id", "org_id", Direction.PUSH, Policy.FILL_EMPTY),
        *(FieldRule(name, name) for name in read.PLACES),
        FieldRule("owner_id", "owner_id"),
    ),
    "deal": DEAL_RULES,
}


def connect(account: Account) -> Connector:
    """A connector for this account."""
    return PipedriveConnector(account)


class PipedriveConnector(PipedriveWriter):
    """`Connector` for Pipedrive. Secrets: `token`, or `client_secret` and `refresh_token`; settings: `client_id`,
    `make_leads` (a lead for each new person), `webhook_user`; the secret `webhook_password` verifies webhooks."""

    beat: Callable[[], object] = staticmethod(lambda: None)
    capabilities = Capabilities(
        batch_size=BATCH,
        idempotent_upsert=False,
        pushes=frozenset({"person"}),
        pulls=frozenset({"person", "deal", "account"}),
        deletes=True,
        gone=True,
        history=True,
        webhooks=True,
    )

    # --- what there is ---

    def check(self) -> AccountInfo:
        """Whose account it is."""
        answer = self._get("/api/v1/users/me")
        with Reading("/api/v1/users/me"):
            user = answer.payload["data"]
            return AccountInfo(
                str(user["company_id"]),
                str(user["company_name"]),
                str(user["name"]),
                read.clock(answer),
                str(user.get("default_currency") or ""),
                str(user.get("timezone_name") or ""),
            )

    def describe(self, kind: Kind) -> Schema:
        """Our names for the standard fields, and the custom ones by their code."""
        path = FIELD_PATHS[kind]
        rows = [row for page in self._pages(path, {}) for row in page[0]]
        with Reading(path):
            return read.schema(kind, rows)

    def prepare(self) -> tuple[str, ...]:
        """Make the custom field that holds our id, unless it is there."""
        if not self._find_key_code():
            path = FIELD_PATHS["person"]
            answer = self._session.call("POST", path, body={"field_name": KEY_FIELD, "field_type": "varchar"})
            with Reading(path):
                self._key_code = str(answer.payload["data"]["field_code"])
        return ()

    def reference(self) -> Reference:
        """Stages of all pipelines and users, three calls; won and lost follow each pipeline's own stages."""
        first = self._get("/api/v2/pipelines", {"limit": PAGE})
        stages = self._get("/api/v2/stages", {"limit": PAGE})
        users = self._get("/api/v1/users")
        with Reading("/api/v2/stages"):
            return Reference(
                read.stages(first.payload["data"] or [], stages.payload["data"] or []),
                read.owners(users.payload["data"] or []),
                read.clock(first),
            )

    def parse_webhook(self, raw: RawWebhook) -> list[Hint]:
        """A webhook of version 2, let in by HTTP Basic: Pipedrive signs nothing."""
        user = str(self._account.settings.get("webhook_user") or "portal")
        return hints(raw, user, self._account.secrets.get("webhook_password", ""))
