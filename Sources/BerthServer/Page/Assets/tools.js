import { element, showDialog } from "./dialog.js";
import { confirmBooking } from "./booking.js";
import { showHelp } from "./help.js";
import { reportTrouble } from "./reports.js";
import { spanText, zone } from "./times.js";
import { MOST_HUES, SPANS } from "./view.js";
import { KINDS } from "./windows.js";

const FREE_HOURS = [1, 2, 4, 8, 24, 72];
const HALF_HOUR_MS = 1800000;

function button(text, label, action) {
  const made = element("button", text, { type: "button", onclick: action });
  if (label) made.setAttribute("aria-label", label);
  return made;
}

/** A choice in the toolbar, whose options may be given anew. */
function choice(label, options, value, action) {
  const select = element("select", "");
  select.setAttribute("aria-label", label);
  select.append(...options.map(([option, text]) => element("option", text, { value: option })));
  select.value = value;
  select.addEventListener("change", () => action(select.value));
  return select;
}

/** Makes the toolbar: the time that is seen, what is looked for, what dragging draws, and what can be done. */
export function makeTools(page) {
  const { view } = page;
  const reload = (change) => () => {
    change();
    page.load();
  };
  const show = (name) => (value) => {
    view[name] = value;
    view.save();
    page.layOut();
  };
  const spans = element("fieldset", "");
  spans.setAttribute("aria-label", "Span");
  for (const span of Object.keys(SPANS)) {
    const one = button(span[0].toUpperCase() + span.slice(1), null, reload(() => view.show(span)));
    one.dataset.span = span;
    spans.append(one);
  }
  const search = element("input", "", { type: "search", id: "search", placeholder: "Find environment, booking… /", value: view.text });
  search.setAttribute("aria-label", "Find environment or booking");
  search.addEventListener("input", () => show("text")(search.value));
  const draws = choice("Dragging draws", [["booking", "Draw: booking"], ...Object.entries(KINDS).map(([kind, text]) => [kind, `Draw: ${text.toLowerCase()}`])], "booking", (kind) => (page.draws = kind));
  page.draws = "booking";
  document.getElementById("search-place").replaceChildren(search);
  document.getElementById("tools").replaceChildren(
    button("‹", "Earlier", reload(() => view.move(-1))), button("Today", null, reload(() => view.today())),
    button("›", "Later", reload(() => view.move(1))), element("span", "", { className: "span", id: "span" }), spans,
    element("span", "", { className: "spacer" }), ...makeFilters(page, show),
    ...(page.me.role === "viewer" ? [] : [
      draws, button("Report", "Report trouble", () => reportTrouble(page, page.focusedKey() ?? "")),
      element("button", "Book", { type: "button", className: "main", onclick: () => bookFocused(page) }),
    ]), button("?", "Keys", showHelp));
}

/** Makes what is looked for: a choice of free time, and a button that opens the other filters. */
function makeFilters(page, show) {
  const filters = element("div", "", { id: "filters", popover: "auto" });
  const group = choice("Group by", [["mine", "Mine first"], ["tier", "By tier"], ["team", "By team"], ["none", "No groups"]], page.view.group, show("group"));
  const among = element("div", "", { id: "among" });
  filters.append(labelled("Groups", group), among, button("Colours of teams…", null, () => chooseHues(page)));
  const opener = button("Filters", null, () => {
    const box = opener.getBoundingClientRect();
    filters.style.cssText = `top:${box.bottom + 4}px;left:${Math.min(box.left, innerWidth - 280)}px`;
  });
  opener.id = "filters-open";
  opener.popoverTargetElement = filters;
  document.getElementById("main").append(filters);
  const hours = [...new Set([...FREE_HOURS, page.view.freeHours])].filter(Boolean).sort((one, other) => one - other);
  const free = choice("Free for at least", [["0", "Bookings"], ...hours.map((hour) => [String(hour), `Free ≥ ${hour} h`])], String(page.view.freeHours),
    (hour) => show("freeHours")(Number(hour)));
  return [free, opener];
}

function labelled(text, field) {
  const label = element("label", text);
  label.append(field);
  return label;
}

/** Books the row that has or had the focus, or the first one. */
function bookFocused(page) {
  const key = page.focusedKey() ?? page.timeline.environments[page.list.find(({ row }) => row !== undefined)?.row]?.key;
  const startsAt = new Date(Math.ceil(Date.now() / HALF_HOUR_MS) * HALF_HOUR_MS).toISOString();
  if (key) confirmBooking(page, { environments: [key], startsAt, minutes: 60 });
}

/** Shows which time is seen, and offers as filters what there is among the environments. */
export function showTools(page) {
  const { view, timeline } = page;
  document.getElementById("span").textContent = `${spanText(view)} · ${zone}`;
  for (const one of document.querySelectorAll("[data-span]")) one.setAttribute("aria-pressed", one.dataset.span === view.span);
  const inUse = [view.tier, view.team, view.label].filter(Boolean).length;
  document.getElementById("filters-open").textContent = inUse ? `Filters (${inUse})` : "Filters";
  if (page.offered === timeline) return;
  page.offered = timeline;
  const among = (name, none, texts) => labelled(none, choice(none, [["", `All ${none.toLowerCase()}`], ...[...new Set([...texts, view[name]].filter(Boolean))].sort().map((text) => [text, text])],
    view[name], (value) => {
      view[name] = value;
      view.save();
      page.layOut();
    }));
  const labels = timeline.environments.flatMap((environment) => Object.entries(environment.labels).map(([label, value]) => `${label}:${value}`));
  const place = document.getElementById("among");
  // Who is choosing is not disturbed.
  if (place.contains(document.activeElement)) return;
  place.replaceChildren(
    among("tier", "Tiers", timeline.environments.map(({ tier }) => tier)), among("team", "Owners", timeline.environments.map(({ owner }) => owner)),
    among("label", "Labels", labels));
  showNames(timeline);
}

/** Keys for the fields that name environments. */
function showNames(timeline) {
  const names = document.getElementById("environments") ?? document.body.appendChild(element("datalist", "", { id: "environments" }));
  names.replaceChildren(...timeline.environments.map(({ key, name }) => element("option", name, { value: key })));
}

/** Asks which teams have a hue of their own. */
function chooseHues(page) {
  const { view, timeline } = page;
  const dialog = showDialog("Colours of teams");
  const boxes = element("div", "", { className: "hues" });
  const limit = () => {
    for (const box of boxes.querySelectorAll("input")) box.disabled = !box.checked && view.hues.length >= MOST_HUES;
  };
  for (const team of [...new Set([...timeline.teams, ...view.hues])].sort()) {
    const label = element("label", "", { className: "check" });
    const box = element("input", "", { type: "checkbox", checked: view.hues.includes(team) });
    const swatch = element("span", "", { className: "swatch" });
    const dye = () => (swatch.className = `swatch hue-${view.hues.indexOf(team) + 1}`);
    box.addEventListener("change", () => {
      view.hues = box.checked ? [...view.hues, team] : view.hues.filter((other) => other !== team);
      view.save();
      page.layOut();
      limit();
      boxes.dispatchEvent(new Event("dyed"));
    });
    boxes.addEventListener("dyed", dye);
    dye();
    label.append(box, swatch, ` ${team}`);
    boxes.append(label);
  }
  limit();
  dialog.append(
    element("h2", "Colours of teams"), element("p", `Your own team is blue; up to ${MOST_HUES} others get a colour, all else stays grey.`, { className: "hint" }),
    boxes, element("button", "Close", { type: "button", onclick: () => dialog.close() }));
}
