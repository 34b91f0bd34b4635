import { get, Problem } from "./api.js";
import { fillChanges } from "./changes.js";
import { element } from "./dialog.js";
import { fillEnvironment } from "./environment.js";
import { fillFind } from "./find.js";
import { fillMorning } from "./morning.js";
import { fillWaiting } from "./waiting.js";

/** The pages beside the timeline, by their name in the address. */
const PANELS = {
  timeline: { title: "Timeline" },
  waiting: { title: "Waiting for me", fill: fillWaiting },
  changes: { title: "Changes", fill: fillChanges },
  morning: { title: "Morning", fill: fillMorning },
  find: { title: "Find me one", fill: fillFind },
};

/** Makes the navigation, and shows the page that the address names. */
export function makePlaces(page) {
  const panel = element("section", "", { id: "panel", hidden: true });
  document.getElementById("main").append(panel);
  const show = async (name, detail) => {
    const chosen = PANELS[name] ?? PANELS.timeline;
    document.body.classList.toggle("panelled", Boolean(chosen.fill));
    panel.hidden = !chosen.fill;
    for (const link of document.querySelectorAll("#places a")) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = `${chosen.title} · Berth`;
    if (chosen.fill) await filled(panel, chosen.title, () => chosen.fill(panel, page, detail));
  };
  const places = document.getElementById("places");
  for (const [name, { title }] of Object.entries(PANELS)) {
    const link = element("a", title, { href: name === "timeline" ? "?" : `?page=${name}` });
    link.dataset.page = name;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.href);
      show(name);
    });
    places.append(link);
  }
  const showEnvironment = async (key) => {
    document.body.classList.add("panelled");
    panel.hidden = false;
    document.title = `${key} · Berth`;
    await filled(panel, key, () => fillEnvironment(panel, page, key));
  };
  const fromAddress = () => {
    const query = new URLSearchParams(location.search);
    const key = query.get("environment");
    return key ? showEnvironment(key) : show(query.get("page") ?? "timeline");
  };
  addEventListener("popstate", fromAddress);
  page.countWaiting = counter();
  page.countWaiting();
  page.openEnvironment = (key) => {
    history.pushState(null, "", `?environment=${encodeURIComponent(key)}`);
    showEnvironment(key);
  };
  fromAddress();
}

const COUNT_AGAIN_MS = 5000;
const MOST_COUNTED = 100;

/** Gives what counts the notices that nobody has read beside their page's name, at most once in five seconds. */
function counter() {
  const link = document.querySelector("#places a[data-page=waiting]");
  let asked;
  const count = async () => {
    asked = undefined;
    const { items } = await get(`/v1/notices?unread=true&limit=${MOST_COUNTED}`);
    const number = items.length === MOST_COUNTED ? `${MOST_COUNTED}+` : items.length || "";
    link.textContent = `${PANELS.waiting.title}${number && ` (${number})`}`;
  };
  let last = 0;
  return () => {
    asked ??= setTimeout(() => {
      last = Date.now();
      // A count that could not be had comes with the next notice.
      count().catch(() => {});
    }, Math.max(0, last + COUNT_AGAIN_MS - Date.now()));
  };
}

/** Fills a panel; a refusal is told in it. */
async function filled(panel, title, fill) {
  panel.replaceChildren(element("h1", title), element("p", "Reading…"));
  try {
    await fill();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    panel.replaceChildren(element("h1", title), element("p", error.message, { className: "fault" }));
  }
}
