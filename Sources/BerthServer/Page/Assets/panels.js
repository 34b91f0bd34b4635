import { get, newKey, Problem, send } from "./api.js";
import { shortTime } from "./axis.js";
import { confirmBooking } from "./booking.js";
import { element, list, openDrawer } from "./drawer.js";

/** The pages beside the timeline, by their name in the address. */
const PANELS = {
  timeline: { title: "Timeline" },
  waiting: { title: "Waiting for me", fill: fillWaiting },
  changes: { title: "Changes", fill: fillChanges },
  morning: { title: "Morning", fill: fillMorning },
  find: { title: "Find me one", fill: fillFind },
};

/** Makes the navigation, and shows the page that the address names. */
export function makePlaces(page) {
  const panel = element("section", "", { id: "panel", hidden: true });
  document.getElementById("main").append(panel);
  const show = async (name, detail) => {
    const chosen = PANELS[name] ?? PANELS.timeline;
    document.body.classList.toggle("panelled", Boolean(chosen.fill));
    panel.hidden = !chosen.fill;
    for (const link of document.querySelectorAll("#places a")) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${chosen.title} · Berth`;
    if (chosen.fill) await filled(panel, chosen.title, () => chosen.fill(panel, page, detail));
  };
  const places = document.getElementById("places");
  for (const [name, { title }] of Object.entries(PANELS)) {
    const link = element("a", title, { href: name === "timeline" ? "?" : `?page=${name}` });
    link.dataset.page = name;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.href);
      show(name);
    });
    places.append(link);
  }
  const fromAddress = () => {
    const query = new URLSearchParams(location.search);
    const key = query.get("environment");
    return key ? filledEnvironment(panel, page, key) : show(query.get("page") ?? "timeline");
  };
  addEventListener("popstate", fromAddress);
  page.countWaiting = counter();
  page.countWaiting();
  page.openEnvironment = (key) => {
    history.pushState(null, "", `?environment=${encodeURIComponent(key)}`);
    filledEnvironment(panel, page, key);
  };
  fromAddress();
}

const COUNT_AGAIN_MS = 5000;
const MOST_COUNTED = 100;

/** Gives what counts the notices that nobody has read beside their page's name, at most once in five seconds. */
function counter() {
  const link = document.querySelector("#places a[data-page=waiting]");
  let asked;
  const count = async () => {
    asked = undefined;
    const { items } = await get(`/v1/notices?unread=true&limit=${MOST_COUNTED}`);
    const number = items.length === MOST_COUNTED ? `${MOST_COUNTED}+` : items.length || "";
    link.textContent = `${PANELS.waiting.title}${number && ` (${number})`}`;
  };
  let last = 0;
  return () => {
    asked ??= setTimeout(() => {
      last = Date.now();
      // A count that could not be had comes with the next notice.
      count().catch(() => {});
    }, Math.max(0, last + COUNT_AGAIN_MS - Date.now()));
  };
}

/** Fills a panel; a refusal is told in it. */
async function filled(panel, title, fill) {
  panel.replaceChildren(element("h1", title), element("p", "Reading…"));
  try {
    await fill();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    panel.replaceChildren(element("h1", title), element("p", error.message, { className: "fault" }));
  }
}

/** A button that does something to a line, and takes it away when it is done; a refusal stands in its place. */
function act(line, text, action) {
  return element("button", text, {
    type: "button",
    onclick: async () => {
      try {
        await action();
        const next = line.nextElementSibling ?? line.previousElementSibling;
        line.remove();
        next?.focus();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        line.querySelector(".fault")?.remove();
        line.append(element("p", error.message, { className: "fault" }));
      }
    },
  });
}

/** A line of a list that is read and decided by the keyboard: arrows move, a letter presses its button. */
function decisionLine(text, detail) {
  const line = element("li", "", { tabIndex: 0, className: "decision" });
  line.append(element("b", text), element("span", detail));
  line.addEventListener("keydown", (event) => {
    if (event.target !== line) return;
    if (event.key === "ArrowDown") line.nextElementSibling?.focus();
    if (event.key === "ArrowUp") line.previousElementSibling?.focus();
    const button = [...line.querySelectorAll("button")].find(({ textContent }) => textContent[0].toLowerCase() === event.key);
    button?.click();
  });
  return line;
}

function section(title, lines, none) {
  const part = element("section", "");
  const items = element("ul", "", { className: "decisions" });
  items.append(...lines);
  part.append(element("h2", `${title} (${lines.length})`), lines.length ? items : element("p", none));
  return part;
}

async function fillWaiting(panel, page) {
  const [requested, displaced, unreviewed, notices] = await Promise.all([
    get("/v1/bookings?state=requested&limit=100"), get("/v1/bookings?state=displaced&limit=100"),
    get("/v1/changes?control=uncontrolled&reviewed=false&limit=100"), get("/v1/notices?unread=true&limit=100"),
  ]);
  const decides = ["manager", "admin"].includes(page.timeline.me.role);
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
  const reviews = unreviewed.items.map((change) => {
    const line = decisionLine(`${change.kind} on ${change.environment}`, `${change.actor}${change.team ? ` of ${change.team}` : ""}, ${shortTime(Date.parse(change.occurredAt))}: ${change.summary} (${change.reasons.join(", ")})`);
    line.append(
      act(line, "Accept", () => post(`/v1/changes/${change.id}/review`, { decision: "accepted" })),
      act(line, "Reject", () => post(`/v1/changes/${change.id}/review`, { decision: "rejected" })));
    return line;
  });
  const aside = displaced.items.filter(({ team }) => team === page.timeline.me.team).map((booking) => {
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
      section("Requests", requests, "Nobody asks for anything."),
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

async function fillChanges(panel) {
  const control = new URLSearchParams(location.search).get("control") ?? "";
  const { items } = await get(`/v1/changes?limit=100${control ? `&control=${control}` : ""}`);
  const filter = element("select", "");
  filter.setAttribute("aria-label", "Which changes");
  for (const [value, text] of [["", "All changes"], ["uncontrolled", "Uncontrolled"], ["emergency", "Emergencies"], ["controlled", "Controlled"]]) {
    filter.append(element("option", text, { value, selected: value === control }));
  }
  filter.addEventListener("change", () => {
    history.replaceState(null, "", `?page=changes&control=${filter.value}`);
    fillChanges(panel);
  });
  const table = tableOf(["When", "Environment", "What", "Who", "Judged", "Why"], items.map((change) => ({
    className: change.control,
    cells: [shortTime(Date.parse(change.occurredAt)), change.environment, `${change.kind}: ${change.summary}`,
      `${change.actor}${change.team ? ` (${change.team})` : ""}`, change.review ? `${change.control}, ${change.review.state ?? change.review}` : change.control,
      [...change.reasons, ...change.bookingsHit].join(", ")],
  })));
  panel.replaceChildren(element("h1", "Changes"), filter, items.length ? table : element("p", "Nothing was logged."));
}

async function fillMorning(panel) {
  const { items: [last] } = await get("/v1/audits?limit=1");
  if (!last) {
    panel.replaceChildren(element("h1", "Morning"), element("p", "No audit was run yet: berth audit runs one, and berth serve --audit-at 02:00 one every night."));
    return;
  }
  const audit = await get(`/v1/audits/${last.run}`);
  const counts = element("dl", "", { className: "counts" });
  for (const [status, count] of Object.entries(audit.summary)) {
    const pair = element("div", "");
    pair.append(element("dt", status), element("dd", String(count)));
    counts.append(pair);
  }
  const groups = new Map();
  for (const finding of audit.findings.filter(({ status }) => status === "new" || status === "persisting")) {
    const who = finding.actor ?? "Whoever runs Berth";
    if (!groups.has(who)) groups.set(who, []);
    groups.get(who).push(finding);
  }
  const rest = audit.findings.filter(({ status }) => status === "resolved" || status === "waived");
  panel.replaceChildren(
    element("h1", "Morning"), element("p", `Audit ${audit.run}, ${shortTime(Date.parse(audit.at))}`), counts,
    ...[...groups].map(([who, findings]) => findingsOf(`${who}: ${findings.length}`, findings)),
    ...(rest.length ? [findingsOf(`Resolved and waived: ${rest.length}`, rest)] : []));
}

function findingsOf(title, findings) {
  const part = element("section", "");
  part.append(element("h2", title), tableOf(["Severity", "Status", "Environment", "What"], findings.map((finding) => ({
    className: finding.severity, cells: [finding.severity, finding.status, finding.environment ?? "", `${finding.detail} (${finding.check})`],
  }))));
  return part;
}

/** A table of texts. */
function tableOf(heads, rows) {
  const table = element("table", "");
  const head = table.createTHead().insertRow();
  head.append(...heads.map((text) => element("th", text, { scope: "col" })));
  const body = table.createTBody();
  for (const { className, cells } of rows) {
    const row = body.insertRow();
    row.className = className;
    row.append(...cells.map((text) => element("td", text)));
  }
  return table;
}

async function fillFind(panel, page) {
  const form = element("form", "", { className: "find" });
  const field = (label, name, properties) => {
    const input = element("input", "", { name, id: `find-${name}`, ...properties });
    form.append(element("label", label, { htmlFor: input.id }), input);
    return input;
  };
  const hours = field("Hours", "hours", { type: "number", min: 0.25, max: 8784, step: 0.25, value: 2, required: true });
  const from = field("From", "from", { type: "datetime-local", value: localNow() });
  const labels = field("Which (tier:uat,region:emea)", "labels", { placeholder: "all environments" });
  const title = field("What for", "title", { maxLength: 200, required: true });
  form.append(element("button", "Find", { className: "main" }));
  const results = element("ol", "", { className: "decisions" });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ minutes: Math.round(hours.value * 60), from: new Date(from.value).toISOString() });
    if (labels.value) query.set("labels", labels.value);
    try {
      const { items } = await get(`/v1/availability?${query}`);
      results.replaceChildren(...items.map((slot) => {
        const line = decisionLine(slot.environments.join(", "), `${shortTime(Date.parse(slot.startsAt))} to ${shortTime(Date.parse(slot.endsAt))}`);
        line.append(element("button", "Book", {
          type: "button",
          onclick: () => confirmBooking(page, { environments: slot.environments, startsAt: slot.startsAt, endsAt: slot.endsAt }, title.value),
        }));
        return line;
      }));
      if (!items.length) results.replaceChildren(element("li", "Nothing is free for that long within 14 days."));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      results.replaceChildren(element("li", error.message, { className: "fault" }));
    }
  });
  panel.replaceChildren(element("h1", "Find me one"), form, results);
}

/** Now, as a field for local times takes it. */
function localNow() {
  const now = new Date(Date.now() + 60000);
  return new Date(now.getTime() - now.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

async function filledEnvironment(panel, page, key) {
  document.body.classList.add("panelled");
  panel.hidden = false;
  document.title = `${key} · Berth`;
  await filled(panel, key, async () => {
    const path = `/v1/environments/${encodeURIComponent(key)}`;
    const [environment, people, changes, gate] = await Promise.all([
      get(path), get(`${path}/people`), get(`/v1/changes?environment=${encodeURIComponent(key)}&limit=10`), get(`${path}/gate?for=change`),
    ]);
    const facts = element("dl", "");
    for (const [name, value] of [
      ["Key", environment.key], ["Status", [environment.status, environment.statusReason].filter(Boolean).join(": ")], ["Tier", environment.tier],
      ["Owner", people.owner && [people.owner.team, people.owner.contact].filter(Boolean).join(", ")], ["Zone", environment.timeZone],
      ["Parts", environment.parts.map(({ key: part, usage }) => `${part} (${usage})`).join(", ")],
      ["Held by", people.holders.map(({ team, holder }) => `${team} (${holder})`).join(", ")],
      ["For changes", `${gate.state}${gate.reasons.length ? `: ${gate.reasons.map(({ title }) => title).join(", ")}` : ""}`],
      ["Who changed it last", people.authors.map(({ actor, team }) => (team ? `${actor} (${team})` : actor)).join(", ")],
    ]) if (value) facts.append(element("dt", name), element("dd", value));
    const feed = element("p", "");
    feed.append(element("button", "Subscribe to its calendar", { type: "button", onclick: () => subscribe(feed, key) }));
    panel.replaceChildren(
      element("h1", environment.name || key), facts, element("h2", "Runbook"), element("pre", environment.runbook || "There is none."),
      element("h2", "Latest changes"), list(changes.items.map((change) => `${shortTime(Date.parse(change.occurredAt))}: ${change.control} ${change.kind} by ${change.actor}: ${change.summary}`)),
      element("h2", "Calendar"), feed);
  });
}

async function subscribe(place, environment) {
  const made = await send("POST", "/v1/feed-tokens", { environment }, { key: newKey() });
  const address = element("input", "", { value: made.webcalUrl ?? made.url, readOnly: true });
  address.setAttribute("aria-label", "The calendar's address");
  place.replaceChildren(address);
  address.select();
}
