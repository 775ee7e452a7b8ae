// Merges what the server answers into the page, around what is being typed.
"use strict";
(() => {
  const typing = (node) => node.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  // A field that holds what was typed and is not saved, whose value is on its way, or that could not be read, is
  // left as it is, with what its typist has seen. The focus alone is no reason: who has typed nothing sees what is new.
  const isBusy = (node) => node.matches(".is-typed, .is-on-its-way, .htmx-request") || node.querySelector(".htmx-request, [aria-invalid=true], [role=combobox][aria-expanded=true]");
  const isToldOnce = (node) => node.nodeType === 1 && node.classList.contains("told-once");
  // What stands in forms is sent with them. Until then it is its person's, whatever comes in.
  const valueOf = (box) => (box.matches("[type=checkbox], [type=radio]") ? box.checked : box.value);
  const cameWith = (box) => {
    if (box.matches("[type=checkbox], [type=radio]")) return box.defaultChecked;
    if (!box.matches("select")) return box.defaultValue;
    const first = box.options[0] || { value: "" };
    return ([...box.options].findLast((option) => option.defaultSelected) || first).value;
  };
  const isSavedAlone = (box) => {
    const field = box.closest(".field");
    return field && (field.dataset.save || field.closest(".line") || field.querySelector(":scope > [hx-post]"));
  };
  const boxesOf = (node) => (node.matches("form") ? [...node.elements] : node.form ? [...node.form.elements] : node.matches("input, select, textarea") ? [node] : [])
    .filter((box) => box.matches("input, select, textarea"));
  let sent = new Map(); // What went with the request that is answered; what was typed after that was not sent.
  const isSent = (box) => sent.get(box) === valueOf(box);
  // A form that has waited is sent as it was then.
  const sentOf = (box, { elt, parameters }) => {
    if (!elt.matches("form") || !box.name) return valueOf(box);
    const values = parameters.getAll(box.name);
    return typeof valueOf(box) === "boolean" ? values.includes(box.value) : String(values[0] ?? "");
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { requestConfig } = event.detail;
    requestConfig.sent = new Map(requestConfig.verb === "get" ? [] : boxesOf(requestConfig.elt).map((box) => [box, sentOf(box, requestConfig)]));
  });
  document.addEventListener("htmx:beforeSwap", (event) => { sent = event.detail.requestConfig.sent || new Map(); });
  const keepUnsent = (target) => {
    const kept = [...target.querySelectorAll("input, select, textarea")]
      // Nor is it written anew by what is answered before the form itself is.
      .filter((box) => box.type !== "hidden" && (valueOf(box) !== cameWith(box) || once.isUnanswered(box.form)) && !isSent(box) && !isSavedAlone(box))
      .map((box) => ({ box, value: valueOf(box), start: box.selectionStart, end: box.selectionEnd }));
    return () => {
      for (const { box, value, start, end } of kept) {
        if (valueOf(box) === value) continue;
        if (typeof value === "boolean") box.checked = value;
        else if (!box.matches("select") || [...box.options].some((option) => option.value === value)) box.value = value;
        if (box === document.activeElement && typeof start === "number") box.setSelectionRange(start, end);
      }
    };
  };

  let isOutdated = false; // Whether what was answered is older than what is here.
  let answered = null; // The field whose own answer this is.

  const callbacks = {
    beforeNodeMorphed: (old, fresh) => {
      // The server says only that it is as it was.
      if (fresh.nodeType === 1 && "same" in fresh.dataset) {
        // It was, when this was asked for, and has been written since.
        if (!("have" in old.dataset)) isOutdated = true;
        return false;
      }
      // A list that is shown anew because of an event has nothing to tell, and takes nothing told away.
      if (old.nodeType === 1 && "told" in old.dataset && old.textContent.trim() && !fresh.textContent.trim()) return false;
      // Nor does it put what it always says of a field in the place of what was told of it once.
      if (isToldOnce(old) && !isToldOnce(fresh) && old.closest(".field") !== answered) return false;
      if (old.nodeType !== 1 || !old.classList.contains("field") || old === answered) return true;
      if ([...old.querySelectorAll("input, select, textarea")].some(isSent)) return true;
      if (!isBusy(old)) return true;
      if (cells.seenOf(old) !== cells.seenOf(fresh)) old.classList.add("is-behind");
      cells.forget(old);
      return false;
    },
    beforeNodeRemoved: (node) => {
      if (node.nodeType !== 1) return true;
      // What was told of a field stays until the field itself is answered again.
      if (isToldOnce(node)) return node.closest(".field") === answered;
      return !typing(node);
    },
    // What a person ticked or unfolded stays so.
    beforeAttributeUpdated: (name, node) => !(name === "checked" && node.type === "checkbox") && !(name === "open" && node.tagName === "DETAILS")
      // What was given the focus for want of a better place.
      && !(name === "tabindex" && node === document.activeElement),
  };

  const merge = (target, fresh) => {
    asking.note(target);
    answered = target.matches(".field:not(.is-typed)") ? target : null;
    if (target.classList.contains("field")) cells.forget(target);
    // The focus goes where a request says, and not where any part that happens to come in would have it.
    for (const node of fresh.querySelectorAll("[autofocus]")) node.removeAttribute("autofocus");
    const goOn = focusing.hold(target), putBack = keepUnsent(target);
    const morphed = Idiomorph.morph(target, fresh, { morphStyle: "outerHTML", restoreFocus: true, callbacks });
    answered = null;
    putBack();
    sent = new Map();
    goOn();
    // What was said to be as it was, and is not here: it was taken away while the answer was on its way.
    const lost = document.querySelectorAll("[data-same]");
    lost.forEach((node) => node.remove());
    if (lost.length || isOutdated) asking.again(document.getElementById("deal"));
    isOutdated = false;
    for (const node of morphed) if (node.nodeType === 1) node.dispatchEvent(new CustomEvent("merged", { bubbles: true }));
    return morphed;
  };
  htmx.defineExtension("merge", {
    isInlineSwap: (style) => style === "merge",
    handleSwap: (style, target, fragment) => {
      if (style !== "merge") return false;
      const fresh = fragment.nodeType === 11 ? fragment.firstElementChild : fragment;
      return fresh ? merge(target, fresh) : false;
    },
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, target, shouldSwap, serverResponse } = event.detail;
    const asked = requestConfig.elt;
    if (!shouldSwap || (asked.isConnected && !asked.closest("[data-passing]"))) return;
    // What asked was merged away by the event of its own change, or goes with its own answer; and htmx looks for the
    // way to swap among its parents. The target stands in for it.
    event.detail.shouldSwap = false;
    if (target.isConnected) htmx.swap(target, serverResponse, { swapStyle: "merge", swapDelay: 0, settleDelay: 0 }, { contextElement: target });
  });
})();
