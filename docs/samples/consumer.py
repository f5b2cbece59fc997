"""
A consumer that loses nothing and takes nothing twice, however often it or the gateway was away or killed.
消费者示例：自身或网关无论中断、被终止多少次，数据不丢失也不重复。

    apt-get install python3-paho-mqtt            (or: pip install paho-mqtt)
    python3 consumer.py mqtt://127.0.0.1:1883 http://127.0.0.1:8080 events.db      (one file a gateway)

It listens on MQTT for speed and asks the API for what it missed, of events and of warnings. Each event, and each change
of a warning, is a row, and how far we are is saved in the same transaction: result and position go together, so that a kill cannot part them. A user of the broker goes into its
URL: mqtt://user:password@host:1883.
"""
import http.client
import json
import os
import queue
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt

broker_url, api_url, file = (sys.argv[1:] + ["mqtt://127.0.0.1:1883", "http://127.0.0.1:8080", "events.db"][len(sys.argv) - 1:])[:3]

db = sqlite3.connect(file)
db.execute("CREATE TABLE IF NOT EXISTS events (cursor TEXT NOT NULL, event TEXT NOT NULL)")
db.execute("CREATE TABLE IF NOT EXISTS warnings (cursor TEXT NOT NULL, warning TEXT NOT NULL)")
# The last cursor of each topic, and under `warnings` that of the chain of all warnings; under the empty topic: everything up to here is taken, whatever its topic.
db.execute("CREATE TABLE IF NOT EXISTS places (topic TEXT PRIMARY KEY, cursor TEXT NOT NULL)")
places: dict[str, str] = dict(db.execute("SELECT topic, cursor FROM places"))


def topic_of(event: dict) -> str:
    return f"cv/v1/out/{event['centre']}/{event['indicator']}"


def is_after(cursor: str, other: str | None) -> bool:
    """Cursors are `<epoch>-<seq>`: ordered by epoch, then by seq."""
    return other is None or tuple(map(int, cursor.split("-"))) > tuple(map(int, other.split("-")))


def is_warning(item: dict) -> bool:
    return "condition" in item


def taken_up_to(item: dict) -> str | None:
    """Up to where this event's topic, or the chain of warnings, is taken."""
    return places.get("warnings") if is_warning(item) else places.get(topic_of(item), places.get(""))


def take(events: list[dict], place: str | None = None) -> None:
    """Put what you need the events for in place of the rows; keep it in this one transaction."""
    moved = {topic_of(event): event["cursor"] for event in events}
    if place is not None:
        moved[""] = place
    with db:
        db.executemany("INSERT INTO events VALUES (?, ?)", rows_of(events))
        db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?)", moved.items())
    places.update(moved)
    print(f"{len(events)} taken", flush=True)


def take_warnings(changes: list[dict]) -> None:
    """The same for changes of warnings: a warning is sent again with each change, under its `id`."""
    place = changes[-1]["cursor"]
    with db:
        db.executemany("INSERT INTO warnings VALUES (?, ?)", rows_of(changes))
        db.execute("INSERT OR REPLACE INTO places VALUES ('warnings', ?)", (place,))
    places["warnings"] = place
    print(f"{len(changes)} changes of warnings taken", flush=True)


def rows_of(items: list[dict]) -> list[tuple[str, str]]:
    return [(item["cursor"], json.dumps(item, ensure_ascii=False)) for item in items]


def page(kind: str) -> dict:
    """One page of the durable stream, or of the changes of warnings; or what the gateway says instead; status 0 when it does not answer."""
    # Without `after`, events begin at the oldest that is kept; changes of warnings do so after 0-0.
    place = places.get("warnings", "0-0") if kind == "warnings" else places.get("")
    after = f"&after={place}" if place is not None else ""
    try:
        with answer_of(f"{api_url}/api/v1/{kind}?limit=500{after}") as response:
            return {**json.load(response), "status": response.status}
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {"status": 0, "detail": str(error)}


def answer_of(url: str):
    # Of http.readers: needed where the gateway's HTTP is reached from other machines.
    token = os.environ.get("CITYVITALS_READ_TOKEN")
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {}), timeout=30)
    except urllib.error.HTTPError as refusal:
        return refusal


def catch_up(kind: str, goal: str | None = None) -> None:
    """Reads on from our place, to the end or until we have the one at `goal`."""
    key = "warnings" if kind == "warnings" else ""
    while goal is None or is_after(goal, places.get(key)):
        answer = page(kind)
        if answer.get("items") == []:
            return
        if answer["status"] == 200 and kind == "warnings":
            take_warnings(answer["items"])
        elif answer["status"] == 200:
            take([event for event in answer["items"] if is_after(event["cursor"], taken_up_to(event))], answer["next"])
        elif answer["status"] == 410:
            print(f"going on from {answer['oldest']}: {answer['detail']}", file=sys.stderr, flush=True)
            places[key] = answer["oldest"]
        else:
            print(f"no {kind} ({answer['status']}): {answer.get('detail')}; again in a second", file=sys.stderr, flush=True)
            time.sleep(1)


def receive(item: dict) -> None:
    up_to = taken_up_to(item)
    # Retained messages are sent on each connect.
    if not is_after(item["cursor"], up_to):
        return
    # The one before this (an event's on its topic) is one we have; null says that nobody knows.
    if up_to is not None and item["previous"] and not is_after(item["previous"], up_to):
        take_warnings([item]) if is_warning(item) else take([item])
    else:
        catch_up("warnings" if is_warning(item) else "events", item["cursor"])


def catch_up_all() -> None:
    catch_up("events")
    catch_up("warnings")


def put_message(message) -> None:
    # Empty: a warning that is over is retained no more.
    if message.payload:
        inbox.put(json.loads(message.payload))


# paho calls from a thread of its own; one thing at a time is done here, in the order it came. None: catch up.
inbox: queue.Queue[dict | None] = queue.Queue()
address = urlsplit(broker_url)
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, clean_session=True)
if address.username is not None:
    client.username_pw_set(unquote(address.username), unquote(address.password or ""))
client.reconnect_delay_set(min_delay=1, max_delay=5)
client.on_connect = lambda *_: client.subscribe([("cv/v1/out/+/+", 1), ("cv/v1/out/+/warnings/+", 1)])
client.on_subscribe = lambda *_: inbox.put(None)
client.on_message = lambda _client, _userdata, message: put_message(message)
client.connect_async(address.hostname or "127.0.0.1", address.port or 1883, keepalive=10)
client.loop_start()

caught_up_at = 0.0
while True:
    try:
        message = inbox.get(timeout=60)
    except queue.Empty:
        message = None
    if message is not None:
        receive(message)
    # Keeps our places young, also where every message comes: what is older than log.keep cannot be asked for.
    if message is None or time.monotonic() - caught_up_at > 600:
        catch_up_all()
        caught_up_at = time.monotonic()
