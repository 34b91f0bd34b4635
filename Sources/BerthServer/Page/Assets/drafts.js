import { Problem, send } from "./api.js";
import { confirmBooking, refusalText } from "./booking.js";
import { lengthText, shortTime } from "./times.js";
import { planWindow } from "./windows.js";

const REST_MS = 120;
const STEP = 15;

/** What is being drawn over rows, a booking or a window: its ghost, and the verdict on it. Its times are instants. */
class Draft {
  constructor(page, row, minute) {
    this.page = page;
    this.kind = page.draws;
    this.keys = [page.timeline.environments[row].key];
    this.ghost = document.createElement("div");
    this.ghost.className = "draft";
    this.ghost.append(document.createElement("span"));
    page.rows.append(this.ghost);
    this.begun = page.timeline.from + minute * 60000;
    this.set(minute, minute);
  }

  get first() {
    return this.page.timeline.rowByKey.get(this.keys[0]);
  }

  /** The minute at which it was begun. */
  get begin() {
    return this.page.timeline.minute(this.begun);
  }

  /** Stretches it, over the rows from its first to another for a window, and judges it at once by what is known. */
  set(from, until, row = this.first) {
    const { timeline, scale } = this.page;
    const [start, end] = [Math.min(from, until), Math.max(from, until, Math.min(from, until) + STEP)];
    this.minutes = end - start;
    this.startsAt = timeline.instant(start);
    this.endsAt = timeline.instant(end);
    const items = this.cover(row);
    this.ghost.style.cssText = `left:${scale.x(start)}px;width:${Math.max(8, scale.x(end) - scale.x(start))}px;`
      + `top:${items[0].top + 4}px;height:${items.at(-1).top - items[0].top + 24}px`;
    clearTimeout(this.resting);
    if (this.kind !== "booking") return this.say(`${this.kind} · ${this.keys.length > 1 ? `${this.keys.length} environments, ` : ""}${hitsText(timeline, this.keys, start, end)}`);
    const inTheWay = timeline.firstInTheWay(this.first, start, end);
    this.say(inTheWay ? `✕ ${inTheWay.who} until ${shortTime(timeline.from + inTheWay.until * 60000)}` : `✓ Free · ${lengthText(this.minutes)}`, !inTheWay);
    this.resting = setTimeout(() => this.ask(), REST_MS);
  }

  /** Takes in the rows as far as one, and gives where they are. */
  cover(row) {
    const rows = this.page.list.filter(({ heading }) => heading === undefined);
    const places = [this.first, this.kind === "booking" ? this.first : row].map((one) => rows.findIndex((item) => item.row === one));
    const items = rows.slice(Math.min(...places), Math.max(...places) + 1);
    const keys = items.map((item) => this.page.timeline.environments[item.row].key);
    this.keys = [this.keys[0], ...new Set(keys.filter((key) => key !== this.keys[0]))];
    return items;
  }

  say(text, isFree) {
    this.ghost.firstChild.textContent = text;
    this.ghost.classList.toggle("free", isFree === true);
    this.ghost.classList.toggle("taken", isFree === false);
    document.getElementById("status").textContent = text;
  }

  /** Asks the server, whose word replaces the guess; an older answer is dropped. */
  async ask() {
    this.question?.abort();
    this.question = new AbortController();
    try {
      await send("POST", "/v1/bookings?dryRun=true", { ...this.body, title: "Booking" }, { signal: this.question.signal });
    } catch (error) {
      if (error instanceof Problem) this.say(`✕ ${refusalText(error)}`, false);
    }
  }

  get body() {
    return { environments: this.keys, startsAt: this.startsAt, endsAt: this.endsAt };
  }

  /** Asks for what it still needs, and makes it. */
  confirm() {
    const dialog = this.kind === "booking" ? confirmBooking(this.page, this.body) : planWindow(this.page, { kind: this.kind, ...this.body });
    dialog.addEventListener("close", () => this.end());
  }

  end() {
    clearTimeout(this.resting);
    this.question?.abort();
    this.ghost.remove();
  }
}

/** How many bookings lie under a span of some rows. */
function hitsText(timeline, keys, from, until) {
  const hit = new Set(keys.flatMap((key) => timeline.heldBetween(timeline.rowByKey.get(key), from, until).map(({ booking }) => booking)));
  return hit.size === 1 ? "1 booking under it" : `${hit.size} bookings under it`;
}

/** Lets bookings and windows be made by dragging over rows, and by two clicks: begin, end. */
export function letDraw(page) {
  let draft;
  const minuteAt = (event) => page.scale.minute(event.clientX - page.rows.getBoundingClientRect().left, STEP);
  const rowAt = (event) => {
    const y = event.clientY - page.rows.getBoundingClientRect().top;
    return page.list.find(({ heading, top, height }) => heading === undefined && top <= y && y < top + height)?.row;
  };
  page.rows.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("a, .plate")) return;
    const row = rowAt(event);
    if (row === undefined || (draft && (draft.kind !== "booking" || draft.first === row))) return;
    draft?.end();
    draft = new Draft(page, row, minuteAt(event));
  });
  page.rows.addEventListener("pointermove", (event) => draft?.set(draft.begin, minuteAt(event), rowAt(event) ?? draft.first));
  page.rows.addEventListener("pointerup", () => {
    // A click that has not moved begins it; the next one ends it.
    if (!draft || draft.minutes <= STEP) return;
    draft.confirm();
    draft = undefined;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    draft?.end();
    draft = undefined;
  });
}

/** Draws on a row by the keyboard: arrows move, with Shift they stretch, Enter goes on, Escape gives up. */
export function drawByKeys(page, name) {
  const row = page.timeline.rowByKey.get(name?.dataset.key);
  if (row === undefined) return;
  let from = Math.max(0, Math.ceil(page.now / STEP) * STEP);
  let until = from + 60;
  const draft = new Draft(page, row, from);
  draft.set(from, until);
  const listen = (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step === undefined && !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (step !== undefined) {
      until += step;
      if (!event.shiftKey) from += step;
      until = Math.max(until, from + STEP);
      return draft.set(from, until);
    }
    removeEventListener("keydown", listen, true);
    if (event.key === "Enter") draft.confirm();
    else draft.end();
  };
  addEventListener("keydown", listen, true);
}
