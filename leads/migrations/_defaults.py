"""What every installation starts with: the company row, channels and their rules, stages, scoring, a catch-all.

For the migrations beside it, the old ones and the one that replaces them.
"""

from datetime import UTC, datetime

STAGES = [
    ("qualification", "Qualification", 0.10, "open", 21),
    ("discovery", "Discovery", 0.25, "open", 21),
    ("proposal", "Proposal", 0.50, "open", 21),
    ("negotiation", "Negotiation", 0.75, "open", 14),
    ("won", "Closed won", 1.0, "won", 0),
    ("lost", "Closed lost", 0.0, "lost", 0),
]
# group, name, field, operator, value, points, counted at most
SCORING = [
    ("fit", "Decides on tools", "job_title", "contains", ["CTO", "CIO", "VP", "Head of", "Director", "Chief"], 20, 1),
    ("fit", "Works with the product", "job_title", "contains", ["Engineer", "Developer", "Architect", "Analyst", "Operations"], 10, 1),
    ("fit", "Company of 50 to 5,000", "company_size", "between", [50, 5000], 15, 1),
    ("fit", "Very small company", "company_size", "at_most", 9, -10, 1),
    ("fit", "Software, finance or industry", "industry", "in", ["software", "finance", "manufacturing", "telecom"], 10, 1),
    ("fit", "Business email", "account", "exists", "", 5, 1),
    ("fit", "Student or job seeker", "job_title", "contains", ["Student", "Intern"], -20, 1),
    ("behaviour", "Sent a form", "event:form_submission", "happened", "", 20, 2),
    ("behaviour", "Attended a webinar", "event:webinar_attendance", "happened", "", 20, 2),
    ("behaviour", "Registered for a webinar", "event:webinar_registration", "happened", "", 10, 2),
    ("behaviour", "Visited us at an event", "event:event_visit", "happened", "", 15, 1),
    ("behaviour", "Answered an email", "event:email_reply", "happened", "", 15, 2),
    ("behaviour", "Clicked in an email", "event:email_click", "happened", "", 4, 4),
    ("behaviour", "Opened an email", "event:email_open", "happened", "", 1, 5),
    ("behaviour", "Clicked an ad", "event:ad_click", "happened", "", 4, 3),
    ("behaviour", "Viewed a page", "event:page_view", "happened", "", 2, 5),
    ("behaviour", "Signed up for email", "event:email_signup", "happened", "", 5, 1),
]
ADVERTISING = ("paid-search", "brand-search", "paid-social", "display", "retargeting")


def fill(apps, schema_editor):
    from leads.pure.channels.channels import DEFAULT_CHANNELS
    from leads.pure.channels.globs import SHIPPED

    model = lambda name: apps.get_model("leads", name)  # noqa: E731
    model("Company").objects.get_or_create(pk=1)
    channels = {}
    for position, channel in enumerate(DEFAULT_CHANNELS):
        channels[channel.key] = model("Channel").objects.create(
            key=channel.key,
            name=channel.name,
            parent=channels.get(channel.parent_key),
            is_self_initiated=channel.is_self_initiated,
            color=channel.color,
            position=position,
        )
    for rule in SHIPPED:
        model("ChannelRule").objects.create(
            position=rule.position * 10,
            channel=channels[rule.channel],
            source=rule.source,
            medium=rule.medium,
            campaign=rule.campaign,
            referrer=rule.referrer,
        )
    for position, (key, name, probability, status, stalled) in enumerate(STAGES):
        model("PipelineStage").objects.create(
            key=key, name=name, position=position, probability=probability, status=status, stalled_after_days=stalled
        )
    rule_set = model("ScoringRuleSet").objects.create(
        version=1, state="active", note="Shipped with the portal", activated_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    for position, (group, name, field, operator, value, points, times) in enumerate(SCORING):
        model("ScoringRule").objects.create(
            rule_set=rule_set,
            position=position,
            group=group,
            name=name,
            field=field,
            operator=operator,
            value=value,
            points=points,
            max_times=times,
        )
    model("Territory").objects.create(name="Everywhere else", is_catch_all=True)


def mark(apps, schema_editor):
    """The shipped channels that are bought media."""
    apps.get_model("leads", "Channel").objects.filter(key__in=ADVERTISING).update(is_advertising=True)
