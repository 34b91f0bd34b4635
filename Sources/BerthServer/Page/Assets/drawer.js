import { get, newKey, Problem, send } from "./api.js";
import { confirmBooking } from "./booking.js";
import { element, factsOf, list, showDialog, tellRefusal } from "./dialog.js";
import { reschedule } from "./moves.js";
import { shortTime } from "./times.js";

const ACTIONS = {
  requested: ["approve", "reject", "cancel"], waitlisted: ["cancel"], displaced: ["cancel"],
  confirmed: ["check-in", "cancel"], active: ["extend", "release"],
};
/** What owners of environments decide, rather than who has booked. */
const DECIDED = new Set(["approve", "reject"]);
const NAMES = { approve: "Approve", reject: "Reject", cancel: "Cancel booking", "check-in": "Check in", extend: "Extend by an hour", release: "Release" };

/** Shows a booking: what it is, its history, and what the reader may do with it. */
export async function openDrawer(page, reference) {
  const dialog = showDialog(reference, { className: "drawer" });
  dialog.addEventListener("close", () => page.rows.querySelector(`[data-booking="${reference}"]`)?.focus({ preventScroll: true }));
  await fill(dialog, page, reference);
}

async function fill(dialog, page, reference) {
  try {
    const [booking, history, changes] = await Promise.all([
      get(`/v1/bookings/${reference}`), get(`/v1/bookings/${reference}/history`), get(`/v1/changes?booking=${reference}`),
    ]);
    dialog.replaceChildren(
      element("button", "Close", { type: "button", className: "quiet", onclick: () => dialog.close() }),
      element("h2", booking.title), facts(booking), actions(dialog, page, booking),
      ...(changes.items.length ? [element("h3", "Changed under it"), list(changes.items.map((change) =>
        `${change.control} ${change.kind} of ${change.environment} by ${change.actor}, ${shortTime(Date.parse(change.occurredAt))}: ${change.summary}`))] : []),
      element("h3", "History"), list(history.items.map((version) =>
        `${shortTime(Date.parse(version.at))}: ${version.state}${version.stateReason ? `, ${version.stateReason}` : ""}, by ${version.by}`)));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    dialog.replaceChildren(element("p", error.message, { className: "fault" }), element("button", "Close", { type: "button", onclick: () => dialog.close() }));
  }
}

function facts(booking) {
  return factsOf([
    ["Reference", booking.reference], ["State", booking.stateReason ? `${booking.state} (${booking.stateReason})` : booking.state],
    ["Environments", booking.environments.join(", ")], ["From", shortTime(Date.parse(booking.startsAt))],
    ["To", shortTime(Date.parse(booking.releasedAt ?? booking.endsAt))], ["Team", booking.team], ["Contact", booking.contact],
    ["Asked for by", booking.requestedBy], ["Mode", booking.mode], ["Ticket", booking.ticket], ["Series", booking.series], ["Notes", booking.notes],
  ]);
}

/** By single clicks what dragging does: for who cannot drag (WCAG 2.2, 2.5.7). */
const SHIFTS = [["Earlier", -15, -15], ["Later", 15, 15], ["Shorter", 0, -15], ["Longer", 0, 15]];

function actions(dialog, page, booking) {
  const bar = element("div", "", { className: "actions" });
  const decides = ["manager", "admin"].includes(page.me.role);
  const isOwn = page.me.role !== "viewer" && booking.team === page.me.team;
  for (const action of ACTIONS[booking.state] ?? []) {
    if (!(DECIDED.has(action) ? decides : decides || isOwn)) continue;
    bar.append(element("button", NAMES[action], { type: "button", onclick: () => act(dialog, page, booking, action) }));
  }
  if (["requested", "confirmed", "active"].includes(booking.state) && (isOwn || page.me.role === "admin")) {
    for (const [name, start, end] of SHIFTS) {
      bar.append(element("button", name, {
        type: "button",
        onclick: async () => {
          await reschedule(page, booking.reference, start, end);
          await fill(dialog, page, booking.reference);
        },
      }));
    }
    bar.append(element("button", "Edit…", {
      type: "button",
      onclick: () => {
        dialog.close();
        confirmBooking(page, booking, booking.title, booking);
      },
    }));
  }
  bar.append(element("a", "Calendar", { href: `/calendars/bookings/${booking.reference}.ics` }));
  return bar;
}

async function act(dialog, page, booking, action) {
  const body = action === "extend" ? { minutes: 60 } : {};
  try {
    await send("POST", `/v1/bookings/${booking.reference}/${action}`, body, { key: newKey(), ifMatch: booking.etag });
    await page.refresh();
    await fill(dialog, page, booking.reference);
  } catch (error) {
    // Somebody changed it meanwhile: shown as it is now, with what was refused.
    if (error.status === 412) await fill(dialog, page, booking.reference);
    tellRefusal(dialog, error);
  }
}
