"""A small CRM of our own, run as its own process, so that push and pull cross a real socket.

    python -m integrations.sandbox_crm --host 127.0.0.1 --port 8081 --data var/crm.sqlite3 --token SECRET

It keeps people, deals with contacts, and an append-only stage history in one SQLite file, offers a JSON API
under `/v1` (bearer token) and a few plain pages at `/` where a person can close a deal by hand. Standard
library only; it shares no code with the portal, just as a vendor's CRM would not.

Under `/salesforce`, `/hubspot` and `/pipedrive` it speaks those vendors' dialects (`dialects/`), each with a file of
its own beside the first, pages below `/<dialect>/ui`, and the same token as API key, client secret and refresh token.
`PUT /_scenario` switches faults on (`dialects/scenario.py`), `GET /_calls` counts calls by route.
"""
