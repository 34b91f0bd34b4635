import { Problem } from "./api.js";

/** An element with text, never with mark-up. */
export function element(name, text, properties = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...properties });
}

/** A list of texts. */
export function list(texts) {
  const items = element("ul", "", { className: "history" });
  items.append(...texts.map((text) => element("li", text)));
  return items;
}

/** Pairs of a name and a text; those without a text are left out. */
export function factsOf(pairs) {
  const facts = document.createElement("dl");
  for (const [name, value] of pairs) if (value) facts.append(element("dt", name), element("dd", value));
  return facts;
}

/** Shows a dialog of that name, which is gone when it is closed. */
export function showDialog(name, properties = {}) {
  const dialog = element("dialog", "", properties);
  dialog.setAttribute("aria-label", name);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Says in a dialog why something was refused; what is no refusal goes on. */
export function tellRefusal(dialog, error) {
  if (!(error instanceof Problem)) throw error;
  dialog.querySelector(".fault")?.remove();
  dialog.prepend(element("p", error.sentence, { className: "fault" }));
}

/** Now, or another instant, as a field for local times takes it. */
export function localText(instant) {
  const date = new Date(instant);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

/** The instant that a field for local times says, as the API reads it. */
export function instantOf(field) {
  return new Date(field.value).toISOString().replace(".000Z", "Z");
}

const REST_MS = 300;

/** Makes where a form's verdict stands, and has it judged whenever something but these fields was changed a moment ago. */
export function verdictOf(form, idle, judge) {
  const answer = element("div", "", { className: "verdict" });
  answer.setAttribute("role", "status");
  form.element.append(answer);
  let resting;
  form.element.addEventListener("change", ({ target }) => {
    if (idle.includes(target)) return;
    clearTimeout(resting);
    resting = setTimeout(judge, REST_MS);
  });
  return answer;
}

let fields = 0;

/** A form whose fields are made one by one, each with its label before it. */
export class Form {
  constructor(className = "") {
    this.element = element("form", "", { className });
  }

  /** Adds a field of one line. */
  input(label, properties = {}) {
    return this.add(label, element("input", "", { maxLength: 200, ...properties }));
  }

  /** Adds a field for a local time. */
  time(label, instant) {
    return this.add(label, element("input", "", { type: "datetime-local", value: localText(instant), required: true }));
  }

  /** Adds a choice among values; each is a pair of the value and its text. */
  choice(label, options, value) {
    const select = element("select", "");
    select.append(...options.map(([option, text]) => element("option", text, { value: option })));
    select.value = value;
    return this.add(label, select);
  }

  /** Adds what is so or not. */
  check(label, isChecked = false) {
    const box = element("input", "", { type: "checkbox", checked: isChecked });
    const around = element("label", "", { className: "check" });
    around.append(box, ` ${label}`);
    this.element.append(around);
    return box;
  }

  add(label, field) {
    field.id ||= `field-${++fields}`;
    this.element.append(element("label", label, { htmlFor: field.id }), field);
    return field;
  }

  /** Adds its buttons; the first one sends it. */
  buttons(main, ...others) {
    const bar = element("div", "", { className: "actions" });
    bar.append(element("button", main, { className: "main" }), ...others);
    this.element.append(bar);
    return bar.firstChild;
  }
}
