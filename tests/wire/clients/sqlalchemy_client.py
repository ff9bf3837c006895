"""asyncpg, and SQLAlchemy over psycopg: reflection, ORM, RETURNING."""
import asyncio
import sys
from datetime import datetime, timezone
from decimal import Decimal

import asyncpg
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Numeric, String, Table, create_engine, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

dsn = sys.argv[1]


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")


async def over_asyncpg():
    c = await asyncpg.connect(dsn)
    await c.execute("CREATE TABLE apg (id int PRIMARY KEY, s text, n numeric, ts timestamptz, a int[])")
    at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    await c.execute("INSERT INTO apg VALUES ($1, $2, $3, $4, $5)", 1, "a", Decimal("1.50"), at, [1, None, 3])
    r = await c.fetchrow("SELECT * FROM apg WHERE id = $1", 1)
    check("asyncpg", tuple(r.values()), (1, "a", Decimal("1.50"), at, [1, None, 3]))
    await c.copy_records_to_table("apg", records=[(i, str(i), None, None, None) for i in range(2, 50)])
    async with c.transaction():
        check("cursor", [r["id"] async for r in c.cursor("SELECT id FROM apg ORDER BY id", prefetch=5)], list(range(1, 50)))
    await c.executemany("INSERT INTO apg (id) VALUES ($1)", [(i,) for i in range(100, 110)])
    check("count", await c.fetchval("SELECT count(*) FROM apg"), 59)
    try:
        await c.fetchval("SELECT pg_sleep(30)", timeout=0.3)
        sys.exit("no timeout")
    except asyncio.TimeoutError:
        pass
    check("after a timeout", await c.fetchval("SELECT 1"), 1)
    await c.execute("DROP TABLE apg")
    await c.close()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "sa_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


def over_sqlalchemy():
    e = create_engine(dsn.replace("postgres://", "postgresql+psycopg://"))
    md = MetaData()
    Table("sa_item", md, Column("order_id", Integer, primary_key=True, autoincrement=False),
          Column("line", Integer, primary_key=True, autoincrement=False),
          Column("price", Numeric(10, 2), CheckConstraint("price > 0")), Column("sku", String(8), nullable=False, server_default="x"))
    md.create_all(e)
    Base.metadata.create_all(e)
    with Session(e) as s:
        s.add_all([User(name="ann"), User(name="bob")])
        s.commit()
        check("orm", s.scalars(select(User.name).order_by(User.id)).all(), ["ann", "bob"])
        u = s.scalars(select(User).where(User.name == "ann")).one()
        u.name = "anna"
        s.commit()
        check("update", s.get(User, u.id).name, "anna")
    ins = inspect(e)
    check("tables", sorted(t for t in ins.get_table_names() if t.startswith("sa_")), ["sa_item", "sa_user"])
    check("columns", [(c["name"], str(c["type"]), c["nullable"]) for c in ins.get_columns("sa_item")],
          [("order_id", "INTEGER", False), ("line", "INTEGER", False), ("price", "NUMERIC(10, 2)", True), ("sku", "VARCHAR(8)", False)])
    check("key", ins.get_pk_constraint("sa_item")["constrained_columns"], ["order_id", "line"])
    check("checks", len(ins.get_check_constraints("sa_item")), 1)
    reflected = Table("sa_user", MetaData(), autoload_with=e)
    check("reflected", [c.name for c in reflected.columns], ["id", "name"])
    md.drop_all(e)
    Base.metadata.drop_all(e)


asyncio.run(over_asyncpg())
over_sqlalchemy()
print("ok")
