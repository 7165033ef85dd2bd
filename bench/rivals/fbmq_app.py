"""fbmq as its README shows it, on Flask; it checks no signature."""

from fbmq import Page
from flask import Flask, request

app = Flask(__name__)
page = Page("TOKEN")
seen: list[object] = []


@page.handle_account_linking
def linked(event: object) -> None:
    seen[:] = [event]


@app.post("/webhook")
def webhook() -> str:
    page.handle_webhook(request.get_data(as_text=True))
    return "ok"
