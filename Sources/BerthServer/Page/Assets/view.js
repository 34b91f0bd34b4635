/** The spans that the page shows, in days, and how far apart its ticks are, in minutes. */
export const SPANS = {
  day: { days: 1, tick: 120 },
  week: { days: 7, tick: 1440 },
  month: { days: 31, tick: 1440 },
  quarter: { days: 90, tick: 10080 },
};

/** Midnight of an instant's day, by the reader's clock; of another day when so many are added. */
export function midnight(instant, days = 0) {
  const date = new Date(instant);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** A day as an address has it. */
function dayText(instant) {
  const date = new Date(instant);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((number) => String(number).padStart(2, "0")).join("-");
}

/** What is chosen by words, each with its name in the address. */
const CHOICES = { group: "group", text: "q", tier: "tier", team: "team", label: "label" };

/** The most teams that have a hue of their own: more cannot be told apart. */
export const MOST_HUES = 8;

/** What is shown: read from the URL and written back to it, so that a link shows the same. */
export class View {
  constructor(search = location.search) {
    const query = new URLSearchParams(search);
    this.span = query.get("span") in SPANS ? query.get("span") : "week";
    const from = Date.parse(`${query.get("from")}T00:00`);
    this.from = Number.isNaN(from) ? midnight(Date.now()) : from;
    for (const [choice, name] of Object.entries(CHOICES)) this[choice] = query.get(name) ?? "";
    this.group ||= "mine";
    this.freeHours = Math.max(0, Number(query.get("free")) || 0);
    const listed = (name) => (query.get(name) ?? "").split(",").filter(Boolean);
    this.unfolded = new Set(listed("open"));
    this.hues = listed("hues").slice(0, MOST_HUES);
  }

  /** When the span ends, in milliseconds. */
  get to() {
    return midnight(this.from, SPANS[this.span].days);
  }

  /** Moves by so many spans. */
  move(spans) {
    this.from = midnight(this.from, spans * SPANS[this.span].days);
  }

  /** Shows another span; what is in the middle stays there. */
  show(span) {
    const middle = (this.from + this.to) / 2;
    this.span = span;
    this.from = midnight(middle, -Math.floor(SPANS[span].days / 2));
  }

  /** Shows the span that begins today. */
  today() {
    this.from = midnight(Date.now());
  }

  /** Writes what is shown into the address, without a step in the history. */
  save() {
    if (/[?&](page|environment)=/.test(location.search)) return;
    const query = new URLSearchParams({ span: this.span, from: dayText(this.from) });
    for (const [choice, name] of Object.entries(CHOICES)) if (this[choice]) query.set(name, this[choice]);
    if (this.freeHours) query.set("free", this.freeHours);
    if (this.unfolded.size) query.set("open", [...this.unfolded].join(","));
    if (this.hues.length) query.set("hues", this.hues.join(","));
    history.replaceState(null, "", `?${query}`);
  }
}

/**
 * The rows to show, in order: headings of groups, environments that match, and the parts of those that are unfolded.
 * @returns {{heading?: string, row?: number, parent?: number}[]}
 */
export function listedRows(timeline, view, favourites) {
  const wanted = view.text.toLowerCase();
  const [label, value] = view.label.split(":");
  const matching = timeline.environments.filter((environment) =>
    (!view.tier || environment.tier === view.tier) && (!view.team || environment.owner === view.team)
    && (!label || (label in environment.labels && (!value || environment.labels[label] === value)))
    && (!view.freeHours || timeline.freeSpans(environment.index, view.freeHours * 60).length)
    && (!wanted || `${environment.key} ${environment.name} ${environment.owner ?? ""}`.toLowerCase().includes(wanted)
      || timeline.rows[environment.index].lines.some(({ booking }) =>
        timeline.titles[timeline.bookings.title[booking]].toLowerCase().includes(wanted))));
  const groups = new Map();
  for (const environment of matching) {
    const name = groupOf(environment, view.group, timeline.me.team, favourites);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(environment);
  }
  const order = [...groups.keys()].sort((one, other) => (one === MINE ? -1 : other === MINE ? 1 : one.localeCompare(other)));
  return order.flatMap((name) => [
    ...(order.length > 1 ? [{ heading: name, count: groups.get(name).length }] : []),
    ...groups.get(name).flatMap((environment) => [
      { row: environment.index },
      ...(view.unfolded.has(environment.key) ? environment.parts.map((part) => ({ row: part, parent: environment.index })) : []),
    ]),
  ]);
}

const MINE = "My team and favourites";

function groupOf(environment, group, team, favourites) {
  switch (group) {
    case "tier": return environment.tier || "No tier";
    case "team": return environment.owner ?? "No owner";
    case "none": return "";
    default: return (team && environment.owner === team) || favourites.has(environment.key) ? MINE : "All others";
  }
}
