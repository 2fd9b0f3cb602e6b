"""Made-up touches and deals, with many ties, coincidences and vacancies."""

from hypothesis import strategies as st

from attribution.pure.columns.columns import UNKNOWN
from attribution.pure.journeys.journeys import DAY, Settings
from tests.attribution.pure.reference import Deal, Touch

START = 1_600_000_000_000_000
CHANNELS = 5

# Few different moments, so that touches, milestones and look-backs meet; and, now and then, a very old one.
moments = st.one_of(
    st.integers(0, 30).map(lambda day: START + day * DAY),
    st.integers(0, 3).map(lambda microsecond: START + 10 * DAY + microsecond),
    st.just(START - 8_000 * DAY),
)


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    created, closed = sorted((draw(moments), draw(moments)))
    closed = draw(st.sampled_from((closed, closed, UNKNOWN)))
    milestone = created if closed == UNKNOWN else draw(st.sampled_from((created, closed, closed + DAY)))
    return Deal(
        created=created,
        closed=closed,
        milestone=milestone,
        lead_touch=draw(st.one_of(st.just(UNKNOWN), st.integers(0, 40))),
        lead_created=draw(st.one_of(st.just(UNKNOWN), moments)),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Touch], list[Deal]]:
    """Draw up to five deals and forty touches, ids unique within a deal."""
    rows = draw(st.lists(deals(), min_size=1, max_size=5))
    seldom = st.sampled_from((False,) * 9 + (True,))
    touches = draw(
        st.lists(
            st.builds(
                Touch,
                deal=st.integers(0, len(rows) - 1),
                id=st.integers(0, 40),
                at=moments,
                campaign=st.integers(-1, 3),
                channel=st.integers(0, CHANNELS - 1),
                is_bot=seldom,
                is_internal=seldom,
                is_marketing=seldom.map(lambda flag: not flag),
            ),
            max_size=40,
            unique_by=lambda touch: (touch.deal, touch.id),
        )
    )
    return touches, rows


settings_of_companies = st.builds(
    Settings,
    look_back_days=st.sampled_from((None, None, 0, 10, 20, 90)),
    excluded_channels=st.frozensets(st.integers(0, CHANNELS - 1), max_size=3),
    suppressed_channels=st.frozensets(st.integers(0, CHANNELS - 1), max_size=1),
)
amounts = st.one_of(st.integers(-(10**14), 10**14), st.integers(-200, 200))
