const DAY_MS = 86400000;
const HOUR_MS = 3600000;
const WEEKDAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

const formats = new Map();
const offsets = new Map();

/** By how many milliseconds a zone's clock is before UTC at an instant. */
function offset(zone, instant) {
  const hour = Math.floor(instant / HOUR_MS);
  const key = `${zone} ${hour}`;
  if (!offsets.has(key)) {
    if (!formats.has(zone)) {
      formats.set(zone, new Intl.DateTimeFormat("en", {
        timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
      }));
    }
    const parts = Object.fromEntries(formats.get(zone).formatToParts(hour * HOUR_MS).map(({ type, value }) => [type, Number(value)]));
    offsets.set(key, Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - hour * HOUR_MS);
  }
  return offsets.get(key);
}

/** The instant at which a zone's clock shows a time of day, such as 08:00, on a day that is given by its midnight in UTC. */
function instantAt(zone, midnight, time) {
  const [hours, minutes] = time.split(":").map(Number);
  const wall = midnight + hours * HOUR_MS + minutes * 60000;
  return wall - offset(zone, wall - offset(zone, wall));
}

const closed = new WeakMap();

/** When an environment is closed within a timeline, as pairs of minutes; never, where it has no opening hours. */
export function closedSpans(timeline, environment) {
  if (!environment.hours.length) return [];
  if (!closed.has(environment)) closed.set(environment, complement(openSpans(timeline, environment), 0, timeline.minutes));
  return closed.get(environment);
}

function openSpans(timeline, { hours, zone }) {
  const open = [];
  for (let day = Math.floor(timeline.from / DAY_MS) - 1; day <= timeline.to / DAY_MS + 1; day++) {
    const weekday = WEEKDAYS[new Date(day * DAY_MS).getUTCDay()];
    for (const { days, from, to } of hours) {
      if (days.includes(weekday)) open.push([from, to].map((time) => timeline.minute(instantAt(zone, day * DAY_MS, time))));
    }
  }
  return open;
}

/** What of a span is in none of some spans. */
export function complement(spans, from, until) {
  const rest = [];
  let end = from;
  for (const [start, stop] of [...spans].sort((one, other) => one[0] - other[0])) {
    if (start > end && start <= until) rest.push([end, start]);
    end = Math.max(end, stop);
  }
  if (end < until) rest.push([end, until]);
  return rest;
}
