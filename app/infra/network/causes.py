"""Search in the exceptions that an exception is about."""

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


def find(exc: BaseException, *kinds: type[E]) -> E | None:
    """Return *exc*, or the exception inside of it, that is one of *kinds*; None if none is.

    Libraries put one error into another in several ways.
    """
    waiting, seen = [exc], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, kinds):
            return one
        if id(one) not in seen:
            seen.add(id(one))
            inside = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
            waiting += [inner for inner in inside if isinstance(inner, BaseException)]
    return None
