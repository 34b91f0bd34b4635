import { openDrawer } from "./drawer.js";
import { bookByKeys } from "./booking.js";

/** What single keys do; they can be turned off (WCAG 2.1.4) in localStorage as `keys: off`. */
const COMMANDS = {
  t: (page) => [page.view.today(), page.load()],
  d: (page) => [page.view.show("day"), page.load()],
  w: (page) => [page.view.show("week"), page.load()],
  m: (page) => [page.view.show("month"), page.load()],
  q: (page) => [page.view.show("quarter"), page.load()],
  "/": () => document.getElementById("search").focus(),
};

/** Lets the timeline be read and booked by the keyboard: one tab stop, arrows for rows and bookings. */
export function handleKeys(page) {
  page.grid.tabIndex = 0;
  page.grid.setAttribute("role", "region");
  page.grid.setAttribute("aria-label", "Timeline: arrows move, Enter opens, b books");
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (localStorage.getItem("keys") !== "off" && event.key in COMMANDS) {
      event.preventDefault();
      COMMANDS[event.key](page);
    }
  });
  page.grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.target.closest(".name");
    const bar = event.target.closest("a.bar");
    switch (event.key) {
      case "ArrowDown": return stop(event, () => moveRow(page, name ?? nameOf(page, bar), 1));
      case "ArrowUp": return stop(event, () => moveRow(page, name ?? nameOf(page, bar), -1));
      case "ArrowRight": return stop(event, () => (bar ? moveBar(bar, 1) : barsOf(page, name)[0]?.focus()));
      case "ArrowLeft": return stop(event, () => bar && moveBar(bar, -1));
      case "Escape": return stop(event, () => bar && nameOf(page, bar)?.focus());
      case "Enter": return stop(event, () => (bar ? openDrawer(page, bar.dataset.booking) : name && page.openEnvironment(name.dataset.key)));
      case "b": return stop(event, () => bookByKeys(page, name ?? nameOf(page, bar)));
    }
  });
}

function stop(event, action) {
  event.preventDefault();
  event.stopPropagation();
  action();
}

function moveRow(page, name, step) {
  const names = [...page.names.querySelectorAll(".name")];
  const next = names[name ? names.indexOf(name) + step : 0];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function rowOf(page, name) {
  const index = page.timeline.environments.findIndex(({ key }) => key === name?.dataset.key);
  return page.rows.querySelector(`[data-row="${index}"]`);
}

function barsOf(page, name) {
  return [...(rowOf(page, name)?.querySelectorAll("a.bar") ?? [])].sort((one, other) => one.offsetLeft - other.offsetLeft);
}

function nameOf(page, bar) {
  const key = page.timeline.environments[bar?.closest(".row")?.dataset.row]?.key;
  return page.names.querySelector(`[data-key="${CSS.escape(key ?? "")}"]`);
}

function moveBar(bar, step) {
  const bars = [...bar.closest(".row").querySelectorAll("a.bar")].sort((one, other) => one.offsetLeft - other.offsetLeft);
  bars[bars.indexOf(bar) + step]?.focus();
}
