import { element, showDialog } from "./dialog.js";

const KEYS = [
  ["↑ ↓", "another environment"], ["→ ←", "its bookings, in order of time"], ["Enter", "open"], ["Esc", "back to the environment, or give up"],
  ["+ −", "show or hide parts"], ["Home End", "first or last environment"], ["PgUp PgDn", "a page of environments"],
  ["b", "book here: ← → moves, Shift+← → stretches, Enter goes on"], ["f", "among my rows, or no longer"], ["r", "report trouble here"], ["t", "today"], ["d w m q", "day, week, month, quarter"],
  ["/", "search"], ["?", "these keys"],
];

/** Whether single letters do something (WCAG 2.1.4 lets people turn that off). */
export const lettersAreOn = () => localStorage.getItem("keys") !== "off";

/** Shows what keys do, and lets single letters be turned off. */
export function showHelp() {
  const dialog = showDialog("Keys");
  const keys = element("dl", "");
  for (const [key, what] of KEYS) keys.append(element("dt", key), element("dd", what));
  const label = element("label", "", { className: "check" });
  const box = element("input", "", { type: "checkbox", checked: lettersAreOn() });
  box.addEventListener("change", () => localStorage.setItem("keys", box.checked ? "on" : "off"));
  label.append(box, " Single letters do something");
  dialog.append(element("h2", "Keys"), keys, label, element("div", "", { className: "actions" }));
  dialog.lastChild.append(element("button", "Close", { type: "button", onclick: () => dialog.close() }));
}
