import { SPANS } from "./view.js";

const DAY = 1440;
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/** Times as people read them, in the reader's zone. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndHour = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const dayNumber = new Intl.DateTimeFormat(undefined, { day: "numeric", timeZone: "UTC" });
const fullDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** An instant in milliseconds as a short time: the hour alone where it is today. */
export function shortTime(instant) {
  return new Date(instant).toDateString() === new Date().toDateString() ? hour.format(instant) : dayAndHour.format(instant);
}

/** The days of a view, for its heading. */
export function spanText(view) {
  return view.span === "day" ? fullDay.format(view.from) : `${fullDay.format(view.from)} – ${fullDay.format(view.to - 1)}`;
}

/** Where minutes stand, in pixels, in a grid of a width. */
export class Scale {
  constructor(timeline, view, width) {
    this.width = width;
    this.perMinute = width / timeline.minutes;
    const step = SPANS[view.span].tick;
    this.ticks = [];
    for (let minute = 0; minute < timeline.minutes; minute += step) {
      const date = new Date(timeline.from + minute * 60000);
      const weekend = step <= DAY && [0, 6].includes(date.getUTCDay());
      this.ticks.push({ minute, x: this.x(minute), width: step * this.perMinute, date, weekend });
    }
    this.closed = view.span === "day" ? [] : this.ticks.filter(({ weekend }) => weekend).map(({ x, width: wide }) => ({ x, width: wide }));
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

/** Spans in which an environment is closed, by its opening hours in UTC days; nothing where it has none. */
export function closedSpans(environment, scale) {
  if (!environment.hours.length || scale.ticks[0]?.width < 40) return scale.closed;
  return scale.ticks.filter(({ date }) => !environment.hours.some(({ days }) => days.includes(WEEKDAYS[date.getUTCDay()])))
    .map(({ x, width }) => ({ x, width }));
}

/** Draws the header: ticks, and now. */
export function drawAxis(element, timeline, view, scale, count, now) {
  const corner = document.createElement("div");
  corner.className = "corner";
  corner.textContent = `${count} environment${count === 1 ? "" : "s"}`;
  const ticks = scale.ticks.map(({ x, width, date, weekend }) => {
    const tick = document.createElement("div");
    tick.className = weekend ? "tick weekend" : "tick";
    if (view.span === "day") tick.textContent = hour.format(date);
    else tick.textContent = view.span === "month" && width < 60 ? dayNumber.format(date) : dayName.format(date);
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
