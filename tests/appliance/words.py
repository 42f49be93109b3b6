"""Names of users, and the texts that they type, open and move.

All of them are invented and chosen to find faults: markup characters, quotes,
characters beyond 16 bits, right-to-left text, combining marks, long names, empty
names. report.py and script.py escape them for XML.
"""

FIRST = (
    "Ada", "Björn", "Chidi", "Dilşad", "Éloïse", "Fumiko", "Gretel", "Håkon",
    "Inês", "Jürgen", "Katarzyna", "Li Wei", "Małgorzata", "Niamh", "Ólafur",
    "Priya", "Quentin", "Róisín", "Søren", "Thị Hương", "Uwe", "Věra",
    "Wanjiru", "Xóchitl", "Yusuf", "Žofie", "محمد", "Ольга", "花子", "דנה",
)

LAST = (
    "Abellán", "O'Dowd", "Castelnuovo", "D'Angelo-Ruiz", "Ekström", "Færch",
    "Gößling", "Hämäläinen", "Ilić", "Jørgensen", "Kowalczyk", "L'Écuyer",
    "Müller-Lüdenscheidt", "Nowak & Sons", "Öztürk", "Pérez", "Quigley",
    "Řezníček", "Sørlie", "Tanaka", "Ünal", "van 't Hoff", "Wójcik",
    "Ximenes", "Yıldız", "Zăvoianu", "العلي", "Иванова", "鈴木", "🛠 Contractor",
)

# name of the operating system, whether it is Windows
SYSTEMS = (
    ("Windows Server 2022 Standard (21H2)", True),
    ("Windows Server 2016 Datacenter (1607)", True),
    ("Windows 11 Pro (23H2)", True),
    ("Windows 10 Enterprise LTSC (21H2)", True),
    ("Red Hat Enterprise Linux 9.4 (Plow)", False),
    ("Debian GNU/Linux 12 (bookworm)", False),
    ("SUSE Linux Enterprise Server 15 SP6", False),
    ("macOS 14.6", False),
    ("Unknown", False),
)

ENDPOINTS = (
    "scada-hmi", "erp-app", "pay-gw", "hist-db", "build", "dc", "jump", "fs",
    "mail-relay", "vpn", "prüfstand", "plc-línea", "ms-sql", "backup", "web",
)

SITES = ("ams", "ber", "cdg", "gva", "hel", "kra", "lis", "osl", "prg", "zrh")

JUMP_GROUPS = (
    "Datacentre <North>", "Línea 4 & 5", "Windows Server", "OT / Leitstand",
    "Vendors", "データベース", "Finance \"restricted\"", "Default",
)

JUMPOINTS = ("jp-north-01", "jp-north-02", "jp-ot", "jp-süd", "jp-dmz & edge",
             "jp-cloud")

TEAMS = ("Plant engineering", "DBA", "Réseau", "Second line", "Vendors <EU>")

ATTRIBUTES = (
    ("Change number", "change_number"),
    ("Kostenstelle", "cost_centre"),
    ("Reason & approval", "reason"),
    ("Übergabe", "handover"),
)

CHAT = (
    "Morning, I'm on it.",
    "Can you see my screen now?",
    "Bitte den Dienst <Spooler> noch nicht neu starten!",
    "pump 3 & 4 are \"hot\" - hands off",
    "ça marche, merci 👍🏽",
    "two lines,\nof which this is the second",
    "tab\there, and trailing blanks   ",
    "see ticket #{ref} for the rest",
    "if (a < b && b > c) { return '#{ref}'; }",
    "re\u0301sume\u0301 with combining accents",
    "مرحبا، هل يمكنك إعادة التشغيل؟",
    "再起動してもよろしいですか。",
    "]]> is only text, and so is <!-- this -->",
    "&amp; was typed like this",
    "🙂🙃 \U0001F9D1\u200D\U0001F527 \U0001F468\u200D\U0001F469\u200D\U0001F467",
    "Reference #{ref}, batch 7, approved by the shift lead, who asks that "
    "nobody touches the historian before the night run has ended and the "
    "reports are signed.",
    "ok",
    "",
)

# Texts with characters that XML forbids: an appliance sends them as base64.
CHAT_RAW = (
    "\x1b[31mred alert\x1b[0m ref #{ref}",
    "form feed\x0cand bell\x07",
    "nul\x00in the middle",
    "pasted from a terminal: \x08\x08\x08 #{ref}",
)

NOTES = (
    "Replaced the certificate, restarted IIS, checked with the shift lead.",
    "Result:\n - table rebuilt\n - 2 < 3 rows \"odd\"\n\nhand over to nights",
    "Nachtrag zu #{ref}: Kabel & Stecker geprüft.",
    "完了。問題ありません。",
)

WINDOWS = (
    ("explorer.exe", "File Explorer"),
    ("mmc.exe", "Services"),
    ("mmc.exe", "Event Viewer (Local) - Application <filtered>"),
    ("ssms.exe", "query{n}.sql - {host}.plant (dbo (71))* - SQL Studio"),
    ("excel.exe", "Übersicht Q{n}.xlsx - \"schreibgeschützt\" - Excel"),
    ("chrome.exe", "Ticket #{ref} | Change & Release – Browser"),
    ("cmd.exe", "Administrator: C:\\Windows\\system32\\cmd.exe - ping {host}"),
    ("putty.exe", "root@{host}: /var/log"),
    ("TIA Portal.exe", "Proyecto línea {n} [PLC_1 <en línea>]"),
    ("outlook.exe", "受信トレイ - 作業報告 {n}"),
    ("notepad.exe", "*\u202etxt.exe - Notepad"),
    ("setup.exe", "Setup – 'Driver & Tools' {n}%"),
    ("", ""),
)

TARGETS = (
    ("OK", "button"), ("Apply", "button"), ("Löschen", "button"),
    ("Close", "title bar"), ("Start", "menu item"), ("", "list item"),
    ("Server names <all>", "tree item"), ("確認", "button"), ("C:", "tree item"),
)

# commands and their output
SHELL = (
    ("hostname", "{host}"),
    ("ipconfig /all", "   IPv4 Address. . . . . : 10.{n}.0.5(Preferred)"),
    ("dir C:\\Temp | findstr \"<DIR>\"", "07/11/2025  09:12    <DIR>   ."),
    ("systemctl status praxis.service", "● praxis.service - Praxis & Co"),
    ("grep -c 'a<b' /etc/hosts && echo \"none\"", "0"),
    ("tail -n 1 /var/log/messages", "kernel: eth{n}: link up, 1000 Mbps"),
    ("sqlplus / as sysdba @check.sql", "SQL> exit"),
    ("Get-Service | ? {{ $_.Status -eq 'Stopped' }}", "Stopped  Fax  Fax"),
    ("cd \"C:\\Program Files\\Anlage {n}\"", ""),
    ("echo naïve café", "naïve café"),
)

FILES = (
    "report-{n}.csv", "dump_{n}.bak", "Übergabe {n}.docx", "a&b<{n}>.txt",
    "patch-{n}.msi", "config.xml", "log.{n}.gz", "図面{n}.pdf", "key's.pem",
    "trailing dot.", "a very long file name that somebody made by pasting the "
    "subject of a mail, with its number {n}, into the box.eml",
)

FOLDERS = ("C:\\Temp\\", "D:\\Austausch\\", "/var/tmp/", "/home/ops/",
           "\\\\fs-01\\share$\\in\\")

REGISTRY = (
    "HKEY_LOCAL_MACHINE\\SOFTWARE\\Praxis",
    "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Spooler",
    "HKEY_CURRENT_USER\\Software\\Größe & Maß",
)

CREDENTIALS = ("PLANT\\svc-sql", "PLANT\\adm-{n}", "root@{host}", "O'Neil (vault)")

REASONS = (
    "Planned change #{ref}",
    "Störung Linie {n}: \"Pumpe steht\"",
    "Vendor visit & calibration",
)

SOFTWARE = (
    "7-Zip", "Acrobat Reader", "Wireshark", "Historian Client <64-bit>",
    "Python 3.12", "VPN & Tunnel", "Zähler-Konfigurator", "ODBC Driver 18",
)
