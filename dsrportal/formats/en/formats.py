"""English forms of the dates that templates and sentences ask for by these names."""

DATE_FORMAT = "d M Y"
DATETIME_FORMAT = "d M Y, H:i"
DATETIME_SECONDS_FORMAT = "d M Y, H:i:s"
MONTH_DAY_FORMAT = "d M"
YEAR_MONTH_FORMAT = "M Y"
