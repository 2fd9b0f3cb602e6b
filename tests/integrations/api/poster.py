"""A process of its own that posts bodies to the capture endpoint: `python -m tests.integrations.api.poster <job>`.

The job is a JSON file: ``{"start": file whose appearing is the starting gun, "authorization": …, "requests": [{"body":
…, "key": …}]}``. Writes the answers as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.forking import stand_ready

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def main(job_file: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    job = json.loads(Path(job_file).read_text())
    client = Client(raise_request_exception=False)
    client.get("/livez")  # everything is loaded before the gun
    stand_ready(Path(job["start"]))
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
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
