import { get } from "./api.js";
import { element } from "./dialog.js";
import { tableOf } from "./lines.js";
import { shortTime } from "./times.js";

/** Fills the page of the morning: the last audit, by who has to act. */
export async function fillMorning(panel) {
  const { items: [last] } = await get("/v1/audits?limit=1");
  if (!last) {
    panel.replaceChildren(element("h1", "Morning"), element("p", "No audit was run yet: berth audit runs one, and berth serve --audit-at 02:00 one every night."));
    return;
  }
  const audit = await get(`/v1/audits/${last.run}`);
  const counts = element("dl", "", { className: "counts" });
  for (const [status, count] of Object.entries(audit.summary)) {
    const pair = element("div", "");
    pair.append(element("dt", status), element("dd", String(count)));
    counts.append(pair);
  }
  const groups = new Map();
  for (const finding of audit.findings.filter(({ status }) => status === "new" || status === "persisting")) {
    const who = finding.actor ?? "Whoever runs Berth";
    if (!groups.has(who)) groups.set(who, []);
    groups.get(who).push(finding);
  }
  const rest = audit.findings.filter(({ status }) => status === "resolved" || status === "waived");
  panel.replaceChildren(
    element("h1", "Morning"), element("p", `Audit ${audit.run}, ${shortTime(Date.parse(audit.at))}`), counts,
    ...(groups.size ? [] : [element("p", "Nothing is wrong.")]), ...[...groups].map(([who, findings]) => findingsOf(`${who}: ${findings.length}`, findings)),
    ...(rest.length ? [findingsOf(`Resolved and waived: ${rest.length}`, rest)] : []));
}

function findingsOf(title, findings) {
  const part = element("section", "");
  part.append(element("h2", title), tableOf(["Severity", "Status", "Environment", "What"], findings.map((finding) => ({
    className: finding.severity, cells: [finding.severity, finding.status, finding.environment ?? "", `${finding.detail} (${finding.check})`],
  }))));
  return part;
}
