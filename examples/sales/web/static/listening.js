// Hears what is out of date, and has what shows it ask again: whatever has a trigger `sse:NAME`.
"use strict";
(() => {
  const { listens, shows } = document.body.dataset;
  let waiting = new Set(); // What was heard while nobody looked.

  const isOld = (name) => waiting.has("everything") || waiting.has(name) || (name === "document" && waiting.has(`document:${shows}`));
  const askAgain = () => {
    if (document.hidden || !waiting.size) return;
    const asking = [];
    for (const node of document.querySelectorAll("[hx-trigger*='sse:']")) {
      const trigger = node.getAttribute("hx-trigger").match(/sse:[\w-]+/g).find((name) => isOld(name.slice(4)));
      if (trigger) asking.push([node, trigger]);
    }
    waiting = new Set();
    for (const [node, trigger] of asking) htmx.trigger(node, trigger);
  };
  const take = ({ isOpen, heard }) => {
    if (isOpen !== undefined) document.dispatchEvent(new CustomEvent(isOpen ? "stream-open" : "stream-lost"));
    if (!heard) return;
    for (const name of heard) waiting.add(name);
    askAgain();
  };
  document.addEventListener("visibilitychange", askAgain);

  // Without a worker to share, only pages that somebody looks at listen: each is told everything when it is shown.
  const listenAlone = () => {
    let own = null;
    const follow = () => {
      if (document.hidden && own) { own.close(); own = null; }
      else if (!document.hidden && !own) own = stream.open(listens, take);
    };
    document.addEventListener("visibilitychange", follow);
    follow();
  };
  const listenTogether = () => {
    const worker = new SharedWorker("/static/stream.js", { name: listens });
    worker.onerror = listenAlone;
    worker.port.onmessage = (event) => take(event.data);
    addEventListener("pagehide", () => worker.port.postMessage("bye"), { once: true });
  };
  const listen = () => { if ("SharedWorker" in window) listenTogether(); else listenAlone(); };
  // After htmx has begun.
  document.addEventListener("DOMContentLoaded", listen);
  // A page that the browser had put aside has heard nothing, and what was typed in it was saved when it went.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
