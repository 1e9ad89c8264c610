//! Names of clients, people and places: enough of them that a world reads like a real account.

use fastrand::Rng;

const FIRST_WORDS: &[&str] = &[
    "Harbour",
    "Quill",
    "Larkspur",
    "Northgate",
    "Juniper",
    "Millbrook",
    "Copper",
    "Saltmarsh",
    "Beacon",
    "Whitfield",
    "Orchard",
    "Redwood",
    "Kestrel",
    "Granite",
    "Maple",
    "Fenwick",
    "Bluewater",
    "Thistle",
    "Ashford",
    "Summit",
    "Cedar",
    "Riverside",
    "Hollow",
    "Marlowe",
    "Pinecrest",
    "Stonebridge",
    "Clearview",
    "Elmwood",
    "Foxglove",
    "Ironside",
    "Lakeshore",
    "Meadow",
    "Oakfield",
    "Prairie",
    "Rosewood",
    "Silverline",
    "Tidewater",
    "Underhill",
    "Valley",
    "Westbrook",
];

const TRADES: &[&str] = &[
    "Dental",
    "Accounting",
    "Veterinary",
    "Logistics",
    "Architects",
    "Law",
    "Pharmacy",
    "Brewing",
    "Realty",
    "Engineering",
    "Physiotherapy",
    "Insurance",
    "Bakery",
    "Motors",
    "Printing",
    "Optical",
    "Joinery",
    "Catering",
    "Surveyors",
    "Textiles",
    "Landscaping",
    "Roofing",
    "Publishing",
    "Marine",
];

const FORMS: &[&str] = &["Ltd.", "Inc.", "LLC", "Group", "Partners", ""];

const GIVEN_NAMES: &[&str] = &[
    "Ana", "Bram", "Chloe", "Dev", "Elif", "Femi", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam", "Maya", "Noor",
    "Oscar", "Petra", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Viktor", "Wanda", "Yusuf", "Zoë",
];

const FAMILY_NAMES: &[&str] = &[
    "Adeyemi",
    "Bauer",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Hughes",
    "Ivanov",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "O'Brien",
    "Patel",
    "Quirke",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Walsh",
    "Young",
    "Zhang",
    "Müller",
];

const TITLES: &[&str] = &["Office Manager", "Director", "Bookkeeper", "Practice Manager", "IT Coordinator", ""];

const STREETS: &[&str] = &["Quay Street", "Mill Lane", "High Street", "Station Road", "Second Avenue", "Church Hill"];

/// City, state, beginning of the postal code, country.
const CITIES: &[(&str, &str, &str, &str)] = &[
    ("Halifax", "Nova Scotia", "B3J", "Canada"),
    ("Portland", "Oregon", "972", "United States"),
    ("Bristol", "England", "BS1", "United Kingdom"),
    ("Galway", "Connacht", "H91", "Ireland"),
    ("Hobart", "Tasmania", "70", "Australia"),
    ("Dayton", "Ohio", "454", "United States"),
    ("Utrecht", "Utrecht", "35", "Netherlands"),
];

/// Where somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Address {
    pub street: String,
    pub floor: Option<&'static str>,
    pub city: &'static str,
    pub state: &'static str,
    pub postal_code: String,
    pub country: &'static str,
}

/// Returns a company's name without its legal form, and the form (which may be empty).
pub(super) fn company(rng: &mut Rng) -> (String, &'static str) {
    let trade = pick(rng, TRADES);
    let first = pick(rng, FIRST_WORDS);
    let name = match rng.u32(0..10) {
        0 => format!("{first} & {} {trade}", pick(rng, FIRST_WORDS)),
        1 => format!("{trade} of {}", pick(rng, CITIES).0),
        _ => format!("{first} {trade}"),
    };
    (name, pick(rng, FORMS))
}

/// Returns a place of a company.
pub(super) fn address(rng: &mut Rng) -> Address {
    let (city, state, zone, country) = pick(rng, CITIES);
    Address {
        street: format!("{} {}", rng.u32(1..300), pick(rng, STREETS)),
        floor: (rng.u32(0..4) == 0).then_some("Floor 2"),
        city,
        state,
        postal_code: format!("{zone}{:02}", rng.u32(0..100)),
        country,
    }
}

/// Returns given name, family name and title of somebody.
pub(super) fn person(rng: &mut Rng) -> (&'static str, &'static str, &'static str) {
    (pick(rng, GIVEN_NAMES), pick(rng, FAMILY_NAMES), pick(rng, TITLES))
}

/// Returns a telephone number that nobody has.
pub(super) fn phone(rng: &mut Rng) -> String {
    format!("+1 555 01{:02} {:03}", rng.u32(0..100), rng.u32(0..1000))
}

/// Returns the letters and digits of `name` in lower case.
pub(super) fn slug(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Returns the capitals of `name`: how its host names begin.
pub(super) fn initials(name: &str) -> String {
    name.chars().filter(char::is_ascii_uppercase).take(3).collect()
}

fn pick<T: Copy>(rng: &mut Rng, list: &[T]) -> T {
    list[rng.usize(..list.len())]
}
