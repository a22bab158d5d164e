"""What problem documents say, in the languages that we speak: title, detail and next step of each code."""

from collections.abc import Mapping
from typing import NamedTuple

from brokersync.domain.messages import Locale

from .problem_codes import ProblemCode


class Wording(NamedTuple):
    """What is always the same about a problem; `detail` and `next_step` unless the occurrence knows better."""

    title: str
    detail: str
    next_step: str


WORDINGS: Mapping[Locale, Mapping[ProblemCode, Wording]] = {
    Locale.EN: {
        ProblemCode.UNAUTHENTICATED: Wording(
            "Not signed in",
            "The request carries no token that we accept.",
            "Send a valid token: Authorization: Bearer ...",
        ),
        ProblemCode.FORBIDDEN: Wording(
            "Not allowed",
            "This address is for operators only.",
            "Sign in as an operator: the token needs the scope `operator`.",
        ),
        ProblemCode.NOT_FOUND: Wording(
            "Not found",
            "There is nothing under this address.",
            "Check the address: GET /trading-accounts lists your accounts, GET /openapi.json all routes.",
        ),
        ProblemCode.METHOD_NOT_ALLOWED: Wording(
            "Method not allowed",
            "The address exists, but not with this method.",
            "Use a method of the Allow header.",
        ),
        ProblemCode.RECONNECT_NEEDED: Wording(
            "Re-connect needed", "No sync can succeed before you re-connect.", "Re-connect."
        ),
        ProblemCode.NOTHING_TO_REVIEW: Wording(
            "Nothing to review",
            "The last sync of this account left nothing to decide.",
            "Look at the account's sync status: it may have been mended meanwhile.",
        ),
        ProblemCode.LOAD_IN_PROGRESS: Wording(
            "Already loading",
            "History of this account is being loaded already.",
            "Wait until `load` is gone from the sync status, or stop it: DELETE on this address.",
        ),
        ProblemCode.NOT_KNOWN_YET: Wording(
            "Account not known yet",
            "The first sync has not found this account yet, so it can't be named.",
            "Wait for the first sync, then name the account that it found.",
        ),
        ProblemCode.ALREADY_CONNECTED: Wording(
            "Already connected",
            "Another connection has this account.",
            "Disconnect the other connection, or connect again with `replaces` naming it.",
        ),
        ProblemCode.CONNECTION_REMOVED: Wording(
            "Disconnected",
            "This connection was disconnected, and its credentials are erased.",
            "Connect again: POST /connections. The accounts and what they hold are found again.",
        ),
        ProblemCode.CHANGED_MEANWHILE: Wording(
            "Changed meanwhile",
            "Somebody else changed it at the same time.",
            "Look at it again, and repeat what is still needed.",
        ),
        ProblemCode.REQUEST_IN_PROGRESS: Wording(
            "Under way",
            "The first request with this Idempotency-Key has not ended yet.",
            "Send it again in a moment: you get the first one's answer.",
        ),
        ProblemCode.BODY_TOO_LARGE: Wording(
            "Too large", "The body has more than 16 KB.", "Send less: no request of this API needs so much."
        ),
        ProblemCode.NOT_JSON: Wording(
            "Not JSON", "The body is not JSON by its Content-Type.", "Send JSON as `application/json`."
        ),
        ProblemCode.INVALID_REQUEST: Wording(
            "Invalid request", "The request is not valid.", "Correct the named fields."
        ),
        ProblemCode.IDEMPOTENCY_KEY_REUSED: Wording(
            "Key used before",
            "This Idempotency-Key came with another body before.",
            "Use a new key for a new request.",
        ),
        ProblemCode.EXPORT_TOO_LARGE: Wording(
            "Too many rows", "The file would have more than 50,000 rows.", "Narrow it by `from`, `to` or `symbol`."
        ),
        ProblemCode.LIMIT_REACHED: Wording(
            "Limit reached",
            "The manual syncs that your plan allows in an hour are used up.",
            "Wait until `limit.next_allowed_at`. Scheduled syncs go on meanwhile.",
        ),
        ProblemCode.INTERNAL: Wording(
            "Our fault", "Something went wrong on our side.", "Try again; if it stays, tell us the `instance`."
        ),
        ProblemCode.UNAVAILABLE: Wording(
            "Not possible right now", "Limits can't be checked at the moment.", "Try again in a minute."
        ),
    },
    Locale.FR: {
        ProblemCode.UNAUTHENTICATED: Wording(
            "Non connecté",
            "La demande n'a pas de jeton que nous acceptons.",
            "Envoyez un jeton valable : Authorization: Bearer ...",
        ),
        ProblemCode.FORBIDDEN: Wording(
            "Non autorisé",
            "Cette adresse est réservée aux opérateurs.",
            "Connectez-vous en tant qu'opérateur : le jeton doit avoir la portée `operator`.",
        ),
        ProblemCode.NOT_FOUND: Wording(
            "Introuvable",
            "Il n'y a rien à cette adresse.",
            "Vérifiez l'adresse : GET /trading-accounts donne vos comptes, GET /openapi.json toutes les routes.",
        ),
        ProblemCode.METHOD_NOT_ALLOWED: Wording(
            "Méthode non permise",
            "L'adresse existe, mais pas avec cette méthode.",
            "Utilisez une méthode de l'en-tête Allow.",
        ),
        ProblemCode.RECONNECT_NEEDED: Wording(
            "Reconnexion nécessaire",
            "Aucune synchronisation ne peut réussir avant une reconnexion.",
            "Reconnectez le compte.",
        ),
        ProblemCode.NOTHING_TO_REVIEW: Wording(
            "Rien à vérifier",
            "La dernière synchronisation de ce compte ne demande aucune décision.",
            "Regardez l'état du compte : il a pu être réparé entre-temps.",
        ),
        ProblemCode.LOAD_IN_PROGRESS: Wording(
            "Chargement en cours",
            "L'historique de ce compte est déjà en cours de chargement.",
            "Attendez que `load` disparaisse de l'état de synchronisation, ou arrêtez-le : DELETE à cette adresse.",
        ),
        ProblemCode.NOT_KNOWN_YET: Wording(
            "Compte pas encore connu",
            "La première synchronisation n'a pas encore trouvé ce compte ; il ne peut pas être nommé.",
            "Attendez la première synchronisation, puis nommez le compte trouvé.",
        ),
        ProblemCode.ALREADY_CONNECTED: Wording(
            "Déjà connecté",
            "Une autre connexion a ce compte.",
            "Déconnectez l'autre connexion, ou reconnectez en la nommant dans `replaces`.",
        ),
        ProblemCode.CONNECTION_REMOVED: Wording(
            "Déconnecté",
            "Cette connexion a été déconnectée et ses identifiants sont effacés.",
            "Connectez à nouveau : POST /connections. Les comptes et leur contenu sont retrouvés.",
        ),
        ProblemCode.CHANGED_MEANWHILE: Wording(
            "Modifié entre-temps",
            "Quelqu'un d'autre l'a modifié au même moment.",
            "Regardez à nouveau, et répétez ce qui reste nécessaire.",
        ),
        ProblemCode.REQUEST_IN_PROGRESS: Wording(
            "En cours",
            "La première demande avec cette Idempotency-Key n'est pas terminée.",
            "Renvoyez-la dans un instant : vous aurez la réponse de la première.",
        ),
        ProblemCode.BODY_TOO_LARGE: Wording(
            "Trop grand",
            "Le corps dépasse 16 Ko.",
            "Envoyez moins : aucune demande de cette API n'en a besoin.",
        ),
        ProblemCode.NOT_JSON: Wording(
            "Pas du JSON",
            "Selon son Content-Type, le corps n'est pas du JSON.",
            "Envoyez du JSON en `application/json`.",
        ),
        ProblemCode.INVALID_REQUEST: Wording(
            "Demande non valable", "La demande n'est pas valable.", "Corrigez les champs nommés."
        ),
        ProblemCode.IDEMPOTENCY_KEY_REUSED: Wording(
            "Clé déjà utilisée",
            "Cette Idempotency-Key a déjà servi avec un autre corps.",
            "Utilisez une nouvelle clé pour une nouvelle demande.",
        ),
        ProblemCode.EXPORT_TOO_LARGE: Wording(
            "Trop de lignes",
            "Le fichier aurait plus de 50 000 lignes.",
            "Restreignez par `from`, `to` ou `symbol`.",
        ),
        ProblemCode.LIMIT_REACHED: Wording(
            "Limite atteinte",
            "Les synchronisations manuelles permises par votre formule en une heure sont épuisées.",
            "Attendez jusqu'à `limit.next_allowed_at`. Les synchronisations automatiques continuent.",
        ),
        ProblemCode.INTERNAL: Wording(
            "Notre faute",
            "Un problème est survenu de notre côté.",
            "Réessayez ; si cela dure, indiquez-nous `instance`.",
        ),
        ProblemCode.UNAVAILABLE: Wording(
            "Impossible en ce moment",
            "Les limites ne peuvent pas être vérifiées.",
            "Réessayez dans une minute.",
        ),
    },
    Locale.VI: {
        ProblemCode.UNAUTHENTICATED: Wording(
            "Chưa đăng nhập",
            "Yêu cầu không có mã truy cập mà chúng tôi chấp nhận.",
            "Gửi mã truy cập hợp lệ: Authorization: Bearer ...",
        ),
        ProblemCode.FORBIDDEN: Wording(
            "Không được phép",
            "Địa chỉ này chỉ dành cho người vận hành.",
            "Đăng nhập với tư cách người vận hành: mã truy cập cần phạm vi `operator`.",
        ),
        ProblemCode.NOT_FOUND: Wording(
            "Không tìm thấy",
            "Không có gì ở địa chỉ này.",
            "Kiểm tra địa chỉ: GET /trading-accounts liệt kê tài khoản của bạn, GET /openapi.json mọi đường dẫn.",
        ),
        ProblemCode.METHOD_NOT_ALLOWED: Wording(
            "Phương thức không được phép",
            "Địa chỉ có tồn tại, nhưng không với phương thức này.",
            "Dùng một phương thức trong tiêu đề Allow.",
        ),
        ProblemCode.RECONNECT_NEEDED: Wording(
            "Cần kết nối lại",
            "Không lần đồng bộ nào có thể thành công trước khi bạn kết nối lại.",
            "Hãy kết nối lại.",
        ),
        ProblemCode.NOTHING_TO_REVIEW: Wording(
            "Không có gì để xem lại",
            "Lần đồng bộ gần nhất của tài khoản này không cần quyết định nào.",
            "Xem trạng thái đồng bộ của tài khoản: có thể nó đã được sửa.",
        ),
        ProblemCode.LOAD_IN_PROGRESS: Wording(
            "Đang tải",
            "Lịch sử của tài khoản này đang được tải.",
            "Chờ đến khi `load` không còn trong trạng thái đồng bộ, hoặc dừng lại: DELETE ở địa chỉ này.",
        ),
        ProblemCode.NOT_KNOWN_YET: Wording(
            "Chưa biết tài khoản",
            "Lần đồng bộ đầu tiên chưa tìm thấy tài khoản này nên chưa thể đặt tên.",
            "Chờ lần đồng bộ đầu tiên, rồi đặt tên cho tài khoản được tìm thấy.",
        ),
        ProblemCode.ALREADY_CONNECTED: Wording(
            "Đã kết nối",
            "Một kết nối khác đã có tài khoản này.",
            "Ngắt kết nối kia, hoặc kết nối lại và nêu nó trong `replaces`.",
        ),
        ProblemCode.CONNECTION_REMOVED: Wording(
            "Đã ngắt kết nối",
            "Kết nối này đã bị ngắt và thông tin đăng nhập đã bị xóa.",
            "Kết nối lại: POST /connections. Các tài khoản và dữ liệu sẽ được tìm lại.",
        ),
        ProblemCode.CHANGED_MEANWHILE: Wording(
            "Đã thay đổi",
            "Có người khác vừa thay đổi cùng lúc.",
            "Xem lại, rồi lặp lại điều còn cần thiết.",
        ),
        ProblemCode.REQUEST_IN_PROGRESS: Wording(
            "Đang xử lý",
            "Yêu cầu đầu tiên với Idempotency-Key này chưa kết thúc.",
            "Gửi lại sau giây lát: bạn sẽ nhận câu trả lời của yêu cầu đầu tiên.",
        ),
        ProblemCode.BODY_TOO_LARGE: Wording(
            "Quá lớn", "Nội dung vượt quá 16 KB.", "Gửi ít hơn: không yêu cầu nào của API này cần nhiều như vậy."
        ),
        ProblemCode.NOT_JSON: Wording(
            "Không phải JSON",
            "Theo Content-Type, nội dung không phải là JSON.",
            "Gửi JSON với `application/json`.",
        ),
        ProblemCode.INVALID_REQUEST: Wording(
            "Yêu cầu không hợp lệ", "Yêu cầu không hợp lệ.", "Sửa các trường được nêu."
        ),
        ProblemCode.IDEMPOTENCY_KEY_REUSED: Wording(
            "Khóa đã dùng",
            "Idempotency-Key này đã được gửi với nội dung khác.",
            "Dùng khóa mới cho yêu cầu mới.",
        ),
        ProblemCode.EXPORT_TOO_LARGE: Wording(
            "Quá nhiều dòng", "Tệp sẽ có hơn 50.000 dòng.", "Thu hẹp bằng `from`, `to` hoặc `symbol`."
        ),
        ProblemCode.LIMIT_REACHED: Wording(
            "Đã hết lượt",
            "Bạn đã dùng hết số lần đồng bộ thủ công trong một giờ của gói.",
            "Chờ đến `limit.next_allowed_at`. Đồng bộ tự động vẫn tiếp tục.",
        ),
        ProblemCode.INTERNAL: Wording(
            "Lỗi của chúng tôi",
            "Đã xảy ra sự cố ở phía chúng tôi.",
            "Hãy thử lại; nếu vẫn lỗi, cho chúng tôi biết `instance`.",
        ),
        ProblemCode.UNAVAILABLE: Wording(
            "Tạm thời không được",
            "Hiện không kiểm tra được giới hạn.",
            "Hãy thử lại sau một phút.",
        ),
    },
}
