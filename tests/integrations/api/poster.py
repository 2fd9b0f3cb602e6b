"""A process of its own that posts bodies to the capture endpoint: `python -m tests.integrations.api.poster <job>`.

The job is a JSON file: ``{"start": file whose appearing is the starting gun, "authorization": …, "requests": [{"body":
…, "key": …}]}``. Writes the answers as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(job_file: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    job = json.loads(Path(job_file).read_text())
    client = Client(raise_request_exception=False)
    client.get("/livez")  # everything is loaded before the gun
    say("ready")
    while not Path(job["start"]).exists():
        time.sleep(0.005)
    answers = []
    for request in job["requests"]:
        headers = {"Authorization": job["authorization"]}
        if request.get("key"):
            headers["Idempotency-Key"] = request["key"]
        response = client.post(
            "/api/v1/integrations/sales/leads", request["body"], content_type="application/json", headers=headers
        )
        answers.append(
            {
                "status": response.status_code,
                "replayed": response.headers.get("Idempotency-Replayed") == "true",
                "body": response.json() if response.content else None,
            }
        )
    say(json.dumps(answers))


if __name__ == "__main__":
    main(sys.argv[1])
