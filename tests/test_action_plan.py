"""Action plans: items, headings, cuts, and the countries of each item with the words that they rest on."""
# ruff: noqa: E501  (a labelled text is one line)

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipelines import settings
from pipelines.action_plan import ActionPlan, read_action_plan
from pipelines.reference import read_country_names

NAMES = read_country_names(settings.REFERENCE)
PAGES = Path(__file__).parent / "pages"

#: plan -> the countries of its items, one after the other, between semicolons.
PLANS = [
    ("In Kenya, the pilot ends. Staff will move to Uganda by June.", "KEN;UGA"),
    ("In Kenya, the pilot ends. In Uganda, it goes on. Both countries will report.", "KEN;UGA;KEN UGA"),
    ("Kenya: done; Uganda: delayed; Regional: a platform will be built.", "KEN;UGA;"),
    ("Senegal: 20 inspectors trained. Mali: none yet. The Gambia: planned for 2025.", "SEN;MLI;GMB"),
    ("Work started in Nepal. A new donor will be sought.", "NPL;"),
    ("Work started in Nepal. This will be extended next year. The budget is limited.", "NPL;"),
    ("In Ghana (Accra), training began. The trainers will be certified. Overall, the programme will report.", "GHA;"),
    ("The ILO Office for Tanzania, Kenya and Uganda will follow up. A workshop will be held.", "KEN TZA UGA"),
    ("For Haiti:\n- Train inspectors\n- Print the guide\nFor Honduras:\n- Nothing", "HTI;HTI;HND"),
    ("Kenya\nThe pilot ends in May.\nIt will be evaluated.\nUganda\nNo action.", "KEN;KEN;UGA"),
    ("1. Peru\na) Train\nb) Print\n2. Chile\na) Train\n3. The steering committee will meet.", "PER;PER;CHL;"),
    ("- Peru:\n- Train\n- Print\n- Chile:\n- Train", "PER;PER;CHL"),
    ("The following was agreed in Jordan:\n• Desks open.\n• Staff named.", "JOR;JOR"),
    ("All countries:\n- Report.\nNepal:\n- Train.", ";NPL"),
    ("COUNTRY: MALI\nACTION: TRAIN", "MLI"),
    (
        "In Mexico, the study is done. For example, in Tijuana, it was printed. In all countries, it will be shared.",
        "MEX;",
    ),
    (
        "The project will cooperate with Brazil and South Africa under South-South cooperation. They will send trainers.",
        "BRA ZAF",
    ),
    ("Meanwhile, in Fiji, the course begins. The course lasts a week.", "FJI"),
    ("Additionally, Samoa and Tonga will join. In the Pacific, the network grows.", "TON WSM;"),
    (
        "In Latin America, a network will be set up. In Colombia, it starts in May. At regional level, it is planned for June.",
        ";COL;",
    ),
    ("Dr. Mensah of the Ghana office signed. No. 5 of the list is done.", "GHA;"),
    ("The U.S. Department of Labor will review it. In Togo, e.g. in Lomé, training starts.", ";TGO"),
    ("The meeting was held.In Togo, training starts.", ";TGO"),
    ("In Lesotho, the project will buy 3.5 million forms. Prices rose by 2.5 per cent.", "LSO"),
    ("With the exception of Cuba, every office reported. In Haiti, reports are late.", ";HTI"),
    (
        "Elsewhere, nothing changes. Zambia and Malawi will share a coordinator. She will be based in Lusaka.",
        ";MWI ZMB",
    ),
    ("Better Work Haiti will train inspectors. Better Work Lesotho closed.", "HTI;LSO"),
    ("The Nepalese team will print it. The project will report.", "NPL;"),
    ("The Bolivian component ends. There, the union takes over.", "BOL"),
    (
        "Au Mali, le projet formera 20 agents. Les agents recevront un guide. Dans l'ensemble, le programme avance.",
        "MLI;",
    ),
    ("Le projet appuiera le Togo et le Bénin. Ces deux pays ont demandé une revue. Le siège suivra.", "BEN TGO;"),
    ("Niger : formation terminée. Tchad : en attente ; Cameroun : annulé.", "NER;TCD;CMR"),
    (
        "Pour la Tunisie, une étude est prévue. Elle sera publiée en 2025. Par ailleurs, au Maroc, un atelier aura lieu.",
        "TUN;MAR",
    ),
    ("Tous les pays\n- Mettre à jour le plan\nMadagascar\n- Former les agents", ";MDG"),
    ("Au niveau régional, un réseau sera créé. En Afrique de l'Ouest, il sera actif.", ""),
    ("La République-Unie de Tanzanie et le Kenya signeront. Les deux pays se réuniront.", "KEN TZA"),
    (
        "En Bolivia, se capacitará a 30 inspectores. Asimismo, se imprimirá la guía. A nivel regional, se creará una red.",
        "BOL;",
    ),
    ("Nicaragua: concluido. Panamá: en curso; Belice: sin empezar.", "NIC;PAN;BLZ"),
    ("El proyecto trabaja en Perú. Capacitará a 40 personas. La oficina informará.", "PER;"),
    ("El Gobierno de Chile aprobó la ley. Ambos ministerios la aplicarán. En cada país habrá un taller.", "CHL;"),
    (
        "En Costa Rica y en Panamá habrá talleres. Los dos países firmarán. En los demás países no habrá nada.",
        "CRI PAN;",
    ),
    ("Guatemala\n1. Traducir\n2. Imprimir\nGlobal\n1. Informar", "GTM;GTM;"),
    (
        "Para Ecuador, el curso empieza en mayo. Su duración será de un mes. Por otra parte, Colombia no participará.",
        "ECU;COL",
    ),
    (
        "The project office in Pakistan will recruit two officers. They will work in Lahore. A donor meeting is planned.",
        "PAK",
    ),
    ("Under the leadership of Ms Jordan, the team in Kenya will draft it.", "KEN"),
    ('"In Iraq, work is suspended." "In Yemen, it goes on."', "IRQ;YEM"),
    ("In Viet Nam the programme ended, while in Laos it continues. It will end in 2026.", "LAO VNM"),
    ("As in Ghana, the fund in Sierra Leone will be public.", "SLE"),
    ("The Danish Government approved. The Kenyan Government did not.", ";KEN"),
    ("a) Ethiopia: train; b) Somalia: print.", "ETH;SOM"),
]


def countries(plan: ActionPlan) -> list[list[str]]:
    return [
        sorted(country.country_iso3 for country in plan.countries if country.item_number == item.item_number)
        for item in plan.items
    ]


@pytest.mark.parametrize(("text", "expected"), PLANS, ids=[text[:50] for text, _ in PLANS])
def test_countries_of_items(text: str, expected: str) -> None:
    assert countries(read_action_plan(text, NAMES)) == [item.split() for item in expected.split(";")]


def expected_plans() -> list[tuple[str, str, list[dict[str, object]]]]:
    plans = []
    for line in (PAGES / "expected.jsonl").read_text(encoding="utf-8").strip().split("\n"):
        page = json.loads(line)
        for record in page["records"]:
            text = record["text_fields"].get("action_plan")
            if text:
                plans.append((page["file"], text, record["action_items"]))
    return plans


@pytest.mark.parametrize(("file", "text", "expected"), expected_plans())
def test_items_of_pages(file: str, text: str, expected: list[dict[str, object]]) -> None:
    plan = read_action_plan(text, NAMES)
    read = [
        {"item_text": item.item_text, "scope": item.scope, "countries": found}
        for item, found in zip(plan.items, countries(plan), strict=True)
    ]
    assert read == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In Mali, it ends.", [("opening", "Mali")]),
        ("Mali:\n- Train.", [("heading", "Mali")]),
        ("The study in Mali ends.", [("mention", "Mali")]),
        ("Work began in Mali. In Togo, too. It will end.", [("mention", "Mali"), ("opening", "Togo")]),
        ("The tool of Mali and Togo works. In Togo, it ends. Both countries agree.", None),
    ],
)
def test_evidence(text: str, expected: list[tuple[str, str]] | None) -> None:
    plan = read_action_plan(text, NAMES)
    found = [(country.evidence, country.mention_text) for country in plan.countries]
    assert found == expected if expected else ("carried", "Mali") in found


def test_markers_headings_and_paragraphs() -> None:
    plan = read_action_plan("Kenya:\n1. Train. In Mali, print.\n2. Report.", NAMES)
    assert [(item.paragraph_number, item.marker, item.heading_text) for item in plan.items] == [
        (2, "1.", "Kenya:"),
        (2, None, "Kenya:"),
        (3, "2.", "Kenya:"),
    ]


LINES = [
    *[
        "In Kenya, it ends.",
        "It will go on.",
        "Mali:",
        "- Train the Thai team",
        "• Au Togo, l’appui finit.",
        "1. Overall, yes.",
    ],
    *[
        "Uganda: a; Peru: b; Regional: c",
        "Country: Chad",
        "All countries",
        "“In Côte d'Ivoire, x.” ",
        "U.S. e.g. No. 5.",
        "😀 \u200f é",
    ],
    "",
]


@given(st.lists(st.one_of(st.sampled_from(LINES), st.text(max_size=12)), max_size=12), st.sampled_from(["\n", " "]))
@hypothesis_settings(max_examples=300)
def test_items_are_words_of_the_plan_in_order(lines: list[str], joint: str) -> None:
    text = joint.join(lines)
    plan = read_action_plan(text, NAMES)
    last = 0
    for item in plan.items:
        assert last <= item.char_start < item.char_end
        assert text[item.char_start : item.char_end] == item.item_text
        last = item.char_end
    subjects = {(m.char_start, m.char_end, m.country_iso3) for m in plan.mentions if m.role == "subject"}
    numbers = {item.item_number for item in plan.items if item.scope == "country"}
    assert {country.item_number for country in plan.countries} == numbers
    for country in plan.countries:
        assert (country.char_start, country.char_end, country.country_iso3) in subjects
        assert text[country.char_start : country.char_end] == country.mention_text
