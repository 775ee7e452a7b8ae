// Lines are put into order by dragging their handles, by mouse, pen or finger, and by Alt with the arrows.
"use strict";
(() => {
  const EDGE_PX = 48, STEP_PX = 12;
  let drag = null; // What is being dragged, and where it would go.

  const idOf = (line) => line.id.slice(5);
  const ask = (verb, line, what, values = {}) => {
    const table = line && line.closest("[data-lines]");
    // The lines ask for all of them: what is done to one after another is done in that order.
    if (table) cells.send(verb, table.dataset.at + what, { source: "#lines", target: "#deal", swap: "merge", values });
  };
  const move = (line, values) => ask("POST", line, `${idOf(line)}/move`, values);
  const lines = () => [...document.querySelectorAll("[data-lines] > .line")];
  const clear = () => document.querySelectorAll(".drop-before, .drop-after, .dragged").forEach((node) => node.classList.remove("drop-before", "drop-after", "dragged"));

  const show = (y) => {
    clear();
    const others = lines().filter((line) => idOf(line) !== drag.line);
    const before = others.find((line) => { const box = line.getBoundingClientRect(); return y < box.top + box.height / 2; });
    drag.before = before ? idOf(before) : "";
    const dragged = lines().find((line) => idOf(line) === drag.line);
    if (!dragged) return;
    dragged.classList.add("dragged");
    if (before) before.classList.add("drop-before");
    else if (others.length) others[others.length - 1].classList.add("drop-after");
  };
  const end = () => { drag = null; clear(); };

  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (!grip || event.button !== 0) return;
    drag = { line: idOf(grip.closest("tbody.line")), pointer: event.pointerId, from: event.clientY, isMoving: false, before: "" };
    grip.setPointerCapture(event.pointerId);
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    if (!drag.isMoving && Math.abs(event.clientY - drag.from) < 4) return;
    drag.isMoving = true;
    if (event.clientY < EDGE_PX) window.scrollBy(0, -STEP_PX);
    if (event.clientY > window.innerHeight - EDGE_PX) window.scrollBy(0, STEP_PX);
    show(event.clientY);
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { line, before, isMoving } = drag;
    end();
    const moved = lines().find((node) => idOf(node) === line);
    const follower = moved && moved.nextElementSibling && idOf(moved.nextElementSibling);
    // Where it is already is no place to move to.
    if (isMoving && moved && (follower || "") !== before) move(moved, { before });
  });
  document.addEventListener("pointercancel", (event) => { if (drag && event.pointerId === drag.pointer) end(); });

  document.addEventListener("keydown", (event) => {
    if (drag && event.key === "Escape") { end(); return; }
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const line = event.target.closest("tbody.line");
    if (!step || !line) return;
    const isGrip = event.target.matches(".grip");
    // In a list of choices these keys open the list.
    if (!isGrip && (!event.altKey || event.target.matches("select, [list], [role=combobox]"))) return;
    event.preventDefault();
    const ordered = lines();
    const place = ordered.indexOf(line) + step;
    if (place >= 0 && place < ordered.length) move(line, { step });
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step], [data-do]"), line = button && button.closest("tbody.line");
    if (!line) return;
    event.preventDefault();
    if (button.dataset.step) move(line, { step: button.dataset.step });
    else if (button.dataset.do === "toggle") cells.send("GET", `${location.pathname}?toggle=${idOf(line)}`, { source: "#lines", target: "#deal", swap: "merge" });
    else ask("POST", line, `${idOf(line)}/${button.dataset.do}`);
  });
  // A line that only moved is not sent again, so its number is counted here.
  document.addEventListener("htmx:afterSettle", () => {
    lines().forEach((line, at) => {
      const number = line.querySelector(".number"), now = String(at + 1);
      if (number.textContent === now) return;
      number.textContent = now;
      for (const button of line.querySelectorAll(":is(button, a)[aria-label]")) button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/\bline \d+/, `line ${now}`));
    });
  });
  // What a sign means is shown where it is pointed at, and sent once.
  document.addEventListener("pointerover", (event) => {
    const button = event.target.closest("[data-lines] button");
    if (button && !button.title) button.title = button.getAttribute("aria-label");
  });
})();
