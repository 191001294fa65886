"""Tells English, French and Spanish from each other and from all else, and says nothing about a few words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import EXPECTED

from pipelines.language import language_of

SPANISH = {"lesson_900104.txt", "recommendation_900005.txt"}
FRENCH = {"lesson_900105.txt", "recommendation_900003.txt"}
TEXTS = [
    pytest.param(text, "es" if page["file"] in SPANISH else "fr" if page["file"] in FRENCH else "en", id=page["file"])
    for page in EXPECTED
    for record in page["records"]
    for field, text in record["text_fields"].items()
    if text and field != "links"
]


@pytest.mark.parametrize(("text", "language"), TEXTS)
def test_the_texts_of_the_test_pages(text: str, language: str) -> None:
    assert language_of(text) == language or (len(text.split()) <= 4 and language_of(text) is None)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Train the inspectors before the rains."),
        ("en", "Complete the handbook, print 500 copies, hold two workshops in May."),
        ("fr", "Renforcer la formation des inspecteurs avant la saison."),
        ("fr", "Le port a été privatisé.Les équipes ont été réduites de moitié3 en un an."),
        ("es", "Capacitar a los inspectores antes de la temporada."),
        ("es", "Publicar las fechas con un año de antelación."),
        # German
        ("other", "Die Beratungsstellen sollen in den nächsten zwei Jahren an die Gemeinden übergeben werden."),
        ("other", "Das Ministerium hat den Plan im Mai angenommen und will ihn mit den Verbänden umsetzen."),
        # Portuguese
        ("other", "O projeto deve reforçar a formação dos inspetores e entregar os materiais às associações."),
        ("other", "As cooperativas foram criadas com o apoio da prefeitura, mas não há recursos para a sede."),
        ("other", "A equipe vai continuar a trabalhar com os sindicatos para que as mulheres tenham um emprego."),
        # Italian
        ("other", "Il progetto dovrebbe rafforzare la formazione degli ispettori e consegnare i materiali."),
        ("other", "Le cooperative sono state create con il sostegno del comune, ma non ci sono fondi per la sede."),
        ("other", "La squadra continuerà a lavorare con i sindacati per un lavoro dignitoso e per la parità."),
        # Catalan, Dutch, Romanian, Turkish, Indonesian, Swahili, Polish
        (
            "other",
            "El projecte ha de reforçar la formació dels inspectors i lliurar els materials abans de final d'any.",
        ),
        ("other", "De coöperatie is in het voorjaar opgericht en werkt nu zonder steun van de gemeente."),
        ("other", "Proiectul ar trebui să consolideze formarea inspectorilor și să predea materialele asociațiilor."),
        ("other", "Proje, müfettişlerin eğitimini güçlendirmeli ve malzemeleri yıl sonuna kadar teslim etmelidir."),
        ("other", "Proyek ini harus memperkuat pelatihan pengawas dan menyerahkan bahan kepada asosiasi nelayan."),
        ("other", "Mradi unapaswa kuimarisha mafunzo ya wakaguzi na kukabidhi nyenzo kwa vyama vya wavuvi."),
        (
            "other",
            "Projekt powinien wzmocnić szkolenie inspektorów i przekazać materiały stowarzyszeniom do końca roku.",
        ),
        # Russian, Arabic, Chinese, Japanese, Khmer, Greek
        ("other", "Проект должен усилить подготовку инспекторов и передать материалы объединениям рыбаков."),
        ("other", "ينبغي أن يعزز المشروع تدريب المفتشين وأن يسلم المواد إلى جمعيات الصيادين."),
        ("other", "该项目应加强对检查员的培训，并在年底前将材料交给渔民协会。"),
        ("other", "このプロジェクトは検査官の研修を強化し、年末までに資料を引き渡すべきである。"),
        ("other", "គម្រោងគួរតែពង្រឹងការបណ្តុះបណ្តាលអធិការ។"),
        ("other", "Το έργο πρέπει να ενισχύσει την κατάρτιση των επιθεωρητών."),
        # Too little to tell
        (None, ""),
        (None, "Completed."),
        (None, "School heads"),
        (None, "BETTERWORK"),
        (None, "12/2023 – 45 %"),
        (None, "Kenya, Uganda, Peru, Fiji and Nepal".replace(" and", ",")),
    ],
)
def test_sentences(language: str | None, text: str) -> None:
    assert language_of(text) == language


@given(st.text())
def test_any_text_has_one_or_none(text: str) -> None:
    assert language_of(text) in ("en", "fr", "es", "other", None)
