"""Words nslookup of Windows is translated to; what follows a colon in an error it leaves in English."""

from __future__ import annotations

import re
from collections.abc import Collection

# English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Czech, Russian, Japanese, Chinese
SERVER = r"(?:Server|Serveur|Servidor|Serwer|Сервер|サーバー|服务器)"
DEFAULT_SERVER = (
    r"(?:Default Server|Standardserver|Serveur par défaut|Servidor predeterminado|Server predefinito|Servidor Padrão|"
    r"Servidor predefinido|Standaardserver|Domyślny serwer|Výchozí server|Сервер по умолчанию|既定のサーバー|"
    r"默认服务器)"
)
NAME = r"(?:Name|Nom|Nombre|Nome|Naam|Nazwa|Namn|Název|Имя|名前|名称)"
ADDRESS = (
    r"(?:Address(?:es)?|Adresses?|Direcci(?:ón|ones)|Indirizz[oi]|Endereços?|Adres(?:sen|y)?|Adress(?:er)?|Адреса?)"
)
NOT_AUTHORITATIVE = re.compile(
    r"^(?:Non-authoritative answer|Nicht[ -]autorisierende Antwort|Réponse ne faisant pas autorité|"
    r"Respuesta no autoritativa|Risposta da un server non (?:autorevole|di fiducia)|"
    r"Não é resposta (?:autoritativa|de autorização)|Niet-bindend antwoord|Nieautorytatywna odpowiedź|"
    r"Icke-auktoritärt svar|Neautorizovaná odpověď|Не заслуживающий доверия ответ|権限のない回答|非权威应答) ?[:：]$",
    re.I,
)
# *** e2.lab.test wurde von UnKnown nicht gefunden: Non-existent domain.
_ERROR = re.compile(r"^\*\*\* (?P<words>[^:]{3,300}?) ?: (?P<what>[A-Z][\w -]{3,40}?)\.?$")
# *** Zeitüberschreitung bei Anforderung an UnKnown.
GAVE_UP = re.compile(r"^\*\*\* [^:]{10,200}$")


def not_found(line: str, server: str, known: Collection[str]) -> tuple[str, str] | None:
    """Return which name was not found and why, where the reason is one of the known ones; the name may be empty."""
    error = _ERROR.match(line)
    if not error or error["what"] not in known:
        return None
    words = [word.strip("\"'«»") for word in error["words"].split()]
    names = [word for word in words if "." in word.strip(".") and word != server]
    return (names[0] if len(names) == 1 else ""), error["what"]
