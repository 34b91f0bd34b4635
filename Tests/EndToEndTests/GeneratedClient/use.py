"""Books, edits, cancels and reports a change with the client that was generated; standard input says where."""

import datetime
import json
import sys

from berth_client import AuthenticatedClient
from berth_client.api.bookings import cancel_booking, create_booking, list_bookings, update_booking
from berth_client.api.changes import record_change
from berth_client.models import Booking, BookingDraft, BookingList, BookingPatch, Change, ChangeDraft, Problem

told = json.load(sys.stdin)
client = AuthenticatedClient(base_url=told["url"], token=told["token"])
start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=2)
draft = BookingDraft(title="Regression", environments=["uat-1"], starts_at=start, minutes=60)

tried = create_booking.sync(client=client, body=draft, dry_run=True)
assert isinstance(tried, Booking) and tried.reference is None
made = create_booking.sync_detailed(client=client, body=draft, idempotency_key="once")
assert isinstance(made.parsed, Booking) and made.parsed.reference
reference = made.parsed.reference
again = create_booking.sync(client=client, body=draft, idempotency_key="once")
assert isinstance(again, Booking) and again.reference == reference
refused = create_booking.sync(client=client, body=draft)
assert isinstance(refused, Problem) and refused.conflicts and refused.alternatives
print(f"refused: {refused.detail}")

edited = update_booking.sync(
    reference, client=client, if_match=made.headers["ETag"], body=BookingPatch(title="Regression 26.4")
)
assert isinstance(edited, Booking) and edited.title == "Regression 26.4" and edited.version == 2
stale = update_booking.sync(reference, client=client, if_match=made.headers["ETag"], body=BookingPatch(title="x"))
assert isinstance(stale, Problem) and stale.status == 412
cancelled = cancel_booking.sync(reference, client=client)
assert isinstance(cancelled, Booking) and cancelled.state == "cancelled"

change = record_change.sync(client=client, body=ChangeDraft(environment="uat-1", summary="1.4.2 deployed"))
assert isinstance(change, Change) and change.control == "uncontrolled" and change.id == 1
listed = list_bookings.sync(client=client, environment="uat-1")
assert isinstance(listed, BookingList) and [one.reference for one in listed.items] == [reference]
print("done")
