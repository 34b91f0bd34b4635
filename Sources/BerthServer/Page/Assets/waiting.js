import { get, newKey, send } from "./api.js";
import { element } from "./dialog.js";
import { openDrawer } from "./drawer.js";
import { act, decisionLine, section } from "./lines.js";
import { shortTime } from "./times.js";
import { KINDS, openWindow } from "./windows.js";

/** Fills the page of what waits for the reader: requests, windows, changes to review, what was moved aside, notices. */
export async function fillWaiting(panel, page) {
  const [requested, windows, displaced, unreviewed, notices] = await Promise.all([
    get("/v1/bookings?state=requested&limit=100"), get("/v1/change-windows?state=requested&limit=100"), get("/v1/bookings?state=displaced&limit=100"),
    get("/v1/changes?control=uncontrolled&reviewed=false&limit=100"), get("/v1/notices?unread=true&limit=100"),
  ]);
  const decides = ["manager", "admin"].includes(page.me.role);
  const post = (path, body = {}) => send("POST", path, body, { key: newKey() });
  const requests = groupedBySeries(requested.items).map((bookings) => {
    const [booking] = bookings;
    const many = bookings.length > 1 ? `${bookings.length} of ${booking.series}: ` : "";
    const line = decisionLine(`${many}${booking.title}`, `${booking.team} asks for ${booking.environments.join(", ")}, ${shortTime(Date.parse(booking.startsAt))} to ${shortTime(Date.parse(booking.endsAt))}`);
    const scope = bookings.length > 1 ? "?scope=all" : "";
    line.append(
      act(line, "Approve", () => post(`/v1/bookings/${booking.reference}/approve${scope}`)),
      act(line, "Reject", () => post(`/v1/bookings/${booking.reference}/reject${scope}`)));
    return line;
  });
  const plans = windows.items.map((window) => {
    const line = decisionLine(`${KINDS[window.kind]}: ${window.title}`, `${window.team ?? window.requestedBy} asks for ${window.environments.join(", ")}, ${shortTime(Date.parse(window.startsAt))} to ${shortTime(Date.parse(window.endsAt))}`);
    line.append(
      element("button", "Open", { type: "button", onclick: () => openWindow(page, window.reference) }),
      act(line, "Approve", () => post(`/v1/change-windows/${window.reference}/approve`)),
      act(line, "Reject", () => post(`/v1/change-windows/${window.reference}/reject`)));
    return line;
  });
  const reviews = unreviewed.items.map((change) => {
    const line = decisionLine(`${change.kind} on ${change.environment}`, `${change.actor}${change.team ? ` of ${change.team}` : ""}, ${shortTime(Date.parse(change.occurredAt))}: ${change.summary} (${change.reasons.join(", ")})`);
    line.append(
      act(line, "Accept", () => post(`/v1/changes/${change.id}/review`, { decision: "accepted" })),
      act(line, "Reject", () => post(`/v1/changes/${change.id}/review`, { decision: "rejected" })));
    return line;
  });
  const aside = displaced.items.filter(({ team }) => team === page.me.team).map((booking) => {
    const line = decisionLine(booking.title, `moved aside${booking.displacedBy ? ` by ${booking.displacedBy}` : ""}; waits for ${booking.environments.join(", ")}`);
    line.append(element("button", "Open", { type: "button", onclick: () => openDrawer(page, booking.reference) }));
    return line;
  });
  const news = notices.items.map((notice) => {
    const line = decisionLine(notice.subject, `${notice.text} · ${shortTime(Date.parse(notice.at))}`);
    line.append(act(line, "Read", async () => {
      await post(`/v1/notices/${notice.id}/read`);
      page.countWaiting();
    }));
    return line;
  });
  panel.replaceChildren(
    element("h1", "Waiting for me"), element("p", "Arrows move; the first letter of a button presses it.", { className: "hint" }),
    ...(decides ? [
      section("Requests", requests, "Nobody asks for anything."), section("Windows to approve", plans, "No window waits for approval."),
      section("Changes to review", reviews, "Every uncontrolled change is reviewed."),
    ] : []),
    section("Moved aside", aside, "None of your bookings was moved aside."), section("Notices", news, "Nothing new."));
}

function groupedBySeries(bookings) {
  const groups = new Map();
  for (const booking of bookings) {
    const key = booking.series ?? booking.reference;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(booking);
  }
  return [...groups.values()];
}
