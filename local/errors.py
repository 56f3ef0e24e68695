"""Errors that keep the stack from starting. Their text is one sentence for the developer."""


class StartError(Exception):
    """The stack can't be started; the text says why."""


class TemplateError(StartError):
    """The template, or a value for one of its parameters, can't be used."""
