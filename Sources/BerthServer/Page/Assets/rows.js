const SVG = "http://www.w3.org/2000/svg";
const BAR = 24, LANE = 26, TOP = 4, FLOOR = 12;
/** Bars narrower than this have no link of their own to point at. */
const LEAST_LINK = 24;
const LIVE = new Set(["requested", "confirmed", "active"]);
const HIDDEN = new Set(["cancelled", "rejected", "expired"]);

/** Makes an SVG element. */
function svg(name, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A rectangle as a path's piece. */
const box = (x, y, width, height) => `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`;

/** The hatches that looks are filled with; once a page. */
export function definitions() {
  const root = svg("svg", { width: 0, height: 0, "aria-hidden": "true", class: "unseen" });
  for (const name of ["other", "mine", "stop"]) {
    const pattern = svg("pattern", { id: `hatch-${name}`, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(svg("rect", { class: "ground", width: 8, height: 8, fill: "none" }), svg("path", { class: "hatch", d: "M2 0v8" }));
    root.append(pattern);
  }
  return root;
}

/** In which lane each booking of a row stands, so that none covers another: the first lane that is free. */
export function lanesOf(timeline, row) {
  const { bookings } = timeline;
  const lines = timeline.rows[row].lines.filter(({ booking }) => !HIDDEN.has(bookings.state[booking]))
    .sort((one, other) => bookings.start[one.booking] - bookings.start[other.booking]);
  const ends = [];
  return lines.map((line) => {
    let lane = ends.findIndex((end) => end <= bookings.start[line.booking]);
    if (lane < 0) lane = ends.length;
    ends[lane] = timeline.end(line.booking);
    return { ...line, lane };
  });
}

/** How high a row is: one lane and the floor, and more for each lane beyond. */
export function heightOf(lanes) {
  return TOP + BAR + FLOOR + Math.max(0, ...lanes.map(({ lane }) => lane)) * LANE;
}

/**
 * Draws one row: one path a look in one SVG, and a link over each bar that is wide enough. What covers the row above as
 * well has its name there.
 */
export function drawRow(element, timeline, row, lanes, scale, now, above) {
  const height = heightOf(lanes);
  const looks = new Map();
  const add = (look, piece) => looks.set(look, (looks.get(look) ?? "") + piece);
  const links = [];
  drawWindows(timeline, row, scale, height, add, links, above);
  for (const line of lanes) drawBooking(timeline, row, line, scale, add, links);
  const hits = drawChanges(timeline, row, scale, height, add);
  const picture = svg("svg", { width: scale.width, height, "aria-hidden": "true" });
  for (const closed of scale.closed) picture.append(svg("path", { class: "closed", d: box(closed.x, 0, closed.width, height) }));
  picture.append(svg("path", { class: "day", d: scale.ticks.map(({ x }) => `M${x.toFixed(1)} 0V${height}`).join("") }));
  if (hits.length) picture.append(svg("path", { class: "uncontrolled-line", d: `M0 ${height - 2}H${scale.width}` }));
  if (now >= 0 && now <= timeline.minutes) picture.append(svg("path", { class: "now-line", d: `M${scale.x(now).toFixed(1)} 0V${height}` }));
  for (const [look, d] of looks) picture.append(svg("path", { class: look, d }));
  for (const x of hits) {
    const bang = svg("text", { class: "bang", x: x.toFixed(1), y: height - 6 });
    bang.textContent = "!";
    picture.append(bang);
  }
  element.replaceChildren(picture, ...links);
  element.style.height = `${height}px`;
}

function drawBooking(timeline, row, { booking, via, lane }, scale, add, links) {
  const { bookings } = timeline;
  const state = bookings.state[booking];
  const mine = timeline.isMine(booking) ? " mine" : "";
  const x = scale.x(bookings.start[booking]);
  const width = Math.max(3, scale.x(timeline.end(booking)) - x);
  if (x > scale.width || x + width < 0) return;
  const y = TOP + lane * LANE;
  switch (state) {
    case "requested": add(`asked${mine}`, box(x, y, width, BAR)); break;
    case "waitlisted": add(`waits${mine}`, box(x, y, width, BAR)); break;
    case "displaced": add("waits aside", box(x, y, width, BAR)); break;
    case "active":
      add(`full${mine}`, box(x, y, width, BAR));
      if (mine) add("stripe", box(x + 3, y + 3, 2, BAR - 6));
      break;
    case "completed": add("done", box(x, y, width, BAR)); break;
    default:
      add(`soft${mine}`, box(x, y, width, BAR));
      add(`edge${mine}`, box(x, y, 3, BAR));
  }
  const before = scale.x(bookings.start[booking]) - scale.x(bookings.start[booking] - bookings.setup[booking]);
  const after = scale.x(timeline.end(booking) + bookings.teardown[booking]) - scale.x(timeline.end(booking));
  if (before > 2) add(`comb${mine}`, box(x - before, y + 9, before, 6));
  if (after > 2) add(`comb${mine}`, box(x + width, y + 9, after, 6));
  if (width >= LEAST_LINK) links.push(linkTo(timeline, booking, via, x, y, width, state, mine));
}

function linkTo(timeline, booking, via, x, y, width, state, mine) {
  const { bookings } = timeline;
  const link = document.createElement("a");
  const reference = `BK-${bookings.id[booking]}`;
  const title = timeline.titles[bookings.title[booking]];
  const team = timeline.teams[bookings.team[booking]];
  link.href = `?booking=${reference}`;
  link.className = `bar ${state}${mine}`;
  link.dataset.booking = reference;
  link.tabIndex = -1;
  const mark = { requested: "? ", waitlisted: "in line · ", displaced: "moved aside · " }[state] ?? "";
  const through = via >= 0 ? ` (through ${timeline.environments[via].key})` : "";
  const text = document.createElement("span");
  text.textContent = `${mark}${title} · ${team}${through}`;
  link.append(text);
  link.setAttribute("aria-label", `${title}, ${team}, ${state}${through}, ${timeline.instant(bookings.start[booking])} to ${timeline.instant(timeline.end(booking))}`);
  // What begins before the view keeps its text in sight.
  const left = Math.max(0, x);
  link.style.cssText = `left:${left}px;top:${y}px;width:${Math.max(LEAST_LINK, x + width - left)}px`;
  return link;
}

function drawWindows(timeline, row, scale, height, add, links, above) {
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
    if (kind !== "change" && width > 60 && !named.has(window)) {
      const plate = document.createElement("span");
      plate.className = `plate ${kind}`;
      plate.textContent = timeline.titles[windows.title[window]];
      plate.style.cssText = `left:${Math.max(0, x) + 4}px;top:${height - 18}px;max-width:${width - 8}px`;
      links.push(plate);
    }
  }
}

/** Draws a row's changes on its floor, the worst of those that fall together; gives where uncontrolled ones are. */
function drawChanges(timeline, row, scale, height, add) {
  const { changes } = timeline;
  const worst = new Map();
  const rank = { uncontrolled: 2, emergency: 1, controlled: 0 };
  for (const change of timeline.rows[row].changes) {
    const x = scale.x(changes.at[change]);
    if (x < 0 || x > scale.width) continue;
    const place = Math.round(x / 9);
    const known = worst.get(place);
    if (!known || rank[changes.control[change]] > rank[known.control]) worst.set(place, { x, control: changes.control[change] });
  }
  const y = height - 10;
  const hits = [];
  for (const { x, control } of worst.values()) {
    if (control === "uncontrolled") {
      add(control, `M${x.toFixed(1)} ${y - 9}l9 9l-9 9l-9 -9z`);
      hits.push(x);
    } else if (control === "emergency") add(control, `M${x.toFixed(1)} ${y - 6}l6 12h-12z`);
    else add(control, `M${(x - 3).toFixed(1)} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`);
  }
  return hits;
}

/** Who has a row at a minute, or until when it is free: the second line of its name. */
export function standingOf(timeline, row, now, clock) {
  const environment = timeline.environments[row];
  if (environment.status === "unavailable" || environment.status === "retired") return environment.status;
  const { bookings } = timeline;
  const lines = timeline.rows[row].lines.filter(({ booking }) => LIVE.has(bookings.state[booking]) && timeline.end(booking) > now)
    .sort((one, other) => bookings.start[one.booking] - bookings.start[other.booking]);
  const present = lines.filter(({ booking }) => bookings.start[booking] <= now);
  if (environment.capacity && present.length && bookings.mode[present[0].booking] === "shared") {
    return `${present.length} of ${environment.capacity} in use`;
  }
  if (present.length) {
    const { booking } = present[0];
    const who = timeline.isMine(booking) ? "you" : timeline.teams[bookings.team[booking]];
    return `${who} until ${clock(timeline.end(booking))}`;
  }
  return lines.length ? `free until ${clock(bookings.start[lines[0].booking])}` : "free";
}
