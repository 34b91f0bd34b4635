import { element } from "./dialog.js";
import { standingOf } from "./rows.js";

/** Keys of environments that the reader wants among his own rows. */
export const favourites = new Set(JSON.parse(localStorage.getItem("favourites") ?? "[]"));

/**
 * The name of a row, with who has it until when; or a group's heading. It is the row of a treegrid (WAI-ARIA 1.2), whose
 * other cell is the picture beside it.
 */
export function nameOf(page, item, place) {
  const made = element("div", "");
  made.setAttribute("role", "row");
  made.setAttribute("aria-rowindex", place + 1);
  made.style.cssText = `top:${item.top}px;height:${item.height}px;width:100%`;
  const cell = element("div", "", { className: "cell" });
  cell.setAttribute("role", "rowheader");
  made.append(cell);
  if (item.heading !== undefined) {
    made.className = "group";
    made.setAttribute("aria-level", 1);
    cell.append(element("b", item.heading), element("span", ` ${item.count}`));
    return made;
  }
  const { timeline } = page;
  const environment = timeline.environments[item.row];
  const uncontrolled = timeline.rows[item.row].changes.filter((change) => timeline.changes.control[change] === "uncontrolled").length;
  made.className = `name${item.parent === undefined ? "" : " part"}${uncontrolled ? " hit" : ""}`;
  made.tabIndex = -1;
  made.setAttribute("aria-level", item.level);
  made.dataset.key = environment.key;
  made.dataset.row = item.row;
  made.addEventListener("dblclick", () => page.openEnvironment(environment.key));
  if (uncontrolled) cell.append(element("span", `! ${uncontrolled}`, { className: "count", title: "Uncontrolled changes" }));
  if (item.parent === undefined && environment.parts.length) cell.append(unfolder(page, made, environment));
  if (item.parent === undefined) cell.append(favourer(page, environment));
  const { state, text } = standingOf(timeline, item.row, page.now);
  cell.append(element("i", "", { className: `dot ${state}` }), element("b", environment.name || environment.key), element("small", text));
  return made;
}

function unfolder(page, row, environment) {
  const isOpen = page.view.unfolded.has(environment.key);
  row.setAttribute("aria-expanded", isOpen);
  const button = element("button", isOpen ? "⌄" : "›", { className: "unfold", type: "button", tabIndex: -1, onclick: () => unfold(page, environment.key, !isOpen) });
  button.setAttribute("aria-label", `Parts of ${environment.name || environment.key}`);
  return button;
}

/** Shows or hides the parts of an environment as rows of their own. */
export function unfold(page, key, isOpen) {
  if (isOpen) page.view.unfolded.add(key);
  else page.view.unfolded.delete(key);
  page.view.save();
  page.keepingFocus(() => page.layOut());
}

/** The star of an environment, which puts it among the reader's own rows. */
function favourer(page, environment) {
  const isFavourite = favourites.has(environment.key);
  const button = element("button", isFavourite ? "★" : "☆", { className: "favour", type: "button", tabIndex: -1 });
  button.setAttribute("aria-pressed", isFavourite);
  button.setAttribute("aria-label", `Favourite: ${environment.name || environment.key}`);
  button.addEventListener("click", () => {
    if (isFavourite) favourites.delete(environment.key);
    else favourites.add(environment.key);
    localStorage.setItem("favourites", JSON.stringify([...favourites]));
    page.layOut();
  });
  return button;
}
