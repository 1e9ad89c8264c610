//! What the clients of the world own: device models with the way their makers number them.

/// What a device is, in nobody's vocabulary; each vendor has its own word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Class {
    Firewall,
    Switch,
    AccessPoint,
    Router,
    Server,
    Hypervisor,
    VirtualMachine,
    Workstation,
    Laptop,
    Printer,
    Phone,
    Storage,
    Ups,
    Camera,
    Unknown,
}

impl Class {
    /// Returns the part of a host name that tells the class.
    pub fn tag(self) -> &'static str {
        match self {
            Class::Firewall => "FW",
            Class::Switch => "SW",
            Class::AccessPoint => "AP",
            Class::Router => "RT",
            Class::Server => "SRV",
            Class::Hypervisor => "HV",
            Class::VirtualMachine => "VM",
            Class::Workstation => "WS",
            Class::Laptop => "LT",
            Class::Printer => "PRN",
            Class::Phone => "TEL",
            Class::Storage => "NAS",
            Class::Ups => "UPS",
            Class::Camera => "CAM",
            Class::Unknown => "DEV",
        }
    }

    /// Returns what a service desk files it under; some classes share a type.
    pub fn configuration_type(self) -> ConfigurationType {
        let name = match self {
            Class::Firewall | Class::Switch | Class::AccessPoint | Class::Router => "Network Device",
            Class::Server | Class::Hypervisor | Class::VirtualMachine => "Server",
            Class::Workstation => "Workstation",
            Class::Laptop => "Laptop",
            Class::Printer => "Printer",
            Class::Phone => "Phone",
            Class::Storage | Class::Ups | Class::Camera | Class::Unknown => "Other",
        };
        let at = CONFIGURATION_TYPES.iter().position(|of| of.name == name);
        CONFIGURATION_TYPES[at.expect("every name stands in the list")]
    }

    /// Says whether an agent of a monitoring tool can run on it.
    pub fn is_computer(self) -> bool {
        matches!(self, Class::Server | Class::VirtualMachine | Class::Workstation | Class::Laptop)
    }
}

/// What service desks file devices under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigurationType {
    /// Vendors derive their ids from it.
    pub number: u64,
    /// What people call it.
    pub name: &'static str,
}

/// Every configuration type; nothing is filed under the last one.
pub const CONFIGURATION_TYPES: &[ConfigurationType] = &[
    ConfigurationType { number: 1, name: "Workstation" },
    ConfigurationType { number: 2, name: "Laptop" },
    ConfigurationType { number: 3, name: "Server" },
    ConfigurationType { number: 4, name: "Network Device" },
    ConfigurationType { number: 5, name: "Printer" },
    ConfigurationType { number: 6, name: "Phone" },
    ConfigurationType { number: 7, name: "Other" },
    ConfigurationType { number: 8, name: "Software Licence" },
];

/// A product that many clients own.
#[derive(Debug)]
pub struct Model {
    /// What it is.
    pub class: Class,
    /// Who makes it.
    pub make: &'static str,
    /// What its maker calls it.
    pub model: &'static str,
    /// Its operating system, as a person would say it; empty where it has none to speak of.
    pub os: &'static str,
    /// The version of its software at the start.
    pub software: &'static str,
    /// The version of its firmware at the start.
    pub firmware: &'static str,
    /// How its serial numbers begin.
    pub serial_prefix: &'static str,
    /// How its MAC addresses begin.
    pub oui: [u8; 3],
    /// Names of its interfaces; those that end with `*` have no MAC address, those that end with `=` repeat the first one's.
    pub interfaces: &'static [&'static str],
    /// How many of these are met for each other one.
    pub weight: u32,
}

/// Every product of the world. The first four are what a new client buys first.
pub const STOCK: &[Model] = &[
    Model {
        class: Class::Firewall,
        make: "Fortinet",
        model: "FortiGate 60F",
        os: "FortiOS",
        software: "v7.2.8,build1639,240313",
        firmware: "v7.2.8",
        serial_prefix: "FGT60FTK",
        oui: [0x70, 0x4c, 0xa5],
        interfaces: &["wan1", "internal", "ssl.root*"],
        weight: 1,
    },
    Model {
        class: Class::Switch,
        make: "Cisco",
        model: "Catalyst 9200L-24P",
        os: "IOS XE",
        software: "17.9.4",
        firmware: "17.9.4",
        serial_prefix: "JAE",
        oui: [0x00, 0x1b, 0x54],
        interfaces: &["GigabitEthernet0/0", "Vlan1=", "Null0*"],
        weight: 4,
    },
    Model {
        class: Class::AccessPoint,
        make: "Ubiquiti",
        model: "U6-Pro",
        os: "",
        software: "",
        firmware: "6.6.55.15189",
        serial_prefix: "UBQ",
        oui: [0x24, 0x5a, 0x4c],
        interfaces: &["eth0", "wifi0"],
        weight: 8,
    },
    Model {
        class: Class::Server,
        make: "Dell Inc.",
        model: "PowerEdge T350",
        os: "Microsoft Windows Server 2022 Standard",
        software: "10.0.20348.2700",
        firmware: "1.9.2",
        serial_prefix: "7H",
        oui: [0xd0, 0x94, 0x66],
        interfaces: &["Ethernet 1", "Ethernet 2", "vEthernet (Default)="],
        weight: 4,
    },
    Model {
        class: Class::Workstation,
        make: "HP",
        model: "EliteDesk 800 G6",
        os: "Microsoft Windows 11 Pro",
        software: "10.0.22631.4317",
        firmware: "S21 Ver. 02.15.00",
        serial_prefix: "CZC",
        oui: [0x48, 0x9e, 0xbd],
        interfaces: &["Ethernet"],
        weight: 24,
    },
    Model {
        class: Class::Workstation,
        make: "LENOVO",
        model: "ThinkCentre M70q",
        os: "Microsoft Windows 10 Pro",
        software: "10.0.19045.5011",
        firmware: "M3UKT49A",
        serial_prefix: "PC1",
        oui: [0x88, 0xa4, 0xc2],
        interfaces: &["Ethernet", "Wi-Fi"],
        weight: 14,
    },
    Model {
        class: Class::Laptop,
        make: "Dell Inc.",
        model: "Latitude 5440",
        os: "Microsoft Windows 11 Pro",
        software: "10.0.22631.4317",
        firmware: "1.17.0",
        serial_prefix: "5J",
        oui: [0xf4, 0xee, 0x08],
        interfaces: &["Wi-Fi", "Ethernet"],
        weight: 20,
    },
    Model {
        class: Class::Laptop,
        make: "Apple Inc.",
        model: "MacBookPro18,3",
        os: "macOS Sonoma",
        software: "14.6.1",
        firmware: "10151.140.19",
        serial_prefix: "C02",
        oui: [0x3c, 0x06, 0x30],
        interfaces: &["en0", "utun0*"],
        weight: 5,
    },
    Model {
        class: Class::Hypervisor,
        make: "HPE",
        model: "ProLiant DL380 Gen10",
        os: "VMware ESXi",
        software: "7.0.3-21313628",
        firmware: "U30 v2.72",
        serial_prefix: "MXQ",
        oui: [0x94, 0x40, 0xc9],
        interfaces: &["vmnic0", "vmnic1", "vmk0="],
        weight: 2,
    },
    Model {
        class: Class::VirtualMachine,
        make: "VMware, Inc.",
        model: "VMware Virtual Platform",
        os: "Microsoft Windows Server 2019 Standard",
        software: "10.0.17763.6414",
        firmware: "6.00",
        serial_prefix: "VMware-56 4d ",
        oui: [0x00, 0x50, 0x56],
        interfaces: &["Ethernet0"],
        weight: 6,
    },
    Model {
        class: Class::Printer,
        make: "Brother",
        model: "HL-L6400DW series",
        os: "",
        software: "",
        firmware: "1.77",
        serial_prefix: "U64180",
        oui: [0x00, 0x80, 0x77],
        interfaces: &["eth0"],
        weight: 5,
    },
    Model {
        class: Class::Phone,
        make: "Yealink",
        model: "SIP-T46U",
        os: "",
        software: "108.86.0.75",
        firmware: "108.86.0.75",
        serial_prefix: "803009",
        oui: [0x80, 0x5e, 0xc0],
        interfaces: &["LAN"],
        weight: 8,
    },
    Model {
        class: Class::Storage,
        make: "Synology",
        model: "DS920+",
        os: "DSM",
        software: "7.2.1-69057",
        firmware: "7.2.1-69057",
        serial_prefix: "2070SBR",
        oui: [0x00, 0x11, 0x32],
        interfaces: &["eth0", "eth1", "lo*"],
        weight: 2,
    },
    Model {
        class: Class::Ups,
        make: "APC",
        model: "Smart-UPS 1500",
        os: "",
        software: "",
        firmware: "UPS 09.8",
        serial_prefix: "AS19",
        oui: [0x00, 0xc0, 0xb7],
        interfaces: &["eth0"],
        weight: 1,
    },
    Model {
        class: Class::Camera,
        make: "Axis",
        model: "M3115-LVE",
        os: "",
        software: "10.12.213",
        firmware: "10.12.213",
        serial_prefix: "ACCC8E",
        oui: [0xac, 0xcc, 0x8e],
        interfaces: &["eth0"],
        weight: 2,
    },
    Model {
        class: Class::Router,
        make: "MikroTik",
        model: "RB4011iGS+",
        os: "RouterOS",
        software: "7.15.3",
        firmware: "7.15.3",
        serial_prefix: "D4440C",
        oui: [0x48, 0x8f, 0x5a],
        interfaces: &["ether1", "bridge1=", "lo*"],
        weight: 1,
    },
];
