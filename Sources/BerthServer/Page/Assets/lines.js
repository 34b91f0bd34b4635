import { Problem } from "./api.js";
import { element } from "./dialog.js";

/** A button that does something to a line, and takes it away when it is done; a refusal stands in its place. */
export function act(line, text, action) {
  return element("button", text, {
    type: "button",
    onclick: async () => {
      try {
        await action();
        const next = line.nextElementSibling ?? line.previousElementSibling;
        line.remove();
        next?.focus();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        line.querySelector(".fault")?.remove();
        line.append(element("p", error.sentence, { className: "fault" }));
      }
    },
  });
}

/** A line of a list that is read and decided by the keyboard: arrows move, a letter presses its button. */
export function decisionLine(text, detail) {
  const line = element("li", "", { tabIndex: 0, className: "decision" });
  line.append(element("b", text), element("span", detail));
  line.addEventListener("keydown", (event) => {
    if (event.target !== line) return;
    if (event.key === "ArrowDown") line.nextElementSibling?.focus();
    if (event.key === "ArrowUp") line.previousElementSibling?.focus();
    const button = [...line.querySelectorAll("button")].find(({ textContent }) => textContent[0].toLowerCase() === event.key);
    button?.click();
  });
  return line;
}

/** A part of a page: how many lines it has, and the lines, or that there are none. */
export function section(title, lines, none) {
  const part = element("section", "");
  const items = element("ul", "", { className: "decisions" });
  items.append(...lines);
  part.append(element("h2", `${title} (${lines.length})`), lines.length ? items : element("p", none));
  return part;
}

/** A table of texts. */
export function tableOf(heads, rows) {
  const table = element("table", "");
  const head = table.createTHead().insertRow();
  head.append(...heads.map((text) => element("th", text, { scope: "col" })));
  const body = table.createTBody();
  for (const { className, cells } of rows) {
    const row = body.insertRow();
    row.className = className;
    row.append(...cells.map((text) => element("td", text)));
  }
  return table;
}
