// What the server cannot do: merge a new part into the page around what is being typed, keys, the theme.
"use strict";
(() => {
  const typing = (node) => node.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  // A field that holds what was typed and is not saved, whose value is on its way, or that could not be read, is
  // left as it is, with what its typist has seen. The focus alone is no reason: who has typed nothing sees what is new.
  const isBusy = (node) => node.classList.contains("is-typed") || node.querySelector(".htmx-request, [aria-invalid=true], [role=combobox][aria-expanded=true]");
  const isToldOnce = (node) => node.nodeType === 1 && node.classList.contains("told-once");
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
      if (old.nodeType === 1 && "told" in old.dataset && old.textContent && !fresh.textContent) return false;
      // Nor does it put what it always says of a field in the place of what was told of it once.
      if (isToldOnce(old) && !isToldOnce(fresh) && old.closest(".field") !== answered) return false;
      if (old.nodeType !== 1 || !old.classList.contains("field") || old === answered) return true;
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
    beforeAttributeUpdated: (name, node) => !(name === "checked" && node.type === "checkbox") && !(name === "open" && node.tagName === "DETAILS"),
  };

  const askAgain = (node) => {
    const source = node && node.closest("[hx-get]");
    if (source) htmx.trigger(source, "sse:document");
  };
  // The page asks for its document by itself when it hears of a change. It waits until what a person asked has been
  // answered, and what was answered meanwhile is newer: a line that was opened by it would be closed again.
  let asking = 0, answers = 0, isOwed = false;
  const isForDocument = (event) => event.detail.target && event.detail.target.id === "deal";
  const isAskedByItself = (request) => (request.elt.getAttribute("hx-trigger") || "").includes("sse:");
  const payOwed = () => {
    if (asking || !isOwed) return;
    isOwed = false;
    askAgain(document.getElementById("deal"));
  };
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!isForDocument(event)) return;
    const { requestConfig, xhr } = event.detail;
    requestConfig.answersBefore = answers;
    if (!isAskedByItself(requestConfig)) {
      asking += 1;
      xhr.addEventListener("loadend", () => { asking -= 1; payOwed(); });
    } else if (asking) {
      event.preventDefault();
      isOwed = true;
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isForDocument(event) || !isAskedByItself(event.detail.requestConfig)) return;
    if (event.detail.requestConfig.answersBefore === answers) return;
    event.detail.shouldSwap = false;
    isOwed = true;
    payOwed();
  });
  const merge = (target, fresh) => {
    if (target.id === "deal") answers += 1;
    answered = target.classList.contains("field") && !(typing(target) && target.classList.contains("is-typed")) ? target : null;
    if (target.classList.contains("field")) cells.forget(target);
    const morphed = Idiomorph.morph(target, fresh, { morphStyle: "outerHTML", restoreFocus: true, callbacks });
    answered = null;
    // What was said to be as it was, and is not here: it was taken away while the answer was on its way.
    const lost = document.querySelectorAll("[data-same]");
    lost.forEach((node) => node.remove());
    if (lost.length || isOutdated) askAgain(document.getElementById("deal"));
    isOutdated = false;
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
    if (target.isConnected) htmx.swap(target, serverResponse, { swapStyle: "merge", swapDelay: 0, settleDelay: 20 }, { contextElement: target });
  });

  document.addEventListener("input", (event) => {
    const field = event.target.closest(".field");
    if (!field) return;
    // What was typed and taken back is as if nothing had been typed.
    const isTyped = event.target.value !== cells.seenOf(field);
    field.classList.toggle("is-typed", isTyped);
    if (isTyped) cells.pin(field);
    else if (field.classList.contains("is-behind")) askAgain(field);
    else cells.unpin(field);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    // What was done before is told until something else is done.
    // What asks from there, an Undo, stays until its own answer: an event of what is no more in the page reaches nobody.
    if (event.detail.requestConfig.verb === "post")
      for (const done of document.querySelectorAll("#done, [data-told]"))
        if (!done.contains(event.detail.elt)) done.replaceChildren();
    // From here on it is on its way; what is typed after this is new again. What is looked for while it is typed is not saved.
    const field = event.detail.requestConfig.verb === "get" ? null : event.detail.elt.closest(".field");
    if (field) field.classList.remove("is-typed");
  });
  // The rows that are here are not sent again.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.target && event.detail.target.id === "deal") event.detail.parameters.have = [...document.querySelectorAll("[data-have]")].map((row) => row.dataset.have).join("");
  });
  // Bad input is answered with the field and its error; a refusal is told.
  const tell = (text) => {
    const told = document.getElementById("told");
    if (!told) return;
    told.textContent = text;
    told.hidden = !text;
  };
  // What did not arrive is still only typed, and nothing that comes from elsewhere may take its place.
  const keep = (event) => {
    const { verb, elt } = event.detail.requestConfig;
    const field = verb === "get" ? null : elt.closest(".field");
    if (field) field.classList.add("is-typed", "is-unsaved");
    return field;
  };
  // An answer is heard where it goes: what asked may be no more in the page, and its events with it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.isError) return;
    keep(event);
    const type = event.detail.xhr.getResponseHeader("Content-Type") || "";
    tell(type.startsWith("text/plain") ? event.detail.xhr.responseText : "That did not work. What you typed is still here.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    tell(keep(event) ? "This workstation does not answer. What you typed is still here, and is saved once it does." : "This workstation does not answer.");
  });
  document.addEventListener("htmx:sseOpen", () => {
    for (const field of document.querySelectorAll(".field.is-unsaved")) {
      field.classList.remove("is-unsaved");
      const box = field.querySelector("input:not([type=hidden]), select, textarea:not([hidden])");
      if (box) box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) tell(""); });

  // What was done says where to go on, unless its person has gone on by then.
  document.addEventListener("htmx:beforeRequest", (event) => { event.detail.requestConfig.askedFrom = document.activeElement; });
  const goOn = (id, askedFrom) => {
    const next = document.getElementById(id), now = document.activeElement;
    const isElsewhere = now !== document.body && (now !== askedFrom || now.closest(".is-typed"));
    if (next && !isElsewhere) next.focus();
  };
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail, id = xhr.getResponseHeader("X-Focus-On");
    // The swap follows at once, and this follows the swap.
    if (id) queueMicrotask(() => goOn(id, requestConfig.askedFrom));
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey && !event.ctrlKey && !event.metaKey) {
      const button = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
      if (button) { event.preventDefault(); button.click(); }
    }
    if (event.key === "/" && !event.target.matches("input, textarea, select")) {
      const words = document.getElementById("words");
      if (words) { event.preventDefault(); words.focus(); words.select(); }
    }
  });

  // The menu is folded where there is little room.
  const unfold = (button, isOpen) => button.setAttribute("aria-expanded", String(isOpen));
  document.addEventListener("click", (event) => {
    const button = document.querySelector("[data-menu]");
    if (button) unfold(button, Boolean(event.target.closest("[data-menu]")) && button.getAttribute("aria-expanded") === "false");
  });
  document.addEventListener("keydown", (event) => {
    const button = event.key === "Escape" && document.querySelector("[data-menu][aria-expanded=true]");
    if (button) { unfold(button, false); button.focus(); }
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    const root = document.documentElement;
    const isDark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  });
})();
