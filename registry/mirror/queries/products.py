"""Products, qualifications, the Table of Equivalences (PRD-1, PRQ-1, TOE-1)."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import or_

from registry.domain.enums import QualificationState, SettlementMethod
from registry.domain.pods import Roster
from registry.domain.products import Product
from registry.mirror.keys import area_part, key, product_part
from registry.mirror.queries.reader import Reader, Row, base, columns, equal, instant
from registry.mirror.tables import Equivalence, ProductRow, Qualification, table_of
from registry.ports import PAGE
from registry.views import EquivalenceView, ProductView, QualificationView


class ProductReader(Reader):
    """Implements :class:`registry.ports.ProductQueries`."""

    def product(self, product: int, *, as_of: datetime | None = None) -> ProductView | None:
        """A product by its number."""
        row = self._row(ProductRow, product_part(product), as_of)
        return None if row is None else _product(row)

    def products(
        self,
        *,
        operator: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[ProductView]:
        """Products by number."""
        wanted = equal(table_of(ProductRow), operator=operator)
        return [
            _product(row) for row in self._rows(ProductRow, *wanted, as_of=as_of, after=after, limit=limit)
        ]

    def qualification(
        self, aggregate: int, product: int, *, as_of: datetime | None = None
    ) -> QualificationView | None:
        """The qualification of an aggregate for a product itself (not through equivalences)."""
        row = self._row(Qualification, key(area_part(aggregate), product_part(product)), as_of)
        return None if row is None else _qualification(row)

    def qualifications(
        self,
        *,
        aggregate: int | None = None,
        product: int | None = None,
        bsp: int | None = None,
        operator: int | None = None,
        state: QualificationState | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[QualificationView]:
        """Qualifications by aggregate and product."""
        wanted = equal(
            table_of(Qualification),
            aggregate=aggregate,
            product=product,
            bsp=bsp,
            operator=operator,
            state=None if state is None else int(state),
        )
        rows = self._rows(Qualification, *wanted, as_of=as_of, after=after, limit=limit)
        return [_qualification(row) for row in rows]

    def equivalences(
        self,
        *,
        holds: bool | None = None,
        product: int | None = None,
        as_of: datetime | None = None,
        after: str | None = None,
        limit: int = PAGE,
    ) -> list[EquivalenceView]:
        """The Table of Equivalences; ``product`` stands on either side."""
        table = table_of(Equivalence)
        wanted = [] if holds is None else [table.c.holds.is_(holds)]
        if product is not None:
            wanted.append(or_(table.c.from_product == product, table.c.to_product == product))
        rows = self._rows(Equivalence, *wanted, as_of=as_of, after=after, limit=limit)
        return [
            EquivalenceView(
                **base(row),
                **columns(row, "from_product", "to_product", "proposed_by", "revoked_by", "holds"),
                accepted_by=tuple(row["accepted_by"]),
            )
            for row in rows
        ]


def _product(row: Row) -> ProductView:
    terms: dict[str, Any] = {
        field.name: bytes.fromhex(value) if isinstance(value := row["terms"][field.name], str) else value
        for field in fields(Product)
    }
    terms["method"] = SettlementMethod(terms["method"])
    return ProductView(
        **base(row), **columns(row, "product", "operator", "superseded_by"), terms=Product(**terms)
    )


def _qualification(row: Row) -> QualificationView:
    return QualificationView(
        **base(row),
        **columns(row, "aggregate", "product", "actor", "performance_permille", "evidence_hash"),
        state=QualificationState(row["state"]),
        valid_until=instant(row["valid_until"]) if row["valid_until"] else None,
        tested=Roster(row["tested_changes"], row["tested_up_kw"], row["tested_down_kw"]),
    )
