const AGAIN_MS = 5000;

/**
 * Keeps the page as others change it: one stream for all tabs of a browser through a shared worker, and, where there
 * is none, one while the tab is looked at. What changed is read again at most twice a second.
 */
export function follow(page) {
  let asked;
  const changed = () => {
    asked ??= setTimeout(async () => {
      asked = undefined;
      // What is under the pointer stays until it is let go.
      if (page.isDrawing) changed();
      else await page.refresh();
    }, 300);
  };
  const address = `/v1/stream?position=${encodeURIComponent(page.timeline.position)}`;
  if ("SharedWorker" in window) {
    const worker = new SharedWorker(document.body.dataset.worker, { name: "berth" });
    worker.port.onmessage = changed;
    worker.port.postMessage(address);
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
