import { get, newKey, Problem, send } from "./api.js";
import { confirmBooking } from "./booking.js";
import { element } from "./dialog.js";
import { openDrawer } from "./drawer.js";
import { tell } from "./moves.js";
import { standingOf } from "./rows.js";

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
    item.append(heading, element("p", standingOf(timeline, row, now).text), next);
    if (mine !== undefined) item.append(element("button", "Extend by an hour", { type: "button", onclick: () => extend(page, bookings.id[mine]) }));
    else if (isFree) item.append(element("button", "Book now", { type: "button", onclick: () => confirmBooking(page, bookNow(environment.key)) }));
    return item;
  }));
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
