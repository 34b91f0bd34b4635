import { newKey, send } from "./api.js";
import { keysOf } from "./booking.js";
import { element, Form, showDialog, tellRefusal } from "./dialog.js";
import { tell } from "./moves.js";

/** The longest emergency, in hours. */
const MOST_HOURS = 4;

/** Lets anyone say that an environment is out of order, or that it has to be changed at once. */
export function reportTrouble(page, environment = "") {
  const dialog = showDialog("Report trouble");
  const form = new Form("columns");
  const fields = {
    what: form.choice("What", [["outage", "It is out of order"], ["emergency", "It must be changed now (emergency)"]], "outage"),
    environments: form.input("Where", { required: true, value: environment, maxLength: 2000 }),
    reason: form.input("Reason", { required: true, autofocus: Boolean(environment) }),
    hours: form.choice("For", Array.from({ length: MOST_HOURS }, (_, place) => [place + 1, `${place + 1} h`]), 1),
  };
  fields.environments.setAttribute("list", "environments");
  const hint = form.add("Then", element("output", ""));
  const explain = () => {
    const isOutage = fields.what.value === "outage";
    for (const part of [fields.hours, form.element.querySelector(`label[for="${fields.hours.id}"]`)]) part.hidden = isOutage;
    hint.textContent = isOutage
      ? "It is shown as degraded; its owner, and whoever has it now or within a day, are told."
      : "Changes are open to your team at once, through freezes too; owner and holders are told, and it is reviewed.";
  };
  explain();
  fields.what.addEventListener("change", explain);
  form.buttons("Report", element("button", "Cancel", { type: "button", onclick: () => dialog.close() }));
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      tell(await report(fields));
      dialog.close();
      await page.refresh();
    } catch (error) {
      tellRefusal(dialog, error);
    }
  });
  dialog.append(element("h2", "Report trouble"), form.element);
  return dialog;
}

async function report({ what, environments, reason, hours }) {
  const keys = keysOf(environments);
  if (what.value === "emergency") {
    const window = await send("POST", "/v1/change-windows", {
      kind: "change", environments: keys, minutes: Number(hours.value) * 60, emergency: { reason: reason.value },
    }, { key: newKey() });
    return `${window.reference}: changes are open to ${window.team ?? "you"} for ${hours.value} h.`;
  }
  for (const key of keys) await send("POST", `/v1/environments/${encodeURIComponent(key)}/outage`, { reason: reason.value }, { key: newKey() });
  return `${keys.join(", ")}: owner and holders are told.`;
}
