"""psycopg 3 and psycopg2: parameters, types both ways, COPY, server-side cursors, pipelines, notices, errors."""
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import psycopg
import psycopg2

dsn = sys.argv[1]


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")


with psycopg.connect(dsn) as c:
    c.execute("CREATE TABLE py (id int PRIMARY KEY, s text, n numeric(10,2), ts timestamptz, u uuid, b bytea, a text[], j jsonb, iv interval, f float8, ok bool)")
    row = (1, "h\u00e9llo", Decimal("12.50"), datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc),
           UUID("12345678-1234-5678-1234-567812345678"), b"\x00\xff", ["a", None, 'b"c'], psycopg.types.json.Jsonb({"k": [1, 2]}),
           timedelta(days=1, seconds=2), 1.5, True)
    c.execute("INSERT INTO py VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
    c.commit()
    for binary in (False, True):
        cur = c.cursor(binary=binary)
        got = cur.execute("SELECT * FROM py WHERE id = %s", (1,)).fetchone()
        check(f"row, binary {binary}", got[:7] + got[8:], row[:7] + row[8:])
        check("json", got[7], {"k": [1, 2]})
    with c.cursor() as cur:
        cur.executemany("INSERT INTO py (id, s) VALUES (%s, %s)", [(i, f"row {i}") for i in range(2, 102)])
    c.commit()
    with c.cursor(name="named") as cur:
        cur.itersize = 7
        cur.execute("SELECT id FROM py ORDER BY id")
        check("server-side cursor", [r[0] for r in cur], list(range(1, 102)))
    with c.cursor() as cur:
        with cur.copy("COPY py (id, s) FROM STDIN") as copy:
            for i in range(200, 210):
                copy.write_row((i, f"copied\t{i}"))
        with cur.copy("COPY (SELECT id, s FROM py WHERE id >= 200 ORDER BY id) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            check("copy", list(copy.rows()), [(i, f"copied\t{i}") for i in range(200, 210)])
    c.commit()
    with c.pipeline():
        curs = [c.execute("SELECT %s::int * 2", (i,)) for i in range(20)]
        check("pipeline", [x.fetchone()[0] for x in curs], [2 * i for i in range(20)])
    try:
        c.execute("SELECT 1/0 FROM py")
        sys.exit("no error")
    except psycopg.errors.DivisionByZero:
        c.rollback()
    with c.transaction():
        c.execute("UPDATE py SET s = 'x' WHERE id = 1")
        try:
            with c.transaction():
                c.execute("UPDATE py SET s = 'y' WHERE id = 1")
                raise psycopg.Rollback()
        except psycopg.Rollback:
            pass
    check("savepoint", c.execute("SELECT s FROM py WHERE id = 1").fetchone()[0], "x")
    for i in range(10):  # psycopg prepares a statement at its fifth use
        check("prepared", c.execute("SELECT s FROM py WHERE id = %s AND s <> %s", (2, "z")).fetchone()[0], "row 2")

with psycopg2.connect(dsn) as c, c.cursor() as cur:
    cur.execute("SELECT id, n, ts, a FROM py WHERE id = %s AND s = ANY(%s)", (1, ["x", "y"]))
    check("psycopg2", cur.fetchone(), (1, Decimal("12.50"), datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone.utc), ["a", None, 'b"c']))
    cur.execute("DROP TABLE IF EXISTS nosuch")
    check("notice", [n.strip() for n in c.notices], ['NOTICE:  table "nosuch" does not exist, skipping'])
    with c.cursor(name="n2", withhold=True) as named:
        named.execute("SELECT id FROM py ORDER BY id LIMIT 30")
        c.commit()
        check("held cursor", len(named.fetchall()), 30)
    cur.execute("DROP TABLE py")
print("ok")
