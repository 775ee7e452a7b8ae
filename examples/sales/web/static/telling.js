// What did not work is told, and what was typed and could not be saved is kept, says so, and is tried again.
"use strict";
const telling = (() => {
  const UNANSWERED = "This workstation does not answer.";
  const WORKSTATION = "workstation"; // What is told of it is over when it answers.
  const LOCKED = 423;
  let about = null; // Whose failure is told.

  const tell = (text, who = null) => {
    const told = document.getElementById("told");
    if (!told) return;
    about = who;
    told.textContent = text;
    told.hidden = !text;
  };
  const boxOf = (field) => field.querySelector("input:not([type=hidden]), select, textarea:not([hidden])");
  // A field that only looks for what is added has nothing of its own to be saved.
  const isSaving = ({ verb, elt }) => verb !== "get" && elt.closest(".field:not([data-is-emptied])");

  // What did not arrive is still only typed, and nothing that comes from elsewhere may take its place.
  const keep = (field) => {
    const box = boxOf(field), id = `${box.id}-unsaved`;
    field.classList.add("is-typed", "is-unsaved");
    if (document.getElementById(id)) return;
    const note = Object.assign(document.createElement("p"), { id, className: "error", textContent: "Not saved yet" });
    field.append(note);
    box.setAttribute("aria-describedby", `${box.getAttribute("aria-describedby") || ""} ${id}`.trim());
  };
  const tryAgain = (field) => { boxOf(field).dispatchEvent(new Event("change", { bubbles: true })); };

  // What is told stays until its person does something else, or what failed has worked. What was done before it was
  // told, and has only waited, says nothing of it.
  document.addEventListener("htmx:confirm", (event) => { if (event.detail.verb !== "get" && !event.detail.hasWaited) tell(""); });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { verb, elt } = event.detail.requestConfig, field = verb !== "get" && elt.closest(".field");
    // From here on it is on its way; what is typed after this is new again. What is looked for while it is typed is not saved.
    if (field) field.classList.remove("is-typed", "is-unsaved");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { successful, elt } = event.detail;
    if (successful && about && [WORKSTATION, elt].includes(about)) tell("");
  });
  // An answer is heard where it goes: what asked may be no more in the page, and its events with it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { isError, xhr, requestConfig } = event.detail;
    if (!isError) return;
    const field = isSaving(requestConfig);
    if (field) keep(field);
    if (field && xhr.status === LOCKED) shut.add(field);
    const type = xhr.getResponseHeader("Content-Type") || "";
    tell(type.startsWith("text/plain") ? xhr.responseText : "That did not work. What you typed is still here.", requestConfig.elt);
  });
  document.addEventListener("htmx:sendError", (event) => {
    const field = isSaving(event.detail.requestConfig);
    if (field) keep(field);
    tell(field ? `${UNANSWERED} What you typed is still here, and is saved once it does.` : UNANSWERED, WORKSTATION);
  });

  // Left again, it is tried again.
  document.addEventListener("focusout", (event) => {
    const field = event.target.closest(".field.is-unsaved");
    if (field && event.target === boxOf(field) && !event.target.matches(":disabled")) tryAgain(field);
  });
  // Where a lock came over what is typed, it is saved once the lock is gone. Until then it would only be refused, though
  // a browser takes a field that is locked for one that was left.
  const shut = new WeakSet();
  document.addEventListener("change", (event) => { if (event.target.matches(":disabled")) event.stopPropagation(); }, { capture: true });
  document.addEventListener("merged", (event) => {
    for (const field of event.target.querySelectorAll(".field.is-typed")) {
      const isShut = boxOf(field).matches(":disabled");
      if (!isShut && shut.delete(field)) tryAgain(field);
      if (!isShut || shut.has(field)) continue;
      shut.add(field);
      keep(field);
      tell("This is locked while it is synced. What you typed is still here, and is saved once it is not.");
    }
  });

  // A header that nobody brings up to date says nothing of the sync.
  const silence = () => {
    const health = document.getElementById("health");
    if (!health) return;
    const said = Object.assign(document.createElement("span"), { className: "said", textContent: "Does not answer" });
    const lamp = Object.assign(document.createElement("span"), { className: "lamp" });
    lamp.setAttribute("aria-hidden", "true");
    said.prepend(lamp, " ");
    health.className = "health problem";
    health.replaceChildren(said);
  };
  document.addEventListener("stream-lost", () => {
    const told = document.getElementById("told");
    if (told && told.hidden) tell(`${UNANSWERED} This page goes on by itself once it does.`, WORKSTATION);
    silence();
  });
  document.addEventListener("stream-open", () => {
    if (about === WORKSTATION) tell("");
    for (const field of document.querySelectorAll(".field.is-unsaved")) tryAgain(field);
  });
  return { keep };
})();
