"""text8."""


def text8():
    raise NotImplementedError
