// The workstations side by side: each in a frame that is begun once it answers, and stays under a veil while it does not.
"use strict";
(() => {
  const ANSWER_MS = 5_000;
  const unanswered = new Map(); // The frames that were asked whether a page of their workstation is in them.

  const begin = (page) => { page.src = page.dataset.address; };
  const unveil = (page) => {
    page.inert = false;
    if (!page.hasAttribute("src")) { begin(page); return; }
    // Whoever followed a link while nobody answered there sees the browser's own page, which does not answer either.
    clearTimeout(unanswered.get(page.contentWindow));
    unanswered.set(page.contentWindow, setTimeout(() => begin(page), ANSWER_MS));
    page.contentWindow.postMessage("are you there?", "*");
  };
  addEventListener("message", (event) => clearTimeout(unanswered.get(event.source)));
  document.addEventListener("htmx:afterSettle", () => {
    for (const veil of document.querySelectorAll(".veil")) {
      const page = veil.parentElement.querySelector("iframe");
      if (!veil.hidden) page.inert = true;
      else if (page.inert) unveil(page);
    }
  });
})();
