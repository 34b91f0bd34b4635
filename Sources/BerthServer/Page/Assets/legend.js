import { element } from "./dialog.js";
import { addLook, comb, svg } from "./rows.js";

const LOOKS = [
  ["mine", (add) => addLook(add, "confirmed", " mine", 0, 0, 32)], ["others", (add) => addLook(add, "confirmed", "", 0, 0, 32)],
  ["active", (add) => addLook(add, "active", "", 0, 0, 32)], ["asked, not yet approved", (add) => addLook(add, "requested", "", 1, 0, 30)],
  ["in line", (add) => addLook(add, "waitlisted", "", 1, 0, 30)], ["over", (add) => addLook(add, "completed", "", 1, 0, 30)],
  ["setup, teardown", (add) => add("comb", comb(0, 9, 32))], ["maintenance", (add) => add("maintenance", "M2 1h28v22h-28z")],
  ["freeze", (add) => [add("freeze", "M0 0h32v24h-32z"), add("freeze-edge", "M0 0h2v24h-2z")]], ["change window", (add) => add("change-window", "M2 8v7h28v-7")],
  ["a part is taken", (add) => [add("taken-part", "M0 1h32v22h-32z"), add("taken-edge", "M0 1h32m0 22h-32")]],
  ["change", (add) => add("controlled", "M13 12a3 3 0 1 0 6 0a3 3 0 1 0 -6 0")], ["emergency", (add) => add("emergency", "M16 6l6 12h-12z")],
  ["uncontrolled", (add) => add("uncontrolled", "M16 3l9 9l-9 9l-9 -9z")],
];

/** Draws what each look means, below the timeline. */
export function drawLegend() {
  const legend = element("ul", "", { id: "key" });
  legend.setAttribute("aria-label", "Key");
  for (const [text, draw] of LOOKS) {
    const sample = svg("svg", { width: 32, height: 24, "aria-hidden": "true" });
    draw((look, d) => sample.append(svg("path", { class: look, d })));
    const item = element("li", "");
    item.append(sample, text);
    legend.append(item);
  }
  document.getElementById("main").append(legend);
}
