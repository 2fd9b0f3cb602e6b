"""Command lines of the supervised processes, and the text a person reads when they are up."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from config.dev import state


def web(port: int, workers: int) -> list[str]:
    """Gunicorn with threads: a slow page must not hold up the others."""
    return [
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", str(workers), "--threads", "4", "--preload"),
        *("--graceful-timeout", "8", "--timeout", "60", "--no-control-socket", "--log-level", "info"),
    ]


def worker(children: int) -> list[str]:
    """One Celery worker with beat inside; any further worker on the same database goes without `-B`."""
    return [
        *(sys.executable, "-m", "celery", "-A", "config", "worker", "-B", "--loglevel", "INFO"),
        *(
            "--scheduler",
            "django_celery_beat.schedulers:DatabaseScheduler",
            "--concurrency",
            str(children),
        ),
        *("--without-gossip", "--without-mingle"),
    ]


def manage(*arguments: str) -> list[str]:
    """A management command."""
    return [sys.executable, str(state.ROOT / "manage.py"), *arguments]


def sign_ins(demo: Mapping[str, object]) -> str:
    """The block a person reads after the start: address, one sign-in per role, API key."""
    users = demo.get("users")
    lines = [f"  {'role':<22}{'e-mail':<38}password"]
    for user in users if isinstance(users, list) else []:
        lines.append(f"  {user['role']:<22}{user['email']:<38}{user['password']}")
    lines += ["", f"  API key      {demo.get('api_key', 'not known')}"]
    if isinstance(crm := demo.get("sandbox_crm"), dict):
        lines.append(f"  Sandbox CRM  {crm['url']}/?token={crm['token']}")
    return "\n".join(lines)
