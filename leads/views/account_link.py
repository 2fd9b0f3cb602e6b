"""An account on other records' pages: its name, and for those who may look the way to its history."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html

from leads.models import Account, User


def account_link(account: Account | None, user: User) -> str:
    """The account's name, linked where this person may see its history; empty for none."""
    if account is None:
        return ""
    if not (user.sees_all or account.owner_id == user.pk):
        return account.name
    url = reverse("leads:history", args=["account", account.public_id])
    return format_html('<a href="{}">{}</a>', url, account.name)
