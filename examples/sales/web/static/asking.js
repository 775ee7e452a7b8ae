// A part of the page that asks for itself when it hears of a change, beside what its person asks, has answers that come
// out of turn. They hide nothing that is here already.
"use strict";
const asking = (() => {
  const BY_ITSELF = "[hx-get][hx-trigger*='sse:']";
  // What asks for the smallest part of the page that a node is in.
  const sourceOf = (node) => {
    const parts = [...document.querySelectorAll(BY_ITSELF)].map((source) => ({ source, part: document.querySelector(source.getAttribute("hx-target")) }))
      .filter(({ part }) => part && part.contains(node));
    return parts.length ? parts.reduce((least, other) => (least.part.contains(other.part) ? other : least)).source : null;
  };
  const again = (node) => {
    const source = node && sourceOf(node);
    if (source) htmx.trigger(source, source.getAttribute("hx-trigger").match(/sse:[\w-]+/)[0]);
  };

  let answers = 0;
  const answeredAt = new WeakMap(); // By the part of the page that was answered.
  const note = (part) => { answers += 1; answeredAt.set(part, answers); };
  const isOvertaken = (node, since) => Boolean(node) && (answeredAt.get(node) > since || isOvertaken(node.parentElement, since));
  document.addEventListener("htmx:beforeRequest", (event) => { event.detail.requestConfig.askedAt = answers; });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, shouldSwap, target } = event.detail;
    if (!shouldSwap || !isOvertaken(target, requestConfig.askedAt)) return;
    // It may be older than what is here: a line that was opened meanwhile would be closed by it again. What a person
    // asked says what was done, and is shown all the same.
    if (requestConfig.verb === "get" && requestConfig.elt.matches(BY_ITSELF)) event.detail.shouldSwap = false;
    queueMicrotask(() => again(target));
  });
  return { again, note };
})();
