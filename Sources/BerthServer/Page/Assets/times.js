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

/** The days of a view, for its heading, with the week's number where it is one from its Monday on. */
export function spanText(view) {
  const days = view.span === "day" ? fullDay.format(view.from) : fullDay.formatRange(view.from, view.to - 1);
  return view.span === "week" && new Date(view.from).getDay() === 1 ? `${days} · week ${weekOf(view.from)}` : days;
}

/** The number of an instant's week (ISO 8601: the first has the year's first Thursday). */
function weekOf(instant) {
  const date = new Date(instant);
  const thursday = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return Math.ceil((thursday - Date.UTC(new Date(thursday).getUTCFullYear(), 0, 1) + 86400000) / (7 * 86400000));
}

/** How long so many minutes are, for people. */
export function lengthText(minutes) {
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  return [days && `${days} d`, hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ") || "0 min";
}
