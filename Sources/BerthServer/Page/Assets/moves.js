import { get, Problem, send } from "./api.js";
import { element } from "./dialog.js";
import { shortTime } from "./times.js";

const STEP = 15;
const EDGE = 8;
const UNDO_MS = 10000;

/**
 * Lets the reader's own bookings be moved by dragging a bar, and stretched by dragging its end; what was done can be
 * undone for ten seconds, while it is still free.
 */
export function letMove(page) {
  let moving;
  page.rows.addEventListener("pointerdown", (event) => {
    const bar = event.target.closest("a.bar.mine");
    if (event.button !== 0 || !bar) return;
    const box = bar.getBoundingClientRect();
    moving = { release: page.hold(), bar, x: event.clientX, stretches: box.right - event.clientX < EDGE, minutes: 0 };
    bar.setPointerCapture(event.pointerId);
  });
  page.rows.addEventListener("pointermove", (event) => {
    if (!moving) return;
    moving.minutes = page.scale.minute(event.clientX - moving.x, STEP);
    const pixels = page.scale.x(moving.minutes);
    if (moving.stretches) moving.bar.style.width = `${Math.max(8, moving.bar.dataset.width ?? (moving.bar.dataset.width = moving.bar.offsetWidth)) * 1 + pixels}px`;
    else moving.bar.style.transform = `translateX(${pixels}px)`;
  });
  page.rows.addEventListener("pointercancel", () => {
    moving?.release();
    moving = undefined;
  });
  page.rows.addEventListener("pointerup", async () => {
    if (!moving) return;
    const { release, bar, minutes, stretches } = moving;
    moving = undefined;
    release();
    if (!minutes) return;
    // The click that follows belongs to the move.
    page.rows.addEventListener("click", (event) => {
      event.stopPropagation();
      event.preventDefault();
    }, { capture: true, once: true });
    await reschedule(page, bar.dataset.booking, stretches ? 0 : minutes, minutes);
  });
}

/** Moves a booking's begin and end by minutes; says why when it cannot be. */
export async function reschedule(page, reference, startMinutes, endMinutes) {
  const booking = await get(`/v1/bookings/${reference}`);
  const shifted = (time, minutes) => new Date(Date.parse(time) + minutes * 60000).toISOString();
  const before = { startsAt: booking.startsAt, endsAt: booking.endsAt };
  const patch = { endsAt: shifted(booking.endsAt, endMinutes) };
  if (startMinutes) patch.startsAt = shifted(booking.startsAt, startMinutes);
  try {
    const moved = await send("PATCH", `/v1/bookings/${reference}`, patch, { ifMatch: booking.etag });
    await page.refresh();
    offerUndo(page, reference, before, moved.etag, `${booking.title}: ${shortTime(Date.parse(moved.startsAt))} to ${shortTime(Date.parse(moved.endsAt))}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    await page.refresh();
    tell(error.message);
  }
}

function offerUndo(page, reference, before, etag, text) {
  const bar = tell(text);
  bar.append(element("button", "Undo", {
    type: "button",
    onclick: async ({ target }) => {
      target.disabled = true;
      try {
        await send("PATCH", `/v1/bookings/${reference}`, before, { ifMatch: etag });
        await page.refresh();
        bar.remove();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        tell(error.status === 412 ? "Somebody changed it meanwhile." : error.message);
      }
    },
  }));
}

/** Says something at the foot of the page for ten seconds. */
export function tell(text) {
  document.querySelector(".undo")?.remove();
  const bar = element("div", "", { className: "undo" });
  bar.setAttribute("role", "status");
  bar.append(element("span", text));
  document.body.append(bar);
  setTimeout(() => bar.remove(), UNDO_MS);
  return bar;
}
