// Fields are saved when they are left. One script for all of them: a document may have thousands.
"use strict";
const cells = (() => {
  // What its person has seen: the value it came with.
  const seenOf = (field) => {
    const told = field.querySelector("[name=seen]");
    if (told) return told.value;
    if (field.dataset.seen !== undefined) return field.dataset.seen;
    const box = field.querySelector("input, select, textarea");
    if (!box) return "";
    return box.matches("select") ? ([...box.options].find((option) => option.defaultSelected) || { value: "" }).value : box.defaultValue;
  };
  const versionOf = (field) => field.dataset.pinned || (field.closest("[data-version]") || { dataset: {} }).dataset.version || "";
  const addressOf = (field, box) => {
    if (field.dataset.save) return field.dataset.save;
    const line = field.closest("tbody.line"), table = line && line.closest("[data-at]");
    return table ? `${table.dataset.at}${line.id.slice(5)}/fields/${box.name}` : "";
  };
  // What is in a field that is saved by itself: where it goes, and with what.
  const draftOf = (field) => {
    const box = field.querySelector("input:not([type=hidden]), select, textarea:not([hidden])");
    const address = box && (box.getAttribute("hx-post") || addressOf(field, box));
    if (!address) return null;
    const named = [...field.querySelectorAll("[name]")].map((node) => [node.name, node.value]);
    const values = box.hasAttribute("hx-post") ? Object.fromEntries(named) : { value: box.value, seen: seenOf(field), version: versionOf(field) };
    return { field, box, address, values };
  };
  // From the first key on it is answered as of what was there then, whatever comes in meanwhile.
  const pin = (field) => { if (!field.dataset.pinned) field.dataset.pinned = versionOf(field); };
  const unpin = (field) => { delete field.dataset.pinned; };
  // What its row shows is not what the server has sent, so the server is to send it again.
  const forget = (node) => { const line = node.closest("tbody.line"); if (line) line.removeAttribute("data-have"); };

  // Who goes on typing in a text while it is being saved has seen what was sent, and nothing of it is to be added again.
  const isRefused = (text) => Boolean(new DOMParser().parseFromString(text, "text/html").querySelector("[aria-invalid=true]"));
  document.addEventListener("htmx:beforeSend", (event) => {
    const { xhr, elt, requestConfig } = event.detail, field = requestConfig.verb !== "get" && elt.closest(".field");
    const told = field && field.querySelector("textarea[name=seen]"), sent = elt.value;
    // Before what waited for this answer is sent.
    if (told) xhr.addEventListener("readystatechange", () => {
      if (xhr.readyState === 4 && xhr.status && field.classList.contains("is-typed") && xhr.status < 400 && !isRefused(xhr.responseText)) told.value = sent;
    });
  });

  // What a request saves: the box of its field; null for what is picked for it, or only stands in it.
  const boxSavedBy = (elt, path) => {
    const draft = elt.matches("input, select, textarea") && elt.closest(".field") && draftOf(elt.closest(".field"));
    return draft && draft.box === elt && draft.address === path ? draft.box : null;
  };
  // What its person takes for saved.
  const onItsWay = new Map();
  const knownOf = (field) => (onItsWay.has(field) ? onItsWay.get(field).value : seenOf(field));
  document.addEventListener("htmx:beforeSend", (event) => {
    const { xhr, elt, requestConfig } = event.detail, box = boxSavedBy(elt, requestConfig.path), field = box && box.closest(".field");
    if (!box) return;
    const sent = { value: box.value };
    onItsWay.set(field, sent);
    // What waited for this answer may be on its way by now.
    xhr.addEventListener("loadend", () => { if (onItsWay.get(field) === sent) onItsWay.delete(field); });
  });

  // A failure is told by the events that htmx sends; its promise would tell it once more, to nobody.
  const send = (verb, address, context) => htmx.ajax(verb, address, context).catch(() => {});
  const save = (box) => {
    const field = box.closest(".field"), draft = field && !box.hasAttribute("hx-post") && draftOf(field);
    if (draft) send("POST", draft.address, { source: box, target: field, swap: "merge", values: draft.values });
  };
  document.addEventListener("change", (event) => { if (event.target.matches("input, select, textarea")) save(event.target); });
  document.addEventListener("focusin", (event) => { if (event.target.matches("[data-lines] input")) event.target.autocomplete = "off"; });
  return { send, seenOf, knownOf, draftOf, boxSavedBy, isRefused, pin, unpin, forget };
})();
