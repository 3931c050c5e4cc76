"""The post's other promises."""


def check_all(run, case):
    pass
