// What the server cannot do: what is typed and not saved, what is told, where the focus goes on, keys, the theme.
"use strict";
(() => {
  document.addEventListener("input", (event) => {
    const field = event.target.closest(".field");
    if (!field) return;
    // What was typed and taken back is as if nothing had been typed.
    const isTyped = event.target.value !== cells.seenOf(field);
    field.classList.toggle("is-typed", isTyped);
    if (isTyped) cells.pin(field);
    else if (field.classList.contains("is-behind")) merging.askAgain(field);
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
  document.addEventListener("stream-lost", () => {
    const told = document.getElementById("told");
    if (told && told.hidden) tell("This workstation does not answer. This page goes on by itself once it does.");
  });
  document.addEventListener("stream-open", () => {
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
