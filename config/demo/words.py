"""The words people, companies and places are made of. Names are common ones combined at random: nobody is
meant.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST_NAMES: dict[str, tuple[str, ...]] = {
    "german": _words(
        "Anna Lukas Jana Felix Miriam Jonas Katharina Tobias Lena Matthias Sabine Florian Nadine "
        "Stefan Carla Moritz Heike Sebastian Franziska Dominik Greta Philipp Silke Andreas Judith "
        "Christoph Paula Oliver Theresa Jan Annika Markus Johanna Benedikt Ute Daniel Marlene Simon "
        "Birgit Till"
    ),
    "english": _words(
        "Olivia James Charlotte Oliver Grace Harry Emily George Sophie Thomas Megan Daniel Hannah "
        "Samuel Rachel Ben Lucy Matthew Chloe Andrew Zoe Ryan Abigail Nathan Claire Joseph Natalie "
        "Adam Rebecca Luke Fiona Sean Maeve Callum Tyler Brooke Madison Ethan Jasmine Marcus Denise "
        "Terrence"
    ),
    "nordic": _words(
        "Freja Lars Astrid Erik Ingrid Mikkel Sofie Anders Linnea Johan Elin Henrik Maja Oskar Signe "
        "Magnus Aino Eero Tuuli Mikael Kaisa Jukka Solveig Bjorn Karin Nils Tove Rasmus Hedda Sander"
    ),
    "romance": _words(
        "Camille Luis Chiara Mateo Inès Hugo Giulia Javier Élodie Marco Lucía Rafael Beatriz Antoine "
        "Valentina Paulo Manon Diego Francesca Thiago Carmen Julien Mariana Enzo"
    ),
    "slavic": _words(
        "Zofia Piotr Katarzyna Marek Ewa Tomasz Olena Andrij Milena Jakub Daria Pavel Ivana Luka Jelena Nikola"
    ),
    "levant": _words("Elif Emre Leyla Kerem Aylin Mehmet Yasmin Karim Nour Omar Samira Tarek Defne Hakan Rania Sami"),
    "indian": _words(
        "Priya Arjun Ananya Rohan Meera Vikram Kavya Sanjay Divya Rahul Nisha Aditya Lakshmi Imran Farah Dev"
    ),
    "asian": _words("Mei Wei Yuki Haruto Linh Minh Jia Hiro Soo-jin Min-jun Xin Chen Akiko Kenji Thuy Bao"),
    "african": _words("Amara Kwame Zainab Chidi Ngozi Tunde Wanjiru Kofi Thandi Sipho Ama Jabari"),
}

LAST_NAMES: dict[str, tuple[str, ...]] = {
    "german": _words(
        "Weber Schneider Vogt Brandt Keller Hartmann Lindner Kaiser Böhm Seidel Winkler Pohl Arnold "
        "Busch Ziegler Kühn Ritter Haas Gruber Huber Steiner Egger Baumann Meier Frei Schuster Ebert "
        "Jäger Sommer Thiele Krämer Nowak Reuter Barth Dietrich Engel Stark Wolff Horn Lorenz"
    ),
    "english": _words(
        "Carter Hughes Bennett Foster Walsh Murphy Clarke Turner Reid Shaw Palmer Doyle Brooks Hayes "
        "Barker Grant Sutton Fletcher Byrne Kelly Coleman Marsh Pearce Holt Washington Freeman "
        "Sullivan Parker Ellis Boyd Lowe Harding Whitaker Nolan Bryant Jefferson Simmons Lambert"
    ),
    "nordic": _words(
        "Lindqvist Hansen Nyström Dahl Bergström Nielsen Korhonen Virtanen Holm Sørensen Ek Larsen "
        "Lund Åkesson Mäkinen Bakken Sandberg Friis Laine Strand Haugen Wikström Kjær Öberg Salminen"
    ),
    "romance": _words(
        "Moreau Ferrari Navarro Silva Lefèvre Romano Ortega Costa Dubois Marino Vargas Almeida Girard "
        "Conti Molina Teixeira Blanchard Greco Iglesias Nogueira"
    ),
    "slavic": _words("Kowalska Wójcik Horák Novotná Shevchenko Petrenko Kovač Babić Zieliński Mazur Dvořák Jovanović"),
    "levant": _words("Yıldız Demir Kaya Haddad Khoury Aydın Çelik Mansour Nasser Şahin Öztürk Rahimi"),
    "indian": _words("Sharma Iyer Patel Reddy Nair Kapoor Menon Gupta Rao Siddiqui Banerjee Desai"),
    "asian": _words("Tanaka Nguyen Li Kim Sato Tran Zhang Park Lim Nakamura Wong Pham"),
    "african": _words("Okafor Mensah Adeyemi Dlamini Kamau Boateng Eze Nkosi Diallo Abebe"),
}

# country: (share of accounts, culture, legal forms, (region, first digits of the postal code)s, dialing code)
COUNTRIES: dict[str, tuple[float, str, tuple[str, ...], tuple[tuple[str, str], ...], str]] = {
    "DE": (
        0.27,
        "german",
        ("GmbH", "GmbH", "AG", "SE", "GmbH & Co. KG"),
        (("BE", "10"), ("HH", "20"), ("BY", "80"), ("NW", "50"), ("HE", "60"), ("BW", "70"), ("SN", "04")),
        "+49 30",
    ),
    "AT": (0.05, "german", ("GmbH", "AG"), (("9", "10"), ("6", "80"), ("4", "40")), "+43 1"),
    "CH": (0.06, "german", ("AG", "GmbH"), (("ZH", "80"), ("BE", "30"), ("GE", "12")), "+41 44"),
    "GB": (
        0.16,
        "english",
        ("Ltd", "Ltd", "plc", "LLP"),
        (("ENG", "EC"), ("ENG", "M"), ("SCT", "EH")),
        "+44 20",
    ),
    "IE": (0.03, "english", ("Ltd",), (("D", "D0"), ("CO", "T1")), "+353 1"),
    "SE": (0.06, "nordic", ("AB",), (("AB", "11"), ("O", "41")), "+46 8"),
    "NO": (0.03, "nordic", ("AS",), (("03", "01"), ("46", "50")), "+47 21"),
    "DK": (0.04, "nordic", ("A/S", "ApS"), (("84", "21"), ("82", "80")), "+45 33"),
    "FI": (0.03, "nordic", ("Oy",), (("18", "00"), ("11", "33")), "+358 9"),
    "US": (
        0.14,
        "english",
        ("Inc.", "LLC", "Corp."),
        (("NY", "100"), ("CA", "941"), ("MA", "021"), ("TX", "787"), ("IL", "606")),
        "+1 212",
    ),
    "CA": (0.03, "english", ("Inc.",), (("ON", "M5"), ("BC", "V6")), "+1 416"),
    "NL": (0.03, "german", ("B.V.",), (("NH", "10"), ("ZH", "30")), "+31 20"),
    "FR": (0.025, "romance", ("SAS", "SA"), (("IDF", "75"), ("ARA", "69")), "+33 1"),
    "ES": (0.015, "romance", ("S.L.",), (("MD", "28"), ("CT", "08")), "+34 91"),
    "PL": (0.015, "slavic", ("Sp. z o.o.",), (("14", "00"), ("12", "30")), "+48 22"),
    "IN": (0.01, "indian", ("Pvt. Ltd.",), (("KA", "560"), ("MH", "400")), "+91 80"),
    "BR": (0.005, "romance", ("Ltda.",), (("SP", "01"),), "+55 11"),
    "SG": (0.005, "asian", ("Pte. Ltd.",), (("01", "04"),), "+65 6"),
}

COMPANY_STARTS = _words(
    "Hal Bryn Kest Nor Vel Tarn Ald Mor Fen Stell Rook Cal Wes Lind Ost Grey Harrow Ember Quill Pell "
    "Sor Ulm Dray Eich Brook Fjell Kron Marl Sund Thorn Alt Birk Cor Dorn Elm Falk Glen Hav Iver Jor "
    "Kel Lang Mer Nies Ols Pren Rav Sil Tor Und Vars Wil Yar Zell Arn Bel Cray Dun Esk Fris Gar Hol "
    "Inn Kirk Lom Mid Nels Ock Port Ring Salt Tide"
)
COMPANY_ENDS = _words(
    "den wick mark vik berg ton mere stad ford haven by ridge gate holm lund worth stein bourne "
    "dale hurst feld land bach thorpe cote fell rup nes vall"
)

# industry: (share, fit with the product 0–1, words companies of it carry in their name)
INDUSTRIES: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "software": (0.26, 0.95, ("Software", "Systems", "Cloud", "Labs", "Digital", "Data")),
    "finance": (0.14, 0.8, ("Capital", "Payments", "Bank", "Leasing", "Insurance")),
    "telecom": (0.05, 0.7, ("Networks", "Telecom", "Wireless")),
    "e-commerce": (0.12, 0.85, ("Commerce", "Direct", "Market", "Online", "Brands")),
    "manufacturing": (0.13, 0.5, ("Engineering", "Works", "Machines", "Components", "Tools")),
    "logistics": (0.08, 0.6, ("Logistics", "Freight", "Cargo", "Mobility")),
    "media": (0.07, 0.55, ("Media", "Publishing", "Studios")),
    "healthcare": (0.07, 0.5, ("Health", "Medical", "Care", "Diagnostics")),
    "energy": (0.05, 0.45, ("Energy", "Power", "Grid")),
    "education": (0.04, 0.15, ("Academy", "Learning", "Institute")),
    "public sector": (0.02, 0.1, ("Services", "Agency")),
}

# title: (share, how much of a buyer)
JOB_TITLES: dict[str, tuple[float, float]] = {
    "Head of Data": (0.09, 1.0),
    "VP Engineering": (0.06, 1.0),
    "CTO": (0.06, 1.0),
    "Chief Data Officer": (0.03, 1.0),
    "Director of Analytics": (0.07, 0.95),
    "Head of Product": (0.06, 0.85),
    "Data Engineering Manager": (0.08, 0.8),
    "Engineering Manager": (0.07, 0.75),
    "Senior Data Engineer": (0.10, 0.6),
    "Product Manager": (0.09, 0.55),
    "Data Analyst": (0.11, 0.45),
    "Software Engineer": (0.08, 0.4),
    "Marketing Manager": (0.05, 0.3),
    "IT Administrator": (0.03, 0.25),
    "Student": (0.02, 0.0),
}

# Reserved names: mail sent to them by accident reaches nobody.
FREE_MAIL_DOMAINS = ("freemail.example", "postbox.example", "mailhaus.example")

_PLAIN = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "Ö": "Oe",
        "Å": "A",
        "å": "a",
        "ø": "oe",
        "Ø": "Oe",
        "æ": "ae",
        "ı": "i",
        "ş": "s",
        "Ş": "S",
        "ç": "c",
        "Ç": "C",
        "é": "e",
        "É": "E",
        "è": "e",
        "í": "i",
        "ó": "o",
        "ř": "r",
        "á": "a",
        "č": "c",
        "ć": "c",
        "ń": "n",
        "ğ": "g",
        " ": "-",
        "&": "and",
        ".": "",
        "/": "",
    }
)


def plain(text: str) -> str:
    """Lower-case ASCII for addresses and domains."""
    return text.translate(_PLAIN).lower()
