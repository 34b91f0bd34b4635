/** The spans that the page shows, in days, and how far apart its ticks are, in minutes. */
export const SPANS = {
  day: { days: 1, tick: 120 },
  week: { days: 7, tick: 1440 },
  month: { days: 31, tick: 1440 },
  quarter: { days: 90, tick: 10080 },
};

const DAY = 86400000;

/** Midnight UTC of an instant's day. */
function midnight(instant) {
  return Math.floor(instant / DAY) * DAY;
}

/** What is shown: read from the URL and written back to it, so that a link shows the same. */
export class View {
  constructor(search = location.search) {
    const query = new URLSearchParams(search);
    this.span = query.get("span") in SPANS ? query.get("span") : "week";
    const from = Date.parse(`${query.get("from")}T00:00:00Z`);
    this.from = Number.isNaN(from) ? midnight(Date.now()) : from;
    this.group = query.get("group") ?? "mine";
    this.text = query.get("q") ?? "";
    this.tier = query.get("tier") ?? "";
    this.unfolded = new Set((query.get("open") ?? "").split(",").filter(Boolean));
  }

  /** When the span ends, in milliseconds. */
  get to() {
    return this.from + SPANS[this.span].days * DAY;
  }

  /** Moves by so many spans. */
  move(spans) {
    this.from += spans * SPANS[this.span].days * DAY;
  }

  /** Shows another span; what is in the middle stays there. */
  show(span) {
    const middle = (this.from + this.to) / 2;
    this.span = span;
    this.from = midnight(middle - (SPANS[span].days * DAY) / 2);
  }

  /** Shows the span that begins today. */
  today() {
    this.from = midnight(Date.now());
  }

  /** Writes what is shown into the address, without a step in the history. */
  save() {
    if (/[?&](page|environment)=/.test(location.search)) return;
    const query = new URLSearchParams({ span: this.span, from: new Date(this.from).toISOString().slice(0, 10), group: this.group });
    if (this.text) query.set("q", this.text);
    if (this.tier) query.set("tier", this.tier);
    if (this.unfolded.size) query.set("open", [...this.unfolded].join(","));
    history.replaceState(null, "", `?${query}`);
  }
}

/**
 * The rows to show, in order: headings of groups, environments that match, and the parts of those that are unfolded.
 * @returns {{heading?: string, row?: number, parent?: number}[]}
 */
export function listedRows(timeline, view, favourites) {
  const wanted = view.text.toLowerCase();
  const matching = timeline.environments.filter((environment) =>
    (!view.tier || environment.tier === view.tier)
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
    ...(order.length > 1 ? [{ heading: name }] : []),
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
