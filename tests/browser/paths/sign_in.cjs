// Who is let in on one machine: whoever opens the link, once; nobody without a session, and nobody with one that is over.
"use strict";
const assert = require("node:assert/strict");

exports.title = "the link lets one browser in; without a session, or after it, nothing is shown and nothing done";
exports.walk = async (bench) => {
  await bench.read("acme", "auvik", "client,asset");
  const stranger = await bench.guest();
  for (const place of ["/", "/add", "/audit", "/i/acme", "/i/acme/unsynced.csv", "/catalogue?kind=client"]) {
    assert.equal((await stranger.go(place)).status(), 401, place);
    await stranger.page.getByRole("heading", { name: "You are not signed in" }).waitFor();
    assert.equal(await stranger.page.getByText("acme").count(), 0, place);
  }
  await stranger.look("not-signed-in");

  const guest = await bench.signedIn();
  const { page } = guest;
  const [cookie] = await guest.context.cookies();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Lax"]);
  assert.equal((await stranger.page.goto(bench.link)).status(), 401, "the link was used");
  assert.equal((await page.goto(bench.link)).status(), 200, "it may stay in the history of who came in by it");
  assert.equal((await guest.go("/i/nobody")).status(), 404);
  await guest.look("not-found");

  // A session that nobody knows is none, whatever it is called.
  await stranger.context.addCookies([{ ...cookie, value: "0".repeat(cookie.value.length) }]);
  assert.equal((await stranger.go("/")).status(), 401);

  // The program ends while a page is open: its buttons order nothing, and the next link leads back.
  await guest.go("/i/acme");
  await bench.serve(new URL(bench.origin).host);
  await guest.press("Pause");
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await guest.look("session-over");
  assert.equal((await bench.command("integration", "show", "acme")).state, "configured");
  await page.goto(bench.link);
  await page.getByRole("heading", { name: "Integrations" }).waitFor();
  await guest.go("/i/acme");
  await guest.press("Pause");
  await guest.reads("It is paused");
  await guest.look("paused");
};
