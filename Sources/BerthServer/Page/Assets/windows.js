import { get, newKey, Problem, send } from "./api.js";
import { conflictText, keysOf } from "./booking.js";
import { element, factsOf, Form, instantOf, list, showDialog, tellRefusal, verdictOf } from "./dialog.js";
import { decisionLine } from "./lines.js";
import { shortTime } from "./times.js";

/** What is planned on environments, with what it means for people. */
export const KINDS = {
  change: "Change window", maintenance: "Maintenance", freeze: "Freeze",
};

/**
 * Asks what a window is to be, says what it hits before anything is saved, and plans it: a new one, or one that there
 * is with other times.
 * @param {{kind, environments, startsAt, endsAt}} asked @param {object} [window] the one that there is, as the API has it
 */
export function planWindow(page, asked, window) {
  const { kind, environments } = asked;
  const where = `${environments.slice(0, 3).join(", ")}${environments.length > 3 ? " and more" : ""}`;
  const name = `${window ? `${window.reference}: ` : ""}${KINDS[kind]} on ${where}`;
  const dialog = showDialog(name);
  const form = new Form("columns");
  const fields = fieldsOf(form, asked, window);
  const judge = async () => {
    try {
      answer.replaceChildren(...hitsOf(await put(asked, window, fields, "?dryRun=true")));
    } catch (error) {
      refuse(answer, error);
    }
  };
  const answer = verdictOf(form, [fields.title, fields.ticket], judge);
  form.buttons(window ? "Save" : "Plan", element("button", "Cancel", { type: "button", onclick: () => dialog.close() }));
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await put(asked, window, fields);
      dialog.close();
      await page.refresh();
    } catch (error) {
      refuse(answer, error);
    }
  });
  dialog.append(element("h2", name), form.element);
  fields.title.focus();
  judge();
  return dialog;
}

function fieldsOf(form, { kind, environments, startsAt, endsAt }, window) {
  const fields = {
    title: form.input("Title", { required: true, value: window?.title ?? "", autofocus: true }),
    environments: form.input("Where", { required: true, value: environments.join(", "), maxLength: 4000, disabled: Boolean(window?.labels) }),
    from: form.time("From", Date.parse(startsAt)),
    until: form.time("To", Date.parse(endsAt)),
    ticket: form.input("Ticket", { value: window?.ticket ?? "" }),
  };
  fields.environments.setAttribute("list", "environments");
  if (kind !== "freeze") fields.includeParts = form.check("And on their parts", window?.includeParts);
  if (kind === "maintenance") fields.displaces = form.check("Move bookings aside", window?.onConflict === "displace");
  return fields;
}

/** Sends what the fields say, as a new window or as an edit of the one that there is. */
function put({ kind }, window, fields, query = "") {
  const body = {
    title: fields.title.value || KINDS[kind], startsAt: instantOf(fields.from), endsAt: instantOf(fields.until),
    ticket: fields.ticket.value || null, ...(!window?.labels && { environments: keysOf(fields.environments) }),
    ...(fields.includeParts && { includeParts: fields.includeParts.checked }),
    ...(fields.displaces && { onConflict: fields.displaces.checked ? "displace" : "refuse" }),
  };
  return window
    ? send("PATCH", `/v1/change-windows/${window.reference}${query}`, body, { ifMatch: window.etag })
    : send("POST", `/v1/change-windows${query}`, { kind, ...body }, { key: query ? undefined : newKey() });
}

/** What a window lies over, and what it moves aside. */
function hitsOf({ state, hits, displaces }) {
  const asks = state === "requested" ? [element("p", "The owners of these environments will be asked to approve it.", { className: "hint" })] : [];
  const aside = displaces.length ? [element("h3", `Moves aside (${displaces.length})`), list(displaces.map(conflictText))] : [];
  return [
    ...asks, element("h3", hits.length ? `It hits (${hits.length})` : "It hits nothing"),
    ...(hits.length ? [list(hits.map(conflictText))] : []), ...aside,
  ];
}

function refuse(answer, error) {
  if (!(error instanceof Problem)) throw error;
  answer.replaceChildren(element("p", error.sentence, { className: "fault" }), list((error.body.conflicts ?? []).map(conflictText)));
}

/** Shows a window: what it is, whom it hits, and what the reader may do with it. */
export async function openWindow(page, reference) {
  const dialog = showDialog(reference, { className: "drawer" });
  const path = `/v1/change-windows/${reference}`;
  try {
    const [window, impact] = await Promise.all([get(path), get(`${path}/impact`)]);
    const close = element("button", "Close", { type: "button", className: "quiet", onclick: () => dialog.close() });
    dialog.replaceChildren(close, element("h2", window.title), factsOf([
      ["Reference", window.reference], ["Kind", KINDS[window.kind]], ["State", [window.state, window.stateReason].filter(Boolean).join(": ")],
      ["Environments", window.environments.join(", ")], ["From", shortTime(Date.parse(window.startsAt))], ["To", shortTime(Date.parse(window.endsAt))],
      ["Team", window.team], ["Emergency", window.emergency?.reason], ["Exception to", window.exceptionTo], ["Ticket", window.ticket],
      ["Asked for by", window.requestedBy], ["Notes", window.notes], ["Occurrences", window.occurrences > 1 && String(window.occurrences)],
    ]), actionsOf(page, dialog, window), ...impactOf(impact));
  } catch (error) {
    tellRefusal(dialog, error);
    dialog.append(element("button", "Close", { type: "button", onclick: () => dialog.close() }));
  }
}

function impactOf({ risk, factors, hits, warn }) {
  return [
    ...(hits.length ? [element("h3", `It hits (${hits.length})`), list(hits.map(conflictText))] : []),
    ...(warn.length ? [element("h3", "Whom to warn"), list(warn.map((who) => [who.team, who.holder, who.contact].filter(Boolean).join(", ")))] : []),
    ...(factors.length ? [element("h3", `Risk: ${risk}`), list(factors.map(({ fact }) => fact))] : []),
  ];
}

function actionsOf(page, dialog, window) {
  const bar = element("div", "", { className: "actions" });
  const post = (name, action) => bar.append(element("button", name, {
    type: "button",
    onclick: async () => {
      try {
        await send("POST", `/v1/change-windows/${window.reference}/${action}`, {}, { key: newKey(), ifMatch: window.etag });
        dialog.close();
        await page.refresh();
      } catch (error) {
        tellRefusal(dialog, error);
      }
    },
  }));
  const decides = ["manager", "admin"].includes(page.me.role);
  if (window.state === "requested" && decides) {
    post("Approve", "approve");
    post("Reject", "reject");
  }
  if (["requested", "approved"].includes(window.state)) {
    if (!window.recurrence) {
      bar.append(element("button", "Edit", {
        type: "button",
        onclick: () => {
          dialog.close();
          planWindow(page, window, window);
        },
      }));
    }
    post("Call off", "cancel");
  }
  return bar;
}

/** A line for each window, which opens it. */
export function windowLines(page, windows) {
  return windows.map((window) => {
    const line = decisionLine(`${KINDS[window.kind]}: ${window.title}`, `${window.environments.join(", ")}, ${shortTime(Date.parse(window.startsAt))} to ${shortTime(Date.parse(window.endsAt))} · ${window.state}`);
    line.append(element("button", "Open", { type: "button", onclick: () => openWindow(page, window.reference) }));
    return line;
  });
}

/** Lets a window be opened by its name, and be moved by dragging it there: what it hits then is shown before it is saved. */
export function letMoveWindows(page) {
  let moving;
  page.rows.addEventListener("pointerdown", (event) => {
    const plate = event.target.closest(".plate");
    if (event.button !== 0 || !plate) return;
    moving = { plate, x: event.clientX, minutes: 0, release: page.hold() };
    plate.setPointerCapture(event.pointerId);
  });
  page.rows.addEventListener("pointermove", (event) => {
    if (!moving) return;
    moving.minutes = page.scale.minute(event.clientX - moving.x);
    moving.plate.style.transform = `translateX(${page.scale.x(moving.minutes)}px)`;
  });
  const end = async (isMoved) => {
    if (!moving) return;
    const { plate, minutes, release } = moving;
    moving = undefined;
    plate.style.transform = "";
    release();
    if (!minutes) return isMoved && openWindow(page, plate.dataset.window);
    if (!isMoved) return;
    const window = await get(`/v1/change-windows/${plate.dataset.window}`);
    if (window.recurrence) return openWindow(page, window.reference);
    const shifted = (time) => new Date(Date.parse(time) + minutes * 60000).toISOString();
    planWindow(page, { ...window, startsAt: shifted(window.startsAt), endsAt: shifted(window.endsAt) }, window);
  };
  page.rows.addEventListener("pointerup", () => end(true));
  page.rows.addEventListener("pointercancel", () => end(false));
}
