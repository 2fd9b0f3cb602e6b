"""A small CRM of our own, run as its own process, so that push and pull cross a real socket.

    python -m integrations.sandbox_crm --host 127.0.0.1 --port 8081 --data var/crm.sqlite3 --token SECRET

It keeps people, deals with contacts, and an append-only stage history in one SQLite file, offers a JSON API
under `/v1` (bearer token) and a few plain pages at `/` where a person can close a deal by hand. Standard
library only; it shares no code with the portal, just as a vendor's CRM would not.
"""
