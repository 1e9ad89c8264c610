// A device whose serial number says one documentation record and whose host name another: a person decides.
"use strict";
const assert = require("node:assert/strict");

exports.title = "an ambiguous record is resolved where it is listed";
exports.walk = async (bench) => {
  await bench.read("acme", "nable-rmm", "client,location,asset");
  const clients = (await bench.command("records", "acme", "--kind", "client")).items;
  const devices = (await bench.command("records", "acme", "--kind", "asset")).items;
  const device = devices.find((of) => of.fields.serial_number && of.fields.hostname && of.fields.mac_addresses);
  const client = clients.find((of) => of.vendor_id === device.client_vendor_id).name;
  await bench.documented("client", [{ name: client }]);
  const { serial_number, mac_addresses: [mac] } = device.fields;
  await bench.documented("asset", [
    { name: "known by its serial number", client, serial_number, mac_addresses: "" },
    { name: "known by its network card", client, serial_number: "", mac_addresses: mac },
  ]);
  await bench.command("auto-match", "acme", "--kind", "client");
  await bench.command("create-unmatched", "acme", "--kind", "client");
  await bench.command("finish", "acme");

  const guest = await bench.signedIn();
  const { page } = guest;
  await guest.go("/");
  await page.locator(".card").getByRole("link", { name: /unsynced Assets/ }).click();
  await page.getByLabel("Reason", { exact: true }).selectOption("ambiguous_match");
  await guest.press("Show");
  const row = page.getByRole("row").filter({ hasText: device.name });
  await row.getByRole("link", { name: "known by its serial number" }).waitFor();
  await row.getByRole("link", { name: "known by its network card" }).waitFor();
  await guest.look("ambiguous");
  const csv = await (await page.request.get(`${bench.origin}/i/acme/unsynced.csv`)).text();
  assert.match(csv, /ambiguous_match/);

  await row.getByRole("button", { name: /^Match .*known by its serial number/ }).click();
  await guest.reads("Staged for 1 record");
  await guest.go("/");
  await guest.reads("Decisions are staged.");
  await guest.follow("Preview and finish");
  await guest.look("preview-of-one");
  await guest.press("Finish");
  await page.waitForURL(`${bench.origin}/`);
  await guest.ends(page.getByRole("button", { name: "Sync now" }));
  await guest.go("/i/acme/unsynced?kind=asset&reason=ambiguous_match");
  assert.equal(await page.getByRole("row").filter({ hasText: device.name }).count(), 0);
  const { items } = await bench.command("records", "acme", "--kind", "asset", "--search", device.vendor_id);
  assert.deepEqual(items.map((of) => [of.state, of.doc_name]), [["matched", "known by its serial number"]]);
};
