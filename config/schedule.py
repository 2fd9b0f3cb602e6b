"""Everything that runs by the clock, in the order of the flow.

Sweeps find work that a lost message left behind; daily and weekly work is unique in the database per period, so two
beats do it once. Times of day are in the company's time zone: the task itself asks whether its hour has come.
"""

from datetime import timedelta
from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "leads: finish intake": {"task": "leads.tasks.sweep_intake", "schedule": timedelta(seconds=20)},
    "leads: activate and simulate territory rules": {
        "task": "leads.tasks.sweep_routing",
        "schedule": timedelta(seconds=30),
    },
    "leads: carry out transfers": {"task": "leads.tasks.sweep_transfers", "schedule": timedelta(seconds=30)},
    "leads: find opt-outs of leads captured meanwhile": {
        "task": "leads.tasks.sweep_opt_outs",
        "schedule": timedelta(seconds=60),
    },
    "leads: confirm sign-ups": {"task": "leads.tasks.confirm_sign_ups", "schedule": timedelta(seconds=20)},
    "leads: look for duplicates": {
        "task": "leads.tasks.look_for_duplicates",
        "schedule": timedelta(seconds=60),
    },
    "leads: keep scores": {"task": "leads.tasks.keep_scores", "schedule": timedelta(seconds=60)},
    "leads: try scoring rules": {"task": "leads.tasks.try_scoring_rules", "schedule": timedelta(seconds=30)},
    "leads: bring back recycled leads": {
        "task": "leads.tasks.return_recycled_leads",
        "schedule": timedelta(minutes=10),
    },
    "leads: do what was asked for with many leads": {
        "task": "leads.tasks.run_bulk_actions",
        "schedule": timedelta(seconds=30),
    },
    "leads: run workflows": {"task": "leads.tasks.run_workflows", "schedule": timedelta(seconds=30)},
    "leads: go on with imports": {"task": "leads.tasks.sweep_imports", "schedule": timedelta(seconds=30)},
    "leads: apply channel rules to past touchpoints": {
        "task": "leads.tasks.apply_channel_rules",
        "schedule": timedelta(seconds=60),
    },
    "integrations: enqueue changed leads": {
        "task": "integrations.tasks.enqueue_changes",
        "schedule": timedelta(seconds=60),
    },
    "integrations: daily sync": {
        "task": "integrations.tasks.sync_due_connections",
        "schedule": timedelta(minutes=5),
    },
    "integrations: look at webhooks": {
        "task": "integrations.tasks.look_at_webhooks",
        "schedule": timedelta(seconds=60),
    },
    "integrations: back-fill new connections": {
        "task": "integrations.tasks.back_fill_connections",
        "schedule": timedelta(minutes=1),
    },
    "integrations: dry runs and comparisons": {
        "task": "integrations.tasks.try_connections",
        "schedule": timedelta(seconds=30),
    },
    "integrations: nightly comparison": {
        "task": "integrations.tasks.reconcile_connections",
        "schedule": timedelta(minutes=30),
    },
    "integrations: forget old records of runs": {
        "task": "integrations.tasks.forget_old_sync_records",
        "schedule": timedelta(days=1),
    },
    "attribution: recompute what changed": {
        "task": "attribution.tasks.recompute_changed",
        "schedule": timedelta(minutes=1),
    },
    "attribution: go on with planned runs": {
        "task": "attribution.tasks.work_on_runs",
        "schedule": timedelta(seconds=30),
    },
    "attribution: refit weekly": {
        "task": "attribution.tasks.refit_methods",
        "schedule": timedelta(hours=6),
    },
    "attribution: measure what was asked for": {
        "task": "attribution.tasks.measure",
        "schedule": timedelta(seconds=60),
    },
    "attribution: check accuracy monthly": {
        "task": "attribution.tasks.check_accuracy",
        "schedule": timedelta(hours=12),
    },
    "alignment: publish the weekly report": {
        "task": "alignment.tasks.publish_due_report",
        "schedule": timedelta(minutes=10),
    },
    "alignment: notice restatements": {
        "task": "alignment.tasks.notice_restatements",
        "schedule": timedelta(days=1),
    },
    "alignment: forget unused credits of past moments": {
        "task": "alignment.tasks.forget_past_credits",
        "schedule": timedelta(days=1),
    },
    "leads: notify people": {"task": "leads.tasks.notify_people", "schedule": timedelta(seconds=60)},
    "integrations: post notifications to Slack and Teams": {
        "task": "integrations.tasks.post_notifications",
        "schedule": timedelta(seconds=60),
    },
    "integrations: deliver webhooks": {
        "task": "integrations.tasks.deliver_webhooks",
        "schedule": timedelta(seconds=10),
    },
    "leads: link and forget visits": {"task": "leads.tasks.tidy_visits", "schedule": timedelta(days=1)},
    "leads: forget old idempotent answers": {
        "task": "leads.tasks.forget_old_answers",
        "schedule": timedelta(hours=1),
    },
}
