const AGAIN_MS = 5000;
const LEAST_MS = 200;

/** Readings of everything are spread over this long, so that all who listen do not ask at once. */
const SPREAD_MS = 1000;

/**
 * Keeps the page as others change it: one stream for all tabs of a browser through a shared worker, and, where there
 * is none, one while the tab is looked at. What an event tells is drawn; where it tells too little, all is read again.
 */
export function follow(page) {
  let asked;
  let told = [];
  const readAgain = (after = LEAST_MS) => {
    asked ??= setTimeout(async () => {
      asked = undefined;
      // A server that starts anew answers soon.
      await page.refresh().catch(() => readAgain(AGAIN_MS));
    }, after + Math.random() * SPREAD_MS);
  };
  const draw = async () => {
    // What is under the pointer stays until it is let go.
    await page.settled;
    const rows = new Set();
    const events = told;
    told = [];
    if (events.some(({ kind }) => kind === "notice.created")) page.countWaiting?.();
    for (const event of events) {
      const changed = page.timeline.apply(event);
      if (!changed) {
        readAgain();
        break;
      }
      changed.forEach((row) => rows.add(row));
    }
    if (rows.size) page.redraw(rows);
  };
  const changed = ({ data }) => {
    if (told.push(JSON.parse(data)) === 1) requestAnimationFrame(draw);
  };
  const address = `/v1/stream?position=${encodeURIComponent(page.timeline.position)}`;
  if ("SharedWorker" in window) {
    const worker = new SharedWorker(document.body.dataset.worker, { name: "berth" });
    worker.port.onmessage = changed;
    worker.port.postMessage(address);
    // What the worker told the other tabs before this one listened is in what is read from now on.
    readAgain();
    return;
  }
  let source;
  const open = () => {
    source?.close();
    source = undefined;
    if (document.visibilityState !== "visible") return;
    source = new EventSource(address);
    source.onmessage = changed;
    source.onerror = () => source.readyState === EventSource.CLOSED && setTimeout(open, AGAIN_MS);
  };
  document.addEventListener("visibilitychange", open);
  open();
}
