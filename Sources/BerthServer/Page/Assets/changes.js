import { get } from "./api.js";
import { element } from "./dialog.js";
import { section, tableOf } from "./lines.js";
import { shortTime } from "./times.js";
import { windowLines } from "./windows.js";

/** Fills the page of changes: what is planned from now on, and what was logged. */
export async function fillChanges(panel, page) {
  const control = new URLSearchParams(location.search).get("control") ?? "";
  const [{ items }, planned] = await Promise.all([
    get(`/v1/changes?limit=100${control ? `&control=${control}` : ""}`),
    get(`/v1/change-windows?state=requested,approved&from=${new Date().toISOString()}&limit=100`),
  ]);
  const filter = element("select", "");
  filter.setAttribute("aria-label", "Which changes");
  for (const [value, text] of [["", "All changes"], ["uncontrolled", "Uncontrolled"], ["emergency", "Emergencies"], ["controlled", "Controlled"]]) {
    filter.append(element("option", text, { value, selected: value === control }));
  }
  filter.addEventListener("change", () => {
    history.replaceState(null, "", `?page=changes&control=${filter.value}`);
    fillChanges(panel, page);
  });
  const table = tableOf(["When", "Environment", "What", "Who", "Judged", "Why"], items.map((change) => ({
    className: change.control,
    cells: [shortTime(Date.parse(change.occurredAt)), change.environment, `${change.kind}: ${change.summary}`,
      `${change.actor}${change.team ? ` (${change.team})` : ""}`, change.review ? `${change.control}, ${change.review.state ?? change.review}` : change.control,
      [...change.reasons, ...change.bookingsHit].join(", ")],
  })));
  panel.replaceChildren(element("h1", "Changes"), section("Planned", windowLines(page, planned.items), "Nothing is planned."), element("h2", "Logged"), filter, items.length ? table : element("p", "Nothing was logged."));
}
