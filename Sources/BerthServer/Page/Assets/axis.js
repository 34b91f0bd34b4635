import { closedSpans } from "./hours.js";
import { dayName, dayNumber, hour } from "./times.js";
import { midnight, SPANS } from "./view.js";

const DAY = 1440;
/** A day that is narrower than this shows no hours. */
const LEAST_DAY = 40;
/** A day that is wider than this has hours in the header. */
const LEAST_FOR_HOURS = 120;

/** Where minutes stand, in pixels, in a grid of a width. */
export class Scale {
  constructor(timeline, view, width) {
    this.width = width;
    this.perMinute = width / timeline.minutes;
    const step = SPANS[view.span].tick;
    const starts = step < DAY
      ? Array.from({ length: Math.ceil(timeline.minutes / step) }, (_, place) => place * step)
      : Array.from({ length: Math.ceil(SPANS[view.span].days * DAY / step) }, (_, place) => timeline.minute(midnight(timeline.from, place * step / DAY)));
    this.ticks = starts.map((minute, place) => {
      const date = new Date(timeline.from + minute * 60000);
      const until = starts[place + 1] ?? timeline.minutes;
      return { minute, x: this.x(minute), width: (until - minute) * this.perMinute, date, weekend: step <= DAY && [0, 6].includes(date.getDay()) };
    });
    this.weekends = view.span === "day" ? [] : this.ticks.filter(({ weekend }) => weekend).map(({ x, width: wide }) => ({ x, width: wide }));
  }

  /** Pixels from the left of a minute. */
  x(minute) {
    return minute * this.perMinute;
  }

  /** The minute under a pixel, to the step of the grid. */
  minute(x, step = 15) {
    return Math.round(x / this.perMinute / step) * step;
  }
}

/** Where an environment's row is shaded: closed hours, where it has opening hours and they can be seen; else weekends. */
export function shades(timeline, environment, scale) {
  if (!environment.hours.length || scale.perMinute * DAY < LEAST_DAY) return scale.weekends;
  return closedSpans(timeline, environment).map(([from, until]) => ({ x: scale.x(from), width: scale.x(until - from) }));
}

/** An hour of a day's tick. */
function hourMark(at, width) {
  const mark = document.createElement("small");
  mark.textContent = String(at).padStart(2, "0");
  mark.style.left = `${(width * at) / 24}px`;
  return mark;
}

/** Draws the header: ticks, and now. */
export function drawAxis(element, timeline, view, scale, count, now) {
  const corner = document.createElement("div");
  corner.className = "corner";
  corner.textContent = `${count} environment${count === 1 ? "" : "s"}`;
  const today = new Date().toDateString();
  const ticks = scale.ticks.map(({ x, width, date, weekend }) => {
    const tick = document.createElement("div");
    tick.className = `tick${weekend ? " weekend" : ""}${view.span !== "day" && date.toDateString() === today ? " today" : ""}`;
    if (view.span === "day") tick.textContent = hour.format(date);
    else tick.textContent = view.span === "month" && width < 60 ? dayNumber.format(date) : dayName.format(date);
    if (view.span === "week" && width >= LEAST_FOR_HOURS) tick.append(...[6, 12, 18].map((at) => hourMark(at, width)));
    tick.style.cssText = `left:calc(var(--names) + ${x}px);width:${width}px`;
    return tick;
  });
  element.replaceChildren(corner, ...ticks);
  if (now >= 0 && now <= timeline.minutes) {
    const plate = document.createElement("div");
    plate.className = "now";
    plate.textContent = hour.format(Date.now());
    plate.style.left = `calc(var(--names) + ${scale.x(now)}px)`;
    element.append(plate);
  }
}
