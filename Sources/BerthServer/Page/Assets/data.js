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
  /** @param {object} json an answer of /v1/timeline */
  constructor(json) {
    const { environments, bookings, lines, windows, windowLines, changes } = json;
    this.from = Date.parse(json.from);
    this.to = Date.parse(json.to);
    this.minutes = (this.to - this.from) / 60000;
    this.position = json.position;
    this.me = { name: document.body.dataset.name, role: document.body.dataset.role, team: document.body.dataset.team || null };
    this.teams = json.teams;
    this.titles = json.titles;
    this.environments = environments.key.map((key, index) => ({
      key, index, name: environments.name[index], tier: environments.tier[index], owner: environments.owner[index],
      zone: environments.zone[index], status: environments.status[index], capacity: environments.capacity[index],
      labels: environments.labels[index], hours: environments.openingHours[index], parts: environments.parts[index],
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
    this.rowByKey = new Map(environments.key.map((key, row) => [key, row]));
  }

  /**
   * Takes what a stream's event tells of a booking or a change.
   * @returns {Set<number> | undefined} the rows that look different now; undefined where all has to be read again
   */
  apply(event) {
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

  /** When a booking ends, in minutes. */
  end(booking) {
    return this.bookings.start[booking] + this.bookings.length[booking];
  }

  /** Whether a booking is the reader's own team's. */
  isMine(booking) {
    return this.me.team !== null && this.teams[this.bookings.team[booking]] === this.me.team;
  }

  /** What stands in the way of using a row alone from one minute to another, the first of it; undefined when it is free. */
  firstInTheWay(row, from, until, except) {
    const { bookings, windows } = this;
    const holds = new Set(["requested", "confirmed", "active", "completed"]);
    const lines = this.rows[row].lines.filter(({ booking }) =>
      bookings.id[booking] !== except && holds.has(bookings.state[booking])
      && bookings.start[booking] - bookings.setup[booking] < until && this.end(booking) + bookings.teardown[booking] > from);
    const blocked = this.rows[row].windows.filter((window) =>
      windows.kind[window] === "maintenance" && windows.state[window] === "approved"
      && windows.start[window] < until && windows.start[window] + windows.length[window] > from);
    if (blocked.length) return { who: "maintenance", until: windows.start[blocked[0]] + windows.length[blocked[0]] };
    const first = lines.sort((one, other) => bookings.start[one.booking] - bookings.start[other.booking])[0];
    return first && { who: this.teams[bookings.team[first.booking]], until: this.end(first.booking) + bookings.teardown[first.booking] };
  }
}
