"""matrix-nio against a running Milena.

Started by run.ts with the server's URL. Says `pass NAME`, `fail NAME: REASON`; `restart` asks for a restart of
the server, which run.ts reports with a line on standard input.
"""

import asyncio
import os
import sys
import time

from nio import (
    AsyncClient,
    MatrixRoom,
    MessageDirection,
    RedactedEvent,
    RedactionEvent,
    RoomMessageText,
    RoomPreset,
)

URL = sys.argv[1]
STEM = f"{os.getpid()}-{int(time.time() * 1000):x}"
PASSWORD = "a password for the trial"
# Nio does not fill gaps by itself: with the default limit a burst would be cut, as the spec has it.
FILTER = {"room": {"timeline": {"limit": 50}}}


class Failed(Exception):
    """An expectation that did not hold."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


def good(answer, what: str):
    """Nio returns errors as values; this makes them failures."""
    expect(not type(answer).__name__.endswith("Error"), f"{what}: {answer}")
    return answer


async def step(name: str, work):
    try:
        result = await work
    except Exception as error:
        print(f"fail {name}: {type(error).__name__} {error}".replace("\n", " "), flush=True)
        raise
    print(f"pass {name}", flush=True)
    return result


class Person:
    """A client with the messages that its syncs have brought, in order."""

    def __init__(self, name: str) -> None:
        self.client = AsyncClient(URL, f"{name}-{STEM}")
        self.seen: list[str] = []
        self.redacted: set[str] = set()
        self.client.add_event_callback(self._message, RoomMessageText)
        self.client.add_event_callback(self._redaction, RedactionEvent)

    async def _message(self, _room: MatrixRoom, event: RoomMessageText) -> None:
        self.seen.append(event.body)

    async def _redaction(self, _room: MatrixRoom, event: RedactionEvent) -> None:
        self.redacted.add(event.redacts)

    async def register(self) -> None:
        good(await self.client.register(self.client.user, PASSWORD), "register")
        good(await self.client.sync(timeout=0), "first sync")

    async def sync_until(self, holds, what: str, within: float = 20) -> None:
        end = time.monotonic() + within
        while not holds():
            expect(time.monotonic() < end, f"{what}: not within {within} s")
            good(await self.client.sync(timeout=1000, sync_filter=FILTER), "sync")

    async def say(self, room_id: str, numbers) -> list[str]:
        ids = []
        for number in numbers:
            content = {"msgtype": "m.text", "body": f"message {number}"}
            sent = good(await self.client.room_send(room_id, "m.room.message", content), "send")
            ids.append(sent.event_id)
        return ids


def numbered(numbers) -> list[str]:
    return [f"message {number}" for number in numbers]


async def make_room(alice: Person, bob: Person) -> str:
    made = good(
        await alice.client.room_create(
            preset=RoomPreset.private_chat, name="The trial", invite=[bob.client.user_id]
        ),
        "createRoom",
    )
    room_id = made.room_id
    await bob.sync_until(lambda: room_id in bob.client.invited_rooms, "the invitation")
    good(await bob.client.join(room_id), "join")
    await bob.sync_until(lambda: room_id in bob.client.rooms, "the joined room")
    room = bob.client.rooms[room_id]
    expect(room.name == "The trial", f"the room's name: {room.name}")
    await bob.sync_until(lambda: len(room.users) == 2, "two members")
    return room_id


async def chat(alice: Person, bob: Person, room_id: str) -> list[str]:
    ids = await alice.say(room_id, range(20))
    await bob.sync_until(lambda: "message 19" in bob.seen, "the last message")
    expect(bob.seen == numbered(range(20)), f"in order, each once: {bob.seen}")
    good(await bob.client.room_typing(room_id, True, 3000), "typing")
    await alice.sync_until(
        lambda: bob.client.user_id in alice.client.rooms[room_id].typing_users, "typing"
    )
    good(await bob.client.update_receipt_marker(room_id, ids[-1]), "receipt")
    await bob.sync_until(lambda: bob.client.rooms[room_id].unread_notifications == 0, "read")
    return ids


async def page_back(bob: Person, room_id: str) -> None:
    start = bob.client.next_batch
    bodies: list[str] = []
    first = None
    for _ in range(30):
        page = good(
            await bob.client.room_messages(
                room_id, start=start, direction=MessageDirection.back, limit=7
            ),
            "messages",
        )
        bodies += [event.body for event in page.chunk if isinstance(event, RoomMessageText)]
        first = page.chunk[-1] if page.chunk else first
        start = page.end
        if not start or not page.chunk:
            break
    expect(bodies == numbered(reversed(range(20))), f"newest first, each once: {bodies}")
    kind = first.source["type"] if first is not None else None
    expect(kind == "m.room.create", f"down to the create event: {kind}")


async def redact(alice: Person, bob: Person, room_id: str, event_id: str) -> None:
    good(await alice.client.room_redact(room_id, event_id, "trial"), "redact")
    await bob.sync_until(lambda: event_id in bob.redacted, "the redaction")
    event = good(await bob.client.room_get_event(room_id, event_id), "the event").event
    expect(isinstance(event, RedactedEvent), f"redacted: {event}")


async def go_on(alice: Person, bob: Person, room_id: str) -> None:
    before = list(bob.seen)
    print("restart", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await alice.say(room_id, range(20, 30))
    await bob.sync_until(lambda: "message 29" in bob.seen, "the last message", 60)
    expect(bob.seen == before + numbered(range(20, 30)), f"no gap and no repeat: {bob.seen}")


async def leave(alice: Person, bob: Person, room_id: str) -> None:
    good(await bob.client.room_leave(room_id), "leave")
    # Nio keeps rooms that were left until they are forgotten; what the server says of them is in the answer.
    answer = good(await bob.client.sync(timeout=5000, sync_filter=FILTER), "sync")
    expect(room_id in answer.rooms.leave, f"left: {answer.rooms.leave}")
    for person in (alice, bob):
        good(await person.client.logout(), "logout")


async def main() -> None:
    alice, bob = Person("alice"), Person("bob")
    try:
        await step("registers and syncs", asyncio.gather(alice.register(), bob.register()))
        room_id = await step("makes a room, is invited and joins", make_room(alice, bob))
        good(await alice.client.sync(timeout=0), "sync")
        ids = await step("sends, receives, types and reads", chat(alice, bob, room_id))
        await step("pages back to the start of the room", page_back(bob, room_id))
        await step("redacts for both", redact(alice, bob, room_id, ids[7]))
        await step("logs in on a second device", second_device(alice))
        await step("goes on after a restart of the server", go_on(alice, bob, room_id))
        await step("leaves and logs out", leave(alice, bob, room_id))
    finally:
        await alice.client.close()
        await bob.client.close()


async def second_device(person: Person) -> None:
    other = AsyncClient(URL, person.client.user_id)
    try:
        good(await other.login(PASSWORD), "login")
        good(await other.sync(timeout=0), "sync of the second device")
        expect(set(other.rooms) == set(person.client.rooms), "the same rooms")
        good(await other.logout(), "logout of the second device")
    finally:
        await other.close()


asyncio.run(main())
