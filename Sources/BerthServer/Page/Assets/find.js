import { get, Problem } from "./api.js";
import { confirmBooking, keysOf } from "./booking.js";
import { element, Form, instantOf } from "./dialog.js";
import { decisionLine } from "./lines.js";
import { shortTime } from "./times.js";

/** Fills the page that looks for a slot over all environments. */
export async function fillFind(panel, page) {
  const form = new Form("find");
  const hours = form.input("Hours", { type: "number", min: 0.25, max: 8784, step: 0.25, value: 2, required: true, id: "find-hours" });
  const from = form.time("From", Date.now() + 60000);
  const labels = form.input("Which (tier:uat,region:emea)", { placeholder: "all environments" });
  const title = form.input("What for", { required: true, id: "find-title" });
  form.buttons("Find");
  const results = element("ol", "", { className: "decisions" });
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ minutes: Math.round(hours.value * 60), from: instantOf(from) });
    if (labels.value) query.set("labels", keysOf(labels).join(","));
    try {
      const { items } = await get(`/v1/availability?${query}`);
      results.replaceChildren(...items.map((slot) => slotLine(page, slot, title.value)));
      if (!items.length) results.replaceChildren(element("li", "Nothing is free for that long within 14 days."));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      results.replaceChildren(element("li", error.sentence, { className: "fault" }));
    }
  });
  panel.replaceChildren(element("h1", "Find me one"), form.element, results);
}

function slotLine(page, { environments, startsAt, endsAt }, title) {
  const line = decisionLine(environments.join(", "), `${shortTime(Date.parse(startsAt))} to ${shortTime(Date.parse(endsAt))}`);
  line.append(element("button", "Book", { type: "button", onclick: () => confirmBooking(page, { environments, startsAt, endsAt }, title) }));
  return line;
}
