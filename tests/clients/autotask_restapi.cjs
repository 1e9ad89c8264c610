// Reads the simulated Autotask with `@apigrate/autotask-restapi` 2.0.1, a client from npm, and holds every row against
// the world. That client looks the zone up by itself, reads by POST, and does not page: that is done here, by ids above
// the last.

"use strict";

const fs = require("node:fs");
const { AutotaskRestApi } = require("@apigrate/autotask-restapi");

const summary = JSON.parse(process.argv[2]);
const listing = summary.vendors.find((vendor) => vendor.vendor === "autotask");
const world = JSON.parse(fs.readFileSync(process.argv[3], "utf8")).psa;

// How the simulator derives its ids from the world's numbers.
const companyId = (company) => (company.standing === "msp" ? 0 : 160 + company.number);
const contactId = (number) => (number === null ? null : 30684000 + number);
const resourceId = (number) => 29682800 + number;
const locationId = (number) => (number === null ? null : 900 + number);
const itemId = (number) => 155000 + number;

const [customer, prospect, supplier] = ["Customer", "Prospect", "Vendor"];
const COMPANY_TYPES = { msp: customer, customer, former: customer, prospect, supplier };
const PAGE_ROWS = 100;

let checked = 0;
const failed = [];

function same(what, expected, found) {
  checked += 1;
  const [one, other] = [expected, found].map((value) => JSON.stringify(value));
  if (one !== other) failed.push(`${what}: expected ${one}, found ${other}`);
}

// Null and a blank text mean the same.
const text = (value) => (value === null || value === undefined ? "" : value);

/** Reads an entity to its end. */
async function readAll(entity) {
  const rows = [];
  let filter = { op: "gte", field: "id", value: 0 };
  for (;;) {
    const page = await entity.query({ MaxRecords: PAGE_ROWS, Filter: [filter] });
    rows.push(...page.items);
    same("count of a page", page.items.length, page.pageDetails.count);
    if (page.pageDetails.nextPageUrl === null) return rows;
    filter = { op: "gt", field: "id", value: rows[rows.length - 1].id };
  }
}

/** Returns the labels of a picklist by value. */
async function picklist(entity, name) {
  const { fields } = await entity.fieldInfo();
  const field = fields.find((one) => one.name.toLowerCase() === name.toLowerCase());
  return Object.fromEntries(field.picklistValues.map((choice) => [choice.value, choice.label]));
}

/** Compares rows with what there is, by id, whatever the order. */
async function compare(what, entity, expected, shown) {
  const rows = await readAll(entity);
  const found = new Map(rows.map((row) => [row.id, row]));
  same(`rows of ${what}`, expected.length, rows.length);
  same(`ids of ${what}`, expected.length, found.size);
  const { queryCount } = await entity.count({ Filter: [{ op: "exist", field: "id" }] });
  same(`count of ${what}`, expected.length, queryCount);
  for (const wanted of expected) {
    const row = found.get(wanted.id);
    same(`${what} ${wanted.id}`, wanted, row && shown(row));
  }
  for (const row of [rows[0], rows[rows.length - 1]]) {
    same(`${what} ${row.id} by itself`, row, (await entity.get(row.id)).item);
  }
  same(`unknown one of ${what}`, { item: null }, await entity.get(999999999));
}

function address(site) {
  const { street, floor, city, state, postal_code, country } = site;
  return [street, text(floor), city, state, postal_code, country];
}

async function main() {
  const { username, secret, integration_code } = listing.secret;
  const connect = (password) =>
    new AutotaskRestApi(username, password, integration_code, { base_url: `${listing.url}/ATServicesRest/` });
  const api = connect(secret);

  const countries = Object.fromEntries((await readAll(api.Countries)).map((row) => [row.id, row.displayName]));
  const companyTypes = await picklist(api.Companies, "companyType");
  const licenses = await picklist(api.Resources, "licenseType");
  const itemTypes = await picklist(api.ConfigurationItems, "configurationItemType");
  const makes = await picklist(api.ConfigurationItems, "rmmDeviceAuditManufacturerID");
  const models = await picklist(api.ConfigurationItems, "rmmDeviceAuditModelID");
  const below = (key, make) => world.companies.flatMap((company) => company[key].map((one) => make(one, company)));

  await compare(
    "companies",
    api.Companies,
    world.companies.map((company) => ({
      id: companyId(company),
      name: company.name,
      type: COMPANY_TYPES[company.standing],
      active: company.standing !== "former",
      address: address(company.sites[0]),
    })),
    (row) => ({
      id: row.id,
      name: row.companyName,
      type: companyTypes[row.companyType],
      active: row.isActive,
      address: [row.address1, text(row.address2), row.city, row.state, row.postalCode, countries[row.countryID]],
    }),
  );
  await compare(
    "locations",
    api.CompanyLocations,
    below("sites", (site, company) => ({
      id: locationId(site.number),
      company: companyId(company),
      name: site.name,
      active: site.is_active,
      address: address(site),
    })),
    (row) => ({
      id: row.id,
      company: row.companyID,
      name: row.name,
      active: row.isActive,
      address: [row.address1, text(row.address2), row.city, row.state, row.postalCode, countries[row.countryID]],
    }),
  );
  await compare(
    "contacts",
    api.Contacts,
    below("contacts", (person, company) => ({
      id: contactId(person.number),
      company: companyId(company),
      location: locationId(person.site),
      name: [person.given_name, person.family_name],
      email: text(person.email),
      phone: person.phone,
      title: person.title,
      active: person.is_active ? 1 : 0,
    })),
    (row) => ({
      id: row.id,
      company: row.companyID,
      location: row.companyLocationID,
      name: [row.firstName, row.lastName],
      email: text(row.emailAddress),
      phone: row.phone,
      title: text(row.title),
      active: row.isActive,
    }),
  );
  await compare(
    "resources",
    api.Resources,
    world.users.map((person) => ({
      id: resourceId(person.number),
      name: [person.given_name, person.family_name],
      email: text(person.email),
      title: person.title,
      active: person.is_active,
      api: person.is_api_only,
    })),
    (row) => ({
      id: row.id,
      name: [row.firstName, row.lastName],
      email: text(row.email),
      title: text(row.title),
      active: row.isActive,
      api: licenses[row.licenseType].startsWith("API"),
    }),
  );
  await compare(
    "configuration items",
    api.ConfigurationItems,
    below("devices", (device, company) => ({
      id: itemId(device.number),
      company: companyId(company),
      title: text(device.name),
      serial: text(device.serial),
      type: device.type,
      location: locationId(device.site),
      contact: contactId(device.contact),
      // Only what the RMM has an agent on is audited.
      audit: device.has_agent
        ? [text(device.name), text(device.make), text(device.model), text(device.os), device.macs, text(device.ips[0])]
        : ["", "", "", "", [], ""],
    })),
    (row) => ({
      id: row.id,
      company: row.companyID,
      title: text(row.referenceTitle),
      serial: text(row.serialNumber),
      type: itemTypes[row.configurationItemType],
      location: row.companyLocationID,
      contact: row.contactID,
      audit: [
        text(row.rmmDeviceAuditHostname),
        text(makes[row.rmmDeviceAuditManufacturerID]),
        text(models[row.rmmDeviceAuditModelID]),
        text(row.rmmDeviceAuditOperatingSystem),
        macs(row.rmmDeviceAuditMacAddress),
        text(row.rmmDeviceAuditIPAddress),
      ],
    }),
  );

  const all = await api.Companies.query({ Filter: [{ op: "greaterThan", field: "id", value: 5 }] });
  same("an unknown operator is dropped", world.companies.length, all.items.length);
  await refused("an unknown field", 500, api.Contacts.query({ Filter: [{ op: "eq", field: "nothing", value: 1 }] }));
  await refused("a wrong secret", 401, connect("wrong").Companies.query({ Filter: [{ op: "exist", field: "id" }] }));
}

/** Returns the addresses in a free text, as the world writes them. */
function macs(written) {
  const parts = text(written).split(/[;,|\s]+/).filter((part) => part !== "");
  return parts.map((part) => part.replace(/[^0-9a-f]/gi, "").toUpperCase().match(/../g).join(":"));
}

async function refused(what, status, asked) {
  const found = await asked.then(
    () => "an answer",
    (error) => error.status,
  );
  same(what, status, found);
}

main()
  .then(() => {
    failed.slice(0, 40).forEach((line) => console.error(`autotask_restapi: ${line}`));
    console.log(`autotask_restapi: ${checked} checks, ${failed.length} failed`);
    process.exit(failed.length > 0 || checked === 0 ? 1 : 0);
  })
  .catch((error) => {
    console.error(`autotask_restapi: ${error.stack}`);
    process.exit(1);
  });
