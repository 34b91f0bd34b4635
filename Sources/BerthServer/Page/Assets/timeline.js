import { drawAgenda } from "./agenda.js";
import { closedSpans, drawAxis, Scale, shortTime, spanText, zone } from "./axis.js";
import { get } from "./api.js";
import { Timeline } from "./data.js";
import { openDrawer } from "./drawer.js";
import { follow } from "./stream.js";
import { letBook } from "./booking.js";
import { handleKeys } from "./keys.js";
import { letMove } from "./moves.js";
import { makePlaces } from "./panels.js";
import { definitions, drawRow, heightOf, lanesOf, standingOf } from "./rows.js";
import { listedRows, SPANS, View } from "./view.js";

const AHEAD_ROWS = 3;
const HEADING = 28;
/** Where the list is seen in the timeline's place: as page.css has it. */
const listed = matchMedia("(max-width: 720px), print");
const favourites = new Set(JSON.parse(localStorage.getItem("favourites") ?? "[]"));

/** The page: what is shown, what is known of it, and the elements that show it. */
class Page {
  constructor() {
    this.view = new View();
    this.grid = document.getElementById("timeline");
    this.axis = Object.assign(document.createElement("div"), { className: "axis" });
    this.names = Object.assign(document.createElement("div"), { className: "names" });
    this.rows = Object.assign(document.createElement("div"), { className: "rows" });
    this.sheet = Object.assign(document.createElement("div"), { className: "sheet" });
    this.sheet.append(this.axis, this.names, this.rows);
    this.grid.append(this.sheet);
    document.body.append(definitions());
    this.shown = new Map();
    this.isDrawing = false;
    this.grid.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.timeline && this.layOut()).observe(this.grid);
  }

  /** Reads the view's span and shows it. */
  async load() {
    const query = new URLSearchParams({
      from: new Date(this.view.from).toISOString(), to: new Date(this.view.to).toISOString(), parts: "true",
    });
    this.timeline = new Timeline(await get(`/v1/timeline?${query}`));
    this.lanes = new Map();
    this.view.save();
    this.layOut();
    document.body.classList.add("drawn");
  }

  /** Reads again without moving anything: after a change of one's own or of others. */
  async refresh() {
    await this.keepingFocus(() => this.load());
  }

  /** Draws rows anew of which something was told; all others stay where they are unless one became higher or lower. */
  redraw(rows) {
    for (const row of rows) this.lanes.delete(row);
    const items = this.list.filter(({ row }) => rows.has(row));
    this.keepingFocus(() => {
      if (this.view.text || items.some((item) => heightOf(this.lanesOf(item.row)) !== item.height)) return this.layOut();
      for (const item of items) {
        item.lanes = this.lanesOf(item.row);
        this.shown.get(item)?.remove();
        this.shown.delete(item);
        const name = this.nameOf(item);
        this.named.get(item).replaceWith(name);
        this.named.set(item, name);
      }
      this.draw();
      this.listAgenda();
    });
  }

  /** Does something that makes elements anew, and gives the focus to what stands for what had it. */
  async keepingFocus(action) {
    const { booking, key } = document.activeElement?.closest?.("[data-booking], [data-key]")?.dataset ?? {};
    await action();
    if (document.activeElement !== document.body) return;
    const selector = booking ? `[data-booking="${booking}"]` : key && `[data-key="${CSS.escape(key)}"]`;
    if (selector) this.grid.querySelector(selector)?.focus({ preventScroll: true });
  }

  /** Draws the list that stands in for the timeline, where it is what is seen. */
  listAgenda() {
    if (listed.matches) drawAgenda(this);
  }

  /** The lanes of a row, kept until something is told of it. */
  lanesOf(row) {
    if (!this.lanes.has(row)) this.lanes.set(row, lanesOf(this.timeline, row));
    return this.lanes.get(row);
  }

  /** Where everything stands: rows from top to bottom, and the scale. */
  layOut() {
    const { timeline, view } = this;
    const names = parseInt(getComputedStyle(document.documentElement).getPropertyValue("--names"), 10);
    const width = Math.max(480, this.grid.clientWidth - names);
    this.scale = new Scale(timeline, view, width);
    this.now = timeline.minute(Date.now());
    let top = 0;
    this.list = listedRows(timeline, view, favourites).map((item) => {
      const lanes = item.heading === undefined ? this.lanesOf(item.row) : [];
      const height = item.heading === undefined ? heightOf(lanes) : HEADING;
      const placed = { ...item, lanes, top, height };
      top += height;
      return placed;
    });
    this.sheet.style.cssText = `width:${names + width}px;height:${top + 44}px`;
    this.names.style.height = `${top}px`;
    this.rows.style.cssText = `width:${width}px;height:${top}px`;
    const count = this.list.filter(({ heading, parent }) => heading === undefined && parent === undefined).length;
    drawAxis(this.axis, timeline, view, this.scale, count, this.now);
    this.drawNames();
    this.shown.forEach((element) => element.remove());
    this.shown.clear();
    this.draw();
    this.listAgenda();
    showSpan(this);
  }

  /** Asks for a frame in which rows that came into view are drawn. */
  ask() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = undefined;
      this.draw();
    });
  }

  /** Draws the rows in view and takes away those far from it; the row with focus stays. */
  draw() {
    const from = this.grid.scrollTop - 44;
    const until = from + this.grid.clientHeight;
    const rows = this.list.filter(({ heading }) => heading === undefined);
    const first = rows.findIndex(({ top, height }) => top + height > from);
    const last = rows.findIndex(({ top }) => top > until);
    const wanted = new Set(rows.slice(Math.max(0, first - AHEAD_ROWS), last < 0 ? undefined : last + AHEAD_ROWS));
    for (const [item, element] of this.shown) {
      if (wanted.has(item) || element.contains(document.activeElement)) continue;
      element.remove();
      this.shown.delete(item);
    }
    for (const item of wanted) {
      if (this.shown.has(item)) continue;
      const element = Object.assign(document.createElement("div"), { className: "row" });
      element.dataset.row = item.row;
      element.style.cssText = `width:${this.scale.width}px;transform:translateY(${item.top}px)`;
      const environment = this.timeline.environments[item.row];
      const scale = Object.assign(Object.create(this.scale), { closed: closedSpans(environment, this.scale) });
      drawRow(element, this.timeline, item.row, item.lanes, scale, this.now, this.list[this.list.indexOf(item) - 1]?.row);
      this.rows.append(element);
      this.shown.set(item, element);
    }
  }

  drawNames() {
    this.named = new Map(this.list.map((item) => [item, this.nameOf(item)]));
    this.names.replaceChildren(...this.named.values());
  }

  /** The name of a row, with who has it until when; or a group's heading. */
  nameOf(item) {
    const { timeline } = this;
    const element = document.createElement("div");
    element.style.cssText = `top:${item.top}px;height:${item.height}px;width:100%`;
    if (item.heading !== undefined) {
      element.className = "group";
      element.textContent = item.heading;
      return element;
    }
    const clock = (minute) => shortTime(timeline.from + minute * 60000);
    const environment = timeline.environments[item.row];
    const uncontrolled = timeline.rows[item.row].changes.filter((change) => timeline.changes.control[change] === "uncontrolled").length;
    element.className = `name${item.parent === undefined ? "" : " part"}${uncontrolled ? " hit" : ""}`;
    element.tabIndex = -1;
    element.addEventListener("dblclick", () => this.openEnvironment(environment.key));
    element.dataset.key = environment.key;
    if (uncontrolled) element.append(Object.assign(document.createElement("span"), { className: "count", textContent: `! ${uncontrolled}`, title: "Uncontrolled changes" }));
    if (item.parent === undefined && environment.parts.length) element.append(unfolder(this, environment));
    if (item.parent === undefined) element.append(favourer(this, environment));
    element.append(
      Object.assign(document.createElement("b"), { textContent: environment.name || environment.key }),
      Object.assign(document.createElement("small"), { textContent: standingOf(timeline, item.row, this.now, clock) }));
    return element;
  }
}

function unfolder(page, environment) {
  const isOpen = page.view.unfolded.has(environment.key);
  const button = Object.assign(document.createElement("button"), { className: "unfold", textContent: isOpen ? "⌄" : "›", type: "button" });
  button.setAttribute("aria-expanded", isOpen);
  button.setAttribute("aria-label", `Parts of ${environment.name || environment.key}`);
  button.addEventListener("click", () => {
    if (isOpen) page.view.unfolded.delete(environment.key);
    else page.view.unfolded.add(environment.key);
    page.view.save();
    page.layOut();
  });
  return button;
}

/** The star of an environment, which puts it among the reader's own rows. */
function favourer(page, environment) {
  const isFavourite = favourites.has(environment.key);
  const button = Object.assign(document.createElement("button"), { className: "favour", textContent: isFavourite ? "★" : "☆", type: "button" });
  button.setAttribute("aria-pressed", isFavourite);
  button.setAttribute("aria-label", `Favourite: ${environment.name || environment.key}`);
  button.addEventListener("click", () => {
    if (isFavourite) favourites.delete(environment.key);
    else favourites.add(environment.key);
    localStorage.setItem("favourites", JSON.stringify([...favourites]));
    page.layOut();
  });
  return button;
}

/** Makes the toolbar: today, earlier, later, the spans, grouping and search. */
function makeTools(page) {
  const tools = document.getElementById("tools");
  const button = (text, label, action) => {
    const element = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    if (label) element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    return element;
  };
  const reload = (change) => () => {
    change();
    page.load();
  };
  const spans = document.createElement("fieldset");
  spans.setAttribute("aria-label", "Span");
  for (const span of Object.keys(SPANS)) {
    const choice = button(span[0].toUpperCase() + span.slice(1), null, reload(() => page.view.show(span)));
    choice.dataset.span = span;
    spans.append(choice);
  }
  const group = document.createElement("select");
  group.setAttribute("aria-label", "Group by");
  for (const [value, text] of [["mine", "Mine first"], ["tier", "By tier"], ["team", "By team"], ["none", "No groups"]]) {
    group.append(Object.assign(document.createElement("option"), { value, textContent: text }));
  }
  group.value = page.view.group;
  group.addEventListener("change", () => {
    page.view.group = group.value;
    page.view.save();
    page.layOut();
  });
  const search = Object.assign(document.createElement("input"), { type: "search", id: "search", placeholder: "Find environment, booking… /", value: page.view.text });
  search.setAttribute("aria-label", "Find environment or booking");
  search.addEventListener("input", () => {
    page.view.text = search.value;
    page.view.save();
    page.layOut();
  });
  tools.replaceChildren(
    button("‹", "Earlier", reload(() => page.view.move(-1))), button("Today", null, reload(() => page.view.today())),
    button("›", "Later", reload(() => page.view.move(1))), Object.assign(document.createElement("span"), { className: "span", id: "span" }),
    spans, group, Object.assign(document.createElement("span"), { className: "spacer" }), search);
}

function showSpan(page) {
  document.getElementById("span").textContent = `${spanText(page.view)} · ${zone}`;
  for (const choice of document.querySelectorAll("[data-span]")) choice.setAttribute("aria-pressed", choice.dataset.span === page.view.span);
}

const page = new Page();
listed.addEventListener("change", () => page.timeline && page.listAgenda());
makeTools(page);
await page.load();
letBook(page);
letMove(page);
makePlaces(page);
handleKeys(page);
follow(page);
page.rows.addEventListener("click", (event) => {
  const link = event.target.closest("a.bar");
  if (!link) return;
  event.preventDefault();
  openDrawer(page, link.dataset.booking);
});
page.rows.addEventListener("pointerover", (event) => {
  const reference = event.target.closest?.("a.bar")?.dataset.booking;
  for (const bar of page.rows.querySelectorAll("a.bar")) bar.classList.toggle("lit", bar.dataset.booking === reference);
});
const asked = new URLSearchParams(location.search).get("booking");
if (asked) openDrawer(page, asked);
