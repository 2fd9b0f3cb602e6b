"""What every installation starts with: the company row, channels and their rules, stages, scoring, a catch-all.

For the migrations beside it, the old ones and the one that replaces them.
"""

from datetime import UTC, datetime

from django.utils import timezone

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
    """What the first migrations wrote, in the columns of then."""
    from leads.pure.channels.globs import SHIPPED

    model = lambda name: apps.get_model("leads", name)  # noqa: E731
    model("Company").objects.get_or_create(pk=1)
    channels = _channels(model)
    for rule in SHIPPED:
        model("ChannelRule").objects.create(
            position=rule.position * 10,
            channel=channels[rule.channel],
            source=rule.source,
            medium=rule.medium,
            campaign=rule.campaign,
            referrer=rule.referrer,
        )
    _stages(model)
    rule_set = _rule_set(model)
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


def fill_all(apps, schema_editor):
    """What all migrations together leave in an empty database, in the columns of now."""
    from leads.migrations._scoring_conditions import conditions_of, counts_once
    from leads.pure.channels.globs import SHIPPED
    from leads.pure.conditions.grammar import to_json

    model = lambda name: apps.get_model("leads", name)  # noqa: E731
    now = timezone.now()
    model("Company").objects.get_or_create(pk=1)
    channels = _channels(model)
    mark(apps, schema_editor)
    for rule in SHIPPED:
        model("ChannelRule").objects.create(
            position=rule.position * 10, channel=channels[rule.channel], conditions=to_json(rule.conditions)
        )
    _stages(model)
    rule_set = _rule_set(model)
    for position, (group, name, field, operator, value, points, times) in enumerate(SCORING):
        model("ScoringRule").objects.create(
            rule_set=rule_set,
            position=position,
            group=group,
            name=name,
            conditions=conditions_of(group, field, operator, value),
            points=points,
            max_times=1 if counts_once(group, operator) else times,
        )
    model("Territory").objects.create(name="Everywhere else", is_catch_all=True)
    model("RoutingVersion").objects.create(
        number=1, state="active", note="The rules there were before versions", created_at=now, activated_at=now
    )
    ask_bant(apps, schema_editor)


def _channels(model):
    """Makes the shipped channels; key → row."""
    from leads.pure.channels.channels import DEFAULT_CHANNELS

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
    return channels


def _stages(model):
    for position, (key, name, probability, status, stalled) in enumerate(STAGES):
        model("PipelineStage").objects.create(
            key=key, name=name, position=position, probability=probability, status=status, stalled_after_days=stalled
        )


def _rule_set(model):
    return model("ScoringRuleSet").objects.create(
        version=1, state="active", note="Shipped with the portal", activated_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


def ask_bant(apps, schema_editor):
    """Budget, authority, need and timing, to start from; asked since before anything was recorded."""
    from leads.pure.qualification import BANT, to_rows

    apps.get_model("leads", "QuestionSet").objects.create(
        version=1,
        questions=to_rows(BANT),
        change="The questions every installation starts with.",
        created_at=datetime(2000, 1, 1, tzinfo=UTC),
    )


def mark(apps, schema_editor):
    """The shipped channels that are bought media."""
    apps.get_model("leads", "Channel").objects.filter(key__in=ADVERTISING).update(is_advertising=True)
