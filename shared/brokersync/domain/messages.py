"""What traders are told, in their language: badges, and what an error means and asks for.

English stands beside its concepts (status.Badge, errors.NEXT_STEPS, the sentence that a failure was raised with). The
other languages are here, by code: what a failure says beyond its code stays in English, as the detail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.status import Badge, SyncStatus, clock


class Locale(StrEnum):
    """The languages that we speak."""

    EN = "en"
    FR = "fr"
    VI = "vi"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorText:
    """An error for the trader. `detail` is what the run said in English, empty where `message` says it."""

    message: str
    detail: str
    next_step: str


def accepted(accept_language: str) -> Locale | None:
    """The language of an Accept-Language header that we speak and that is wanted most; None if it names none."""
    wanted: list[tuple[float, Locale]] = []
    for part in accept_language.split(","):
        tag, _, quality = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        if primary in set(Locale) and (weight := _weight(quality)) > 0:
            wanted.append((weight, Locale(primary)))
    return max(wanted, key=lambda one: one[0])[1] if wanted else None  # of equals the first


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def badge(status: SyncStatus, locale: Locale) -> str:
    """The badge of an account; a time in it is UTC."""
    if locale is Locale.EN:
        return status.badge
    return _BADGES[locale][status.badge_kind].format(clock(status.retry_at))


def error(code: ErrorCode, safe_message: str, locale: Locale) -> ErrorText:
    """What an error means and asks for."""
    if locale is Locale.EN:
        return ErrorText(message=safe_message, detail="", next_step=NEXT_STEPS[code])
    message, next_step = _ERRORS[locale][code]
    return ErrorText(message=message, detail=safe_message, next_step=next_step)


_BADGES: Mapping[Locale, Mapping[Badge, str]] = {
    Locale.FR: {
        Badge.SYNCED: "Synchronisé",
        Badge.SYNCING: "Synchronisation en cours",
        Badge.PARTLY: "Synchronisé en partie",
        Badge.REVIEW: "À vérifier",
        Badge.WAITING: "En attente",
        Badge.WAITING_UNTIL: "En attente jusqu'à {}",
        Badge.RECONNECT: "Reconnecter",
        Badge.TRYING_AGAIN: "Nouvel essai en cours",
        Badge.TRYING_AGAIN_AT: "Nouvel essai à {}",
        Badge.FAILED: "Échec",
        Badge.FIRST: "En attente de la première synchronisation",
        Badge.DISCONNECTED: "Déconnecté",
    },
    Locale.VI: {
        Badge.SYNCED: "Đã đồng bộ",
        Badge.SYNCING: "Đang đồng bộ",
        Badge.PARTLY: "Đồng bộ một phần",
        Badge.REVIEW: "Cần xem lại",
        Badge.WAITING: "Đang chờ",
        Badge.WAITING_UNTIL: "Chờ đến {}",
        Badge.RECONNECT: "Kết nối lại",
        Badge.TRYING_AGAIN: "Đang thử lại",
        Badge.TRYING_AGAIN_AT: "Thử lại lúc {}",
        Badge.FAILED: "Thất bại",
        Badge.FIRST: "Đang chờ lần đồng bộ đầu tiên",
        Badge.DISCONNECTED: "Đã ngắt kết nối",
    },
}

_RETRIED_FR = "Rien à faire : nous réessayons de nous-mêmes."
_RETRIED_VI = "Bạn không cần làm gì: chúng tôi sẽ tự thử lại."
_TOLD_FR = "Rien à faire : nos développeurs sont prévenus."
_TOLD_VI = "Bạn không cần làm gì: các lập trình viên của chúng tôi đã được báo."

_ERRORS: Mapping[Locale, Mapping[ErrorCode, tuple[str, str]]] = {
    Locale.FR: {
        ErrorCode.CREDENTIALS_REJECTED: (
            "Le courtier refuse les identifiants que nous avons.",
            "Reconnecter : saisissez des identifiants valables pour ce courtier.",
        ),
        ErrorCode.CONSENT_EXPIRED: (
            "L'autorisation donnée chez le courtier a expiré.",
            "Reconnecter : créez un nouveau jeton chez le courtier et saisissez-le ici.",
        ),
        ErrorCode.ACCOUNT_CLOSED: (
            "Le courtier indique que ce compte est fermé.",
            "Vérifiez le compte chez le courtier ; déconnectez-le ici s'il est fermé.",
        ),
        ErrorCode.RATE_LIMITED: (
            "Le courtier limite le nombre de demandes.",
            "Rien à faire : nous redemandons dès que le courtier le permet.",
        ),
        ErrorCode.BROKER_UNAVAILABLE: ("Le courtier ne répond pas en ce moment.", _RETRIED_FR),
        ErrorCode.TIMEOUT: ("Le courtier a mis trop de temps à répondre.", _RETRIED_FR),
        ErrorCode.WORK_IN_PROGRESS: (
            "Il reste des données à charger.",
            "Rien à faire : le chargement continue de lui-même.",
        ),
        ErrorCode.UNEXPECTED_ANSWER: (
            "La réponse du courtier n'est pas celle attendue.",
            "Rien à faire : nos développeurs sont prévenus et la réponse est conservée.",
        ),
        ErrorCode.WRONG_ACCOUNT: (
            "Les identifiants ouvrent un autre compte que celui-ci.",
            "Vérifiez que les identifiants sont ceux de ce compte, puis reconnectez.",
        ),
        ErrorCode.EMPTY_WHERE_HISTORY: (
            "Le courtier répond qu'il n'y a rien, là où il y avait un historique. Rien n'a été changé.",
            "À vérifier : acceptez la réponse, ou demandez à relire.",
        ),
        ErrorCode.HISTORY_CHANGED: (
            "L'historique que donne le courtier n'est plus celui que nous avons. Rien n'a été changé.",
            "À vérifier : acceptez la réponse, ou demandez à relire.",
        ),
        ErrorCode.SETUP_INCOMPLETE: (
            "Il manque un réglage chez le courtier.",
            "Terminez les réglages chez le courtier comme décrit, puis réessayez.",
        ),
        ErrorCode.LIMITS_UNAVAILABLE: ("Les limites du courtier ne peuvent pas être vérifiées.", _RETRIED_FR),
        ErrorCode.CIRCUIT_OPEN: ("Le courtier a des difficultés en ce moment.", _RETRIED_FR),
        ErrorCode.WORKER_LOST: (
            "Cette synchronisation a été interrompue.",
            "Rien à faire : elle est refaite.",
        ),
        ErrorCode.CONNECTING_INTERRUPTED: (
            "La connexion a été interrompue.",
            "Saisissez à nouveau les identifiants, ou déconnectez.",
        ),
        ErrorCode.CANCELLED: (
            "Cette connexion a été supprimée ; ce qu'elle a apporté est conservé.",
            "Rien à faire.",
        ),
        ErrorCode.ALREADY_CONNECTED: (
            "Une autre connexion a déjà ce compte.",
            "Déconnectez l'autre connexion, ou reconnectez en la nommant dans `replaces`.",
        ),
        ErrorCode.INTERNAL: ("Un problème est survenu de notre côté.", _TOLD_FR),
    },
    Locale.VI: {
        ErrorCode.CREDENTIALS_REJECTED: (
            "Nhà môi giới từ chối thông tin đăng nhập mà chúng tôi có.",
            "Kết nối lại: nhập thông tin đăng nhập hợp lệ của nhà môi giới này.",
        ),
        ErrorCode.CONSENT_EXPIRED: (
            "Quyền truy cập đã cấp ở nhà môi giới đã hết hạn.",
            "Kết nối lại: tạo mã truy cập mới ở nhà môi giới rồi nhập vào đây.",
        ),
        ErrorCode.ACCOUNT_CLOSED: (
            "Nhà môi giới báo rằng tài khoản này đã đóng.",
            "Kiểm tra tài khoản ở nhà môi giới; nếu đã đóng, hãy ngắt kết nối tại đây.",
        ),
        ErrorCode.RATE_LIMITED: (
            "Nhà môi giới giới hạn số lần truy vấn.",
            "Bạn không cần làm gì: chúng tôi sẽ hỏi lại khi nhà môi giới cho phép.",
        ),
        ErrorCode.BROKER_UNAVAILABLE: ("Hiện nhà môi giới không phản hồi.", _RETRIED_VI),
        ErrorCode.TIMEOUT: ("Nhà môi giới phản hồi quá chậm.", _RETRIED_VI),
        ErrorCode.WORK_IN_PROGRESS: (
            "Vẫn còn dữ liệu cần tải.",
            "Bạn không cần làm gì: việc tải sẽ tự tiếp tục.",
        ),
        ErrorCode.UNEXPECTED_ANSWER: (
            "Phản hồi của nhà môi giới không như mong đợi.",
            "Bạn không cần làm gì: các lập trình viên đã được báo và phản hồi được lưu giữ.",
        ),
        ErrorCode.WRONG_ACCOUNT: (
            "Thông tin đăng nhập mở một tài khoản khác.",
            "Kiểm tra thông tin đăng nhập có thuộc tài khoản này không, rồi kết nối lại.",
        ),
        ErrorCode.EMPTY_WHERE_HISTORY: (
            "Nhà môi giới trả lời không có gì ở nơi từng có lịch sử. Không có gì bị thay đổi.",
            "Cần xem lại: chấp nhận câu trả lời, hoặc yêu cầu đọc lại.",
        ),
        ErrorCode.HISTORY_CHANGED: (
            "Lịch sử mà nhà môi giới cung cấp không còn khớp với dữ liệu chúng tôi có. Không có gì bị thay đổi.",
            "Cần xem lại: chấp nhận câu trả lời, hoặc yêu cầu đọc lại.",
        ),
        ErrorCode.SETUP_INCOMPLETE: (
            "Thiếu một thiết lập ở nhà môi giới.",
            "Hoàn tất thiết lập ở nhà môi giới theo hướng dẫn, rồi thử lại.",
        ),
        ErrorCode.LIMITS_UNAVAILABLE: ("Hiện không kiểm tra được giới hạn của nhà môi giới.", _RETRIED_VI),
        ErrorCode.CIRCUIT_OPEN: ("Nhà môi giới đang gặp sự cố.", _RETRIED_VI),
        ErrorCode.WORKER_LOST: (
            "Lần đồng bộ này bị gián đoạn.",
            "Bạn không cần làm gì: nó đang được làm lại.",
        ),
        ErrorCode.CONNECTING_INTERRUPTED: (
            "Việc kết nối bị gián đoạn.",
            "Nhập lại thông tin đăng nhập, hoặc ngắt kết nối.",
        ),
        ErrorCode.CANCELLED: (
            "Kết nối này đã bị xóa; dữ liệu đã tải vẫn được giữ.",
            "Bạn không cần làm gì.",
        ),
        ErrorCode.ALREADY_CONNECTED: (
            "Một kết nối khác đã có tài khoản này.",
            "Ngắt kết nối kia, hoặc kết nối lại và nêu nó trong `replaces`.",
        ),
        ErrorCode.INTERNAL: ("Đã xảy ra sự cố ở phía chúng tôi.", _TOLD_VI),
    },
}
