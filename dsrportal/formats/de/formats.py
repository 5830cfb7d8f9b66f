"""German forms of the dates that templates and sentences ask for in the English form."""

DATE_FORMATS = {
    "d M Y": "d.m.Y",
    "d M Y, H:i": "d.m.Y, H:i",
    "d M Y, H:i:s": "d.m.Y, H:i:s",
    "d M Y H:i": "d.m.Y H:i",
    "d M": "d.m.",
    "M Y": "m.Y",
}


def __getattr__(name: str) -> str:
    # Django asks a language's module for a format by its name, and each of ours is named by its English form.
    if name in DATE_FORMATS:
        return DATE_FORMATS[name]
    raise AttributeError(name)
