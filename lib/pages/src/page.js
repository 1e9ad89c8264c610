// Spares reloads. Every page works without this script: links ask, forms order.
"use strict";
(() => {
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  const ask = (path, options) =>
    fetch(path, { headers: { Accept: "text/html" }, credentials: "same-origin", ...options });

  // Instants in the viewer's own zone, the whole of each on hover.
  const language = document.documentElement.lang;
  const day = (at) => [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
  function local(within) {
    for (const time of within.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const clock = at.toTimeString().slice(0, time.dataset.show === "clock" ? 8 : 5);
      const today = time.dataset.show !== "clock" && day(at) === day(new Date());
      time.textContent = `${today ? "today" : day(at)} ${clock}`;
      time.title = full.format(at);
    }
  }

  // While a run is under way its part of the page is asked for again and put in place.
  const every = 1500;
  let failures = 0;
  // A page that somebody is leaving is not loaded again: that would take them back.
  let left = 0;
  addEventListener("beforeunload", () => { left = Date.now(); });
  async function look() {
    const live = document.getElementById("live");
    if (!live || live.dataset.live !== "yes") return;
    try {
      const answer = await ask(location.href);
      const fresh = parse(await answer.text()).getElementById("live");
      if (Date.now() - left < 2 * every) return setTimeout(look, every);
      if (!answer.ok || !fresh || fresh.dataset.live !== "yes") return location.reload();
      local(fresh);
      live.replaceWith(document.adoptNode(fresh));
      failures = 0;
    } catch {
      failures += 1;
    }
    if (failures < 5) setTimeout(look, every);
  }

  // A decision changes the page in place, so that nobody loses their place in a long list.
  let busy = false;
  let onward;
  async function order(form, button) {
    const sent = new URLSearchParams(new FormData(form, button));
    busy = true;
    document.body.classList.add("busy");
    try {
      const answer = await ask(button?.getAttribute("formaction") ?? form.getAttribute("action"), { method: "POST", body: sent });
      const page = parse(await answer.text());
      const main = page.getElementById("main");
      if (!main) return location.reload();
      document.querySelector("dialog[open]")?.close();
      document.getElementById("main").replaceWith(document.adoptNode(main));
      document.title = page.title;
      if (answer.url) history.replaceState(null, "", answer.url);
      begin(main);
      const notice = main.querySelector(".notice");
      if (notice) {
        notice.tabIndex = -1;
        notice.focus({ preventScroll: true });
      }
      look();
    } catch {
      form.submit();
    } finally {
      busy = false;
      document.body.classList.remove("busy");
      if (onward) location.assign(onward);
    }
  }

  // "Find…" opens above the list and searches while one types.
  async function pick(path) {
    const answer = await ask(path);
    const found = parse(await answer.text()).getElementById("pick");
    if (!answer.ok || !found) return location.assign(path);
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-labelledby", "pick-title");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button small close";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.append(document.adoptNode(found), close);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    begin(dialog);
    dialog.querySelector("input[type=search]")?.focus();
  }

  function searchWhileTyping(form) {
    const field = form.querySelector("input[type=search]");
    let waiting;
    let last = 0;
    const search = async () => {
      const turn = (last += 1);
      const answer = await ask(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`);
      const found = parse(await answer.text()).getElementById("found");
      const place = document.getElementById("found");
      if (turn === last && answer.ok && found && place) place.replaceWith(document.adoptNode(found));
    };
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(search, 200);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(waiting);
      search();
    });
  }

  // One box picks the whole page, and the number of picked rows is told.
  function pickable(table) {
    const boxes = [...table.querySelectorAll("input[name=record]")];
    const place = table.querySelector("th.pick");
    const told = table.closest("form")?.querySelector("[data-picked]");
    if (!place || boxes.length === 0) return;
    const all = document.createElement("input");
    all.type = "checkbox";
    all.setAttribute("aria-label", "Pick all on this page");
    place.append(all);
    const tell = () => {
      const picked = boxes.filter((box) => box.checked).length;
      all.checked = picked === boxes.length;
      all.indeterminate = picked > 0 && picked < boxes.length;
      if (told) told.textContent = picked > 0 ? `(${picked})` : "";
    };
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
    for (const box of boxes) box.addEventListener("change", tell);
    tell();
  }

  function begin(within) {
    local(within);
    within.querySelectorAll("form[data-find]").forEach(searchWhileTyping);
    within.querySelectorAll("table.records").forEach(pickable);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.dataset.swap !== "yes") return;
    event.preventDefault();
    if (!busy) order(form, event.submitter);
  });
  document.addEventListener("click", (event) => {
    // Who goes on before the decision has arrived goes on after it.
    const away = busy && event.target.closest?.("a[href]");
    if (away) {
      event.preventDefault();
      onward = away.href;
      return;
    }
    const link = event.target.closest?.("a[data-pick]");
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    pick(link.getAttribute("href")).catch(() => location.assign(link.href));
  });
  begin(document);
  setTimeout(look, every);
})();
