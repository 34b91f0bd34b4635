import { drawByKeys } from "./drafts.js";
import { openDrawer } from "./drawer.js";
import { lettersAreOn, showHelp } from "./help.js";
import { unfold } from "./names.js";
import { reportTrouble } from "./reports.js";

/** What single letters do wherever the focus is. */
const COMMANDS = {
  t: (page) => [page.view.today(), page.load()],
  d: (page) => [page.view.show("day"), page.load()],
  w: (page) => [page.view.show("week"), page.load()],
  m: (page) => [page.view.show("month"), page.load()],
  q: (page) => [page.view.show("quarter"), page.load()],
  r: (page) => page.me.role !== "viewer" && reportTrouble(page, page.focusedKey() ?? ""),
  "/": () => document.getElementById("search").focus(),
  "?": () => showHelp(),
};

const ROWS_A_PAGE = 10;

/** Lets the timeline be read and booked by the keyboard: one tab stop, arrows for rows and bookings. */
export function handleKeys(page) {
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (lettersAreOn() && event.key in COMMANDS) stop(event, () => COMMANDS[event.key](page));
  });
  page.grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const bar = event.target.closest(".bar");
    const name = event.target.closest(".name") ?? page.nameOfRow(Number(bar?.closest(".row")?.dataset.row));
    const actions = {
      ArrowDown: () => moveRow(page, name, 1),
      ArrowUp: () => moveRow(page, name, -1),
      PageDown: () => moveRow(page, name, ROWS_A_PAGE),
      PageUp: () => moveRow(page, name, -ROWS_A_PAGE),
      Home: () => moveRow(page, name, -Infinity),
      End: () => moveRow(page, name, Infinity),
      ArrowRight: () => page.focusItem(name, bar, 1),
      ArrowLeft: () => bar && page.focusItem(name, bar, -1),
      Escape: () => bar && name?.focus(),
      "+": () => name?.getAttribute("aria-expanded") === "false" && unfold(page, name.dataset.key, true),
      "-": () => name?.getAttribute("aria-expanded") === "true" && unfold(page, name.dataset.key, false),
      ...(!event.target.closest("button") && {
        Enter: () => (bar ? openDrawer(page, bar.dataset.booking) : name && page.openEnvironment(name.dataset.key)),
      }),
      ...(lettersAreOn() && { f: () => name?.querySelector(".favour")?.click() }),
      ...(lettersAreOn() && page.me.role !== "viewer" && { b: () => drawByKeys(page, name) }),
    };
    if (event.key in actions) stop(event, actions[event.key]);
  });
}

function stop(event, action) {
  event.preventDefault();
  event.stopPropagation();
  action();
}

function moveRow(page, name, step) {
  const names = [...page.names.querySelectorAll(".name")];
  const next = names[name ? Math.max(0, Math.min(names.length - 1, names.indexOf(name) + step)) : 0];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
