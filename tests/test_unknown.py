"""Labels that no vocabulary has, in the shape of the file that wants them."""

from __future__ import annotations

import csv
import io

from small_warehouse import small_warehouse

from pipelines.reference import FILES
from pipelines.unknown import _UNKNOWN, unknown_labels


def test_a_theme_that_has_lost_one_half_is_unknown_too() -> None:
    with small_warehouse(constrained=False, rows={}) as connection:
        connection.execute(
            "INSERT INTO main.record_themes (record_kind, record_id, position, group_label, topic_label) "
            "VALUES ('lesson', 1, 1, 'Fishing', NULL), ('lesson', 2, 1, NULL, 'Nets'), "
            "('lesson', 3, 1, 'Fishing', 'Nets')"
        )
        file, header, *rows = unknown_labels(connection).splitlines()
    assert file == "# seeds/reference/themes.csv"
    assert header == ",".join(FILES["themes.csv"].columns)
    assert [row[1:] for row in csv.reader(io.StringIO("\n".join(rows)))] == [
        ["", "Nets"],
        ["Fishing", ""],
        ["Fishing", "Nets"],
    ]


def test_a_row_fits_its_file() -> None:
    for name, (_, row) in _UNKNOWN.items():
        assert len(row("Fishing\x1fNets" if name == "themes.csv" else "Fishing")) == len(FILES[name].columns)
