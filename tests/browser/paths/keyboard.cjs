// The main flow with the keyboard alone: what has the focus is seen, and everything is reached in the order of the page.
"use strict";
const assert = require("node:assert/strict");

const TABS_MAX = 120;

/** Presses Tab until `locator` has the focus, which must then be seen. */
async function to(page, locator) {
  const target = await locator.first().elementHandle();
  const has = () => target.evaluate((element) => element === document.activeElement);
  for (let nth = 0; nth < TABS_MAX && !(await has()); nth += 1) await page.keyboard.press("Tab");
  assert.ok(await has(), `Tab does not reach ${locator}`);
  const ring = await target.evaluate((element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  });
  assert.ok(ring, `the focus is not seen on ${locator}`);
}

async function enter(page, locator) {
  await to(page, locator);
  await page.keyboard.press("Enter");
}

async function type(page, locator, text) {
  await to(page, locator);
  await page.keyboard.type(text);
}

exports.title = "the main flow with the keyboard alone";
exports.walk = async (bench) => {
  const guest = await bench.signedIn();
  const { page } = guest;
  const { settings, secret } = bench.vendors.auvik;
  const button = (name) => page.getByRole("button", { name });
  const link = (name) => page.getByRole("link", { name });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await enter(page, link("Add the first integration"));
  await page.waitForURL(/\/add$/);
  await enter(page, link(/^Auvik/));
  await page.waitForURL(/vendor=auvik/);
  await type(page, page.getByLabel("Name of this integration"), "acme");
  await type(page, page.getByLabel("Address"), settings.url);
  await type(page, page.getByLabel("Username"), secret.username);
  await type(page, page.getByLabel("API key"), secret.api_key);
  await page.keyboard.press("Enter");
  await guest.reads("The vendor lets us in.");
  await enter(page, button("Save").first());
  await guest.reads("Saved.");
  await enter(page, button("Read the vendor"));
  await guest.ends(link("Go to matching"));
  await enter(page, link("Go to matching"));
  await page.waitForURL(/\/match\/client$/);
  const exclude = button(/^Exclude /).first();
  const name = (await exclude.getAttribute("aria-label")).slice("Exclude ".length);
  await enter(page, exclude);
  await guest.reads("Staged for 1 record");
  await enter(page, button("Create all unmatched"));
  await guest.reads(/Staged for \d+ records/);
  await enter(page, link("Next: preview"));
  await enter(page, button("Finish"));
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByText("Live", { exact: true }));
  await guest.ends(button("Sync now"));
  const { items } = await bench.command("records", "acme", "--kind", "client", "--state", "excluded");
  assert.deepEqual(items.map((of) => of.name), [name]);
};
