import { drawAgenda } from "./agenda.js";
import { get } from "./api.js";
import { drawAxis, Scale } from "./axis.js";
import { confirmBooking } from "./booking.js";
import { Timeline } from "./data.js";
import { element } from "./dialog.js";
import { letDraw } from "./drafts.js";
import { openDrawer } from "./drawer.js";
import { handleKeys } from "./keys.js";
import { drawLegend } from "./legend.js";
import { letMove } from "./moves.js";
import { favourites, nameOf } from "./names.js";
import { makePlaces } from "./panels.js";
import { definitions, drawRow, heightOf, lanesOf, linkTo } from "./rows.js";
import { follow } from "./stream.js";
import { makeTools, showTools } from "./tools.js";
import { listedRows, View } from "./view.js";
import { letMoveWindows, openWindow } from "./windows.js";

const AHEAD_ROWS = 3;
const HEADING = 28;
/** Where the list is seen in the timeline's place: as page.css has it. */
const listed = matchMedia("(max-width: 720px), print");

/** The page: what is shown, what is known of it, and the elements that show it. */
class Page {
  constructor() {
    const { name, role, team } = document.body.dataset;
    this.me = { name, role, team: team || null };
    this.view = new View();
    this.grid = document.getElementById("timeline");
    this.grid.tabIndex = 0;
    this.grid.setAttribute("role", "region");
    this.grid.setAttribute("aria-label", "Timeline: arrows move, Enter opens, b books, ? tells more");
    const [sheet, axis, names, rows] = ["sheet", "axis", "names", "rows"].map((className) => element("div", "", { className }));
    Object.assign(this, { sheet, axis, names, rows });
    // Names are a treegrid's rows; the pictures beside them are its cells, which the rows own.
    names.setAttribute("role", "treegrid");
    names.setAttribute("aria-label", "Environments");
    sheet.append(axis, names, rows);
    this.grid.append(this.sheet);
    document.body.append(definitions());
    this.shown = new Map();
    this.settled = Promise.resolve();
    this.grid.addEventListener("scroll", () => this.ask(), { passive: true });
    this.grid.addEventListener("focusin", ({ target }) => (this.lastKey = this.keyOf(target) ?? this.lastKey));
    new ResizeObserver(() => this.timeline && this.layOut()).observe(this.grid);
  }

  /** Keeps everything where it is while something is moved over it. @returns {() => void} what ends that */
  hold() {
    let release;
    const before = this.settled;
    this.settled = new Promise((resolve) => (release = resolve)).then(() => before);
    return release;
  }

  /** Reads the view's span and shows it, once nothing is being moved over it. */
  async load() {
    const query = new URLSearchParams({
      from: new Date(this.view.from).toISOString(), to: new Date(this.view.to).toISOString(), parts: "true",
    });
    const answer = await get(`/v1/timeline?${query}`);
    await this.settled;
    this.timeline = new Timeline(answer, this.me);
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
    // What is held of a part also shows on what contains it.
    const touched = new Set([...rows, ...[...rows].flatMap((row) => this.timeline.containing(row))]);
    for (const row of touched) this.lanes.delete(row);
    const items = this.list.filter(({ row }) => touched.has(row));
    this.keepingFocus(() => {
      if (this.view.text || this.view.freeHours || items.some((item) => heightOf(this.lanesOf(item.row)) !== item.height)) return this.layOut();
      for (const item of items) {
        item.lanes = this.lanesOf(item.row);
        this.forget(item);
        const name = nameOf(this, item, this.list.indexOf(item));
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
    const row = document.activeElement?.closest?.(".row")?.dataset.row;
    await action();
    if (document.activeElement !== document.body) return;
    const name = this.nameOfRow(Number(row));
    const focused = booking && this.linkOf(name, booking.replace("BK-", "") * 1);
    (focused ?? (key ? this.names.querySelector(`[data-key="${CSS.escape(key)}"]`) : name))?.focus({ preventScroll: true });
  }

  /** The key of the environment on whose row something is. */
  keyOf(target) {
    const row = target?.closest?.(".row")?.dataset.row;
    return target?.closest?.("[data-key]")?.dataset.key ?? this.timeline?.environments[row]?.key;
  }

  /** The key of the environment whose row has the focus, or had it last. */
  focusedKey() {
    return this.keyOf(document.activeElement) ?? this.lastKey;
  }

  /** The name of a row. */
  nameOfRow(row) {
    return this.names.querySelector(`.name[data-row="${row}"]`);
  }

  /** Gives the focus to the next item of a row in order of time, or the one before; to the first, where none has it. */
  focusItem(name, bar, step) {
    const item = this.list.find(({ row }) => row === Number(name?.dataset.row));
    if (!item) return;
    if (this.view.freeHours) {
      const free = [...this.shown.get(item).querySelectorAll(".bar.free")];
      return free[bar ? free.indexOf(bar) + step : 0]?.focus();
    }
    const { id } = this.timeline.bookings;
    const place = bar ? item.lanes.findIndex(({ booking }) => `BK-${id[booking]}` === bar.dataset.booking) + step : 0;
    const next = item.lanes[place];
    if (next) this.linkOf(name, id[next.booking])?.focus();
  }

  /** The link over a booking on the row of a name: however narrow it is, when it is to have the focus. */
  linkOf(name, id) {
    const item = this.list.find(({ row }) => row === Number(name?.dataset.row));
    const row = item && this.shown.get(item);
    const line = item?.lanes.find(({ booking }) => this.timeline.bookings.id[booking] === id);
    if (!row || !line) return undefined;
    const present = row.querySelector(`[data-booking="BK-${id}"]`);
    if (present) return present;
    const link = linkTo(this, line);
    link.addEventListener("blur", () => link.remove());
    row.append(link);
    return link;
  }

  /** Draws the list that stands in for the timeline, where it is what is seen. */
  listAgenda() {
    if (listed.matches) drawAgenda(this);
  }

  /** The lanes of a row, kept until something is told of it; none where free time is looked for. */
  lanesOf(row) {
    if (this.view.freeHours) return [];
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
    let level = 1;
    this.list = listedRows(timeline, view, favourites).map((item) => {
      if (item.heading !== undefined) level = 2;
      const lanes = item.heading === undefined ? this.lanesOf(item.row) : [];
      const height = item.heading === undefined ? heightOf(lanes) : HEADING;
      const placed = { ...item, lanes, top, height, level: item.parent === undefined ? level : level + 1 };
      top += height;
      return placed;
    });
    this.sheet.style.cssText = `width:${names + width}px;height:${top + 44}px`;
    this.names.style.height = `${top}px`;
    this.rows.style.cssText = `width:${width}px;height:${top}px`;
    this.names.setAttribute("aria-rowcount", this.list.length);
    const count = this.list.filter(({ heading, parent }) => heading === undefined && parent === undefined).length;
    drawAxis(this.axis, timeline, view, this.scale, count, this.now);
    this.named = new Map(this.list.map((item, place) => [item, nameOf(this, item, place)]));
    this.names.replaceChildren(...this.named.values());
    this.shown.clear();
    this.rows.replaceChildren(...this.rows.querySelectorAll(".draft"), ...this.list.filter(({ heading }) => heading !== undefined).map(({ top }) => {
      const band = element("div", "", { className: "band" });
      band.style.top = `${top}px`;
      return band;
    }));
    this.draw();
    this.listAgenda();
    showTools(this);
  }

  /** Asks for a frame in which rows that came into view are drawn. */
  ask() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = undefined;
      this.draw();
    });
  }

  /** Takes a row's picture away. */
  forget(item) {
    this.shown.get(item)?.remove();
    this.shown.delete(item);
    this.named.get(item)?.removeAttribute("aria-owns");
  }

  /** Draws the rows in view and takes away those far from it; the row with focus stays. */
  draw() {
    const from = this.grid.scrollTop - 44;
    const until = from + this.grid.clientHeight;
    const rows = this.list.filter(({ heading }) => heading === undefined);
    const first = rows.findIndex(({ top, height }) => top + height > from);
    const last = rows.findIndex(({ top }) => top > until);
    const wanted = new Set(rows.slice(Math.max(0, first - AHEAD_ROWS), last < 0 ? undefined : last + AHEAD_ROWS));
    for (const [item, row] of this.shown) {
      if (!wanted.has(item) && !row.contains(document.activeElement)) this.forget(item);
    }
    for (const item of wanted) {
      if (this.shown.has(item)) continue;
      const place = this.list.indexOf(item);
      const row = element("div", "", { className: "row", id: `row-${place}` });
      row.setAttribute("role", "gridcell");
      row.dataset.row = item.row;
      row.style.cssText = `width:${this.scale.width}px;transform:translateY(${item.top}px)`;
      drawRow(row, item, { ...this.drawing, above: this.list[place - 1]?.row });
      this.rows.append(row);
      this.shown.set(item, row);
      this.named.get(item).setAttribute("aria-owns", row.id);
    }
  }

  /** What rows are drawn with. */
  get drawing() {
    return { timeline: this.timeline, view: this.view, scale: this.scale, now: this.now };
  }
}

const page = new Page();
listed.addEventListener("change", () => page.timeline && page.listAgenda());
makeTools(page);
drawLegend();
await page.load();
letDraw(page);
letMove(page);
letMoveWindows(page);
makePlaces(page);
handleKeys(page);
follow(page);
page.rows.addEventListener("click", (event) => {
  const link = event.target.closest(".bar");
  if (!link) return;
  event.preventDefault();
  if (link.dataset.booking) return openDrawer(page, link.dataset.booking);
  const { timeline, view } = page;
  const { key } = timeline.environments[link.closest(".row").dataset.row];
  confirmBooking(page, { environments: [key], startsAt: timeline.instant(Number(link.dataset.from)), minutes: view.freeHours * 60 });
});
page.rows.addEventListener("pointerover", (event) => {
  const reference = event.target.closest?.("a.bar")?.dataset.booking;
  for (const bar of page.rows.querySelectorAll("a.bar")) bar.classList.toggle("lit", bar.dataset.booking === reference);
});
const asked = new URLSearchParams(location.search);
if (asked.get("booking")) openDrawer(page, asked.get("booking"));
if (asked.get("window")) openWindow(page, asked.get("window"));
