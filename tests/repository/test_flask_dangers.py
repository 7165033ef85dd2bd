"""The dangers that scanners of Flask programs look for, searched for in the source (R114, R115).

Semgrep's rules for Flask come from its own registry, which a build must not depend on; these are
the same dangers, each as a rule of a line.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "app").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.*")) + sorted(
    (ROOT / "app/emulator/templates").rglob("*.html")
)

# Text that becomes program, markup or a command; and what a stranger would like to steer.
CALLS = {
    "eval": "code injection",
    "exec": "code injection",
    "compile": "code injection",
    "__import__": "code injection",
    "os.system": "command injection",
    "os.popen": "command injection",
    "render_template_string": "template injection",
    "Markup": "markup that is not escaped",
    "markupsafe.Markup": "markup that is not escaped",
    "flask.Markup": "markup that is not escaped",
    "send_file": "a path of a stranger's",
    "tempfile.mktemp": "a name that another may take first",
    "make_response.set_cookie": "a cookie without its attributes",
    "hashlib.md5": "a broken hash",
    "hashlib.sha1": "a broken hash",
    "random.random": "no secret",
    "random.choice": "no secret",
    "ssl._create_unverified_context": "no check of certificates",
}
KEYWORDS = {
    "shell": True,
    "verify": False,
    "debug": True,
    "autoescape": False,
    "httponly": False,
    "check_hostname": False,
}
# Constants around a name that is escaped.
KNOWN_CALLS = {
    "Markup('<bdi>%s</bdi>')",
    "Markup('<bdi dir=\"ltr\">%s</bdi>')",
}
# Where SQL takes no parameters: numbers and names of our own.
KNOWN_SQL = {
    "f'SELECT count(*) FROM {table}'",
    "f'SET LOCAL lock_timeout = {max(1, int(wait_s * 1000))}'",
    "f'PRAGMA {pragma}'",
    "f'PRAGMA busy_timeout={LOCK_WAIT_MS}'",
}
# One formats JSON, the others the sentences of our own tables, which are constants.
KNOWN_FORMATS = {
    "msgspec.json.format",
    "self.sentence.format",
    "cause.sentence.format_map",
    "(found.row.fix or cause.fix).format_map",
    "found.format",
}
# SQLAlchemy's own switch of the same name: how a % in a LIKE is written.
NOT_MARKUP = "startswith"


@cache
def calls() -> tuple[tuple[str, ast.Call], ...]:
    """Return all calls in the source, and where each is."""
    return tuple(
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    )


def test_nothing_dangerous_is_called() -> None:
    """R114, R115: neither by its own name nor as a part of its module."""
    found = [
        (where, CALLS[name])
        for where, call in calls()
        if (name := ast.unparse(call.func)) in CALLS and ast.unparse(call) not in KNOWN_CALLS
    ]

    assert [] == found
    assert len(calls()) > 1000


def test_no_protection_is_switched_off() -> None:
    """R114: shells, certificates, escaping, debuggers, cookies."""
    found = [
        (where, keyword.arg)
        for where, call in calls()
        if not ast.unparse(call.func).endswith(NOT_MARKUP)
        for keyword in call.keywords
        if keyword.arg in KEYWORDS
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is KEYWORDS[keyword.arg]
    ]

    assert [] == found


def test_sql_is_never_put_together_from_text() -> None:
    """R115: only SQLAlchemy's own constructions, with what is given apart from what is asked."""
    put_together = (ast.JoinedStr, ast.BinOp)
    found = [
        where
        for where, call in calls()
        if ast.unparse(call.func).rpartition(".")[2] in {"execute", "exec_driver_sql", "text"}
        and call.args
        and isinstance(call.args[0], put_together)
        and ast.unparse(call.args[0]) not in KNOWN_SQL
    ]

    assert [] == found


def test_every_pattern_is_a_constant() -> None:
    """R115: text of others in a regular expression would mean something else than itself."""
    patterns = [(where, call.args[0]) for where, call in calls() if _is_of_re(call) and call.args]

    assert [] == [where for where, pattern in patterns if not _is_constant(pattern)]
    assert len(patterns) > 20


def test_every_format_string_is_a_constant() -> None:
    """R115: with fields of another's choice, a format reads what it should not."""
    formats = [
        (where, call.func.value)
        for where, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"format", "format_map"}
        and ast.unparse(call.func) not in KNOWN_FORMATS
    ]

    assert [] == [where for where, text in formats if not _is_constant(text)]
    assert len(formats) > 5


@pytest.mark.parametrize("text", ["name", "f'^{name}$'", "'^' + name", "row.pattern", "make()"])
def test_text_of_others_is_no_constant(text: str) -> None:
    assert not _is_constant(ast.parse(text, mode="eval").body)


def _is_of_re(call: ast.Call) -> bool:
    return re.fullmatch(r"re\.(?!escape\b)\w+", ast.unparse(call.func)) is not None


def _is_constant(node: ast.expr) -> bool:
    """Return whether *node* is text of the program: literals, and its constants by their names."""
    match node:
        case ast.JoinedStr(values=parts) | ast.Tuple(elts=parts):
            return all(map(_is_constant, parts))
        case ast.BinOp(left=left, right=right):
            return _is_constant(left) and _is_constant(right)
        case ast.FormattedValue(value=value) | ast.Attribute(value=value, attr="pattern"):
            return _is_constant(value)
        case ast.Name(id=name):
            return name.isupper()
        case _:
            is_escaped = isinstance(node, ast.Call) and ast.unparse(node.func) == "re.escape"
            return is_escaped or isinstance(node, ast.Constant)


def test_nobody_is_sent_where_a_request_says() -> None:
    """R11, R114: a redirect leads to a view, to PUBLIC_URL, or back by the one grammar."""
    targets = {
        ast.unparse(call.args[0])
        for where, call in calls()
        if where.startswith("app/web/") and ast.unparse(call.func) == "redirect"
    }

    allowed = (
        r"url_for\(.*\)|settings\.public_url \+ target|authorization\.url|cookie\.redirect_uri"
        r"|with_authorization_code\(cookie\.redirect_uri, outcome\)"
        # Of the console: its own address, and a path of its own.
        r"|f'\{settings\.console\.url\}/'|way_back\(back\)"
    )
    assert [] == [target for target in targets if not re.fullmatch(allowed, target)]
    assert len(targets) >= 5


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_escapes_whatever_it_is_given(path: Path) -> None:
    """R82, R114: no raw output, quotes round every value, no script with text of others in it."""
    text = path.read_text()

    assert not re.search(r"\|\s*safe\b|autoescape\s+false|Markup", text)
    # An attribute without quotes ends at the first space of what is put into it.
    assert not re.search(r"\s[a-z-]+=\{\{", text)
    assert not re.search(r"(?i)(href|src)=[\"']\s*javascript:", text)
    assert not re.search(r"(?i)\son[a-z]+=[\"']", text)
    assert not re.search(r"(?is)<script[^>]*>[^<]*\{\{", text)
