//! What the entities of Autotask are called and which fields they have (autotask_psa.md, sections 6 and 9).

use serde_json::{Value, json};

use crate::world::{CONFIGURATION_TYPES, STOCK};

/// An entity that can be queried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Entity {
    Companies,
    Contacts,
    CompanyLocations,
    ConfigurationItems,
    ConfigurationItemTypes,
    ConfigurationItemCategories,
    Resources,
    Products,
    Countries,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    Long,
    Number,
    Bool,
    Date,
    Text(u32),
}

/// A field of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub name: &'static str,
    pub of: Type,
    pub is_required: bool,
    pub is_queryable: bool,
}

/// Every entity.
const ALL: &[Entity] = &[
    Entity::Companies,
    Entity::Contacts,
    Entity::CompanyLocations,
    Entity::ConfigurationItems,
    Entity::ConfigurationItemTypes,
    Entity::ConfigurationItemCategories,
    Entity::Resources,
    Entity::Products,
    Entity::Countries,
];

/// Countries and their numbers. The sheet names none but the one of its sample.
pub(super) const COUNTRIES: &[(u64, &str, &str)] = &[
    (13, "Australia", "AU"),
    (39, "Canada", "CA"),
    (105, "Ireland", "IE"),
    (155, "Netherlands", "NL"),
    (236, "United Kingdom", "GB"),
    (237, "United States", "US"),
];

/// System labels of company types (section 9).
const COMPANY_TYPES: &[(u64, &str)] =
    &[(1, "Customer"), (2, "Lead"), (3, "Prospect"), (4, "Dead"), (6, "Cancelation"), (7, "Vendor"), (8, "Partner")];

/// Licence types; what is said of 7 is uncertain (section 9).
const LICENSE_TYPES: &[(u64, &str)] = &[(1, "Professional"), (2, "Team Member"), (7, "API User (API-only)")];

/// Fields as `name:type`, with `*` where a create call needs it and `-` where no query can name it.
const COMPANIES: &str = "id:long companyName:100* companyType:int* phone:25* ownerResourceID:int* isActive:bool \
    companyNumber:50 address1:128 address2:128 city:30 state:40 postalCode:10 additionalAddressInformation:100 \
    countryID:int alternatePhone1:25 alternatePhone2:25 fax:25 webAddress:255 parentCompanyID:int classification:int \
    companyCategoryID:int territoryID:int marketSegmentID:int competitorID:int currencyID:int taxRegionID:int taxID:50 \
    sicCode:32 stockMarket:10 stockSymbol:10 isTaxExempt:bool isClientPortalActive:bool isTaskFireActive:bool \
    isEnabledForComanaged:bool isSample:bool createDate:date lastActivityDate:date lastTrackedModifiedDateTime:date \
    createdByResourceID:int impersonatorCreatorResourceID:int apiVendorID:int assetValue:number \
    surveyCompanyRating:number billToCompanyLocationID:int billToAddressToUse:int billToCountryID:int \
    billToAdditionalAddressInformation:100 billingAddress1:150 billingAddress2:150 billToAttention:50 billToCity:50 \
    billToState:128 billToZipCode:50 invoiceEmailMessageID:int invoiceMethod:int invoiceTemplateID:int \
    quoteEmailMessageID:int quoteTemplateID:int purchaseOrderTemplateID:int \
    invoiceNonContractItemsToParentCompany:bool";

const CONTACTS: &str = "id:long companyID:int* firstName:50* lastName:50* isActive:int* companyLocationID:int \
    emailAddress:254 emailAddress2:254 emailAddress3:254 phone:25 extension:10 alternatePhone:32 mobilePhone:25 \
    faxNumber:25 title:50 addressLine:128 addressLine1:128 additionalAddressInformation:100 city:32 state:40 \
    zipCode:16 countryID:int primaryContact:bool billingContact:bool externalID:50 namePrefix:int nameSuffix:int \
    middleInitial:50 note:50 roomNumber:50 createDate:date lastActivityDate:date lastModifiedDate:date \
    receivesEmailNotifications:bool isOptedOutFromBulkEmail:bool- bulkEmailOptOutTime:date solicitationOptOut:bool- \
    solicitationOptOutTime:date surveyOptOut:bool- facebookUrl:200 linkedInUrl:200 twitterUrl:200 apiVendorID:int \
    impersonatorCreatorResourceID:int";

const COMPANY_LOCATIONS: &str = "id:long companyID:int* name:100* address1:128 address2:128 city:50 state:25 \
    postalCode:20 countryID:int phone:25 alternatePhone1:25 alternatePhone2:25 fax:25 description:500 isActive:bool \
    isPrimary:bool isTaxExempt:bool overrideCompanyTaxSettings:bool roundtripDistance:number taxRegionID:int";

const CONFIGURATION_ITEMS: &str = "id:long companyID:int* productID:int* isActive:bool* referenceTitle:200 \
    referenceNumber:100 serialNumber:100 location:100 deviceNetworkingID:100 configurationItemType:int \
    configurationItemCategoryID:int companyLocationID:int contactID:int vendorID:int parentConfigurationItemID:int \
    installDate:date warrantyExpirationDate:date installedByID:int installedByContactID:int createdByPersonID:int \
    lastActivityPersonID:int lastActivityPersonType:int createDate:date lastModifiedTime:date notes:5000 \
    contractID:int contractServiceID:int contractServiceBundleID:int serviceID:int serviceBundleID:int \
    serviceLevelAgreementID:int sourceChargeID:int sourceChargeType:int apiVendorID:int \
    impersonatorCreatorResourceID:int numberOfUsers:number hourlyCost:number dailyCost:number monthlyCost:number \
    perUseCost:number setupFee:number rmmDeviceID:long rmmDeviceUID:255 rmmVsaxDeviceID:255 rmmDeviceUrl:255 \
    rmmDeviceAuditHostname:255 rmmDeviceAuditDescription:255 rmmDeviceAuditIPAddress:255 \
    rmmDeviceAuditExternalIPAddress:255 rmmDeviceAuditMacAddress:255 rmmDeviceAuditOperatingSystem:255 \
    rmmDeviceAuditMobileNumber:255 rmmDeviceAuditSNMPContact:255 rmmDeviceAuditSNMPLocation:255 \
    rmmDeviceAuditSNMPName:255 rmmDeviceAuditLastUser:50 rmmDeviceAuditManufacturerID:int rmmDeviceAuditModelID:int \
    rmmDeviceAuditDeviceTypeID:int rmmDeviceAuditDomainID:int rmmDeviceAuditProcessorID:int \
    rmmDeviceAuditMotherboardID:int rmmDeviceAuditDisplayAdaptorID:int rmmDeviceAuditArchitectureID:int \
    rmmDeviceAuditServicePackID:int rmmDeviceAuditFirmwareID:int rmmDeviceAuditAntivirusStatusID:int \
    rmmDeviceAuditBackupStatusID:int rmmDeviceAuditPatchStatusID:int rmmDeviceAuditSoftwareStatusID:int \
    rmmDeviceAuditMobileNetworkOperatorID:int rmmDeviceAuditMemoryBytes:long rmmDeviceAuditStorageBytes:long \
    rmmDeviceAuditMissingPatchCount:int rmmOpenAlertCount:int rmmIsInMaintenanceMode:bool \
    rmmIsMobileDeviceManagementEnrolled:bool dattoHostname:255 dattoInternalIP:255 dattoRemoteIP:255 \
    dattoSerialNumber:100 dattoLastCheckInDateTime:date dattoOSVersionID:int dattoKernelVersionID:int \
    dattoZFSVersionID:int dattoDeviceMemoryMegabytes:int dattoNICSpeedKilobitsPerSecond:int dattoNumberOfAgents:int \
    dattoNumberOfDrives:int dattoNumberOfVolumes:int dattoUptimeSeconds:int dattoAvailableKilobytes:long \
    dattoUsedKilobytes:long dattoProtectedKilobytes:long dattoOffsiteUsedBytes:long dattoDrivesErrors:bool \
    dattoPercentageUsed:number domain:255 domainRegistrarID:int domainRegistrationDateTime:date \
    domainLastUpdatedDateTime:date domainExpirationDateTime:date sslSource:255 sslCommonName:255 \
    sslValidFromDateTime:date sslValidUntilDateTime:date sslIssuedBy:255 sslOrganization:255 \
    sslOrganizationUnit:255 sslLocation:255 sslSerialNumber:255 sslSignatureAlgorithm:255";

const CONFIGURATION_ITEM_TYPES: &str = "id:long name:100* isActive:bool";

const CONFIGURATION_ITEM_CATEGORIES: &str = "id:long name:100* nickname:3* isActive:bool displayColorRGB:int \
    isClientPortalDefault:bool isGlobalDefault:bool";

const RESOURCES: &str = "id:long firstName:50* lastName:50* middleName:50 email:254* email2:254 email3:254 \
    emailTypeCode:20* emailTypeCode2:20 emailTypeCode3:20 userName:32* title:50 isActive:bool* resourceType:15 \
    licenseType:int* userType:int locationID:int* officePhone:25 officeExtension:10 mobilePhone:25 homePhone:25 \
    initials:32 hireDate:date dateFormat:20 timeFormat:20 numberFormat:20 payrollType:int* internalCost:number \
    defaultServiceDeskRoleID:int gender:1 greeting:int suffix:10 surveyResourceRating:number \
    travelAvailabilityPct:15 accountingReferenceID:100 payrollIdentifier:32";

const PRODUCTS: &str = "id:long name:100* isActive:bool* isSerialized:bool* productBillingCodeID:int* \
    manufacturerName:100 manufacturerProductName:50 description:2000 sku:50 productCategory:int defaultVendorID:int \
    defaultInstalledProductCategoryID:int unitCost:number unitPrice:number msrp:number markupRate:number \
    vendorProductNumber:50 internalProductID:50 externalProductID:50 link:500 createdTime:date \
    createdByResourceID:int billingType:int periodType:int priceCostMethod:int chargeBillingCodeID:int \
    doesNotRequireProcurement:bool isEligibleForRma:bool impersonatorCreatorResourceID:int";

/// The sheet has no list of these; the ones that a client needs.
const COUNTRY_FIELDS: &str = "id:long displayName:100 name:100 countryCode:2 isActive:bool";

impl Entity {
    /// Returns the entity that a path names, whatever the case.
    pub(super) fn named(name: &str) -> Option<Entity> {
        ALL.iter().copied().find(|entity| entity.name().eq_ignore_ascii_case(name))
    }

    /// Returns what it is called in paths.
    pub fn name(self) -> &'static str {
        match self {
            Entity::Companies => "Companies",
            Entity::Contacts => "Contacts",
            Entity::CompanyLocations => "CompanyLocations",
            Entity::ConfigurationItems => "ConfigurationItems",
            Entity::ConfigurationItemTypes => "ConfigurationItemTypes",
            Entity::ConfigurationItemCategories => "ConfigurationItemCategories",
            Entity::Resources => "Resources",
            Entity::Products => "Products",
            Entity::Countries => "Countries",
        }
    }

    /// Returns what it is called in errors: its name in the older SOAP service (section 6).
    pub(super) fn old_name(self) -> &'static str {
        match self {
            Entity::Companies => "Account",
            Entity::Contacts => "Contact",
            Entity::CompanyLocations => "AccountPhysicalLocation",
            Entity::ConfigurationItems => "InstalledProduct",
            Entity::ConfigurationItemTypes => "InstalledProductType",
            Entity::ConfigurationItemCategories => "InstalledProductCategory",
            Entity::Resources => "Resource",
            Entity::Products => "Product",
            Entity::Countries => "Country",
        }
    }

    /// Returns its fields in the order in which they are listed.
    pub(super) fn fields(self) -> Vec<Field> {
        let text = match self {
            Entity::Companies => COMPANIES,
            Entity::Contacts => CONTACTS,
            Entity::CompanyLocations => COMPANY_LOCATIONS,
            Entity::ConfigurationItems => CONFIGURATION_ITEMS,
            Entity::ConfigurationItemTypes => CONFIGURATION_ITEM_TYPES,
            Entity::ConfigurationItemCategories => CONFIGURATION_ITEM_CATEGORIES,
            Entity::Resources => RESOURCES,
            Entity::Products => PRODUCTS,
            Entity::Countries => COUNTRY_FIELDS,
        };
        text.split_whitespace().filter_map(Field::read).collect()
    }

    /// Returns the names of its user-defined fields.
    pub(super) fn user_defined(self) -> &'static [&'static str] {
        match self {
            Entity::Companies => &["Contract tier", "Number of Employees"],
            Entity::ConfigurationItems => &["Rack"],
            _ => &[],
        }
    }

    /// Returns the answer to `entityInformation` (section 5).
    pub(super) fn information(self) -> Value {
        json!({ "info": {
            "name": self.old_name(), "canCreate": false, "canDelete": false, "canQuery": true, "canUpdate": false,
            "userAccessForCreate": "None", "userAccessForDelete": "None", "userAccessForQuery": "All",
            "userAccessForUpdate": "None", "hasUserDefinedFields": !self.user_defined().is_empty(),
            "supportsWebhookCallouts": matches!(self, Entity::Companies | Entity::Contacts | Entity::ConfigurationItems),
        } })
    }

    /// Returns the answer to `entityInformation/fields`, picklists in it. An older recording has the names with a capital.
    pub(super) fn field_list(self, has_capitals: bool) -> Value {
        let entry = |field: Field| {
            let choices = self.choices(field.name);
            let list: Option<Vec<Value>> = choices.map(|choices| choices.iter().map(choice).collect());
            json!({
                "name": if has_capitals { capital(field.name) } else { field.name.to_owned() },
                "dataType": field.data_type(), "length": field.length(), "isRequired": field.is_required,
                "isReadOnly": field.name == "id", "isQueryable": field.is_queryable, "isReference": false,
                "referenceEntityType": "", "isPickList": list.is_some(), "picklistValues": list,
                "picklistParentValueField": "", "isSupportedWebhookField": false,
            })
        };
        json!({ "fields": self.fields().into_iter().map(entry).collect::<Vec<_>>() })
    }

    /// Returns the answer to `entityInformation/userDefinedFields`.
    pub(super) fn user_defined_list(self) -> Value {
        let entry = |(nth, name): (usize, &&str)| {
            json!({
                "name": name, "label": name, "type": 1, "length": 255, "description": "", "isRequired": false,
                "isReadOnly": false, "isQueryable": true, "isPickList": false, "picklistValues": null,
                "defaultValue": null, "isEncrypted": false, "sortOrder": nth,
            })
        };
        json!({ "fields": self.user_defined().iter().enumerate().map(entry).collect::<Vec<_>>() })
    }

    /// Returns what a field that is a picklist may hold.
    fn choices(self, field: &str) -> Option<Vec<(u64, &'static str)>> {
        Some(match (self, field) {
            (Entity::Companies, "companyType") => COMPANY_TYPES.to_vec(),
            (Entity::Resources, "licenseType") => LICENSE_TYPES.to_vec(),
            (Entity::ConfigurationItems, "configurationItemType") => {
                CONFIGURATION_TYPES.iter().map(|of| (of.number, of.name)).collect()
            }
            (Entity::ConfigurationItems, "rmmDeviceAuditManufacturerID") => {
                makes().into_iter().enumerate().map(|(nth, make)| (nth as u64 + 1, make)).collect()
            }
            (Entity::ConfigurationItems, "rmmDeviceAuditModelID") => {
                STOCK.iter().enumerate().map(|(nth, model)| (nth as u64 + 1, model.model)).collect()
            }
            _ => return None,
        })
    }
}

/// Returns the makes of the world, each once.
fn makes() -> Vec<&'static str> {
    let mut makes: Vec<&str> = STOCK.iter().map(|model| model.make).collect();
    makes.sort_unstable();
    makes.dedup();
    makes
}

/// Returns a make's number in its picklist.
pub(super) fn make_number(make: &str) -> Option<u64> {
    makes().iter().position(|known| *known == make).map(|nth| nth as u64 + 1)
}

/// Returns a model's number in its picklist.
pub(super) fn model_number(model: &str) -> Option<u64> {
    STOCK.iter().position(|known| known.model == model).map(|nth| nth as u64 + 1)
}

/// The value of a choice is a text, although the field holds a number (section 5).
fn choice((number, label): &(u64, &str)) -> Value {
    json!({
        "value": number.to_string(), "label": label, "isDefaultValue": false, "sortOrder": 0, "parentValue": "",
        "isActive": true, "isSystem": false,
    })
}

fn capital(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

impl Field {
    fn read(text: &'static str) -> Option<Field> {
        let (name, rest) = text.split_once(':')?;
        let of = match rest.trim_end_matches(['*', '-']) {
            "int" => Type::Int,
            "long" => Type::Long,
            "number" => Type::Number,
            "bool" => Type::Bool,
            "date" => Type::Date,
            length => Type::Text(length.parse().ok()?),
        };
        Some(Field { name, of, is_required: rest.ends_with('*'), is_queryable: !rest.ends_with('-') })
    }

    fn data_type(&self) -> &'static str {
        match self.of {
            Type::Int => "integer",
            Type::Long => "long",
            Type::Number => "double",
            Type::Bool => "boolean",
            Type::Date => "datetime",
            Type::Text(_) => "string",
        }
    }

    fn length(&self) -> u32 {
        if let Type::Text(length) = self.of { length } else { 0 }
    }
}
