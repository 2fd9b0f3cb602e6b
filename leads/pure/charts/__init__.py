"""Charts as SVG strings with their figures as a table: `Chart(title, svg, table, narrow)`. No Django, no I/O."""

from leads.pure.charts.canvas import Chart, Table, compact
from leads.pure.charts.sparkline import sparkline

__all__ = ["Chart", "Table", "compact", "sparkline"]
