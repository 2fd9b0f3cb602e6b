"""Where a record of a CRM is seen by people, as far as its address can be known."""

from __future__ import annotations

from urllib.parse import urlsplit

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Kind of ours to the CRM's own word for it in addresses.
_SALESFORCE = {
    "person": "Lead", "contact": "Contact", "account": "Account", "deal": "Opportunity", "owner": "User",
    "campaign": "Campaign",
}  # fmt: skip
_HUBSPOT = {"person": "0-1", "contact": "0-1", "account": "0-2", "deal": "0-3"}
_PIPEDRIVE = {
    "person": "person",
    "contact": "person",
    "account": "organization",
    "deal": "deal",
    "inquiry": "leads/inbox",
}
_SANDBOXES = {
    "salesforce": ("/ui/", _SALESFORCE),
    "hubspot": ("/ui/", {"person": "contacts", "contact": "contacts", "account": "companies", "deal": "deals"}),
    "pipedrive": ("/ui/", {**_PIPEDRIVE, "inquiry": "lead"}),
    "sandbox": ("/", {"person": "people", "deal": "deals"}),
}


def record_url(*, vendor: str, base_url: str, account_id: str, kind: str, remote_id: str) -> str:
    """The page of a record; empty where nobody can tell it from what we know."""
    if not remote_id:
        return ""
    host = urlsplit(base_url).hostname or ""
    if host in _LOOPBACK:
        path, names = _SANDBOXES.get(vendor, ("", {}))
        return f"{base_url}{path}{names[kind]}/{remote_id}" if kind in names else ""
    if vendor == "salesforce" and kind in _SALESFORCE:
        return f"{base_url}/lightning/r/{_SALESFORCE[kind]}/{remote_id}/view"
    if vendor == "hubspot" and account_id and kind in _HUBSPOT:
        return f"https://app.hubspot.com/contacts/{account_id}/record/{_HUBSPOT[kind]}/{remote_id}"
    if vendor == "pipedrive" and kind in _PIPEDRIVE and host not in ("api.pipedrive.com", "oauth.pipedrive.com"):
        return f"https://{host}/{_PIPEDRIVE[kind]}/{remote_id}"
    return ""
