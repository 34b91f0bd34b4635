import { get, newKey, send } from "./api.js";
import { confirmBooking } from "./booking.js";
import { element, factsOf, Form, list, showDialog, tellRefusal } from "./dialog.js";
import { openDrawer } from "./drawer.js";
import { decisionLine, section, tableOf } from "./lines.js";
import { reportTrouble } from "./reports.js";
import { shortTime } from "./times.js";
import { windowLines } from "./windows.js";

const NEXT = 10;

/** Fills an environment's page: how it is, who has it next, what is planned and changed, its runbook and its calendar. */
export async function fillEnvironment(panel, page, key) {
  const path = `/v1/environments/${encodeURIComponent(key)}`;
  const about = `environment=${encodeURIComponent(key)}&from=${new Date().toISOString()}&limit=${NEXT}`;
  const [environment, people, bookings, windows, changes, gate, inventory, drift] = await Promise.all([
    get(path), get(`${path}/people`), get(`/v1/bookings?${about}&state=requested,confirmed,active,waitlisted`),
    get(`/v1/change-windows?${about}&state=requested,approved`), get(`/v1/changes?environment=${encodeURIComponent(key)}&limit=${NEXT}`),
    get(`${path}/gate?for=change`), get(`${path}/inventory`), get(`/v1/changes?environment=${encodeURIComponent(key)}&reason=unattributed&limit=${NEXT}`),
  ]);
  const feed = element("p", "");
  feed.append(element("button", "Subscribe to its calendar", { type: "button", onclick: () => subscribe(feed, key) }));
  panel.replaceChildren(
    element("h1", environment.name || key), actionsOf(panel, page, environment), factsAbout(environment, people, gate),
    section("Next days", nextLines(page, bookings.items), "Nobody has booked it."),
    section("Planned", windowLines(page, windows.items), "Nothing is planned."),
    element("h2", "Latest changes"), changes.items.length ? list(changes.items.map(changeText)) : element("p", "Nothing was logged."),
    element("h2", "Drift"), ...driftOf(inventory, drift.items),
    element("h2", "Runbook"), element("pre", environment.runbook || "There is none."), element("h2", "Calendar"), feed);
}

function factsAbout(environment, people, gate) {
  return factsOf([
    ["Key", environment.key], ["Status", [environment.status, environment.statusReason].filter(Boolean).join(": ")],
    ["Until", environment.statusUntil && shortTime(Date.parse(environment.statusUntil))], ["Tier", environment.tier],
    ["Owner", people.owner && [people.owner.team, people.owner.contact].filter(Boolean).join(", ")], ["Zone", environment.timeZone],
    ["Labels", Object.entries(environment.labels).map(([name, value]) => `${name}:${value}`).join(", ")],
    ["Parts", environment.parts.map(({ key, usage }) => `${key} (${usage})`).join(", ")],
    ["Held by", people.holders.map(({ team, holder }) => `${team} (${holder})`).join(", ")],
    ["For changes", `${gate.state}${gate.reasons.length ? `: ${gate.reasons.map(({ title }) => title).join(", ")}` : ""}${gate.next ? `; ${gate.next.state} from ${shortTime(Date.parse(gate.next.at))}` : ""}`],
    ["Who changed it last", people.authors.map(({ actor, team }) => (team ? `${actor} (${team})` : actor)).join(", ")],
  ]);
}

function actionsOf(panel, page, environment) {
  const bar = element("div", "", { className: "actions" });
  if (page.me.role === "viewer") return bar;
  const again = (dialog) => dialog.addEventListener("close", () => fillEnvironment(panel, page, environment.key));
  const add = (name, action) => bar.append(element("button", name, { type: "button", onclick: action }));
  add("Book", () => again(confirmBooking(page, { environments: [environment.key], startsAt: new Date().toISOString(), minutes: 60 })));
  add("Report trouble", () => again(reportTrouble(page, environment.key)));
  if (["manager", "admin"].includes(page.me.role)) add("Set its status", () => again(setStatus(page, environment)));
  return bar;
}

/** Lets a manager say how an environment is. */
function setStatus(page, environment) {
  const dialog = showDialog(`Status of ${environment.key}`);
  const form = new Form("columns");
  const status = form.choice("It is", ["available", "degraded", "unavailable"].map((value) => [value, value]), environment.status);
  const reason = form.input("Why", { value: environment.statusReason ?? "" });
  const until = form.add("Until", element("input", "", { type: "datetime-local" }));
  form.buttons("Save", element("button", "Cancel", { type: "button", onclick: () => dialog.close() }));
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const isWell = status.value === "available";
    try {
      await send("PATCH", `/v1/environments/${encodeURIComponent(environment.key)}`, {
        status: status.value, statusReason: isWell ? null : reason.value || null,
        statusUntil: isWell || !until.value ? null : new Date(until.value).toISOString(),
      }, { ifMatch: environment.etag });
      dialog.close();
      await page.refresh();
    } catch (error) {
      tellRefusal(dialog, error);
    }
  });
  dialog.append(element("h2", `Status of ${environment.key}`), form.element);
  return dialog;
}

function nextLines(page, bookings) {
  return [...bookings].sort((one, other) => Date.parse(one.startsAt) - Date.parse(other.startsAt)).map((booking) => {
    const line = decisionLine(booking.title, `${booking.team}, ${shortTime(Date.parse(booking.startsAt))} to ${shortTime(Date.parse(booking.endsAt))} · ${booking.state}`);
    line.append(element("button", "Open", { type: "button", onclick: () => openDrawer(page, booking.reference) }));
    return line;
  });
}

function changeText(change) {
  return `${shortTime(Date.parse(change.occurredAt))}: ${change.control} ${change.kind} by ${change.actor}: ${change.summary}`;
}

/** What was seen on it, and what of that nobody had logged. */
function driftOf({ components }, unattributed) {
  const rows = Object.entries(components);
  return [
    unattributed.length ? list(unattributed.map(changeText)) : element("p", "Nothing changed that nobody had logged."),
    ...(rows.length ? [tableOf(["Component", "Version"], rows.map((cells) => ({ className: "", cells })))] : []),
  ];
}

async function subscribe(place, environment) {
  const made = await send("POST", "/v1/feed-tokens", { environment }, { key: newKey() });
  const address = element("input", "", { value: made.webcalUrl ?? made.url, readOnly: true });
  address.setAttribute("aria-label", "The calendar's address");
  place.replaceChildren(address);
  address.select();
}
