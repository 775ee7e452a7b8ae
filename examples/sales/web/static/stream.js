// What a server says is out of date, to all pages that a browser has open of it: a browser gives one server six
// connections, so a stream for each page would leave none to the seventh. Runs in the page, and in a worker that
// the pages share, which is called by the address of its stream.
"use strict";
const stream = (() => {
  const RETRY_MS = 1000, SILENCE_MS = 45_000;

  // Tells what is out of date, and whether it is heard at all; a stream that broke is opened again.
  const open = (address, tell) => {
    let source = null, timer = 0;
    const lost = () => {
      source.close();
      tell({ isOpen: false });
      clearTimeout(timer);
      timer = setTimeout(connect, RETRY_MS);
    };
    // The server says now and then that it is here still.
    const listen = () => { clearTimeout(timer); timer = setTimeout(lost, SILENCE_MS); };
    const connect = () => {
      source = new EventSource(address);
      source.onopen = () => { listen(); tell({ isOpen: true }); };
      source.onmessage = (event) => { listen(); tell({ heard: event.data.split(" ") }); };
      source.onerror = lost;
      listen();
    };
    connect();
    return { close: () => { clearTimeout(timer); source.close(); } };
  };

  const share = () => {
    const pages = new Set();
    let isOpen = false;
    self.onconnect = (event) => {
      const [page] = event.ports;
      pages.add(page);
      page.onmessage = () => pages.delete(page); // All it says is that it goes.
      // What the stream said when it was opened was said to others.
      if (isOpen) page.postMessage({ isOpen, heard: ["everything"] });
    };
    open(self.name, (said) => {
      isOpen = said.isOpen ?? isOpen;
      for (const page of pages) page.postMessage(said);
    });
  };
  if ("onconnect" in self) share();
  return { open };
})();
