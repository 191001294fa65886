"""Countries in running text: what counts as a mention, the role of each, and offsets that are true on damaged text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from proportion import in_proportion

from pipelines import settings
from pipelines.folding import fold
from pipelines.language import language_of
from pipelines.reference import read_country_names

NAMES = read_country_names(settings.REFERENCE)

#: text -> its mentions as `KEN` (a subject) or `NOR:donor`, in any order.
ROLES = [
    (
        "The guide will be tried out by six teams (two in Chad, three in Niger and one in Papua New Guinea).",
        "TCD NER PNG",
    ),
    ("With funding from Norway, Sweden and Denmark, Kenya will expand the pilot.", "NOR:donor SWE:donor DNK:donor KEN"),
    ("With funds from Japan, Kenya will expand the pilot.", "JPN:donor KEN"),
    ("The Swedish Embassy in Nairobi was informed.", "SWE:donor"),
    ("The project is financed by the Government of Canada and implemented in Senegal.", "CAN:donor SEN"),
    ("Norway has pledged two million for the second phase in Ethiopia.", "NOR:donor ETH"),
    ("The Government of Kenya will fund the second phase.", "KEN"),
    ("USDOL and Irish Aid will be approached.", "IRL:donor"),
    ("Thanks to the generous contribution of Luxembourg, the work in Mali goes on.", "LUX:donor MLI"),
    ("German development cooperation supports the Tunisian and Moroccan offices.", "DEU:donor TUN MAR"),
    ("The Korean-funded component in Viet Nam ends in 2024.", "KOR:donor VNM"),
    ("The donors (Switzerland, Sweden and the EU) were informed.", "CHE:donor SWE:donor"),
    ("Lessons learned from Peru and Chile will feed into the guide.", "PER:model CHL:model"),
    ("The approach is modelled on the Brazilian experience.", "BRA:model"),
    ("Following the example of Rwanda, Burundi will set up a fund.", "RWA:model BDI"),
    ("A study tour to Costa Rica is planned for officials of Honduras.", "CRI:model HND"),
    ("The tool developed in Ghana will be adapted for use in Sierra Leone.", "GHA:model SLE"),
    ("The tool will be used in Ghana.", "GHA"),
    ("All offices, with the exception of Yemen, have reported.", "YEM:excluded"),
    ("The training covered all countries except Libya and Sudan.", "LBY:excluded SDN:excluded"),
    ("Apart from Lebanon, all countries have reported.", "LBN:excluded"),
    ("The consultancy firm, based in South Africa, will deliver in Lesotho.", "ZAF:office LSO"),
    ("The centre in Turin, Italy, will host the course.", "ITA:office"),
    ("The ILO office in Dakar (Senegal) will backstop.", "SEN:office"),
    ("UK-based consultants and Swiss-based buyers met.", "GBR:office CHE:office"),
    ("Venezuelan refugees in Colombia and Ecuador will be trained.", "VEN:people COL ECU"),
    ("Migrants from Myanmar working in Thailand will be registered.", "MMR:people THA"),
    ("Nationals of Eritrea and Somalia will get identity papers.", "ERI:people SOM:people"),
    ("Rohingya refugees from Myanmar in Bangladesh.", "MMR:people BGD"),
    ("Ethiopian domestic workers in Lebanon and Jordan will be reached.", "ETH:people LBN JOR"),
    ("Kenyan workers will be trained.", "KEN"),
    ("The South African rand lost against the US dollar, while the Swiss franc rose.", ""),
    ("Training materials exist in French and Portuguese, and videos in Spanish with English subtitles.", ""),
    ("Portuguese-speaking countries such as Angola, Cabo Verde and Mozambique", "AGO CPV MOZ"),
    ("In German companies, apprentices earn more.", "DEU"),
    ("The Turkish and Arabic versions will follow.", ""),
    ("He is fluent in Russian and Kyrgyz.", ""),
    ("Ms Kenya Brown and Mr Jordan welcomed participants.", ""),
    ("Dr. Israel Gebre will lead the study in Ethiopia.", "ETH"),
    ("Chad will host the meeting.", "TCD"),
    ("Jordan Valley farmers and Kenya Vision 2030.", "KEN"),
    ("Jordan Compact implementation will continue.", "JOR"),
    ("The Federation of Kenya Employers and the Georgia Trade Unions Confederation.", "KEN GEO"),
    ("Lake Victoria, the Congo Basin and the Gulf of Guinea.", ""),
    ("Visit https://www.ilo.org/Jordan/index.htm or mail info@Kenya.org for Uganda.", "UGA"),
    ("Project PNG/12/01/AUS and RAS/20/01/JPN continue.", ""),
    ("PNG: completed.", "PNG"),
    ("Lao’s economy and Lao PDR’s ministry", "LAO LAO"),
    ("Viet Nam’s and Côte d’Ivoire’s ministries.", "VNM CIV"),
    ("the programme in the Central African Republic (CAR) and DRC", "CAF CAF COD"),
    ("The Turks and Caicos Islands, Trinidad and Tobago and Antigua & Barbuda", "TCA TTO ATG"),
    ("St. Vincent and the Grenadines will join St Kitts and Nevis", "VCT KNA"),
    ("Guinea, Guinea-Bissau and Equatorial Guinea", "GIN GNB GNQ"),
    ("In Sudan. South of the border, work continues.", "SDN"),
    ("Guinea. Bissau will host it.", "GIN"),
    ("The Swiss Agency for Development and Cooperation (SDC) will fund activities in Nepal.", "CHE:donor NPL"),
    ("Georgia, Armenia and Azerbaijan", "GEO ARM AZE"),
    ("Offices in Austin, Texas and Atlanta, Georgia", ""),
    ("New Mexico and New England universities", ""),
    ("The Indian Ocean and Central American partners", ""),
    ("Polish and Hungarian inspectors visited.", "POL HUN"),
    ("Panamanian, Costa Rican and Salvadoran ministries will cooperate.", "PAN CRI SLV"),
    ("Afghan returnees from Iran and Pakistan", "AFG:people IRN:people PAK:people"),
    ("Unlike in Malawi, the reform in Zambia was completed.", "MWI:excluded ZMB"),
    ("Activities in Iraq, but not in Syria, will continue.", "IRQ SYR:excluded"),
    ("The Ethiopia, Kenya and Somalia teams will meet.", "ETH KEN SOM"),
    ("In Tanzania (Zanzibar), the study is done.", "TZA TZA"),
    ("Au Burkina Faso, au Niger et au Tchad, le projet sera prolongé.", "BFA NER TCD"),
    ("Avec l'appui financier de la Norvège, le projet sera étendu au Bénin et au Togo.", "NOR:donor BEN TGO"),
    ("Le projet, financé par les Pays-Bas et la Suède, couvre Madagascar.", "NLD:donor SWE:donor MDG"),
    ("La coopération allemande finance le volet tunisien.", "DEU:donor TUN"),
    ("À l'exception du Gabon, tous les pays ont répondu.", "GAB:excluded"),
    ("Sauf en Mauritanie et aux Comores, les comités sont en place.", "MRT:excluded COM:excluded"),
    ("Selon le modèle sénégalais, la Guinée créera un fonds.", "SEN:model GIN"),
    ("À l'instar du Maroc, la Tunisie a adopté une loi.", "MAR:model TUN"),
    ("S'inspirant de l'expérience du Rwanda, le Burundi créera un observatoire.", "RWA:model BDI"),
    ("Les réfugiés syriens et irakiens au Liban seront formés.", "SYR:people IRQ:people LBN"),
    ("Les travailleurs migrants originaires du Mali seront enregistrés en Algérie.", "MLI:people DZA"),
    ("Le siège de l'organisation se trouve à Genève (Suisse).", "CHE:office"),
    ("Le manuel sera traduit en espagnol, en arabe et en portugais.", ""),
    ("La réunion se tiendra à Kinshasa.", ""),
    ("M. Maurice Diallo et Mme Dominique Kouassi signeront.", ""),
    ("Le lac Tchad et le fleuve Sénégal, ainsi que le golfe de Guinée", ""),
    ("Les autorités congolaises et centrafricaines", "COD CAF"),
    ("lInde et lÉgypte participeront aux travaux dici mars", "IND EGY"),
    ("La Confédération générale du travail de Côte dIvoire sera associée au projet", "CIV"),
    ("Les mandants haïtiens ont validé le plan", "HTI"),
    ("La Suisse a financé la première phase en Albanie.", "CHE:donor ALB"),
    ("Les entreprises françaises et les investisseurs chinois au Vietnam seront invités.", "FRA:people CHN:people VNM"),
    ("Pôle emploi sera associé.", ""),
    ("Le projet couvre les deux Congo, le Cameroun et la Guinée équatoriale.", "COG CMR GNQ"),
    ("Le Royaume du Maroc et les Émirats arabes unis", "MAR ARE"),
    ("En el Perú y en Chile, el proyecto continuará.", "PER CHL"),
    ("Con fondos de Noruega y Suecia, se ampliará el programa en Guatemala.", "NOR:donor SWE:donor GTM"),
    ("El proyecto, financiado por el Gobierno de España, se ejecuta en Honduras.", "ESP:donor HND"),
    ("La cooperación española apoya a los ministerios salvadoreños.", "ESP:donor SLV"),
    ("Salvo en Cuba, las oficinas han respondido.", "CUB:excluded"),
    ("Siguiendo el ejemplo de Uruguay, Paraguay creará una comisión.", "URY:model PRY"),
    ("Se aplicará el modelo alemán en Costa Rica.", "DEU:model CRI"),
    ("Los migrantes venezolanos en el Ecuador recibirán capacitación.", "VEN:people ECU"),
    ("Las trabajadoras nicaragüenses en Costa Rica serán registradas.", "NIC:people CRI"),
    ("El manual se traducirá al francés y al portugués.", ""),
    ("El Ministerio de Trabajo y los sindicatos bolivianos firmarán.", "BOL"),
    ("La Sra. América Ferrera y el Sr. Israel Gómez coordinarán.", ""),
    ("Con excepción de Belice y Panamá, los países firmaron.", "BLZ:excluded PAN:excluded"),
    ("El río Paraguay y la Ciudad de México", ""),
    ("La empresa, con sede en Suiza, trabajará en Colombia.", "CHE:office COL"),
    ("El Canal de Panamá y el golfo de México", ""),
    ("Los pesos mexicanos y los dólares canadienses", ""),
    ("Las autoridades dominicanas y haitianas acordaron un plan", "DOM HTI"),
    ("La Embajada de Suecia en Guatemala financiará el taller.", "SWE:donor GTM"),
    ("Brasil, la Argentina y el Uruguay compartirán experiencias.", "BRA ARG URY"),
    ("EE. UU. y Canadá son donantes del programa.", "USA:donor CAN:donor"),
    ("Se invitará a la India y a la China a participar en el programa.", "IND CHN"),
]


def read(text: str) -> list[str]:
    return sorted(
        mention.country_iso3 if mention.role == "subject" else f"{mention.country_iso3}:{mention.role}"
        for mention in NAMES.read_mentions(text, language_of(text))
    )


@pytest.mark.parametrize(("text", "expected"), ROLES, ids=[text[:50] for text, _ in ROLES])
def test_role(text: str, expected: str) -> None:
    assert read(text) == sorted(expected.split())


@pytest.mark.parametrize(
    ("text", "words", "kind"),
    [
        ("In Kenya’s north", "Kenya", "name"),
        ("the U.S. labour market", "U.S.", "code"),
        ("Zambian inspectors", "Zambian", "demonym"),
        ("En Co\u0302te d'Ivoire, tout va", "Co\u0302te d'Ivoire", "name"),
        ("En CÃ´te d'Ivoire, tout va bien", "CÃ´te d'Ivoire", "name"),
        ("Viet\u00a0Nam", "Viet\u00a0Nam", "name"),
        ("Bolivia (Plurinational State of) and", "Bolivia (Plurinational State of)", "name"),
        ("les mandants sénégalais du projet", "sénégalais", "demonym"),
        ("THE OFFICE IN SIERRA LEONE", "SIERRA LEONE", "name"),
        ("a pilot in Guinea-\nBissau", "Guinea", "name"),
    ],
)
def test_words_and_kind(text: str, words: str, kind: str) -> None:
    mention = NAMES.read_mentions(text, language_of(text))[0]
    assert (text[mention.char_start : mention.char_end], mention.kind) == (words, kind)


@pytest.mark.parametrize("text", ["LET US GO", "she can turkey-proof a chad", "AND CAN PER IT", "the guinea pig", ""])
def test_no_mention(text: str) -> None:
    assert read(text) == []


PIECES = [
    *[
        "Kenya",
        "Côte d’Ivoire",
        "Côte d'Ivoire",
        "CÃ´te d'Ivoire",
        "Viet\xa0Nam",
        "U.S.",
        "UK",
        "Thai",
        "sénégalais",
        "hondureños",
    ],
    *[
        "Guinea",
        "Bissau",
        "Papua New",
        "Republic of",
        "the",
        "funded by",
        "except in",
        "refugees",
        "İstanbul",
        "ß",
        "ﬁ",
        "é",
        "́",
    ],
    *[
        "😀",
        "\u200f",
        "\u200e",
        "\u202e",
        "\x92",
        "Â\x92s",
        "â€™s",
        "’s",
        "“",
        "”",
        "«",
        "»",
        "\xad",
        "\u200b",
        "\ufeff",
        "\n",
        "\t",
        ".",
        ",",
        ":",
        ";",
        "(",
        ")",
        "-",
        "–",
        "@",
        "://",
    ],
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=25), st.sampled_from(["", " "]))
@hypothesis_settings(max_examples=400)
def test_offsets_are_true(pieces: list[str], blank: str) -> None:
    text = blank.join(pieces)
    assert len(fold(text)) == len(text)
    for language in (None, "en", "fr", "es"):
        last = 0
        for mention in NAMES.read_mentions(text, language):
            assert last <= mention.char_start < mention.char_end <= len(text)
            last = mention.char_end
            words = text[mention.char_start : mention.char_end]
            assert words.strip() == words


@pytest.mark.parametrize(
    "unit",
    ["Republic of the ", "Papua New ", "Lao People's ", "kenyauganda", "a@b ", "http://x.y/Mali ", "funded by ", "A. "],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    def mentions(size: int) -> None:
        NAMES.read_mentions(unit * (size // len(unit)), "en")

    mentions(10_000)
    assert in_proportion(mentions, 100_000, times=4)
