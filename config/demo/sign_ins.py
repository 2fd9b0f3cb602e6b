"""Who can sign in to the demo, and the one file that says so: random per installation, readable by its owner only."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from leads.models import ApiKey, Role, Scope, User

KEY_NAME = "Demo"
ROLES = (Role.MARKETING_DIRECTOR, Role.SALES_LEADER, Role.SALES_REP, Role.ADMIN)


def issue_sign_ins(*, users: list[User], out: Path, url: str) -> dict[str, Any]:
    """Passwords for one person per role and an API key, kept from the file where it still fits the database.

    `users` are the demo's people; the first rep is the one who signs in. Returns what the file holds afterwards.
    """
    people = [next(user for user in users if user.role == role) for role in ROLES]
    kept = _read(out)
    known = {
        (entry.get("role"), entry.get("email")): entry.get("password")
        for entry in kept.get("users", [])
        if isinstance(entry, dict)
    }
    fits = all(known.get((user.role, user.email)) and user.has_usable_password() for user in people)
    key = str(kept.get("api_key", ""))
    prefix = key.partition(".")[0]
    answer: dict[str, Any] = {"url": url, "users": [], "api_key": key}
    with transaction.atomic():
        for user in people:
            password = known[user.role, user.email] if fits else secrets.token_urlsafe(9)
            if not fits:
                User.objects.filter(pk=user.pk).update(password=make_password(password))
            answer["users"].append({"role": user.role, "email": user.email, "password": password})
        if not key or not ApiKey.objects.filter(prefix=prefix, revoked=False).exists():
            ApiKey.objects.filter(name=KEY_NAME).delete()
            _, answer["api_key"] = ApiKey.objects.create_key(name=KEY_NAME, scopes=list(Scope.values))
        # Before the commit: a database whose passwords nobody knows is worse than a file nobody needs.
        _write(out, answer)
    return answer


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, answer: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(answer, file, indent=2)
        file.write("\n")
    draft.replace(path)
