/** Times as people read them, in the reader's zone. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndHour = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const dayName = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
export const dayNumber = new Intl.DateTimeFormat(undefined, { day: "numeric" });
const fullDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** An instant in milliseconds as a short time: the hour alone where it is today. */
export function shortTime(instant) {
  return new Date(instant).toDateString() === new Date().toDateString() ? hour.format(instant) : dayAndHour.format(instant);
}

/** The days of a view, for its heading. */
export function spanText(view) {
  return view.span === "day" ? fullDay.format(view.from) : `${fullDay.format(view.from)} – ${fullDay.format(view.to - 1)}`;
}

/** How long so many minutes are, for people. */
export function lengthText(minutes) {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ") || "0 min";
}
