import { shades } from "./axis.js";
import { lengthText } from "./times.js";

const SVG = "http://www.w3.org/2000/svg";
const BAR = 24, LANE = 26, TOP = 4, FLOOR = 12;
/** Bars narrower than this have no link of their own to point at. */
const LEAST_LINK = 24;
/** Windows narrower than this have no name on them. */
const LEAST_PLATE = 60;
const MOST_TEETH = 32;
/** Where a day is at least this wide, narrow bars have links that stand out of them, as far as there is room. */
const ROOMY_DAY = 80;
const LIVE = new Set(["requested", "confirmed", "active"]);
const HIDDEN = new Set(["cancelled", "rejected", "expired"]);

/** Makes an SVG element. */
export function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A rectangle as a path's piece. */
const box = (x, y, width, height) => `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`;

/** A bar as a path's piece: with round corners, where it is wide enough. */
function bar(x, y, width, height = BAR) {
  if (width < 8) return box(x, y, width, height);
  return `M${(x + 4).toFixed(1)} ${y}h${(width - 8).toFixed(1)}a4 4 0 0 1 4 4v${height - 8}a4 4 0 0 1 -4 4h${(8 - width).toFixed(1)}a4 4 0 0 1 -4 -4v${8 - height}a4 4 0 0 1 4 -4z`;
}

/** The edge at a bar's start. */
const edge = (x, y, width) => (width < 8 ? box(x, y, 3, BAR) : `M${(x + 4).toFixed(1)} ${y}a4 4 0 0 0 -4 4v${BAR - 8}a4 4 0 0 0 4 4h-1v${-BAR}z`);

/** Lines of 2 px, for a time that is held before or after. */
export function comb(x, y, width) {
  const gap = Math.max(4, width / MOST_TEETH);
  let lines = "";
  for (let at = x + 1; at < x + width; at += gap) lines += `M${at.toFixed(1)} ${y}v6`;
  return lines;
}

/** The hatches that looks are filled with; once a page. */
export function definitions() {
  const root = svg("svg", { width: 0, height: 0, "aria-hidden": "true", class: "unseen" });
  for (const name of ["other", "mine", "part", "stop"]) {
    const pattern = svg("pattern", { id: `hatch-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(svg("rect", { class: "ground", width: 8, height: 8, fill: "none" }), svg("path", { class: "hatch", d: "M2 0v8" }));
    root.append(pattern);
  }
  return root;
}

/**
 * In which lane each booking of a row stands, so that none covers another: the first lane that is free. What others
 * hold of the row's parts stands among them, with its part. `until` is where the next one in its lane begins.
 */
export function lanesOf(timeline, row) {
  const { bookings } = timeline;
  const lines = [...timeline.rows[row].lines, ...timeline.takenParts(row)].filter(({ booking }) => !HIDDEN.has(bookings.state[booking]))
    .sort((one, other) => bookings.start[one.booking] - bookings.start[other.booking]);
  const last = [];
  return lines.map((line) => {
    const start = bookings.start[line.booking];
    let lane = last.findIndex(({ booking }) => timeline.end(booking) <= start);
    if (lane < 0) lane = last.length;
    if (last[lane]) last[lane].until = start;
    return (last[lane] = { ...line, lane, until: timeline.minutes });
  });
}

/** How high a row is: one lane and the floor, and more for each lane beyond. */
export function heightOf(lanes) {
  return TOP + BAR + FLOOR + Math.max(0, ...lanes.map(({ lane }) => lane)) * LANE;
}

/**
 * Draws one row: one path a look in one SVG, and a link over each bar that is wide enough. What covers the row above as
 * well has its name there. Where free time is looked for, that alone is drawn.
 * @param {{timeline, view, scale, now, above}} place what is drawn beside it, and how
 */
export function drawRow(element, item, { timeline, view, scale, now, above }) {
  const { row, lanes } = item;
  const height = heightOf(lanes);
  const looks = new Map();
  const canvas = { timeline, view, scale, height, add: (look, piece) => looks.set(look, (looks.get(look) ?? "") + piece), links: [] };
  drawWindows(canvas, row, above);
  if (view.freeHours) drawFree(canvas, row);
  for (const line of lanes) drawBooking(canvas, line);
  const marks = drawChanges(canvas, row);
  const picture = svg("svg", { width: scale.width, height, "aria-hidden": "true" });
  for (const closed of shades(timeline, timeline.environments[row], scale)) picture.append(svg("path", { class: "closed", d: box(closed.x, 0, closed.width, height) }));
  picture.append(svg("path", { class: "day", d: scale.ticks.map(({ x }) => `M${x.toFixed(1)} 0V${height}`).join("") }));
  const uncontrolled = marks.filter(({ control }) => control === "uncontrolled").map(({ x }) => `M${x.toFixed(1)} 0V${height}`).join("");
  if (uncontrolled) picture.append(svg("path", { class: "uncontrolled-line", d: uncontrolled }));
  if (now >= 0 && now <= timeline.minutes) picture.append(svg("path", { class: "now-line", d: `M${scale.x(now).toFixed(1)} 0V${height}` }));
  for (const [look, d] of looks) picture.append(svg("path", { class: look, d }));
  picture.append(...marks.flatMap((mark) => textsOf(mark, height)));
  element.replaceChildren(picture, ...canvas.links);
  element.style.height = `${height}px`;
}

/** How whose a booking is looks: mine, of a team that has a hue, or just another's. */
function ownerLook({ timeline, view }, booking) {
  if (timeline.isMine(booking)) return " mine";
  const hue = view.hues.indexOf(timeline.teams[timeline.bookings.team[booking]]);
  return hue < 0 ? "" : ` hue-${hue + 1}`;
}

function drawBooking(canvas, line) {
  const { timeline, scale, add, links } = canvas;
  const { bookings } = timeline;
  const { booking, lane } = line;
  const state = bookings.state[booking];
  const owner = ownerLook(canvas, booking);
  const x = scale.x(bookings.start[booking]);
  const width = Math.max(3, scale.x(timeline.end(booking)) - x);
  if (x > scale.width || x + width < 0) return;
  const y = TOP + lane * LANE;
  if (line.part !== undefined) {
    add("taken-part", box(x, y + 1, width, BAR - 2));
    add("taken-edge", `M${x.toFixed(1)} ${y + 1}h${width.toFixed(1)}m0 ${BAR - 2}h${(-width).toFixed(1)}`);
  } else {
    addLook(add, state, owner, x, y, width);
    if (timeline.hits.has(booking)) add("foot", box(x + 2, y + BAR - 1, Math.max(3, width - 4), 3));
    const before = bookings.setup[booking] * scale.perMinute;
    const after = bookings.teardown[booking] * scale.perMinute;
    if (before > 2) add(`comb${owner}`, comb(x - before, y + 9, before));
    if (after > 2) add(`comb${owner}`, comb(x + width, y + 9, after));
  }
  const room = scale.perMinute * 1440 >= ROOMY_DAY ? scale.x(line.until) - x : 0;
  if (Math.max(width, room) >= LEAST_LINK) links.push(linkTo(canvas, line));
}

/** Adds what a state looks like, at a place of the row. */
export function addLook(add, state, owner, x, y, width) {
  switch (state) {
    case "requested": return add(`asked${owner}`, bar(x, y, width));
    case "waitlisted": return add(`waits${owner}`, bar(x, y, width));
    case "displaced": return add("waits aside", bar(x, y, width));
    case "active":
      add(`full${owner}`, bar(x, y, width));
      if (owner === " mine") add("stripe", box(x + 3, y + 3, 2, BAR - 6));
      return;
    case "completed": return add("done", bar(x, y, width));
    default:
      add(`soft${owner}`, bar(x, y, width));
      add(`edge${owner}`, edge(x, y, width));
  }
}

/** The link over a booking's bar, however narrow: what it is, and what opens it. Its title runs on into free time. */
export function linkTo({ timeline, view, scale }, { booking, via, part, lane, until }) {
  const { bookings } = timeline;
  const link = document.createElement("a");
  const reference = `BK-${bookings.id[booking]}`;
  const [title, team] = [timeline.titles[bookings.title[booking]], timeline.teams[bookings.team[booking]]];
  const state = bookings.state[booking];
  const times = `${timeline.timeText(bookings.start[booking])} to ${timeline.timeText(timeline.end(booking))}`;
  link.href = `?booking=${reference}`;
  link.className = part === undefined ? `bar ${state}${ownerLook({ timeline, view }, booking)}` : "bar part";
  link.dataset.booking = reference;
  link.tabIndex = -1;
  const text = document.createElement("span");
  if (part !== undefined) {
    const { key } = timeline.environments[part];
    text.textContent = `${key} is with ${team} until ${timeline.timeText(timeline.end(booking))}`;
    link.setAttribute("aria-label", `${key} is with ${team}: ${title}, ${times}`);
  } else {
    const mark = { requested: "? ", waitlisted: "in line · ", displaced: "moved aside · " }[state] ?? "";
    const through = via >= 0 ? ` (through ${timeline.environments[via].key})` : "";
    const whose = document.createElement("small");
    whose.textContent = ` ${team}${through}`;
    text.append(`${mark}${title}`, whose);
    link.setAttribute("aria-label", `${title}, ${team}, ${state}${through}, ${times}`);
  }
  link.append(text);
  const x = scale.x(bookings.start[booking]);
  const end = Math.max(x + 3, scale.x(timeline.end(booking)));
  // What begins before the view keeps its text in sight; a full bar's white text has no ground outside it.
  const left = Math.max(0, x);
  const width = Math.max(LEAST_LINK, end - left);
  const room = state === "active" && part === undefined ? width : Math.max(width, scale.x(until) - left - 4);
  link.style.cssText = `left:${left}px;top:${TOP + lane * LANE}px;width:${width}px`;
  text.style.maxWidth = `${room - 11}px`;
  return link;
}

/** Draws when a row is free for as long as is looked for; each such time books that long. */
function drawFree({ timeline, view, scale, add, links }, row) {
  const least = view.freeHours * 60;
  for (const [from, until] of timeline.freeSpans(row, least)) {
    const [x, width] = [scale.x(from), scale.x(until) - scale.x(from)];
    add("free-time", box(x, TOP, width, BAR));
    if (width < LEAST_LINK) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "bar free";
    button.tabIndex = -1;
    button.dataset.from = from;
    const text = `${lengthText(until - from)} free`;
    button.textContent = text;
    button.setAttribute("aria-label", `${timeline.environments[row].key}: ${text}, from ${timeline.timeText(from)}. Book ${lengthText(least)}`);
    button.style.cssText = `left:${x}px;top:${TOP}px;width:${width}px`;
    links.push(button);
  }
}

function drawWindows({ timeline, scale, height, add, links }, row, above) {
  const { windows } = timeline;
  const named = new Set(timeline.rows[above]?.windows);
  for (const window of timeline.rows[row].windows) {
    const x = scale.x(windows.start[window]);
    const width = Math.max(3, scale.x(windows.start[window] + windows.length[window]) - x);
    if (x > scale.width || x + width < 0) continue;
    const planned = windows.state[window] === "requested" ? " planned" : "";
    const kind = windows.kind[window];
    if (kind === "change") add(`change-window${planned}`, `M${x.toFixed(1)} ${height - 9}v7h${width.toFixed(1)}v-7`);
    if (kind === "freeze") {
      add("freeze", box(x, 0, width, height));
      add("freeze-edge", box(x, 0, 2, height));
    }
    if (kind === "maintenance") add(`maintenance${planned}`, box(x, 1, width, height - 2));
    if (width <= LEAST_PLATE || (kind === "freeze" && named.has(window))) continue;
    const plate = document.createElement("span");
    plate.className = `plate ${kind}`;
    plate.textContent = timeline.titles[windows.title[window]];
    plate.dataset.window = `CW-${windows.id[window]}`;
    plate.style.cssText = `left:${Math.max(0, x) + 4}px;top:${height - 18}px;max-width:${width - 8}px`;
    links.push(plate);
  }
}

const RANK = { uncontrolled: 2, emergency: 1, controlled: 0 };

/** Draws a row's changes on its floor, the worst of those that fall together; gives where they are, and how many. */
function drawChanges({ timeline, scale, height, add }, row) {
  const { changes } = timeline;
  const marks = new Map();
  for (const change of timeline.rows[row].changes) {
    const x = scale.x(changes.at[change]);
    if (x < 0 || x > scale.width) continue;
    const place = Math.round(x / 9);
    const mark = marks.get(place) ?? { x, control: changes.control[change], count: 0 };
    mark.count += 1;
    if (RANK[changes.control[change]] > RANK[mark.control]) Object.assign(mark, { x, control: changes.control[change] });
    marks.set(place, mark);
  }
  const y = height - 10;
  for (const { x, control } of marks.values()) {
    if (control === "uncontrolled") add(control, `M${x.toFixed(1)} ${y - 9}l9 9l-9 9l-9 -9z`);
    else if (control === "emergency") add(control, `M${x.toFixed(1)} ${y - 6}l6 12h-12z`);
    else add(control, `M${(x - 3).toFixed(1)} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`);
  }
  return [...marks.values()];
}

/** What is written at a mark: that it is uncontrolled, and how many there are from two on. */
function textsOf({ x, control, count }, height) {
  const texts = [];
  const write = (name, at, text) => {
    const written = svg("text", { class: name, x: at.toFixed(1), y: height - 6 });
    written.textContent = text;
    texts.push(written);
  };
  if (control === "uncontrolled") write("bang", x, "!");
  if (count > 1) write("times", x + (control === "uncontrolled" ? 12 : 8), count);
  return texts;
}

/**
 * Who has a row at a minute, or until when it is free: the second line of its name.
 * @returns {{state: "free" | "mine" | "taken" | "out", text: string}}
 */
export function standingOf(timeline, row, now) {
  const environment = timeline.environments[row];
  const { bookings } = timeline;
  if (environment.status === "unavailable" || environment.status === "retired") return { state: "out", text: environment.status };
  const degraded = environment.status === "degraded" ? "degraded · " : "";
  const present = timeline.rows[row].lines.map(({ booking }) => booking)
    .filter((booking) => LIVE.has(bookings.state[booking]) && bookings.start[booking] <= now && timeline.end(booking) > now);
  const mine = present.find((booking) => timeline.isMine(booking));
  const state = mine === undefined ? "taken" : "mine";
  if (environment.capacity && present.length && bookings.mode[present[0]] === "shared") {
    const room = environment.capacity - present.length;
    return { state, text: `${degraded}${present.length} of ${environment.capacity} in use${room > 0 ? ` · room for ${room}` : ""}` };
  }
  if (present.length) {
    const [booking] = present;
    const who = timeline.isMine(booking) ? "you" : timeline.teams[bookings.team[booking]];
    return { state, text: `${degraded}${who} until ${timeline.timeText(timeline.end(booking))}` };
  }
  const block = timeline.firstInTheWay(row, Math.max(0, now), timeline.minutes);
  if (block && block.from <= now) return { state: "taken", text: `${degraded}${block.who} until ${timeline.timeText(block.until)}` };
  return { state: "free", text: `${degraded}free${block ? ` until ${timeline.timeText(block.from)}` : ""}` };
}
