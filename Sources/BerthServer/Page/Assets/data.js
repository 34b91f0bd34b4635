/** Sums a column of differences back into numbers. */
function summed(differences) {
  const numbers = new Int32Array(differences.length);
  let last = 0;
  for (let index = 0; index < numbers.length; index++) numbers[index] = last += differences[index];
  return numbers;
}

/** What /v1/timeline answers, in typed columns, with the lines of each row at hand. */
export class Timeline {
  /** @param {object} json an answer of /v1/timeline */
  constructor(json) {
    const { environments, bookings, lines, windows, windowLines, changes } = json;
    this.from = Date.parse(json.from);
    this.to = Date.parse(json.to);
    this.minutes = (this.to - this.from) / 60000;
    this.position = json.position;
    this.me = json.me;
    this.teams = json.teams;
    this.titles = json.titles;
    this.environments = environments.key.map((key, index) => ({
      key, index, name: environments.name[index], tier: environments.tier[index], owner: environments.owner[index],
      zone: environments.zone[index], status: environments.status[index], capacity: environments.capacity[index],
      labels: environments.labels[index], hours: environments.openingHours[index], parts: environments.parts[index],
    }));
    this.bookings = {
      ...bookings, id: summed(bookings.id), start: summed(bookings.start), length: Int32Array.from(bookings.length),
      state: bookings.state.map((place) => json.states[place]), mode: bookings.mode.map((place) => json.modes[place]),
    };
    this.windows = {
      ...windows, id: summed(windows.id), start: summed(windows.start),
      kind: windows.kind.map((place) => json.kinds[place]), state: windows.state.map((place) => json.windowStates[place]),
    };
    this.changes = { ...changes, id: summed(changes.id), at: summed(changes.at), control: changes.control.map((place) => json.controls[place]) };
    this.rows = this.environments.map(() => ({ lines: [], windows: [], changes: [] }));
    summed(lines.booking).forEach((booking, place) => {
      this.rows[lines.environment[place]].lines.push({ booking, via: lines.via[place] });
    });
    summed(windowLines.window).forEach((window, place) => this.rows[windowLines.environment[place]].windows.push(window));
    changes.environment.forEach((row, change) => this.rows[row].changes.push(change));
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
