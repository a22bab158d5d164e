"""What has to be true of a statement that a sync fetched, before any of it is stored."""

from collections.abc import Sequence

from brokersync.brokers.ibkr_flex.document import Document
from brokersync.brokers.ibkr_flex.identity import mask
from brokersync.brokers.ibkr_flex.manifest import HISTORY
from brokersync.domain.errors import BrokerChangedError, ErrorCode, NeedsReviewError, UserActionNeededError

_DATES = "Set its date format to yyyyMMdd, time format to HHmmss and separator to semi-colon."


def check(document: Document, section: str, known: Sequence[str]) -> list[str]:
    """Names of known accounts' statements that are missing, masked.

    `known` are the account numbers of the feed, empty at first. It is no list of what may come: a query that covers
    another account brings it. Only an answer that shares no account with it is refused, as another trader's.

    Raises UserActionNeededError (setup_incomplete, wrong_account), NeedsReviewError (empty_where_history) and
    BrokerChangedError.
    """
    if document.confirmed.all():
        raise _set_up("This is a Trade Confirmation query, which shows only today: make an Activity query.")
    unread = [row.reason for row in document.unmapped if row.section == "FlexStatement"]
    if not document.statements and not unread:
        _refuse_nothing(section, known)
        return []
    if unread or not all(account.dated for account in document.statements):
        raise _unreadable(unread[0] if unread else "fromDate or toDate: has no value")
    numbers = [account.number for account in document.statements]
    for number in document.row_accounts:
        if not any(number.startswith(own) for own in numbers):
            raise _set_up("The query consolidates accounts: make it give each account a statement of its own.")
    document.selection.check()
    if section == HISTORY:
        return []  # an account may be younger than this window, or older
    absent = [number for number in known if not any(number.startswith(own) for own in numbers)]
    if known and len(absent) == len(known):
        raise UserActionNeededError(
            ErrorCode.WRONG_ACCOUNT,
            "The Flex query covers none of this connection's accounts.",
            detail=f"statements of {', '.join(map(mask, numbers))}; expected {', '.join(map(mask, known))}",
        )
    return [f"statement of account {mask(number)}" for number in absent]


def _refuse_nothing(section: str, known: Sequence[str]) -> None:
    if section == HISTORY:
        return
    if known:
        raise NeedsReviewError(
            ErrorCode.EMPTY_WHERE_HISTORY, "IBKR's answer holds no account at all. Nothing was changed."
        )
    raise _set_up("The Flex query covers no account: choose accounts in it.")


def _unreadable(reason: str) -> UserActionNeededError | BrokerChangedError:
    detail = f"FlexStatement {reason}"
    if "is not a" in reason:
        message = f"The Flex query writes dates in a format that can't be told apart. {_DATES}"
        return UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, message, detail=detail)
    return BrokerChangedError("A statement lacks its account or its days.", detail=detail)


def _set_up(message: str) -> UserActionNeededError:
    return UserActionNeededError(ErrorCode.SETUP_INCOMPLETE, message)
