import { newKey, Problem, send } from "./api.js";
import { element, Form, instantOf, showDialog, verdictOf } from "./dialog.js";
import { lengthText, shortTime } from "./times.js";

/** The keys that a field names. */
export function keysOf(field) {
  return field.value.split(/[\s,]+/).filter(Boolean);
}

/** Why something was refused, in few words. */
export function refusalText(error) {
  const [first] = error.body.conflicts ?? [];
  return first ? `${first.team ?? first.kind} until ${shortTime(Date.parse(first.blocksUntil))}` : error.sentence;
}

/** Who a conflict is with, until when, and through which part. */
export function conflictText({ environment, via, kind, title, team, holder, blocksUntil, isPending }) {
  const through = via?.length ? ` (through ${via[via.length - 1]})` : "";
  return `${environment}${through}: ${team ?? kind}: ${title}${isPending ? ", to be approved" : ""}, until ${shortTime(Date.parse(blocksUntil))}${holder ? ` (${holder})` : ""}`;
}

/**
 * Asks what a booking is for, and makes it, or edits the one that there is; what is chosen is judged at once, and a
 * refusal says who is in the way and offers what is free.
 * @param {object} [present] the booking that there is, as the API has it
 */
export function confirmBooking(page, body, title = "", present) {
  const name = present ? `Edit ${present.reference}` : `Book ${body.environments.join(", ")}`;
  const dialog = showDialog(name);
  const form = new Form("columns");
  const until = body.endsAt ?? new Date(Date.parse(body.startsAt) + body.minutes * 60000);
  const fields = {
    title: form.input("What for", { required: true, id: "draft-title", value: title, autofocus: true }),
    environments: form.input("Where", { required: true, value: body.environments.join(", "), maxLength: 2000 }),
    from: form.time("From", Date.parse(body.startsAt)),
    until: form.time("To", Date.parse(until)),
    mode: form.choice("Use", [["exclusive", "alone"], ["shared", "with others"]], body.mode ?? "exclusive"),
    ticket: form.input("Ticket", { value: present?.ticket ?? "" }),
    waits: present ? { checked: false } : form.check("Wait in line if it is taken"),
  };
  fields.environments.setAttribute("list", "environments");
  const booking = { page, dialog, fields, present };
  booking.answer = verdictOf(form, [fields.title, fields.ticket], () => judge(booking));
  form.buttons(present ? "Save" : "Book", element("button", "Cancel", { type: "button", onclick: () => dialog.close() }));
  dialog.append(element("h2", name), form.element);
  fields.title.focus();
  form.element.addEventListener("submit", (event) => {
    event.preventDefault();
    book(booking, asked(fields));
  });
  return dialog;
}

/** What the fields ask for. */
function asked({ title, environments, from, until, mode, ticket, waits }) {
  return {
    title: title.value, environments: keysOf(environments), startsAt: instantOf(from), endsAt: instantOf(until), mode: mode.value,
    ...(ticket.value && { ticket: ticket.value }), ...(waits.checked && { onConflict: "waitlist" }),
  };
}

/** Sends what is asked for, as a new booking or as an edit of the one that there is. */
function put({ present }, body, query = "") {
  return present
    ? send("PATCH", `/v1/bookings/${present.reference}${query}`, body, { ifMatch: present.etag })
    : send("POST", `/v1/bookings${query}`, body, { key: query ? undefined : newKey() });
}

/** Says whether what the fields ask for would be given. */
async function judge(booking) {
  const { onConflict, ...body } = asked(booking.fields);
  body.title ||= "Booking";
  try {
    await put(booking, body, "?dryRun=true");
    const minutes = (Date.parse(body.endsAt) - Date.parse(body.startsAt)) / 60000;
    booking.answer.replaceChildren(element("p", `✓ Free · ${lengthText(minutes)}`, { className: "free" }));
  } catch (error) {
    refuse(booking, error, body);
  }
}

/** Makes a booking; a refusal says who is in the way, and offers what is free, one click away. */
async function book(booking, body) {
  try {
    await put(booking, body);
    booking.dialog.close();
    await booking.page.refresh();
  } catch (error) {
    refuse(booking, error, body);
  }
}

function refuse(booking, error, body) {
  if (!(error instanceof Problem)) throw error;
  const refusal = element("ul", "", { className: "refusal" });
  refusal.append(...(error.body.conflicts ?? []).map((conflict) => element("li", conflictText(conflict))));
  const alternatives = element("div", "", { className: "alternatives" });
  alternatives.append(...(error.body.alternatives ?? []).map((free) => element("button",
    `${free.environments.join(", ")}, ${shortTime(Date.parse(free.startsAt))} to ${shortTime(Date.parse(free.endsAt))}`, {
      type: "button",
      onclick: () => {
        if (!booking.fields.title.reportValidity()) return;
        book(booking, { ...body, title: booking.fields.title.value, environments: free.environments, startsAt: free.startsAt, endsAt: free.endsAt });
      },
    })));
  const what = error.body.conflicts?.length ? "Somebody has it:" : error.sentence;
  booking.answer.replaceChildren(element("p", what, { className: "fault" }), refusal, alternatives);
}
