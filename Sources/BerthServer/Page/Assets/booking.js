import { newKey, Problem, send } from "./api.js";
import { shortTime } from "./axis.js";
import { element } from "./drawer.js";

const REST_MS = 120;
const STEP = 15;

/** A booking that is being drawn on a row: its ghost, and the verdict on it. */
class Draft {
  constructor(page, row, from) {
    this.page = page;
    this.row = row;
    this.from = this.until = from;
    page.isDrawing = true;
    this.ghost = document.createElement("div");
    this.ghost.className = "draft";
    page.rows.querySelector(`[data-row="${row}"]`)?.append(this.ghost);
  }

  /** Stretches it, and judges it at once by what is known. */
  set(from, until) {
    const { timeline, scale } = this.page;
    this.from = Math.min(from, until);
    this.until = Math.max(from, until, this.from + STEP);
    const inTheWay = timeline.firstInTheWay(this.row, this.from, this.until);
    this.say(inTheWay ? `✕ ${inTheWay.who} until ${shortTime(timeline.from + inTheWay.until * 60000)}` : `✓ Free · ${length(this.until - this.from)}`, !inTheWay);
    this.ghost.style.left = `${scale.x(this.from)}px`;
    this.ghost.style.width = `${Math.max(8, scale.x(this.until) - scale.x(this.from))}px`;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.ask(), REST_MS);
  }

  say(text, isFree) {
    this.ghost.textContent = text;
    this.ghost.classList.toggle("free", isFree);
    this.ghost.classList.toggle("taken", !isFree);
    document.getElementById("status").textContent = text;
  }

  /** Asks the server, whose word replaces the guess; an older answer is dropped. */
  async ask() {
    this.question?.abort();
    this.question = new AbortController();
    try {
      await send("POST", "/v1/bookings?dryRun=true", this.body("Booking"), { signal: this.question.signal });
    } catch (error) {
      if (error instanceof Problem) this.say(`✕ ${error.message}`, false);
    }
  }

  body(title) {
    const { timeline } = this.page;
    return { environments: [timeline.environments[this.row].key], startsAt: timeline.instant(this.from), endsAt: timeline.instant(this.until), title };
  }

  end() {
    this.page.isDrawing = false;
    clearTimeout(this.resting);
    this.question?.abort();
    this.ghost.remove();
  }
}

function length(minutes) {
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** Lets bookings be made by dragging over free time, and by two clicks: begin, end. */
export function letBook(page) {
  let draft;
  let begun;
  const minuteAt = (event, row) => page.scale.minute(event.clientX - row.getBoundingClientRect().left, STEP);
  page.rows.addEventListener("pointerdown", (event) => {
    const row = event.target.closest(".row");
    if (event.button !== 0 || !row || event.target.closest("a.bar")) return;
    if (draft && draft.row === Number(row.dataset.row)) return;
    draft?.end();
    begun = minuteAt(event, row);
    draft = new Draft(page, Number(row.dataset.row), begun);
    draft.set(begun, begun);
  });
  page.rows.addEventListener("pointermove", (event) => {
    const row = draft && page.rows.querySelector(`[data-row="${draft.row}"]`);
    if (row) draft.set(begun, minuteAt(event, row));
  });
  page.rows.addEventListener("pointerup", async () => {
    // A click that has not moved begins a booking; the next one ends it.
    if (!draft || draft.until - draft.from <= STEP) return;
    const done = draft;
    draft = undefined;
    await confirm(page, done);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    draft?.end();
    draft = undefined;
  });
}

/** Books on a row by the keyboard: arrows move, with Shift they stretch, Enter goes on, Escape gives up. */
export function bookByKeys(page, name) {
  const row = page.timeline.environments.findIndex(({ key }) => key === name?.dataset.key);
  if (row < 0) return;
  const start = Math.max(0, Math.ceil(page.now / STEP) * STEP);
  const draft = new Draft(page, row, start);
  let [from, until] = [start, start + 60];
  draft.set(from, until);
  const listen = async (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step === undefined && !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (step !== undefined) {
      until += step;
      if (!event.shiftKey) from += step;
      draft.set(from, Math.max(until, from + STEP));
      return;
    }
    name.removeEventListener("keydown", listen, true);
    if (event.key === "Enter") await confirm(page, draft);
    else draft.end();
  };
  name.addEventListener("keydown", listen, true);
}

/** Asks for what a drawn booking still needs, and makes it. */
async function confirm(page, draft) {
  const { environments, startsAt, endsAt } = draft.body("");
  const dialog = confirmBooking(page, { environments, startsAt, endsAt });
  dialog.addEventListener("close", () => draft.end());
}

/** Asks what a booking is for, and makes it; a refusal says who is in the way, and offers what is free. */
export function confirmBooking(page, body, title = "") {
  const dialog = document.createElement("dialog");
  const name = `Book ${body.environments.join(", ")}`;
  dialog.setAttribute("aria-label", name);
  const form = document.createElement("form");
  const field = element("input", "", { name: "title", required: true, maxLength: 200, id: "draft-title", value: title });
  const fault = element("p", "", { className: "fault", hidden: true });
  const until = body.endsAt ?? new Date(Date.parse(body.startsAt) + body.minutes * 60000);
  const times = element("p", `${shortTime(Date.parse(body.startsAt))} to ${shortTime(Date.parse(until))}`);
  const actions = element("div", "", { className: "actions" });
  actions.append(element("button", "Book", { className: "main" }), element("button", "Cancel", { type: "button", onclick: () => dialog.close() }));
  form.append(element("h2", name), times, element("label", "What for", { htmlFor: "draft-title" }), field, fault, actions);
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await book(page, dialog, { ...body, title: field.value }, fault);
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Makes a booking; a refusal says who is in the way, and offers what is free, one click away. */
async function book(page, dialog, body, fault) {
  try {
    await send("POST", "/v1/bookings", body, { key: newKey() });
    dialog.close();
    await page.refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fault.hidden = false;
    fault.textContent = error.body.violations
      ? error.body.violations.map(({ environment, rule, limit }) => `${environment}: ${rule} is ${limit}`).join("; ")
      : error.message;
    dialog.querySelectorAll(".refusal, .alternatives").forEach((old) => old.remove());
    const refusal = element("ul", "", { className: "refusal" });
    refusal.append(...(error.body.conflicts ?? []).map((conflict) => element("li",
      `${conflict.team ?? conflict.kind}: ${conflict.title}, until ${shortTime(Date.parse(conflict.blocksUntil))}${conflict.holder ? ` (${conflict.holder})` : ""}`)));
    const alternatives = element("div", "", { className: "alternatives" });
    alternatives.append(...(error.body.alternatives ?? []).map((free) => element("button",
      `${free.environments.join(", ")}, ${shortTime(Date.parse(free.startsAt))} to ${shortTime(Date.parse(free.endsAt))}`, {
        type: "button",
        onclick: () => book(page, dialog, { ...body, environments: free.environments, startsAt: free.startsAt, endsAt: free.endsAt }, fault),
      })));
    fault.after(refusal, alternatives);
  }
}
