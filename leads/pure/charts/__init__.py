"""Charts as SVG strings with their figures as a table: `Chart(title, svg, table, narrow)`. No Django, no I/O."""

from leads.pure.charts.bars import bars, hbars, stacked_bars
from leads.pure.charts.canvas import Chart, Formatter, Table, Value, compact
from leads.pure.charts.funnel import Stage, funnel
from leads.pure.charts.history import history
from leads.pure.charts.intervals import intervals
from leads.pure.charts.journey import Touch, journey
from leads.pure.charts.line import line
from leads.pure.charts.shares import shares
from leads.pure.charts.sparkline import sparkline

__all__ = [
    "Chart",
    "Formatter",
    "Stage",
    "Table",
    "Touch",
    "Value",
    "bars",
    "compact",
    "funnel",
    "hbars",
    "history",
    "intervals",
    "journey",
    "line",
    "shares",
    "sparkline",
    "stacked_bars",
]
