"""What admins manage: territories, campaigns, people, scoring, keys, company settings."""

from leads.admin import campaigns, company, costs, keys, people, records, scoring, territories

__all__ = ["campaigns", "company", "costs", "keys", "people", "records", "scoring", "territories"]
