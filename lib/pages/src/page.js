// Spares a reload while a run is under way: asks for the same page and puts its live part in place.
"use strict";
(() => {
  const every = 1500;
  let failures = 0;
  async function look() {
    const live = document.getElementById("live");
    if (!live || live.dataset.live !== "yes") return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (!answer.ok || !fresh || fresh.dataset.live !== "yes") return location.reload();
      live.replaceWith(document.adoptNode(fresh));
      failures = 0;
    } catch {
      failures += 1;
    }
    if (failures < 5) setTimeout(look, every);
  }
  setTimeout(look, every);
})();
