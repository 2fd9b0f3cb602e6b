"""How accurate is this: the cards, measuring again, the simulator, and the agreement check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attribution.actions.accuracy.check_accuracy import check_agreement, check_capture, check_causal
from attribution.actions.accuracy.measure_accuracy import measure_accuracy, request_accuracy
from attribution.actions.accuracy.record_source_check import CheckRefused, record_source_check
from attribution.actions.accuracy.run_simulation import AT_ONCE, SimulationRefused, request_simulation, run_simulations
from attribution.models import AccuracyCheck, Simulation, SourceCheck
from leads.models import Company, JobRun, Opportunity, User
from tests.attribution.factories import AT, company_with_deals, run
from tests.leads.factories import channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]
PAGE = "/attribution/accuracy"


@pytest.fixture
def made() -> dict[str, Any]:
    made = company_with_deals()
    run()
    # The page draws its sample by today's clock.
    Opportunity.objects.won().update(closed_at=timezone.now() - timedelta(days=5))
    return made


def page(client: Client, url: str = PAGE) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def answer(deal: Opportunity, **fields: Any) -> SourceCheck:
    given = {"origin": "sales", "campaign": None, "channel": None, "note": "", "by": None, "at": AT, **fields}
    return record_source_check(opportunity=deal, **given)


def test_nothing_measured_is_said(client: Client, director: User) -> None:
    client.force_login(director)
    text = page(client)
    assert text.count("Not measured yet.") == 3
    assert "What “75 % accuracy” does not mean" in text


def test_three_figures_with_dates_samples_and_intervals(client: Client, director: User, made: dict[str, Any]) -> None:
    Company.objects.update(default_method="last_touch")
    answer(made["won"], campaign=made["search"])
    check_capture(at=timezone.now(), seed=5, people=4)
    for days in (30, 0):
        check_agreement(at=AT + timedelta(days=days))
    check_causal(at=AT, seed=5, people=500)
    client.force_login(director)
    text = page(client)
    assert "95 % interval" in text
    assert "in the worst scenario" in text
    assert "Measured" in text
    assert "Last touch, your company's model, put" in text.replace("&#x27;", "'")
    assert "By scenario" in text
    assert "Retargeting chases buyers" in text
    assert "Agreement, past checks" in text
    assert "your model" in text
    assert text.count('class="own-method"') == 2


def test_measuring_again_is_a_job_with_progress(client: Client, director: User, sales_leader: User) -> None:
    client.force_login(sales_leader)
    assert "Measure again" not in page(client)
    assert client.post(f"{PAGE}/measure").status_code == 403
    client.force_login(director)
    assert client.get(f"{PAGE}/progress").status_code == 404
    assert "accuracy-progress" in client.post(f"{PAGE}/measure", follow=True).content.decode()
    assert "being measured already" in client.post(f"{PAGE}/measure", follow=True).content.decode()
    assert "HX-Refresh" not in client.get(f"{PAGE}/progress").headers
    job = JobRun.objects.get(kind="attribution_measure")
    assert job.started_by == director


def test_a_worker_measures_all_three() -> None:
    request_accuracy(by=None, at=AT)
    assert measure_accuracy(clock=timezone.now, seed=3, people=4, market=500) == 1
    assert set(AccuracyCheck.objects.values_list("kind", flat=True)) == {"capture", "agreement", "causal"}
    job = JobRun.objects.get()
    assert (job.state, job.done) == ("done", 100)
    assert measure_accuracy(clock=lambda: AT, seed=3) == 0


def test_a_small_market_is_run_at_once(client: Client, director: User) -> None:
    client.force_login(director)
    assert "Retargeting and brand search follow people about to buy" in page(client, f"{PAGE}/simulator")
    given = {"scenario": "Short lag", "seed": "4", "people": "600"}
    first = client.post(f"{PAGE}/simulator", given)
    assert client.post(f"{PAGE}/simulator", given).headers["Location"] == first.headers["Location"]
    found = Simulation.objects.get()
    assert found.results["caused"] > 0
    assert len(found.results["methods"]) > 10
    assert {len(row["credited"]) for row in found.results["methods"]} == {len(found.results["campaigns"])}
    text = page(client, first.headers["Location"] + "?method=first_touch")
    assert "Revenue caused and credited, by campaign" in text
    assert "Campaigns under First touch" in text
    assert client.get(f"{first.headers['Location']}/progress").headers["HX-Refresh"] == "true"
    assert "Short lag</a>, 600 people, seed 4" in page(client, f"{PAGE}/simulator")


@pytest.mark.parametrize("given", [{"people": "20001"}, {"seed": "-1"}, {"scenario": "No trouble"}, {"people": ""}])
def test_markets_have_bounds(client: Client, director: User, given: dict[str, str]) -> None:
    client.force_login(director)
    asked = {"scenario": "Short lag", "seed": "4", "people": "600", **given}
    assert client.post(f"{PAGE}/simulator", asked).status_code == 422
    assert not Simulation.objects.exists()


def test_the_action_refuses_what_the_form_would(director: User) -> None:
    for scenario, people in (("Short lag", 20_001), ("No trouble", 600)):
        with pytest.raises(SimulationRefused):
            request_simulation(scenario=scenario, seed=1, people=people, by=None, at=AT)


def test_a_big_market_waits_for_a_worker(client: Client, director: User) -> None:
    client.force_login(director)
    found = request_simulation(scenario="Short lag", seed=1, people=AT_ONCE + 1, by=director, at=AT)
    url = f"{PAGE}/simulator/{found.public_id}"
    assert found.results is None
    assert "Living through a year" in page(client, url)
    assert "HX-Refresh" not in client.get(f"{url}/progress").headers
    assert run_simulations(clock=lambda: AT) == 1
    assert run_simulations(clock=lambda: AT) == 0
    assert "Every model" in page(client, url)


def test_the_journey_is_hidden_until_the_answer(client: Client, sales_leader: User, made: dict[str, Any]) -> None:
    client.force_login(sales_leader)
    assert made["won"].name in page(client, f"{PAGE}/agreement")
    url = f"{PAGE}/agreement/{made['won'].public_id}"
    text = page(client, url)
    assert "What each model credits most" not in text
    assert "The whole journey" not in text
    given = {"channel": "paid-search", "campaign": made["search"].pk, "note": "They said so"}
    text = client.post(url, given, follow=True).content.decode()
    assert "What each model credits most" in text
    assert "agrees" in text
    assert "differs" in text
    check = SourceCheck.objects.get()
    assert (check.campaign, check.channel.key, check.answered_by) == (made["search"], "paid-search", sales_leader)
    again = client.post(url, {**given, "channel": "nobody"})
    assert again.status_code == 422
    assert SourceCheck.objects.count() == 1
    client.post(f"{PAGE}/agreement/{made['repeat'].public_id}", {"channel": "nobody", "campaign": made["mail"].pk})
    assert SourceCheck.objects.filter(channel=None, campaign=None).count() == 1


def test_owners_answer_for_their_own_deals_and_directors_look(
    client: Client, rep: User, director: User, made: dict[str, Any]
) -> None:
    Opportunity.objects.filter(pk=made["won"].pk).update(owner=rep)
    client.force_login(rep)
    assert made["won"].name in page(client, f"{PAGE}/agreement")
    assert client.get(f"{PAGE}/agreement/{made['won'].public_id}").status_code == 200
    assert client.get(f"{PAGE}/agreement/{made['repeat'].public_id}").status_code == 404
    client.force_login(director)
    assert client.get(f"{PAGE}/agreement/{made['won'].public_id}").status_code == 403


def test_answers_are_refused(made: dict[str, Any]) -> None:
    with pytest.raises(CheckRefused, match="Only won"):
        answer(made["open"])
    with pytest.raises(CheckRefused, match="another channel"):
        answer(made["won"], campaign=made["search"], channel=channel("email"))
    with pytest.raises(CheckRefused, match="no origin"):
        answer(made["won"], origin="guess")
    answer(made["won"], channel=channel("email"))
    with pytest.raises(CheckRefused, match="already"):
        answer(made["won"])
    assert answer(made["won"], origin="self_reported").channel is None


def test_more_deals_ask_no_more_queries(client: Client, sales_leader: User, made: dict[str, Any]) -> None:
    client.force_login(sales_leader)

    def count(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            page(client, url)
        return len(queries)

    url = f"{PAGE}/agreement"
    count(url)
    before = count(url)
    company_with_deals()
    Opportunity.objects.won().update(closed_at=timezone.now() - timedelta(days=5))
    assert count(url) == before
