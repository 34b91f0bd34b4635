import { shortTime } from "./times.js";
import { closedSpans, complement } from "./hours.js";

/** States in which a booking holds what it names. */
const HOLDS = new Set(["requested", "confirmed", "active", "completed"]);

/** Sums a column of differences back into numbers. */
function summed(differences) {
  let last = 0;
  return differences.map((difference) => (last += difference));
}

/** Where a text stands in a list, at whose end it is put when it is new. */
function place(texts, text) {
  const known = texts.indexOf(text);
  return known < 0 ? texts.push(text) - 1 : known;
}

/** What /v1/timeline answers, in columns, with the lines of each row at hand. */
export class Timeline {
  /** @param {object} json an answer of /v1/timeline @param {{team: string | null}} me who reads it */
  constructor(json, me) {
    const { environments, bookings, lines, windows, windowLines, changes } = json;
    this.from = Date.parse(json.from);
    this.to = Date.parse(json.to);
    this.minutes = (this.to - this.from) / 60000;
    this.position = json.position;
    this.me = me;
    this.teams = json.teams;
    this.titles = json.titles;
    this.environments = environments.key.map((key, index) => ({
      key, index, name: environments.name[index], tier: environments.tier[index], owner: environments.owner[index],
      zone: environments.zone[index], status: environments.status[index], capacity: environments.capacity[index],
      labels: environments.labels[index], hours: environments.openingHours[index], parts: environments.parts[index],
      usages: environments.usages[index].map((place) => json.usages[place]),
    }));
    this.bookings = {
      ...bookings, id: summed(bookings.id), start: summed(bookings.start),
      state: bookings.state.map((place) => json.states[place]), mode: bookings.mode.map((place) => json.modes[place]),
    };
    this.windows = {
      ...windows, id: summed(windows.id), start: summed(windows.start),
      kind: windows.kind.map((place) => json.kinds[place]), state: windows.state.map((place) => json.windowStates[place]),
    };
    this.changes = { ...changes, id: summed(changes.id), at: summed(changes.at), control: changes.control.map((place) => json.controls[place]) };
    this.rows = this.environments.map(() => ({ lines: [], windows: [], changes: [] }));
    summed(lines.booking).forEach((booking, place) => {
      this.rows[lines.environment[place]].lines.push({ booking, via: lines.via[place], isExclusive: lines.exclusive[place] === 1 });
    });
    summed(windowLines.window).forEach((window, place) => this.rows[windowLines.environment[place]].windows.push(window));
    changes.environment.forEach((row, change) => this.rows[row].changes.push(change));
    this.bookingById = new Map(this.bookings.id.map((id, booking) => [id, booking]));
    this.parts = new Map();
    this.rowByKey = new Map(environments.key.map((key, row) => [key, row]));
  }

  /**
   * Takes what a stream's event tells of a booking or a change.
   * @returns {Set<number> | undefined} the rows that look different now; undefined where all has to be read again
   */
  apply(event) {
    this.hitBookings = undefined;
    if (event.booking) return this.applyBooking(event.id, event.booking);
    if (event.change) return this.applyChange(event.id, event.change);
    const isKnown = event.kind === "notice.created" || (event.kind.startsWith("booking.") && this.versionOf(event.id) >= event.version);
    return isKnown ? new Set() : undefined;
  }

  versionOf(id) {
    return this.bookings.version[this.bookingById.get(id)] ?? 0;
  }

  applyBooking(id, told) {
    const { bookings } = this;
    if (this.versionOf(id) >= told.version) return new Set();
    const changed = new Set();
    const known = this.bookingById.get(id);
    this.rows.forEach((row, index) => {
      if (known === undefined || !row.lines.some(({ booking }) => booking === known)) return;
      row.lines = row.lines.filter(({ booking }) => booking !== known);
      changed.add(index);
    });
    const start = Math.floor(this.minute(Date.parse(told.startsAt)));
    const end = Math.ceil(this.minute(Date.parse(told.endsAt)));
    const booking = known ?? bookings.id.length;
    this.bookingById.set(id, booking);
    Object.entries({
      id, start, length: end - start, version: told.version, state: told.state, mode: told.mode,
      team: place(this.teams, told.team), title: place(this.titles, told.title),
      setup: told.setupMinutes, teardown: told.teardownMinutes, flags: told.flags,
    }).forEach(([column, value]) => (bookings[column][booking] = value));
    if (end + told.teardownMinutes <= 0 || start - told.setupMinutes >= this.minutes) return changed;
    for (const { environment, via, exclusive } of told.lines) {
      const row = this.rowByKey.get(environment);
      if (row === undefined) continue;
      this.rows[row].lines.push({ booking, via: this.rowByKey.get(via) ?? -1, isExclusive: exclusive });
      changed.add(row);
    }
    return changed;
  }

  applyChange(id, told) {
    const { changes } = this;
    const row = this.rowByKey.get(told.environment);
    if (row === undefined || changes.id.includes(id)) return new Set();
    const at = Math.floor(this.minute(Date.parse(told.occurredAt)));
    const marks = this.rows[row].changes;
    this.rows[row].changes = marks.filter((change) => changes.id[change] !== told.corrects);
    if (at >= 0 && at < this.minutes) {
      const change = changes.id.length;
      Object.entries({ id, environment: row, at, control: told.control, team: told.team === null ? -1 : place(this.teams, told.team) })
        .forEach(([column, value]) => (changes[column][change] = value));
      this.rows[row].changes.push(change);
    }
    return new Set([row]);
  }

  /** The minute of the span at which an instant in milliseconds lies. */
  minute(instant) {
    return (instant - this.from) / 60000;
  }

  /** The instant of a minute, as the API reads it. */
  instant(minute) {
    return new Date(this.from + minute * 60000).toISOString().replace(".000Z", "Z");
  }

  /** A minute as people read it. */
  timeText(minute) {
    return shortTime(this.from + minute * 60000);
  }

  /** When a booking ends, in minutes. */
  end(booking) {
    return this.bookings.start[booking] + this.bookings.length[booking];
  }

  /** Whether a booking is the reader's own team's. */
  isMine(booking) {
    return this.me.team !== null && this.teams[this.bookings.team[booking]] === this.me.team;
  }

  /** The bookings that hold a row at some time of a span, with their setup and teardown. */
  heldBetween(row, from, until) {
    const { bookings } = this;
    return this.rows[row].lines.filter(({ booking }) => HOLDS.has(bookings.state[booking])
      && bookings.start[booking] - bookings.setup[booking] < until && this.end(booking) + bookings.teardown[booking] > from);
  }

  /** All parts that using a row alone takes, at any depth, and whether it takes each alone. */
  partsOf(row) {
    if (!this.parts.has(row)) {
      const parts = new Map();
      const take = (whole, isAlone) => this.environments[whole].parts.forEach((part, place) => {
        const usage = this.environments[whole].usages[place];
        const alone = usage === "exclusive" || (usage === "same" && isAlone);
        const known = parts.get(part);
        if (known === true || (known === false && !alone)) return;
        parts.set(part, alone);
        take(part, alone);
      });
      take(row, true);
      this.parts.set(row, parts);
    }
    return this.parts.get(row);
  }

  /** The bookings that an uncontrolled change of something they use has hit. */
  get hits() {
    this.hitBookings ??= new Set(this.rows.flatMap(({ lines, changes }) => changes
      .filter((change) => this.changes.control[change] === "uncontrolled")
      .flatMap((change) => lines.map(({ booking }) => booking).filter((booking) =>
        HOLDS.has(this.bookings.state[booking]) && this.bookings.start[booking] <= this.changes.at[change] && this.changes.at[change] < this.end(booking)))));
    return this.hitBookings;
  }

  /** The rows that a row is a part of, at any depth. */
  containing(row) {
    return this.environments.filter(({ index }) => this.partsOf(index).has(row)).map(({ index }) => index);
  }

  /** What others hold of a row's parts, so that the row itself cannot be had alone. */
  takenParts(row) {
    if (!this.environments[row].parts.length) return [];
    const own = new Set(this.rows[row].lines.map(({ booking }) => booking));
    return [...this.partsOf(row)].flatMap(([part, isAlone]) => this.rows[part].lines
      .filter(({ booking, isExclusive }) => (isAlone || isExclusive) && !own.has(booking) && HOLDS.has(this.bookings.state[booking]))
      .map(({ booking }) => ({ booking, part })));
  }

  /** All that keeps a row from being used alone: who, from when, until when. */
  blocksOf(row) {
    const { bookings, windows } = this;
    const held = [...this.heldBetween(row, 0, this.minutes), ...this.takenParts(row)].map(({ booking, part }) => ({
      id: bookings.id[booking], from: bookings.start[booking] - bookings.setup[booking], until: this.end(booking) + bookings.teardown[booking],
      who: `${part === undefined ? "" : `${this.environments[part].key}: `}${this.teams[bookings.team[booking]]}`,
    }));
    const closed = [row, ...this.partsOf(row).keys()].flatMap((one) => this.rows[one].windows)
      .filter((window) => windows.kind[window] === "maintenance" && windows.state[window] === "approved")
      .map((window) => ({ from: windows.start[window], until: windows.start[window] + windows.length[window], who: "maintenance" }));
    return [...held, ...closed];
  }

  /** What stands in the way of using a row alone from one minute to another, the first of it; undefined when it is free. */
  firstInTheWay(row, from, until, except) {
    return this.blocksOf(row).filter((block) => block.id !== except && block.from < until && block.until > from)
      .sort((one, other) => one.from - other.from)[0];
  }

  /** When a row can be used alone, from now on and for at least so many minutes, as pairs of minutes. */
  freeSpans(row, leastMinutes) {
    const environment = this.environments[row];
    if (environment.status === "unavailable" || environment.status === "retired") return [];
    const taken = [...this.blocksOf(row).map(({ from, until }) => [from, until]), ...closedSpans(this, environment)];
    return complement(taken, Math.max(0, Math.ceil(this.minute(Date.now()) / 15) * 15), this.minutes)
      .filter(([from, until]) => until - from >= leastMinutes);
  }
}
