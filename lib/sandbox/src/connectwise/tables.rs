//! Which lists there are (connectwise_psa.md, section 3), and their rows in the order of their ids.

use serde_json::Value;

use super::records::{
    self, COMPANY_TYPES, STATUSES, Word, Writer, company_id, configuration_id, contact_id, member_id, site_id, type_id,
};
use crate::world::{CONFIGURATION_TYPES, Client, ConfigurationType, Device, Person, Site, System, World};

/// A list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table<'w> {
    Companies,
    /// The sites of one company.
    Sites(&'w Client),
    /// The types of one company.
    TypesOf(&'w Client),
    Statuses,
    CompanyTypes,
    Contacts,
    Configurations,
    ConfigurationTypes,
    ConfigurationStatuses,
    Members,
}

/// A row of a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'w> {
    Company(&'w Client),
    Site(&'w Client, &'w Site),
    Contact(&'w Client, &'w Person),
    Configuration(&'w Client, &'w Device),
    ConfigurationType(ConfigurationType),
    Member(&'w Person),
    Word(Word),
}

impl<'w> Table<'w> {
    /// Finds the list that a path begins with, and what comes behind it; the error is the id of a company that is not there.
    pub(super) fn find<'p>(
        parts: &'p [&'p str],
        world: &'w World,
    ) -> Option<(Result<Table<'w>, &'p str>, &'p [&'p str])> {
        let of_company = |id: &'p str, table: fn(&'w Client) -> Table<'w>| {
            let company = world.companies(System::Psa).find(|company| Ok(company_id(company.number)) == id.parse());
            company.map(table).ok_or(id)
        };
        Some(match parts {
            ["company", "companies", "statuses", rest @ ..] => (Ok(Table::Statuses), rest),
            ["company", "companies", "types", rest @ ..] => (Ok(Table::CompanyTypes), rest),
            ["company", "companies", id, "sites", rest @ ..] => (of_company(id, Table::Sites), rest),
            ["company", "companies", id, "typeAssociations", rest @ ..] => (of_company(id, Table::TypesOf), rest),
            ["company", "companies", rest @ ..] => (Ok(Table::Companies), rest),
            ["company", "contacts", rest @ ..] => (Ok(Table::Contacts), rest),
            ["company", "configurations", "types", rest @ ..] => (Ok(Table::ConfigurationTypes), rest),
            ["company", "configurations", "statuses", rest @ ..] => (Ok(Table::ConfigurationStatuses), rest),
            ["company", "configurations", rest @ ..] => (Ok(Table::Configurations), rest),
            ["system", "members", rest @ ..] => (Ok(Table::Members), rest),
            _ => return None,
        })
    }

    /// Returns what one of its rows is called.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Table::Companies => "Company",
            Table::Sites(_) => "Site",
            Table::TypesOf(_) => "CompanyTypeAssociation",
            Table::Statuses => "CompanyStatus",
            Table::CompanyTypes => "CompanyType",
            Table::Contacts => "Contact",
            Table::Configurations => "Configuration",
            Table::ConfigurationTypes => "ConfigurationType",
            Table::ConfigurationStatuses => "ConfigurationStatus",
            Table::Members => "Member",
        }
    }

    /// Returns its rows by id.
    pub(super) fn rows(self, world: &'w World) -> Vec<Row<'w>> {
        let companies = || world.companies(System::Psa);
        let mut rows: Vec<Row<'w>> = match self {
            Table::Companies => companies().map(Row::Company).collect(),
            Table::Sites(company) => company.sites.iter().map(|site| Row::Site(company, site)).collect(),
            Table::TypesOf(company) => records::company_types(company).into_iter().map(Row::Word).collect(),
            Table::Statuses => STATUSES.iter().copied().map(Row::Word).collect(),
            Table::CompanyTypes => COMPANY_TYPES.iter().copied().map(Row::Word).collect(),
            Table::Contacts => companies()
                .flat_map(|company| company.contacts.iter().map(move |person| Row::Contact(company, person)))
                .collect(),
            Table::Configurations => companies()
                .flat_map(|company| company.devices.iter().map(move |device| (company, device)))
                .filter(|(_, device)| device.is_seen_by(System::Psa))
                .map(|(company, device)| Row::Configuration(company, device))
                .collect(),
            Table::ConfigurationTypes => CONFIGURATION_TYPES.iter().copied().map(Row::ConfigurationType).collect(),
            Table::ConfigurationStatuses => STATUSES[..2].iter().copied().map(Row::Word).collect(),
            Table::Members => world.users.iter().map(Row::Member).collect(),
        };
        rows.sort_by_key(Row::id);
        rows
    }
}

impl Row<'_> {
    /// Returns its id.
    pub(super) fn id(&self) -> u64 {
        match self {
            Row::Company(company) => company_id(company.number),
            Row::Site(_, site) => site_id(site.number),
            Row::Contact(_, person) => contact_id(person.number),
            Row::Configuration(_, device) => configuration_id(device.number),
            Row::ConfigurationType(of) => type_id(*of),
            Row::Member(person) => member_id(person.number),
            Row::Word(word) => word.id,
        }
    }

    /// Writes it.
    pub(super) fn write(self, writer: Writer<'_>) -> Value {
        match self {
            Row::Company(company) => writer.company(company),
            Row::Site(company, site) => writer.site(company, site),
            Row::Contact(company, person) => writer.contact(company, person),
            Row::Configuration(company, device) => writer.configuration(company, device),
            Row::ConfigurationType(of) => writer.configuration_type(of),
            Row::Member(person) => writer.member(person),
            Row::Word(word) => writer.set_up(word),
        }
    }
}
