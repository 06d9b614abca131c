//! Where the people of the sample data come from: one row per country.
//!
//! Phone numbers follow the numbering plans (a test reads every one of them); where a regulator has set numbers aside for
//! films and examples, those are used. Network addresses are the documentation ranges of RFC 5737, e-mail domains end in
//! `.example`: nothing here belongs to anybody. In patterns `#` is a digit and `@` a letter.

/// A country with the names, numbers and colours its people and documents get.
pub struct Country {
    /// ISO 3166-1 alpha-3, alpha-2, and the English name.
    pub codes: (&'static str, &'static str, &'static str),
    /// What its documents say at the top: the state, and its identity card in its own words. Without a card people show
    /// their driving licence.
    pub titles: (&'static str, Option<&'static str>),
    /// Pattern of a phone number in international form.
    pub phone: &'static str,
    /// Patterns of document numbers: passport, card or licence.
    pub documents: (&'static str, &'static str),
    /// City, region, a street, postal code.
    pub place: (&'static str, &'static str, &'static str, &'static str),
    /// Latitude and longitude of the city.
    pub position: (f64, f64),
    /// Time zone, its offset, an internet provider.
    pub network: (&'static str, &'static str, &'static str),
    /// Colour of the documents.
    pub colour: [u8; 3],
    /// First of the three skin tones its people are drawn with.
    pub tone: usize,
    /// First name, last name, gender.
    pub people: [(&'static str, &'static str, char); 3],
}

/// All of them.
#[rustfmt::skip]
pub const COUNTRIES: [Country; 24] = [
    Country {
        codes: ("ESP", "ES", "Spain"), titles: ("ESPAÑA", Some("DOCUMENTO NACIONAL DE IDENTIDAD")),
        phone: "+3461234####", documents: ("XDB######", "BAA######"), place: ("Valencia", "Comunidad Valenciana", "Calle de la Paz", "46003"),
        position: (39.4699, -0.3763), network: ("Europe/Madrid", "+01:00", "Levante Fibra"), colour: [150, 40, 60], tone: 1,
        people: [("Lucía", "Fernández Ortega", 'F'), ("Álvaro", "Muñoz Prieto", 'M'), ("Carmen", "Ibáñez Soler", 'F')],
    },
    Country {
        codes: ("PRT", "PT", "Portugal"), titles: ("REPÚBLICA PORTUGUESA", Some("CARTÃO DE CIDADÃO")),
        phone: "+35191234####", documents: ("CB######", "########ZX#"), place: ("Porto", "Porto", "Rua de Cedofeita", "4050-174"),
        position: (41.1579, -8.6291), network: ("Europe/Lisbon", "+00:00", "Douro Telecom"), colour: [20, 110, 75], tone: 1,
        people: [("Beatriz", "Carvalho", 'F'), ("Tiago", "Magalhães", 'M'), ("Inês", "Figueiredo", 'F')],
    },
    Country {
        codes: ("FRA", "FR", "France"), titles: ("RÉPUBLIQUE FRANÇAISE", Some("CARTE NATIONALE D'IDENTITÉ")),
        phone: "+33612345###", documents: ("##@@#####", "@#@@#@#@#"), place: ("Lyon", "Auvergne-Rhône-Alpes", "Rue Mercière", "69002"),
        position: (45.764, 4.8357), network: ("Europe/Paris", "+01:00", "Rhône Réseau"), colour: [35, 60, 135], tone: 0,
        people: [("Élodie", "Lefèvre", 'F'), ("Karim", "Benali", 'M'), ("Hugo", "Marchand", 'M')],
    },
    Country {
        codes: ("DEU", "DE", "Germany"), titles: ("BUNDESREPUBLIK DEUTSCHLAND", Some("PERSONALAUSWEIS")),
        phone: "+491512345####", documents: ("C@X#####@", "L@#######"), place: ("Leipzig", "Sachsen", "Karl-Heine-Straße", "04229"),
        position: (51.3397, 12.3731), network: ("Europe/Berlin", "+01:00", "Pleiße Netz"), colour: [60, 85, 105], tone: 0,
        people: [("Jürgen", "Köhler", 'M'), ("Anneliese", "Groß", 'F'), ("Mehmet", "Yıldırım", 'M')],
    },
    Country {
        codes: ("ITA", "IT", "Italy"), titles: ("REPUBBLICA ITALIANA", Some("CARTA DI IDENTITÀ")),
        phone: "+39312345####", documents: ("YA#######", "CA#####@@"), place: ("Bologna", "Emilia-Romagna", "Via Saragozza", "40123"),
        position: (44.4949, 11.3426), network: ("Europe/Rome", "+01:00", "Appennino Rete"), colour: [70, 105, 140], tone: 1,
        people: [("Giulia", "Bianchi", 'F'), ("Niccolò", "Ferrara", 'M'), ("Chiara", "D'Amico", 'F')],
    },
    Country {
        codes: ("NLD", "NL", "Netherlands"), titles: ("KONINKRIJK DER NEDERLANDEN", Some("IDENTITEITSKAART")),
        phone: "+31612345###", documents: ("NX@#####@", "IS@#####@"), place: ("Utrecht", "Utrecht", "Oudegracht", "3511 AB"),
        position: (52.0907, 5.1214), network: ("Europe/Amsterdam", "+01:00", "Domstad Glasvezel"), colour: [175, 95, 35], tone: 0,
        people: [("Sanne", "van den Berg", 'F'), ("Daan", "de Vries", 'M'), ("Fatima", "El Idrissi", 'F')],
    },
    Country {
        codes: ("SWE", "SE", "Sweden"), titles: ("SVERIGE", Some("NATIONELLT IDENTITETSKORT")),
        phone: "+4670174####", documents: ("########", "########"), place: ("Göteborg", "Västra Götaland", "Linnégatan", "413 04"),
        position: (57.7089, 11.9746), network: ("Europe/Stockholm", "+01:00", "Västkust Bredband"), colour: [30, 90, 150], tone: 0,
        people: [("Åsa", "Lindström", 'F'), ("Björn", "Ekdahl", 'M'), ("Märta", "Öberg", 'F')],
    },
    Country {
        codes: ("POL", "PL", "Poland"), titles: ("RZECZPOSPOLITA POLSKA", Some("DOWÓD OSOBISTY")),
        phone: "+48512345###", documents: ("E@#######", "DC@######"), place: ("Kraków", "Małopolskie", "ulica Długa", "31-147"),
        position: (50.0647, 19.945), network: ("Europe/Warsaw", "+01:00", "Wisła Net"), colour: [160, 50, 75], tone: 0,
        people: [("Łukasz", "Wiśniewski", 'M'), ("Małgorzata", "Dąbrowska", 'F'), ("Paweł", "Zieliński", 'M')],
    },
    Country {
        codes: ("CZE", "CZ", "Czechia"), titles: ("ČESKÁ REPUBLIKA", Some("OBČANSKÝ PRŮKAZ")),
        phone: "+420601123###", documents: ("4#######", "2########"), place: ("Brno", "Jihomoravský kraj", "Veveří", "602 00"),
        position: (49.1951, 16.6068), network: ("Europe/Prague", "+01:00", "Morava Online"), colour: [45, 75, 125], tone: 0,
        people: [("Tereza", "Nováková", 'F'), ("Ondřej", "Dvořák", 'M'), ("Jiří", "Procházka", 'M')],
    },
    Country {
        codes: ("ROU", "RO", "Romania"), titles: ("ROMÂNIA", Some("CARTE DE IDENTITATE")),
        phone: "+40712034###", documents: ("05#######", "CJ ######"), place: ("Cluj-Napoca", "Cluj", "Strada Horea", "400174"),
        position: (46.7712, 23.6236), network: ("Europe/Bucharest", "+02:00", "Someș Link"), colour: [95, 65, 125], tone: 1,
        people: [("Andreea", "Munteanu", 'F'), ("Răzvan", "Ionescu", 'M'), ("Ștefan", "Popa", 'M')],
    },
    Country {
        codes: ("IRL", "IE", "Ireland"), titles: ("ÉIRE / IRELAND", None),
        phone: "+35385012####", documents: ("P@#######", "###-###-###"), place: ("Galway", "Connacht", "Shop Street", "H91 TX62"),
        position: (53.2707, -9.0568), network: ("Europe/Dublin", "+00:00", "Corrib Broadband"), colour: [25, 115, 85], tone: 0,
        people: [("Aoife", "Ní Dhomhnaill", 'F'), ("Cillian", "O'Sullivan", 'M'), ("Niamh", "Byrne", 'F')],
    },
    Country {
        codes: ("GBR", "GB", "United Kingdom"), titles: ("UNITED KINGDOM", None),
        phone: "+4474001234##", documents: ("5########", "OKAFO8######99"), place: ("Leeds", "West Yorkshire", "Otley Road", "LS6 3AA"),
        position: (53.8008, -1.5491), network: ("Europe/London", "+00:00", "Aire Fibre"), colour: [40, 50, 95], tone: 1,
        people: [("Oluwaseun", "Okafor", 'M'), ("Imogen", "Whitfield", 'F'), ("Rhys", "Pemberton", 'M')],
    },
    Country {
        codes: ("USA", "US", "United States"), titles: ("UNITED STATES OF AMERICA", None),
        phone: "+141555501##", documents: ("5########", "D#######"), place: ("Oakland", "California", "Telegraph Avenue", "94609"),
        position: (37.8044, -122.2712), network: ("America/Los_Angeles", "-08:00", "Redwood Broadband"), colour: [55, 80, 135], tone: 1,
        people: [("Denise", "Washington", 'F'), ("Marcus", "Hollander", 'M'), ("Priya", "Raman", 'F')],
    },
    Country {
        codes: ("MEX", "MX", "Mexico"), titles: ("ESTADOS UNIDOS MEXICANOS", Some("CREDENCIAL DE IDENTIDAD")),
        phone: "+52222123####", documents: ("N########", "@@@@######"), place: ("Puebla", "Puebla", "Avenida Juárez", "72160"),
        position: (19.0414, -98.2063), network: ("America/Mexico_City", "-06:00", "Volcán Internet"), colour: [20, 105, 70], tone: 2,
        people: [("Guadalupe", "Hernández Cruz", 'F'), ("Emiliano", "Vargas Luna", 'M'), ("Ximena", "Treviño", 'F')],
    },
    Country {
        codes: ("COL", "CO", "Colombia"), titles: ("REPÚBLICA DE COLOMBIA", Some("CÉDULA DE CIUDADANÍA")),
        phone: "+57321123####", documents: ("A@######", "1.0##.###.###"), place: ("Medellín", "Antioquia", "Carrera 43A", "050021"),
        position: (6.2442, -75.5812), network: ("America/Bogota", "-05:00", "Aburrá Datos"), colour: [185, 140, 35], tone: 2,
        people: [("Valentina", "Restrepo", 'F'), ("Andrés Felipe", "Gómez", 'M'), ("Yesenia", "Mosquera", 'F')],
    },
    Country {
        codes: ("BRA", "BR", "Brazil"), titles: ("REPÚBLICA FEDERATIVA DO BRASIL", Some("CARTEIRA DE IDENTIDADE")),
        phone: "+551196123####", documents: ("F@######", "##.###.###-#"), place: ("São Paulo", "São Paulo", "Rua Augusta", "01305-000"),
        position: (-23.5505, -46.6333), network: ("America/Sao_Paulo", "-03:00", "Tietê Conecta"), colour: [30, 120, 80], tone: 2,
        people: [("João", "da Conceição", 'M'), ("Thaís", "Albuquerque", 'F'), ("Rafael", "Nakamura", 'M')],
    },
    Country {
        codes: ("ARG", "AR", "Argentina"), titles: ("REPÚBLICA ARGENTINA", Some("DOCUMENTO NACIONAL DE IDENTIDAD")),
        phone: "+5491123456###", documents: ("AA@######", "3#.###.###"), place: ("Rosario", "Santa Fe", "Bulevar Oroño", "S2000"),
        position: (-32.9442, -60.6505), network: ("America/Argentina/Cordoba", "-03:00", "Paraná Red"), colour: [80, 140, 190], tone: 1,
        people: [("Martina", "Agüero", 'F'), ("Facundo", "Ledesma", 'M'), ("Nicolás", "Peralta", 'M')],
    },
    Country {
        codes: ("NGA", "NG", "Nigeria"), titles: ("FEDERAL REPUBLIC OF NIGERIA", Some("NATIONAL IDENTITY CARD")),
        phone: "+234802123####", documents: ("B########", "###########"), place: ("Ibadan", "Oyo", "Ring Road", "200273"),
        position: (7.3775, 3.947), network: ("Africa/Lagos", "+01:00", "Ogunpa Networks"), colour: [20, 120, 65], tone: 4,
        people: [("Chidinma", "Eze", 'F'), ("Babatunde", "Adeyemi", 'M'), ("Amina", "Bello", 'F')],
    },
    Country {
        codes: ("KEN", "KE", "Kenya"), titles: ("JAMHURI YA KENYA", Some("KITAMBULISHO CHA TAIFA")),
        phone: "+254712123###", documents: ("AK#######", "########"), place: ("Kisumu", "Kisumu", "Oginga Odinga Street", "40100"),
        position: (-0.0917, 34.768), network: ("Africa/Nairobi", "+03:00", "Ziwa Telecom"), colour: [120, 60, 50], tone: 4,
        people: [("Wanjiru", "Kamau", 'F'), ("Otieno", "Ochieng", 'M'), ("Achieng", "Odhiambo", 'F')],
    },
    Country {
        codes: ("TUR", "TR", "Türkiye"), titles: ("TÜRKİYE CUMHURİYETİ", Some("KİMLİK KARTI")),
        phone: "+9050123456##", documents: ("U########", "A##@#####"), place: ("İzmir", "Ege", "Kıbrıs Şehitleri Caddesi", "35220"),
        position: (38.4237, 27.1428), network: ("Europe/Istanbul", "+03:00", "Körfez İnternet"), colour: [165, 45, 50], tone: 1,
        people: [("Elif", "Öztürk", 'F'), ("Çağlar", "Şahin", 'M'), ("Zeynep", "Aydoğan", 'F')],
    },
    Country {
        codes: ("IND", "IN", "India"), titles: ("REPUBLIC OF INDIA", None),
        phone: "+9181234#####", documents: ("Z#######", "KA03##########"), place: ("Bengaluru", "Karnataka", "Richmond Road", "560025"),
        position: (12.9716, 77.5946), network: ("Asia/Kolkata", "+05:30", "Cauvery Netcom"), colour: [55, 70, 120], tone: 3,
        people: [("Ananya", "Krishnamurthy", 'F'), ("Rohan", "Deshpande", 'M'), ("Gurpreet", "Sandhu", 'M')],
    },
    Country {
        codes: ("JPN", "JP", "Japan"), titles: ("NIPPON / JAPAN", None),
        phone: "+81901234####", documents: ("TK#######", "############"), place: ("Sendai", "Miyagi", "Jozenji-dori", "980-0803"),
        position: (38.2682, 140.8694), network: ("Asia/Tokyo", "+09:00", "Hirose Hikari"), colour: [135, 40, 60], tone: 0,
        people: [("Haruka", "Satō", 'F'), ("Kenji", "Watanabe", 'M'), ("Yūko", "Matsumoto", 'F')],
    },
    Country {
        codes: ("PHL", "PH", "Philippines"), titles: ("REPUBLIKA NG PILIPINAS", Some("PHILIPPINE IDENTIFICATION CARD")),
        phone: "+63905123####", documents: ("P#######@", "####-####-####-####"), place: ("Cebu City", "Central Visayas", "Colon Street", "6000"),
        position: (10.3157, 123.8854), network: ("Asia/Manila", "+08:00", "Visayas Online"), colour: [40, 75, 150], tone: 2,
        people: [("Maricel", "Dela Cruz", 'F'), ("Jericho", "Villanueva", 'M'), ("Rosalie", "Bautista", 'F')],
    },
    Country {
        codes: ("AUS", "AU", "Australia"), titles: ("AUSTRALIA", None),
        phone: "+61491570###", documents: ("PA#######", "#########"), place: ("Hobart", "Tasmania", "Elizabeth Street", "7000"),
        position: (-42.8821, 147.3272), network: ("Australia/Hobart", "+11:00", "Derwent Broadband"), colour: [30, 85, 110], tone: 0,
        people: [("Kirra", "Thompson", 'F'), ("Lachlan", "Nguyen", 'M'), ("Georgia", "Papadopoulos", 'F')],
    },
];
