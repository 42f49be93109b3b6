"""An answer to one request, and the answers that many requests share.

An Answer describes the data to send and the way to send them, which faults
change (stop after some bytes, wait, send slowly). server.py does the sending;
nothing here uses a socket.
"""

import json
from http import HTTPStatus

from report import DECLARATION, xmlns
from xmltext import esc

XML = "text/xml; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
JSON = "application/json"

# The texts of empty reports and refusals. The English texts and the French ending
# were published by users; the German and the other French ones are invented.
NOTHING = {
    "en": "No {what} matching your chosen criteria is available{dot}",
    "fr": "Aucune {what} correspondant à vos critères n’est disponible.",
    "de": "Es sind keine {what} vorhanden, die Ihren Kriterien entsprechen.",
}
WHAT = {
    "sessions": ("Support report information", "information de rapport "
                 "d’assistance", "Support-Berichtsinformationen"),
    "team": ("Support Team report information", "information de rapport "
             "d’équipe", "Support-Team-Berichtsinformationen"),
    "vault": ("vault account activity", "activité de compte Vault",
              "Vault-Kontoaktivitäten"),
}
TEXTS = {
    "archive": ("No archives found for the given search criteria.",
                "Aucune archive trouvée pour les critères indiqués.",
                "Für die Suchkriterien wurden keine Archive gefunden."),
    "lsid": ("Invalid lsid.", "lsid non valide.", "Ungültige lsid."),
    "expired": ("This recording has expired and can no longer be viewed or "
                "downloaded.",
                "Cet enregistrement a expiré et ne peut plus être consulté ni "
                "téléchargé.",
                "Diese Aufzeichnung ist abgelaufen und kann nicht mehr "
                "angesehen oder heruntergeladen werden."),
    "recording": ("No recording is available for this session.",
                  "Aucun enregistrement n’est disponible pour cette session.",
                  "Für diese Sitzung ist keine Aufzeichnung verfügbar."),
    "report": ("Invalid report.", "Rapport non valide.", "Ungültiger Bericht."),
    "criteria": ("Invalid start or end time.", "Heure de début ou de fin non "
                 "valide.", "Ungültige Start- oder Endzeit."),
    "duration": ("Invalid duration.", "Durée non valide.", "Ungültige Dauer."),
    "action": ("Invalid action.", "Action non valide.", "Ungültige Aktion."),
}
LANGUAGES = ("en", "fr", "de")


def text(which, language):
    """A refusal's text; `which` is a key of WHAT or TEXTS."""
    n = LANGUAGES.index(language)
    if which in WHAT:
        return NOTHING[language].format(what=WHAT[which][n],
                                        dot="" if which == "vault" else ".")
    return TEXTS[which][n]


class Answer:
    """status, headers and pieces of the body (an iterable of bytes).

    length: bytes of the body, None for no Content-Length.
    wait: seconds before the first byte of the header; wait_body: before the
    body. stop: after so many bytes of the body do `then`: "reset", "close" or
    "stall" (for `pause` seconds, then go on). drip: (bytes, seconds) sends so
    many bytes, then sleeps, and again.
    """

    def __init__(self, status, kind, pieces, length=None, headers=None):
        self.status, self.type = status, kind
        self.pieces, self.length = pieces, length
        self.headers = dict(headers or {})
        self.chunked = False
        self.wait = self.wait_body = 0.0
        self.stop, self.then, self.pause = None, "", 0.0
        self.drip = None
        self.mute = ""          # "close" or "reset" before the first byte
        self.date = 0           # seconds that the Date header is wrong by; or None
        self.token = None       # number of the token that was used

    @classmethod
    def of(cls, status, kind, body, headers=None):
        if isinstance(body, str):
            body = body.encode()
        return cls(status, kind, [body], len(body), headers)

    def body(self):
        """The whole body at once; it can still be sent afterwards."""
        whole = b"".join([bytes(p) for p in self.pieces])
        self.pieces, self.length = [whole], len(whole)
        return whole

    def replace(self, other):
        """Become another answer, but keep the way of sending."""
        self.status, self.type = other.status, other.type
        self.pieces, self.length = other.pieces, other.length
        self.headers, self.chunked = other.headers, False


def error(which, options, api="reporting"):
    """200 and an <error> root: a refusal or an empty report."""
    return error_text(text(which, options.language), options.namespace, api)


def error_text(message, namespace, api="reporting"):
    return Answer.of(200, XML, "%s\n<error%s>%s</error>\n\n\n\n" % (
        DECLARATION, xmlns(namespace, api), esc(message)))


def json_answer(status, value, headers=None):
    return Answer.of(status, JSON, json.dumps(value, ensure_ascii=False),
                     headers)


def denied():
    """A request without a valid token."""
    return json_answer(401, {
        "error": "access_denied",
        "message": "The resource owner or authorization server denied the "
                   "request."}, {"WWW-Authenticate": 'Bearer realm="OAuth"'})


def invalid_client():
    return json_answer(401, {
        "error": "invalid_client",
        "error_description": "Client authentication failed",
        "message": "Client authentication failed"},
        {"WWW-Authenticate": 'Basic realm="OAuth"'})


def page(status, title=None):
    """A page of HTML, as from the web server in front of the appliance."""
    if title is None:
        title = "Document Not Found" if status == 404 \
            else HTTPStatus(status).phrase
    return Answer.of(status, HTML,
                     "<!DOCTYPE html>\n<html>\n<head><title>%s</title></head>\n"
                     "<body>\n<h1>%s</h1>\n<p>&nbsp;</p>\n</body>\n</html>\n"
                     % (title, title))
