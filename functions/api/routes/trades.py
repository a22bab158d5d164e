"""Trades, the round trips that they make, and files of them."""

from http import HTTPStatus
from zoneinfo import ZoneInfo

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from brokersync.contracts import http
from brokersync.ports.reading import TradeFilter
from brokersync.services.export import Export
from brokersync.services.read_round_trips import ReadRoundTrips
from brokersync.services.read_trades import ReadTrades

from .. import bodies
from ..openapi import JWT, own_answers
from ..paging import Limit, RoundTripsCursor, TradesCursor
from ..parameters import AccountId, From, Symbol, To, UserId, Zone
from ..problem_codes import ProblemCode


def install(
    app: APIGatewayHttpResolver, read_trades: ReadTrades, read_round_trips: ReadRoundTrips, export: Export
) -> None:
    """What was traded."""

    @app.get(
        "/trading-accounts/<account_id>/trades",
        summary="The trades of one account, newest first",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "A page of trades", ProblemCode.INVALID_REQUEST),
    )
    def list_trades(
        account_id: AccountId,
        user_id: UserId,
        since: From = None,
        until: To = None,
        symbol: Symbol = "",
        limit: Limit = 50,
        cursor: TradesCursor = "",
    ) -> http.Trades:
        only = TradeFilter(since=since, until=until, symbol=symbol)
        return bodies.trades(read_trades.run(user_id, account_id, only, limit=limit, before=cursor))

    @app.get(
        "/trading-accounts/<account_id>/round-trips",
        summary="The closed round trips of one account, newest exit first",
        description="Paired by the broker's own positions where it has some, else first in, first out. Worked out anew "
        "from the trades: a correction at the broker corrects them.",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "A page of round trips", ProblemCode.INVALID_REQUEST),
    )
    def list_round_trips(
        account_id: AccountId,
        user_id: UserId,
        since: From = None,
        until: To = None,
        symbol: Symbol = "",
        limit: Limit = 50,
        cursor: RoundTripsCursor = "",
    ) -> http.RoundTrips:
        only = TradeFilter(since=since, until=until, symbol=symbol)
        return bodies.round_trips(read_round_trips.page(user_id, account_id, only, limit=limit, before=cursor))

    @app.get(
        "/trading-accounts/<account_id>/realised-pnl",
        summary="What the closed round trips of one account earned, day by day",
        security=JWT,
        compress=True,
        responses=own_answers(HTTPStatus.OK, "The days, oldest first", ProblemCode.INVALID_REQUEST),
    )
    def get_realised_pnl(
        account_id: AccountId,
        user_id: UserId,
        since: From = None,
        until: To = None,
        symbol: Symbol = "",
        time_zone: Zone = "UTC",
    ) -> http.RealisedPnl:
        only = TradeFilter(since=since, until=until, symbol=symbol)
        return bodies.realised_pnl(read_round_trips.by_day(user_id, account_id, only, ZoneInfo(time_zone)))

    @app.post(
        "/trading-accounts/<account_id>/exports",
        summary="Write trades or round trips into a CSV file",
        description="The file is there at once, for anybody who has its address, until `expires_at`.",
        security=JWT,
        status_code=HTTPStatus.CREATED,
        responses=own_answers(
            HTTPStatus.CREATED, "The file's address", ProblemCode.INVALID_REQUEST, ProblemCode.EXPORT_TOO_LARGE
        ),
    )
    def create_export(account_id: AccountId, wanted: http.ExportRequest, user_id: UserId) -> http.Export:
        only = TradeFilter(since=wanted.since, until=wanted.until, symbol=wanted.symbol)
        return http.Export.model_validate(export.run(user_id, account_id, wanted.what, only))
