// What is typed and not left is saved when its page goes, or is out of sight and may go without a word. A person is
// asked only where that may fail.
"use strict";
(() => {
  const BYTES_MAX = 60_000; // What a browser sends of a page that is gone, with room for what is around it.
  const headers = { "HX-Request": "true", ...JSON.parse(document.body.getAttribute("hx-headers")) };
  let isLost = false; // Whether the workstation is known not to answer.
  let isGone = false; // Whether nobody sees any more what becomes of this page.
  document.addEventListener("stream-lost", () => { isLost = true; });
  document.addEventListener("stream-open", () => { isLost = false; });

  const drafts = (which) => [...document.querySelectorAll(which)].map(cells.draftOf).filter(Boolean);
  const bytesOf = ({ values }) => new TextEncoder().encode(JSON.stringify(values)).length;
  const formOf = (values) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(values)) form.append(name, value);
    return form;
  };
  // What was sent once is not sent again: of a page that goes, an answer cannot be waited for and looks like a failure.
  const sent = new WeakMap();
  const saveAll = () => {
    let left = BYTES_MAX;
    for (const draft of drafts(".field.is-typed")) {
      const { address, box, field, values } = draft;
      left -= bytesOf(draft);
      if (left < 0) return;
      if (sent.get(field) === box.value) continue;
      sent.set(field, box.value);
      field.classList.remove("is-typed");
      field.classList.add("is-on-its-way");
      fetch(address, { method: "POST", keepalive: true, headers, body: formOf(values) })
        // Its person has stayed, and sees what became of it.
        .then(async (answer) => {
          if (!answer.ok || cells.isRefused(await answer.text())) throw new Error(answer.statusText);
          sent.delete(field);
        })
        .catch(() => { if (!isGone) telling.keep(field); })
        .finally(() => {
          field.classList.remove("is-on-its-way");
          if (!sent.has(field)) asking.again(field);
        });
    }
  };
  // Nobody hears of what was refused once the page is gone. What is sure to be understood is nobody asked about.
  const PLAIN = { numeric: /^[0-9]+$/, decimal: new RegExp(`^[0-9]+([${document.body.dataset.decimal}][0-9]*)?$`) };
  const mayBeRefused = ({ box }) => "date" in box.dataset || (box.inputMode in PLAIN && !PLAIN[box.inputMode].test(box.value.trim()));
  const isAtRisk = () => {
    const typed = drafts(".field.is-typed");
    return order.isUnheard() || (isLost && typed.length) || typed.some(mayBeRefused) || typed.reduce((sum, draft) => sum + bytesOf(draft), 0) > BYTES_MAX
      || drafts(".field.is-unsaved, .field:has([aria-invalid=true])").length;
  };
  addEventListener("beforeunload", (event) => {
    if (isAtRisk()) {
      event.preventDefault();
      // No time passes for a page as long as its person is asked, and who leaves does not hear of this.
      setTimeout(() => document.dispatchEvent(new Event("stayed")));
    }
    // So early, the page that follows may show it already.
    if (!isLost) saveAll();
  });
  addEventListener("pagehide", () => { saveAll(); isGone = true; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && !isGone) for (const { box } of drafts(".field.is-typed")) box.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // What was done before a click on a link is answered before the page that the link leads to is asked for.
  let next = "", led = ""; // Where a link leads, and where an answer does.
  document.addEventListener("all-answered", (event) => {
    const address = next && !event.detail.hasFailed ? next : led;
    next = led = "";
    if (address) location.assign(address);
  });
  // And so it is where an answer leads on, whatever waits behind it.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const address = event.detail.xhr.getResponseHeader("HX-Redirect");
    if (!address || event.defaultPrevented || !order.isBusy()) return;
    event.preventDefault();
    led = address;
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]:not([role=button])");
    if (!link || !order.isBusy() || event.defaultPrevented || link.target || link.origin !== location.origin) return;
    if (event.button || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    next = link.href;
  });
})();
