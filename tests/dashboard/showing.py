"""How tests of the page find the widget of a field."""


def showing(widgets, name: str):
    """The widget that shows a field now; its key ends with how often something else changed the field."""
    return next(widget for widget in widgets if widget.key and widget.key.rpartition("_")[0] == name)
