"""The bot of bot.py, reading deliveries from the NATS that BOT_MESSENGER_URL names.

    pip install flask requests nats-py
    export NATS_URL=nats://USER:PASSWORD@nats-1:4222,nats://USER:PASSWORD@nats-2:4222
    python reader.py

and the settings of bot.py. Any number of readers share the work: each delivery goes to one of them.
"""

import asyncio
import json
import os

import nats
from bot import Bot
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NothingNew
from werkzeug.exceptions import Forbidden

STREAM, READER, AT_ONCE, RETRY_SECONDS = "messenger", "bot", 16, 5


async def main() -> None:
    """Read for ever; what this process has not acknowledged when it ends, another one gets."""
    bot = Bot(os.environ)
    client = await nats.connect(os.environ["NATS_URL"].split(","), max_reconnect_attempts=-1)
    reader = await client.jetstream().pull_subscribe(f"{STREAM}.>", READER, stream=STREAM)
    print("ready", flush=True)  # noqa: T201
    while True:
        try:
            messages = await reader.fetch(AT_ONCE, timeout=30)
        except NothingNew:
            continue
        await asyncio.gather(*(handle(bot, message) for message in messages))


async def handle(bot: Bot, message: Msg) -> None:
    """Acknowledge *message* after it was handled; else it comes again, to whichever reader."""
    headers = message.headers or {}
    try:
        # Who may write to the stream is not only Threadlink.
        bot.check_messenger(message.data, headers.get("X-Hub-Signature-256", ""))
        with bot.once(headers["Nats-Msg-Id"]) as is_first:
            if is_first:
                await asyncio.to_thread(bot.handle, json.loads(message.data))
    except Forbidden:
        await message.term()
    except Exception as exc:  # noqa: BLE001
        print("again:", type(exc).__name__, flush=True)  # noqa: T201
        await message.nak(delay=RETRY_SECONDS)
    else:
        await message.ack()


if __name__ == "__main__":
    asyncio.run(main())
