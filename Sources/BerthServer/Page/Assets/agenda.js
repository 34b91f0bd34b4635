import { get, newKey, Problem, send } from "./api.js";
import { confirmBooking } from "./booking.js";
import { element } from "./dialog.js";
import { openDrawer } from "./drawer.js";
import { tell } from "./moves.js";
import { standingOf, svg } from "./rows.js";
import { midnight } from "./view.js";

const SHOWN = 4;
const LIVE = new Set(["requested", "confirmed", "active"]);

/** Fills the list that stands in for the timeline on narrow screens and on paper: who has it, what comes, book now. */
export function drawAgenda(page) {
  const { timeline } = page;
  const now = timeline.minute(Date.now());
  const agenda = document.getElementById("agenda");
  agenda.replaceChildren(...page.list.filter(({ heading, parent }) => heading === undefined && parent === undefined).map(({ row }) => {
    const environment = timeline.environments[row];
    const { bookings } = timeline;
    const ahead = timeline.rows[row].lines.map(({ booking }) => booking)
      .filter((booking) => LIVE.has(bookings.state[booking]) && timeline.end(booking) > now)
      .sort((one, other) => bookings.start[one] - bookings.start[other]);
    const item = element("li", "");
    item.dataset.environment = environment.key;
    const heading = element("h2", "");
    const link = element("a", environment.name || environment.key, { href: `?environment=${environment.key}` });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      page.openEnvironment(environment.key);
    });
    heading.append(link, element("small", ` ${environment.key}`));
    const next = element("ul", "");
    next.append(...ahead.slice(0, SHOWN).map((booking) => {
      const line = element("li", "");
      const reference = `BK-${bookings.id[booking]}`;
      const title = element("a", timeline.titles[bookings.title[booking]], { href: `?booking=${reference}` });
      title.addEventListener("click", (event) => {
        event.preventDefault();
        openDrawer(page, reference);
      });
      line.append(title, ` ${timeline.teams[bookings.team[booking]]}, ${timeline.timeText(bookings.start[booking])} to ${timeline.timeText(timeline.end(booking))}`);
      return line;
    }));
    const mine = ahead.find((booking) => timeline.isMine(booking) && bookings.start[booking] <= now);
    const isFree = !ahead.some((booking) => bookings.start[booking] <= now);
    item.append(heading, element("p", standingOf(timeline, row, now).text), ...uncontrolledText(timeline, row), strip(timeline, row, now), next);
    if (mine !== undefined) item.append(element("button", "Extend by an hour", { type: "button", onclick: () => extend(page, bookings.id[mine]) }));
    else if (isFree) item.append(element("button", "Book now", { type: "button", onclick: () => confirmBooking(page, bookNow(environment.key)) }));
    return item;
  }));
}

/** That a row was changed by nobody's plan, and when last. */
function uncontrolledText(timeline, row) {
  const { changes } = timeline;
  const times = timeline.rows[row].changes.filter((change) => changes.control[change] === "uncontrolled").map((change) => changes.at[change]);
  if (!times.length) return [];
  return [element("p", `! ${times.length === 1 ? "Uncontrolled change" : `${times.length} uncontrolled changes, the last`} ${timeline.timeText(Math.max(...times))}`, { className: "hit" })];
}

/** Today as a line: what is held, by whom by colour, and now. What it shows is told beside it in words. */
function strip(timeline, row, now) {
  const begin = timeline.minute(midnight(Date.now()));
  const picture = svg("svg", { class: "strip", viewBox: "0 0 1440 12", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const { booking } of timeline.heldBetween(row, begin, begin + 1440)) {
    const from = Math.max(0, timeline.bookings.start[booking] - begin);
    const until = Math.min(1440, timeline.end(booking) - begin);
    picture.append(svg("rect", { class: `full${timeline.isMine(booking) ? " mine" : ""}`, x: from, y: 2, width: Math.max(1, until - from), height: 8 }));
  }
  picture.append(svg("rect", { class: "now", x: now - begin - 2, width: 4, height: 12 }));
  return picture;
}

function bookNow(key) {
  return { environments: [key], startsAt: new Date().toISOString(), minutes: 60 };
}

async function extend(page, id) {
  try {
    const booking = await get(`/v1/bookings/BK-${id}`);
    await send("POST", `/v1/bookings/BK-${id}/extend`, { minutes: 60 }, { key: newKey(), ifMatch: booking.etag });
    await page.refresh();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    tell(error.message);
  }
}
