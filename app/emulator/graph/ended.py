"""Graph's ended habits: parameters that no version takes any more.

`date_format` and `ids` are errors in v26.0, and in every version since 27 October 2026; ETags are
gone, and `pretty` and `debug` are ignored, by the same changelog. Of v27.0: since 4 November 2026 a
new app, as the emulator's is, may override no method, name no field anew, and use no JSONP.

https://developers.facebook.com/docs/graph-api/changelog/version26.0
https://developers.facebook.com/blog/post/2026/11/04/introducing-graph-api-v27-and-marketing-api-v27/
"""

from typing import Final

from app.emulator.graph.params import Params
from app.emulator.graph.problems import ended_parameter

_ENDED: Final = ("date_format", "ids", "method", "callback")


def refuse_ended(params: Params) -> None:
    """Refuse a call that uses what has ended.

    Raises:
        GraphProblem: It does.
    """
    for name in _ENDED:
        if name in params:
            raise ended_parameter(name)
    if params.has_alias():
        raise ended_parameter("fields=….as(…)")
