"""Why the stack can't be started: errors whose text is one sentence for whoever started it."""


class StartError(Exception):
    """Something is in the way; the text says what."""


class TemplateError(StartError):
    """The template, or a value for one of its parameters, can't be used."""
