"""German forms of the dates that templates and sentences ask for by these names."""

DATE_FORMAT = "d.m.Y"
DATETIME_FORMAT = "d.m.Y, H:i"
DATETIME_SECONDS_FORMAT = "d.m.Y, H:i:s"
MONTH_DAY_FORMAT = "d.m."
YEAR_MONTH_FORMAT = "m.Y"
